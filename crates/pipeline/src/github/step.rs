//! Steps of a workflow's job, as the file has them.

mod beside;
mod shell;

use std::collections::BTreeMap;

pub(super) use self::shell::{evaluated as evaluated_shell, shell};
use super::actions;
use super::checked::{as_written, asked_env, checked_text, condition};
use super::contexts::{STEP, STEP_IF, STEP_SHELL};
use super::job::{MAX_MINUTES, RunDefaults, is_id};
use super::template::Template;
use crate::plan::{Action, Asked, Condition, NamedAt, PlannedStep};
use crate::reader::{Fields, Problems, boolean, integer, join, shown, text};
use crate::yaml::{Node, Value};

/// The most steps of a job.
const MAX_STEPS: usize = 1000;

/// What steps stand in.
#[derive(Clone, Copy)]
pub(super) enum Around<'d> {
    /// A job, with `defaults: run`.
    Job(&'d RunDefaults),
    /// An `action.yml`.
    Action,
}

/// Reads `steps`.
pub(super) fn steps(node: &Node, path: &str, around: Around<'_>, problems: &mut Problems) -> Vec<PlannedStep> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("steps are a list, not {}", node.kind()), "start each with `- `");
        return Vec::new();
    };
    if items.is_empty() || items.len() > MAX_STEPS {
        problems.add(node.at, path, format!("a job has 1 to {MAX_STEPS} steps"), "give it some");
    }
    let mut known = beside::Known::default();
    let mut out = Vec::new();
    for (index, item) in items.iter().take(MAX_STEPS).enumerate() {
        let read = step(item, &format!("{path}[{index}]"), around, &mut known, problems);
        // those of a group are known already
        if let [one] = read.as_slice()
            && let Some(id) = one.id()
            && !known.add(id, matches!(one, PlannedStep::Background { .. }))
        {
            problems.add(item.at, &format!("{path}[{index}].id"), format!("the id `{}` is given twice", shown(id)), "choose another");
        }
        out.extend(read);
    }
    out
}

/// What every step has.
struct Head {
    id: Option<String>,
    name: Option<String>,
    condition: Option<Condition>,
    env: Asked<BTreeMap<String, String>>,
    continue_on_error: Asked<bool>,
    timeout_minutes: Option<Asked<u64>>,
}

/// A step; the group of `parallel` is several.
fn step(node: &Node, path: &str, around: Around<'_>, known: &mut beside::Known, problems: &mut Problems) -> Vec<PlannedStep> {
    let Some(mut fields) = Fields::of(node, path, problems) else { return Vec::new() };
    if let Some(group) = fields.get("parallel") {
        let at = fields.path_of("parallel");
        let help = "give it to the steps of the group";
        fields.finish(&["if", "continue-on-error", "env"].map(|key| (key, help)), problems);
        return beside::parallel(group, &at, around, known, problems);
    }
    let mut fields = match beside::control(fields, (node, path), known, problems) {
        Ok(control) => return control.into_iter().collect(),
        Err(fields) => fields,
    };
    let head = head(&mut fields, problems);
    let background = fields.get("background").and_then(|node| boolean(node, &fields.path_of("background"), problems)).unwrap_or(false);
    let (run, uses) = (fields.get("run"), fields.get("uses"));
    let step = match (run, uses) {
        (Some(node), None) => run_step(node, head, &mut fields, around, problems),
        (None, Some(node)) => uses_step(node, head, &mut fields, problems),
        (Some(_), Some(_)) => {
            problems.add(node.at, path, "a step has `run` or `uses`, not both", "make two steps of it");
            return Vec::new();
        }
        (None, None) => {
            problems.add(node.at, path, "the step has neither `run` nor `uses`", "give it a `run`");
            None
        }
    };
    let unknown: &[_] = match step {
        Some(PlannedStep::Uses { .. }) => {
            &[("shell", "an action has no shell"), ("working-directory", "an action starts where it says; use its inputs")]
        }
        _ => &[("with", "a step with `run` has no inputs; use `env`")],
    };
    fields.finish(unknown, problems);
    step.map(|step| if background { known.background(step) } else { step }).into_iter().collect()
}

fn head(fields: &mut Fields<'_>, problems: &mut Problems) -> Head {
    let name = fields.get("name").and_then(|node| checked_text(node, &fields.path_of("name"), &STEP, problems));
    let condition = fields.get("if").and_then(|node| condition(node, &fields.path_of("if"), &STEP_IF, problems));
    let id = fields.get("id").and_then(|node| {
        let id = text(node, &fields.path_of("id"), problems)?;
        if !is_id(&id) {
            let message = format!("`{}` cannot be a step's id", shown(&id));
            let help = "use letters, digits, `_` and `-`, starting with a letter or `_`";
            problems.add(node.at, &fields.path_of("id"), message, help);
        }
        Some(id)
    });
    let continue_on_error =
        fields.get("continue-on-error").and_then(|node| asked(node, &fields.path_of("continue-on-error"), problems, boolean));
    let timeout_minutes = fields.get("timeout-minutes").and_then(|node| {
        asked(node, &fields.path_of("timeout-minutes"), problems, |node, path, problems| {
            integer(node, 1..=MAX_MINUTES, path, problems).and_then(|minutes| u64::try_from(minutes).ok())
        })
    });
    let env = fields.get("env").map(|node| asked_env(node, &fields.path_of("env"), &STEP, problems)).unwrap_or_default();
    Head { id, name, condition, env, continue_on_error: continue_on_error.unwrap_or_default(), timeout_minutes }
}

/// A value, or one expression for it.
fn asked<T>(
    node: &Node,
    path: &str,
    problems: &mut Problems,
    given: impl FnOnce(&Node, &str, &mut Problems) -> Option<T>,
) -> Option<Asked<T>> {
    if !node.text().is_some_and(|text| text.contains("${{")) {
        return given(node, path, problems).map(Asked::Given);
    }
    let written = checked_text(node, path, &STEP, problems)?;
    if Template::read(&written).is_ok_and(|template| template.is_one_expression()) {
        return Some(Asked::Expression(written));
    }
    problems.add(node.at, path, "one expression and nothing else is expected here", "write `${{ … }}` without text around it");
    None
}

fn run_step(node: &Node, head: Head, fields: &mut Fields<'_>, around: Around<'_>, problems: &mut Problems) -> Option<PlannedStep> {
    let place = if let Around::Action = around { &STEP } else { &STEP_SHELL };
    let own_shell = fields.get("shell").and_then(|node| shell(node, &fields.path_of("shell"), place, problems));
    let directory =
        fields.get("working-directory").and_then(|node| checked_text(node, &fields.path_of("working-directory"), &STEP, problems));
    let script = checked_text(node, &fields.path_of("run"), &STEP, problems)?;
    let Head { id, name, condition, env, continue_on_error, timeout_minutes } = head;
    let defaults = if let Around::Job(defaults) = around { defaults.clone() } else { RunDefaults::default() };
    Some(PlannedStep::Run {
        line: node.at.line,
        id,
        name,
        script,
        shell: own_shell.or(defaults.shell),
        condition,
        env,
        working_directory: directory.or(defaults.working_directory),
        continue_on_error,
        timeout_minutes,
    })
}

fn uses_step(node: &Node, head: Head, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<PlannedStep> {
    let path = fields.path_of("uses");
    let with_path = fields.path_of("with");
    let inputs = fields.get("with");
    let uses = text(node, &path, problems)?;
    let with = inputs.map(|node| with(node, &with_path, problems)).unwrap_or_default();
    let action = match actions::resolve(&uses, &with) {
        Ok(mut action) => {
            if let Action::Elsewhere { lack: Some(lack), .. } = &mut action {
                let input = inputs.and_then(|with| Some((key_at(with, &lack.at.key)?, join(&with_path, &lack.at.key))));
                let (at, key) = input.unwrap_or_else(|| (node.at, path.clone()));
                (lack.line, lack.at) = (at.line, NamedAt { column: at.column, key });
            }
            if let Action::Unread { at, .. } | Action::Elsewhere { at, .. } = &mut action {
                *at = NamedAt { column: node.at.column, key: path };
            }
            action
        }
        Err(refusal) => {
            let key =
                refusal.input.as_deref().and_then(|input| Some((inputs.and_then(|node| key_at(node, input))?, join(&with_path, input))));
            let (at, path) = key.unwrap_or((node.at, path));
            problems.add(at, &path, refusal.message, refusal.help);
            return None;
        }
    };
    let Head { id, name, condition, env, continue_on_error, timeout_minutes } = head;
    let instead = None;
    Some(PlannedStep::Uses {
        line: node.at.line,
        id,
        name,
        uses,
        action,
        instead,
        with,
        condition,
        env,
        continue_on_error,
        timeout_minutes,
    })
}

/// Where an input of a name in lower case stands.
fn key_at(node: &Node, input: &str) -> Option<crate::yaml::At> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(key, _)| key.text.to_lowercase() == input).map(|(key, _)| key.at)
}

/// Inputs by their names in lower case: GitHub does not tell case apart.
fn with(node: &Node, path: &str, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("inputs are a mapping, not {}", node.kind()), "write `NAME: value` lines below it");
        return out;
    };
    for (key, value) in entries {
        let (path, name) = (join(path, &key.text), key.text.to_lowercase());
        let text = if value.is_null() { Some(String::new()) } else { checked_text(value, &path, &STEP, problems) };
        as_written(value, &path, problems);
        if text.is_some_and(|text| out.insert(name, text).is_some()) {
            problems.add(key.at, &path, format!("the input `{}` is given twice", shown(&key.text)), "remove one");
        }
    }
    out
}
