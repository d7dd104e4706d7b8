//! The caches of a job, and who shares them.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::job::{CacheSpec, EnvValue};
use penstock_pipeline::{CacheKey, KeyFiles, PlannedJob};

use crate::effects::EffectError;
use crate::parts::Parts;
use crate::world::RunRecord;

/// The largest file whose content names a cache.
pub(super) const MAX_KEY_FILE: u64 = 16 * 1024 * 1024;

/// The end of a cache's key in runs from which secrets are withheld.
const UNPROTECTED: &str = "-unprotected";

/// Who else shares the caches of a run.
pub(super) enum Scope {
    /// Runs that get all secrets.
    Protected,
    /// Those that do not.
    Unprotected,
    /// Nobody but the same merge request from outside.
    Outside(String),
}

impl Scope {
    pub(super) fn of(record: &RunRecord, outside: bool, secrets: bool) -> Self {
        match (outside, secrets) {
            (true, _) => Self::Outside(format!("-outside-{}", Digest::of(&record.push.reference).short())),
            (false, true) => Self::Protected,
            (false, false) => Self::Unprotected,
        }
    }

    /// How names of its caches end.
    fn end(&self, unprotect: bool) -> &str {
        match self {
            Self::Outside(end) => end,
            Self::Protected if !unprotect => "",
            Self::Protected | Self::Unprotected => UNPROTECTED,
        }
    }
}

/// Where a job's steps keep caches by key, and where they look for them: the ref of the run, then the delivered branch. What a
/// run without secrets keeps is read by runs without secrets alone; a run from outside looks nowhere else.
pub(super) fn cache_scopes(parts: &Parts, record: &RunRecord, scope: &Scope) -> Vec<String> {
    let world = parts.journal.world();
    let main = world.projects.get(&record.project).map(|project| format!("refs/heads/{}", project.branch));
    let main = main.filter(|_| !matches!(scope, Scope::Outside(_)));
    let own = format!("{}{}", record.push.reference, scope.end(false));
    let main = main.filter(|main| *main != own);
    std::iter::once(own).chain(main).collect()
}

/// A job's caches.
pub(super) async fn caches(
    parts: &Parts,
    record: &RunRecord,
    planned: &PlannedJob,
    env: &BTreeMap<String, EnvValue>,
    scope: &Scope,
) -> Result<Vec<CacheSpec>, EffectError> {
    let files = key_files(parts, record, planned).await?;
    let mut caches = penstock_pipeline::cache_specs(planned, env, &files).map_err(EffectError::Other)?;
    // neither is what a job with secrets left read here, nor does one carry out what is left here
    for cache in &mut caches {
        let end = scope.end(cache.unprotect);
        cache.key.push_str(end);
        cache.archive.iter_mut().flat_map(|archive| &mut archive.fallback_keys).for_each(|key| key.push_str(end));
    }
    Ok(caches)
}

/// What is known of the files that name caches.
async fn key_files(parts: &Parts, record: &RunRecord, planned: &PlannedJob) -> Result<KeyFiles, EffectError> {
    let (mut known, repository, commit) = (KeyFiles::default(), record.project.clone().into(), &record.push.commit);
    for cache in &planned.caches {
        match &cache.key {
            CacheKey::Text(_) => {}
            CacheKey::Files { files, .. } => {
                for path in files {
                    if let Some(bytes) = parts.git.read(&repository, commit, path, MAX_KEY_FILE).await? {
                        known.contents.insert(path.clone(), Digest::of(bytes));
                    }
                }
            }
            CacheKey::FilesCommits { files, .. } => {
                for path in files {
                    if let Some(changed) = parts.git.last_change(&repository, commit, path).await? {
                        known.commits.insert(path.clone(), changed);
                    }
                }
            }
        }
    }
    Ok(known)
}
