//! Jobs by GitLab's keys.

use serde_json::{Value, json};

use super::texts;
use crate::PlannedStep;
use crate::plan::{AllowFailure, Downstream, Plan, PlannedJob, PlannedTrigger, Wait, When};
use crate::{PlannedContainer, PlannedService};

pub(super) fn job(plan: &Plan, job: &PlannedJob) -> Value {
    let script = |after: bool| -> Vec<&String> {
        let lines = job.steps.iter().map(|step| match step {
            PlannedStep::Script { commands } if !after => commands.as_slice(),
            PlannedStep::AfterScript { commands } if after => commands.as_slice(),
            _ => &[],
        });
        lines.flatten().collect()
    };
    let environment = job.environment.as_ref().map(|environment| json!({ "name": environment.name, "url": environment.url }));
    json!({
        "name": job.name,
        "stage": job.stage,
        "when": when(job.when),
        "start_in": job.turns.start_in,
        "allow_failure": allow_failure(&job.allow_failure),
        "needs": needs(job),
        "environment": environment,
        // GitLab shows a job's own and those of the file that it inherits as one
        "variables": texts(plan.inherited(job).chain(&job.variables)),
        "trigger": job.trigger.as_deref().map(trigger),
        "image": job.image.as_ref().map(image),
        "services": job.services.iter().map(service).collect::<Vec<_>>(),
        "script": script(false),
        "after_script": script(true),
        "retry": job.retry.max,
        "timeout": job.timeout.as_secs(),
        "parallel": job.matrix.as_ref().map(|matrix| json!({ "index": matrix.index, "total": matrix.total, "matrix": matrix.values })),
        "group": job.group,
        "file": job.file,
        "line": job.line,
        "because": job.because,
    })
}

/// What a job starts, by the keys of `trigger`.
fn trigger(trigger: &PlannedTrigger) -> Value {
    let (include, project, branch, inputs) = match &trigger.downstream {
        Downstream::Child { include } => (include.clone(), Value::Null, Value::Null, json!({})),
        Downstream::Project { project, branch, inputs } => (Value::Null, json!(project), json!(branch), json!(inputs)),
        Downstream::Latest { project } => return json!({ "needs": { "pipeline": project } }),
    };
    json!({
        "include": include,
        "project": project,
        "branch": branch,
        "inputs": inputs,
        "strategy": trigger.strategy,
        "forward": { "yaml_variables": trigger.yaml_variables, "pipeline_variables": trigger.pipeline_variables },
    })
}

fn when(when: When) -> Value {
    serde_json::to_value(when).ok().and_then(|value| value.as_str().map(|word| json!(word))).unwrap_or(Value::Null)
}

fn allow_failure(allowed: &AllowFailure) -> Value {
    match allowed {
        AllowFailure::No => json!(false),
        AllowFailure::Yes => json!(true),
        AllowFailure::ExitCodes(codes) => json!({ "exit_codes": codes }),
    }
}

/// `null` for a job that waits for the stages before its own, which is one without the key.
fn needs(job: &PlannedJob) -> Value {
    if job.waits_for.contains(&Wait::EarlierStages) {
        return Value::Null;
    }
    let needed = job.waits_for.iter().filter_map(|wait| match wait {
        Wait::Job { job: other } => Some(json!({ "job": other, "artifacts": job.artifacts_from.contains(other) })),
        Wait::EarlierStages => None,
    });
    Value::Array(needed.collect())
}

fn image(image: &PlannedContainer) -> Value {
    json!({ "name": image.image, "entrypoint": image.entrypoint })
}

fn service(service: &PlannedService) -> Value {
    let container = &service.container;
    json!({
        "name": container.image,
        "alias": service.aliases,
        "entrypoint": container.entrypoint,
        "command": container.command,
        "variables": texts(container.variables.iter()),
    })
}
