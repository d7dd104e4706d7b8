//! A project's own `penstock.yaml`, and what starts a run.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::git::GitHost;
use penstock_model::{CommitId, ProjectName, RepositoryName};
use penstock_pipeline::{Allowed, Beyond, Cron, Plan, check_input};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::ScheduledTime;

/// The largest `penstock.yaml`.
const MAX_FILE: u64 = 256 * 1024;
/// The most paths that a job's result may be said to depend on.
const MAX_INPUTS: usize = 100;
/// The longest description of a project (GitLab's own bound).
const MAX_DESCRIPTION: usize = 2_000;
/// The most times at which pipelines start by themselves.
const MAX_SCHEDULES: usize = 100;
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
    /// When pipelines start by themselves, by name. Read from the branch that is delivered.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<String, ScheduleSection>,
    /// Jobs of the pipeline file, by their keys; `*` is every job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<String, JobSection>,
}

/// A time at which a pipeline starts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSection {
    /// When, as `crontab` writes it, in UTC: `30 5 * * 1-5`.
    pub cron: String,
    /// The branch where it starts; the one that is delivered unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Variables, over the project's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

/// What neither dialect has a key for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JobSection {
    /// What the job may call though a plan would be refused for it: `docker`, `helm`, `kubectl`.
    #[schemars(with = "Vec<String>")]
    pub allows: BTreeSet<Beyond>,
    /// Paths and patterns of all files that the job's result depends on: with the same ones, and the same definition, it is not run again.
    pub inputs: Vec<String>,
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
    /// What it is, for people: GitLab's `CI_PROJECT_DESCRIPTION`; at most 2,000 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
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
    /// The project's file, if there is one.
    pub file: Option<ProjectFile>,
}

fn main() -> String {
    "main".to_owned()
}

impl ProjectFile {
    /// What jobs may call though it is beyond them.
    pub fn allowed(&self) -> Allowed {
        self.jobs.iter().map(|(job, section)| (job.clone(), section.allows.clone())).collect()
    }

    /// When pipelines start by themselves; of a project whose delivered branch is `delivered`.
    pub fn times(&self, delivered: &str) -> BTreeMap<String, ScheduledTime> {
        let time = |section: &ScheduleSection| ScheduledTime {
            cron: section.cron.clone(),
            reference: format!("refs/heads/{}", section.branch.as_deref().unwrap_or(delivered)),
            variables: section.variables.clone(),
        };
        self.schedules.iter().map(|(name, section)| (name.clone(), time(section))).collect()
    }

    /// Fills in what the file says of a plan's jobs: whose turn it is, and what their results depend on.
    ///
    /// # Errors
    /// A job that the pipeline file does not have.
    pub fn fill_in(&self, plan: &mut Plan) -> Result<(), String> {
        for turns in plan.jobs.iter_mut().map(|job| &mut job.turns) {
            if let Some(mode) = turns.resource_group.as_ref().and_then(|group| self.project.resource_groups.get(group)) {
                turns.process_mode = (*mode).into();
            }
        }
        for (name, section) in self.jobs.iter().filter(|(_, section)| !section.inputs.is_empty()) {
            let mut known = plan.without(name).is_some();
            for job in &mut plan.jobs {
                if job.group == *name || job.key() == name || job.name.as_str() == name {
                    job.inputs.clone_from(&section.inputs);
                    known = true;
                }
            }
            // of several pipeline files it may be another one's
            if !known && self.project.pipeline.paths() == [plan.path.as_str()] {
                return Err(format!(
                    "{FILE}: jobs.{name}.inputs: {} has no job `{name}`\nhelp: name a job by its key in the file",
                    plan.path
                ));
            }
        }
        Ok(())
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
    if file.project.description.chars().count() > MAX_DESCRIPTION {
        return Err(format!("{FILE}: project.description\nhelp: at most {MAX_DESCRIPTION} characters"));
    }
    if file.schedules.len() > MAX_SCHEDULES {
        return Err(format!("{FILE}: schedules\nhelp: at most {MAX_SCHEDULES}"));
    }
    for (name, schedule) in &file.schedules {
        if let Err(why) = Cron::parse(&schedule.cron) {
            return Err(format!(
                "{FILE}: schedules.{name}.cron: `{}` is no time: {why}\nhelp: as in `30 5 * * 1-5`, in UTC",
                schedule.cron
            ));
        }
    }
    for (job, section) in &file.jobs {
        check_inputs(job, section)?;
    }
    Ok(file)
}

fn check_inputs(job: &str, section: &JobSection) -> Result<(), String> {
    let wrong = |why: String| Err(format!("{FILE}: jobs.{job}.inputs: {why}"));
    if job == "*" && !section.inputs.is_empty() {
        return wrong("`*` is every job\nhelp: name the inputs of each job, since they differ".to_owned());
    }
    if section.inputs.len() > MAX_INPUTS {
        return wrong(format!("there are {}\nhelp: at most {MAX_INPUTS}; a folder stands for everything in it", section.inputs.len()));
    }
    section.inputs.iter().try_for_each(|path| check_input(path)).or_else(wrong)
}

/// Fills in what the project's file at the commit says of a plan's jobs.
///
/// # Errors
/// A file that cannot be read, in words for people.
pub async fn fill_in(git: &dyn GitHost, repository: &RepositoryName, commit: &CommitId, plan: &mut Plan) -> Result<(), String> {
    let said = git.read(repository, commit, FILE, MAX_FILE).await.map_err(|error| error.to_string())?;
    let Some(text) = said.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Ok(()) };
    parse(&text)?.fill_in(plan)
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
        return parse(&text).map(|file| Chosen {
            paths: file.project.pipeline.paths().to_vec(),
            allowed: file.allowed(),
            file: Some(file),
        });
    }
    let gitlab = git.read(repository, commit, ".gitlab-ci.yml", MAX_FILE * 4).await.map_err(|error| error.to_string())?.is_some();
    let workflows = git.files(repository, commit, ".github/workflows").await.unwrap_or_default();
    choose(gitlab, &workflows).map(|path| Chosen { paths: vec![path], allowed: Allowed::new(), file: None })
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
