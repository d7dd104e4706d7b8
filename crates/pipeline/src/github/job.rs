//! Jobs and steps of a workflow, as the file has them.

use std::collections::BTreeMap;

use penstock_model::job::Shell;

use super::checked::{asked_env, checked_text, condition, named_texts};
use super::contexts::{DEFAULTS, JOB_CONCURRENCY, JOB_ENV, JOB_IF, OUTPUTS, Place};
use super::step::{Around, shell, steps};
use super::{container, keys};
use crate::container::{PlannedContainer, PlannedService};
use crate::plan::{Asked, Concurrency, Condition, JobEnvironment, Permissions, PlannedStep};
use crate::reader::{Fields, Problems, Unsupported, integer, join, shown, texts};
use crate::yaml::{At, Key, Node, Value};

/// Keys that GitHub knows in a job and Penstock does not carry out.
const JOB_KEYS: &[Unsupported] = &[
    ("with", "it belongs to a job that calls a workflow"),
    ("secrets", "it belongs to a job that calls a workflow"),
    ("snapshot", "remove it; images are built by `penstock build`"),
];

/// The longest time limit, in minutes.
pub(super) const MAX_MINUTES: i64 = 31 * 24 * 60;
/// The same as a time.
pub(super) const MAX_TIMEOUT: std::time::Duration = std::time::Duration::from_hours(31 * 24);
/// How long a job may go on after a cancellation, in minutes: GitHub's usual, and all that there is here.
const CANCEL_MINUTES: i64 = 5;

/// `defaults: run`.
#[derive(Clone, Debug, Default)]
pub(super) struct RunDefaults {
    pub(super) shell: Option<Asked<Shell>>,
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
    pub(super) env: Asked<BTreeMap<String, String>>,
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) timeout_minutes: Option<&'n Node>,
    pub(super) permissions: Option<Permissions>,
    pub(super) concurrency: Option<Concurrency>,
    pub(super) environment: Option<JobEnvironment>,
    pub(super) container: Option<PlannedContainer>,
    pub(super) services: Vec<PlannedService>,
    pub(super) steps: Vec<PlannedStep>,
    /// The workflow that it calls.
    pub(super) call: Option<Called<'n>>,
}

/// What a job says of the workflow that it calls.
pub(super) struct Called<'n> {
    pub(super) uses: &'n Node,
    pub(super) with: Option<&'n Node>,
    pub(super) secrets: Option<&'n Node>,
    /// Keys that cannot stand beside these.
    pub(super) strange: Vec<(String, At)>,
}

/// Keys of a job that calls a workflow.
const CALL_KEYS: &[&str] = &["name", "uses", "with", "secrets", "needs", "if", "permissions", "strategy"];

/// Reads `defaults`, in which expressions may see what the place says.
pub(super) fn defaults(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> RunDefaults {
    let mut out = RunDefaults::default();
    let Some(mut fields) = Fields::of(node, path, problems) else { return out };
    if let Some(node) = fields.get("run") {
        let path = fields.path_of("run");
        if let Some(mut inner) = Fields::of(node, &path, problems) {
            out.shell = inner.get("shell").and_then(|node| shell(node, &inner.path_of("shell"), place, problems));
            out.working_directory =
                inner.get("working-directory").and_then(|node| checked_text(node, &inner.path_of("working-directory"), place, problems));
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
    let own = fields.get("defaults").map(|node| defaults(node, &fields.path_of("defaults"), &DEFAULTS, problems)).unwrap_or_default();
    let defaults = RunDefaults {
        shell: own.shell.or(workflow.shell.clone()),
        working_directory: own.working_directory.or_else(|| workflow.working_directory.clone()),
    };
    let given = fields.get("steps");
    let call = fields.get("uses").map(|uses| called(uses, node, &mut fields));
    if given.is_none() && call.is_none() {
        problems.add(key.at, &path, "the job has no `steps`", "give it some");
    }
    let steps = given.map(|node| steps(node, &fields.path_of("steps"), Around::Job(&defaults), problems)).unwrap_or_default();
    if let Some(container) = fields.get("container")
        && steps.iter().any(|step| matches!(step, PlannedStep::Background { .. }))
    {
        let message = "steps beside others are not carried out in a `container`, where each step is a container of its own";
        problems.add(container.at, &fields.path_of("steps"), message, "run them one after the other, or the job without `container`");
    }
    let draft = Draft {
        key: key.text.clone(),
        at: key.at,
        name: fields.get("name"),
        runs_on: fields.get("runs-on"),
        strategy: fields.get("strategy"),
        continue_on_error: fields.get("continue-on-error"),
        needs: fields.get("needs").map(|node| texts(node, &fields.path_of("needs"), problems)).unwrap_or_default(),
        condition: fields.get("if").and_then(|node| condition(node, &fields.path_of("if"), &JOB_IF, problems)),
        env: fields.get("env").map(|node| asked_env(node, &fields.path_of("env"), &JOB_ENV, problems)).unwrap_or_default(),
        outputs: fields.get("outputs").map(|node| named_texts(node, &fields.path_of("outputs"), &OUTPUTS, problems)).unwrap_or_default(),
        timeout_minutes: fields.get("timeout-minutes"),
        permissions: fields.get("permissions").and_then(|node| keys::permissions(node, &fields.path_of("permissions"), problems)),
        concurrency: fields
            .get("concurrency")
            .and_then(|node| keys::concurrency(node, &fields.path_of("concurrency"), &JOB_CONCURRENCY, problems)),
        environment: fields.get("environment").and_then(|node| keys::environment(node, &fields.path_of("environment"), problems)),
        container: fields.get("container").and_then(|node| container::container(node, &fields.path_of("container"), problems)),
        services: fields.get("services").map(|node| container::services(node, &fields.path_of("services"), problems)).unwrap_or_default(),
        steps,
        call,
    };
    if let Some(node) = fields.get("cancel-timeout-minutes") {
        let path = fields.path_of("cancel-timeout-minutes");
        integer(node, CANCEL_MINUTES..=CANCEL_MINUTES, &path, problems);
    }
    fields.finish(JOB_KEYS, problems);
    Some(draft)
}

fn called<'n>(uses: &'n Node, job: &'n Node, fields: &mut Fields<'n>) -> Called<'n> {
    let strange = match &job.value {
        Value::Map(entries) => {
            entries.iter().filter(|(key, _)| !CALL_KEYS.contains(&&*key.text)).map(|(key, _)| (key.text.clone(), key.at)).collect()
        }
        _ => Vec::new(),
    };
    Called { uses, with: fields.get("with"), secrets: fields.get("secrets"), strange }
}

pub(super) fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        && text.len() <= 100
}

pub(super) fn minutes(node: &Node, path: &str, problems: &mut Problems) -> Option<u64> {
    integer(node, 1..=MAX_MINUTES, path, problems).and_then(|minutes| u64::try_from(minutes).ok())
}
