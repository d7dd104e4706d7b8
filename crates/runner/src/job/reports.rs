//! Report files: found, and kept as they stream, so that a large one needs no more memory than a small one.

use std::path::{Path, PathBuf};

use penstock_model::job::{ReportFile, RunnerError};

use super::Attempt;
use crate::beneath::Dir;
use crate::globs::{Found, matching};
use crate::runner::{blocking, io, other};

/// The largest report file. What is larger is left out, and the log says so.
const MAX_REPORT: u64 = 1 << 30;

/// The regular files below a folder that match.
pub(super) async fn found(root: PathBuf, patterns: Vec<String>, most: usize) -> Result<Vec<PathBuf>, RunnerError> {
    let files = blocking("looking for reports", move || {
        let (matches, _) = matching(&root, &patterns, &[]).map_err(|error| other("looking for reports", error))?;
        Ok(matches.into_iter().filter(|(_, kind)| matches!(kind, Found::File { .. })).map(|(path, _)| path).collect::<Vec<_>>())
    });
    let files = files.await?;
    if files.len() > most { Err(other("looking for reports", format!("more than {most} files match"))) } else { Ok(files) }
}

/// Keeps one of them; `None` if it is too large.
pub(super) async fn keep(attempt: &Attempt<'_>, root: &Path, path: &Path, kind: &str) -> Result<Option<ReportFile>, RunnerError> {
    let (root, below, shown) = (root.to_owned(), path.to_owned(), path.display().to_string());
    let what = format!("reading {shown}");
    let failed = io(what.clone());
    let opened = blocking("reading reports", move || {
        let file = Dir::open(&root).and_then(|dir| dir.read(&below));
        file.and_then(|file| Ok((file.metadata()?.len(), file))).map_err(failed)
    });
    let (size, opened) = opened.await?;
    if size > MAX_REPORT {
        attempt.log.note(&format!("a report is left out: {shown} is larger than {} MiB", MAX_REPORT >> 20)).await;
        return Ok(None);
    }
    let stored = attempt.runner.hands.blobs.put(Box::pin(tokio::fs::File::from_std(opened)), None, MAX_REPORT).await;
    let (digest, _) = stored.map_err(|error| other(format!("keeping {shown}"), error))?;
    Ok(Some(ReportFile { kind: kind.to_owned(), path: shown, digest }))
}
