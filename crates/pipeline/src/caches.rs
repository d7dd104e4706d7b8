//! Caches and artifacts of a job, with their keys and variables settled.

use std::collections::BTreeMap;

use penstock_model::job::{ArtifactSpec, CacheArchive, CachePolicy, CacheSpec, EnvValue, KeepWhen};
use penstock_model::{CommitId, Digest};

use crate::expand::{Expanded, expand};
use crate::plan::{CacheKey, PlannedCache, PlannedJob};

/// What keys are made of, of the files that [`CacheKey::Files`] and [`CacheKey::FilesCommits`] name.
#[derive(Clone, Debug, Default)]
pub struct KeyFiles {
    /// Digests of their content at the commit.
    pub contents: BTreeMap<String, Digest>,
    /// The commits that last changed them.
    pub commits: BTreeMap<String, CommitId>,
}

/// The caches of a job, ready for the runner. `env` is what [`crate::job_env`] gave.
///
/// A cache of whole folders stays in place. One that is written after some ends only, that is looked for under several keys, or
/// that has patterns is put aside as an archive.
///
/// # Errors
/// A policy that variables make into something that is none.
pub fn cache_specs(job: &PlannedJob, env: &BTreeMap<String, EnvValue>, files: &KeyFiles) -> Result<Vec<CacheSpec>, String> {
    let values = plain(env);
    let filled = |text: &str| expand(text, &values).text;
    let everywhere = values.get("CACHE_FALLBACK_KEY").map(|key| key.text.clone());
    let spec = |cache: &PlannedCache| {
        let mut fallback_keys: Vec<String> = cache.fallback_keys.iter().map(|key| filled(key)).collect();
        fallback_keys.extend(everywhere.clone());
        fallback_keys.retain(|key| !key.is_empty());
        let paths: Vec<String> = cache.paths.iter().map(|path| filled(path)).filter(|path| !path.is_empty()).collect();
        let folders = paths.iter().all(|path| is_folder(path));
        let in_place =
            fallback_keys.is_empty() && cache.when.unwrap_or(KeepWhen::Always) == KeepWhen::Always && !cache.untracked && folders;
        Ok(CacheSpec {
            key: key(&cache.key, &filled, files),
            paths,
            policy: policy(cache, &filled)?,
            archive: (!in_place).then(|| CacheArchive { fallback_keys, when: cache.when.unwrap_or_default(), untracked: cache.untracked }),
            unprotect: cache.unprotect,
        })
    };
    job.caches.iter().map(spec).collect()
}

fn key(key: &CacheKey, filled: &dyn Fn(&str) -> String, known: &KeyFiles) -> String {
    let (prefix, names): (&Option<String>, Vec<String>) = match key {
        CacheKey::Text(text) => return or_default(filled(text)),
        CacheKey::Files { prefix, files } => (prefix, files.iter().filter_map(|file| known.contents.get(file)).map(Digest::hex).collect()),
        CacheKey::FilesCommits { prefix, files } => {
            (prefix, files.iter().filter_map(|file| known.commits.get(file)).map(ToString::to_string).collect())
        }
    };
    let name = if names.is_empty() { "default".to_owned() } else { Digest::of(names.join("\n")).hex() };
    match prefix {
        Some(prefix) => format!("{}-{name}", filled(prefix)),
        None => name,
    }
}

fn policy(cache: &PlannedCache, filled: &dyn Fn(&str) -> String) -> Result<CachePolicy, String> {
    let Some(text) = &cache.policy_by else { return Ok(cache.policy) };
    match &*filled(text) {
        "pull-push" | "" => Ok(CachePolicy::PullPush),
        "pull" => Ok(CachePolicy::Pull),
        "push" => Ok(CachePolicy::Push),
        other => Err(format!("the cache's policy `{text}` comes to `{other}`: it is `pull-push`, `pull` or `push`")),
    }
}

/// A folder below the checkout, by its name.
fn is_folder(path: &str) -> bool {
    !path.starts_with('/') && !path.contains(['*', '?', '[', '{']) && !path.split('/').any(|part| part == "..")
}

/// What a job keeps, ready for the runner: variables in its patterns filled in. `env` is what [`crate::job_env`] gave.
pub fn artifact_spec(job: &PlannedJob, env: &BTreeMap<String, EnvValue>) -> ArtifactSpec {
    let values = plain(env);
    let below = |text: String| match values.get("CI_PROJECT_DIR").and_then(|dir| text.strip_prefix(&*dir.text)?.strip_prefix('/')) {
        Some(below) => below.to_owned(),
        None => text,
    };
    let filled = |list: &[String]| list.iter().map(|text| below(expand(text, &values).text)).filter(|text| !text.is_empty()).collect();
    let wanted = &job.artifacts;
    ArtifactSpec {
        paths: filled(&wanted.paths),
        untracked: wanted.untracked,
        exclude: filled(&wanted.exclude),
        when: wanted.when,
        junit: filled(&wanted.junit),
        cobertura: wanted.cobertura.as_ref().map(|text| expand(text, &values).text),
        jacoco: wanted.jacoco.as_ref().map(|text| expand(text, &values).text),
        dotenv: filled(&wanted.dotenv),
        reports: wanted.reports.iter().map(|(kind, patterns)| (kind.clone(), filled(patterns))).collect(),
        description_file: crate::tag_release::description_file(job, env),
        name: wanted.name.as_ref().map(|text| expand(text, &values).text).filter(|name| !name.is_empty()),
        exposed_as: wanted.exposed_as.clone(),
        access: wanted.access,
        expire_in: wanted.expire_in,
    }
}

/// Variables for keys and paths. A secret has no place there: they are shown.
pub(crate) fn plain(env: &BTreeMap<String, EnvValue>) -> BTreeMap<String, Expanded> {
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
        let files = KeyFiles { contents: [("Cargo.lock".to_owned(), Digest::of("lock"))].into(), ..KeyFiles::default() };
        let specs = cache_specs(&plan.jobs[0], &env.into(), &files).unwrap();
        assert_eq!(specs[0].key, "main-x");
        assert_eq!(specs[0].paths, ["target", "d"]);
        assert_eq!(specs[1].key, format!("main-{}", Digest::of(Digest::of("lock").hex()).hex()));
        assert_eq!(specs[2].key, "default");
        assert!(specs.iter().all(|spec| spec.archive.is_none()), "folders stay in place");
    }

    /// What becomes of a cache: its policy, and of an archive the fallback keys, when it is written, whether with what is untracked.
    fn kept(cache: &str, variables: &[(&str, &str)]) -> String {
        let plan = gitlab_plan(&format!("a:\n  script: [x]\n  cache: {{key: k, {cache}}}\n"));
        let env = variables.iter().map(|(name, text)| ((*name).to_owned(), EnvValue::Plain((*text).to_owned()))).collect();
        match cache_specs(&plan.jobs[0], &env, &KeyFiles::default()).as_deref() {
            Err(why) => why.to_owned(),
            Ok([CacheSpec { policy, archive: None, .. }]) => format!("in place {policy:?}"),
            Ok([CacheSpec { policy, archive: Some(kept), .. }]) => {
                format!("{policy:?} {:?} {:?}{}", kept.fallback_keys, kept.when, if kept.untracked { " untracked" } else { "" })
            }
            Ok(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_stay_in_place_becomes_an_archive() {
        for (cache, variables, expected) in [
            ("paths: [t]", &[][..], "in place PullPush"),
            ("paths: [t], when: always, policy: pull", &[], "in place Pull"),
            ("paths: [t], when: on_success", &[], "PullPush [] OnSuccess"),
            ("paths: [t], when: on_failure", &[], "PullPush [] OnFailure"),
            ("paths: ['t/*.o']", &[], "PullPush [] OnSuccess"),
            ("paths: [/var/lib/docker]", &[], "PullPush [] OnSuccess"),
            ("untracked: true", &[], "PullPush [] OnSuccess untracked"),
            ("paths: [t], fallback_keys: [$A, b, $NONE]", &[("A", "a")], "PullPush [\"a\", \"b\"] OnSuccess"),
            ("paths: [t], fallback_keys: [b], when: always", &[("CACHE_FALLBACK_KEY", "z")], "PullPush [\"b\", \"z\"] Always"),
            ("paths: [t], policy: $HOW", &[("HOW", "push")], "in place Push"),
            ("paths: [t], policy: $HOW", &[], "in place PullPush"),
            (
                "paths: [t], policy: $HOW",
                &[("HOW", "both")],
                "the cache's policy `$HOW` comes to `both`: it is `pull-push`, `pull` or `push`",
            ),
        ] {
            assert_eq!(kept(cache, variables), expected, "{cache}");
        }
    }

    #[test]
    fn a_key_of_commits_changes_when_a_file_is_changed_and_changed_back() {
        let plan = gitlab_plan("a:\n  script: [x]\n  cache: {key: {files_commits: [a, b], prefix: p}, paths: [t]}\n");
        let commit = |digit: char| digit.to_string().repeat(40).parse().unwrap();
        let key = |digit| {
            let commits = [("a".to_owned(), commit('a')), ("b".to_owned(), commit(digit))].into();
            cache_specs(&plan.jobs[0], &BTreeMap::new(), &KeyFiles { commits, ..KeyFiles::default() }).unwrap()[0].key.clone()
        };
        assert_ne!(key('b'), key('c'));
        assert!(key('b').starts_with("p-") && key('b') == key('b'));
    }

    #[test]
    fn what_is_kept_follows_the_variables() {
        let plan = gitlab_plan(
            "a:\n  script: [x]\n  artifacts: {paths: [$DIR/, '${DIR}/**/*.o', $NOPE], exclude: ['$CI_PROJECT_DIR/$DIR/x'], reports: {junit: $DIR/j.xml, dotenv: $SECRET/e, coverage_report: {coverage_format: cobertura, path: $DIR/c.xml}}}\n",
        );
        let secret = EnvValue::Secret(penstock_model::Secret::new("hunter2"));
        let env = [
            ("DIR".to_owned(), EnvValue::Plain("out".to_owned())),
            ("SECRET".to_owned(), secret),
            ("CI_PROJECT_DIR".to_owned(), EnvValue::Plain("/builds/shop".to_owned())),
        ];
        let spec = artifact_spec(&plan.jobs[0], &env.into());
        assert_eq!((spec.paths, spec.exclude), (vec!["out/".to_owned(), "out/**/*.o".to_owned()], vec!["out/x".to_owned()]));
        assert_eq!((spec.junit, spec.dotenv), (vec!["out/j.xml".to_owned()], vec!["/e".to_owned()]));
        assert_eq!(spec.cobertura.as_deref(), Some("out/c.xml"));
    }
}
