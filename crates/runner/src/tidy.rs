//! Checkouts and caches that no job has used for long, and what attempts left that ended without tidying up.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use penstock_model::Timestamp;
use penstock_model::job::RunnerError;
use walkdir::WalkDir;

use crate::runner::{Runner, blocking, io as failed};
use crate::scratch;

/// Removes them, or only tells what would go. An attempt holds a lock on what it uses, and so nobody begins meanwhile.
pub(crate) async fn tidy(runner: &Runner, unused_since: Timestamp, dry_run: bool) -> Result<Vec<(String, u64)>, RunnerError> {
    let since = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(unused_since.0).unwrap_or(0));
    let dir = runner.settings.dir.clone();
    let unused = runner.workspaces.unused(since).map_err(failed("looking for unused checkouts"))?;
    blocking("removing unused checkouts", move || {
        let dead = dead(&dir.join("scratch"), since).map_err(failed("looking for what attempts left"))?;
        let (places, _held): (Vec<PathBuf>, Vec<_>) = unused.into_iter().unzip();
        let mut gone = Vec::new();
        for place in places.into_iter().chain(dead) {
            let name = place.strip_prefix(&dir).unwrap_or(&place).display().to_string();
            gone.push((name, size(&place)));
            if !dry_run {
                std::fs::remove_dir_all(&place).map_err(failed(format!("removing {}", place.display())))?;
            }
        }
        Ok(gone)
    })
    .await
}

/// Directories of attempts that are over. A young one may be just being made.
fn dead(scratch: &Path, since: SystemTime) -> io::Result<Vec<PathBuf>> {
    let mut dead = Vec::new();
    for entry in std::fs::read_dir(scratch)? {
        let path = entry?.path();
        // one that went meanwhile
        let Ok(found) = path.symlink_metadata() else { continue };
        if found.is_dir() && found.modified()? < since && scratch::is_dead(&path) {
            dead.push(path);
        }
    }
    dead.sort();
    Ok(dead)
}

fn size(place: &Path) -> u64 {
    let files = WalkDir::new(place).into_iter().filter_map(Result::ok).filter_map(|entry| entry.metadata().ok());
    files.filter(std::fs::Metadata::is_file).map(|file| file.len()).sum()
}
