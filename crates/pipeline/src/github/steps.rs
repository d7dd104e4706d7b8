//! A workflow's job from the inside: conditions, outputs and variables decided step by step.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::job::{Chore, EnvValue, NextStep, Shell, StepOutcome, StepSource, StepSpec, Work};

use super::actions::BuiltIn;
use super::contexts;
use super::expression::{Contexts, Expression, StatusFunctions};
use super::job::MAX_MINUTES;
use super::template::{Template, fill};
use super::value::Value;
use crate::env::JobContext;
use crate::plan::{Action, Asked, Plan, PlannedJob, PlannedStep};
use crate::reader::shown;

/// The steps of a job, decided one by one.
pub(crate) struct WorkflowSteps {
    waiting: VecDeque<PlannedStep>,
    /// Everything but `env`, `steps` and `job`.
    base: Contexts,
    /// `env` of workflow and job, and what steps wrote to `GITHUB_ENV`.
    env: BTreeMap<String, String>,
    /// The latter alone.
    written: BTreeMap<String, String>,
    /// Variables that no step can set.
    fixed: BTreeMap<String, String>,
    /// Why the job fails before its first step.
    unsound: Option<String>,
    outputs: BTreeMap<String, String>,
    secrets: Vec<Secret>,
    records: Vec<(String, Value)>,
    current: Option<Current>,
    exit_code: i32,
    cancelled: bool,
}

/// The step that runs.
struct Current {
    id: Option<String>,
    continue_on_error: bool,
}

impl WorkflowSteps {
    pub(crate) fn new(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Self {
        let base = contexts::of_job(plan, job, context);
        let env = super::env::file_env(plan, job, &base);
        let unsound = super::env::file_env_fault(plan, job, &base);
        let fixed = super::env::predefined(&base).into_iter().filter(|(name, _)| contexts::is_fixed(name)).collect();
        Self {
            waiting: job.steps.iter().cloned().collect(),
            base,
            env,
            written: BTreeMap::new(),
            fixed,
            unsound,
            outputs: job.outputs.clone(),
            secrets: context.secrets.values().chain(&context.token).filter(|secret| !secret.expose().is_empty()).cloned().collect(),
            records: Vec::new(),
            current: None,
            exit_code: 0,
            cancelled: false,
        }
    }

    /// Takes in how the step that ran ended.
    fn record(&mut self, last: Option<&StepOutcome>) {
        let Some(current) = self.current.take() else { return };
        let code = last.and_then(|outcome| outcome.exit_code);
        let outcome = match code {
            Some(0) => "success",
            None if self.cancelled => "cancelled",
            _ => "failure",
        };
        let conclusion = if current.continue_on_error && outcome == "failure" { "success" } else { outcome };
        if conclusion != "success" && self.exit_code == 0 {
            self.exit_code = code.filter(|code| *code != 0).unwrap_or(1);
        }
        let mut outputs = Vec::new();
        if let Some(last) = last {
            outputs = last.outputs.iter().map(|(name, value)| (name.clone(), Value::text(value))).collect();
            let free = last.env.iter().filter(|(name, _)| !self.fixed.contains_key(*name));
            self.env.extend(free.map(|(name, value)| (name.clone(), value.clone())));
            self.written.extend(last.env.clone());
        }
        if let Some(id) = current.id {
            self.keep(id, outputs, outcome, conclusion);
        }
    }

    fn keep(&mut self, id: String, outputs: Vec<(String, Value)>, outcome: &str, conclusion: &str) {
        let record = Value::object([
            ("outputs", Value::object(outputs)),
            ("outcome", Value::text(outcome)),
            ("conclusion", Value::text(conclusion)),
        ]);
        self.records.push((id, record));
    }

    fn contexts(&self, env: &BTreeMap<String, String>) -> Contexts {
        let failed = self.exit_code != 0;
        let status = StatusFunctions { success: !failed && !self.cancelled, failure: failed && !self.cancelled, cancelled: self.cancelled };
        let word = if self.cancelled {
            "cancelled"
        } else if failed {
            "failure"
        } else {
            "success"
        };
        let mut contexts = self.base.clone();
        contexts.values.insert("env", Value::texts(env));
        contexts.values.insert("steps", Value::object(self.records.clone()));
        contexts.values.insert("job", Value::object([("status", Value::text(word))]));
        contexts.status = status;
        contexts
    }

    /// Whether a step runs now.
    fn runs(&self, step: &PlannedStep) -> Result<bool, String> {
        let (PlannedStep::Run { condition, env, .. } | PlannedStep::Uses { condition, env, .. }) = step else { return Ok(false) };
        let contexts = self.contexts(&self.step_env(env).unwrap_or_else(|_| self.env.clone()));
        let Some(condition) = condition else { return Ok(contexts.status.success) };
        let expression = Expression::read(&condition.expression).map_err(|invalid| invalid.message)?;
        if !expression.asks_status() && !contexts.status.success {
            return Ok(false);
        }
        expression
            .evaluate(&contexts)
            .map(|value| value.is_true())
            .map_err(|why| format!("the `if` on line {} cannot be decided: {why}", condition.line))
    }

    /// The job's variables with the step's own over them.
    fn step_env(&self, own: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
        let contexts = self.contexts(&self.env);
        let mut env = self.env.clone();
        for (name, value) in own {
            env.insert(name.clone(), fill(value, &contexts)?);
        }
        Ok(env)
    }

    fn spec(&self, step: &PlannedStep) -> Result<StepSpec, String> {
        match step {
            PlannedStep::Run { .. } => self.run_spec(step),
            PlannedStep::Uses { id, name, uses, action: Action::BuiltIn { name: BuiltIn::Checkout }, env, .. } => {
                let contexts = self.contexts(&self.step_env(env)?);
                let name = name.as_ref().map_or_else(|| Ok(format!("Run {uses}")), |name| fill(name, &contexts))?;
                let notes = vec!["the job has been in a checkout of the commit from its beginning".to_owned()];
                Ok(StepSpec { id: id.clone(), notes, ..StepSpec::of(name, Work::Chore(Chore::Nothing)) })
            }
            PlannedStep::Script { .. } | PlannedStep::AfterScript { .. } => Err("a workflow has no such step".to_owned()),
        }
    }

    fn run_spec(&self, step: &PlannedStep) -> Result<StepSpec, String> {
        let PlannedStep::Run { id, name, script, shell, env: own, working_directory, timeout_minutes, .. } = step else {
            return Err("a workflow has no such step".to_owned());
        };
        let env = self.step_env(own)?;
        let contexts = self.contexts(&env);
        let text = fill(script, &contexts)?;
        let first_line = text.lines().next().unwrap_or_default().chars().take(120).collect::<String>();
        let name = match name {
            Some(name) => fill(name, &contexts)?,
            None => format!("Run {first_line}"),
        };
        let shell = match shell {
            Some(Shell::Custom(command)) => Shell::Custom(fill(command, &contexts)?),
            Some(shell) => shell.clone(),
            None => Shell::BashOrSh,
        };
        let handed = self.written.keys().chain(own.keys()).filter_map(|name| {
            let value = self.fixed.get(name).or_else(|| env.get(name))?;
            Some((name.clone(), self.masked(value)))
        });
        Ok(StepSpec {
            id: id.clone(),
            env: handed.collect(),
            working_directory: working_directory.as_ref().map(|directory| fill(directory, &contexts)).transpose()?,
            timeout: timeout_minutes.as_ref().map(|minutes| timeout(minutes, &contexts)).transpose()?,
            ..StepSpec::script(name, text, shell)
        })
    }

    fn masked(&self, value: &str) -> EnvValue {
        if self.holds_secret(value) { EnvValue::Secret(Secret::new(value)) } else { EnvValue::Plain(value.to_owned()) }
    }

    fn holds_secret(&self, value: &str) -> bool {
        self.secrets.iter().any(|secret| value.contains(secret.expose()))
    }

    /// A step that fails, and says why.
    fn fail(&mut self, why: &str) -> NextStep {
        self.current = Some(Current { id: None, continue_on_error: false });
        NextStep::Run(failing(None, why))
    }

    /// Why an output cannot be told.
    fn output_fault(&self) -> Option<String> {
        let contexts = self.contexts(&self.env);
        let mut faults = self.outputs.iter().filter_map(|(name, value)| Some((name, fill(value, &contexts).err()?)));
        faults.next().map(|(name, why)| format!("the output `{name}` cannot be evaluated: {why}"))
    }

    /// The job's outputs. One that holds a secret is not handed on, as GitHub has it: outputs are kept in the open.
    fn job_outputs(&self) -> BTreeMap<String, String> {
        let contexts = self.contexts(&self.env);
        let filled = self.outputs.iter().map(|(name, value)| (name.clone(), fill(value, &contexts).unwrap_or_default()));
        filled.map(|(name, value)| if self.holds_secret(&value) { (name, String::new()) } else { (name, value) }).collect()
    }
}

impl StepSource for WorkflowSteps {
    fn next(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep {
        self.cancelled |= cancelled;
        self.record(last);
        if let Some(why) = self.unsound.take() {
            return self.fail(&why);
        }
        while let Some(step) = self.waiting.pop_front() {
            let (PlannedStep::Run { id, continue_on_error, env, .. } | PlannedStep::Uses { id, continue_on_error, env, .. }) = &step else {
                continue;
            };
            let spec = match self.runs(&step) {
                Ok(true) => self.spec(&step),
                Ok(false) => {
                    if let Some(id) = id.clone() {
                        self.keep(id, Vec::new(), "skipped", "skipped");
                    }
                    continue;
                }
                Err(why) => Err(why),
            };
            let goes_on = self.step_env(env).and_then(|env| flag(continue_on_error, &self.contexts(&env)));
            let spec = goes_on.clone().and(spec);
            self.current = Some(Current { id: id.clone(), continue_on_error: goes_on.unwrap_or(false) });
            return NextStep::Run(spec.unwrap_or_else(|why| failing(id.clone(), &why)));
        }
        if let Some(why) = self.output_fault().filter(|_| self.exit_code == 0) {
            return self.fail(&why);
        }
        let exit_code = if self.cancelled && self.exit_code == 0 { 1 } else { self.exit_code };
        NextStep::Done { exit_code, outputs: self.job_outputs() }
    }
}

/// A step's `continue-on-error`.
fn flag(asked: &Asked<bool>, contexts: &Contexts) -> Result<bool, String> {
    match asked {
        Asked::Given(given) => Ok(*given),
        Asked::Expression(text) => match value(text, contexts)? {
            Value::Bool(given) => Ok(given),
            other => Err(format!("`continue-on-error` is true or false, not `{}`", shown(&other.to_text()))),
        },
    }
}

/// A step's time limit.
fn timeout(asked: &Asked<u64>, contexts: &Contexts) -> Result<Duration, String> {
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

/// A step whose expressions cannot be evaluated fails, and says why in the log.
fn failing(id: Option<String>, why: &str) -> StepSpec {
    let quoted = why.replace('\'', "'\\''").replace('\n', " ");
    let script = format!("printf 'error: %s\\n' '{quoted}' >&2\nexit 1\n");
    StepSpec { id, ..StepSpec::script("Evaluate expressions", script, Shell::Sh) }
}
