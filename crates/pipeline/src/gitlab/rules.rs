//! `rules`: read, and asked for one push.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::Condition;
use super::job::{self, Need};
use super::paths::{Kind, Paths};
use super::{Facts, keys, parts, trigger, turns, workflow};
use crate::expand::Values;
use crate::plan::{AllowFailure, Variable, When};
use crate::reader::{Fields, Problems, boolean, choice, shown, text};
use crate::yaml::{At, Node, Value};

/// A rule. Without any clause it always matches.
#[derive(Debug)]
pub(super) struct Rule {
    at: At,
    condition: Option<(Arc<Condition>, String, At)>,
    changes: Option<Paths>,
    exists: Option<Paths>,
    when: Option<Outcome>,
    /// How long a delayed job waits, in seconds.
    start_in: Option<u64>,
    interruptible: Option<bool>,
    allow_failure: Option<AllowFailure>,
    variables: BTreeMap<String, Variable>,
    /// In place of the job's.
    needs: Option<Vec<Need>>,
    /// Of a rule of `workflow`.
    auto_cancel: workflow::Cancels,
    path: String,
}

/// Whose rules they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Job,
    Workflow,
    /// Of an entry of `include`.
    Include,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    When(When),
    Never,
}

/// What the rules of a job come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// `None`: the job is left out.
    pub(super) matched: Option<Matched>,
    /// Each rule that was asked, with its line and why it matched or did not.
    pub(super) because: Vec<String>,
}

/// The rule that matched, as far as it says something.
#[derive(Clone, Debug, Default)]
pub(super) struct Matched {
    pub(super) when: Option<When>,
    /// How long a delayed job waits, in seconds.
    pub(super) start_in: Option<u64>,
    pub(super) interruptible: Option<bool>,
    pub(super) allow_failure: Option<AllowFailure>,
    pub(super) variables: BTreeMap<String, Variable>,
    /// The place in the list of a rule whose `needs` are the job's.
    pub(super) needs: Option<usize>,
    /// What a rule of `workflow` says about cancelling.
    pub(super) auto_cancel: workflow::Cancels,
    /// Where it stands.
    pub(super) at: At,
    /// Its key, from the outside in.
    pub(super) path: String,
}

/// Values of `when` in a job.
pub(super) const WHENS: &[(&str, When)] = &[
    ("on_success", When::OnSuccess),
    ("on_failure", When::OnFailure),
    ("always", When::Always),
    ("manual", When::Manual),
    ("delayed", When::Delayed),
];

/// The most rules in one list.
const MAX_RULES: usize = 1_000;

/// Reads `rules`, which may nest as anchors of lists do.
pub(super) fn read(node: &Node, path: &str, of: Of, problems: &mut Problems) -> Vec<Rule> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("rules are a list, not {}", node.kind()), "start each rule with `- `");
        return Vec::new();
    };
    if items.len() > MAX_RULES {
        problems.add(items[MAX_RULES].at, path, format!("there are more than {MAX_RULES} rules"), "use patterns, or variables of a rule");
        return Vec::new();
    }
    let mut rules = Vec::new();
    for item in items {
        match &item.value {
            Value::Seq(_) => rules.extend(read(item, path, of, problems)),
            _ => rules.extend(rule(item, &format!("{path}[{}]", rules.len()), of, problems)),
        }
    }
    rules
}

fn rule(node: &Node, path: &str, of: Of, problems: &mut Problems) -> Option<Rule> {
    let mut fields = Fields::of(node, path, problems)?;
    let condition = fields.get("if").and_then(|node| condition(node, &fields.path_of("if"), problems));
    let changes = fields.get("changes").map(|node| Paths::read(node, &fields.path_of("changes"), Kind::Changes, problems));
    let exists = fields.get("exists").map(|node| Paths::read(node, &fields.path_of("exists"), Kind::Exists, problems));
    let when = fields.get("when").and_then(|node| {
        let known = WHENS.iter().filter(|(_, when)| of == Of::Job || *when == When::Always);
        let mut choices: Vec<(&str, Outcome)> = known.map(|(name, when)| (*name, Outcome::When(*when))).collect();
        choices.push(("never", Outcome::Never));
        choice(node, &choices, &fields.path_of("when"), problems)
    });
    let start_in = if of == Of::Job { turns::start_in(&mut fields, when == Some(Outcome::When(When::Delayed)), problems) } else { None };
    let own = if of == Of::Job { fields.get("allow_failure") } else { None };
    let allow_failure = own.and_then(|node| boolean(node, &fields.path_of("allow_failure"), problems));
    let allow_failure = allow_failure.map(|allowed| if allowed { AllowFailure::Yes } else { AllowFailure::No });
    let variables = if of == Of::Include { None } else { fields.get("variables") };
    let variables = variables.map(|node| parts::variables(node, &fields.path_of("variables"), problems)).unwrap_or_default();
    let needs = if of == Of::Job { fields.get("needs") } else { None };
    let needs = needs.map(|node| needed(node, &fields.path_of("needs"), problems));
    let (mut auto_cancel, mut interruptible) = (workflow::Cancels::default(), None);
    match of {
        Of::Job => {
            interruptible = fields.get("interruptible").and_then(|node| boolean(node, &fields.path_of("interruptible"), problems));
            fields.finish(keys::RULE, problems);
        }
        Of::Workflow => {
            if let Some(node) = fields.get("auto_cancel") {
                auto_cancel = workflow::auto_cancel(node, &fields.path_of("auto_cancel"), problems);
            }
            fields.finish(keys::WORKFLOW_RULE, problems);
        }
        Of::Include => fields.finish(keys::INCLUDE_RULE, problems),
    }
    Some(Rule {
        at: node.at,
        condition,
        changes,
        exists,
        when,
        start_in,
        interruptible,
        allow_failure,
        variables,
        needs,
        auto_cancel,
        path: path.to_owned(),
    })
}

/// `needs` of a rule. GitLab passes an empty list over (its issue 421004).
fn needed(node: &Node, path: &str, problems: &mut Problems) -> Vec<Need> {
    if matches!(&node.value, Value::Seq(items) if items.is_empty()) {
        let message = "an empty list changes nothing in a rule: GitLab keeps the job's `needs`";
        problems.add(node.at, path, message, "remove it, or make two jobs, one of which has `needs: []`");
    }
    trigger::refuse_elsewhere(node, path, problems);
    job::needs(node, path, problems)
}

impl Rule {
    /// What the job needs if this rule matches, and where the rule says so.
    pub(super) fn needs(&self) -> Option<(&[Need], String)> {
        self.needs.as_deref().map(|needs| (needs, format!("{}.needs", self.path)))
    }
}

/// Reads a condition; its text and its place go with it.
pub(super) fn condition(node: &Node, path: &str, problems: &mut Problems) -> Option<(Arc<Condition>, String, At)> {
    let text = text(node, path, problems)?;
    if let Some(known) = problems.known.conditions.get(&text) {
        return Some((Arc::clone(known), text, node.at));
    }
    match Condition::read(&text).map(Arc::new) {
        Ok(read) => {
            problems.known.conditions.insert(text.clone(), Arc::clone(&read));
            Some((read, text, node.at))
        }
        Err(invalid) => {
            problems.add(
                place_in(node, invalid.offset),
                path,
                format!("the condition cannot be read: {}", invalid.message),
                format!("the condition is `{}`", shown(&text)),
            );
            None
        }
    }
}

/// A place within a scalar: exact for text on one line, its start otherwise.
pub(crate) fn place_in(node: &Node, offset: usize) -> At {
    match &node.value {
        Value::Scalar { text, plain, block: false, .. } if !text.contains('\n') => {
            At { column: node.at.column + offset + usize::from(!plain), ..node.at }
        }
        _ => node.at,
    }
}

/// A condition must not ask for what GitLab would know and Penstock does not: it would silently be false.
pub(super) fn absent(rules: &[Rule], variables: &dyn Values, problems: &mut Problems) {
    for rule in rules {
        let Some((condition, _, at)) = &rule.condition else { continue };
        absent_in(condition, *at, &format!("{}.if", rule.path), variables, problems);
    }
}

/// As [`absent`], for one condition.
pub(super) fn absent_in(condition: &Condition, at: At, path: &str, variables: &dyn Values, problems: &mut Problems) {
    let mut names = Vec::new();
    condition.variables(&mut names);
    // elsewhere those of a merge request are not set at GitLab, either
    let requested = variables.value("CI_MERGE_REQUEST_IID").is_some();
    let absent = |name: &&str| keys::ABSENT_VARIABLES.contains(name) || requested && keys::ABSENT_OF_MERGE_REQUESTS.contains(name);
    for name in names.into_iter().filter(|name| absent(name) && variables.value(name).is_none()) {
        let message = format!("GitLab's variable `{name}` is not known here");
        problems.add(at, path, message, "ask for another one, or set it in `variables`");
    }
}

/// Whether a condition holds, and its variables with their values.
pub(super) fn holds(
    (condition, text, at): &(Arc<Condition>, String, At),
    path: &str,
    variables: &dyn Values,
    problems: &mut Problems,
) -> (bool, String) {
    let holds = condition.holds(variables).unwrap_or_else(|why| {
        let help = "compare texts with `==`, and a text with a regex with `=~`";
        problems.add(*at, path, format!("the condition cannot be decided: {why}"), help);
        false
    });
    (holds, format!("`{}` is {holds}{}", shown(text), values(condition, variables)))
}

/// The variables on whose values it depends what rules come to.
pub(super) fn named(rules: &[Rule]) -> Vec<&str> {
    let mut names = Vec::new();
    for rule in rules {
        if let Some((condition, ..)) = &rule.condition {
            condition.variables(&mut names);
        }
        names.extend(rule.changes.iter().chain(&rule.exists).flat_map(Paths::named));
    }
    names
}

/// Asks the rules of a job in their order; the first that matches decides.
pub(super) fn ask(rules: &[Rule], facts: Facts<'_>, variables: &dyn Values, problems: &mut Problems) -> Verdict {
    let mut verdict = Verdict::default();
    for (place, rule) in rules.iter().enumerate() {
        let (matches, why) = clauses(rule, facts, variables, problems);
        let line = problems.line(rule.at);
        if !matches {
            verdict.because.push(format!("the rule on {line} does not match: {why}"));
            continue;
        }
        let when = match rule.when {
            Some(Outcome::Never) => {
                verdict.because.push(format!("the rule on {line} says never: {why}"));
                return verdict;
            }
            Some(Outcome::When(when)) => Some(when),
            None => None,
        };
        let needs = rule.needs.is_some().then_some(place);
        let instead = if needs.is_some() { "; its `needs` are the job's" } else { "" };
        verdict.because.push(format!("the rule on {line} matches: {why}{instead}"));
        let (allow_failure, variables) = (rule.allow_failure.clone(), rule.variables.clone());
        verdict.matched = Some(Matched {
            when,
            start_in: rule.start_in,
            interruptible: rule.interruptible,
            allow_failure,
            variables,
            needs,
            auto_cancel: rule.auto_cancel,
            at: rule.at,
            path: rule.path.clone(),
        });
        return verdict;
    }
    verdict.because.push(if rules.is_empty() { "its list of rules is empty".to_owned() } else { "no rule matches".to_owned() });
    verdict
}

/// Whether all clauses of a rule hold; and which did, or the first that did not.
fn clauses(rule: &Rule, facts: Facts<'_>, variables: &dyn Values, problems: &mut Problems) -> (bool, String) {
    let mut held = Vec::new();
    if let Some(condition) = &rule.condition {
        let (holds, why) = holds(condition, &format!("{}.if", rule.path), variables, problems);
        if !holds {
            return (false, why);
        }
        held.push(why);
    }
    if let Some((holds, why)) = rule.changes.as_ref().map(|paths| paths.changed(facts, variables, problems)) {
        if !holds {
            return (false, why);
        }
        held.push(why);
    }
    if let Some((holds, why)) = rule.exists.as_ref().map(|paths| paths.exist(facts, variables, problems)) {
        if !holds {
            return (false, why);
        }
        held.push(why);
    }
    let why = if held.is_empty() { "it has no condition".to_owned() } else { held.join(", and ") };
    (true, why)
}

/// The variables of a condition with their values, for people.
fn values(condition: &Condition, variables: &dyn Values) -> String {
    let mut names = Vec::new();
    condition.variables(&mut names);
    let shown: Vec<String> = names
        .iter()
        .map(|name| match variables.value(name) {
            None => format!("{name} is not set"),
            Some(value) => format!("{name} is \"{}\"", shown(value.shown())),
        })
        .collect();
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
}
