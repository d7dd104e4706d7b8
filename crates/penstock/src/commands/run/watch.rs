//! `penstock run --watch`: what changes in the working tree runs again what it touches.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use penstock_cli::terminal::{dim, plain};
use penstock_cli::{CliError, Output, args::Run, exit};
use penstock_delivery::orders::{self, RunOrder};
use penstock_git::Snapshot;
use penstock_model::RunId;
use penstock_model::git::GitHost;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::sync::Notify;

use super::follow::Follower;
use super::refused;
use super::session::Session;
use crate::commands::local::git_failed;

/// An editor writes a file in several steps: the tree is looked at once it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(30);
/// How many changed paths are named; the others are counted.
const NAMED: usize = 3;

/// Runs until interrupted. Each change of what is not ignored cancels what runs and starts what it touches.
pub async fn watch(session: &Session, args: &Run, output: Output) -> Result<ExitCode, CliError> {
    let mut eyes = Eyes::open(session).await?;
    let mut seen = session.snapshot(output).await?;
    let mut runs = session.start(args, &seen, None).await?;
    loop {
        let ended = tokio::select! {
            ended = until_end(session, &runs, output) => { ended?; true }
            found = change(session, &mut eyes, &seen) => {
                let (snapshot, paths) = found?;
                runs = again(session, args, output, &runs, &snapshot, paths).await?;
                seen = snapshot;
                false
            }
        };
        if !ended {
            continue;
        }
        eprintln!("{}", dim("waiting for a change; Ctrl-C ends it"));
        tokio::select! {
            found = change(session, &mut eyes, &seen) => {
                let (snapshot, paths) = found?;
                runs = again(session, args, output, &[], &snapshot, paths).await?;
                seen = snapshot;
            }
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::from(exit::OK)),
        }
    }
}

async fn until_end(session: &Session, runs: &[RunId], output: Output) -> Result<(), CliError> {
    for run in runs {
        Follower::new(output).until_end(session, run).await?.summary(output);
    }
    Ok(())
}

/// Cancels the older runs, waits until their jobs have ended, and starts what the change touches. A file that cannot be planned
/// is told, and the next change is waited for.
async fn again(
    session: &Session,
    args: &Run,
    output: Output,
    older: &[RunId],
    snapshot: &Snapshot,
    changed: Vec<String>,
) -> Result<Vec<RunId>, CliError> {
    let named: Vec<_> = changed.iter().take(NAMED).map(|path| plain(path)).collect();
    let rest = changed.len().saturating_sub(NAMED);
    eprintln!("{}", dim(&format!("changed: {}{}", named.join(", "), if rest > 0 { format!(" and {rest} more") } else { String::new() })));
    for run in older {
        let over = session.built.parts.journal.world().runs.get(run).is_none_or(|record| record.ended.is_some());
        if !over {
            let order = orders::order_run(&session.built.parts, &session.who, run, RunOrder::Cancel).await;
            order.map_err(|error| refused(&error))?;
            Follower::new(output).until_end(session, run).await?.summary(output);
        }
    }
    match session.start(args, snapshot, Some(changed)).await {
        Ok(runs) => Ok(runs),
        Err(error) => {
            penstock_cli::report(&error);
            Ok(Vec::new())
        }
    }
}

/// Waits until the working tree differs from what was seen; gives what it is now, and the paths that differ.
async fn change(session: &Session, eyes: &mut Eyes, seen: &Snapshot) -> Result<(Snapshot, Vec<String>), CliError> {
    loop {
        eyes.wait().await;
        let snapshot = session.snapshot(Output::Json).await?;
        // a new folder is watched from now on
        eyes.look(session).await?;
        eyes.pending = false;
        if snapshot.tree != seen.tree {
            let repository = session.place.name.clone().into();
            let paths = session.built.git.changed(&repository, Some(&seen.commit), &snapshot.commit).await;
            return Ok((snapshot, paths.map_err(|error| git_failed(&error))?));
        }
    }
}

/// What the kernel tells of the folders that hold files which are not ignored.
struct Eyes {
    told: Arc<OwnedFd>,
    happened: Arc<Notify>,
    folders: BTreeSet<PathBuf>,
    /// Whether something happened and nobody has looked yet.
    pending: bool,
}

impl Eyes {
    async fn open(session: &Session) -> Result<Self, CliError> {
        let failed = |source: std::io::Error| CliError::Io { what: "watching the working tree".to_owned(), source };
        let told = Arc::new(inotify::init(CreateFlags::CLOEXEC).map_err(|error| failed(error.into()))?);
        let happened = Arc::new(Notify::new());
        let (reads, tells) = (told.clone(), happened.clone());
        // it waits in the kernel, and ends with the program
        std::thread::Builder::new().name("watch".to_owned()).spawn(move || listen(&reads, &tells)).map_err(failed)?;
        let mut eyes = Self { told, happened, folders: BTreeSet::new(), pending: false };
        eyes.look(session).await?;
        Ok(eyes)
    }

    /// Watches every folder that holds a file that counts.
    async fn look(&mut self, session: &Session) -> Result<(), CliError> {
        let files = session.clone_of()?.files().await.map_err(|error| git_failed(&error))?;
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([PathBuf::new()]);
        for file in &files {
            folders.extend(Path::new(file).ancestors().skip(1).map(Path::to_owned));
        }
        let flags =
            WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::ATTRIB | WatchFlags::ONLYDIR;
        for folder in folders.iter().filter(|folder| !self.folders.contains(*folder)) {
            match inotify::add_watch(&*self.told, session.place.root.join(folder), flags) {
                // gone again meanwhile
                Ok(_) | Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => {}
                Err(rustix::io::Errno::NOSPC) => {
                    return Err(CliError::other(
                        "the kernel watches no more folders for this user",
                        "raise fs.inotify.max_user_watches (sysctl)",
                        exit::FAILED,
                    ));
                }
                Err(error) => return Err(CliError::Io { what: format!("watching {}", folder.display()), source: error.into() }),
            }
        }
        self.folders = folders;
        Ok(())
    }

    /// Waits for something to happen, and then until nothing happens for a moment.
    async fn wait(&mut self) {
        if !self.pending {
            self.happened.notified().await;
            self.pending = true;
        }
        while tokio::time::timeout(QUIET, self.happened.notified()).await.is_ok() {}
    }
}

/// Tells of everything that the kernel tells of.
fn listen(told: &OwnedFd, happened: &Notify) {
    let mut buffer = [0_u8; 16 * 1024];
    loop {
        match rustix::io::read(told, &mut buffer) {
            Ok(_) => happened.notify_one(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
