//! A workflow's job from the inside: conditions, outputs and variables decided step by step.

mod beside;
mod evaluate;
mod frame;
mod inputs;
mod posts;
mod pres;
mod uses;

pub(super) use evaluate::holds;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use penstock_model::job::{Chore, EnvValue, JobFiles, NextStep, StepOutcome, StepSource, StepSpec, Work};
use penstock_model::service::ServiceUp;
use penstock_model::{Digest, Secret};

use self::beside::{Beside, Waiting};
use self::frame::{Frame, Mark};
use self::posts::Post;
use self::pres::Pre;
use super::actions::{Act, Facts};
use super::contexts;
use super::expression::Contexts;
use super::template::fill;
use super::value::Value;
use crate::env::JobContext;
use crate::hash_files::FilesToHash;
use crate::plan::{Plan, PlannedJob, PlannedStep};

/// The steps of a job, decided one by one.
pub(crate) struct WorkflowSteps {
    /// Everything but `env`, `steps` and `job`.
    base: Contexts,
    /// What actions know of the job.
    facts: Facts,
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
    /// The job's steps, and those of the actions that are being carried out.
    frames: Vec<Frame>,
    /// What is done before the first step.
    pres: VecDeque<Pre>,
    /// What was kept then, by the step.
    kept: BTreeMap<Vec<usize>, BTreeMap<String, String>>,
    /// What is done at the end, the last first.
    posts: Vec<Post>,
    /// Which step is being carried out.
    place: Vec<usize>,
    /// Steps in the background for which nobody has waited yet.
    beside: Vec<Beside>,
    /// Whether one of them failed, and whoever waited for it went on: then the job fails at its end.
    beside_failed: bool,
    running: Option<Running>,
    /// The `job.services` context.
    services: Value,
    /// What else `job` has.
    of_job: Vec<(&'static str, Value)>,
    /// `github.action` and the like of the step that is at work.
    step: Vec<(&'static str, String)>,
    exit_code: i32,
    cancelled: bool,
}

/// What the runner carries out.
enum Running {
    /// A step's script.
    Script(Mark),
    /// Nothing: the log says why the step failed.
    Failure(Mark),
    /// Part of an action.
    Action(Mark, InAction),
    /// Part of what an action does before the first step.
    Pre(Mark, InAction),
    /// Part of what an action does at the job's end.
    Post(InAction),
    /// What starts a step in the background.
    Launch(Beside),
    /// What waits for steps in the background.
    Waiting(Waiting),
}

/// An action that is being carried out.
struct InAction {
    act: Box<dyn Act>,
    name: String,
    id: Option<String>,
    /// Variables that its processes get, and so does what it does at the end.
    env: BTreeMap<String, EnvValue>,
    timeout: Option<Duration>,
    state: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
}

impl WorkflowSteps {
    pub(crate) fn new(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Self {
        let base = contexts::of_job(plan, job, context);
        let env = super::env::file_env(plan, job, &base);
        let unsound = super::env::secrets_fault(plan, job, context).or_else(|| super::env::file_env_fault(plan, job, &base));
        let fixed = super::env::predefined(&base).into_iter().filter(|(name, _)| contexts::is_fixed(name)).collect();
        let frames = vec![Frame::of_job(&job.steps)];
        Self {
            facts: Facts::new(plan, job, context),
            base,
            env,
            written: BTreeMap::new(),
            fixed,
            unsound,
            outputs: job.outputs.clone(),
            secrets: context.hidden().filter(|secret| !secret.expose().is_empty()).cloned().collect(),
            frames,
            pres: pres::of(&job.steps),
            kept: BTreeMap::new(),
            posts: Vec::new(),
            place: Vec::new(),
            beside: Vec::new(),
            beside_failed: false,
            running: None,
            services: Value::default(),
            of_job: contexts::workflow_of(plan, job).into(),
            step: Vec::new(),
            exit_code: 0,
            cancelled: false,
        }
    }

    fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// Variables for all that comes after.
    fn write(&mut self, env: &BTreeMap<String, String>) {
        let free = env.iter().filter(|(name, _)| !self.fixed.contains_key(*name));
        self.env.extend(free.map(|(name, value)| (name.clone(), value.clone())));
        self.written.extend(env.clone());
    }

    /// Takes in what a step left for all that come after it.
    fn take_in(&mut self, last: &StepOutcome) {
        self.write(&last.env);
        self.secrets.extend(last.masks.iter().filter(|secret| !secret.expose().is_empty()).cloned());
    }

    /// Records how a step ended.
    fn record(&mut self, mark: &Mark, code: Option<i32>, outputs: BTreeMap<String, String>) {
        let outcome = match code {
            Some(0) => "success",
            None if self.cancelled => "cancelled",
            _ => "failure",
        };
        let conclusion = if mark.continue_on_error && outcome == "failure" { "success" } else { outcome };
        if conclusion != "success" {
            if self.frames.len() > 1 {
                self.frame().failed = true;
            }
            if self.frames.len() == 1 && self.exit_code == 0 {
                self.exit_code = code.filter(|code| *code != 0).unwrap_or(1);
            }
        }
        let outputs = outputs.into_iter().map(|(name, value)| (name, Value::text(value))).collect();
        self.frame().keep(mark.id.as_ref(), outputs, outcome, conclusion);
    }

    /// A step that fails, and says why.
    fn fail(&mut self, mark: Mark, why: &str) -> NextStep {
        let spec = StepSpec { id: mark.id.clone(), ..said("Evaluate expressions", why) };
        self.running = Some(Running::Failure(mark));
        NextStep::Run(spec)
    }

    /// Goes on after what ran. Gives what the same action does next, if it is not done.
    fn settle(&mut self, last: Option<&StepOutcome>) -> Option<NextStep> {
        let running = self.running.take()?;
        let code = last.and_then(|outcome| outcome.exit_code);
        if let Some(last) = last {
            self.take_in(last);
        }
        let outputs = last.map(|last| last.outputs.clone()).unwrap_or_default();
        match running {
            Running::Script(mark) => self.record(&mark, code, outputs),
            Running::Launch(beside) => self.launched(beside, code),
            Running::Waiting(waiting) => return self.go_on_waiting(waiting, last),
            Running::Failure(mark) => self.record(&mark, code.map(|_| 1), BTreeMap::new()),
            Running::Action(mark, mut action) => {
                if let Some(last) = last {
                    action.state.extend(last.state.clone());
                    action.outputs.extend(outputs);
                }
                return self.go_on(mark, action, last);
            }
            Running::Pre(mark, mut action) => {
                if let Some(last) = last {
                    action.state.extend(last.state.clone());
                }
                return self.go_on_with_pre(mark, action, last);
            }
            Running::Post(mut action) => {
                if let Some(last) = last {
                    action.state.extend(last.state.clone());
                }
                return self.go_on_with_post(action, last);
            }
        }
        None
    }

    /// Begins a step; nothing if it is skipped, or a list of steps now in front.
    fn begin(&mut self, step: &PlannedStep) -> Option<NextStep> {
        match step {
            PlannedStep::Background { key, step } => return self.begin_beside(key, step),
            PlannedStep::Wait { .. } => return self.begin_wait(step),
            _ => {}
        }
        let (PlannedStep::Run { id, continue_on_error, env, .. } | PlannedStep::Uses { id, continue_on_error, env, .. }) = step else {
            return None;
        };
        let mut mark = Mark { id: id.clone(), continue_on_error: false };
        self.step = self.facts_of(step);
        let runs = match self.runs(step) {
            Ok(runs) => runs,
            Err(why) => return Some(self.fail(mark, &why)),
        };
        if !runs {
            self.frame().keep(id.as_ref(), Vec::new(), "skipped", "skipped");
            return None;
        }
        let settled = self.step_env(env).and_then(|env| Ok((evaluate::flag(continue_on_error, &self.contexts(&env.all))?, env)));
        let (continue_on_error, step_env) = match settled {
            Ok(settled) => settled,
            Err(why) => return Some(self.fail(mark, &why)),
        };
        mark.continue_on_error = continue_on_error;
        let contexts = self.contexts(&step_env.all);
        match step {
            PlannedStep::Run { .. } => match self.run_spec(step, &step_env, &contexts) {
                Ok(spec) => {
                    self.facts.used = true;
                    self.running = Some(Running::Script(mark));
                    Some(NextStep::Run(spec))
                }
                Err(why) => Some(self.fail(mark, &why)),
            },
            _ => match self.begin_action(step, &mark, &step_env, &contexts) {
                Ok(next) => next,
                Err(why) => Some(self.fail(mark, &why)),
            },
        }
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

impl WorkflowSteps {
    /// Whether the job goes on as if what runs had not failed.
    fn forgives(&self) -> bool {
        let own = match &self.running {
            Some(Running::Script(mark) | Running::Failure(mark) | Running::Action(mark, _) | Running::Pre(mark, _)) => {
                mark.continue_on_error
            }
            Some(Running::Launch(beside)) => beside.forgives(),
            Some(Running::Waiting(waiting)) => waiting.forgives(),
            Some(Running::Post(_)) | None => false,
        };
        own || self.frames.iter().any(|frame| frame.of.as_ref().is_some_and(|outer| outer.mark.continue_on_error))
    }

    fn following(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep {
        self.cancelled |= cancelled;
        if let Some(next) = self.settle(last) {
            return next;
        }
        if let Some(why) = self.unsound.take() {
            return self.fail(Mark::default(), &why);
        }
        if let Some(next) = self.next_pre() {
            return next;
        }
        loop {
            match self.frame().take() {
                Some((step, place)) => {
                    self.place = place;
                    if let Some(next) = self.begin(&step) {
                        return next;
                    }
                }
                None if self.frames.len() > 1 => {
                    if let Some(next) = self.close_frame() {
                        return next;
                    }
                }
                None => break,
            }
        }
        if let Some(next) = self.wait_at_the_end() {
            return next;
        }
        if let Some(next) = self.next_post() {
            return next;
        }
        if let Some(why) = self.output_fault().filter(|_| self.exit_code == 0) {
            return self.fail(Mark::default(), &why);
        }
        let failed = self.cancelled || self.beside_failed;
        let exit_code = if failed && self.exit_code == 0 { 1 } else { self.exit_code };
        NextStep::Done { exit_code, outputs: self.job_outputs() }
    }
}

impl StepSource for WorkflowSteps {
    fn next(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep {
        match self.following(last, cancelled) {
            NextStep::Run(step) => NextStep::Run(StepSpec { may_fail: self.forgives(), ..step }),
            done @ NextStep::Done { .. } => done,
        }
    }

    fn files(&mut self, files: Arc<dyn JobFiles>) {
        self.base.files = Some(Arc::new(Checkout(files)));
    }

    fn services(&mut self, up: &[ServiceUp]) {
        let ports =
            |up: &ServiceUp| up.ports.iter().map(|(inside, port)| (inside.to_string(), Value::text(port.to_string()))).collect::<Vec<_>>();
        self.services = Value::object(up.iter().map(|up| {
            let service =
                Value::object([("id", Value::text(&up.id)), ("network", Value::text(&up.network)), ("ports", Value::object(ports(up)))]);
            (up.name.clone(), service)
        }));
    }

    fn event(&self) -> Option<String> {
        let Some(Value::Object(github)) = self.base.values.get("github") else { return Some("{}".to_owned()) };
        let event = github.iter().find(|(name, _)| name == "event").map(|(_, event)| event.to_json());
        Some(event.and_then(|event| serde_json::to_string_pretty(&event).ok()).unwrap_or_else(|| "{}".to_owned()))
    }
}

/// The files that `hashFiles` looks at.
#[derive(Debug)]
struct Checkout(Arc<dyn JobFiles>);

impl FilesToHash for Checkout {
    fn root(&self) -> &str {
        self.0.root()
    }

    fn paths(&self, follow: bool) -> Result<Vec<String>, String> {
        self.0.paths(follow)
    }

    fn digest(&self, path: &str) -> Result<Digest, String> {
        self.0.digest(path)
    }
}

/// What says why a step failed.
fn said(name: &str, why: &str) -> StepSpec {
    StepSpec { notes: vec![format!("##[error]{why}")], ..StepSpec::of(name, Work::Chore(Chore::Nothing)) }
}
