//! What expressions may see, and where.

use std::collections::BTreeMap;

use penstock_model::{Digest, RunId};
use serde_json::{Map, Value as Json};

use super::expression::Contexts;
pub(super) use super::places::*;
use super::value::Value;
use super::{called, payload};
use crate::env::JobContext;
use crate::input::PushEvent;
use crate::plan::{CallInput, Matrix, Plan, PlannedJob};
use crate::run::NeedResult;
use crate::trigger::MergeRequest;

/// Properties of `github` that are known only once a run is there.
pub(super) const LATE_PROPERTIES: &[&str] = &[
    "run_id",
    "run_number",
    "run_attempt",
    "workspace",
    "token",
    "job",
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "action_status",
];

/// Properties of `github` that are variables too, with `GITHUB_` before their names.
const GITHUB: &[&str] = &[
    // of a step
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "actor",
    "actor_id",
    "triggering_actor",
    "sha",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "base_ref",
    "head_ref",
    "event_name",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "server_url",
    "api_url",
    "graphql_url",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "run_id",
    "run_number",
    "run_attempt",
    "workspace",
    "job",
];

/// Properties of `github` that are no variables.
const NO_VARIABLES: &[&str] = &["event", "token", "repositoryurl", "secret_source", "action_status"];

/// Properties of `job`.
const JOB: &[&str] = &["status", "services", "workflow_ref", "workflow_sha", "workflow_repository", "workflow_file_path"];

/// For a path that GitHub knows and Penstock does not: how much of it is at fault, and what is known in its place.
/// It would silently be nothing.
pub(super) fn absent(path: &[&str]) -> Option<(usize, Vec<&'static str>)> {
    let unless = |known: &[&'static str], at: usize| (!known.contains(&path[at])).then(|| (at + 1, known.to_vec()));
    match path {
        ["github", name, ..] if NO_VARIABLES.contains(&name.to_lowercase().as_str()) => None,
        ["github", _, ..] => unless(GITHUB, 1),
        // `debug` is nothing as long as nobody debugs
        ["runner", _, ..] => unless(&["os", "arch", "name", "environment", "temp", "tool_cache", "workspace", "debug"], 1),
        ["job", _, ..] => unless(JOB, 1),
        ["strategy", _, ..] => unless(&["fail-fast", "job-index", "job-total", "max-parallel"], 1),
        _ => None,
    }
}

/// Whether a property of `github` is a variable too.
pub(super) fn is_variable(property: &str) -> bool {
    GITHUB.contains(&property)
}

/// Whether a variable is one of those that nobody can set, as GitHub has it.
pub(super) fn is_fixed(variable: &str) -> bool {
    let of = |prefix| variable.strip_prefix(prefix).map(str::to_lowercase);
    of("GITHUB_").is_some_and(|name| GITHUB.contains(&&*name) || ["actions", "output", "env", "path"].contains(&&*name))
        || of("RUNNER_").is_some_and(|name| name == "workspace" || runner().iter().any(|(known, _)| *known == name))
}

/// The `github` context of an event; with a job's context, what is known only then too.
fn github(event: &PushEvent, workflow: &str, path: &str, job: Option<(&PlannedJob, &JobContext)>) -> Value {
    let request = event.trigger.merge_request();
    let (reference, name) = match request.filter(|request| !request.of_target) {
        Some(request) => (format!("refs/pull/{}/merge", request.number), format!("{}/merge", request.number)),
        None => (event.reference.clone(), event.ref_name().to_owned()),
    };
    let kind = if event.tag().is_some() { "tag" } else { "branch" };
    let project = event.project.as_str();
    let repository = format!("{project}/{}", event.repository);
    let branch = |of: fn(&MergeRequest) -> &str| Value::text(request.map_or("", |request| of(request)));
    let of_fork = request.is_some_and(|request| request.fork.is_some());
    let mut out: Vec<(&str, Value)> = vec![
        ("actor", Value::text(event.pusher.as_str())),
        ("actor_id", Value::text(id_of(event.pusher.as_str()).to_string())),
        ("triggering_actor", Value::text(event.pusher.as_str())),
        ("sha", Value::text(event.commit.as_str())),
        ("ref", Value::text(&reference)),
        ("ref_name", Value::text(name)),
        ("ref_type", Value::text(kind)),
        // as GitLab's variable has it: the branch that is delivered
        ("ref_protected", Value::Bool(event.branch() == Some(&*event.default_branch))),
        ("base_ref", branch(|request| &request.target_branch)),
        ("head_ref", branch(|request| &request.source_branch)),
        ("event_name", Value::text(event.trigger.github_event().unwrap_or_default())),
        ("repository", Value::text(&repository)),
        ("repository_id", Value::text(id_of(&repository).to_string())),
        ("repository_owner", Value::text(project)),
        ("repository_owner_id", Value::text(id_of(project).to_string())),
        ("repositoryUrl", Value::text(payload::clone_url(event))),
        ("server_url", Value::text(&event.server_url)),
        // where GitHub's own servers have them; nothing answers there
        ("api_url", Value::text(format!("{}/api/v3", event.server_url))),
        ("graphql_url", Value::text(format!("{}/api/graphql", event.server_url))),
        ("secret_source", Value::text(if of_fork { "None" } else { "Actions" })),
        ("workflow", Value::text(workflow)),
        ("workflow_ref", Value::text(format!("{repository}/{path}@{reference}"))),
        ("workflow_sha", Value::text(event.commit.as_str())),
        ("event", payload::of(event, &repository)),
    ];
    if let Some((job, context)) = job {
        out.extend([
            ("run_id", Value::text(context.run.as_str())),
            ("run_number", Value::text(context.number.to_string())),
            ("run_attempt", Value::text(context.attempt.to_string())),
            ("workspace", Value::text(&context.workspace)),
            ("job", Value::text(job.key())),
            ("token", context.token.as_ref().map(|token| Value::text(token.expose())).unwrap_or_default()),
        ]);
    }
    Value::object(out)
}

/// A number for a name, since there are names alone here: always the same one, and hardly another's.
pub(super) fn id_of(name: &str) -> u64 {
    u64::from_str_radix(&Digest::of(name).hex()[..12], 16).unwrap_or_default()
}

/// Where the workflow lies that a job stands in: the properties of `job` that say it.
pub(super) fn workflow_of(plan: &Plan, job: &PlannedJob) -> [(&'static str, Value); 4] {
    let event = &plan.event;
    let own = format!("{}/{}", event.project, event.repository);
    let file = job.file.as_deref().unwrap_or(&plan.path);
    // `OWNER/NAME@COMMIT:PATH` is another repository's
    let other = file.split_once(':').and_then(|(place, path)| Some((place.rsplit_once('@')?, path)));
    let (repository, commit, path, reference) = match other {
        Some(((repository, commit), path)) => (repository.to_owned(), commit.to_owned(), path, commit.to_owned()),
        None => (own, event.commit.to_string(), file, event.reference.clone()),
    };
    [
        ("workflow_ref", Value::text(format!("{repository}/{path}@{reference}"))),
        ("workflow_sha", Value::text(commit)),
        ("workflow_repository", Value::text(repository)),
        ("workflow_file_path", Value::text(path)),
    ]
}

/// What is known while planning.
pub(super) fn early(event: &PushEvent, inputs: &Map<String, Json>, workflow: &str, path: &str) -> Contexts {
    let mut contexts = Contexts::default();
    contexts.values.insert("github", github(event, workflow, path, None));
    contexts.values.insert("vars", Value::texts(&event.variables));
    contexts.values.insert("inputs", of_inputs(inputs));
    contexts
}

/// What is known while planning of a workflow that is called with these inputs.
pub(super) fn early_inputs(outer: &Contexts, inputs: &BTreeMap<String, CallInput>) -> Contexts {
    let mut contexts = outer.clone();
    let known = inputs.iter().filter_map(|(name, input)| match input {
        CallInput::Value { value } => Some((name.clone(), Value::from(value))),
        CallInput::Expression { .. } => None,
    });
    contexts.values.insert("inputs", Value::object(known));
    contexts.values.remove("needs");
    contexts
}

/// The project's variables that are no secrets, and over them what this run was given.
fn vars(plan: &Plan, context: &JobContext) -> Value {
    let mut all: BTreeMap<String, String> = context.plain.iter().map(|(name, variable)| (name.clone(), variable.value.clone())).collect();
    all.extend(plan.event.variables.clone());
    Value::texts(&all)
}

fn of_inputs(inputs: &Map<String, Json>) -> Value {
    Value::object(inputs.iter().map(|(name, value)| (name.clone(), Value::from(value))))
}

/// What a job's `if` may see, in a workflow with these inputs.
pub(super) fn of_scope(plan: &Plan, inputs: &Map<String, Json>, needs: &BTreeMap<String, NeedResult>) -> Contexts {
    let mut contexts = early(&plan.event, inputs, &plan.name, &plan.path);
    contexts.values.insert("needs", needs_value(needs));
    contexts
}

/// Adds the number of the run to what is known.
pub(super) fn add_run(contexts: &mut Contexts, run: &RunId) {
    let Some(Value::Object(github)) = contexts.values.get("github") else { return };
    let more = github.iter().cloned().chain([("run_id".to_owned(), Value::text(run.as_str()))]);
    contexts.values.insert("github", Value::object(more));
}

/// What a job's `env`, outputs and steps may see, without `env`, `steps` and `job`.
pub(super) fn of_job(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Contexts {
    let mut contexts = Contexts::default();
    let values = &mut contexts.values;
    values.insert("github", github(&plan.event, &plan.name, &plan.path, Some((job, context))));
    values.insert("vars", vars(plan, context));
    values.insert("inputs", of_inputs(called::inputs_of(plan, job.call.as_deref(), &context.inputs.calls)));
    values.insert("needs", needs_value(&context.inputs.needs));
    // what cannot be told of them fails the job before its first step
    values.insert("secrets", Value::object(called::secrets(plan, job.call.as_deref(), context).unwrap_or_default()));
    let above = context.workspace.rsplit_once('/').map_or("", |(above, _)| above);
    values.insert(
        "runner",
        Value::object(runner().into_iter().chain([("workspace", above)]).map(|(name, value)| (name, Value::text(value)))),
    );
    if let Some(matrix) = &job.matrix {
        values.insert("matrix", Value::from(&Json::Object(matrix.values.clone())));
    }
    values.insert("strategy", strategy(job.matrix.as_ref()));
    contexts
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred at most")]
pub(super) fn strategy(matrix: Option<&Matrix>) -> Value {
    let (index, total, fail_fast, most) =
        matrix.map_or((0, 1, true, None), |matrix| (matrix.index - 1, matrix.total, matrix.fail_fast, matrix.max_parallel));
    Value::object([
        ("fail-fast", Value::Bool(fail_fast)),
        ("job-index", Value::Number(index as f64)),
        ("job-total", Value::Number(total as f64)),
        ("max-parallel", Value::Number(most.unwrap_or(total) as f64)),
    ])
}

/// The machine, as workflows name it.
pub(super) fn runner() -> [(&'static str, &'static str); 6] {
    let arch = if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" };
    [
        ("os", "Linux"),
        ("arch", arch),
        ("name", "penstock"),
        ("environment", "self-hosted"),
        ("temp", "/tmp"),
        ("tool_cache", "/home/job/.toolcache"),
    ]
}

/// The `needs` context, and `jobs`, which is alike.
pub(super) fn needs_value(needs: &BTreeMap<String, NeedResult>) -> Value {
    Value::object(needs.iter().map(|(key, need)| {
        let value = Value::object([("result", Value::text(&need.result)), ("outputs", Value::texts(&need.outputs))]);
        (key.clone(), value)
    }))
}
