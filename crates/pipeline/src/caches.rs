//! Caches and artifacts of a job, with their keys and variables settled.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::job::{ArtifactSpec, CacheSpec, EnvValue};

use crate::expand::{Expanded, expand};
use crate::plan::{CacheKey, PlannedJob};

/// The caches of a job, ready for the runner. `env` is what [`crate::job_env`] gave; `digest_of` gives the digest of a
/// file's content at the commit (`None` if there is no such file).
///
/// A key made of files changes when their content changes. GitLab takes the commits that last changed them instead,
/// which makes a new key for a file that was changed and changed back.
pub fn cache_specs(job: &PlannedJob, env: &BTreeMap<String, EnvValue>, digest_of: &dyn Fn(&str) -> Option<Digest>) -> Vec<CacheSpec> {
    let values = plain(env);
    let filled = |text: &str| expand(text, &values).text;
    job.caches
        .iter()
        .map(|cache| CacheSpec {
            key: match &cache.key {
                CacheKey::Text(text) => or_default(filled(text)),
                CacheKey::Files { prefix, files } => {
                    let digests: Vec<String> = files.iter().filter_map(|file| digest_of(file)).map(|digest| digest.hex()).collect();
                    let name = if digests.is_empty() { "default".to_owned() } else { Digest::of(digests.join("\n")).hex() };
                    match prefix {
                        Some(prefix) => format!("{}-{name}", filled(prefix)),
                        None => name,
                    }
                }
            },
            paths: cache.paths.iter().map(|path| filled(path)).collect(),
            policy: cache.policy,
        })
        .collect()
}

/// What a job keeps, ready for the runner: variables in its patterns filled in. `env` is what [`crate::job_env`] gave.
pub fn artifact_spec(job: &PlannedJob, env: &BTreeMap<String, EnvValue>) -> ArtifactSpec {
    let values = plain(env);
    let filled = |list: &[String]| list.iter().map(|text| expand(text, &values).text).filter(|text| !text.is_empty()).collect();
    let wanted = &job.artifacts;
    ArtifactSpec {
        paths: filled(&wanted.paths),
        untracked: wanted.untracked,
        exclude: filled(&wanted.exclude),
        when: wanted.when,
        junit: filled(&wanted.junit),
        cobertura: wanted.cobertura.as_ref().map(|text| expand(text, &values).text),
        dotenv: filled(&wanted.dotenv),
        reports: wanted.reports.iter().map(|(kind, patterns)| (kind.clone(), filled(patterns))).collect(),
        name: wanted.name.as_ref().map(|text| expand(text, &values).text).filter(|name| !name.is_empty()),
        exposed_as: wanted.exposed_as.clone(),
        expire_in: wanted.expire_in,
    }
}

/// Variables for keys and paths. A secret has no place there: they are shown.
fn plain(env: &BTreeMap<String, EnvValue>) -> BTreeMap<String, Expanded> {
    let plain = env.iter().filter_map(|(name, value)| match value {
        EnvValue::Plain(text) => Some((name.clone(), Expanded { text: text.clone(), secret: false })),
        EnvValue::Secret(_) => None,
    });
    plain.collect()
}

fn or_default(key: String) -> String {
    if key.is_empty() { "default".to_owned() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::gitlab_plan;

    #[test]
    fn a_key_follows_the_variables_and_the_content_of_files() {
        let plan = gitlab_plan(
            "a:\n  script: [x]\n  cache:\n    - {key: $BRANCH-x, paths: [target, $DIR]}\n    - {key: {files: [Cargo.lock], prefix: $BRANCH}, paths: [t]}\n    - {paths: [t]}\n",
        );
        let env = [("BRANCH", "main"), ("DIR", "d")].map(|(name, text)| (name.to_owned(), EnvValue::Plain(text.to_owned())));
        let specs = cache_specs(&plan.jobs[0], &env.into(), &|path| (path == "Cargo.lock").then(|| Digest::of("lock")));
        assert_eq!(specs[0].key, "main-x");
        assert_eq!(specs[0].paths, ["target", "d"]);
        assert_eq!(specs[1].key, format!("main-{}", Digest::of(Digest::of("lock").hex()).hex()));
        assert_eq!(specs[2].key, "default");
    }

    #[test]
    fn what_is_kept_follows_the_variables() {
        let plan = gitlab_plan(
            "a:\n  script: [x]\n  artifacts: {paths: [$DIR/, '${DIR}/**/*.o', $NOPE], exclude: [$DIR/x], reports: {junit: $DIR/j.xml, dotenv: $SECRET/e, coverage_report: {coverage_format: cobertura, path: $DIR/c.xml}}}\n",
        );
        let secret = EnvValue::Secret(penstock_model::Secret::new("hunter2"));
        let env = [("DIR".to_owned(), EnvValue::Plain("out".to_owned())), ("SECRET".to_owned(), secret)];
        let spec = artifact_spec(&plan.jobs[0], &env.into());
        assert_eq!((spec.paths, spec.exclude), (vec!["out/".to_owned(), "out/**/*.o".to_owned()], vec!["out/x".to_owned()]));
        assert_eq!((spec.junit, spec.dotenv), (vec!["out/j.xml".to_owned()], vec!["/e".to_owned()]));
        assert_eq!(spec.cobertura.as_deref(), Some("out/c.xml"));
    }
}
