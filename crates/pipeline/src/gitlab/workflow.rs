//! `workflow`: whether a push starts a pipeline at all, what it is called, and which variables it has for it.
//!
//! As GitLab has it (its `chain/evaluate_workflow_rules.rb`, `chain/seed.rb`, `chain/populate_metadata.rb` and
//! `entry/workflow.rb`): the rules see the push's, the file's and the project's variables and none of a job; the variables of
//! the rule that matches replace the file's of the same name; the name sees those too.

use super::rules::{self, Matched, Rule};
use super::{Facts, Global, covered, scope};
use crate::expand::{Expanded, Over, expand_shown};
use crate::input::PushEvent;
use crate::plan::{AutoCancel, OnJobFailure, OnNewCommit};
use crate::reader::{Fields, Problems, choice, text};
use crate::yaml::{At, Node};

use std::collections::BTreeMap;

/// The longest name (GitLab's own bound), in characters.
const MAX_NAME: usize = 255;

/// What the file says about the pipeline as a whole.
#[derive(Debug, Default)]
pub(super) struct Workflow {
    at: At,
    rules: Option<Vec<Rule>>,
    name: Option<(String, At)>,
    cancels: Cancels,
}

/// What it comes to for one push.
#[derive(Debug)]
pub(super) struct Decided {
    /// Why the push starts nothing, in one sentence; `None` if it starts a pipeline.
    pub(super) nothing: Option<String>,
    /// The pipeline's own name.
    pub(super) name: Option<String>,
    /// Each rule that was asked, with its line.
    pub(super) because: Vec<String>,
    /// What cancels it by itself.
    pub(super) auto_cancel: AutoCancel,
}

/// Reads `workflow`; `at` is its key's place.
pub(super) fn read(node: &Node, at: At, problems: &mut Problems) -> Workflow {
    let Some(mut fields) = Fields::of(node, "workflow", problems) else { return Workflow::default() };
    let rules = fields.get("rules").map(|node| rules::read(node, "workflow.rules", rules::Of::Workflow, problems));
    let name = fields.get("name").and_then(|node| Some((text(node, "workflow.name", problems)?, node.at)));
    let cancels = fields.get("auto_cancel").map(|node| auto_cancel(node, "workflow.auto_cancel", problems)).unwrap_or_default();
    fields.finish(&[], problems);
    Workflow { at, rules, name, cancels }
}

/// What `auto_cancel` says, as far as it says something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cancels {
    on_new_commit: Option<OnNewCommit>,
    on_job_failure: Option<OnJobFailure>,
}

impl Cancels {
    /// A rule's words go over the file's.
    fn over(self, file: Self) -> AutoCancel {
        AutoCancel {
            on_new_commit: self.on_new_commit.or(file.on_new_commit).unwrap_or_default(),
            on_job_failure: self.on_job_failure.or(file.on_job_failure).unwrap_or_default(),
        }
    }
}

/// `auto_cancel`, of `workflow` or of one of its rules.
pub(super) fn auto_cancel(node: &Node, path: &str, problems: &mut Problems) -> Cancels {
    let Some(mut fields) = Fields::of(node, path, problems) else { return Cancels::default() };
    let kinds = [("conservative", OnNewCommit::Conservative), ("interruptible", OnNewCommit::Interruptible), ("none", OnNewCommit::None)];
    let on_new_commit = fields.get("on_new_commit").and_then(|node| choice(node, &kinds, &fields.path_of("on_new_commit"), problems));
    let kinds = [("none", OnJobFailure::None), ("all", OnJobFailure::All)];
    let on_job_failure = fields.get("on_job_failure").and_then(|node| choice(node, &kinds, &fields.path_of("on_job_failure"), problems));
    fields.finish(&[], problems);
    Cancels { on_new_commit, on_job_failure }
}

impl Workflow {
    /// Asks the rules; what the one that matches sets becomes the file's.
    pub(super) fn decide(
        &self,
        global: &mut Global,
        base: &BTreeMap<String, Expanded>,
        facts: Facts<'_>,
        problems: &mut Problems,
    ) -> Decided {
        let event = facts.event;
        let auto_cancel = Cancels::default().over(self.cancels);
        let mut decided = Decided { nothing: None, name: None, because: Vec::new(), auto_cancel };
        if event.trigger.gitlab_source().is_none() {
            decided.nothing = Some(format!("GitLab starts no pipeline for {}", event.trigger.words()));
            return decided;
        }
        global.ruled = self.rules.is_some();
        if let Some(rules) = &self.rules {
            let Some(variables) = expanded(global, base, event, problems) else { return decided };
            rules::absent(rules, &variables, problems);
            let verdict = rules::ask(rules, facts, &variables, problems);
            decided.because = verdict.because;
            let Some(matched) = verdict.matched else {
                let why = decided.because.last().map_or("", String::as_str);
                decided.nothing = Some(format!("`workflow` ({}) starts no pipeline: {why}", problems.line(self.at)));
                return decided;
            };
            decided.auto_cancel = matched.auto_cancel.over(self.cancels);
            set(matched, global, base, problems);
        }
        if let Some((name, at)) = &self.name
            && let Some(variables) = expanded(global, base, event, problems)
        {
            let name = expand_shown(name, &variables).trim().to_owned();
            if name.chars().count() > MAX_NAME {
                let message = format!("the pipeline's name has more than {MAX_NAME} characters");
                problems.add(*at, "workflow.name", message, "shorten it");
            }
            decided.name = Some(name).filter(|name| !name.is_empty());
        }
        decided
    }
}

/// Puts a rule's variables over the file's.
fn set(matched: Matched, global: &mut Global, base: &BTreeMap<String, Expanded>, problems: &mut Problems) {
    let Matched { variables, at, path, .. } = matched;
    covered(&variables, &[], base, &|_| at, &format!("{path}.variables"), problems);
    global.variable_places.extend(variables.keys().map(|name| (name.clone(), at)));
    global.variables.extend(variables);
}

/// Everything that `workflow` can see.
fn expanded<'b>(global: &Global, base: &'b BTreeMap<String, Expanded>, event: &PushEvent, problems: &mut Problems) -> Option<Over<'b>> {
    let expanded = scope(&global.variables, &BTreeMap::new(), Vec::new(), base, event, None).and_then(|scope| scope.expand());
    let unexpandable = match expanded {
        Ok(variables) => return Some(variables),
        Err(unexpandable) => unexpandable,
    };
    let (name, message, help) = unexpandable.explain();
    let at = global.variable_places.get(name).copied().unwrap_or(At::start(0));
    problems.add(at, &format!("variables.{name}"), message, help);
    None
}
