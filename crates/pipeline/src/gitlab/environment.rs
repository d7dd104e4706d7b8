//! `environment`: what a job deploys to, and how that is stopped.

use super::job::Draft;
use super::keys;
use crate::duration;
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
    let on_stop = fields.get("on_stop").and_then(|node| text(node, &fields.path_of("on_stop"), problems));
    let auto_stop_in = fields.get("auto_stop_in").and_then(|node| auto_stop_in(node, &fields.path_of("auto_stop_in"), problems));
    if fields.get("name").is_none() {
        problems.add(node.at, path, "`name` is missing", "write `environment: NAME`");
    }
    fields.finish(keys::ENVIRONMENT, problems);
    let (tier, action) = (tier.map(str::to_owned), action.map(str::to_owned));
    name.map(|name| JobEnvironment { name, url, tier, action, on_stop, auto_stop_in })
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

/// After what time it is stopped; what a variable makes of it is known when the job has ended.
fn auto_stop_in(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let given = text(node, path, problems)?;
    if !given.contains('$') && given != "never" && duration::parse(&given).is_none_or(|time| time.is_zero()) {
        problems.add(node.at, path, format!("`{}` is no duration", shown(&given)), "write for example `1 week`, or `never`");
    }
    Some(given)
}

/// Checks that the job that stops an environment is one that does, as GitLab's own check has it.
pub(super) fn check_stops(drafts: &[Draft], problems: &mut Problems) {
    for draft in drafts {
        let Some((environment, on_stop)) = draft.environment.as_ref().and_then(|of| Some((of, of.on_stop.as_ref()?))) else { continue };
        let (path, named) = (format!("{}.environment.on_stop", draft.name), shown(on_stop));
        let stop = drafts.iter().find(|other| other.name == *on_stop).map(|other| &other.environment);
        let fault = match stop {
            None => Some((format!("there is no job `{named}`"), "name the job that stops the environment")),
            Some(None) => Some((format!("the job `{named}` names no environment"), "give it the same `environment: name`")),
            Some(Some(stop)) if stop.name != environment.name => {
                Some((format!("the job `{named}` is of another environment"), "give it the same `environment: name`"))
            }
            Some(Some(stop)) if stop.action.as_deref() != Some("stop") => {
                Some((format!("the job `{named}` stops nothing"), "give it `environment: action: stop`"))
            }
            Some(Some(_)) => None,
        };
        if let Some((message, help)) = fault {
            problems.add(draft.at, &path, message, help);
        }
    }
}
