//! Jobs that start a pipeline instead of running something, and jobs of other pipelines that one needs.
//!
//! As in GitLab (its `entry/trigger.rb`, `entry/bridge.rb` and `entry/need.rb`): an `include` is carried out by the child pipeline,
//! whose whole file it is, once that is made; here only its form is looked at.

use std::collections::BTreeMap;

use super::include;
use crate::plan::{AllowFailure, Downstream, Elsewhere, Place, PlannedTrigger, Strategy, When};
use crate::reader::{Fields, Problems, boolean, choice, join, text};
use crate::yaml::{Node, Value};

/// The most entries of `include` in a trigger (GitLab's own bound).
const MAX_INCLUDES: usize = 3;
/// The most jobs of other pipelines that a job may need (GitLab's own bound, for each kind).
const MAX_ELSEWHERE: usize = 5;

/// Keys of a job that runs something; one that starts a pipeline has none of them.
const OF_SCRIPTS: &[&str] = &[
    "script",
    "run",
    "before_script",
    "after_script",
    "image",
    "services",
    "artifacts",
    "cache",
    "dependencies",
    "retry",
    "timeout",
    "tags",
    "coverage",
    "hooks",
    "secrets",
    "id_tokens",
    "identity",
    "release",
    "pages",
    "publish",
    "start_in",
    "manual_confirmation",
    "dast_configuration",
];

/// Whether a job starts a pipeline, or stands for one.
pub(super) fn is_bridge(node: &Node) -> bool {
    node.get("trigger").is_some_and(|trigger| !trigger.is_null())
        || node.get("script").is_none() && node.get("run").is_none() && stood_for(node).is_some()
}

/// The item of `needs` that is a project's pipeline.
fn stood_for(node: &Node) -> Option<&Node> {
    items(node.get("needs")?).iter().find(|item| is_pipeline_of_project(item))
}

fn items(needs: &Node) -> &[Node] {
    match &needs.value {
        Value::Seq(items) => items,
        _ => std::slice::from_ref(needs),
    }
}

/// `pipeline: PROJECT` without `job`.
pub(super) fn is_pipeline_of_project(item: &Node) -> bool {
    item.get("pipeline").is_some() && item.get("job").is_none()
}

/// Whether an item of `needs` is about another pipeline.
pub(super) fn is_elsewhere(item: &Node) -> bool {
    ["pipeline", "project", "ref"].iter().any(|key| item.get(key).is_some())
}

/// Reads what a job starts or stands for.
pub(super) fn read(fields: &mut Fields<'_>, job: &Node, problems: &mut Problems) -> Option<PlannedTrigger> {
    for name in OF_SCRIPTS {
        if fields.even_null(name).is_some() {
            let message = format!("`{name}` does not go with `trigger`: such a job runs nothing");
            problems.add(fields.key_at(name), &fields.path_of(name), message, "move it into a job of its own");
        }
    }
    let path = fields.path_of("trigger");
    let trigger = fields.get("trigger").and_then(|node| trigger(node, &path, problems));
    let stood = stood_for(job).and_then(|item| latest(item, &fields.path_of("needs"), problems));
    trigger.or(stood)
}

/// What cannot be said of such a job in its other keys.
pub(super) fn check(job: &Node, path: &str, when: Option<When>, allow_failure: Option<&AllowFailure>, problems: &mut Problems) {
    let at = |key: &str| job.key_at(key).unwrap_or(job.at);
    if when == Some(When::Delayed) {
        problems.add(at("when"), &join(path, "when"), "a job with `trigger` cannot be delayed", "delay a job that it needs");
    }
    if matches!(allow_failure, Some(AllowFailure::ExitCodes(_))) {
        let message = "a job with `trigger` has no exit code";
        problems.add(at("allow_failure"), &join(path, "allow_failure"), message, "write true or false");
    }
    if job.get("parallel").is_some_and(|node| node.integer().is_some()) {
        let message = "a job with `trigger` cannot be so many alike";
        problems.add(at("parallel"), &join(path, "parallel"), message, "write `parallel: matrix`");
    }
}

fn trigger(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedTrigger> {
    let plain = |downstream| PlannedTrigger { downstream, strategy: None, yaml_variables: true, pipeline_variables: false };
    if !matches!(node.value, Value::Map(_)) {
        let project = text(node, path, problems)?;
        return Some(plain(Downstream::Project { project, branch: None, inputs: BTreeMap::new() }));
    }
    let mut fields = Fields::of(node, path, problems)?;
    let kinds = [("depend", Strategy::Depend), ("mirror", Strategy::Mirror)];
    let strategy = fields.get("strategy").and_then(|node| choice(node, &kinds, &fields.path_of("strategy"), problems));
    let mut out = plain(match fields.get("include") {
        Some(node) => Downstream::Child { include: entries(node, &fields.path_of("include"), problems) },
        None => project(&mut fields, node, path, problems)?,
    });
    out.strategy = strategy;
    if let Some(node) = fields.get("forward")
        && let Some(mut inner) = Fields::of(node, &fields.path_of("forward"), problems)
    {
        let mut told = |name: &'static str| inner.get(name).and_then(|node| boolean(node, &inner.path_of(name), problems));
        out.yaml_variables = told("yaml_variables").unwrap_or(true);
        out.pipeline_variables = told("pipeline_variables").unwrap_or(false);
        inner.finish(&[], problems);
    }
    let beside = ["project", "branch", "inputs"]
        .map(|name| (name, "a child pipeline is of this project and commit: leave it out, or leave out `include`"));
    fields.finish(if node.get("include").is_some() { &beside } else { &[] }, problems);
    Some(out)
}

fn project(fields: &mut Fields<'_>, node: &Node, path: &str, problems: &mut Problems) -> Option<Downstream> {
    let given = fields.get("project").and_then(|node| text(node, &join(path, "project"), problems));
    let branch = fields.get("branch").and_then(|node| text(node, &join(path, "branch"), problems));
    let inputs = fields.get("inputs").map(|node| super::inputs::given(node, &join(path, "inputs"), problems)).unwrap_or_default();
    let inputs = inputs.into_iter().map(|one| (one.name, one.value.to_json())).collect();
    let Some(project) = given.filter(|project| !project.is_empty()) else {
        problems.add(node.at, path, "the trigger names neither a file nor a project", "write `include: FILE`, or `project: GROUP/NAME`");
        return None;
    };
    Some(Downstream::Project { project, branch, inputs })
}

/// The entries of `include` as they are written, once their form is looked at.
fn entries(node: &Node, path: &str, problems: &mut Problems) -> serde_json::Value {
    let entries: &[Node] = match &node.value {
        Value::Seq(items) => items,
        _ => std::slice::from_ref(node),
    };
    if entries.len() > MAX_INCLUDES || entries.is_empty() {
        let message = format!("a trigger includes one to {MAX_INCLUDES} files, and these are {}", entries.len());
        problems.add(node.at, path, message, "let one of them include the others");
    }
    for entry in entries.iter().take(MAX_INCLUDES) {
        include::check(entry, path, problems);
    }
    node.to_json()
}

/// `pipeline: PROJECT` in `needs` of a job that does something else.
pub(super) fn stands_for_none(job: &Node, bridge: bool, path: &str, problems: &mut Problems) {
    if let Some(item) = stood_for(job).filter(|_| !bridge || job.get("trigger").is_some()) {
        let message = "`pipeline` without `job` belongs to a job without a script";
        problems.add(item.at, path, message, "name the job whose artifacts are needed: `job: NAME`");
    }
}

/// The items of a list, and of lists within it: anchors of lists.
fn flat(node: &Node) -> Vec<&Node> {
    items(node).iter().flat_map(|item| if matches!(item.value, Value::Seq(_)) { flat(item) } else { vec![item] }).collect()
}

/// Refuses what the `needs` of a rule cannot be.
pub(super) fn refuse_elsewhere(needs: &Node, path: &str, problems: &mut Problems) {
    if let Some(item) = flat(needs).into_iter().find(|item| is_elsewhere(item)) {
        problems.add(item.at, path, "a rule's `needs` are jobs of this pipeline", "move it into the job's own `needs`");
    }
}

/// `needs: pipeline: PROJECT`.
fn latest(item: &Node, path: &str, problems: &mut Problems) -> Option<PlannedTrigger> {
    let mut fields = Fields::of(item, path, problems)?;
    let project = fields.get("pipeline").and_then(|node| text(node, &join(path, "pipeline"), problems));
    fields.finish(&[], problems);
    let downstream = Downstream::Latest { project: project? };
    Some(PlannedTrigger { downstream, strategy: Some(Strategy::Mirror), yaml_variables: false, pipeline_variables: false })
}

/// Reads those items of `needs` that are jobs of other pipelines.
pub(super) fn elsewhere(node: &Node, path: &str, problems: &mut Problems) -> Vec<Elsewhere> {
    let mut out: Vec<Elsewhere> = Vec::new();
    let mut counts = [0, 0];
    for item in flat(node).into_iter().filter(|item| is_elsewhere(item) && !is_pipeline_of_project(item)) {
        let Some(mut fields) = Fields::of(item, path, problems) else { continue };
        let [job, project, reference, pipeline] =
            ["job", "project", "ref", "pipeline"].map(|name| fields.get(name).and_then(|node| text(node, &join(path, name), problems)));
        let artifacts = fields.get("artifacts").and_then(|node| boolean(node, &join(path, "artifacts"), problems));
        fields.finish(
            &[("optional", "a job of another pipeline is there, or the job fails"), ("parallel", "name the job itself: `test: [a, b]`")],
            problems,
        );
        let place = match (project, reference, pipeline) {
            (None, None, Some(pipeline)) => Some((0, Place::Pipeline { pipeline })),
            (Some(project), Some(reference), None) => Some((1, Place::Project { project, reference })),
            _ => None,
        };
        let (Some(job), Some((kind, place))) = (job, place) else {
            let help = "write `pipeline: ID` and `job`, or `project`, `ref` and `job`";
            problems.add(item.at, path, "it is not said which job of which pipeline is needed", help);
            continue;
        };
        counts[kind] += 1;
        if counts[kind] > MAX_ELSEWHERE {
            let message = format!("a job needs at most {MAX_ELSEWHERE} jobs of other pipelines");
            problems.add(item.at, path, message, "let one job gather what the others leave");
            break;
        }
        // without its artifacts nothing is had from it, and nobody waits for it
        if artifacts != Some(false) {
            out.push(Elsewhere { job, place });
        }
    }
    out
}
