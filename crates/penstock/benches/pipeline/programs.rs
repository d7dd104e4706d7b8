//! Who carries the files out.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whose language a file speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Gitlab,
    Workflow,
}

/// A program that runs pipeline files.
pub struct Program {
    /// With its version.
    pub name: String,
    /// Where its jobs run.
    pub executor: &'static str,
    pub dialects: &'static [Dialect],
    pub is_ours: bool,
    argv: Vec<PathBuf>,
    env: Vec<(&'static str, PathBuf)>,
}

impl Program {
    /// Runs the one file of its dialect that a repository has.
    pub fn run(&self, repository: &Path) -> Command {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(repository);
        command
    }

    /// As its version's output names it.
    fn versioned(mut self, name: &str, arguments: &[&str]) -> Result<Self, String> {
        let output = Command::new(&self.argv[0]).args(arguments).output().map_err(|error| format!("{name}: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = said.split_whitespace().last().unwrap_or_default();
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default()));
        }
        self.name = format!("{name} {version}");
        Ok(self)
    }
}

/// Those that are there, Penstock first; and why others are not.
pub fn found() -> (Vec<Program>, Vec<String>) {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/peers");
    let all = [penstock(), act(&peers), gitlab_ci_local(&peers)];
    let (mut programs, mut absent) = (Vec::new(), Vec::new());
    for one in all {
        match one {
            Ok(program) => programs.push(program),
            Err(why) => absent.push(format!("{why} (`setup/setup.sh peers` installs it)")),
        }
    }
    (programs, absent)
}

fn penstock() -> Result<Program, String> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_penstock"));
    let dialects = &[Dialect::Gitlab, Dialect::Workflow];
    let executor = "on the host, each job in a sandbox of its own";
    Program { name: String::new(), executor, dialects, is_ours: true, argv: vec![program, "run".into()], env: Vec::new() }
        .versioned("penstock", &["--version"])
}

fn act(peers: &Path) -> Result<Program, String> {
    let argv = vec![peers.join("act/bin/act"), "push".into(), "-P".into(), "ubuntu-latest=-self-hosted".into()];
    // it asks for an image the first time, unless it has a file that says one
    let settings = peers.join("act-settings");
    std::fs::create_dir_all(settings.join("act"))
        .and_then(|()| std::fs::write(settings.join("act/actrc"), ""))
        .map_err(|error| error.to_string())?;
    let env = vec![("XDG_CONFIG_HOME", settings.clone()), ("XDG_CACHE_HOME", settings.join("cache"))];
    Program {
        name: String::new(),
        executor: "-self-hosted: on the host, no sandbox",
        dialects: &[Dialect::Workflow],
        is_ours: false,
        argv,
        env,
    }
    .versioned("act", &["--version"])
}

fn gitlab_ci_local(peers: &Path) -> Result<Program, String> {
    let modules = peers.join("gitlab-ci-local/node_modules");
    let script = modules.join("gitlab-ci-local/dist/index.js");
    let shown = script.display().to_string();
    let argv = vec![modules.join("node/bin/node"), script];
    let executor = "shell: on the host, no sandbox";
    Program { name: String::new(), executor, dialects: &[Dialect::Gitlab], is_ours: false, argv, env: Vec::new() }
        .versioned("gitlab-ci-local", &[&shown, "--version"])
}
