//! Starting git.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use penstock_model::git::GitError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// How long a command on local repositories may take.
pub(crate) const LOCAL: Duration = Duration::from_secs(120);
/// How much a command may print, unless its caller allows more.
pub(crate) const OUTPUT: u64 = 64 * 1024 * 1024;
/// How much of what a failed command said is shown.
const SAID: usize = 2000;

/// Configuration that holds for every command, instead of the machine's and the user's.
const CONFIG: &[(&str, &str)] = &[
    // repositories belong to whoever runs the server, which may be another user than the one who made them
    ("safe.directory", "*"),
    ("core.fsync", "committed,reference"),
    ("core.logAllRefUpdates", "true"),
    // nothing runs after its command has ended
    ("gc.auto", "0"),
    ("gc.autoDetach", "false"),
    ("maintenance.auto", "false"),
    ("receive.autogc", "false"),
    // what is pushed is looked at, before it is kept; old tools made the harmless oddities
    ("transfer.fsckObjects", "true"),
    ("receive.fsck.zeroPaddedFilemode", "warn"),
    ("receive.fsck.missingSpaceBeforeDate", "warn"),
    ("fetch.fsck.zeroPaddedFilemode", "warn"),
    ("fetch.fsck.missingSpaceBeforeDate", "warn"),
    // a replaced object would be another one under the same id
    ("receive.hideRefs", "refs/replace"),
    // options of a push say what is to be done with it, and what is pushed for a branch is only offered
    ("receive.advertisePushOptions", "true"),
    ("receive.procReceiveRefs", "refs/for"),
    ("uploadpack.allowFilter", "true"),
    ("http.getanyfile", "false"),
    ("protocol.allow", "never"),
    // a repository of somebody else may say otherwise for one of them
    ("protocol.ext.allow", "never"),
    ("protocol.fd.allow", "never"),
    ("protocol.file.allow", "never"),
    ("protocol.git.allow", "never"),
    ("protocol.http.allow", "never"),
    ("protocol.https.allow", "never"),
    ("protocol.ssh.allow", "never"),
    ("credential.helper", ""),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
];

/// What a command gave.
pub(crate) struct Output {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    /// Cut, for a person.
    pub stderr: String,
}

/// Git, with what every call needs.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    git: PathBuf,
    /// An empty directory.
    home: PathBuf,
    hooks: PathBuf,
}

impl Program {
    pub fn new(git: PathBuf, home: PathBuf, hooks: PathBuf) -> Self {
        Self { git, home, hooks }
    }

    /// A command in a clean environment. Configuration goes by the environment, so that git's own children have it too.
    pub fn plain(&self, repository: Option<&Path>, more: &[(&str, &str)]) -> std::process::Command {
        let mut command = std::process::Command::new(&self.git);
        command.env_clear().stdin(Stdio::null()).current_dir(&self.home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")));
        command.env("HOME", &self.home).env("LC_ALL", "C").env("TZ", "UTC");
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_LITERAL_PATHSPECS", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_NO_LAZY_FETCH", "1"),
        ] {
            command.env(name, value);
        }
        if let Some(repository) = repository {
            command.env("GIT_DIR", repository);
        }
        let hooks = ("core.hooksPath", self.hooks.as_os_str());
        let all = CONFIG.iter().chain(more).map(|(key, value)| (*key, OsStr::new(value))).chain([hooks]);
        let mut count = 0;
        for (key, value) in all {
            command.env(format!("GIT_CONFIG_KEY_{count}"), key).env(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command
    }

    /// The same for a runtime; ended when its handle is dropped.
    pub fn command(&self, repository: Option<&Path>, more: &[(&str, &str)]) -> Command {
        let mut command = Command::from(self.plain(repository, more));
        command.kill_on_drop(true);
        command
    }

    /// Runs a command in a repository to its end.
    pub async fn run(&self, repository: &Path, arguments: &[&str], input: &[u8]) -> Result<Output, GitError> {
        let mut command = self.command(Some(repository), &[]);
        command.args(arguments);
        finish(command, arguments, input, OUTPUT, LOCAL).await
    }

    /// The same, where anything but success is a failure.
    pub async fn must(&self, repository: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        let output = self.run(repository, arguments, input).await?;
        succeeded(arguments, output)
    }
}

/// What it printed, if it succeeded.
pub(crate) fn succeeded(arguments: &[&str], output: Output) -> Result<Vec<u8>, GitError> {
    if output.code == Some(0) { Ok(output.stdout) } else { Err(failed(arguments, output.stderr)) }
}

/// Feeds a command, takes what it prints, and ends it when it takes too long or says too much.
pub(crate) async fn finish(mut command: Command, arguments: &[&str], input: &[u8], limit: u64, time: Duration) -> Result<Output, GitError> {
    let io = |error: io::Error| failed(arguments, cannot(&error));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(io)?;
    let stdin = child.stdin.take();
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(arguments, "it has no output".to_owned()));
    };
    let feed = async {
        if let Some(mut stdin) = stdin {
            // a command that has enough closes its end; its exit code says whether that was right
            drop(stdin.write_all(input).await);
        }
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut stdout = stdout.take(limit + 1);
    let whole = async {
        let said = async {
            let mut rest = stderr;
            (&mut rest).take(SAID as u64).read_to_end(&mut err).await?;
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        let ((), read, _) = tokio::join!(feed, stdout.read_to_end(&mut out), said);
        read?;
        if out.len() as u64 > limit {
            return Ok(None);
        }
        child.wait().await.map(Some)
    };
    let status = match tokio::time::timeout(time, whole).await {
        Ok(status) => status.map_err(io)?,
        Err(_) => return Err(failed(arguments, format!("it did not end within {} s", time.as_secs()))),
    };
    let Some(status) = status else { return Err(failed(arguments, format!("it printed more than {limit} bytes"))) };
    Ok(Output { code: status.code(), stdout: out, stderr: String::from_utf8_lossy(&err).trim().to_owned() })
}

/// Why git could not be started, and what to do.
pub(crate) fn cannot(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no `git`: install it (Debian package `git`), or name it in the server's configuration".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A failure of a command, named by its first words.
pub(crate) fn failed(arguments: &[&str], stderr: String) -> GitError {
    let words = arguments.iter().take_while(|word| !word.starts_with('-')).take(2);
    GitError::Failed { what: words.copied().collect::<Vec<_>>().join(" "), stderr }
}
