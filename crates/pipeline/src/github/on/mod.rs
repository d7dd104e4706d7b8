//! `on`: what starts a workflow, and whether an event does.

mod events;
mod filter;
mod inputs;
mod schedule;

use std::collections::BTreeMap;

use self::events::{EVENTS, Kind};
use self::filter::Filter;
pub(super) use self::inputs::{Call, Caller, Inputs};
use self::schedule::Time;
use crate::input::PushEvent;
use crate::reader::{Fields, Problems, closest, shown, texts};
use crate::trigger::Trigger;
use crate::yaml::{At, Key, Node, Value};

/// Whether an event starts the workflow, and why (not).
pub(super) struct Answer {
    pub(super) starts: bool,
    pub(super) because: String,
}

/// What starts a workflow.
pub(super) struct On<'n> {
    at: At,
    events: Vec<Event>,
    /// Inputs of `workflow_dispatch`.
    dispatch: Inputs<'n>,
    /// What a workflow gets and gives that is called by others.
    pub(super) call: Option<Call<'n>>,
}

/// An event that `on` names.
struct Event {
    kind: &'static Kind,
    at: At,
    types: Option<(Vec<String>, At)>,
    filters: Vec<Filter>,
    times: Vec<Time>,
}

/// Reads `on`.
pub(super) fn read<'n>(node: Option<&'n Node>, file: u16, problems: &mut Problems) -> Option<On<'n>> {
    let Some(node) = node else {
        problems.add(At::start(file), "on", "the workflow has no `on`", "write `on: push`");
        return None;
    };
    let mut on = On { at: node.at, events: Vec::new(), dispatch: Inputs::default(), call: None };
    match &node.value {
        Value::Scalar { .. } => on.named(node, problems),
        Value::Seq(items) => items.iter().for_each(|item| on.named(item, problems)),
        Value::Map(entries) => entries.iter().for_each(|(key, value)| on.add(key, value, problems)),
    }
    let empty = match &node.value {
        Value::Scalar { .. } => false,
        Value::Seq(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
    };
    if empty {
        problems.add(node.at, "on", "nothing here starts the workflow", "write `on: push`");
    }
    (!on.events.is_empty()).then_some(on)
}

fn kind(name: &str, at: At, problems: &mut Problems) -> Option<&'static Kind> {
    let found = EVENTS.iter().find(|kind| kind.name == name);
    if found.is_none() {
        let names: Vec<&str> = EVENTS.iter().map(|kind| kind.name).collect();
        let message = format!("there is no event `{}`", shown(name));
        problems.add(at, &format!("on.{}", shown(name)), message, closest(name, &names));
    }
    found
}

impl<'n> On<'n> {
    fn named(&mut self, node: &Node, problems: &mut Problems) {
        let Some(name) = node.text() else {
            problems.add(node.at, "on", format!("an event's name is expected here, not {}", node.kind()), "write `on: push`");
            return;
        };
        let Some(kind) = kind(name, node.at, problems) else { return };
        match kind.name {
            "schedule" => {
                problems.add(node.at, "on.schedule", "`schedule` has no time", "write `on: {schedule: [{cron: '30 5 * * 1-5'}]}`");
            }
            "workflow_call" => self.call = Some(Call::default()),
            _ => {}
        }
        self.events.push(Event { kind, at: node.at, types: None, filters: Vec::new(), times: Vec::new() });
    }

    fn add(&mut self, key: &Key, node: &'n Node, problems: &mut Problems) {
        let Some(kind) = kind(&key.text, key.at, problems) else { return };
        let mut event = Event { kind, at: key.at, types: None, filters: Vec::new(), times: Vec::new() };
        match kind.name {
            "schedule" => event.times = schedule::read(node, problems),
            "workflow_dispatch" if !node.is_null() => self.dispatch = inputs::dispatch(node, problems),
            "workflow_call" if node.is_null() => self.call = Some(Call::default()),
            "workflow_call" => self.call = Some(inputs::call(node, problems)),
            _ if node.is_null() => {}
            _ => event.read(key, node, problems),
        }
        self.events.push(event);
    }

    /// Whether an event starts the workflow.
    pub(super) fn ask(&self, event: &PushEvent) -> Answer {
        let Some(name) = event.trigger.github_event() else {
            return no(format!("GitHub starts no workflow for {}", event.trigger.words()));
        };
        match self.events.iter().find(|own| own.kind.name == name) {
            Some(own) => own.ask(event, name),
            None => no(format!("`on` (line {}) does not name `{}`, which this is", self.at.line, shown(name))),
        }
    }

    /// The inputs that the event gives, if it gives any.
    pub(super) fn inputs(&self, event: &PushEvent, problems: &mut Problems) -> serde_json::Map<String, serde_json::Value> {
        match &event.trigger {
            Trigger::Manual { inputs } if self.ask(event).starts => self.dispatch.given(inputs, self.at, problems),
            _ => serde_json::Map::new(),
        }
    }
}

fn no(because: String) -> Answer {
    Answer { starts: false, because }
}

impl Event {
    fn read(&mut self, key: &Key, node: &Node, problems: &mut Problems) {
        let path = format!("on.{}", self.kind.name);
        let Some(mut fields) = Fields::of(node, &path, problems) else { return };
        for name in self.kind.filters {
            self.filters.extend(filter::read(&mut fields, name, key, &path, problems));
        }
        // whoever sends it chooses the types
        let free = self.kind.name == "repository_dispatch";
        if (free || !self.kind.types.is_empty())
            && let Some(node) = fields.get("types")
        {
            let path = fields.path_of("types");
            let types = texts(node, &path, problems);
            for (name, at) in types.iter().filter(|(name, _)| !free && !self.kind.types.contains(&&**name)) {
                let message = format!("`{}` has no type `{}`", self.kind.name, shown(name));
                problems.add(*at, &path, message, closest(name, self.kind.types));
            }
            self.types = Some((types.into_iter().map(|(name, _)| name).collect(), node.at));
        }
        fields.finish(&[], problems);
    }

    fn ask(&self, event: &PushEvent, name: &str) -> Answer {
        let what = if name == "push" { "push" } else { "event" };
        let mut because = format!("`on: {name}` (line {}) names this {what}", self.at.line);
        if let Some(why) = self.type_fault(event) {
            return no(why);
        }
        if !self.times.is_empty()
            && let Trigger::Schedule { cron, .. } = &event.trigger
        {
            match self.times.iter().find(|time| schedule::is_same(&time.cron, cron)) {
                Some(time) => because = format!("it is the time on line {}: `{}`", time.at.line, shown(cron)),
                None => return no(format!("no time of `on: schedule` (line {}) is `{}`", self.at.line, shown(cron))),
            }
        }
        let of = |key: &str| self.filters.iter().find(|filter| filter.of == key);
        let (subject, wanted) = subject(event, name);
        if let Some((key, what, subject)) = subject {
            match of(key) {
                Some(filter) if !filter.lets_in(&subject) => {
                    return no(format!("the patterns on line {} {} the {what} `{}`", filter.at.line, filter.refusal(), shown(&subject)));
                }
                Some(filter) => because = format!("the patterns on line {} let the {what} `{}` in", filter.at.line, shown(&subject)),
                None if name == "push" && of(wanted).is_some() => {
                    let others = if what == "tag" { "branches" } else { "tags" };
                    return no(format!("`on: push` (line {}) names no {what}, only {others}", self.at.line));
                }
                None => {}
            }
        }
        if let Some(why) = self.names_fault(event) {
            return no(why);
        }
        // paths are not asked for tags, and a new branch has nothing to compare with
        if let (Some(filter), Some(changed)) = (of("paths"), event.diff()) {
            match changed.iter().find(|path| filter.lets_in(path)) {
                Some(path) => {
                    because = format!("{because}, and `{}` changed, which the patterns on line {} let in", shown(path), filter.at.line);
                }
                None => return no(format!("nothing changed that the patterns on line {} let in", filter.at.line)),
            }
        }
        Answer { starts: true, because }
    }

    /// Why the event's type keeps it out.
    fn type_fault(&self, event: &PushEvent) -> Option<String> {
        let action = event.trigger.action()?;
        match &self.types {
            Some((types, at)) => {
                let named = types.iter().any(|own| own == action);
                (!named).then(|| format!("the types on line {} do not name `{}`", at.line, shown(action)))
            }
            None if self.kind.usual.is_empty() || self.kind.usual.contains(&action) => None,
            None => {
                let usual = self.kind.usual.join(", ");
                let name = self.kind.name;
                Some(format!("`on: {name}` (line {}) means the types {usual}, and this is `{}`", self.at.line, shown(action)))
            }
        }
    }

    /// Why the names of workflows or images keep it out.
    fn names_fault(&self, event: &PushEvent) -> Option<String> {
        let filter = self.filters.iter().find(|filter| ["workflows", "names", "versions"].contains(&filter.of))?;
        let told = match &event.trigger {
            Trigger::Named { payload, .. } => payload.pointer("/workflow_run/name").and_then(serde_json::Value::as_str),
            _ => None,
        };
        match told {
            Some(name) if filter.lets_in(name) => None,
            Some(name) => Some(format!("the names on line {} do not let in the workflow `{}`", filter.at.line, shown(name))),
            None => Some(format!("what the names on line {} ask for is not told of this event", filter.at.line)),
        }
    }
}

/// A key of patterns, what it is asked for in words, and the name.
type Subject = (&'static str, &'static str, String);

/// What the patterns of branches or tags are asked for; and the key that would be asked for the other kind of ref.
fn subject(event: &PushEvent, name: &str) -> (Option<Subject>, &'static str) {
    let told = |pointer: &str| match &event.trigger {
        Trigger::Named { payload, .. } => payload.pointer(pointer).and_then(serde_json::Value::as_str).map(str::to_owned),
        _ => None,
    };
    let subject = match (name, event.trigger.merge_request()) {
        ("push", _) if event.tag().is_some() => return (Some(("tags", "tag", event.ref_name().to_owned())), "branches"),
        ("push", _) => Some(("branches", "branch", event.ref_name().to_owned())),
        (_, Some(request)) => Some(("branches", "target branch", request.target_branch.clone())),
        ("workflow_run", _) => told("/workflow_run/head_branch").map(|branch| ("branches", "branch", branch)),
        ("merge_group", _) => {
            let target = told("/merge_group/base_ref").map(|target| target.trim_start_matches("refs/heads/").to_owned());
            target.map(|branch| ("branches", "target branch", branch))
        }
        _ => None,
    };
    (subject, "tags")
}

/// Values by name, as whoever starts a workflow gives them.
type Given = BTreeMap<String, serde_json::Value>;
