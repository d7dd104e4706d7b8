//! Texts of a workflow file, read and checked where they stand.

use std::collections::BTreeMap;

use super::contexts::{self, LATE_PROPERTIES, OfRun, Place, Status};
use super::expression::{Expression, Invalid};
use super::functions::Function;
use super::payload;
use super::template::{Template, as_expression};
use crate::gitlab::place_in;
use crate::input::PushEvent;
use crate::plan::{Asked, Condition};
use crate::reader::{Problems, join, shown, text, told_if_misread};
use crate::yaml::{Key, Node, Value as Yaml};

/// Reads a text with `${{ }}` in it and checks that every expression may stand there.
pub(super) fn template(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Option<(String, Template)> {
    let written = text(node, path, problems)?;
    let template = match Template::read(&written) {
        Ok(template) => template,
        Err(invalid) => {
            problems.add(place_in(node, invalid.offset), path, format!("the expression cannot be read: {}", invalid.message), "");
            return None;
        }
    };
    let mut sound = true;
    for (expression, offset) in template.expressions() {
        sound &= allowed(expression, node, offset, path, place, problems);
    }
    sound.then_some((written, template))
}

/// As [`template`], for what is evaluated later.
pub(super) fn checked_text(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Option<String> {
    template(node, path, place, problems).map(|(written, _)| written)
}

/// An `if`: an expression with or without `${{ }}` around it. With text around it, it is the text that GitHub makes of it.
pub(super) fn condition(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Option<Condition> {
    let written = text(node, path, problems)?;
    if !written.contains("${{") {
        let expression = written.trim();
        let skipped = written.chars().take_while(|letter| letter.is_whitespace()).count();
        let read = readable(expression, node, skipped, path, problems)?;
        return allowed(&read, node, skipped, path, place, problems)
            .then(|| Condition { expression: expression.to_owned(), line: node.at.line });
    }
    let (_, template) = template(node, path, place, problems)?;
    let expression = as_expression(&written)?;
    readable(&expression, node, 0, path, problems)?;
    // without, it is true unless all its expressions are empty
    if template.has_text() {
        let message = "this condition is a text, which is true whatever its expressions say";
        problems.warn(node.at, path, message, "write all of it within one `${{ }}`, with nothing around it, not even an empty line");
    }
    Some(Condition { expression, line: node.at.line })
}

fn readable(condition: &str, node: &Node, skipped: usize, path: &str, problems: &mut Problems) -> Option<Expression> {
    let told = |invalid: Invalid| {
        let message = format!("the condition cannot be read: {}", invalid.message);
        problems.add(place_in(node, skipped + invalid.offset), path, message, format!("the condition is `{}`", shown(condition)));
    };
    Expression::read(condition).map_err(told).ok()
}

fn allowed(expression: &Expression, node: &Node, offset: usize, path: &str, place: &Place, problems: &mut Problems) -> bool {
    let mut sound = true;
    for (context, at) in expression.contexts() {
        if !place.contexts.contains(&context) {
            let late = place.early && ["needs", "steps", "env", "job", "runner", "secrets"].contains(&context);
            let why = if late { ": it is settled before any job runs" } else { "" };
            let help = format!("known here: {}", place.contexts.join(", "));
            let message = format!("`{}` is not known in {}{why}", shown(context), place.words);
            problems.add(place_in(node, offset + at), path, message, help);
            sound = false;
        }
    }
    for (words, at) in expression.paths() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some((len, known)) = contexts::absent(&words) {
            let message = format!("`{}` is not known here", shown(&words[..len].join(".")));
            problems.add(place_in(node, offset + at), path, message, format!("known: {}", known.join(", ")));
            sound = false;
        }
    }
    for (function, at) in expression.functions() {
        if function == Function::HashFiles && !place.files {
            let message = format!("`hashFiles` is not known in {}", place.words);
            problems.add(place_in(node, offset + at), path, message, "use it in a step");
            sound = false;
        } else if function.is_status() && place.status == Status::Unknown {
            problems.add(place_in(node, offset + at), path, "this function is known only in `if`", "ask `job.status` or `needs.….result`");
            sound = false;
        }
    }
    if let (Some(at), true) = (expression.status_of_jobs(), place.status != Status::OfNeeds) {
        problems.add(place_in(node, offset + at), path, "this function takes jobs only in a job's `if`", "ask `needs.….result`");
        sound = false;
    }
    if place.run != OfRun::All
        && let Some(late) = expression
            .properties_of("github")
            .iter()
            .find(|property| LATE_PROPERTIES.contains(&property.as_str()) && !(place.run == OfRun::Id && *property == "run_id"))
    {
        let why = if place.early { "this is settled before the run is there" } else { "it is known only while a job runs" };
        problems.add(place_in(node, offset), path, format!("`github.{late}` is not known yet: {why}"), "use it in `env` or in a step");
        sound = false;
    }
    sound
}

/// A value that is one expression; `None` if it is none, and is read otherwise.
pub(super) fn expression(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Option<Option<String>> {
    node.text().filter(|text| text.contains("${{"))?;
    let Some(written) = checked_text(node, path, place, problems) else { return Some(None) };
    if written.trim_start().starts_with("${{") && Template::read(written.trim()).is_ok_and(|template| template.is_one_expression()) {
        return Some(Some(written));
    }
    problems.add(node.at, path, "one expression and nothing else is expected here", "write `${{ … }}` without text around it");
    Some(None)
}

/// A text in which no expression is evaluated.
pub(super) fn literal(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let written = text(node, path, problems)?;
    if written.contains("${{") {
        problems.add(node.at, path, "no expression is evaluated here", "write it as it is to be");
        return None;
    }
    Some(written)
}

/// Shows every text with an expression in it, with its key.
pub(super) fn trees<'n>(node: &'n Node, path: &str, visit: &mut impl FnMut(&'n Node, &str)) {
    match &node.value {
        Yaml::Map(entries) => entries.iter().for_each(|(key, value)| trees(value, &join(path, &key.text), visit)),
        Yaml::Seq(items) => items.iter().for_each(|item| trees(item, path, visit)),
        Yaml::Scalar { text, .. } if text.contains("${{") => visit(node, path),
        Yaml::Scalar { .. } => {}
    }
}

/// Whatever the file asks `github.event` for must be told of this event, or be nothing at GitHub, too.
pub(super) fn told(node: &Node, path: &str, event: &PushEvent, problems: &mut Problems) {
    match &node.value {
        Yaml::Map(entries) => {
            for (key, value) in entries {
                let path = join(path, &key.text);
                let bare = key.text == "if" && value.text().is_some_and(|text| !text.contains("${{"));
                match value.text().filter(|_| bare).map(Expression::read) {
                    Some(Ok(expression)) => told_of(&expression, value, 0, &path, event, problems),
                    // what cannot be read is told where it is read
                    Some(Err(_)) => {}
                    None => told(value, &path, event, problems),
                }
            }
        }
        Yaml::Seq(items) => {
            items.iter().enumerate().for_each(|(index, item)| told(item, &format!("{path}[{index}]"), event, problems));
        }
        Yaml::Scalar { text, .. } if text.contains("${{") => {
            let Ok(template) = Template::read(text) else { return };
            template.expressions().for_each(|(expression, offset)| told_of(expression, node, offset, path, event, problems));
        }
        Yaml::Scalar { .. } => {}
    }
}

fn told_of(expression: &Expression, node: &Node, offset: usize, path: &str, event: &PushEvent, problems: &mut Problems) {
    for (words, at) in expression.paths() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Some((len, known)) = payload::absent(event, &words) {
            let message = format!("`{}` is not known here", shown(&words[..len].join(".")));
            problems.add(place_in(node, offset + at), path, message, format!("known: {}", known.join(", ")));
        }
    }
}

/// An `env`: texts by name, or one expression for them. What GitHub sets itself keeps its value.
pub(super) fn asked_env(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Asked<BTreeMap<String, String>> {
    match expression(node, path, place, problems) {
        Some(written) => written.map(Asked::Expression).unwrap_or_default(),
        None => Asked::Given(env(node, path, place, problems)),
    }
}

/// As [`asked_env`], where no expression is asked for all of it.
pub(super) fn env(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> BTreeMap<String, String> {
    if let Yaml::Map(entries) = &node.value {
        let lost = |(key, value): &&(Key, Node)| contexts::is_fixed(&key.text) && !says_what_is_there(&key.text, value);
        for (key, _) in entries.iter().filter(lost) {
            let message = format!("`{}` is set for every job and keeps its value, as at GitHub", shown(&key.text));
            problems.warn(key.at, &join(path, &key.text), message, "choose another name");
        }
    }
    named_texts(node, path, place, problems)
}

/// Whether a variable is given the property that it has anyway: `RUNNER_OS: ${{ runner.os }}`, as actions do.
fn says_what_is_there(name: &str, value: &Node) -> bool {
    let expression = value.text().and_then(|text| text.trim().strip_prefix("${{")?.strip_suffix("}}"));
    let property = name.to_lowercase().replacen('_', ".", 1);
    expression.is_some_and(|expression| expression.trim().eq_ignore_ascii_case(&property))
}

/// Texts by name.
pub(super) fn named_texts(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let Yaml::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("variables are a mapping, not {}", node.kind()), "write `NAME: value` lines below it");
        return out;
    };
    for (key, value) in entries {
        let path = join(path, &key.text);
        if key.text.is_empty() || key.text.contains(['=', '\0']) {
            problems.add(key.at, &path, format!("`{}` cannot be a variable's name", shown(&key.text)), "use letters, digits and `_`");
        } else if value.is_null() {
            out.insert(key.text.clone(), String::new());
        } else if let Some(text) = checked_text(value, &path, place, problems) {
            as_written(value, &path, problems);
            out.insert(key.text.clone(), text);
        }
    }
    out
}

/// A number that GitHub writes otherwise than the file does is a trap: `3.10` becomes `3.1`.
pub(super) fn as_written(node: &Node, path: &str, problems: &mut Problems) {
    told_if_misread(node, path, problems);
}
