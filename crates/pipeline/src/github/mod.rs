//! Workflow files of GitHub.

mod actions;
mod call;
mod called;
mod checked;
mod container;
mod contexts;
mod env;
mod eval;
mod evaluate;
mod expression;
mod filler;
mod format;
mod functions;
mod identity;
mod job;
mod keys;
mod late;
mod lex;
mod matrix;
mod needs;
mod on;
mod parse;
mod payload;
mod places;
mod planner;
mod runs_on;
mod settle;
mod step;
mod steps;
mod template;
#[cfg(test)]
mod tests;
mod turn;
mod value;
mod workflow;

pub use actions::{ActionsLock, BuiltIn, Locked, Named, named};
pub(crate) use called::{Inputs, call_inputs, call_outputs};
pub(crate) use env::job_env;
pub(crate) use eval::Given;
pub(crate) use expression::{Expression, Invalid, StatusFunctions};
pub(crate) use filler::Filler;
pub(crate) use identity::{environment_name, identity};
pub(crate) use settle::{Settled, replace, settle};
pub(crate) use steps::WorkflowSteps;
pub(crate) use turn::concurrency;
pub(crate) use value::fold::folded;
pub(crate) use value::number_text;
pub(crate) use workflow::plan;

use std::collections::BTreeMap;

use crate::plan::Plan;
use crate::run::NeedResult;

/// Asks the `if` of a job or a call once what it needs is done. Without a status function in it, `success()` must hold too.
pub(crate) fn job_condition(
    expression: &Expression,
    plan: &Plan,
    inputs: &Inputs,
    needs: &BTreeMap<String, NeedResult>,
    status: StatusFunctions,
) -> Result<bool, String> {
    if !expression.asks_status() && !status.success {
        return Ok(false);
    }
    let mut contexts = contexts::of_scope(plan, inputs, needs);
    contexts.status = status;
    expression.evaluate(&contexts).map(|value| value.is_true())
}
