//! Reports that a step keeps: findings, coverage.

use std::io::Read;

use bytes::Bytes;
use penstock_model::Digest;
use penstock_model::job::{ReportFile, RunnerError};

use super::Came;
use crate::beneath::Dir;
use crate::globs::{Found, matching};
use crate::job::Attempt;
use crate::runner::{blocking, io, other};

/// The largest report.
const MAX_REPORT: u64 = 64 << 20;
/// Files of one step.
const MAX_FILES: usize = 50;

/// Keeps files as reports of a kind.
pub(super) async fn keep(attempt: &Attempt<'_>, kind: &str, paths: &[String]) -> Result<Came, RunnerError> {
    let places = attempt.places();
    let mut wanted = Vec::new();
    let mut root = None;
    for path in paths {
        let Some((place, Some(below))) = places.find(path.trim_end_matches('/')) else { continue };
        if root.get_or_insert_with(|| place.to_path_buf()) == place {
            wanted.push(below.display().to_string());
        }
    }
    let Some(root) = root else { return Ok(Came::well([("count", "0".to_owned())])) };
    let found = blocking("reading reports", move || {
        let (matches, _) = matching(&root, &wanted, &[]).map_err(|error| other("looking for reports", error))?;
        let below = Dir::open(&root).map_err(io("opening the job's files"))?;
        let mut files = Vec::new();
        for path in matches.into_iter().filter(|(_, found)| matches!(found, Found::File { .. })).map(|(path, _)| path) {
            let what = format!("reading {}", path.display());
            let mut bytes = Vec::new();
            below.read(&path).and_then(|file| file.take(MAX_REPORT + 1).read_to_end(&mut bytes)).map_err(io(what.clone()))?;
            if bytes.len() as u64 > MAX_REPORT {
                return Err(other(what, format!("it is larger than {} MiB", MAX_REPORT >> 20)));
            }
            files.push((path, bytes));
            if files.len() > MAX_FILES {
                return Err(other("looking for reports", format!("more than {MAX_FILES} files match")));
            }
        }
        Ok(files)
    });
    let (mut count, mut last) = (0, None::<Digest>);
    for (path, bytes) in found.await? {
        let path = path.display().to_string();
        let stored = attempt.runner.hands.blobs.put_bytes(Bytes::from(bytes)).await;
        let digest = stored.map_err(|error| other(format!("keeping {path}"), error))?;
        attempt.log.note(&format!("kept {path} as {kind}")).await;
        attempt.left.report(ReportFile { kind: kind.to_owned(), path, digest });
        (count, last) = (count + 1, Some(digest));
    }
    Ok(Came::well([("count", count.to_string()), ("digest", last.map(|digest| digest.hex()).unwrap_or_default())]))
}
