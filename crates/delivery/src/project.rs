//! A project's own `penstock.yaml`, and what starts a run.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::git::GitHost;
use penstock_model::{CommitId, ProjectName, RepositoryName};
use penstock_pipeline::{Allowed, Beyond, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest `penstock.yaml`.
const MAX_FILE: u64 = 256 * 1024;
/// The most pipeline files that count for one commit.
const MAX_PIPELINES: usize = 20;
/// Its path.
pub const FILE: &str = "penstock.yaml";

/// `penstock.yaml` in a source repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectFile {
    /// Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The project.
    pub project: ProjectSection,
    /// Jobs of the pipeline file, by their keys; `*` is every job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<String, JobSection>,
}

/// What neither dialect has a key for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JobSection {
    /// What the job may call though a plan would be refused for it: `docker`, `helm`, `kubectl`.
    #[schemars(with = "Vec<String>")]
    pub allows: BTreeSet<Beyond>,
}

/// The project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectSection {
    /// Its name.
    #[schemars(with = "String")]
    pub name: ProjectName,
    /// The pipeline file; or several, of which each starts a run for a commit.
    pub pipeline: Pipelines,
    /// The config repository.
    #[schemars(with = "String")]
    pub config: RepositoryName,
    /// The branch that is delivered.
    #[serde(default = "main")]
    pub branch: String,
    /// Whose turn it is, of the jobs that wait for a `resource_group` of GitLab's: `unordered` (unless given), `oldest_first`, `newest_first` or `newest_ready_first`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub resource_groups: BTreeMap<String, ProcessMode>,
}

/// Whose turn it is, of the jobs that wait for one `resource_group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessMode {
    /// Whoever is ready.
    Unordered,
    /// The oldest run's, also before it is ready.
    OldestFirst,
    /// The newest run's, also before it is ready.
    NewestFirst,
    /// The newest run's of those that are ready.
    NewestReadyFirst,
}

impl From<ProcessMode> for penstock_pipeline::ProcessMode {
    fn from(mode: ProcessMode) -> Self {
        match mode {
            ProcessMode::Unordered => Self::Unordered,
            ProcessMode::OldestFirst => Self::OldestFirst,
            ProcessMode::NewestFirst => Self::NewestFirst,
            ProcessMode::NewestReadyFirst => Self::NewestReadyFirst,
        }
    }
}

/// The pipeline files that count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pipelines {
    /// One.
    One(String),
    /// Several for one commit.
    Several(Vec<String>),
}

impl Pipelines {
    /// Their paths.
    pub fn paths(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::Several(paths) => paths,
        }
    }
}

/// What is to be carried out for a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The pipeline files that count, at least one.
    pub paths: Vec<String>,
    /// What jobs may call though it is beyond them.
    pub allowed: Allowed,
}

fn main() -> String {
    "main".to_owned()
}

impl ProjectFile {
    /// What jobs may call though it is beyond them.
    pub fn allowed(&self) -> Allowed {
        self.jobs.iter().map(|(job, section)| (job.clone(), section.allows.clone())).collect()
    }

    /// The file's JSON schema, for editors.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// Reads a `penstock.yaml` of a source repository.
///
/// # Errors
/// What is wrong, where, and what to do.
pub fn parse(text: &str) -> Result<ProjectFile, String> {
    let file: ProjectFile = serde_saphyr::from_str(text)
        .map_err(|error| format!("{FILE}: {error}\nhelp: a source repository's file has `version: 1` and a `project:` section; environments and gates belong to the config repository"))?;
    if file.version != 1 {
        return Err(format!("{FILE}: version {} is not known; this Penstock reads version 1", file.version));
    }
    let paths = file.project.pipeline.paths();
    if paths.is_empty() || paths.len() > MAX_PIPELINES || paths.iter().enumerate().any(|(at, path)| paths[..at].contains(path)) {
        return Err(format!("{FILE}: project.pipeline\nhelp: name one pipeline file, or several different ones, at most {MAX_PIPELINES}"));
    }
    Ok(file)
}

/// Fills in whose turn it is, as the project's file at the commit says.
///
/// # Errors
/// A file that cannot be read, in words for people.
pub async fn process_modes(git: &dyn GitHost, repository: &RepositoryName, commit: &CommitId, plan: &mut Plan) -> Result<(), String> {
    if plan.jobs.iter().all(|job| job.turns.resource_group.is_none()) {
        return Ok(());
    }
    let said = git.read(repository, commit, FILE, MAX_FILE).await.map_err(|error| error.to_string())?;
    let Some(text) = said.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Ok(()) };
    let modes = parse(&text)?.project.resource_groups;
    for turns in plan.jobs.iter_mut().map(|job| &mut job.turns) {
        if let Some(mode) = turns.resource_group.as_ref().and_then(|group| modes.get(group)) {
            turns.process_mode = (*mode).into();
        }
    }
    Ok(())
}

/// What jobs may call at a commit though it is beyond them.
///
/// # Errors
/// A file that cannot be read, in words for people.
pub async fn allowed(git: &dyn GitHost, repository: &RepositoryName, commit: &CommitId) -> Result<Allowed, String> {
    let said = git.read(repository, commit, FILE, MAX_FILE).await.map_err(|error| error.to_string())?;
    let Some(bytes) = said else { return Ok(Allowed::new()) };
    let text = String::from_utf8(bytes).map_err(|_| format!("{FILE} is not UTF-8"))?;
    parse(&text).map(|file| file.allowed())
}

/// Which pipeline files count for a commit.
///
/// # Errors
/// A file that cannot be read, or a choice that nobody made: both in words for people.
pub async fn chosen(git: &dyn GitHost, repository: &RepositoryName, commit: &CommitId) -> Result<Chosen, String> {
    let said = git.read(repository, commit, FILE, MAX_FILE).await.map_err(|error| error.to_string())?;
    if let Some(bytes) = said {
        let text = String::from_utf8(bytes).map_err(|_| format!("{FILE} is not UTF-8"))?;
        return parse(&text).map(|file| Chosen { paths: file.project.pipeline.paths().to_vec(), allowed: file.allowed() });
    }
    let gitlab = git.read(repository, commit, ".gitlab-ci.yml", MAX_FILE * 4).await.map_err(|error| error.to_string())?.is_some();
    let workflows = git.files(repository, commit, ".github/workflows").await.unwrap_or_default();
    choose(gitlab, &workflows).map(|path| Chosen { paths: vec![path], allowed: Allowed::new() })
}

/// The only pipeline file that there is. `workflows` are the files of `.github/workflows`, as paths of the repository.
///
/// # Errors
/// None or several: in words for people.
pub fn choose(gitlab: bool, workflows: &[String]) -> Result<String, String> {
    let is_workflow = |path: &&String| path.ends_with(".yml") || path.ends_with(".yaml");
    let workflows: Vec<_> = workflows.iter().filter(is_workflow).collect();
    match (gitlab, workflows.as_slice()) {
        (true, []) => Ok(".gitlab-ci.yml".to_owned()),
        (false, [one]) => Ok((*one).clone()),
        (false, []) => Err(format!(
            "there is no pipeline file\nhelp: add `.gitlab-ci.yml` or a workflow, and name it in {FILE}: `penstock init` writes one"
        )),
        _ => Err(format!(
            "there is more than one pipeline file\nhelp: two pipelines for one commit are a decision: name the one that counts in {FILE} (`project.pipeline`), or both; `penstock init` asks"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_one_pipeline_or_several_and_what_jobs_may_call() {
        let file = |rest: &str| parse(&format!("version: 1\nproject: {{name: a, config: b, pipeline: {rest}\n"));
        assert_eq!(file(".gitlab-ci.yml}").unwrap().project.pipeline.paths(), [".gitlab-ci.yml"]);
        let both =
            file("[.gitlab-ci.yml, .github/workflows/ci.yml]}\njobs: {image: {allows: [docker]}, '*': {allows: [helm, kubectl]}}").unwrap();
        assert_eq!(both.project.pipeline.paths().len(), 2);
        assert_eq!(both.allowed()["image"], BTreeSet::from([Beyond::Docker]));
        assert_eq!(both.allowed()["*"].len(), 2);
        for bad in ["[]}", "[a, a]}", "a}\njobs: {x: {allow: [docker]}}", "a}\njobs: {x: {allows: [podman]}}"] {
            assert!(file(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_pipeline_file_counts_and_several_are_a_question() {
        let some = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let ci = ".github/workflows/ci.yml";
        assert_eq!(choose(true, &[]).unwrap(), ".gitlab-ci.yml");
        assert_eq!(choose(false, &some(&[ci])).unwrap(), ci);
        assert_eq!(choose(false, &some(&[ci, ".github/workflows/README.md"])).unwrap(), ci);
        assert!(choose(false, &some(&[".github/workflows/README.md"])).unwrap_err().contains("no pipeline file"));
        for (gitlab, workflows) in [(true, some(&[ci])), (false, some(&[ci, ".github/workflows/b.yaml"]))] {
            assert!(choose(gitlab, &workflows).unwrap_err().contains("are a decision"));
        }
    }
}
