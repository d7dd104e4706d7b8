//! What a `concurrency` comes to.

use std::collections::BTreeMap;

use penstock_model::RunId;

use super::called::Inputs;
use super::contexts;
use super::expression::Expression;
use super::template::Template;
use super::value::Value;
use crate::plan::{Concurrency, Plan, PlannedJob};
use crate::run::NeedResult;

use serde_json::Value as Json;

/// The group's name, and whether whoever comes cancels the one that is at work. `job` is whose it is, unless the whole workflow's;
/// `inputs` are those of the workflow that it stands in.
///
/// # Errors
/// An expression that cannot be evaluated.
pub(crate) fn concurrency(
    plan: &Plan,
    of: &Concurrency,
    (run, inputs): (&RunId, &Inputs),
    job: Option<(&PlannedJob, &BTreeMap<String, NeedResult>)>,
) -> Result<(String, bool), String> {
    let none = BTreeMap::new();
    let mut contexts = contexts::of_scope(plan, inputs, job.map_or(&none, |(_, needs)| needs));
    contexts::add_run(&mut contexts, run);
    if let Some((job, _)) = job {
        if let Some(matrix) = &job.matrix {
            contexts.values.insert("matrix", Value::from(&Json::Object(matrix.values.clone())));
        }
        contexts.values.insert("strategy", contexts::strategy(job.matrix.as_ref()));
    }
    let read = Template::read(&of.group).map_err(|invalid| invalid.message)?;
    let name = read.text(&contexts)?;
    let cancels = match of.cancel_in_progress.trim() {
        "true" => true,
        "false" => false,
        written => {
            let inner = written.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(written);
            Expression::read(inner).map_err(|invalid| invalid.message)?.evaluate(&contexts)?.is_true()
        }
    };
    Ok((name, cancels))
}
