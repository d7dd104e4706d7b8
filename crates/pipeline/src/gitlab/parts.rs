//! The parts of a job, each read from its node.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::job::CachePolicy;

use super::{checkout, keys};
use crate::duration;
use crate::pattern::is_ruby_glob;
use crate::plan::{AllowFailure, CacheKey, JobEnvironment, PlannedCache, Retry, RetryOn, Variable};
use crate::reader::{Fields, Problems, boolean, choice, integer, join, scalar, shown, text, texts};
use crate::yaml::{At, Is, Key, Node, Schema, Value};

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
                let expand = fields.get("expand").and_then(|node| boolean(node, &path, problems)).unwrap_or(true);
                fields.finish(keys::VARIABLE, problems);
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

/// Patterns of paths that must stay below the checkout.
pub(super) fn inner_globs(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    for (given, at) in texts(node, path, &mut Problems::new("", Schema::Psych)) {
        checkout::refuse_git(&given, at, path, problems);
        if let Err(invalid) = is_ruby_glob(&given) {
            problems.add(at, path, format!("the pattern `{}` cannot be read: {}", shown(&given), invalid.0), "as in `dist/**/*.whl`");
        }
    }
    inner_paths(node, path, problems)
}

/// Folders that stay in place between jobs.
fn cached_paths(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    for (given, at) in texts(node, path, &mut Problems::new("", Schema::Psych)) {
        if given.contains(['*', '?', '[', '{']) && !given.contains("${") {
            problems.add(at, path, format!("`{}` is a pattern, and only folders are cached", shown(&given)), "name the folders themselves");
        }
        checkout::refuse_git(&given, at, path, problems);
    }
    inner_paths(node, path, problems)
}

/// Paths that must stay below the checkout.
pub(super) fn inner_paths(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let list = texts(node, path, problems);
    for (given, at) in &list {
        if given.starts_with('/') || given.split('/').any(|part| part == "..") {
            problems.add(*at, path, format!("`{}` leaves the checkout", shown(given)), "name a path below it");
        }
    }
    list.into_iter().map(|(text, _)| text).collect()
}

/// `cache`: one, or a list of them.
pub(super) fn caches(node: &Node, path: &str, problems: &mut Problems) -> Vec<PlannedCache> {
    match &node.value {
        Value::Seq(items) => items.iter().filter_map(|item| cache(item, path, problems)).collect(),
        Value::Map(entries) if entries.is_empty() => Vec::new(),
        _ => cache(node, path, problems).into_iter().collect(),
    }
}

fn cache(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedCache> {
    let mut fields = Fields::of(node, path, problems)?;
    let key = fields.get("key").map(|node| cache_key(node, &fields.path_of("key"), problems));
    let paths = fields.get("paths").map(|node| cached_paths(node, &fields.path_of("paths"), problems)).unwrap_or_default();
    if paths.is_empty() {
        problems.add(node.at, path, "a cache without `paths` keeps nothing", "name the folders to keep in `paths`");
    }
    if let Some(node) = fields.get("when")
        && node.text() != Some("always")
    {
        let help = "write `when: always` or remove it: a cache stays in place whatever happened";
        problems.add(fields.key_at("when"), &fields.path_of("when"), "a cache is kept whatever happened", help);
    }
    let choices = [("pull-push", CachePolicy::PullPush), ("pull", CachePolicy::Pull), ("push", CachePolicy::Push)];
    let policy = fields.get("policy").and_then(|node| choice(node, &choices, &fields.path_of("policy"), problems)).unwrap_or_default();
    fields.finish(keys::CACHE, problems);
    Some(PlannedCache { key: key.unwrap_or_else(|| CacheKey::Text("default".into())), paths, policy })
}

fn cache_key(node: &Node, path: &str, problems: &mut Problems) -> CacheKey {
    if !matches!(node.value, Value::Map(_)) {
        return CacheKey::Text(text(node, path, problems).unwrap_or_default());
    }
    let mut key = CacheKey::Files { prefix: None, files: Vec::new() };
    if let (Some(mut fields), CacheKey::Files { prefix, files }) = (Fields::of(node, path, problems), &mut key) {
        *prefix = fields.get("prefix").and_then(|node| text(node, &fields.path_of("prefix"), problems));
        *files = fields.get("files").map(|node| inner_paths(node, &fields.path_of("files"), problems)).unwrap_or_default();
        if files.is_empty() || files.len() > 2 {
            problems.add(node.at, path, "`files` names one or two files", "name the lock files that decide about the cache");
        }
        fields.finish(&[("files_commits", "use `files`")], problems);
    }
    key
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

/// What an environment is for.
const TIERS: &[(&str, &str)] =
    &[("production", "production"), ("staging", "staging"), ("testing", "testing"), ("development", "development"), ("other", "other")];
/// What a job does to an environment. None of them changes what the config repository keeps.
const ACTIONS: &[(&str, &str)] =
    &[("start", "start"), ("stop", "stop"), ("prepare", "prepare"), ("verify", "verify"), ("access", "access")];

/// `environment`: its name, or a mapping.
pub(super) fn environment(node: &Node, path: &str, problems: &mut Problems) -> Option<JobEnvironment> {
    if !matches!(node.value, Value::Map(_)) {
        return text(node, path, problems).map(|name| JobEnvironment { name, ..JobEnvironment::default() });
    }
    let mut fields = Fields::of(node, path, problems)?;
    let name = fields.get("name").and_then(|node| text(node, &fields.path_of("name"), problems));
    let url = fields.get("url").and_then(|node| text(node, &fields.path_of("url"), problems));
    let action = fields.get("action").and_then(|node| choice(node, ACTIONS, &fields.path_of("action"), problems));
    let tier = fields.get("deployment_tier").and_then(|node| choice(node, TIERS, &fields.path_of("deployment_tier"), problems));
    if name.is_none() {
        problems.add(node.at, path, "`name` is missing", "write `environment: NAME`");
    }
    fields.finish(keys::ENVIRONMENT, problems);
    let (tier, action) = (tier.map(str::to_owned), action.map(str::to_owned));
    name.map(|name| JobEnvironment { name, url, tier, action })
}
