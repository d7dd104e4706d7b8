//! What is measured.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::programs::{Dialect, Program};
use super::timing::{Timing, repeated};

/// How often Penstock runs each case.
const ROUNDS: usize = 30;
/// How many jobs a chain has, and how many in what slower programs get.
const CHAIN: (u32, u32) = (100, 20);
/// How many steps there are in a job.
const STEPS: u32 = 100;

/// What is run, and what is made of its times.
pub struct Case {
    pub name: &'static str,
    pub dialects: Vec<Dialect>,
    /// What Penstock's median may be, in milliseconds.
    pub bound: Option<f64>,
    /// How often the others run it.
    others: usize,
    kind: Kind,
}

enum Kind {
    /// Over `bash -c true`, which is the job's own work.
    One,
    /// What each job adds.
    Chain,
    /// What each step adds over `bash -c true`.
    Steps,
    /// The whole.
    Side,
}

/// All of them.
pub fn all() -> Vec<Case> {
    let both = || vec![Dialect::Gitlab, Dialect::Workflow];
    vec![
        Case { name: "one job, over the job's own time", dialects: both(), bound: Some(60.0), others: 10, kind: Kind::One },
        Case { name: "each job of a chain of `needs`", dialects: both(), bound: Some(8.0), others: 3, kind: Kind::Chain },
        Case {
            name: "each of 100 steps, over bash itself",
            dialects: vec![Dialect::Workflow],
            bound: Some(2.0),
            others: 5,
            kind: Kind::Steps,
        },
        Case { name: "slow (3 s) beside fast, then after (3 s)", dialects: both(), bound: None, others: 3, kind: Kind::Side },
    ]
}

impl Case {
    /// By one program.
    pub fn figure(&self, program: &Program, dialect: Dialect) -> Result<Timing, String> {
        let rounds = if program.is_ours { ROUNDS } else { self.others };
        let run = |text: String, rounds: usize| {
            let repository = repository(&text, dialect);
            repeated(rounds, || program.run(repository.path()))
        };
        match self.kind {
            Kind::One => Ok(run(chain(1, dialect), rounds)?.each(bash()?, 1)),
            Kind::Chain => {
                let jobs = if program.is_ours { CHAIN.0 } else { CHAIN.1 };
                let one = run(chain(1, dialect), rounds)?;
                Ok(run(chain(jobs, dialect), rounds)?.each(one.median, jobs - 1))
            }
            Kind::Steps => {
                let one = run(steps(1), rounds)?;
                let bash = bash()?;
                let each = run(steps(STEPS), rounds)?.each(one.median, STEPS - 1);
                Ok(each.each(bash, 1))
            }
            // half a minute for each ten
            Kind::Side => run(side(dialect), if dialect == Dialect::Gitlab { rounds } else { rounds.min(10) }),
        }
    }
}

/// What a shell takes that does nothing, now.
fn bash() -> Result<f64, String> {
    let shell = || {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", "true"]);
        command
    };
    repeated(ROUNDS, shell).map(|timing| timing.median)
}

fn chain(jobs: u32, dialect: Dialect) -> String {
    let begin = if dialect == Dialect::Workflow { "on: push\njobs:\n" } else { "" };
    let job = |number: u32| match (dialect, number.checked_sub(1)) {
        (Dialect::Gitlab, Some(before)) => format!("job-{number}:\n  needs: [job-{before}]\n  script: [\"true\"]\n"),
        (Dialect::Gitlab, None) => "job-0:\n  needs: []\n  script: [\"true\"]\n".to_owned(),
        (Dialect::Workflow, Some(before)) => {
            format!("  job-{number}: {{runs-on: ubuntu-latest, needs: job-{before}, steps: [{{run: \"true\"}}]}}\n")
        }
        (Dialect::Workflow, None) => "  job-0: {runs-on: ubuntu-latest, steps: [{run: \"true\"}]}\n".to_owned(),
    };
    begin.to_owned() + &(0..jobs).map(job).collect::<String>()
}

fn steps(count: u32) -> String {
    let begin = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    defaults: {run: {shell: bash}}\n    steps:\n";
    begin.to_owned() + &"      - run: \"true\"\n".repeat(usize::try_from(count).unwrap_or(0))
}

/// `after` waits for `fast` alone, and for nothing else that is slow.
fn side(dialect: Dialect) -> String {
    match dialect {
        Dialect::Gitlab => "slow: {script: [sleep 3]}\nfast: {script: [\"true\"]}\nafter: {needs: [fast], script: [sleep 3]}\n".to_owned(),
        Dialect::Workflow => {
            let job =
                |name: &str, needs: &str, run: &str| format!("  {name}: {{runs-on: ubuntu-latest, {needs}steps: [{{run: \"{run}\"}}]}}\n");
            ["on: push\njobs:\n".to_owned(), job("slow", "", "sleep 3"), job("fast", "", "true"), job("after", "needs: fast, ", "sleep 3")]
                .concat()
        }
    }
}

fn repository(pipeline: &str, dialect: Dialect) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join(if dialect == Dialect::Gitlab { ".gitlab-ci.yml" } else { ".github/workflows/ci.yml" });
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("the folder");
    std::fs::write(file, pipeline).expect("the pipeline file");
    std::fs::write(directory.path().join(".gitignore"), ".penstock/\n.gitlab-ci-local/\n").expect("the ignored");
    git(directory.path(), &["init", "--quiet", "--initial-branch", "main"]);
    git(directory.path(), &["add", "."]);
    git(directory.path(), &["commit", "--quiet", "--message", "Begin"]);
    // gitlab-ci-local wants to know where it comes from
    git(directory.path(), &["remote", "add", "origin", "https://git.example.org/bench/bench.git"]);
    directory
}

fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=Bench", "-c", "user.email=bench@example.org"];
    let done = Command::new("git").current_dir(directory).args(identity).args(arguments).status();
    assert!(done.expect("git starts").success(), "git {arguments:?}");
}
