//! What a workflow job's processes find in their environment.

use std::collections::BTreeMap;

use penstock_model::Secret;
use penstock_model::job::EnvValue;

use super::expression::Contexts;
use super::template::{Template, fill};
use super::value::Value;
use super::{called, contexts};
use crate::env::JobContext;
use crate::plan::{Plan, PlannedJob, Variable};
use crate::reader::shown;

/// The variables of a workflow's job: `GITHUB_*`, `RUNNER_*`, and `env` of workflow and job.
pub(crate) fn job_env(plan: &Plan, job: &PlannedJob, context: &JobContext) -> BTreeMap<String, EnvValue> {
    let contexts = contexts::of_job(plan, job, context);
    let mut out: BTreeMap<String, EnvValue> =
        predefined(&contexts).into_iter().map(|(name, value)| (name, EnvValue::Plain(value))).collect();
    let secrets: Vec<&str> = context.hidden().map(Secret::expose).filter(|text| !text.is_empty()).collect();
    for (name, value) in file_env(plan, job, &contexts).into_iter().filter(|(name, _)| !contexts::is_fixed(name)) {
        let secret = secrets.iter().any(|secret| value.contains(secret));
        out.insert(name, if secret { EnvValue::Secret(Secret::new(value)) } else { EnvValue::Plain(value) });
    }
    out
}

/// Why `env` of the workflow or the job cannot be evaluated, which fails the job.
pub(super) fn file_env_fault(plan: &Plan, job: &PlannedJob, contexts: &Contexts) -> Option<String> {
    let mut both = of_file(plan, job).chain(&job.variables);
    let fault = |(name, variable): (&String, &Variable)| {
        Some(format!("the variable `{name}` cannot be evaluated: {}", fill(&variable.value, contexts).err()?))
    };
    both.find_map(fault).or_else(|| by_expression(job.variables_by.as_deref()?, contexts).err())
}

/// `env` of the workflow with that of the job over it, evaluated. What cannot be evaluated is empty until the job fails for it.
pub(super) fn file_env(plan: &Plan, job: &PlannedJob, contexts: &Contexts) -> BTreeMap<String, String> {
    let both = of_file(plan, job).chain(&job.variables);
    let by = job.variables_by.as_ref().and_then(|text| by_expression(text, contexts).ok()).unwrap_or_default();
    both.map(|(name, variable)| (name.clone(), fill(&variable.value, contexts).unwrap_or_default())).chain(by).collect()
}

/// Variables that one expression gives: a mapping of texts, or nothing.
pub(super) fn by_expression(text: &str, contexts: &Contexts) -> Result<BTreeMap<String, String>, String> {
    let value = Template::read(text).map_err(|invalid| invalid.message).and_then(|template| template.value(contexts));
    match value.map_err(|why| format!("`env` cannot be evaluated: {why}"))? {
        Value::Null => Ok(BTreeMap::new()),
        Value::Object(entries) => entries.iter().map(|(name, value)| Ok((sound(name)?, plain(name, value)?))).collect(),
        other => Err(format!("`env` is a mapping of texts, not {}", other.kind())),
    }
}

fn sound(name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("`{}` cannot be a variable's name", shown(name)));
    }
    Ok(name.to_owned())
}

fn plain(name: &str, value: &Value) -> Result<String, String> {
    if value.is_primitive() { Ok(value.to_text()) } else { Err(format!("the variable `{}` is a text, not {}", shown(name), value.kind())) }
}

/// `env` of the workflow that a job stands in: a called one knows nothing of its caller's.
fn of_file<'p>(plan: &'p Plan, job: &'p PlannedJob) -> impl Iterator<Item = (&'p String, &'p Variable)> {
    plan.chain(job.call.as_deref()).next().map_or(&plan.variables, |call| &call.variables).iter()
}

/// Why a secret that a call hands on cannot be told, which fails the job.
pub(super) fn secrets_fault(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Option<String> {
    called::secrets(plan, job.call.as_deref(), context).err()
}

/// `GITHUB_*` are the texts of the `github` context; the token is not among them.
pub(super) fn predefined(contexts: &Contexts) -> Vec<(String, String)> {
    let mut out = vec![("CI".to_owned(), "true".to_owned()), ("GITHUB_ACTIONS".to_owned(), "true".to_owned())];
    if let Some(Value::Object(entries)) = contexts.values.get("github") {
        let texts = entries.iter().filter(|(name, _)| contexts::is_variable(name));
        out.extend(texts.map(|(name, value)| (format!("GITHUB_{}", name.to_uppercase()), value.to_text())));
    }
    if let Some(Value::Object(entries)) = contexts.values.get("runner") {
        out.extend(entries.iter().map(|(name, value)| (format!("RUNNER_{}", name.to_uppercase()), value.to_text())));
    }
    out
}
