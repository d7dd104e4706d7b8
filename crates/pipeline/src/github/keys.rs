//! Keys of workflows and jobs that say what a run may do, and beside what.

use super::checked::{checked_text, expression};
use super::contexts::{ENVIRONMENT, ENVIRONMENT_URL, Place};
use crate::plan::{Access, Concurrency, JobEnvironment, Permissions};
use crate::reader::{Fields, Problems, boolean, choice, closest, join, shown};
use crate::yaml::{Node, Value};

/// What a token may be allowed, and how far at most: GitHub's own list.
const SCOPES: &[(&str, &[(&str, Access)])] = &[
    ("actions", ANY),
    ("artifact-metadata", ANY),
    ("attestations", ANY),
    ("checks", ANY),
    ("code-quality", ANY),
    ("contents", ANY),
    ("copilot-requests", WRITE),
    ("deployments", ANY),
    ("discussions", ANY),
    ("drives", ANY),
    ("id-token", WRITE),
    ("issues", ANY),
    ("models", READ),
    ("packages", ANY),
    ("pages", ANY),
    ("pull-requests", ANY),
    ("repository-projects", ANY),
    ("security-events", ANY),
    ("statuses", ANY),
    ("vulnerability-alerts", READ),
];
const ANY: &[(&str, Access)] = &[("read", Access::Read), ("write", Access::Write), ("none", Access::None)];
const WRITE: &[(&str, Access)] = &[("write", Access::Write), ("none", Access::None)];
const READ: &[(&str, Access)] = &[("read", Access::Read), ("none", Access::None)];

/// Reads `permissions`.
pub(super) fn permissions(node: &Node, path: &str, problems: &mut Problems) -> Option<Permissions> {
    let Value::Map(entries) = &node.value else {
        let all = choice(node, &[("read-all", Access::Read), ("write-all", Access::Write)], path, problems)?;
        return Some(Permissions::all(all));
    };
    let mut permissions = Permissions::default();
    for (key, value) in entries {
        let path = join(path, &key.text);
        match SCOPES.iter().find(|(name, _)| *name == key.text) {
            Some((name, levels)) => {
                permissions.scopes.extend(choice(value, levels, &path, problems).map(|level| ((*name).to_owned(), level)));
            }
            None => {
                let names: Vec<&str> = SCOPES.iter().map(|(name, _)| *name).collect();
                problems.add(key.at, &path, format!("a token has no `{}`", shown(&key.text)), closest(&key.text, &names));
            }
        }
    }
    Some(permissions)
}

/// Reads `concurrency`.
pub(super) fn concurrency(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Option<Concurrency> {
    let mut out = Concurrency { line: node.at.line, group: String::new(), cancel_in_progress: "false".to_owned(), all_wait: false };
    if let Value::Map(_) = &node.value {
        let mut fields = Fields::of(node, path, problems)?;
        match fields.get("group") {
            Some(node) => out.group = checked_text(node, &fields.path_of("group"), place, problems)?,
            None => problems.add(node.at, path, "`concurrency` has no `group`", "write `group: NAME`"),
        }
        if let Some(node) = fields.get("cancel-in-progress") {
            let path = fields.path_of("cancel-in-progress");
            out.cancel_in_progress = match expression(node, &path, place, problems) {
                Some(written) => written?,
                None => boolean(node, &path, problems)?.to_string(),
            };
        }
        if let Some(node) = fields.get("queue") {
            out.all_wait = choice(node, &[("single", false), ("max", true)], &fields.path_of("queue"), problems).unwrap_or(false);
            if out.all_wait && out.cancel_in_progress != "false" {
                let help = "what waits for its turn is not cancelled: choose one of the two";
                problems.add(node.at, &fields.path_of("queue"), "`queue: max` cannot stand beside `cancel-in-progress`", help);
            }
        }
        fields.finish(&[], problems);
    } else {
        out.group = checked_text(node, path, place, problems)?;
    }
    if out.group.trim().is_empty() {
        problems.add(node.at, path, "the group has no name", "write `group: NAME`");
    }
    Some(out)
}

/// Reads `environment`.
pub(super) fn environment(node: &Node, path: &str, problems: &mut Problems) -> Option<JobEnvironment> {
    let Value::Map(_) = &node.value else {
        let name = checked_text(node, path, &ENVIRONMENT, problems)?;
        return Some(JobEnvironment { name, ..JobEnvironment::default() });
    };
    let mut fields = Fields::of(node, path, problems)?;
    let name = fields.get("name").map(|node| checked_text(node, &fields.path_of("name"), &ENVIRONMENT, problems));
    let url = fields.get("url").and_then(|node| checked_text(node, &fields.path_of("url"), &ENVIRONMENT_URL, problems));
    // whether GitHub is told of a deployment: there is nobody to tell
    if let Some(node) = fields.get("deployment") {
        boolean(node, &fields.path_of("deployment"), problems);
    }
    if name.is_none() {
        problems.add(node.at, path, "the environment has no `name`", "write `name: staging`");
    }
    fields.finish(&[], problems);
    Some(JobEnvironment { name: name??, url, ..JobEnvironment::default() })
}
