//! A workflow file for one push.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use penstock_model::JobName;

use super::actions;
use super::checked::{self, env, expression, literal, template};
use super::contexts::{self, Place, RUN_NAME, SETTLED, WORKFLOW_CONCURRENCY, WORKFLOW_ENV};
use super::expression::{Contexts, Expression};
use super::job::{self, Draft};
use super::matrix::{self, Strategy};
use super::on;
use super::value::{Value, number_text};
use super::{keys, runs_on};
use crate::input::{Dialect, PushEvent, Source};
use crate::library::{Library, Unplanned};
use crate::plan::{
    Access, AllowFailure, AutoCancel, LeftOut, MAX_JOBS, MAX_TEXT, Matrix, Permissions, Plan, PlannedJob, PlannedStep, Retry, Turns,
    Variable, Wait, When,
};
use crate::reader::{Fields, Problems, boolean, join, shown};
use crate::yaml::{Budget, Node, Schema, Value as Yaml};

/// A job's time limit if it says nothing (GitHub's own).
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(6);
/// The one stage that a workflow's jobs have.
const STAGE: &str = "jobs";

/// Reads a workflow file for one push.
pub(crate) fn plan(source: &Source<'_>, event: &PushEvent, library: &Library) -> Result<Plan, Unplanned> {
    let mut problems = Problems::new(source.path, Schema::Core);
    let mut planned = read(source, event, &mut problems);
    if let Some(plan) = &mut planned {
        actions::read_local(plan, event, library, &mut problems);
    }
    problems.answer(planned)
}

fn read(source: &Source<'_>, event: &PushEvent, problems: &mut Problems) -> Option<Plan> {
    let mut budget = Budget::new();
    let root = problems.document(source, 0, &mut budget)?;
    let mut fields = Fields::of(&root, "", problems)?;
    let name = fields.get("name").and_then(|node| literal(node, "name", problems)).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| source.path.to_owned());
    let on = on::read(fields.get("on"), 0, problems);
    checked::told(&root, "", event, problems);
    let variables = fields.get("env").map(|node| env(node, "env", &WORKFLOW_ENV, problems)).unwrap_or_default();
    let defaults = fields.get("defaults").map(|node| job::defaults(node, "defaults", problems)).unwrap_or_default();
    let permissions = fields.get("permissions").and_then(|node| keys::permissions(node, "permissions", problems));
    let concurrency = fields.get("concurrency").and_then(|node| keys::concurrency(node, "concurrency", &WORKFLOW_CONCURRENCY, problems));
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
            problems.add(jobs.map_or(root.at, |node| node.at), "jobs", "the workflow has no job", "write `jobs:` with one job below it");
            Vec::new()
        }
    };
    let (inputs, answer) = on.map(|on| (on.inputs(event, problems), on.ask(event)))?;
    let early = contexts::early(event, &inputs, &name, source.path);
    let run_name = run_name.and_then(|node| evaluated(node, "run-name", &RUN_NAME, &early, problems));
    let run_name = run_name.map(|name| name.to_text().trim().to_owned()).filter(|name| !name.is_empty());
    let foreign = is_foreign(event);
    let mut planner = Planner { early, permissions, foreign, answer, jobs: Vec::new(), left_out: Vec::new(), text: 0 };
    for draft in &drafts {
        planner.add(draft, problems);
    }
    settle_needs(&mut planner.jobs, &drafts, problems);
    let mut event = event.clone();
    event.changed = None;
    event.files = Vec::new();
    let (dialect, path, variables) = (Dialect::GithubWorkflow, source.path.to_owned(), as_variables(&variables));
    let (stages, Planner { jobs, left_out, .. }) = (vec![STAGE.to_owned()], planner);
    let auto_cancel = AutoCancel::default();
    Some(Plan {
        dialect,
        path,
        name,
        event,
        because: Vec::new(),
        stages,
        variables,
        run_name,
        concurrency,
        inputs,
        auto_cancel,
        jobs,
        left_out,
        warnings: Vec::new(),
    })
}

/// Whether it is a merge request from elsewhere, whose tokens may look, and change nothing.
fn is_foreign(event: &PushEvent) -> bool {
    event.trigger.merge_request().is_some_and(|request| request.fork.is_some() && !request.of_target)
}

struct Planner {
    early: Contexts,
    /// What the workflow's tokens may do.
    permissions: Option<Permissions>,
    foreign: bool,
    answer: on::Answer,
    jobs: Vec<PlannedJob>,
    left_out: Vec<LeftOut>,
    text: usize,
}

impl Planner {
    /// Adds the jobs that a job of the file becomes, or leaves it out.
    fn add(&mut self, draft: &Draft<'_>, problems: &mut Problems) {
        let path = join("jobs", &draft.key);
        let strategy = draft.strategy.and_then(|node| matrix::read(node, &join(&path, "strategy"), &self.early, problems));
        let mut because = vec![self.answer.because.clone()];
        let holds = self.decided(draft, &mut because);
        let total = strategy.as_ref().map_or(1, |strategy| strategy.combinations.len());
        self.text += total * weight(draft);
        if self.jobs.len() + total > MAX_JOBS || self.text > MAX_TEXT {
            problems.add(
                draft.at,
                &path,
                format!("the plan has more than {MAX_JOBS} jobs, or more than {} MiB of scripts", MAX_TEXT >> 20),
                "use a smaller matrix, or move scripts into files",
            );
            return;
        }
        let none = serde_json::Map::new();
        let mut jobs: Vec<PlannedJob> = Vec::new();
        for index in 0..total {
            let values = strategy.as_ref().map_or(&none, |strategy| &strategy.combinations[index]);
            let Some(mut job) = self.planned(draft, &path, values, strategy.as_ref().map(|strategy| (strategy, index)), &because, problems)
            else {
                continue;
            };
            // 1 and "1" look the same
            if jobs.iter().any(|other| other.name == job.name)
                && let Ok(name) = numbered(&draft.key, index + 1).parse()
            {
                job.name = name;
            }
            jobs.push(job);
        }
        if self.answer.starts && holds {
            self.jobs.extend(jobs);
        } else {
            self.left_out.push(LeftOut { name: draft.key.clone(), line: draft.at.line, file: None, because });
        }
    }

    /// Asks an `if` that depends on the push alone.
    fn decided(&self, draft: &Draft<'_>, because: &mut Vec<String>) -> bool {
        let Some(condition) = &draft.condition else {
            because.push(format!("it has no `if` (line {})", draft.at.line));
            return true;
        };
        let (text, line) = (shown(&condition.expression), condition.line);
        let Ok(expression) = Expression::read(&condition.expression) else { return true };
        let early = expression.contexts().iter().all(|(name, _)| ["github", "vars", "inputs"].contains(name));
        let late = expression.properties_of("github").iter().any(|property| contexts::LATE_PROPERTIES.contains(&property.as_str()));
        if !early || late || expression.asks_status() {
            because.push(format!("its `if` on line {line} is asked when what it needs is done: `{text}`"));
            return true;
        }
        match expression.evaluate(&self.early) {
            Ok(value) => {
                because.push(format!("its `if` on line {line} is {}: `{text}`", value.is_true()));
                value.is_true()
            }
            // asked again in the run, where it fails the job with the reason
            Err(_) => true,
        }
    }

    /// What a job's token may do.
    fn allowed(&self, draft: &Draft<'_>) -> Option<Permissions> {
        let own = draft.permissions.clone().or_else(|| self.permissions.clone());
        let least = Permissions::all(Access::Read);
        if self.foreign { Some(own.map_or(least.clone(), |own| own.within(&least))) } else { own }
    }

    fn planned(
        &self,
        draft: &Draft<'_>,
        path: &str,
        values: &serde_json::Map<String, serde_json::Value>,
        strategy: Option<(&Strategy, usize)>,
        because: &[String],
        problems: &mut Problems,
    ) -> Option<PlannedJob> {
        let matrix = strategy.map(|(strategy, index)| Matrix {
            index: index + 1,
            total: strategy.combinations.len(),
            values: values.clone(),
            fail_fast: strategy.fail_fast,
            max_parallel: strategy.max_parallel,
        });
        let mut contexts = self.early.clone();
        contexts.values.insert("strategy", contexts::strategy(matrix.as_ref()));
        contexts.values.insert("matrix", Value::from(&serde_json::Value::Object(values.clone())));
        let label = matrix::label(values);
        let with_label = |name: &str| if label.is_empty() { name.to_owned() } else { format!("{name} ({label})") };
        let title = match draft.name {
            Some(node) => {
                let own = evaluated(node, &join(path, "name"), &SETTLED, &contexts, problems)?.to_text();
                if node.text().is_some_and(|text| text.contains("${{")) { own } else { with_label(&own) }
            }
            None => with_label(&draft.key),
        };
        let runs_on = asked_of_runner(draft, path, &contexts, problems)?;
        let allowed = match draft.continue_on_error {
            None => false,
            Some(node) if node.text().is_some_and(|text| text.contains("${{")) => {
                evaluated(node, &join(path, "continue-on-error"), &SETTLED, &contexts, problems)?.is_true()
            }
            Some(node) => boolean(node, &join(path, "continue-on-error"), problems)?,
        };
        Some(PlannedJob {
            name: short(&with_label(&draft.key), &draft.key, matrix.as_ref())?,
            title,
            group: draft.key.clone(),
            line: draft.at.line,
            file: None,
            stage: STAGE.to_owned(),
            waits_for: Vec::new(),
            needs: draft.needs.iter().map(|(key, _)| key.clone()).collect(),
            when: When::OnSuccess,
            turns: Turns::default(),
            condition: draft.condition.clone(),
            allow_failure: if allowed { AllowFailure::Yes } else { AllowFailure::No },
            retry: Retry::default(),
            timeout: draft
                .timeout_minutes
                .map_or(Some(DEFAULT_TIMEOUT), |node| timeout(node, &join(path, "timeout-minutes"), &contexts, problems))?,
            image: None,
            services: Vec::new(),
            environment: draft.environment.clone(),
            permissions: self.allowed(draft),
            concurrency: draft.concurrency.clone(),
            runs_on,
            variables: as_variables(&draft.env),
            inherited: None,
            artifacts: penstock_model::job::ArtifactSpec::default(),
            caches: Vec::new(),
            artifacts_from: Vec::new(),
            outputs: draft.outputs.clone(),
            steps: draft.steps.clone(),
            matrix,
            because: because.to_vec(),
        })
    }
}

/// A job's `runs-on`, evaluated and checked.
fn asked_of_runner(draft: &Draft<'_>, path: &str, contexts: &Contexts, problems: &mut Problems) -> Option<serde_json::Value> {
    let Some(node) = draft.runs_on else {
        problems.add(draft.at, path, "the job has no `runs-on`", "write `runs-on: ubuntu-latest`");
        return Some(serde_json::Value::Null);
    };
    let path = join(path, "runs-on");
    let asked = matrix::json(node, &path, &SETTLED, contexts, problems)?;
    runs_on::check(&asked, node.at, &path, problems);
    Some(asked)
}

/// A job's name; of a matrix with very long labels, with its number instead.
fn short(name: &str, key: &str, matrix: Option<&Matrix>) -> Option<JobName> {
    match matrix {
        Some(matrix) if name.len() > 200 => numbered(key, matrix.index).parse().ok(),
        _ => name.parse().ok(),
    }
}

fn numbered(key: &str, index: usize) -> String {
    format!("{key} #{index}")
}

fn evaluated(node: &Node, path: &str, place: &Place, contexts: &Contexts, problems: &mut Problems) -> Option<Value> {
    let (_, template) = template(node, path, place, problems)?;
    template.value(contexts).map_err(|why| problems.add(node.at, path, format!("the expression cannot be evaluated: {why}"), "")).ok()
}

fn timeout(node: &Node, path: &str, contexts: &Contexts, problems: &mut Problems) -> Option<Duration> {
    if expression(node, path, &SETTLED, problems).is_none() {
        return job::minutes(node, path, problems).map(|minutes| Duration::from_secs(minutes * 60));
    }
    let minutes = evaluated(node, path, &SETTLED, contexts, problems)?.to_number();
    let time = Some(minutes).filter(|minutes| *minutes > 0.0).and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    if time.is_none_or(|time| time > job::MAX_TIMEOUT) {
        problems.add(node.at, path, "a number of minutes, at most 31 days, is expected here", format!("it is {}", number_text(minutes)));
    }
    time
}

fn as_variables(env: &BTreeMap<String, String>) -> BTreeMap<String, Variable> {
    env.iter().map(|(name, value)| (name.clone(), Variable { value: value.clone(), expand: true })).collect()
}

/// Bytes of text that a job carries into the plan.
fn weight(draft: &Draft<'_>) -> usize {
    draft.steps.iter().map(PlannedStep::weight).sum::<usize>() + draft.env.values().map(String::len).sum::<usize>() + 1024
}

/// Settles what each job waits for, and that no two wait for each other.
fn settle_needs(jobs: &mut [PlannedJob], drafts: &[Draft<'_>], problems: &mut Problems) {
    let mut groups: HashMap<String, Vec<JobName>> = HashMap::new();
    for job in jobs.iter() {
        groups.entry(job.group.clone()).or_default().push(job.name.clone());
    }
    for job in jobs.iter_mut() {
        let names = job.needs.iter().filter_map(|key| groups.get(key)).flatten();
        job.waits_for = names.map(|name| Wait::Job { job: name.clone() }).collect();
    }
    let known: HashMap<&str, &Draft<'_>> = drafts.iter().map(|draft| (draft.key.as_str(), draft)).collect();
    for draft in drafts {
        for (need, at) in draft.needs.iter().filter(|(need, _)| !known.contains_key(need.as_str())) {
            problems.add(*at, &format!("jobs.{}.needs", draft.key), format!("there is no job `{}`", shown(need)), "look at its spelling");
        }
    }
    // take away, again and again, the jobs that need nothing that is left; what stays needs itself in the end
    let mut left: Vec<&Draft<'_>> = drafts.iter().collect();
    loop {
        let open: Vec<&Draft<'_>> =
            left.iter().copied().filter(|draft| draft.needs.iter().any(|(need, _)| left.iter().any(|other| other.key == *need))).collect();
        if open.len() == left.len() {
            break;
        }
        left = open;
    }
    if let Some(first) = left.first() {
        let mut chain = vec![first.key.as_str()];
        while let Some(draft) = chain.last().and_then(|key| known.get(key)) {
            let Some((need, _)) = draft.needs.iter().find(|(need, _)| left.iter().any(|other| other.key == *need)) else { break };
            let closed = chain.iter().position(|key| key == need);
            chain.push(need);
            if let Some(start) = closed {
                chain.drain(..start);
                break;
            }
        }
        problems.add(
            first.at,
            &format!("jobs.{}.needs", first.key),
            format!("jobs need each other in a circle: {}", chain.join(" -> ")),
            "take one of these out",
        );
    }
}
