//! The user's own program that changes what was rendered: found as Helm finds it, run without a shell, bounded in time and output.
//!
//! It is the user's, named by the user, and gets what any program called from the same shell gets: folder, environment and
//! terminal. What it does not get is the token of Penstock's server, which it has no use for.

use std::io::{Error, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use penstock_cli::{CliError, args::chart::PostRenderer, exit};
use penstock_helm::PostRender;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

/// How long it may take where nothing else says how long a step may take.
pub const USUAL: Duration = Duration::from_secs(300);
/// The most that it may write: what a render may.
const LARGEST: u64 = 64 << 20;
/// The most that is shown of what it said on standard error.
const SAID: u64 = 64 << 10;

/// A program that is there.
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    limit: Duration,
}

impl Program {
    /// The program that the flags name; `None` where they name none.
    pub fn of(flags: &PostRenderer, limit: Duration) -> Result<Option<Self>, CliError> {
        let Some(name) = flags.post_renderer.as_deref().filter(|name| !name.is_empty()) else { return Ok(None) };
        let search = std::env::var_os("PATH").unwrap_or_default();
        let path = find(name, std::env::split_paths(&search)).and_then(|path| std::path::absolute(path).map_err(|error| said(&error)));
        let path = path.map_err(|why| {
            let message = format!("--post-renderer: unable to find binary at {name}: exec: {name:?}: {why}");
            CliError::other(message, "a name is looked for in $PATH; what has a slash is a path", exit::USAGE)
        })?;
        Ok(Some(Self { path, arguments: flags.post_renderer_args.clone(), limit }))
    }

    fn spawn(&self) -> std::io::Result<Child> {
        refuse_other_texts(&self.path)?;
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_remove("PENSTOCK_TOKEN").kill_on_drop(true);
        #[allow(unsafe_code, reason = "between fork and exec one system call is made and nothing else")]
        unsafe {
            // whatever ends this process ends the program, too
            command.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?));
        }
        command.spawn()
    }

    fn failed(&self, errors: &str, why: &str) -> String {
        format!("error while running command {}. error output:\n{errors}: {why}", self.path.display())
    }
}

#[async_trait]
impl PostRender for Program {
    async fn change(&self, manifest: &str) -> Result<String, String> {
        let started = |error: Error| self.failed("", &format!("fork/exec {}: {}", self.path.display(), said(&error)));
        let mut child = self.spawn().map_err(started)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            // it may end without reading all of it: what it says then is what counts
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(manifest.as_bytes()).await;
            }
            Ok(())
        };
        let all = async {
            let ((), output, errors) = tokio::try_join!(feed, output(stdout), errors(stderr))?;
            Ok::<_, Error>((child.wait().await?, output, errors))
        };
        let why = match tokio::time::timeout(self.limit, all).await {
            Ok(Ok((status, output, _))) if status.success() => return Ok(String::from_utf8_lossy(&output).into_owned()),
            Ok(Ok((status, _, errors))) => return Err(self.failed(&String::from_utf8_lossy(&errors), &ended(status))),
            Ok(Err(error)) => said(&error),
            Err(_) => format!("it did not end within {:?}", self.limit),
        };
        let _ = child.kill().await;
        Err(self.failed("", &why))
    }
}

async fn output(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut output = Vec::new();
    if let Some(from) = from {
        from.take(LARGEST + 1).read_to_end(&mut output).await?;
    }
    if output.len() as u64 > LARGEST {
        return Err(Error::other(format!("it writes more than {LARGEST} bytes")));
    }
    Ok(output)
}

/// What comes first is shown, the rest is read all the same, so that it is not held up.
async fn errors(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut errors = Vec::new();
    if let Some(from) = from {
        let mut from = from.take(SAID);
        from.read_to_end(&mut errors).await?;
        tokio::io::copy(&mut from.into_inner(), &mut tokio::io::sink()).await?;
    }
    Ok(errors)
}

/// Finds a program as Go's `exec.LookPath` does; or why there is none, in its words.
fn find(name: &str, search: impl Iterator<Item = PathBuf>) -> Result<PathBuf, String> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return executable(&path).map(|()| path);
    }
    for folder in search {
        let path = if folder.as_os_str().is_empty() { Path::new(".").join(name) } else { folder.join(name) };
        if executable(&path).is_ok() {
            // a program that lies where one happens to stand is not run by its name alone
            return if path.is_absolute() { Ok(path) } else { Err("cannot run executable found relative to current directory".to_owned()) };
        }
    }
    Err("executable file not found in $PATH".to_owned())
}

/// What is neither a program nor a script that says what reads it would be handed to a shell by the C library; Go refuses it.
fn refuse_other_texts(path: &Path) -> std::io::Result<()> {
    let mut start = [0; 4];
    // one may be allowed to run what one may not read
    let Ok(read) = std::fs::File::open(path).and_then(|mut file| file.read(&mut start)) else { return Ok(()) };
    let start = start.get(..read).unwrap_or_default();
    if start.starts_with(b"#!") || start == b"\x7fELF" { Ok(()) } else { Err(rustix::io::Errno::NOEXEC.into()) }
}

fn executable(path: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("stat {}: {}", path.display(), said(&error)))?;
    if metadata.is_dir() {
        return Err("is a directory".to_owned());
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).map_err(|error| said(&error.into()))
}

/// The system's error in Go's form.
fn said(error: &Error) -> String {
    let text = error.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Go's names of signals, from 1.
const SIGNALS: [&str; 15] = [
    "hangup",
    "interrupt",
    "quit",
    "illegal instruction",
    "trace/breakpoint trap",
    "aborted",
    "bus error",
    "floating point exception",
    "killed",
    "user defined signal 1",
    "segmentation fault",
    "user defined signal 2",
    "broken pipe",
    "alarm clock",
    "terminated",
];

/// How a process ended, in Go's words.
fn ended(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else { return format!("exit status {}", status.code().unwrap_or_default()) };
    let name = usize::try_from(signal - 1).ok().and_then(|at| SIGNALS.get(at));
    let name = name.map_or_else(|| format!("signal {signal}"), |name| (*name).to_owned());
    format!("signal: {name}{}", if status.core_dumped() { " (core dumped)" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Program {
        Program { path: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()], limit }
    }

    #[tokio::test]
    async fn what_it_reads_is_what_was_rendered_and_what_it_writes_is_what_counts() {
        let large = "a: 1\n".repeat(100_000);
        assert_eq!(shell("cat", USUAL).change(&large).await.as_deref(), Ok(large.as_str()));
        assert_eq!(shell("echo warning >&2; echo b: 2", USUAL).change(&large).await.as_deref(), Ok("b: 2\n"), "nothing need be read");
    }

    #[tokio::test]
    async fn one_that_does_not_end_or_writes_without_end_is_ended() {
        let slow = shell("exec sleep 600", Duration::from_millis(50)).change("").await.unwrap_err();
        assert!(slow.ends_with("it did not end within 50ms"), "{slow}");
        let loud = shell("exec yes", USUAL).change("").await.unwrap_err();
        assert!(loud.contains("it writes more than"), "{loud}");
    }

    #[tokio::test]
    async fn a_failure_is_told_with_what_it_said_however_much_that_is() {
        let failed = shell("yes | head -c 1000000 >&2; echo; exit 3", USUAL).change("").await.unwrap_err();
        assert!(failed.ends_with(": exit status 3") && failed.len() < 70_000, "{} bytes", failed.len());
        assert!(shell("kill -9 $$", USUAL).change("").await.unwrap_err().ends_with(": signal: killed"));
    }

    #[test]
    fn a_program_is_found_as_go_finds_it() {
        let found = |name: &str, folders: &[&str]| find(name, folders.iter().map(PathBuf::from));
        assert_eq!(found("sh", &["/nothing", "/bin"]), Ok("/bin/sh".into()));
        assert_eq!(found("/bin/sh", &[]), Ok("/bin/sh".into()));
        let refused = |name: &str, folders: &[&str]| found(name, folders).unwrap_err();
        assert_eq!(refused("sh", &["/nothing"]), "executable file not found in $PATH");
        assert_eq!(refused("/bin/", &["/bin"]), "is a directory");
        assert_eq!(refused("/etc/passwd", &[]), "permission denied");
        assert_eq!(refused("./nothing", &["/bin"]), "stat ./nothing: no such file or directory");
    }
}
