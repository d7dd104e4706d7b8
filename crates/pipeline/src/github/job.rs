//! Jobs and steps of a workflow, as the file has them.

use std::collections::BTreeMap;

use penstock_model::job::Shell;

use super::checked::{checked_text, condition, env, named_texts};
use super::contexts::{JOB_ENV, JOB_IF, STEP};
use super::step::{shell, steps};
use crate::plan::{Condition, PlannedStep};
use crate::reader::{Fields, Problems, Unsupported, integer, join, shown, strings, texts};
use crate::yaml::{At, Key, Node};

/// Keys that GitHub knows in a job and Penstock does not carry out.
const JOB_KEYS: &[Unsupported] = &[
    ("permissions", "remove it; what a job's token may do does not differ between jobs"),
    ("concurrency", "remove it; deliveries to one environment never overlap anyway"),
    ("environment", "remove it; environments and their gates are kept by the config repository"),
    ("container", "workflows run on this machine; a GitLab file can name an `image`"),
    ("services", "start what the job needs in a step"),
    ("uses", "copy the called workflow's jobs into this file"),
    ("with", "copy the called workflow's jobs into this file"),
    ("secrets", "copy the called workflow's jobs into this file"),
];

/// The longest time limit, in minutes.
pub(super) const MAX_MINUTES: i64 = 31 * 24 * 60;

/// `defaults: run`.
#[derive(Clone, Debug, Default)]
pub(super) struct RunDefaults {
    pub(super) shell: Option<Shell>,
    pub(super) working_directory: Option<String>,
}

/// A job as the file has it.
pub(super) struct Draft<'n> {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) name: Option<&'n Node>,
    pub(super) runs_on: Option<&'n Node>,
    pub(super) strategy: Option<&'n Node>,
    pub(super) continue_on_error: Option<&'n Node>,
    pub(super) needs: Vec<(String, At)>,
    pub(super) condition: Option<Condition>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) timeout_minutes: Option<u64>,
    pub(super) steps: Vec<PlannedStep>,
}

/// Reads `defaults`.
pub(super) fn defaults(node: &Node, path: &str, problems: &mut Problems) -> RunDefaults {
    let mut out = RunDefaults::default();
    let Some(mut fields) = Fields::of(node, path, problems) else { return out };
    if let Some(node) = fields.get("run") {
        let path = fields.path_of("run");
        if let Some(mut inner) = Fields::of(node, &path, problems) {
            out.shell = inner.get("shell").and_then(|node| shell(node, &inner.path_of("shell"), problems));
            out.working_directory =
                inner.get("working-directory").and_then(|node| checked_text(node, &inner.path_of("working-directory"), &STEP, problems));
            inner.finish(&[], problems);
        }
    }
    fields.finish(&[], problems);
    out
}

/// Reads a job.
pub(super) fn read<'n>(key: &Key, node: &'n Node, workflow: &RunDefaults, problems: &mut Problems) -> Option<Draft<'n>> {
    let path = join("jobs", &key.text);
    if !is_id(&key.text) {
        problems.add(
            key.at,
            &path,
            format!("`{}` cannot be a job's id", shown(&key.text)),
            "use letters, digits, `_` and `-`, starting with a letter or `_`",
        );
    }
    let mut fields = Fields::of(node, &path, problems)?;
    let own = fields.get("defaults").map(|node| defaults(node, &fields.path_of("defaults"), problems)).unwrap_or_default();
    let defaults = RunDefaults {
        shell: own.shell.or(workflow.shell.clone()),
        working_directory: own.working_directory.or_else(|| workflow.working_directory.clone()),
    };
    let given = fields.get("steps");
    // a job that calls a workflow is told so, not that it has no steps
    if given.is_none() && node.get("uses").is_none() {
        problems.add(key.at, &path, "the job has no `steps`", "give it some");
    }
    let steps = given.map(|node| steps(node, &fields.path_of("steps"), &defaults, problems)).unwrap_or_default();
    let draft = Draft {
        key: key.text.clone(),
        at: key.at,
        name: fields.get("name"),
        runs_on: fields.get("runs-on"),
        strategy: fields.get("strategy"),
        continue_on_error: fields.get("continue-on-error"),
        needs: fields.get("needs").map(|node| texts(node, &fields.path_of("needs"), problems)).unwrap_or_default(),
        condition: fields.get("if").and_then(|node| condition(node, &fields.path_of("if"), &JOB_IF, problems)),
        env: fields.get("env").map(|node| env(node, &fields.path_of("env"), &JOB_ENV, problems)).unwrap_or_default(),
        outputs: fields.get("outputs").map(|node| named_texts(node, &fields.path_of("outputs"), &STEP, problems)).unwrap_or_default(),
        timeout_minutes: fields.get("timeout-minutes").and_then(|node| minutes(node, &fields.path_of("timeout-minutes"), problems)),
        steps,
    };
    fields.finish(JOB_KEYS, problems);
    Some(draft)
}

pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && text.len() <= 100
}

fn minutes(node: &Node, path: &str, problems: &mut Problems) -> Option<u64> {
    integer(node, 1..=MAX_MINUTES, path, problems).and_then(|minutes| u64::try_from(minutes).ok())
}

/// Checks `runs-on`: this machine is the only runner.
pub(super) fn runs_on(labels: &[String], at: At, path: &str, problems: &mut Problems) {
    for label in labels {
        let lower = label.to_lowercase();
        let known = lower.starts_with("ubuntu-") || ["self-hosted", "linux", "x64", "penstock"].contains(&&*lower);
        if !known {
            let help = "jobs run on this machine: write `ubuntu-latest` or `self-hosted`";
            problems.add(at, path, format!("there is no runner `{}`", shown(label)), help);
        }
    }
}

/// Labels of `runs-on` that need no expression.
pub(super) fn plain_labels(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    strings(node, path, problems)
}
