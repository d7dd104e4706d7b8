//! The last steps before a container's program begins, in its own process.

use std::ffi::{CString, NulError};
use std::fs;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::unistd::execv;

/// Where programs are looked for if the image says nothing.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Starts the program that the container is for.
#[derive(Clone)]
pub struct Program;

impl Executor for Program {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let (args, path) = parts(spec).map_err(ExecutorError::Other)?;
        if std::io::stdin().is_terminal() {
            // the runtime has made this process the leader of a session
            let taken = rustix::process::ioctl_tiocsctty(std::io::stdin());
            taken.map_err(|error| ExecutorError::Other(format!("taking the terminal: {error}")))?;
        }
        let why = start(&args, &path);
        // the container's own standard error: whoever reads its log sees it
        eprintln!("penstock: {why}");
        Err(ExecutorError::Other(why))
    }

    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        let (args, path) = parts(spec).map_err(ExecutorValidationError::ArgValidationError)?;
        find(&args[0], &path).map(|_| ()).map_err(ExecutorValidationError::ArgValidationError)
    }
}

fn parts(spec: &Spec) -> Result<(Vec<String>, String), String> {
    let process = spec.process().as_ref().ok_or("no process is described")?;
    let args = process.args().clone().filter(|args| !args.is_empty()).ok_or("the image names no program and none was given")?;
    let path = process.env().as_ref().and_then(|env| env.iter().find_map(|pair| pair.strip_prefix("PATH=")));
    Ok((args, path.unwrap_or(DEFAULT_PATH).to_owned()))
}

/// Becomes the program; returns only why it could not.
pub fn start(args: &[String], path: &str) -> String {
    let program = match find(&args[0], path) {
        Ok(program) => program,
        Err(why) => return why,
    };
    if let Err(error) = default_signals() {
        return format!("resetting signals: {error}");
    }
    // the program ends with its monitor, so that nothing runs that nobody watches
    if let Err(error) = prctl::set_pdeathsig(Signal::SIGKILL) {
        return format!("tying it to its monitor: {error}");
    }
    let words: Result<Vec<CString>, NulError> = args.iter().map(|arg| CString::new(arg.as_str())).collect();
    let (Ok(words), Ok(file)) = (words, CString::new(program.to_string_lossy().as_bytes())) else {
        return "a zero byte in the arguments".to_owned();
    };
    match execv(&file, &words) {
        Ok(never) => match never {},
        Err(error) => format!("{}: {error}", program.display()),
    }
}

/// What Rust's runtime ignores (SIGPIPE) and what a parent may have blocked is not the program's business.
fn default_signals() -> nix::Result<()> {
    for number in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        #[allow(unsafe_code, reason = "only resets handlers to their defaults")]
        unsafe {
            signal(number, SigHandler::SigDfl)?;
        }
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// The program's file, looked for as a shell would.
fn find(name: &str, path: &str) -> Result<PathBuf, String> {
    let runnable = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        let path = PathBuf::from(name);
        return match fs::metadata(&path) {
            Ok(_) if runnable(&path) => Ok(path),
            Ok(_) => Err(format!("`{name}` is not a program in the image: it is no file that may be run")),
            Err(error) => Err(format!("`{name}` is not in the image: {error}")),
        };
    }
    path.split(':')
        .map(|directory| Path::new(directory).join(name))
        .find(|path| runnable(path))
        .ok_or_else(|| format!("`{name}` is not in the image, looked for in PATH={path}"))
}
