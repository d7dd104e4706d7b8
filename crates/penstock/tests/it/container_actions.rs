//! A workflow with container actions: images of the own registry, and an action that is built from its Dockerfile; in a developer's
//! own clone and on a server.

use std::path::Path;
use std::process::{Command, Stdio};

use penstock_api::RunView;

use crate::house::{House, directory, git};
use crate::shop::{Repository, run_in};

const WORKFLOW: &str = r#"on: push
jobs:
  image:
    runs-on: ubuntu-latest
    steps: [{run: "penstock build --image base --context ci/base"}]
  host:
    needs: image
    runs-on: ubuntu-latest
    steps:
      - run: echo host > file
      - uses: docker://shop/base
        with: {args: "/bin/sh -ec \"id -u; pwd; cat file; mkdir -m 700 deep; echo root > deep/made\""}
      - run: cat deep/made; rm -r deep file; test "$(stat -c %u .git)" = "$(id -u)"
      - {id: greet, uses: ./ci/greet, with: {who: ada}}
      - run: echo "got ${{ steps.greet.outputs.said }}"; git status --short
      - {uses: ./ci/greet, with: {who: nobody}, continue-on-error: true}
  inside:
    needs: host
    runs-on: ubuntu-latest
    container: {image: shop/base}
    steps:
      - {id: greet, uses: ./ci/greet, with: {who: bob}}
      - run: echo "got ${{ steps.greet.outputs.said }}"
"#;

const ACTION: &str = r#"name: Greet
inputs: {who: {required: true}}
outputs: {said: {description: x}}
runs:
  using: docker
  image: Dockerfile
  entrypoint: /greet.sh
  args: ['hello ${{ inputs.who }}']
  env: {WORD: "${{ inputs.who }}"}
  post-entrypoint: /bye.sh
"#;

const FILES: &[(&str, &str)] = &[
    (".github/workflows/ci.yml", WORKFLOW),
    (
        "ci/base/Dockerfile",
        "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\nCMD [\"/bin/sh\"]\n",
    ),
    ("ci/greet/action.yml", ACTION),
    ("ci/greet/Dockerfile", "FROM shop/base\nCOPY --chmod=755 greet.sh bye.sh /\nRUN echo built > /built\n"),
    (
        "ci/greet/greet.sh",
        "#!/bin/sh\ncat /built\ntest \"$INPUT_WHO\" = \"$WORD\" && test \"$WORD\" != nobody || exit 9\necho \"said=$1\" >> $GITHUB_OUTPUT\necho kept=$1 >> $GITHUB_STATE\n",
    ),
    ("ci/greet/bye.sh", "#!/bin/sh\necho \"bye $STATE_kept in $(pwd)\"\n"),
];

/// What a run says of itself.
const SAID: &[&str] = &[
    "docker://shop/base is shop/base@sha256:",
    "0\n/github/workspace\nhost\n",
    "root\n",
    "got hello ada",
    "exit code 9",
    "bye hello ada in /github/workspace",
    "got hello bob",
];

fn write(at: &Path) {
    for (path, text) in FILES {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let busybox = std::fs::read("/usr/bin/busybox").or_else(|_| std::fs::read("/bin/busybox"));
    let busybox = busybox.expect("the Debian package busybox-static must be installed: apt-get install busybox-static");
    let path = at.join("ci/base/busybox");
    std::fs::write(&path, &busybox).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// A log as people read it, without the blanks before lines.
fn check(said: &str) {
    let plain: String = said.lines().flat_map(|line| [line.trim_start(), "\n"]).collect();
    for expected in SAID {
        assert!(plain.contains(expected), "no `{expected}`: {plain}");
    }
}

#[test]
fn container_actions_run_in_a_clone_and_what_did_not_change_is_not_built_again() {
    let dir = directory();
    let house = House::build();
    let clone = dir.path().join("shop");
    git(dir.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
    write(&clone);
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "--message=first"]);
    let run = |arguments: &[&str], code: i32| {
        let mut run = Command::new(house.program());
        run.args(arguments).current_dir(&clone).stdin(Stdio::null());
        if arguments[0] == "run" {
            run.arg("--config").arg(house.config());
        }
        let output = run.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    assert!(run(&["explain", "host"], 0).contains("its steps run ./ci/greet/Dockerfile, docker://shop/base"));
    let plan = run(&["plan", "--output", "json"], 0);
    assert!(plan.contains("\"images\": [") && plan.contains("\"docker://shop/base\""), "{plan}");
    let (built, kept) =
        ("[stage 0] RUN echo built > /built", "./ci/greet/Dockerfile is remote.images/shop/actions/ci-greet-dockerfile@sha256:");
    let said = run(&["run"], 0);
    check(&said);
    // the second job of the run has the image of the first
    assert_eq!((said.matches(&format!("{built}: ")).count(), said.matches(kept).count()), (1, 2), "{said}");
    let again = run(&["run", "host"], 0);
    assert!(!again.contains(built) && again.contains(kept), "{again}");
    // what changes is built anew
    std::fs::write(clone.join("ci/greet/Dockerfile"), "FROM shop/base\nRUN exit 5\n").unwrap();
    let failed = run(&["run", "host"], 1);
    assert!(failed.contains("ci/greet/Dockerfile: ") || failed.contains("`RUN exit 5` ended with code 5"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn container_actions_run_on_a_server() {
    let mut house = House::open().await;
    let admin = house.admin();
    let clone = Repository::alone(&house, "shop").await;
    write(&clone.folder);
    clone.commit("first").await;
    let run = run_in(&clone.push().await.unwrap());
    let view: RunView = house.ended(&run).await;
    let mut said = String::new();
    for job in &view.jobs {
        let mut logs = Command::new(house.program());
        logs.args(["logs", &run, job.name.as_str()]).env("PENSTOCK_URL", &house.url).env("PENSTOCK_TOKEN", &admin.token);
        let log = logs.stdin(Stdio::null()).output().unwrap();
        said.push_str(&String::from_utf8_lossy(&log.stdout));
    }
    assert_eq!(view.summary.status, "success", "{said}");
    check(&said);
    house.stop().await;
}
