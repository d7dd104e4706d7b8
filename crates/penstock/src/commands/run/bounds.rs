//! What `.penstock/run` keeps of earlier runs.

use std::path::Path;
use std::time::Duration;

use penstock_cli::CliError;
use penstock_delivery::Parts;
use penstock_model::ProjectName;
use penstock_store::DataLock;

use crate::parts::broken;

/// So many runs are kept, and what is older is looked for after so many.
const RUNS: usize = 20;
/// A larger event log is begun anew.
const MAX_LOG: u64 = 64 * 1024 * 1024;
/// Where runs keep what is not bound to any of them.
const CACHES: &str = "runner";

/// Removes all but caches if the event log has grown large: what it tells is never rewritten, so it can only go as a whole.
pub fn begin_anew(data: &Path) -> Result<(), CliError> {
    let large = std::fs::metadata(data.join("log.sqlite")).is_ok_and(|log| log.len() > MAX_LOG);
    if !large {
        return Ok(());
    }
    // nobody else is at work there
    let lock = DataLock::acquire(data).map_err(|error| broken("the data directory", &error))?;
    let failed = |source| CliError::Io { what: format!("emptying {}", data.display()), source };
    for entry in std::fs::read_dir(data).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() == CACHES {
            continue;
        }
        let removed = if entry.file_type().map_err(failed)?.is_dir() {
            std::fs::remove_dir_all(entry.path())
        } else {
            std::fs::remove_file(entry.path())
        };
        removed.map_err(failed)?;
    }
    drop(lock);
    Ok(())
}

/// How old what stays may be, if it is time to remove what is older.
pub fn due(parts: &Parts, project: &ProjectName, runs_before: usize) -> Option<Duration> {
    let world = parts.journal.world();
    let runs = &world.projects.get(project)?.runs;
    let oldest = oldest_kept(runs.len(), runs_before)?;
    let began = world.runs.get(runs.get(oldest)?)?.push.at;
    Some(parts.journal.now().since(began))
}

/// The place of the oldest run that is kept, if the runs since make it time to look.
fn oldest_kept(runs: usize, before: usize) -> Option<usize> {
    (runs / RUNS > before / RUNS).then(|| runs.saturating_sub(RUNS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_are_kept_and_what_is_older_is_looked_for_now_and_then() {
        assert_eq!(oldest_kept(19, 18), None);
        assert_eq!(oldest_kept(20, 19), Some(0));
        assert_eq!(oldest_kept(21, 20), None);
        assert_eq!(oldest_kept(85, 30), Some(65));
    }

    #[test]
    fn a_log_that_has_grown_large_goes_with_all_but_the_caches() {
        let data = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = data.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        ["runner/work/cache", "blobs/a", "log.sqlite"].iter().for_each(|name| write(name));
        begin_anew(data.path()).unwrap();
        assert!(data.path().join("blobs/a").exists(), "it is small");
        std::fs::File::options().write(true).open(data.path().join("log.sqlite")).unwrap().set_len(MAX_LOG + 1).unwrap();
        begin_anew(data.path()).unwrap();
        let left: Vec<_> = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["runner"]);
    }
}
