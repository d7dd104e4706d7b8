//! What a job's processes find in their environment.

pub(crate) mod predefined;

use std::collections::BTreeMap;

use penstock_model::job::{EnvValue, variable_file};
use penstock_model::{JobName, RunId, Secret, Timestamp};

use crate::expand::{Expanded, Raw, Scope, expand};
use crate::input::Dialect;
use crate::plan::{Plan, PlannedJob, Variable};
use crate::run::JobInputs;

/// What is known only once a job starts.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The run.
    pub run: RunId,
    /// The run's number within its project, from 1 (`CI_PIPELINE_IID`, `GITHUB_RUN_NUMBER`).
    pub number: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The checkout, as the job sees it (`CI_PROJECT_DIR`, `GITHUB_WORKSPACE`).
    pub workspace: String,
    /// When the run was planned.
    pub created_at: Timestamp,
    /// When this attempt starts.
    pub started_at: Timestamp,
    /// The project's secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// The project's other variables.
    pub plain: BTreeMap<String, Variable>,
    /// Texts that the job finds in files: variables of the project, and what `secrets` fetched.
    pub files: BTreeMap<String, Secret>,
    /// The job's own token (`PENSTOCK_TOKEN`, `CI_JOB_TOKEN`, `github.token`).
    pub token: Option<Secret>,
    /// Its identity tokens by the names of their variables, from [`crate::id_tokens`].
    pub id_tokens: BTreeMap<String, Secret>,
    /// Tags that the machine says it has.
    pub tags: Vec<String>,
    /// What jobs before it left, from [`crate::RunEffect::StartJob`].
    pub inputs: JobInputs,
}

impl JobContext {
    /// What a workflow's expressions give as `secrets`, and what holds any of it is one.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.values().chain(self.files.values()).chain(&self.token)
    }
}

/// The variables of a job: the dialect's predefined ones (`CI_*`, `GITHUB_*`), the project's, the file's and those that
/// earlier jobs left, in the dialect's order of precedence, expanded; and `PENSTOCK_URL` and `PENSTOCK_TOKEN`. What holds
/// a secret is marked as one. Empty if the plan has no such job.
pub fn job_env(plan: &Plan, job: &JobName, context: &JobContext) -> BTreeMap<String, EnvValue> {
    let Some(job) = plan.job(job) else { return BTreeMap::new() };
    let mut env: BTreeMap<String, EnvValue> = match plan.dialect {
        Dialect::GitlabCi => gitlab(plan, job, context),
        Dialect::GithubWorkflow => crate::github::job_env(plan, job, context),
    };
    env.insert("PENSTOCK_URL".into(), EnvValue::Plain(plan.event.server_url.clone()));
    if let Some(token) = &context.token {
        env.insert("PENSTOCK_TOKEN".into(), EnvValue::Secret(token.clone()));
    }
    env
}

fn gitlab(plan: &Plan, job: &PlannedJob, context: &JobContext) -> BTreeMap<String, EnvValue> {
    known(plan, job, context).into_iter().map(|(name, value)| (name, value.into_env())).collect()
}

/// A GitLab job's variables, expanded: predefined ones, the file's, the job's, what earlier jobs left, the project's.
pub(crate) fn known(plan: &Plan, job: &PlannedJob, context: &JobContext) -> BTreeMap<String, Expanded> {
    let mut scope = Scope::default();
    scope.literals(predefined::of_push(&plan.event, &plan.path));
    let place = job.matrix.as_ref().map(|matrix| (matrix.index, matrix.total));
    for (name, raw) in predefined::of_job(job.name.as_str(), &job.stage, job.environment.as_ref(), place) {
        scope.set(name, raw);
    }
    scope.literals(predefined::of_start(plan, job, context));
    if let Some(image) = &job.image {
        scope.set("CI_JOB_IMAGE", Raw::Template(image.image.clone()));
    }
    if let Some(url) = job.environment.as_ref().and_then(|environment| environment.url.clone()) {
        scope.set("CI_ENVIRONMENT_URL", Raw::Template(url));
    }
    if let Some(token) = &context.token {
        scope.set("CI_JOB_TOKEN", Raw::Hidden(token.clone()));
    }
    // as GitLab has it, below what the file sets
    for (name, token) in &context.id_tokens {
        scope.set(name.clone(), Raw::Hidden(token.clone()));
    }
    scope.variables(plan.inherited(job));
    scope.variables(&job.variables);
    scope.literals(context.inputs.dotenv.clone());
    scope.variables(&context.plain);
    scope.literals(context.files.keys().map(|name| (name.clone(), variable_file(name))));
    for (name, secret) in &context.secrets {
        scope.set(name.clone(), Raw::Hidden(secret.clone()));
    }
    // what this run was given goes over what every run is
    for (name, value) in &plan.event.variables {
        scope.set(name.clone(), Raw::Template(value.clone()));
    }
    scope.variables(&plan.event.given);
    // the slug is made of the name's value, and the address may name the slug
    if let Some(environment) = &job.environment {
        let name = expand(&environment.name, &scope.expand_or_keep());
        scope.set_below("CI_ENVIRONMENT_SLUG", Raw::Literal(predefined::environment_slug(&name.text)));
    }
    scope.expand_or_keep()
}

/// The name of the environment that a job names, as far as it is known before its secrets are.
pub fn environment_name(plan: &Plan, job: &JobName, context: &JobContext) -> Option<String> {
    let job = plan.job(job)?;
    let name = &job.environment.as_ref()?.name;
    match plan.dialect {
        Dialect::GitlabCi => Some(expand(name, &known(plan, job, context)).text),
        Dialect::GithubWorkflow => crate::github::environment_name(plan, job, context),
    }
}

impl Expanded {
    /// As the runner takes it.
    pub(crate) fn into_env(self) -> EnvValue {
        if self.secret { EnvValue::Secret(Secret::new(self.text)) } else { EnvValue::Plain(self.text) }
    }
}
