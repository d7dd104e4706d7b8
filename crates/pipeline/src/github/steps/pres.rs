//! What actions of other repositories do before the job's first step, in the order of the steps that name them.

use std::collections::{BTreeMap, VecDeque};

use penstock_model::job::{EnvValue, NextStep, StepOutcome, StepSpec};

use super::uses::facts_of_action;
use super::{InAction, Mark, Running, WorkflowSteps, evaluate, holds, inputs, said};
use crate::github::actions::{JavaScript, Next};
use crate::github::template::fill;
use crate::plan::{Action, PlannedStep};

/// A step whose action does something before the first step.
pub(super) struct Pre {
    /// Which step, by its number and those that it is within.
    place: Vec<usize>,
    /// The steps that it is within, the outermost first.
    around: Vec<PlannedStep>,
    step: PlannedStep,
}

/// What the actions of some steps, and those within them, do before the first step.
pub(super) fn of(steps: &[PlannedStep]) -> VecDeque<Pre> {
    let mut found = VecDeque::new();
    below(steps, &[], &[], &mut found);
    found
}

fn below(steps: &[PlannedStep], place: &[usize], around: &[PlannedStep], found: &mut VecDeque<Pre>) {
    for (number, step) in steps.iter().enumerate() {
        let step = if let PlannedStep::Background { step, .. } = step { step } else { step };
        let PlannedStep::Uses { action, .. } = step else { continue };
        let place = [place, &[number]].concat();
        match action {
            Action::JavaScript { pre: Some(_), .. } => {
                found.push_back(Pre { place, around: around.to_vec(), step: step.clone() });
            }
            Action::Container(container) if container.pre.is_some() => {
                found.push_back(Pre { place, around: around.to_vec(), step: step.clone() });
            }
            Action::Composite { steps, .. } => below(steps, &place, &[around, std::slice::from_ref(step)].concat(), found),
            _ => {}
        }
    }
}

impl WorkflowSteps {
    /// Begins what is to be done next before the first step.
    pub(super) fn next_pre(&mut self) -> Option<NextStep> {
        while let Some(pre) = self.pres.pop_front() {
            let outside = self.frames.len();
            let begun = self.enter(&pre.around).and_then(|()| self.begin_pre(&pre));
            self.frames.truncate(outside);
            match begun {
                Ok(None) => {}
                Ok(Some((mark, action))) => {
                    if let Some(next) = self.go_on_with_pre(mark, action, None) {
                        return Some(next);
                    }
                }
                Err(why) => return Some(self.fail(Mark::default(), &why)),
            }
        }
        None
    }

    /// Sees what the steps within some composite actions see.
    fn enter(&mut self, around: &[PlannedStep]) -> Result<(), String> {
        for step in around {
            let PlannedStep::Uses { action, with, env, .. } = step else { continue };
            self.step.clear();
            let step_env = self.step_env(env)?;
            let contexts = self.contexts(&step_env.all);
            let given = filled_with(with, &contexts)?;
            let (mut frame, _) = self.inside(action, &given, &step_env, &contexts, None)?;
            frame.waiting.clear();
            self.frames.push(frame);
        }
        Ok(())
    }

    fn begin_pre(&mut self, pre: &Pre) -> Result<Option<(Mark, InAction)>, String> {
        let PlannedStep::Uses { name, uses, action, with, env, continue_on_error, .. } = &pre.step else { return Ok(None) };
        let pre_if = match action {
            Action::JavaScript { pre_if, .. } => pre_if,
            Action::Container(container) => &container.pre_if,
            _ => return Ok(None),
        };
        self.place.clone_from(&pre.place);
        self.step = facts_of_action(uses).into();
        let step_env = self.step_env(env)?;
        let contexts = self.contexts(&step_env.all);
        if let Some(condition) = pre_if
            && !holds(condition, &contexts)?
        {
            return Ok(None);
        }
        let given = filled_with(with, &contexts)?;
        let (act, inputs) = match action {
            Action::JavaScript { path, origin, inputs, pre: Some(script), post, post_if, .. } => {
                let (inputs, _) = inputs::filled(inputs, &given, &contexts, &[])?;
                let folder = self.facts.folder(path, origin.as_ref());
                (JavaScript::boxed(folder, script, post.as_deref(), post_if.as_deref()), inputs)
            }
            Action::Container(container) => {
                let (act, inputs, _) = inputs::in_container(container, container.pre.as_ref(), given, &step_env, &contexts)?;
                (act, inputs)
            }
            _ => return Ok(None),
        };
        let mut env = self.handed(&step_env);
        env.extend(inputs.iter().map(|(name, value)| (inputs::variable(name), self.masked(value))).collect::<Vec<(String, EnvValue)>>());
        let name = name.as_ref().map_or_else(|| Ok(uses.clone()), |name| fill(name, &contexts))?;
        let mark = Mark { id: None, continue_on_error: evaluate::flag(continue_on_error, &contexts)? };
        let (state, outputs) = (BTreeMap::new(), BTreeMap::new());
        Ok(Some((mark, InAction { act, name: format!("Pre {name}"), id: None, env, timeout: None, state, outputs })))
    }

    pub(super) fn go_on_with_pre(&mut self, mark: Mark, mut action: InAction, last: Option<&StepOutcome>) -> Option<NextStep> {
        let first = last.is_none();
        match action.act.next(last) {
            Next::Do(doing) => {
                self.facts.used = true;
                let spec = self.action_spec(&action, doing, first);
                self.running = Some(Running::Pre(mark, action));
                Some(NextStep::Run(spec))
            }
            Next::Done(done) => {
                if let Some(post) = done.post {
                    // whatever becomes of the step
                    self.keep_post(post, &action);
                }
                self.kept.insert(self.place.clone(), action.state);
                let why = done.failed?;
                self.running = Some(Running::Failure(mark));
                Some(NextStep::Run(StepSpec { goes_on: !first, ..said(&action.name, &why) }))
            }
        }
    }
}

/// The inputs that a step gives, evaluated.
pub(super) fn filled_with(
    with: &BTreeMap<String, String>,
    contexts: &crate::github::expression::Contexts,
) -> Result<BTreeMap<String, String>, String> {
    with.iter().map(|(name, value)| Ok((name.clone(), fill(value, contexts)?))).collect()
}
