//! What actions do at the job's end, the last first.

use std::collections::BTreeMap;

use penstock_model::job::{EnvValue, NextStep, StepOutcome, StepSpec};

use super::{InAction, Mark, Running, WorkflowSteps, said};
use crate::github::actions::{Act, Next};

/// What an action does at the job's end.
pub(super) struct Post {
    /// Which step's action.
    pub(super) place: Vec<usize>,
    pub(super) act: Box<dyn Act>,
    pub(super) name: String,
    pub(super) env: BTreeMap<String, EnvValue>,
    /// What the action kept for it (`GITHUB_STATE`).
    pub(super) state: BTreeMap<String, String>,
    /// `github.action_path` and the like.
    pub(super) frame: Vec<(&'static str, String)>,
}

impl WorkflowSteps {
    /// `github.action`, `github.action_path` and the like now.
    pub(super) fn action_of_frame(&self) -> Vec<(&'static str, String)> {
        self.step.iter().chain(self.frames.last().into_iter().flat_map(|frame| &frame.action)).cloned().collect()
    }

    /// Keeps what the action of the step at work does at the job's end: at its place, if that was known before the first step.
    pub(super) fn keep_post(&mut self, act: Box<dyn Act>, action: &InAction) {
        let frame = self.action_of_frame();
        let (place, name, env, state) = (self.place.clone(), action.name.clone(), action.env.clone(), action.state.clone());
        let post = Post { place, act, name, env, state, frame };
        match self.posts.iter_mut().find(|known| known.place == post.place) {
            Some(known) => *known = post,
            None => self.posts.push(post),
        }
    }

    /// Begins what is to be done next at the job's end.
    pub(super) fn next_post(&mut self) -> Option<NextStep> {
        while let Some(Post { mut act, name, env, state, frame, .. }) = self.posts.pop() {
            self.frame().action = frame;
            self.step.clear();
            let contexts = self.contexts(&self.env);
            match act.wanted_at_the_end(&contexts) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(why) => return Some(self.fail(Mark::default(), &format!("{name} cannot be decided: {why}"))),
            }
            act.recall(&state);
            let name = format!("Post {}", name.strip_prefix("Run ").or_else(|| name.strip_prefix("Pre ")).unwrap_or(&name));
            let state: BTreeMap<_, _> = state.into_iter().map(|(name, value)| (format!("STATE_{name}"), value)).collect();
            let mut env = env;
            env.extend(state.into_iter().map(|(name, value)| (name, self.masked(&value))));
            let action = InAction { act, name, id: None, env, timeout: None, state: BTreeMap::new(), outputs: BTreeMap::new() };
            if let Some(next) = self.go_on_with_post(action, None) {
                return Some(next);
            }
        }
        None
    }

    pub(super) fn go_on_with_post(&mut self, mut action: InAction, last: Option<&StepOutcome>) -> Option<NextStep> {
        let first = last.is_none();
        match action.act.next(last) {
            Next::Do(doing) => {
                let spec = self.action_spec(&action, doing, first);
                self.running = Some(Running::Post(action));
                Some(NextStep::Run(spec))
            }
            Next::Done(done) => {
                if let Some(why) = done.failed {
                    // as at GitHub, what fails at the end fails the job
                    self.running = Some(Running::Failure(Mark::default()));
                    return Some(NextStep::Run(StepSpec { goes_on: !first, ..said(&action.name, &why) }));
                }
                if done.notes.is_empty() {
                    return None;
                }
                self.told(action.name, None, done.notes, first)
            }
        }
    }
}
