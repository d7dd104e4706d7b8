//! What expressions may see, and where.

use std::collections::BTreeMap;

use super::expression::Contexts;
use super::value::Value;
use crate::env::JobContext;
use crate::input::PushEvent;
use crate::plan::{Plan, PlannedJob};
use crate::run::NeedResult;

/// Properties of `github` that are known only once a run is there.
pub(super) const LATE_PROPERTIES: &[&str] = &["run_id", "run_number", "run_attempt", "workspace", "token", "job"];

/// Properties of `github` that are texts, and variables of the same names with `GITHUB_` before them.
const GITHUB: &[&str] = &[
    "actor",
    "triggering_actor",
    "sha",
    "ref",
    "ref_name",
    "ref_type",
    "base_ref",
    "head_ref",
    "event_name",
    "repository",
    "repository_owner",
    "server_url",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "run_id",
    "run_number",
    "run_attempt",
    "workspace",
    "job",
];
/// What a push has at GitHub and has not here. Other events' properties are nothing for a push there too.
const ABSENT_EVENT: &[&str] = &["commits", "compare", "forced", "base_ref", "organization", "installation", "enterprise"];
/// What stands in for these.
const EVENT: &[&str] = &["ref", "before", "after", "created", "deleted", "head_commit", "pusher", "sender", "repository"];

/// For a path that GitHub knows and Penstock does not: how much of it is at fault, and what is known in its place.
/// It would silently be nothing.
pub(super) fn absent(path: &[&str]) -> Option<(usize, Vec<&'static str>)> {
    let unless = |known: &[&'static str], at: usize| (!known.contains(&path[at])).then(|| (at + 1, known.to_vec()));
    match path {
        ["github", "event", "head_commit", _, ..] => unless(&["id", "message"], 3),
        ["github", "event", "pusher", _, ..] => unless(&["name"], 3),
        ["github", "event", "sender", _, ..] => unless(&["login"], 3),
        ["github", "event", "repository", _, ..] => unless(&["name", "full_name", "default_branch"], 3),
        ["github", "event", name, ..] => ABSENT_EVENT.contains(name).then(|| (3, EVENT.to_vec())),
        ["github", name, ..] if ["event", "token"].contains(name) => None,
        ["github", _, ..] => unless(GITHUB, 1),
        // `debug` is nothing as long as nobody debugs
        ["runner", _, ..] => unless(&["os", "arch", "name", "environment", "temp", "debug"], 1),
        ["job", _, ..] => unless(&["status"], 1),
        ["strategy", _, ..] => unless(&["fail-fast", "job-index", "job-total", "max-parallel"], 1),
        _ => None,
    }
}

/// Whether a variable is one of those that nobody can set, as GitHub has it.
pub(super) fn is_fixed(variable: &str) -> bool {
    let of = |prefix| variable.strip_prefix(prefix).map(str::to_lowercase);
    of("GITHUB_").is_some_and(|name| GITHUB.contains(&&*name) || ["actions", "output", "env", "path"].contains(&&*name))
        || of("RUNNER_").is_some_and(|name| runner().iter().any(|(known, _)| *known == name))
}

/// A place of a workflow file, with the contexts that GitHub documents for it.
pub(super) struct Place {
    pub(super) contexts: &'static [&'static str],
    pub(super) status: bool,
    /// Whether it is evaluated while planning.
    pub(super) early: bool,
}

pub(super) const WORKFLOW_ENV: Place = Place { contexts: &["github", "secrets", "inputs", "vars"], status: false, early: false };
pub(super) const JOB_ENV: Place =
    Place { contexts: &["github", "needs", "strategy", "matrix", "vars", "secrets", "inputs"], status: false, early: false };
pub(super) const JOB_IF: Place = Place { contexts: &["github", "needs", "vars", "inputs"], status: true, early: false };
pub(super) const PLANNED: Place = Place { contexts: &["github", "strategy", "matrix", "vars", "inputs"], status: false, early: true };
pub(super) const STRATEGY: Place = Place { contexts: &["github", "vars", "inputs"], status: false, early: true };
pub(super) const STEP: Place = Place {
    contexts: &["github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "secrets", "steps", "inputs"],
    status: false,
    early: false,
};
pub(super) const STEP_IF: Place = Place {
    contexts: &["github", "needs", "strategy", "matrix", "job", "runner", "env", "vars", "steps", "inputs"],
    status: true,
    early: false,
};

/// The `github` context of a push; with a job's context, what is known only then too.
fn github(event: &PushEvent, workflow: &str, path: &str, job: Option<(&PlannedJob, &JobContext)>) -> Value {
    let name =
        event.reference.strip_prefix("refs/heads/").or_else(|| event.reference.strip_prefix("refs/tags/")).unwrap_or(&event.reference);
    let kind = if event.reference.starts_with("refs/tags/") { "tag" } else { "branch" };
    let project = event.project.as_str();
    let repository = format!("{project}/{}", event.repository);
    let mut out: Vec<(&str, Value)> = vec![
        ("actor", Value::text(event.pusher.as_str())),
        ("triggering_actor", Value::text(event.pusher.as_str())),
        ("sha", Value::text(event.commit.as_str())),
        ("ref", Value::text(&event.reference)),
        ("ref_name", Value::text(name)),
        ("ref_type", Value::text(kind)),
        ("base_ref", Value::text("")),
        ("head_ref", Value::text("")),
        ("event_name", Value::text("push")),
        ("repository", Value::text(&repository)),
        ("repository_owner", Value::text(project)),
        ("server_url", Value::text(&event.server_url)),
        ("workflow", Value::text(workflow)),
        ("workflow_ref", Value::text(format!("{repository}/{path}@{}", event.reference))),
        ("workflow_sha", Value::text(event.commit.as_str())),
        ("event", push_payload(event, &repository)),
    ];
    if let Some((job, context)) = job {
        out.extend([
            ("run_id", Value::text(context.run.as_str())),
            ("run_number", Value::text(context.number.to_string())),
            ("run_attempt", Value::text(context.attempt.to_string())),
            ("workspace", Value::text(&context.workspace)),
            ("job", Value::text(&job.group)),
            ("token", context.token.as_ref().map(|token| Value::text(token.expose())).unwrap_or_default()),
        ]);
    }
    Value::object(out)
}

fn push_payload(event: &PushEvent, repository: &str) -> Value {
    let before = event.before.as_ref().map_or_else(|| "0".repeat(event.commit.as_str().len()), ToString::to_string);
    Value::object([
        ("ref", Value::text(&event.reference)),
        ("before", Value::text(before)),
        ("after", Value::text(event.commit.as_str())),
        ("created", Value::Bool(event.before.is_none())),
        ("deleted", Value::Bool(false)),
        ("head_commit", Value::object([("id", Value::text(event.commit.as_str())), ("message", Value::text(&event.message))])),
        ("pusher", Value::object([("name", Value::text(event.pusher.as_str()))])),
        ("sender", Value::object([("login", Value::text(event.pusher.as_str()))])),
        (
            "repository",
            Value::object([
                ("name", Value::text(event.repository.as_str())),
                ("full_name", Value::text(repository)),
                ("default_branch", Value::text(&event.default_branch)),
            ]),
        ),
    ])
}

/// What is known while planning.
pub(super) fn early(event: &PushEvent, workflow: &str, path: &str) -> Contexts {
    let mut contexts = Contexts::default();
    contexts.values.insert("github", github(event, workflow, path, None));
    contexts.values.insert("vars", Value::texts(&event.variables));
    contexts
}

/// What a planned job's `if` may see.
pub(super) fn of_condition(plan: &Plan, needs: &BTreeMap<String, NeedResult>) -> Contexts {
    let mut contexts = early(&plan.event, &plan.name, &plan.path);
    contexts.values.insert("needs", needs_value(needs));
    contexts
}

/// What a job's `env`, outputs and steps may see, without `env`, `steps` and `job`.
pub(super) fn of_job(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Contexts {
    let mut contexts = Contexts::default();
    let values = &mut contexts.values;
    values.insert("github", github(&plan.event, &plan.name, &plan.path, Some((job, context))));
    values.insert("vars", Value::texts(&plan.event.variables));
    values.insert("needs", needs_value(&context.inputs.needs));
    let token = context.token.as_ref().map(|token| ("GITHUB_TOKEN".to_owned(), Value::text(token.expose())));
    let secrets = context.secrets.iter().map(|(name, secret)| (name.clone(), Value::text(secret.expose())));
    values.insert("secrets", Value::object(secrets.chain(token)));
    values.insert("runner", Value::object(runner().map(|(name, value)| (name, Value::text(value)))));
    if let Some(matrix) = &job.matrix {
        values.insert("matrix", Value::from(&serde_json::Value::Object(matrix.values.clone())));
    }
    values.insert("strategy", strategy(job));
    contexts
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred at most")]
fn strategy(job: &PlannedJob) -> Value {
    let (index, total, fail_fast, most) =
        job.matrix.as_ref().map_or((0, 1, true, None), |matrix| (matrix.index - 1, matrix.total, matrix.fail_fast, matrix.max_parallel));
    Value::object([
        ("fail-fast", Value::Bool(fail_fast)),
        ("job-index", Value::Number(index as f64)),
        ("job-total", Value::Number(total as f64)),
        ("max-parallel", Value::Number(most.unwrap_or(total) as f64)),
    ])
}

/// The machine, as workflows name it.
pub(super) fn runner() -> [(&'static str, &'static str); 5] {
    let arch = if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" };
    [("os", "Linux"), ("arch", arch), ("name", "penstock"), ("environment", "self-hosted"), ("temp", "/tmp")]
}

fn needs_value(needs: &BTreeMap<String, NeedResult>) -> Value {
    Value::object(needs.iter().map(|(key, need)| {
        let value = Value::object([("result", Value::text(&need.result)), ("outputs", Value::texts(&need.outputs))]);
        (key.clone(), value)
    }))
}
