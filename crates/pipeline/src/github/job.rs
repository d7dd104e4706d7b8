//! Jobs and steps of a workflow, as the file has them.

use std::collections::BTreeMap;

use penstock_model::job::Shell;

use super::checked::{checked_text, condition, env, named_texts};
use super::contexts::{JOB_ENV, JOB_IF, STEP, STEP_IF};
use crate::plan::{Condition, PlannedStep};
use crate::reader::{Fields, Problems, Unsupported, boolean, choice, integer, join, shown, strings, text, texts};
use crate::yaml::{At, Key, Node, Value};

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

/// What a script may say to GitHub and Penstock does not listen to.
const SCRIPT_TEXTS: &[Unsupported] = &[
    ("::add-mask::", "set it with `penstock secret set`: secrets are masked"),
    ("::set-output ", "write `name=value` to $GITHUB_OUTPUT"),
    ("::save-state ", "write `NAME=value` to $GITHUB_ENV"),
    ("::set-env ", "write `NAME=value` to $GITHUB_ENV"),
    ("::add-path::", "write the folder to $GITHUB_PATH"),
    ("GITHUB_STEP_SUMMARY", "print it: the run's page shows the log"),
    ("GITHUB_STATE", "write `NAME=value` to $GITHUB_ENV"),
    ("GITHUB_EVENT_PATH", "ask `github.event`"),
    ("RUNNER_TOOL_CACHE", "remove it; the machine's toolchains are on the PATH"),
];

/// The most steps of a job.
const MAX_STEPS: usize = 1000;
/// The longest time limit, in minutes.
const MAX_MINUTES: i64 = 31 * 24 * 60;

/// `defaults: run`.
#[derive(Clone, Debug, Default)]
pub(super) struct RunDefaults {
    shell: Option<Shell>,
    working_directory: Option<String>,
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
        shell: own.shell.or(workflow.shell),
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

fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && text.len() <= 100
}

fn minutes(node: &Node, path: &str, problems: &mut Problems) -> Option<u64> {
    integer(node, 1..=MAX_MINUTES, path, problems).and_then(|minutes| u64::try_from(minutes).ok())
}

fn shell(node: &Node, path: &str, problems: &mut Problems) -> Option<Shell> {
    choice(node, &[("bash", Shell::Bash), ("sh", Shell::Sh), ("python", Shell::Python)], path, problems)
}

fn steps(node: &Node, path: &str, defaults: &RunDefaults, problems: &mut Problems) -> Vec<PlannedStep> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("steps are a list, not {}", node.kind()), "start each with `- `");
        return Vec::new();
    };
    if items.is_empty() || items.len() > MAX_STEPS {
        problems.add(node.at, path, format!("a job has 1 to {MAX_STEPS} steps"), "give it some");
    }
    let mut ids: Vec<String> = Vec::new();
    let mut out = Vec::new();
    for (index, item) in items.iter().take(MAX_STEPS).enumerate() {
        let step = step(item, &format!("{path}[{index}]"), defaults, problems);
        if let Some(PlannedStep::Run { id: Some(id), .. }) = &step {
            if ids.contains(id) {
                problems.add(item.at, &format!("{path}[{index}].id"), format!("the id `{}` is given twice", shown(id)), "choose another");
            }
            ids.push(id.clone());
        }
        out.extend(step);
    }
    out
}

fn step(node: &Node, path: &str, defaults: &RunDefaults, problems: &mut Problems) -> Option<PlannedStep> {
    let mut fields = Fields::of(node, path, problems)?;
    let name = fields.get("name").and_then(|node| checked_text(node, &fields.path_of("name"), &STEP, problems));
    let condition = fields.get("if").and_then(|node| condition(node, &fields.path_of("if"), &STEP_IF, problems));
    let id = fields.get("id").and_then(|node| Some((text(node, &fields.path_of("id"), problems)?, node.at)));
    if let Some((id, at)) = id.as_ref().filter(|(id, _)| !is_id(id)) {
        problems.add(
            *at,
            &fields.path_of("id"),
            format!("`{}` cannot be a step's id", shown(id)),
            "use letters, digits, `_` and `-`, starting with a letter or `_`",
        );
    }
    let continue_on_error =
        fields.get("continue-on-error").and_then(|node| boolean(node, &fields.path_of("continue-on-error"), problems)).unwrap_or(false);
    let timeout_minutes = fields.get("timeout-minutes").and_then(|node| minutes(node, &fields.path_of("timeout-minutes"), problems));
    let env = fields.get("env").map(|node| env(node, &fields.path_of("env"), &STEP, problems)).unwrap_or_default();
    let (run, uses) = (fields.get("run"), fields.get("uses"));
    let step = match (run, uses) {
        (Some(node), None) => {
            let own_shell = fields.get("shell").and_then(|node| shell(node, &fields.path_of("shell"), problems));
            let directory =
                fields.get("working-directory").and_then(|node| checked_text(node, &fields.path_of("working-directory"), &STEP, problems));
            let script = checked_text(node, &fields.path_of("run"), &STEP, problems);
            for (said, help) in SCRIPT_TEXTS.iter().filter(|(said, _)| script.as_ref().is_some_and(|script| script.contains(said))) {
                problems.add(node.at, &fields.path_of("run"), format!("`{}` is not carried out", said.trim_end()), *help);
            }
            script.map(|script| PlannedStep::Run {
                line: node.at.line,
                id: id.map(|(id, _)| id),
                name,
                script,
                shell: own_shell.or(defaults.shell),
                condition,
                env,
                working_directory: directory.or_else(|| defaults.working_directory.clone()),
                continue_on_error,
                timeout_minutes,
            })
        }
        (None, Some(node)) => {
            uses_checkout(node, &mut fields, problems);
            if let Some((_, at)) = id {
                problems.add(at, &fields.path_of("id"), "the checkout has no outputs that could be asked for", "remove the `id`");
            }
            None
        }
        (Some(_), Some(_)) => {
            problems.add(node.at, path, "a step has `run` or `uses`, not both", "make two steps of it");
            return None;
        }
        (None, None) => {
            problems.add(node.at, path, "the step has neither `run` nor `uses`", "give it a `run`");
            None
        }
    };
    fields.finish(&[("with", "a step with `run` has no inputs; use `env`")], problems);
    step
}

/// `actions/checkout` is carried out as nothing: every job starts in a checkout of the commit, with the whole history and all tags.
fn uses_checkout(node: &Node, fields: &mut Fields<'_>, problems: &mut Problems) {
    let path = fields.path_of("uses");
    let action = text(node, &path, problems).unwrap_or_default();
    let with = fields.get("with");
    if action.split('@').next() != Some("actions/checkout") || !action.contains('@') {
        let help = "write what it does as `run`; the machine's toolchains are on the PATH";
        problems.add(node.at, &path, format!("the action `{}` is not carried out; only actions/checkout is", shown(&action)), help);
        return;
    }
    let with_path = fields.path_of("with");
    let Some(mut inner) = with.and_then(|node| Fields::of(node, &with_path, problems)) else { return };
    for (name, same) in [
        ("clean", "true"),
        ("persist-credentials", "false"),
        ("submodules", "false"),
        ("lfs", "false"),
        ("show-progress", ""),
        ("fetch-tags", ""),
    ] {
        if let Some(node) = inner.get(name)
            && !same.is_empty()
            && node.text() != Some(same)
        {
            let help = format!("remove it; the job starts in a checkout of the commit alone, as with `{name}: {same}`");
            problems.add(
                inner.key_at(name),
                &inner.path_of(name),
                format!("`{name}: {}` is not carried out", shown(node.text().unwrap_or_default())),
                help,
            );
        }
    }
    if let Some(node) = inner.get("fetch-depth")
        && node.text().is_none_or(|depth| depth.parse::<u32>().is_err())
    {
        let help = "write `0`, or remove it: the history is whole whatever it says";
        problems.add(node.at, &inner.path_of("fetch-depth"), "`fetch-depth` is a whole number", help);
    }
    let help = "remove it; the job starts in a checkout of the pushed commit";
    inner.finish(
        &[("ref", help), ("repository", help), ("path", help), ("token", help), ("ssh-key", help), ("sparse-checkout", help)],
        problems,
    );
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
