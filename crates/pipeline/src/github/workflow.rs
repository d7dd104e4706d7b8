//! A workflow file for one event.

use std::collections::BTreeMap;

use super::actions;
use super::checked::{self, env, literal};
use super::contexts::{self, RUN_NAME, WORKFLOW_CONCURRENCY, WORKFLOW_DEFAULTS, WORKFLOW_ENV};
use super::job::{self, Draft};
use super::late::Late;
use super::on::{self, On};
use super::planner::{Planner, STAGE, Scope, evaluated};
use super::{keys, needs};
use crate::input::{Dialect, PushEvent, Source};
use crate::library::{FileRef, Library, Unplanned};
use crate::plan::{AutoCancel, Concurrency, MAX_JOBS, Permissions, Plan, PlannedSource, Variable};
use crate::reader::{Fields, Known, Problems};
use crate::yaml::{Budget, Node, Schema, Value as Yaml};

/// Reads a workflow file for one event.
pub(crate) fn plan(source: &Source<'_>, event: &PushEvent, library: &Library, known: &mut Known) -> Result<Plan, Unplanned> {
    let mut problems = Problems::knowing(std::mem::take(known), source.path, Schema::Core);
    let mut planned = read(source, event, library, &mut problems);
    if let Some(plan) = &mut planned {
        actions::read_local(&mut plan.jobs, event, library, &mut problems);
    }
    *known = std::mem::take(&mut problems.known);
    problems.answer(planned)
}

/// A workflow as its file has it.
pub(super) struct File<'n> {
    pub(super) name: Option<String>,
    pub(super) on: Option<On<'n>>,
    pub(super) permissions: Option<Permissions>,
    pub(super) concurrency: Option<Concurrency>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) drafts: Vec<Draft<'n>>,
    run_name: Option<&'n Node>,
}

impl<'n> File<'n> {
    /// Reads a workflow's tree.
    pub(super) fn read(root: &'n Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(root, "", problems)?;
        let name = fields.get("name").and_then(|node| literal(node, "name", problems)).filter(|name| !name.is_empty());
        let on = on::read(fields.get("on"), root.at.file, problems);
        let env = fields.get("env").map(|node| env(node, "env", &WORKFLOW_ENV, problems)).unwrap_or_default();
        let defaults = fields.get("defaults").map(|node| job::defaults(node, "defaults", &WORKFLOW_DEFAULTS, problems)).unwrap_or_default();
        let permissions = fields.get("permissions").and_then(|node| keys::permissions(node, "permissions", problems));
        let concurrency = fields.get("concurrency");
        let concurrency = concurrency.and_then(|node| keys::concurrency(node, "concurrency", &WORKFLOW_CONCURRENCY, problems));
        let run_name = fields.get("run-name");
        let jobs = fields.get("jobs");
        fields.finish(&[], problems);
        let drafts = match jobs.map(|node| &node.value) {
            Some(Yaml::Map(entries)) if entries.len() > MAX_JOBS => {
                let (key, _) = &entries[MAX_JOBS];
                problems.add(key.at, "jobs", format!("the workflow has more than {MAX_JOBS} jobs"), "split it");
                Vec::new()
            }
            Some(Yaml::Map(entries)) if !entries.is_empty() => {
                entries.iter().filter_map(|(key, node)| job::read(key, node, &defaults, problems)).collect()
            }
            _ => {
                let at = jobs.map_or(root.at, |node| node.at);
                problems.add(at, "jobs", "the workflow has no job", "write `jobs:` with one job below it");
                Vec::new()
            }
        };
        Some(Self { name, on, permissions, concurrency, env, drafts, run_name })
    }
}

fn read(source: &Source<'_>, event: &PushEvent, library: &Library, problems: &mut Problems) -> Option<Plan> {
    let root = problems.document(source, 0, &mut Budget::new())?;
    let file = File::read(&root, problems)?;
    checked::told(&root, "", event, problems);
    needs::check(&file.drafts, problems);
    let name = file.name.unwrap_or_else(|| source.path.to_owned());
    let (inputs, answer) = file.on.map(|on| (on.inputs(event, problems), on.ask(event)))?;
    let early = contexts::early(event, &inputs, &name, source.path);
    let run_name = file.run_name.and_then(|node| evaluated(node, "run-name", &RUN_NAME, &early, problems));
    let run_name = run_name.map(|name| name.to_text().trim().to_owned()).filter(|name| !name.is_empty());
    let own = FileRef::Local { path: source.path.to_owned() };
    let scope = Scope {
        call: None,
        title: None,
        because: vec![answer.because],
        source: PlannedSource { file: own.clone(), text: source.text.to_owned() },
        chain: vec![own],
        early,
        late: Late::while_planning(),
        permissions: file.permissions,
    };
    let mut planner = Planner::new(event, library, answer.starts);
    for draft in &file.drafts {
        planner.add(draft, &scope, problems);
    }
    let mut event = event.clone();
    event.changed = None;
    event.files = Vec::new();
    let mut plan = Plan {
        dialect: Dialect::GithubWorkflow,
        path: source.path.to_owned(),
        name,
        event,
        because: Vec::new(),
        stages: vec![STAGE.to_owned()],
        variables: as_variables(&file.env),
        run_name,
        concurrency: file.concurrency,
        inputs,
        auto_cancel: AutoCancel::default(),
        jobs: planner.jobs,
        calls: planner.calls,
        sources: planner.sources,
        left_out: planner.left_out,
        warnings: Vec::new(),
    };
    needs::settle(&mut plan);
    Some(plan)
}

pub(super) fn as_variables(env: &BTreeMap<String, String>) -> BTreeMap<String, Variable> {
    env.iter().map(|(name, value)| (name.clone(), Variable { value: value.clone(), expand: true })).collect()
}
