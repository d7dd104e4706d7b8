//! Workflow files of GitHub.

mod actions;
mod checked;
mod contexts;
mod env;
mod eval;
mod evaluate;
mod expression;
mod filler;
mod format;
mod functions;
mod job;
mod keys;
mod lex;
mod matrix;
mod on;
mod parse;
mod payload;
mod places;
mod runs_on;
mod step;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod turn;
mod value;
mod workflow;

pub use actions::BuiltIn;
pub(crate) use env::job_env;
pub(crate) use eval::Given;
pub(crate) use expression::{Expression, Invalid, StatusFunctions};
pub(crate) use filler::Filler;
pub(crate) use steps::WorkflowSteps;
pub(crate) use turn::concurrency;
pub(crate) use value::fold::folded;
pub(crate) use value::number_text;
pub(crate) use workflow::plan;

use std::collections::BTreeMap;

use crate::plan::Plan;
use crate::run::NeedResult;

/// Asks a job's `if` once what it needs is done. Without a status function in it, `success()` must hold too.
pub(crate) fn job_condition(
    expression: &Expression,
    plan: &Plan,
    needs: &BTreeMap<String, NeedResult>,
    status: StatusFunctions,
) -> Result<bool, String> {
    if !expression.asks_status() && !status.success {
        return Ok(false);
    }
    let mut contexts = contexts::of_condition(plan, needs);
    contexts.status = status;
    expression.evaluate(&contexts).map(|value| value.is_true())
}
