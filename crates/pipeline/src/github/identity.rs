//! What the identity token of a workflow's job says of it (GitHub's reference of `OpenID` Connect).

use serde_json::{Map, Value as Json, json};

use super::contexts;
use super::template::fill;
use super::value::Value;
use crate::env::JobContext;
use crate::identity::is_protected;
use crate::library::FileRef;
use crate::plan::{Plan, PlannedJob};

/// What is said of a job.
///
/// # Errors
/// When the environment's name cannot be told.
pub(crate) fn identity(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Result<Map<String, Json>, String> {
    let contexts = contexts::of_job(plan, job, context);
    let github = |name: &str| match contexts.values.get("github") {
        Some(Value::Object(entries)) => {
            entries.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_text()).unwrap_or_default()
        }
        _ => String::new(),
    };
    let mut out: Map<String, Json> = [
        "actor",
        "base_ref",
        "event_name",
        "head_ref",
        "ref",
        "ref_type",
        "repository",
        "repository_owner",
        "run_attempt",
        "run_id",
        "run_number",
        "sha",
        "workflow",
        "workflow_ref",
        "workflow_sha",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), json!(github(name))))
    .collect();
    let (of_job, at) = called(plan, job).unwrap_or_else(|| (github("workflow_ref"), github("workflow_sha")));
    let mut subject = format!("repo:{}:", github("repository"));
    if let Some(environment) = &job.environment {
        let name = fill(&environment.name, &contexts).map_err(|why| format!("the environment's name cannot be evaluated: {why}"))?;
        subject.push_str(&format!("environment:{}", name.replace(':', "%3A")));
        out.insert("environment".to_owned(), json!(name));
    } else if plan.event.trigger.merge_request().is_some() {
        subject.push_str("pull_request");
    } else {
        subject.push_str(&format!("ref:{}", github("ref")));
    }
    for (name, value) in [
        ("sub", subject),
        ("job_workflow_ref", of_job),
        ("job_workflow_sha", at),
        ("ref_protected", is_protected(&plan.event).to_string()),
        ("repository_visibility", "private".to_owned()),
        ("runner_environment", "self-hosted".to_owned()),
    ] {
        out.insert(name.to_owned(), json!(value));
    }
    Ok(out)
}

/// The name of the environment that a job names, if it can be told.
pub(crate) fn environment_name(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Option<String> {
    fill(&job.environment.as_ref()?.name, &contexts::of_job(plan, job, context)).ok()
}

/// The called workflow that a job stands in, and its commit as far as it is told.
fn called(plan: &Plan, job: &PlannedJob) -> Option<(String, String)> {
    let call = plan.chain(job.call.as_deref()).next()?;
    let event = &plan.event;
    Some(match &call.file {
        FileRef::Local { path } => (format!("{}/{}/{path}@{}", event.project, event.repository, event.reference), event.commit.to_string()),
        FileRef::Project { project, reference, path } => {
            let reference = reference.clone().unwrap_or_default();
            (format!("{project}/{path}@{reference}"), reference)
        }
        other => (other.to_string(), String::new()),
    })
}
