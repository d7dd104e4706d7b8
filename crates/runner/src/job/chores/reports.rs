//! Reports that a step keeps: findings, coverage.

use penstock_model::Digest;
use penstock_model::job::RunnerError;

use super::Came;
use crate::job::{Attempt, reports};

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
    let (mut count, mut last) = (0, None::<Digest>);
    for path in reports::found(root.clone(), wanted, MAX_FILES).await? {
        let Some(report) = reports::keep(attempt, &root, &path, kind).await? else { continue };
        attempt.log.note(&format!("kept {} as {kind}", report.path)).await;
        (count, last) = (count + 1, Some(report.digest));
        attempt.left.report(report);
    }
    Ok(Came::well([("count", count.to_string()), ("digest", last.map(|digest| digest.hex()).unwrap_or_default())]))
}
