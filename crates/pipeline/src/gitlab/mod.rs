//! GitLab CI files.

mod artifacts;
mod caches;
mod checkout;
mod compose;
mod condition;
mod containers;
mod environment;
mod eval;
mod extends;
mod identity;
mod include;
mod inherit;
mod inputs;
mod interpolate;
mod job;
mod keys;
mod matrix;
mod only;
mod pages;
mod parts;
mod paths;
mod planned;
mod re2;
mod release;
mod rules;
mod secrets;
mod trigger;
mod turns;
mod variables;
mod verdicts;
mod waits;
mod workflow;

pub use checkout::{asks_for_lfs, checkout, clone_path};
pub(crate) use condition::Condition;
pub(crate) use containers::is_host;
pub(crate) use eval::eval;
pub(crate) use rules::place_in;

use std::collections::{BTreeMap, HashMap};

use penstock_model::JobName;

use self::job::{Common, Draft};
use self::planned::{planned, tags, unmasked, weight};
use self::variables::{covered, inherited, scope, seen};
use self::verdicts::Verdicts;
use self::workflow::Workflow;
use crate::env::predefined;
use crate::expand::Expanded;
use crate::input::{Dialect, PushEvent, Source};
use crate::library::{Library, Unplanned};
use crate::plan::{Downstream, LeftOut, MAX_JOBS, MAX_TEXT, Plan, PlannedJob, PlannedTrigger, Variable};
use crate::reader::{Fields, Known, Problems, shown, strings};
use crate::yaml::{At, Budget, Key, Node, Schema, Value};

/// The most keys at the top: jobs and templates.
const MAX_KEYS: usize = 10_000;
/// Keys at the top that are not jobs.
const GLOBALS: &[&str] = &["stages", "variables", "workflow", "default", "image", "services", "before_script", "after_script", "cache"];

/// Reads a GitLab CI file for one push.
pub(crate) fn plan(source: &Source<'_>, event: &PushEvent, library: &Library, known: &mut Known) -> Result<Plan, Unplanned> {
    let mut problems = Problems::knowing(std::mem::take(known), source.path, Schema::Psych);
    let planned = read(source, event, library, &mut problems);
    *known = std::mem::take(&mut problems.known);
    problems.answer(planned)
}

fn read(source: &Source<'_>, event: &PushEvent, library: &Library, problems: &mut Problems) -> Option<Plan> {
    let mut budget = Budget::new();
    let base = predefined::of_push(event, source.path).into_iter().map(|(name, value)| (name, Expanded::plain(value))).collect();
    let root = compose::compose(source, event, library, &base, &mut budget, problems)?;
    problems.wants_nothing().then_some(())?;
    if let Value::Map(entries) = &root.value
        && let Some((key, _)) = entries.get(MAX_KEYS)
    {
        problems.add(key.at, "", format!("the file has more than {MAX_KEYS} keys"), "split the project");
        return None;
    }
    let root = extends::references(extends::unfold(&root, &mut budget, problems), &mut budget, problems).ok()?;
    let Value::Map(entries) = &root.value else {
        problems.add(
            root.at,
            "",
            format!("a pipeline is a mapping of jobs, not {}", root.kind()),
            "write `job-name:` with its keys below it",
        );
        return None;
    };
    let mut global = global(&root, problems)?;
    let drafts = drafts(entries, &global, problems);
    environment::check_stops(&drafts, problems);
    if drafts.is_empty() && problems.is_empty() {
        problems.add(root.at, "", "the file has no job", "add one; names that start with a dot are templates");
    }
    let top = At::start(0);
    covered(&global.variables, &[], &base, &|name| global.variable_places.get(name).copied().unwrap_or(top), "variables", problems);
    let facts = Facts { event, library };
    let workflow = std::mem::take(&mut global.workflow).decide(&mut global, &base, facts, problems);
    let (jobs, left_out) = match workflow.nothing {
        None => judge(&drafts, &global, &base, facts, problems),
        Some(why) => (Vec::new(), drafts.iter().map(|draft| not_planned(draft, &draft.name, vec![why.clone()], problems)).collect()),
    };
    let mut event = event.clone();
    // a child pipeline of the same commit sees the same changes
    let of_child = |job: &PlannedJob| matches!(job.trigger.as_deref(), Some(PlannedTrigger { downstream: Downstream::Child { .. }, .. }));
    event.changed = event.changed.filter(|_| jobs.iter().any(of_child));
    event.files = Vec::new();
    let path = source.path.to_owned();
    let name = workflow.name.unwrap_or_else(|| path.clone());
    let Global { stages, variables, .. } = global;
    let (dialect, auto_cancel) = (Dialect::GitlabCi, workflow.auto_cancel);
    let (inputs, because) = (serde_json::Map::new(), workflow.because);
    let (run_name, concurrency, calls, sources) = (None, None, Vec::new(), Vec::new());
    Some(Plan {
        dialect,
        path,
        name,
        event,
        because,
        stages,
        variables,
        run_name,
        concurrency,
        inputs,
        auto_cancel,
        jobs,
        calls,
        sources,
        left_out,
        warnings: Vec::new(),
    })
}

/// What rules are asked about: the event, and lists of paths that were found for them.
#[derive(Clone, Copy)]
struct Facts<'a> {
    event: &'a PushEvent,
    library: &'a Library,
}

/// What the file says for all jobs.
struct Global {
    stages: Vec<String>,
    variables: BTreeMap<String, Variable>,
    /// Where each of them stands.
    variable_places: BTreeMap<String, At>,
    default: Common,
    workflow: Workflow,
    /// Whether `workflow` has rules, so that jobs without any are for merge requests too.
    ruled: bool,
}

fn global(root: &Node, problems: &mut Problems) -> Option<Global> {
    let mut fields = Fields::of(root, "", problems)?;
    let given = fields.get("stages").map(|node| strings(node, "stages", problems));
    let given = given.unwrap_or_else(|| ["build", "test", "deploy"].map(str::to_owned).to_vec());
    let mut stages = vec![".pre".to_owned()];
    stages.extend(given.into_iter().filter(|stage| stage != ".pre" && stage != ".post"));
    stages.push(".post".to_owned());
    let variables = fields.get("variables").map(|node| parts::variables(node, "variables", problems)).unwrap_or_default();
    let workflow = fields.get("workflow").map(|node| workflow::read(node, fields.key_at("workflow"), problems)).unwrap_or_default();
    let outer = Common::read_global(&mut fields, problems);
    let mut default = Common::default();
    if let Some(node) = fields.get("default")
        && let Some(mut inner) = Fields::of(node, "default", problems)
    {
        default = Common::read(&mut inner, problems);
        inner.finish(keys::DEFAULT, problems);
        for name in ["image", "services", "before_script", "after_script", "cache"] {
            if root.get(name).is_some() && node.get(name).is_some() {
                problems.add(fields.key_at(name), name, format!("`{name}` is given here and in `default`"), "keep the one in `default`");
            }
        }
    }
    let variable_places = root.get("variables").map(parts::places).unwrap_or_default();
    Some(Global { stages, variables, variable_places, default: default.or(&outer), workflow, ruled: false })
}

/// Whether a key at the top names a job or a template.
fn is_job(key: &Key) -> bool {
    !GLOBALS.contains(&&*key.text)
}

fn drafts(entries: &[(Key, Node)], global: &Global, problems: &mut Problems) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (key, node) in entries.iter().filter(|(key, _)| is_job(key) && !key.text.starts_with('.')) {
        if drafts.len() >= MAX_JOBS {
            problems.add(key.at, &key.text, format!("the file has more than {MAX_JOBS} jobs"), "split the project");
            break;
        }
        if let Err(invalid) = key.text.parse::<JobName>() {
            problems.add(key.at, &key.text, format!("`{}` cannot be a job's name", shown(&key.text)), invalid.rule);
            continue;
        }
        drafts.extend(job::read(key, node, &global.default, &global.stages, problems));
    }
    drafts
}

/// A job that the file has and this pipeline has not.
fn not_planned(draft: &Draft, name: &str, because: Vec<String>, problems: &Problems) -> LeftOut {
    LeftOut { name: name.to_owned(), line: draft.at.line, file: problems.other_file(draft.at), because }
}

/// Decides which jobs there are, and what they wait for.
fn judge(
    drafts: &[Draft],
    global: &Global,
    base: &BTreeMap<String, Expanded>,
    facts: Facts<'_>,
    problems: &mut Problems,
) -> (Vec<PlannedJob>, Vec<LeftOut>) {
    let (mut jobs, mut left_out, mut text) = (Vec::new(), Vec::new(), 0);
    let mut ruled = HashMap::new();
    let all = matrix::members(drafts, problems);
    'file: for (draft, members) in drafts.iter().zip(&all) {
        let inherited = inherited(&global.variables, draft.inherit.variables.as_deref());
        let (mut without, mut verdicts) = (Vec::new(), Verdicts::of(draft, global.ruled));
        for member in members {
            let own = member.variables();
            let Some(variables) = seen(member, &own, &inherited, global, base, facts.event, problems) else { continue };
            let verdict = verdicts.ask([&inherited, &own], facts, &variables, problems);
            let Some(matched) = verdict.matched else {
                without.push(not_planned(draft, member.name.as_str(), verdict.because, problems));
                continue;
            };
            text += weight(draft, &own);
            if jobs.len() == MAX_JOBS || text > MAX_TEXT {
                let message = format!("the plan has more than {MAX_JOBS} jobs, or more than {} MiB of scripts", MAX_TEXT >> 20);
                problems.add(draft.at, &draft.name, message, "use a smaller `parallel`, or move scripts into files");
                break 'file;
            }
            ruled.extend(matched.needs.map(|rule| (member.name.as_str(), rule)));
            let turns = turns::of(draft, &matched, &variables, problems);
            let mut job = planned(member, own, matched, turns, verdict.because, problems);
            job.runs_on = tags(draft, &variables, problems);
            jobs.push(job);
        }
        // jobs that are alike are left out alike: once is enough
        let alike = without.len() == members.len() && without.windows(2).all(|two| two[0].because == two[1].because);
        without.truncate(if alike { 1 } else { usize::MAX });
        left_out.extend(without.into_iter().map(|left| LeftOut { name: if alike { draft.name.clone() } else { left.name }, ..left }));
    }
    jobs.sort_by_key(|job: &PlannedJob| global.stages.iter().position(|stage| *stage == job.stage));
    waits::settle(&mut jobs, drafts, &all, &ruled, &global.stages, problems);
    (jobs, left_out)
}
