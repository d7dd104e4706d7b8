//! `penstock run` in a developer's own clone.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::house::{House, LIMIT, directory, git};

const PIPELINE: &str = "whole:
  script:
    - git describe --tags --dirty
    - test -z \"$(git status --porcelain)\"
    - git log --format='subject %s'
    - git diff --name-only origin/main...HEAD
    - test \"$(git rev-parse HEAD)\" = \"$CI_COMMIT_SHA\"
    - if git push -q origin HEAD:refs/heads/x 2>/dev/null; then echo pushed; exit 1; fi
";

/// A folder for tools that no job here needs.
fn no_tools(dir: &Path) -> PathBuf {
    let tools = dir.join("tools");
    std::fs::create_dir(&tools).unwrap();
    tools
}

#[test]
fn signals_that_whoever_started_it_ignores_still_end_a_job_s_programs() {
    let shop = Shop::new("look:\n  script: [\"sh -c 'kill -INT $$; echo survived' || echo ended by $?\"]\n");
    let run = shop.command(&[]);
    let output = Command::new("env").arg("--ignore-signal=INT").arg(run.get_program()).args(run.get_args()).current_dir(&shop.at).output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(said.contains("\n  ended by 130") && !said.contains("\n  survived"), "{said}");
}

#[test]
fn git_in_a_job_of_a_local_run_answers_as_in_the_clone_a_worktree_of_it_and_one_that_borrows_its_objects() {
    let dir = directory();
    let house = House::with(&no_tools(dir.path()), None);
    let (clone, worktree, borrower) = (dir.path().join("shop"), dir.path().join("tree"), dir.path().join("borrower"));
    git(dir.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
    std::fs::write(clone.join(".gitlab-ci.yml"), PIPELINE).unwrap();
    std::fs::write(clone.join(".gitignore"), ".penstock\n").unwrap();
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "--message=first"]);
    git(&clone, &["tag", "--annotate", "--message=one", "v1.0"]);
    git(&clone, &["switch", "--quiet", "--create=topic"]);
    std::fs::write(clone.join("new.txt"), "new").unwrap();
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "--message=second"]);
    git(&clone, &["worktree", "add", "--quiet", "-b", "beside", &worktree.display().to_string()]);
    git(dir.path(), &["clone", "--quiet", "--shared", "shop", "borrower"]);
    git(&borrower, &["branch", "main", "origin/main"]);
    for place in [&clone, &worktree, &borrower] {
        // whatever umask it has: jobs are other users
        let mut run = Command::new("sh");
        run.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(house.program());
        run.args(["run", "--repository"]).arg(place).arg("--config").arg(house.config()).stdin(Stdio::null());
        let output = run.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}{}", place.display(), String::from_utf8_lossy(&output.stderr));
        let lines: Vec<_> = said.lines().map(str::trim).collect();
        assert!(lines.iter().any(|line| line.starts_with("v1.0-1-g") && !line.contains("dirty")), "{said}");
        for line in ["subject second", "subject first", "new.txt"] {
            assert!(lines.contains(&line), "{line}: {said}");
        }
    }
}

/// A repository in which `penstock run` is called.
pub struct Shop {
    house: House,
    _dir: tempfile::TempDir,
    pub at: PathBuf,
}

impl Shop {
    pub fn new(pipeline: &str) -> Self {
        let dir = directory();
        let at = dir.path().join("shop");
        git(dir.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
        std::fs::write(at.join(".gitlab-ci.yml"), pipeline).unwrap();
        std::fs::write(at.join("file"), "committed\n").unwrap();
        git(&at, &["add", "."]);
        git(&at, &["commit", "--quiet", "--message=first"]);
        Self { house: House::with(&no_tools(dir.path()), None), _dir: dir, at }
    }

    /// Puts the whole content there at once: whoever watches never sees half of it.
    fn write(&self, path: &str, content: &str) {
        let written = self.at.with_file_name("written");
        std::fs::write(&written, content).unwrap();
        std::fs::rename(written, self.at.join(path)).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut run = Command::new(self.house.program());
        run.arg("run").args(arguments).arg("--config").arg(self.house.config()).current_dir(&self.at).stdin(Stdio::null());
        run
    }

    /// What it printed on both channels, and its exit code.
    fn run(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.command(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (said, output.status.code().unwrap())
    }

    #[track_caller]
    pub fn says(&self, arguments: &[&str], code: i32, parts: &[&str]) -> String {
        let (said, ended) = self.run(arguments);
        assert_eq!(ended, code, "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?} does not say `{part}`: {said}");
        }
        said
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git").args(arguments).current_dir(&self.at).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Names of jobs that a run had, as its table has them.
fn jobs(said: &str) -> Vec<&str> {
    let table = said.rsplit("STATUS").next().unwrap();
    table.lines().skip(1).filter_map(|line| line.split_once("  ")).map(|(job, _)| job).collect()
}

#[test]
fn a_run_has_the_working_tree_as_it_is_and_leaves_the_clone_as_it_was() {
    let shop = Shop::new("look:\n  script: ['cat file new', 'test ! -e ignored', 'git status --porcelain']\n");
    shop.write("file", "changed\n");
    shop.write("new", "untracked\n");
    shop.write("staged", "staged\n");
    shop.write("ignored", "ignored\n");
    shop.write(".git/info/exclude", "ignored\n");
    git(&shop.at, &["add", "staged"]);
    let state = || {
        (
            shop.git(&["status", "--porcelain"]),
            shop.git(&["count-objects", "-v"]),
            shop.git(&["for-each-ref"]),
            shop.git(&["stash", "list"]),
            std::fs::read(shop.at.join(".git/index")).unwrap(),
        )
    };
    let before = state();
    for _ in 0..2 {
        let said = shop.says(&[], 0, &["changed", "untracked"]);
        assert!(!said.contains("committed") && !said.contains(" M "), "{said}");
    }
    assert_eq!(state(), before);
}

#[test]
fn named_jobs_run_with_what_they_need_or_alone_and_a_name_that_is_none_suggests_the_near_one() {
    let shop = Shop::new(
        "stages: [build, test]
build: {stage: build, script: 'echo made > out', artifacts: {paths: [out]}}
other: {stage: build, script: 'true'}
unit: {stage: test, script: 'cat out', needs: [build]}
by hand: {stage: test, script: 'true', when: manual, needs: []}
never: {stage: test, script: 'true', rules: [{if: $NEVER}]}
",
    );
    assert_eq!(jobs(&shop.says(&["unit"], 0, &["made"])), ["build", "unit"]);
    assert_eq!(jobs(&shop.says(&["unit", "--no-needs"], 1, &["No such file"])), ["unit"]);
    assert_eq!(jobs(&shop.says(&["by hand"], 0, &["by hand  success"])), ["by hand"]);
    shop.says(&["--manual", "by hand"], 0, &["by hand  success"]);
    shop.says(&["unti"], 6, &["there is no job `unti`; did you mean `unit`?"]);
    shop.says(&["never"], 1, &["job `never` is not in the plan: the rule on line 6 does not match"]);
    shop.says(&["never", "--var", "NEVER=1"], 0, &["never  success"]);
    shop.says(&["--manual", "unit"], 2, &["`unit` is not a manual job"]);
}

#[test]
fn a_run_is_of_the_event_that_is_asked_for() {
    let shop = Shop::new(
        "on push: {script: 'echo $CI_COMMIT_BRANCH', rules: [{if: $CI_PIPELINE_SOURCE == \"push\"}]}
on merge: {script: 'echo into $CI_MERGE_REQUEST_TARGET_BRANCH_NAME', rules: [{if: $CI_PIPELINE_SOURCE == \"merge_request_event\"}]}
on schedule: {script: 'true', rules: [{if: $CI_PIPELINE_SOURCE == \"schedule\"}]}
tagged: {script: 'echo tag $CI_COMMIT_TAG', rules: [{if: $CI_COMMIT_TAG}]}
",
    );
    assert_eq!(jobs(&shop.says(&["--branch", "topic"], 0, &["topic"])), ["on push"]);
    assert_eq!(jobs(&shop.says(&["--event", "merge_request_event", "--branch", "topic"], 0, &["into main"])), ["on merge"]);
    assert_eq!(jobs(&shop.says(&["--event", "schedule"], 0, &[])), ["on schedule"]);
    assert_eq!(jobs(&shop.says(&["--tag", "v1"], 0, &["tag v1"])), ["on push", "tagged"]);
    shop.says(&["--event", "a push"], 2, &["`a push` is no event"]);
}

#[test]
fn a_run_is_resumed_at_what_failed_with_what_it_had() {
    let shop = Shop::new(
        "stages: [build, test, deploy]
build: {stage: build, script: 'date +%N > out', artifacts: {paths: [out]}}
test: {stage: test, script: ['cat out', 'test -n \"$(ls $MARK)\"']}
ship: {stage: deploy, script: 'cat file'}
",
    );
    let mark = shop.at.parent().unwrap().join("mark");
    std::fs::create_dir(&mark).unwrap();
    let config = std::fs::read_to_string(shop.house.config()).unwrap();
    std::fs::write(shop.house.config(), config.replace("toolchains: [", &format!("toolchains: [{}, ", mark.display()))).unwrap();
    let variable = format!("MARK={}", mark.display());
    let said = shop.says(&["--var", &variable], 1, &["test   failed", "ship   skipped"]);
    let first: Vec<_> = said.lines().filter(|line| line.trim().len() == 9 && line.trim().parse::<u32>().is_ok()).collect();
    std::fs::write(mark.join("now"), "").unwrap();
    shop.write("file", "changed since\n");
    let said = shop.says(&["--from", "failed"], 0, &["ship   success", "has changed since", "committed"]);
    assert!(
        said.contains(first[0]) && !said.contains("> out"),
        "the artifact is the first attempt's, and `build` did not run again: {said}"
    );
    shop.says(&["--from", "failed"], 6, &["no job of the last run failed"]);
}

#[test]
fn an_interrupted_run_is_cancelled_and_cleans_up() {
    let begun = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let tell = format!("echo > /dev/tcp/127.0.0.1/{}", begun.local_addr().unwrap().port());
    let shop = Shop::new(&format!("long:\n  script: ['{tell}', 'sleep 1000']\n  after_script: ['echo cleaned up']\n"));
    let child = shop.command(&[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(begun.accept().unwrap());
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("long  cancelled") && said.contains("cleaned up"), "{said}");
}

#[test]
fn a_change_runs_again_what_it_touches_and_ends_what_runs() {
    let shop = Shop::new(
        "code: {script: ['cat file', 'if grep -q wait file; then sleep 1000; fi'], rules: [{changes: [file]}]}
docs: {script: 'echo documents', rules: [{changes: ['docs/*']}]}
",
    );
    std::fs::create_dir(shop.at.join("docs")).unwrap();
    shop.write("docs/a", "a");
    shop.write(".git/info/exclude", "ignored\n");
    // one pipe for both, as a terminal has it: what is said on two is not in order
    let (reader, writer) = std::io::pipe().unwrap();
    let mut watching = shop.command(&["--watch", "--since", "HEAD"]);
    let mut child = watching.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
    drop(watching);
    let (sender, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || std::io::BufReader::new(reader).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let until = |part: &str| -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let line = said.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("it does not say `{part}`: {seen:#?}"));
            seen.push(line.clone());
            if line.contains(part) {
                return seen;
            }
        }
    };
    until("documents");
    until("waiting for a change");
    shop.write("ignored", "what is ignored touches nothing");
    shop.write("file", "wait\n");
    let seen = until("code started");
    assert!(seen.iter().any(|line| line.contains("changed: file")) && !seen.iter().any(|line| line.contains("docs started")), "{seen:?}");
    shop.write("file", "second\n");
    let seen = until("second");
    assert!(seen.iter().any(|line| line.contains("code  cancelled")), "{seen:?}");
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    until("waiting for a change");
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn several_pipeline_files_that_count_each_have_a_run() {
    let shop = Shop::new("a: {script: 'echo in gitlab'}\n");
    std::fs::create_dir_all(shop.at.join(".github/workflows")).unwrap();
    shop.write(".github/workflows/ci.yml", "on: push\njobs: {b: {runs-on: ubuntu-latest, steps: [{run: echo in github}]}}\n");
    shop.says(&[], 6, &["are a decision"]);
    shop.write("penstock.yaml", "version: 1\nproject: {name: shop, config: c, pipeline: [.gitlab-ci.yml, .github/workflows/ci.yml]}\n");
    shop.says(&[], 0, &["in gitlab", "in github"]);
}

#[test]
fn a_job_whose_inputs_did_not_change_is_not_run_again_and_what_comes_after_has_what_it_left() {
    let shop = Shop::new(
        "stages: [build, test]
build: {stage: build, script: ['date +%N > out', 'echo ran the build'], artifacts: {paths: [out]}}
test: {stage: test, script: ['cat out', 'cat file']}
",
    );
    let file = "version: 1\nproject: {name: shop, config: c, pipeline: .gitlab-ci.yml}\njobs: {build: {inputs: [src]}}\n";
    shop.write("penstock.yaml", file);
    std::fs::create_dir(shop.at.join("src")).unwrap();
    shop.write("src/a", "one\n");
    let number = |said: &str| {
        said.lines().map(str::trim).find(|line| line.len() == 9 && line.bytes().all(|b| b.is_ascii_digit())).unwrap().to_owned()
    };
    let first = number(&shop.says(&[], 0, &["ran the build", "no attempt of it has succeeded before"]));
    shop.write("file", "something else\n");
    let said = shop.says(&[], 0, &["nothing that it depends on has changed", "taken from", "something else"]);
    assert!(!said.contains("ran the build") && number(&said) == first, "{said}");
    shop.write("src/a", "two\n");
    let said = shop.says(&[], 0, &["ran the build", "this differs from run", "`src/a`"]);
    assert_ne!(number(&said), first);
    shop.says(&["--from", "build"], 0, &["ran the build", "it is tried again"]);
    shop.write("penstock.yaml", &file.replace("build:", "biuld:"));
    shop.says(&[], 2, &["has no job `biuld`"]);
}
