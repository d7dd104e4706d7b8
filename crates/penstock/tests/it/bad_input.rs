//! What is wrong is said in words that help, with an exit code, and nothing is left half-done.

use std::path::Path;
use std::process::Stdio;

use penstock_api::{NewProject, RunView};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::house::{House, complaint, directory};
use crate::shop::{Repository, run_in};

/// `penstock server` failed.
const FAILED: i32 = 3;
/// `penstock doctor` found something.
const NOT_GOOD: i32 = 1;

#[tokio::test]
async fn a_port_in_use_is_named_and_nothing_is_written() {
    let house = House::build();
    let taken = TcpListener::bind(house.url.trim_start_matches("http://")).await.unwrap();
    let (code, said) = complaint(&house.penstock(&["server"]).await);
    assert_eq!(code, FAILED, "{said}");
    assert!(said.contains(&taken.local_addr().unwrap().to_string()) && said.contains("--listen"), "{said}");
    assert!(!house.data().exists(), "nothing is written before it is known that the server can run");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let house = House::open().await;
    let (data, listen) = (house.data(), penstock_testkit::free_address().to_string());
    let mut second = Command::new(house.program());
    second.args(["server", "--data"]).arg(&data).args(["--listen", &listen]).stdin(Stdio::null());
    let (code, said) = complaint(&second.output().await.unwrap());
    assert_eq!(code, FAILED, "{said}");
    assert!(said.contains(&data.display().to_string()), "{said}");
    let _: Value = house.admin().client.get("/status").await.unwrap();
}

#[tokio::test]
async fn without_root_the_server_says_so_and_writes_nothing() {
    let house = House::build();
    std::os::unix::fs::chown(house.dir.path(), Some(65_534), Some(65_534)).unwrap();
    let mut server = Command::new(house.program());
    server.args(["server", "--config"]).arg(house.config()).uid(65_534).gid(65_534).stdin(Stdio::null());
    let (code, said) = complaint(&server.output().await.unwrap());
    assert_eq!(code, FAILED, "{said}");
    assert!(said.contains("root"), "{said}");
    assert!(!house.data().exists(), "{said}");
}

#[tokio::test]
async fn a_missing_tool_is_found_by_the_doctor_with_what_to_do() {
    let nothing = directory();
    let house = House::with(nothing.path(), None);
    let mut doctor = Command::new(house.program());
    doctor.args(["doctor", "--config"]).arg(house.config()).env("PATH", nothing.path()).stdin(Stdio::null());
    let output = doctor.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(NOT_GOOD), "{said}");
    for words in ["apt-get install git", "tools.lock", "setup/setup.sh"] {
        assert!(said.contains(words), "{said}");
    }
    let mut server = Command::new(house.program());
    server.args(["server", "--config"]).arg(house.config()).env("PATH", nothing.path()).stdin(Stdio::null());
    let (code, said) = complaint(&server.output().await.unwrap());
    assert_eq!(code, FAILED, "{said}");
    assert!(said.contains("git is missing") && said.contains("apt-get install git"), "{said}");
}

/// A server with a project whose files are pushed by hand.
struct Project {
    house: House,
    source: Repository,
}

impl Project {
    async fn open() -> Self {
        let house = House::open().await;
        let ada = house.user("ada").await;
        let new = NewProject { name: "shop".parse().unwrap(), config: None, branch: None };
        let _: Value = house.admin().client.post("/projects", &new).await.unwrap();
        let source = Repository::new(&house, "shop", &ada).await;
        source.write("penstock.yaml", "version: 1\nproject: {name: shop, pipeline: .gitlab-ci.yml, config: shop-config}\n");
        Self { house, source }
    }

    /// Pushes what is there; gives what the server said and the run.
    async fn push(&self, message: &str) -> (String, String) {
        self.source.commit(message).await;
        let said = self.source.push().await.unwrap();
        let run = run_in(&said);
        (said, run)
    }

    /// A run at its end.
    async fn ended(&self, run: &str) -> RunView {
        self.house.ended(run).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pipeline_file_is_answered_to_the_push_with_file_line_key_and_caret() {
    let project = Project::open().await;
    project.source.write(".gitlab-ci.yml", "build:\n  script:\n    - 'true'\n  scripts_after: oops\n");
    let (said, run) = project.push("Break the pipeline").await;
    let wanted = [".gitlab-ci.yml:4", "scripts_after", "^"];
    assert!(wanted.iter().all(|words| said.contains(words)), "{said}");
    assert_eq!(project.ended(&run).await.summary.status, "rejected");
    // the server is none the worse for it
    project.source.write(".gitlab-ci.yml", "build:\n  script:\n    - 'true'\n");
    let (_, run) = project.push("Repair the pipeline").await;
    assert_eq!(project.ended(&run).await.summary.status, "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_out_of_the_tree_is_named_and_nothing_behind_it_is_read() {
    let project = Project::open().await;
    project.source.write(".gitlab-ci.yml", "look:\n  script:\n    - cat leak\n");
    std::os::unix::fs::symlink("../../../../../../etc/hostname", project.source.folder.join("leak")).unwrap();
    let (_, run) = project.push("Link out of the tree").await;
    let view = project.ended(&run).await;
    let job = &view.jobs[0];
    assert_eq!((view.summary.status.as_str(), job.status.as_str()), ("failed", "failed"));
    assert!(job.message.contains("`leak`") && job.message.contains("leads out of the tree"), "{}", job.message);
    assert!(job.message.contains("make it point at a file of the tree"), "{}", job.message);
    // a pipeline file that is a link is no pipeline file
    std::fs::remove_file(project.source.folder.join("leak")).unwrap();
    std::fs::remove_file(project.source.folder.join(".gitlab-ci.yml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", project.source.folder.join(".gitlab-ci.yml")).unwrap();
    let (said, run) = project.push("Link the pipeline file").await;
    assert!(said.contains(".gitlab-ci.yml") && said.contains("is a link"), "{said}");
    assert!(!said.contains("root:"), "{said}");
    assert_eq!(project.ended(&run).await.summary.status, "rejected");
    assert!(sweepings(&project.house.data()).is_empty());
}

/// Half-written files that nobody will look at again.
fn sweepings(data: &Path) -> Vec<String> {
    let half = |name: &str| name.contains(".partial") || name.starts_with(".tmp-");
    let mut found = Vec::new();
    let mut folders = vec![data.join("git/.tmp"), data.join("blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if half(&name) {
                found.push(name);
            }
        }
    }
    found
}
