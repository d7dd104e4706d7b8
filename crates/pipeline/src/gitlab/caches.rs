//! `cache`.

use penstock_model::job::{CachePolicy, KeepWhen};

use super::{checkout, parts};
use crate::pattern::is_ruby_glob;
use crate::plan::{CacheKey, PlannedCache};
use crate::reader::{Fields, Problems, boolean, choice, shown, strings, text, texts};
use crate::yaml::{Node, Value};

/// The most keys besides its own under which a cache is looked for (GitLab's own bound).
const MAX_FALLBACKS: usize = 5;
/// The most caches of a job (GitLab's own bound).
const MAX_CACHES: usize = 4;

const POLICIES: &[(&str, CachePolicy)] = &[("pull-push", CachePolicy::PullPush), ("pull", CachePolicy::Pull), ("push", CachePolicy::Push)];
const WHENS: &[(&str, KeepWhen)] =
    &[("on_success", KeepWhen::OnSuccess), ("on_failure", KeepWhen::OnFailure), ("always", KeepWhen::Always)];

/// `cache`: one, or a list of them.
pub(super) fn caches(node: &Node, path: &str, problems: &mut Problems) -> Vec<PlannedCache> {
    match &node.value {
        Value::Seq(items) => {
            if items.len() > MAX_CACHES {
                problems.add(node.at, path, format!("a job has at most {MAX_CACHES} caches"), "put more folders into one of them");
            }
            items.iter().filter_map(|item| cache(item, path, problems)).collect()
        }
        Value::Map(entries) if entries.is_empty() => Vec::new(),
        _ => cache(node, path, problems).into_iter().collect(),
    }
}

/// One; `None` if it names nothing to keep, which GitLab takes and where it keeps nothing.
fn cache(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedCache> {
    let mut fields = Fields::of(node, path, problems)?;
    let key = fields.get("key").map(|node| cache_key(node, &fields.path_of("key"), problems));
    let paths = fields.get("paths").map(|node| paths(node, &fields.path_of("paths"), problems)).unwrap_or_default();
    let mut flag = |name: &'static str, problems: &mut Problems| {
        fields.get(name).and_then(|node| boolean(node, &fields.path_of(name), problems)).unwrap_or(false)
    };
    let (untracked, unprotect) = (flag("untracked", problems), flag("unprotect", problems));
    let when = fields.get("when").and_then(|node| choice(node, WHENS, &fields.path_of("when"), problems));
    let given = fields.get("policy");
    let policy_by = given.and_then(Node::text).filter(|text| text.contains('$')).map(str::to_owned);
    let chosen = given.filter(|_| policy_by.is_none());
    let policy = chosen.and_then(|node| choice(node, POLICIES, &fields.path_of("policy"), problems)).unwrap_or_default();
    let fallback_keys = fields.get("fallback_keys").map(|node| fallbacks(node, &fields.path_of("fallback_keys"), problems));
    fields.finish(&[], problems);
    if paths.is_empty() && !untracked {
        let help = "name what to keep in `paths`, or remove it";
        problems.warn(node.at, path, "a cache without `paths` and `untracked` keeps nothing", help);
        return None;
    }
    let (key, fallback_keys) = (key.unwrap_or_else(|| CacheKey::Text("default".into())), fallback_keys.unwrap_or_default());
    Some(PlannedCache { key, paths, policy, policy_by, when, untracked, unprotect, fallback_keys })
}

fn fallbacks(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let keys = strings(node, path, problems);
    if keys.len() > MAX_FALLBACKS {
        problems.add(node.at, path, format!("a cache has at most {MAX_FALLBACKS} fallback keys"), "remove some");
    }
    keys
}

/// What is kept: folders, patterns. What leaves the checkout is passed over, as GitLab's runner does.
fn paths(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    let mut inner = Vec::new();
    for (given, at) in texts(node, path, problems) {
        checkout::refuse_git(&given, at, path, problems);
        if let Err(invalid) = is_ruby_glob(&given) {
            problems.add(at, path, format!("the pattern `{}` cannot be read: {}", shown(&given), invalid.0), "as in `.cache/*.db`");
        }
        if parts::leaves(&given) {
            let help = "name a path below it, as GitLab's runner wants it too";
            problems.warn(at, path, format!("`{}` leaves the checkout, and nothing of it is kept", shown(&given)), help);
        }
        inner.push(given);
    }
    inner
}

fn cache_key(node: &Node, path: &str, problems: &mut Problems) -> CacheKey {
    if !matches!(node.value, Value::Map(_)) {
        return CacheKey::Text(text(node, path, problems).unwrap_or_default());
    }
    let Some(mut fields) = Fields::of(node, path, problems) else { return CacheKey::Text(String::new()) };
    let prefix = fields.get("prefix").and_then(|node| text(node, &fields.path_of("prefix"), problems));
    let mut list = |name: &'static str, problems: &mut Problems| {
        let node = fields.get(name)?;
        let files = parts::inner_paths(node, &fields.path_of(name), problems);
        if files.is_empty() || files.len() > 2 {
            let message = format!("`{name}` names one or two files");
            problems.add(node.at, &fields.path_of(name), message, "name the lock files that decide about the cache");
        }
        Some(files)
    };
    let (files, commits) = (list("files", problems), list("files_commits", problems));
    fields.finish(&[], problems);
    match (files, commits) {
        (Some(files), None) => CacheKey::Files { prefix, files },
        (None, Some(files)) => CacheKey::FilesCommits { prefix, files },
        (None, None) | (Some(_), Some(_)) => {
            problems.add(node.at, path, "one of `files` and `files_commits` is expected here", "name the lock files in `files`");
            CacheKey::Text(String::new())
        }
    }
}
