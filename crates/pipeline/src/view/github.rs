//! Jobs by GitHub's keys.

use penstock_model::job::Shell;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::texts;
use crate::PlannedStep;
use crate::plan::{AllowFailure, Asked, Awaited, Concurrency, Condition, Permissions, PlannedJob};
use crate::steps::container_action::image_names;
use crate::{PlannedContainer, PlannedService};

pub(super) fn job(job: &PlannedJob) -> Value {
    let environment = job.environment.as_ref().map(|environment| json!({ "name": environment.name, "url": environment.url }));
    let services: Map<String, Value> =
        job.services.iter().filter_map(|service| Some((service.key.clone()?, self::service(service)))).collect();
    json!({
        "id": job.group,
        "name": job.title,
        "if": condition(job.condition.as_ref()),
        "needs": job.needs,
        "runs-on": job.runs_on,
        "strategy": strategy(job),
        "steps": job.steps.iter().filter_map(step).collect::<Vec<_>>(),
        "env": job.variables_by.as_ref().map_or_else(|| json!(texts(job.variables.iter())), |by| json!(by)),
        "outputs": job.outputs,
        "environment": environment,
        "container": job.image.as_ref().map(container),
        "services": services,
        "continue-on-error": job.allow_failure == AllowFailure::Yes,
        "timeout-minutes": job.timeout.as_secs() / 60,
        "permissions": job.permissions.as_ref().map(permissions),
        "concurrency": job.concurrency.as_ref().map(concurrency),
        "job": job.name,
        "file": job.file,
        "line": job.line,
        "because": job.because,
    })
}

fn condition(condition: Option<&Condition>) -> Option<&str> {
    condition.map(|condition| condition.expression.as_str())
}

fn permissions(permissions: &Permissions) -> Value {
    let mut all: Map<String, Value> = permissions.scopes.iter().map(|(scope, access)| (scope.clone(), word(access))).collect();
    all.insert("*".to_owned(), word(&permissions.rest));
    Value::Object(all)
}

pub(super) fn concurrency(concurrency: &Concurrency) -> Value {
    json!({ "group": concurrency.group, "cancel-in-progress": concurrency.cancel_in_progress })
}

/// Of a job of a matrix: its own combination, and what the `strategy` context has. `null` for a job without one.
fn strategy(job: &PlannedJob) -> Value {
    let Some(matrix) = &job.matrix else { return Value::Null };
    json!({
        "matrix": matrix.values,
        "fail-fast": matrix.fail_fast,
        "max-parallel": matrix.max_parallel,
        "job-index": matrix.index.saturating_sub(1),
        "job-total": matrix.total,
    })
}

/// A step by its keys in the file.
fn step(planned: &PlannedStep) -> Option<Value> {
    match planned {
        PlannedStep::Run {
            line,
            id,
            name,
            script,
            shell,
            condition: asked,
            env,
            working_directory,
            continue_on_error,
            timeout_minutes,
            ..
        } => Some(json!({
            "id": id,
            "name": name,
            "if": condition(asked.as_ref()),
            "run": script,
            "shell": shell.as_ref().and_then(named),
            "working-directory": working_directory,
            "env": env,
            "continue-on-error": continue_on_error,
            "timeout-minutes": timeout_minutes,
            "line": line,
        })),
        PlannedStep::Uses { line, id, name, uses, instead, with, condition: asked, env, continue_on_error, timeout_minutes, .. } => {
            let mut told = json!({
                "id": id,
                "name": name,
                "if": condition(asked.as_ref()),
                "uses": uses,
                "with": with,
                "env": env,
                "continue-on-error": continue_on_error,
                "timeout-minutes": timeout_minutes,
                "line": line,
            });
            if let Some(instead) = instead {
                told["instead"] = json!(instead);
            }
            let images = image_names(std::slice::from_ref(planned));
            if !images.is_empty() {
                told["images"] = json!(images);
            }
            Some(told)
        }
        PlannedStep::Background { step: inner, .. } => {
            let mut told = step(inner)?;
            told["background"] = json!(true);
            Some(told)
        }
        PlannedStep::Wait { line, id, name, awaited, continue_on_error } => {
            let (key, of) = match awaited {
                Awaited::For { steps } => ("wait", json!(steps)),
                Awaited::All => ("wait-all", json!(true)),
                Awaited::Cancel { steps } => ("cancel", json!(steps)),
            };
            Some(json!({ "id": id, "name": name, key: of, "continue-on-error": continue_on_error, "line": line }))
        }
        PlannedStep::BeforeSources { .. } | PlannedStep::Script { .. } | PlannedStep::AfterScript { .. } => None,
    }
}

/// A shell by the name that a workflow has for it; `None` for the one that it has without naming one.
fn named(shell: &Asked<Shell>) -> Option<&str> {
    let shell = match shell {
        Asked::Given(shell) => shell,
        Asked::Expression(text) => return Some(text),
    };
    Some(match shell {
        Shell::BashOrSh => return None,
        Shell::Bash => "bash",
        Shell::Sh => "sh",
        Shell::Python => "python",
        Shell::Pwsh => "pwsh",
        Shell::Custom(command) => command,
    })
}

fn word(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn container(container: &PlannedContainer) -> Value {
    json!({
        "image": container.image,
        "env": texts(container.variables.iter()),
        "ports": container.ports,
        "volumes": container.volumes,
        "options": container.options,
    })
}

fn service(service: &PlannedService) -> Value {
    container(&service.container)
}
