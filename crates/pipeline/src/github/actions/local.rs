//! Actions of the repository itself (`uses: ./path`): their `action.yml`, read while planning.

use std::collections::BTreeMap;

use penstock_model::job::Shell;

use super::table::is_file;
use crate::github::checked::{checked_text, condition};
use crate::github::contexts::{STEP, STEP_IF};
use crate::github::job::RunDefaults;
use crate::github::step::steps;
use crate::input::{PushEvent, Source};
use crate::library::{FileRef, Library};
use crate::plan::{Action, ActionInput, PlannedJob, PlannedStep};
use crate::reader::{Fields, Problems, join, shown, text};
use crate::yaml::{At, Budget, Node, Value};

/// How deep actions may lie in actions (GitHub's own bound).
const MAX_NESTED: usize = 10;
/// The most steps of all actions of a plan.
const MAX_STEPS: usize = 20_000;

/// Reads what the steps of jobs name in the repository.
pub(in crate::github) fn resolve(jobs: &mut [PlannedJob], event: &PushEvent, library: &Library, problems: &mut Problems) {
    let mut reading = Reading { event, library, known: BTreeMap::new(), steps: 0, budget: Budget::new() };
    for job in jobs {
        let file = job.file.as_deref().map_or(0, |path| problems.file(path));
        for step in &mut job.steps {
            reading.step(step, file, 0, problems);
        }
    }
}

struct Reading<'r> {
    event: &'r PushEvent,
    library: &'r Library,
    /// By path; `None` is told already.
    known: BTreeMap<String, Option<Action>>,
    steps: usize,
    budget: Budget,
}

impl Reading<'_> {
    fn step(&mut self, step: &mut PlannedStep, file: u16, depth: usize, problems: &mut Problems) {
        let PlannedStep::Uses { line, action, uses, .. } = step else { return };
        let Action::Unread { path } = action else { return };
        let (at, key) = (At { file, line: *line, column: 1 }, "uses".to_owned());
        if depth >= MAX_NESTED {
            problems.add(at, &key, format!("`{}` lies more than {MAX_NESTED} actions deep", shown(uses)), "let an action not name itself");
            return;
        }
        let path = path.clone();
        let read = match self.known.get(&path) {
            Some(known) => known.clone(),
            None => {
                let read = self.action(&path, at, &key, depth, problems);
                self.known.insert(path, read.clone());
                read
            }
        };
        if let Some(Action::Composite { steps, .. }) = &read {
            self.steps += steps.len();
            if self.steps > MAX_STEPS {
                problems.add(at, &key, format!("the actions have more than {MAX_STEPS} steps together"), "use fewer");
                return;
            }
        }
        if let Some(read) = read {
            *action = read;
        }
    }

    fn action(&mut self, path: &str, at: At, key: &str, depth: usize, problems: &mut Problems) -> Option<Action> {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let names = ["action.yml", "action.yaml"];
        let there = names.iter().find(|name| self.event.files.contains(&below(name)));
        if there.is_none() && self.event.files.contains(&below("Dockerfile")) {
            problems.add(
                at,
                key,
                format!("`./{}` is an action of a container", shown(path)),
                "build the image and run what it does as `run`",
            );
            return None;
        }
        let file = FileRef::Local { path: below(there.unwrap_or(&names[0])) };
        let found = problems.found(self.library, &file, at, key)?;
        let name = file.to_string();
        let number = problems.file(&name);
        let source = Source { path: &name, text: &found.text };
        let root = problems.document(&source, number, &mut self.budget)?;
        let mut action = manifest(&root, path, problems)?;
        if let Action::Composite { steps, .. } = &mut action {
            for step in steps {
                self.step(step, number, depth + 1, problems);
            }
        }
        Some(action)
    }
}

/// Reads an `action.yml`.
fn manifest(root: &Node, path: &str, problems: &mut Problems) -> Option<Action> {
    let mut fields = Fields::of(root, "", problems)?;
    for name in ["name", "author", "description", "branding"] {
        fields.get(name);
    }
    let inputs = fields.get("inputs").map(|node| inputs(node, problems)).unwrap_or_default();
    let outputs = fields.get("outputs").map(|node| outputs(node, problems)).unwrap_or_default();
    let at = fields.get("runs");
    fields.finish(&[], problems);
    let Some(node) = at else {
        problems.add(root.at, "runs", "the action has no `runs`", "say how it runs");
        return None;
    };
    let mut runs = Fields::of(node, "runs", problems)?;
    let using = runs.get("using").and_then(|node| text(node, "runs.using", problems))?;
    let path = path.to_owned();
    let action = if using == "composite" {
        let node = runs.get("steps");
        let steps = node.map(|node| inner_steps(node, problems)).unwrap_or_default();
        Action::Composite { path, inputs, outputs, steps }
    } else if using.starts_with("node") {
        let mut script = |name: &'static str| {
            runs.get(name).and_then(|node| {
                let file = text(node, &join("runs", name), problems)?;
                if is_file(&file) {
                    return Some(file);
                }
                problems.add(node.at, &join("runs", name), format!("`{}` leaves the action", shown(&file)), "name a file of the action");
                None
            })
        };
        let (main, post, _) = (script("main"), script("post"), script("pre"));
        // as at GitHub, an action of the repository itself has nothing before the first step: it may not be there yet
        runs.get("pre-if");
        let post_if = runs.get("post-if").and_then(|node| condition(node, "runs.post-if", &STEP_IF, problems));
        Action::JavaScript { path, inputs, main: main?, post, post_if: post_if.map(|condition| condition.expression) }
    } else {
        let help = "composite actions and those of Node.js are carried out; do what it does in a `run`";
        problems.add(node.at, "runs.using", format!("an action that runs by `{}` is not carried out", shown(&using)), help);
        return None;
    };
    runs.finish(&[], problems);
    Some(action)
}

/// An action's steps: each script names its shell.
fn inner_steps(node: &Node, problems: &mut Problems) -> Vec<PlannedStep> {
    let read = steps(node, "runs.steps", &RunDefaults::default(), problems);
    for step in &read {
        if let PlannedStep::Run { line, shell: None::<Shell>, .. } = step {
            let at = At { line: *line, ..node.at };
            problems.add(at, "runs.steps", "a step with `run` in an action names its `shell`", "write `shell: bash`");
        }
    }
    read
}

fn entries<'n>(node: &'n Node, key: &str, problems: &mut Problems) -> &'n [(crate::yaml::Key, Node)] {
    if let Value::Map(entries) = &node.value {
        return entries;
    }
    problems.add(node.at, key, format!("a mapping is expected here, not {}", node.kind()), "write one name a line");
    &[]
}

fn inputs(node: &Node, problems: &mut Problems) -> BTreeMap<String, ActionInput> {
    let mut out = BTreeMap::new();
    for (key, node) in entries(node, "inputs", problems) {
        let path = join("inputs", &key.text);
        let mut input = ActionInput { name: key.text.clone(), ..ActionInput::default() };
        if !node.is_null()
            && let Some(mut fields) = Fields::of(node, &path, problems)
        {
            for name in ["description", "type", "options"] {
                fields.get(name);
            }
            input.deprecated = fields.get("deprecationMessage").and_then(|node| text(node, &path, problems));
            input.required = fields.get("required").and_then(Node::text) == Some("true");
            input.default = fields.get("default").and_then(|node| checked_text(node, &join(&path, "default"), &STEP, problems));
            fields.finish(&[], problems);
        }
        out.insert(key.text.to_lowercase(), input);
    }
    out
}

fn outputs(node: &Node, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (key, node) in entries(node, "outputs", problems) {
        let path = join("outputs", &key.text);
        if node.is_null() {
            continue;
        }
        let Some(mut fields) = Fields::of(node, &path, problems) else { continue };
        fields.get("description");
        if let Some(value) = fields.get("value").and_then(|node| checked_text(node, &join(&path, "value"), &STEP, problems)) {
            out.insert(key.text.clone(), value);
        }
        fields.finish(&[], problems);
    }
    out
}
