//! A list of steps that is being carried out: a job's, or those of a composite action within it.

use std::collections::{BTreeMap, VecDeque};

use crate::github::expression::{Contexts, StatusFunctions};
use crate::github::template::fill;
use crate::github::value::Value;
use crate::plan::PlannedStep;

/// A list of steps with what its expressions see of their own.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) waiting: VecDeque<PlannedStep>,
    /// Which steps it is within, by their numbers, the outermost first.
    pub(super) place: Vec<usize>,
    /// The number of the next step.
    next: usize,
    /// The `steps` context.
    records: Vec<(String, Value)>,
    /// `env` of the steps around it, evaluated.
    pub(super) env: BTreeMap<String, String>,
    /// What its expressions see in place of the job's.
    values: Vec<(&'static str, Value)>,
    /// `github.action_path` and the like.
    pub(super) action: Vec<(&'static str, String)>,
    /// How often a step without an id had each name.
    names: BTreeMap<String, usize>,
    /// Whether one of its steps failed, if it is an action's.
    pub(super) failed: bool,
    /// The step that it is the inside of.
    pub(super) of: Option<Outer>,
}

/// A step whose action is a list of steps.
pub(super) struct Outer {
    pub(super) mark: Mark,
    /// The action's outputs, not evaluated.
    pub(super) outputs: BTreeMap<String, String>,
}

/// How a step is recorded.
#[derive(Clone, Default)]
pub(super) struct Mark {
    pub(super) id: Option<String>,
    pub(super) continue_on_error: bool,
}

impl Frame {
    /// A job's.
    pub(super) fn of_job(steps: &[PlannedStep]) -> Self {
        Self { waiting: steps.iter().cloned().collect(), ..Self::default() }
    }

    /// An action's, with its inputs.
    pub(super) fn of_action(steps: &[PlannedStep], inputs: Value, outer: Option<Outer>) -> Self {
        Self { waiting: steps.iter().cloned().collect(), values: vec![("inputs", inputs)], of: outer, ..Self::default() }
    }

    /// The next step, and which one it is.
    pub(super) fn take(&mut self) -> Option<(PlannedStep, Vec<usize>)> {
        let step = self.waiting.pop_front()?;
        let place = self.place.iter().copied().chain([self.next]).collect();
        self.next += 1;
        Some((step, place))
    }

    /// Records how a step ended.
    pub(super) fn keep(&mut self, id: Option<&String>, outputs: Vec<(String, Value)>, outcome: &str, conclusion: &str) {
        let Some(id) = id else { return };
        let record = Value::object([
            ("outputs", Value::object(outputs)),
            ("outcome", Value::text(outcome)),
            ("conclusion", Value::text(conclusion)),
        ]);
        self.records.retain(|(known, _)| known != id);
        self.records.push((id.clone(), record));
    }

    /// What `github.action` is in a step: its id, or a name made of what it does, with a number from the second on.
    pub(super) fn name_of(&mut self, id: Option<&String>, uses: Option<&str>) -> String {
        if let Some(id) = id {
            return id.clone();
        }
        let words = match uses.map(|uses| uses.strip_prefix("docker://").unwrap_or(uses)) {
            None => "run".to_owned(),
            Some(uses) if uses.starts_with('.') => "self".to_owned(),
            Some(uses) => uses.split('@').next().unwrap_or(uses).split('/').take(2).collect::<Vec<_>>().join("/"),
        };
        let name: String = words.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let count = self.names.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { format!("__{name}") } else { format!("__{name}_{count}") }
    }

    /// Puts what only this list sees over what the job sees.
    pub(super) fn fill_in(&self, contexts: &mut Contexts, status: StatusFunctions, step: &[(&'static str, String)]) {
        contexts.status = status;
        contexts.values.insert("steps", Value::object(self.records.clone()));
        for (name, value) in &self.values {
            contexts.values.insert(name, value.clone());
        }
        let Some(Value::Object(github)) = contexts.values.get("github") else { return };
        let words = [("failure", status.failure), ("cancelled", status.cancelled)];
        let status = words.iter().find(|(_, holds)| *holds).map_or("success", |(word, _)| word).to_owned();
        let status = self.of.as_ref().map(|_| ("action_status", status));
        let own: Vec<_> =
            step.iter().chain(&self.action).chain(&status).map(|(name, value)| ((*name).to_owned(), Value::text(value))).collect();
        let others: Vec<_> = github.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own == name)).cloned().collect();
        let github = Value::object(others.into_iter().chain(own));
        contexts.values.insert("github", github);
    }

    /// The outputs of the action, once its steps are done.
    pub(super) fn outputs(&self, contexts: &Contexts) -> Result<BTreeMap<String, String>, String> {
        let outputs = self.of.iter().flat_map(|outer| &outer.outputs);
        outputs
            .map(|(name, value)| {
                let value = fill(value, contexts).map_err(|why| format!("the output `{name}` cannot be evaluated: {why}"))?;
                Ok((name.clone(), value))
            })
            .collect()
    }
}
