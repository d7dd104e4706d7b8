//! A step's action: built in, or of the repository.

use std::collections::BTreeMap;

use penstock_model::job::{Chore, NextStep, StepOutcome, StepSpec, Work};

use super::evaluate::StepEnv;
use super::frame::{Frame, Mark, Outer};
use super::pres::filled_with;
use super::{InAction, Running, WorkflowSteps, evaluate, inputs, said};
use crate::github::actions::{self, Doing, JavaScript, Next};
use crate::github::expression::Contexts;
use crate::github::template::fill;
use crate::plan::{Action, PlannedStep};

impl WorkflowSteps {
    /// What an action does next; nothing if it is done and recorded.
    pub(super) fn go_on(&mut self, mark: Mark, mut action: InAction, last: Option<&StepOutcome>) -> Option<NextStep> {
        let first = last.is_none();
        match action.act.next(last) {
            Next::Do(doing) => {
                self.facts.used |= !matches!(doing.work, Work::Chore(Chore::Nothing));
                let spec = self.action_spec(&action, doing, first);
                self.running = Some(Running::Action(mark, action));
                Some(NextStep::Run(spec))
            }
            Next::Done(done) => {
                if let Some(post) = done.post {
                    self.keep_post(post, &action);
                }
                self.write(&done.env);
                let mut outputs = action.outputs;
                outputs.extend(done.outputs);
                outputs.retain(|name, _| !name.starts_with(actions::INTERNAL));
                let Some(why) = done.failed else {
                    let notes = done.notes;
                    self.record(&mark, Some(0), outputs);
                    return self.told(action.name, action.id, notes, first);
                };
                // the log has to say it before the step is over
                let spec = StepSpec { id: action.id, goes_on: !first, ..said(&action.name, &why) };
                // an action that was stopped is cancelled, not failed
                let stopped = last.is_some_and(|last| last.exit_code.is_none());
                self.record(&mark, if stopped { None } else { Some(1) }, outputs);
                self.running = Some(Running::Failure(Mark { id: None, continue_on_error: true }));
                Some(NextStep::Run(spec))
            }
        }
    }

    /// Has the log say what an action has to say at its end.
    pub(super) fn told(&mut self, name: String, id: Option<String>, notes: Vec<String>, first: bool) -> Option<NextStep> {
        if notes.is_empty() && !first {
            return None;
        }
        self.running = Some(Running::Script(Mark::default()));
        Some(NextStep::Run(StepSpec { id, notes, goes_on: !first, ..StepSpec::of(name, Work::Chore(Chore::Nothing)) }))
    }

    pub(super) fn action_spec(&self, action: &InAction, doing: Doing, first: bool) -> StepSpec {
        let mut env = action.env.clone();
        env.extend(doing.env.into_iter().map(|(name, value)| (name, self.masked(&value))));
        StepSpec {
            id: action.id.clone(),
            env,
            timeout: action.timeout,
            notes: doing.notes,
            goes_on: !first,
            ..StepSpec::of(action.name.clone(), doing.work)
        }
    }

    pub(super) fn begin_action(
        &mut self,
        step: &PlannedStep,
        mark: &Mark,
        step_env: &StepEnv,
        contexts: &Contexts,
    ) -> Result<Option<NextStep>, String> {
        let PlannedStep::Uses { id, name, uses, action, with, timeout_minutes, .. } = step else { return Ok(None) };
        let name = name.as_ref().map_or_else(|| Ok(format!("Run {uses}")), |name| fill(name, contexts))?;
        let given = filled_with(with, contexts);
        let timeout = timeout_minutes.as_ref().map(|minutes| evaluate::timeout(minutes, contexts)).transpose()?;
        let mut env = self.handed(step_env);
        let (act, notes) = match action {
            Action::BuiltIn { name } => actions::begin(*name, uses, given?, &self.facts, &step_env.all)?,
            Action::Unread { .. } | Action::Elsewhere { .. } => return Err(format!("the plan does not have the action {uses}")),
            Action::Composite { .. } => {
                let (frame, notes) = self.inside(action, &given?, step_env, contexts, Some(mark.clone()))?;
                self.frames.push(frame);
                return Ok(self.told(name, None, notes, true));
            }
            Action::JavaScript { path, origin, inputs, main, post, post_if, .. } => {
                let (inputs, notes) = inputs::filled(inputs, &given?, contexts, &[])?;
                let folder = self.facts.folder(path, origin.as_ref());
                env.extend(inputs.iter().map(|(name, value)| (inputs::variable(name), self.masked(value))));
                (JavaScript::boxed(folder, main, post.as_deref(), post_if.as_deref()), notes)
            }
            Action::Container(container) => {
                let (act, inputs, notes) = inputs::in_container(container, container.entrypoint.as_ref(), given?, step_env, contexts)?;
                env.extend(inputs.iter().map(|(name, value)| (inputs::variable(name), self.masked(value))));
                (act, notes)
            }
        };
        let state = self.kept.remove(&self.place).unwrap_or_default();
        env.extend(state.iter().map(|(name, value)| (format!("STATE_{name}"), self.masked(value))));
        let action = InAction { act, name, id: id.clone(), env, timeout, state, outputs: BTreeMap::new() };
        let mut next = self.go_on(mark.clone(), action, None);
        if let Some(NextStep::Run(spec)) = &mut next {
            spec.notes.splice(0..0, notes);
        }
        Ok(next)
    }

    /// The steps of a composite action as a list of their own, and what the log has to say of its inputs. Without a mark nothing
    /// is recorded of it.
    pub(super) fn inside(
        &self,
        action: &Action,
        given: &BTreeMap<String, String>,
        step_env: &StepEnv,
        contexts: &Contexts,
        mark: Option<Mark>,
    ) -> Result<(Frame, Vec<String>), String> {
        let Action::Composite { path, origin, inputs, outputs, steps } = action else { return Ok((Frame::default(), Vec::new())) };
        let (inputs, notes) = inputs::filled(inputs, given, contexts, &[])?;
        let outer = mark.map(|mark| Outer { mark, outputs: outputs.clone() });
        let mut frame = Frame::of_action(steps, inputs::context(&inputs), outer);
        let around = self.frames.last().map(|frame| frame.env.clone()).unwrap_or_default();
        let own = step_env.own.iter().filter_map(|name| Some((name.clone(), step_env.all.get(name)?.clone())));
        frame.env = around.into_iter().chain(own).collect();
        frame.action = vec![("action_path", self.facts.folder(path, origin.as_ref()))];
        frame.place.clone_from(&self.place);
        Ok((frame, notes))
    }

    /// `github.action` and the like of a step.
    pub(super) fn facts_of(&mut self, step: &PlannedStep) -> Vec<(&'static str, String)> {
        let (id, uses) = match step {
            PlannedStep::Uses { id, uses, .. } => (id, Some(uses.as_str())),
            PlannedStep::Run { id, .. } => (id, None),
            _ => return Vec::new(),
        };
        let name = self.frame().name_of(id.as_ref(), uses);
        let mut facts = vec![("action", name)];
        facts.extend(facts_of_action(uses.unwrap_or_default()));
        facts
    }

    /// The innermost list of steps is done: it is an action's, and the step that it is of is recorded.
    pub(super) fn close_frame(&mut self) -> Option<NextStep> {
        let contexts = self.contexts(&self.env.clone());
        let frame = self.frames.pop()?;
        let Outer { mark, .. } = frame.of.as_ref()?;
        match frame.outputs(&contexts) {
            Ok(outputs) => {
                let code = if frame.failed { Some(1) } else { Some(0) };
                self.record(mark, if self.cancelled && frame.failed { None } else { code }, outputs);
                None
            }
            Err(why) => Some(self.fail(mark.clone(), &why)),
        }
    }
}

/// `github.action_repository` and `github.action_ref` of what a step uses.
pub(super) fn facts_of_action(uses: &str) -> [(&'static str, String); 2] {
    let of = Some(uses).filter(|uses| !uses.starts_with('.') && !uses.starts_with("docker:")).and_then(|uses| uses.rsplit_once('@'));
    let repository = of.map(|(path, _)| path.split('/').take(2).collect::<Vec<_>>().join("/"));
    let reference = of.map(|(_, reference)| reference.to_owned());
    [("action_repository", repository.unwrap_or_default()), ("action_ref", reference.unwrap_or_default())]
}
