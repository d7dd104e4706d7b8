//! The parts of a job, each read from its node.

use std::collections::BTreeMap;
use std::time::Duration;

use super::checkout;
use crate::duration;
use crate::pattern::is_ruby_glob;
use crate::plan::{AllowFailure, Retry, RetryOn, Variable};
use crate::reader::{Fields, Problems, boolean, choice, integer, join, scalar, shown, texts};
use crate::yaml::{At, Is, Key, Node, Value};

/// How deep `script` lists may nest (GitLab's own bound).
const MAX_SCRIPT_DEPTH: usize = 10;
/// The most tags (GitLab's own bound).
const MAX_TAGS: usize = 50;
/// The longest time limit.
const MAX_TIMEOUT: Duration = Duration::from_hours(31 * 24);

/// A script: text, or lists of text within lists.
pub(super) fn script(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let mut commands = Vec::new();
    collect(node, path, 0, &mut commands, problems);
    commands
}

fn collect(node: &Node, path: &str, depth: usize, commands: &mut Vec<String>, problems: &mut Problems) {
    match &node.value {
        Value::Seq(_) if depth >= MAX_SCRIPT_DEPTH => {
            problems.add(node.at, path, format!("scripts nest deeper than {MAX_SCRIPT_DEPTH} lists"), "flatten them");
        }
        Value::Seq(items) => items.iter().for_each(|item| collect(item, path, depth + 1, commands, problems)),
        Value::Map(_) => problems.add(
            node.at,
            path,
            "a command is expected here, and YAML reads a mapping",
            "put the whole line in quotes: it holds `: `",
        ),
        Value::Scalar { text, is: Is::Text, .. } => commands.push(text.to_string()),
        Value::Scalar { text, .. } => {
            let what = if node.is_null() { "nothing" } else { node.misread().unwrap_or(text) };
            let message = format!("a command is expected here, and YAML reads `{}` as something else", shown(what));
            problems.add(node.at, path, message, "put it in quotes");
        }
    }
}

/// `hooks`: the script that comes before the checkout.
pub(super) fn hooks(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let Some(mut fields) = Fields::of(node, path, problems) else { return Vec::new() };
    let name = "pre_get_sources_script";
    let commands = fields.get(name).map(|node| script(node, &fields.path_of(name), problems)).unwrap_or_default();
    fields.finish(&[], problems);
    commands
}

/// `variables` of the file, a job or a rule.
pub(super) fn variables(node: &Node, path: &str, problems: &mut Problems) -> BTreeMap<String, Variable> {
    let mut out = BTreeMap::new();
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("variables are a mapping, not {}", node.kind()), "write `NAME: value` lines below it");
        return out;
    };
    for (key, value) in entries {
        let path = join(path, &key.text);
        if !variable_name(key, &path, problems) {
            continue;
        }
        let (given, expand) = match &value.value {
            Value::Map(_) => {
                let Some(mut fields) = Fields::of(value, &path, problems) else { continue };
                let inner = fields.get("value");
                fields.get("description");
                options(&mut fields, inner, problems);
                let expand = fields.get("expand").and_then(|node| boolean(node, &path, problems)).unwrap_or(true);
                fields.finish(&[], problems);
                (inner, expand)
            }
            _ => (Some(value).filter(|node| !node.is_null()), true),
        };
        let text = match given {
            None => String::new(),
            Some(given) => {
                let Some(text) = scalar(given, &path, problems) else { continue };
                check_value(&key.text, &text, expand, given.at, &path, problems);
                text
            }
        };
        out.insert(key.text.clone(), Variable { value: text, expand });
    }
    out
}

/// `options` of a variable: what its value may be, of which the file's own has to be one.
fn options(fields: &mut Fields<'_>, value: Option<&Node>, problems: &mut Problems) {
    let Some(node) = fields.get("options") else { return };
    let path = fields.path_of("options");
    let options = texts(node, &path, problems);
    let given = value.and_then(Node::text);
    if !options.is_empty() && !options.iter().any(|(option, _)| Some(option.as_str()) == given) {
        problems.add(node.at, &path, "the variable's `value` is none of its `options`", "set `value` to one of them");
    }
}

/// Whether a key can be a variable's name; tells if not.
pub(super) fn variable_name(key: &Key, path: &str, problems: &mut Problems) -> bool {
    let letters = key.text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let valid = letters && !key.text.is_empty() && !key.text.starts_with(|c: char| c.is_ascii_digit());
    if !valid {
        let help = "use letters, digits and `_`, not starting with a digit";
        problems.add(key.at, path, format!("`{}` cannot be a variable's name", shown(&key.text)), help);
    }
    valid
}

/// Refuses a variable's value that would mean something else than it says.
pub(super) fn check_value(name: &str, text: &str, expand: bool, at: At, path: &str, problems: &mut Problems) {
    checkout::refuse_other(name, text, at, path, problems);
    if let Some(braced) = shell_expansion(text).filter(|_| expand) {
        let message = format!("`{}` means something to a shell only; GitLab expands it to nothing", shown(braced));
        problems.add(at, path, message, "do it in `script`, or write `{value: …, expand: false}`");
    }
}

/// The first `${…}` with more in it than a name, such as `${NAME:-default}`.
fn shell_expansion(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        if let Some(inner) = after.strip_prefix('{')
            && let Some(end) = inner.find('}')
            && inner[..end].bytes().any(|b| !(b.is_ascii_alphanumeric() || b == b'_'))
        {
            return Some(&rest[at..at + end + 3]);
        }
        rest = after.strip_prefix('$').unwrap_or(after);
    }
    None
}

/// Where each variable of a mapping stands.
pub(super) fn places(node: &Node) -> BTreeMap<String, At> {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(key, _)| (key.text.clone(), key.at)).collect(),
        _ => BTreeMap::new(),
    }
}

/// Patterns of what a job leaves. Of what is not below the checkout nothing is kept, as GitLab's runner has it.
pub(super) fn inner_globs(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let list = texts(node, path, problems);
    for (given, at) in &list {
        checkout::refuse_git(given, *at, path, problems);
        if let Err(invalid) = is_ruby_glob(given) {
            problems.add(*at, path, format!("the pattern `{}` cannot be read: {}", shown(given), invalid.0), "as in `dist/**/*.whl`");
        }
        if leaves(given) {
            let message = format!("`{}` is not below the checkout, and nothing of it is kept", shown(given));
            problems.warn(*at, path, message, "name a path below it, as GitLab's runner wants it too");
        }
    }
    list.into_iter().map(|(text, _)| text).collect()
}

/// Whether a path as it is written leads out of the checkout.
pub(super) fn leaves(given: &str) -> bool {
    given.starts_with('/') || given.split('/').any(|part| part == "..")
}

/// Paths that must stay below the checkout.
pub(super) fn inner_paths(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let list = texts(node, path, problems);
    for (given, at) in &list {
        if leaves(given) {
            problems.add(*at, path, format!("`{}` leaves the checkout", shown(given)), "name a path below it");
        }
    }
    list.into_iter().map(|(text, _)| text).collect()
}

/// The reasons for a failure that GitLab's reference of `retry: when` lists, as they come about here.
const RETRIED: &[(&str, RetryOn)] = &[
    ("always", RetryOn::Always),
    ("script_failure", RetryOn::ScriptFailure),
    ("job_execution_timeout", RetryOn::Timeout),
    ("stuck_or_timeout_failure", RetryOn::Timeout),
    ("runner_system_failure", RetryOn::SystemFailure),
    ("unknown_failure", RetryOn::SystemFailure),
    ("api_failure", RetryOn::Never),
    ("archived_failure", RetryOn::Never),
    ("data_integrity_failure", RetryOn::Never),
    ("runner_unsupported", RetryOn::Never),
    ("scheduler_failure", RetryOn::Never),
    ("stale_schedule", RetryOn::Never),
    ("unmet_prerequisites", RetryOn::Never),
];

/// `retry`: a number, or `{max, when, exit_codes}`.
pub(super) fn retry(node: &Node, path: &str, problems: &mut Problems) -> Retry {
    let Value::Map(_) = node.value else {
        let max = integer(node, 0..=2, path, problems).unwrap_or(0);
        return Retry { max: u32::try_from(max).unwrap_or(0), ..Retry::default() };
    };
    let mut retry = Retry::default();
    let Some(mut fields) = Fields::of(node, path, problems) else { return retry };
    let max = fields.get("max").and_then(|node| integer(node, 0..=2, &fields.path_of("max"), problems)).unwrap_or(0);
    retry.max = u32::try_from(max).unwrap_or(0);
    if let Some(node) = fields.get("when") {
        let path = fields.path_of("when");
        let items: Vec<&Node> = match &node.value {
            Value::Seq(items) => items.iter().collect(),
            _ => vec![node],
        };
        retry.on = items.into_iter().filter_map(|node| choice(node, RETRIED, &path, problems)).collect();
    }
    if let Some(node) = fields.get("exit_codes") {
        retry.exit_codes = exit_codes(node, &fields.path_of("exit_codes"), problems);
    }
    fields.finish(&[], problems);
    retry
}

fn exit_codes(node: &Node, path: &str, problems: &mut Problems) -> Vec<i32> {
    let items: Vec<&Node> = match &node.value {
        Value::Seq(items) => items.iter().collect(),
        _ => vec![node],
    };
    items.into_iter().filter_map(|node| integer(node, 0..=255, path, problems)).filter_map(|code| i32::try_from(code).ok()).collect()
}

/// `allow_failure`: true, false, or `{exit_codes}`.
pub(super) fn allow_failure(node: &Node, path: &str, problems: &mut Problems) -> AllowFailure {
    if !matches!(node.value, Value::Map(_)) {
        return if boolean(node, path, problems).unwrap_or(false) { AllowFailure::Yes } else { AllowFailure::No };
    }
    let mut codes = Vec::new();
    if let Some(mut fields) = Fields::of(node, path, problems) {
        codes = fields.get("exit_codes").map(|node| exit_codes(node, &fields.path_of("exit_codes"), problems)).unwrap_or_default();
        fields.finish(&[], problems);
    }
    AllowFailure::ExitCodes(codes)
}

/// `tags`: names of runners, at most as many as GitLab takes.
pub(super) fn tags(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let tags: Vec<String> = texts(node, path, problems).into_iter().map(|(tag, _)| tag).collect();
    if tags.len() > MAX_TAGS {
        problems.add(node.at, path, format!("a job has at most {MAX_TAGS} tags"), "remove some");
    }
    tags
}

/// `timeout`.
pub(super) fn timeout(node: &Node, path: &str, problems: &mut Problems) -> Option<Duration> {
    let time = node.text().and_then(duration::parse).filter(|time| !time.is_zero() && *time <= MAX_TIMEOUT);
    if time.is_none() {
        problems.add(node.at, path, "a duration of at most a month is expected here", "write for example `1h 30m`");
    }
    time
}
