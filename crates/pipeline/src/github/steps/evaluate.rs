//! What a step's expressions come to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::job::{EnvValue, Shell, StepSpec};

use super::WorkflowSteps;
use crate::github::contexts::is_fixed;
use crate::github::env::by_expression;
use crate::github::expression::{Contexts, Expression, StatusFunctions};
use crate::github::job::MAX_MINUTES;
use crate::github::step::evaluated_shell;
use crate::github::template::{Template, fill};
use crate::github::value::Value;
use crate::plan::{Asked, PlannedStep};
use crate::reader::shown;

/// What a step's `env` comes to.
pub(super) struct StepEnv {
    /// The variables that its expressions see.
    pub(super) all: BTreeMap<String, String>,
    /// Names of those that the step itself gives.
    pub(super) own: BTreeSet<String>,
}

impl WorkflowSteps {
    /// What expressions see now, in the innermost list of steps.
    pub(super) fn contexts(&self, env: &BTreeMap<String, String>) -> Contexts {
        let job_failed = self.exit_code != 0;
        let (inner, frame) = (self.frames.len() > 1, self.frames.last());
        // within an action the status functions ask about its own steps
        let failed = if inner { frame.is_some_and(|frame| frame.failed) } else { job_failed };
        let status = StatusFunctions { success: !failed && !self.cancelled, failure: failed && !self.cancelled, cancelled: self.cancelled };
        let word = if self.cancelled {
            "cancelled"
        } else if job_failed {
            "failure"
        } else {
            "success"
        };
        let mut contexts = self.base.clone();
        contexts.values.insert("env", Value::texts(env));
        let services = (!matches!(self.services, Value::Null)).then(|| ("services", self.services.clone()));
        let job = [("status", Value::text(word))].into_iter().chain(services).chain(self.of_job.iter().cloned());
        contexts.values.insert("job", Value::object(job));
        if let Some(frame) = frame {
            frame.fill_in(&mut contexts, status, &self.step);
        }
        contexts
    }

    /// Whether a step runs now.
    pub(super) fn runs(&self, step: &PlannedStep) -> Result<bool, String> {
        let (PlannedStep::Run { condition, env, .. } | PlannedStep::Uses { condition, env, .. }) = step else { return Ok(false) };
        let contexts = self.contexts(&self.step_env(env).map_or_else(|_| self.env.clone(), |env| env.all));
        let Some(condition) = condition else { return Ok(contexts.status.success) };
        holds(&condition.expression, &contexts).map_err(|why| format!("the `if` on line {} cannot be decided: {why}", condition.line))
    }

    /// The job's variables with those of the steps around and the step's own over them.
    pub(super) fn step_env(&self, own: &Asked<BTreeMap<String, String>>) -> Result<StepEnv, String> {
        let mut all = self.env.clone();
        all.extend(self.frames.iter().flat_map(|frame| frame.env.clone()));
        let contexts = self.contexts(&all);
        let own: BTreeMap<String, String> = match own {
            Asked::Given(texts) => {
                texts.iter().map(|(name, value)| Ok((name.clone(), fill(value, &contexts)?))).collect::<Result<_, String>>()?
            }
            Asked::Expression(text) => by_expression(text, &contexts)?,
        };
        let names = own.keys().cloned().collect();
        all.extend(own);
        Ok(StepEnv { all, own: names })
    }

    /// What a step's processes get besides the job's variables: what steps wrote, what the steps around have, its own.
    pub(super) fn handed(&self, env: &StepEnv) -> BTreeMap<String, EnvValue> {
        let around = self.frames.iter().flat_map(|frame| frame.env.keys());
        let names = self.written.keys().chain(around).chain(&env.own);
        let mut out: BTreeMap<String, EnvValue> = names
            .filter_map(|name| {
                let value = if is_fixed(name) { self.fixed.get(name) } else { env.all.get(name) };
                Some((name.clone(), self.masked(value?)))
            })
            .collect();
        for (name, value) in self.action_of_frame() {
            out.insert(format!("GITHUB_{}", name.to_uppercase()), EnvValue::Plain(value));
        }
        out
    }

    pub(super) fn run_spec(&self, step: &PlannedStep, env: &StepEnv, contexts: &Contexts) -> Result<StepSpec, String> {
        let PlannedStep::Run { id, name, script, shell, working_directory, timeout_minutes, .. } = step else {
            return Err("a workflow has no such step".to_owned());
        };
        let text = fill(script, contexts)?;
        let first_line = text.lines().next().unwrap_or_default().chars().take(120).collect::<String>();
        let name = match name {
            Some(name) => fill(name, contexts)?,
            None => format!("Run {first_line}"),
        };
        let shell = match shell {
            // a plan of an older Penstock has commands with expressions in them
            Some(Asked::Given(Shell::Custom(command))) => Shell::Custom(fill(command, contexts)?),
            Some(Asked::Given(shell)) => shell.clone(),
            Some(Asked::Expression(text)) => evaluated_shell(&fill(text, contexts)?)?,
            None => Shell::BashOrSh,
        };
        Ok(StepSpec {
            id: id.clone(),
            env: self.handed(env),
            working_directory: working_directory.as_ref().map(|directory| fill(directory, contexts)).transpose()?,
            timeout: timeout_minutes.as_ref().map(|minutes| timeout(minutes, contexts)).transpose()?,
            ..StepSpec::script(name, text, shell)
        })
    }

    pub(super) fn masked(&self, value: &str) -> EnvValue {
        if self.holds_secret(value) { EnvValue::Secret(Secret::new(value)) } else { EnvValue::Plain(value.to_owned()) }
    }

    pub(super) fn holds_secret(&self, value: &str) -> bool {
        self.secrets.iter().any(|secret| value.contains(secret.expose()))
    }
}

/// A condition. Without a status function in it, `success()` must hold too.
pub(in crate::github) fn holds(expression: &str, contexts: &Contexts) -> Result<bool, String> {
    let expression = Expression::read(expression).map_err(|invalid| invalid.message)?;
    if !expression.asks_status() && !contexts.status.success {
        return Ok(false);
    }
    expression.evaluate(contexts).map(|value| value.is_true())
}

/// A step's `continue-on-error`.
pub(super) fn flag(asked: &Asked<bool>, contexts: &Contexts) -> Result<bool, String> {
    match asked {
        Asked::Given(given) => Ok(*given),
        Asked::Expression(text) => match value(text, contexts)? {
            Value::Bool(given) => Ok(given),
            other => Err(format!("`continue-on-error` is true or false, not `{}`", shown(&other.to_text()))),
        },
    }
}

/// A step's time limit.
pub(super) fn timeout(asked: &Asked<u64>, contexts: &Contexts) -> Result<Duration, String> {
    match asked {
        Asked::Given(minutes) => Ok(Duration::from_secs(minutes.saturating_mul(60))),
        Asked::Expression(text) => match value(text, contexts)? {
            Value::Number(minutes) if minutes > 0.0 && minutes <= MAX_MINUTES as f64 => Ok(Duration::from_secs_f64(minutes * 60.0)),
            other => Err(format!("`timeout-minutes` is a number of minutes up to 31 days, not `{}`", shown(&other.to_text()))),
        },
    }
}

fn value(text: &str, contexts: &Contexts) -> Result<Value, String> {
    Template::read(text).map_err(|invalid| invalid.message)?.value(contexts)
}
