//! The trees of other repositories that a job's actions are of, written once for all jobs.

use std::path::{Path, PathBuf};

use penstock_model::Digest;
use penstock_model::job::{ActionTree, AttemptId};
use penstock_pipeline::{ActionOrigin, PlannedJob, PlannedStep};

use super::EffectError;
use crate::parts::Parts;

/// Writes those that are not there yet, and looks that each is what was locked.
pub(super) async fn lay_out(parts: &Parts, attempt: &AttemptId, planned: &PlannedJob) -> Result<Vec<ActionTree>, EffectError> {
    let origins: std::collections::BTreeSet<&ActionOrigin> = planned.steps.iter().flat_map(PlannedStep::origins).collect();
    let mut trees = Vec::new();
    for origin in origins {
        let tree = parts.settings.dir.join("actions").join(&origin.repository).join(origin.commit.as_str());
        let named = format!("the action {}@{}", origin.repository, origin.reference);
        let fault = |why: String| EffectError::Other(format!("{named}: {why}"));
        let digest = match kept(&tree) {
            Some(digest) => digest,
            None => written(parts, attempt, origin, &tree).await.map_err(fault)?,
        };
        if let Some(locked) = origin.digest.filter(|locked| *locked != digest) {
            return Err(fault(format!(
                "commit {} comes to {digest} here, and is locked as {locked}\nhelp: look at the mirror, then `penstock actions lock`",
                origin.commit
            )));
        }
        trees.push(ActionTree { place: origin.place(), tree });
    }
    Ok(trees)
}

/// What a tree that is there comes to.
fn kept(tree: &Path) -> Option<Digest> {
    std::fs::read_to_string(beside(tree)).ok()?.trim().parse().ok().filter(|_| tree.is_dir())
}

/// The file that says so. It is written last.
fn beside(tree: &Path) -> PathBuf {
    tree.with_extension("digest")
}

async fn written(parts: &Parts, attempt: &AttemptId, origin: &ActionOrigin, tree: &Path) -> Result<Digest, String> {
    let own = format!("{}-{}", attempt.run, Digest::of(format!("{}/{}", attempt.job, attempt.attempt)).short());
    let half = tree.with_extension(own);
    let io = |error: std::io::Error| format!("{}: {error}", tree.display());
    let made = parts.settings.mirror.lay_out(Some(&*parts.git), &origin.repository, &origin.commit, &half).await;
    let result = made.and_then(|digest| {
        // another job may have been faster, with the same files
        if !tree.is_dir() {
            std::fs::rename(&half, tree).map_err(io)?;
        }
        let note = half.with_extension("note");
        std::fs::write(&note, format!("{digest}\n")).and_then(|()| std::fs::rename(&note, beside(tree))).map_err(io)?;
        Ok(digest)
    });
    // what is left of it is in nobody's way
    drop(std::fs::remove_dir_all(&half));
    result
}
