//! `environment`: what a job deploys to, and how that is stopped.

use super::keys;
use crate::plan::JobEnvironment;
use crate::reader::{Fields, Problems, choice, shown, text};
use crate::yaml::{Node, Value};

/// The longest name and address (GitLab's own bound).
const MAX_LENGTH: usize = 255;

/// What an environment is for.
const TIERS: &[(&str, &str)] =
    &[("production", "production"), ("staging", "staging"), ("testing", "testing"), ("development", "development"), ("other", "other")];

/// What a job does to an environment.
const ACTIONS: &[(&str, &str)] =
    &[("start", "start"), ("stop", "stop"), ("prepare", "prepare"), ("verify", "verify"), ("access", "access")];

/// `environment`: its name, or a mapping.
pub(super) fn environment(node: &Node, path: &str, problems: &mut Problems) -> Option<JobEnvironment> {
    if !matches!(node.value, Value::Map(_)) {
        return name(node, path, problems).map(|name| JobEnvironment { name, ..JobEnvironment::default() });
    }
    let mut fields = Fields::of(node, path, problems)?;
    let name = fields.get("name").and_then(|node| name(node, &fields.path_of("name"), problems));
    let url = fields.get("url").and_then(|node| text(node, &fields.path_of("url"), problems));
    let action = fields.get("action").and_then(|node| choice(node, ACTIONS, &fields.path_of("action"), problems));
    let tier = fields.get("deployment_tier").and_then(|node| choice(node, TIERS, &fields.path_of("deployment_tier"), problems));
    if fields.get("name").is_none() {
        problems.add(node.at, path, "`name` is missing", "write `environment: NAME`");
    }
    fields.finish(keys::ENVIRONMENT, problems);
    let (tier, action) = (tier.map(str::to_owned), action.map(str::to_owned));
    name.map(|name| JobEnvironment { name, url, tier, action, on_stop: None, auto_stop_in: None })
}

fn name(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let name = text(node, path, problems)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_/${}. ".contains(c);
    if name.is_empty() || name.len() > MAX_LENGTH || !name.chars().all(allowed) || name.starts_with('/') || name.ends_with('/') {
        let help = "use letters, digits, blanks and `-_/${}.`, with no `/` at either end, at most 255";
        problems.add(node.at, path, format!("`{}` cannot name an environment", shown(&name)), help);
        return None;
    }
    Some(name)
}
