//! Jobs of a workflow become jobs of the plan.

use std::collections::BTreeSet;
use std::time::Duration;

use penstock_model::JobName;
use penstock_model::job::ArtifactSpec;
use serde_json::{Map, Value as Json};

use super::call::Adding;
use super::checked::{expression, template};
use super::contexts::{self, Place, SETTLED};
use super::expression::{Contexts, Expression};
use super::job::{self, Draft};
use super::late::Late;
use super::matrix::{self, Strategy};
use super::runs_on;
use super::value::{Value, number_text};
use super::workflow::as_variables;
use crate::input::PushEvent;
use crate::library::{FileRef, Library};
use crate::plan::{
    Access, AllowFailure, LeftOut, MAX_JOBS, MAX_TEXT, Matrix, Permissions, PlannedCall, PlannedJob, PlannedSource, PlannedStep, Retry,
    Turns, When,
};
use crate::reader::{Problems, boolean, join, shown};
use crate::yaml::Node;

/// A job's time limit if it says nothing (GitHub's own).
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(6);
/// The one stage that a workflow's jobs have.
pub(super) const STAGE: &str = "jobs";

/// What a workflow comes to, job by job.
pub(super) struct Planner<'e> {
    pub(super) event: &'e PushEvent,
    pub(super) library: &'e Library,
    /// Whether the event starts the workflow.
    pub(super) starts: bool,
    pub(super) jobs: Vec<PlannedJob>,
    pub(super) calls: Vec<PlannedCall>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) sources: Vec<PlannedSource>,
    /// The workflows that are called.
    pub(super) called: BTreeSet<FileRef>,
    /// Bytes of text in the plan.
    pub(super) text: usize,
}

/// The workflow in which a job stands.
pub(super) struct Scope {
    /// The call that it is called by; `None` is the workflow that the event starts.
    pub(super) call: Option<String>,
    /// What people read before the names of its jobs.
    pub(super) title: Option<String>,
    /// Why its jobs are in the plan.
    pub(super) because: Vec<String>,
    /// The file, and its text.
    pub(super) source: PlannedSource,
    /// The files from the first workflow to this one.
    pub(super) chain: Vec<FileRef>,
    /// What is known while planning.
    pub(super) early: Contexts,
    /// What is known only once a call's needs are done.
    pub(super) late: Late,
    /// What its tokens may do at most.
    pub(super) permissions: Option<Permissions>,
}

impl Scope {
    /// A name in the plan: that of the workflow's call before it.
    pub(super) fn name(&self, own: &str) -> String {
        match &self.call {
            Some(call) => format!("{call} / {own}"),
            None => own.to_owned(),
        }
    }

    pub(super) fn titled(&self, own: String) -> String {
        match &self.title {
            Some(title) => format!("{title} / {own}"),
            None => own,
        }
    }

    /// The file, if it is not the one that the event starts.
    fn file(&self) -> Option<String> {
        self.call.as_ref().map(|_| self.source.file.to_string())
    }

    /// Where a key stands, for messages.
    pub(super) fn path(key: &str) -> String {
        join("jobs", key)
    }
}

impl<'e> Planner<'e> {
    /// Nothing is added yet.
    pub(super) fn new(event: &'e PushEvent, library: &'e Library, starts: bool) -> Self {
        let (jobs, calls, left_out, sources) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { event, library, starts, jobs, calls, left_out, sources, called: BTreeSet::new(), text: 0 }
    }

    /// Adds the jobs that a job of the file becomes, or leaves it out.
    pub(super) fn add(&mut self, draft: &Draft<'_>, scope: &Scope, problems: &mut Problems) {
        let mut because = scope.because.clone();
        let holds = decided(draft, scope, &mut because);
        if scope.late.settles_later(draft) {
            self.add_later(draft, scope, because, holds && self.starts, problems);
            return;
        }
        self.settle(draft, scope, &because, holds, problems);
    }

    /// Adds the jobs that a job becomes of which everything is known, unless its `if` is known to be false.
    pub(super) fn settle(&mut self, draft: &Draft<'_>, scope: &Scope, because: &[String], holds: bool, problems: &mut Problems) {
        let strategy = match draft.strategy {
            Some(node) => matrix::read(node, &join(&Scope::path(&draft.key), "strategy"), &scope.early, problems),
            None => Ok(None),
        };
        let Ok(strategy) = strategy else { return };
        let total = strategy.as_ref().map_or(1, |strategy| strategy.combinations.len());
        if self.is_too_much(draft, total, problems) {
            return;
        }
        let starts = self.starts && holds;
        if let Some(called) = &draft.call {
            let adding = Adding { because, starts, without_matrix: false };
            self.add_calls(draft, called, scope, places(strategy.as_ref()), &adding, problems);
        } else {
            let mut jobs: Vec<PlannedJob> = Vec::new();
            for (index, matrix) in places(strategy.as_ref()).into_iter().enumerate() {
                let name = numbered_if(jobs.iter().map(|job| job.name.as_str()), scope, draft, matrix.as_ref(), index);
                jobs.extend(self.planned(draft, scope, &name, matrix, because, problems));
            }
            if starts {
                self.jobs.extend(jobs);
            }
        }
        if !starts {
            self.left_out.push(LeftOut {
                name: scope.name(&draft.key),
                line: draft.at.line,
                file: scope.file(),
                because: because.to_vec(),
            });
        }
    }

    /// Counts what a job brings; tells if that is too much.
    pub(super) fn is_too_much(&mut self, draft: &Draft<'_>, total: usize, problems: &mut Problems) -> bool {
        self.text += total * weight(draft);
        let too_much = self.jobs.len() + self.calls.len() + total > MAX_JOBS || self.text > MAX_TEXT;
        if too_much {
            let message = format!("the plan has more than {MAX_JOBS} jobs, or more than {} MiB of scripts", MAX_TEXT >> 20);
            problems.add(draft.at, &Scope::path(&draft.key), message, "use a smaller matrix, or move scripts into files");
        }
        too_much
    }

    /// A job with everything that its keys come to for one combination of its matrix.
    fn planned(
        &self,
        draft: &Draft<'_>,
        scope: &Scope,
        name: &str,
        matrix: Option<Matrix>,
        because: &[String],
        problems: &mut Problems,
    ) -> Option<PlannedJob> {
        let path = Scope::path(&draft.key);
        let contexts = of_combination(&scope.early, matrix.as_ref());
        let title = title(draft, matrix.as_ref(), &contexts, problems)?;
        let runs_on = asked_of_runner(draft, &path, &contexts, problems)?;
        let allowed = match draft.continue_on_error {
            None => false,
            Some(node) => {
                let path = join(&path, "continue-on-error");
                match expression(node, &path, &SETTLED, problems) {
                    Some(_) => evaluated(node, &path, &SETTLED, &contexts, problems)?.is_true(),
                    None => boolean(node, &path, problems)?,
                }
            }
        };
        let timeout = match draft.timeout_minutes {
            None => DEFAULT_TIMEOUT,
            Some(node) => timeout(node, &join(&path, "timeout-minutes"), &contexts, problems)?,
        };
        let job = self.bare(draft, scope, name, because, problems)?;
        let allow_failure = if allowed { AllowFailure::Yes } else { AllowFailure::No };
        Some(PlannedJob { title: scope.titled(title), allow_failure, timeout, runs_on, matrix, ..job })
    }

    /// A job with what its keys say as they are written.
    pub(super) fn bare(
        &self,
        draft: &Draft<'_>,
        scope: &Scope,
        name: &str,
        because: &[String],
        problems: &mut Problems,
    ) -> Option<PlannedJob> {
        let path = Scope::path(&draft.key);
        let wrong = |rule: &str| (format!("`{}` cannot be a job's name", shown(name)), format!("{rule}; shorten the names of the calls"));
        let parsed: Result<JobName, _> = name.parse();
        let name =
            parsed.map_err(|invalid| wrong(invalid.rule)).map_err(|(message, help)| problems.add(draft.at, &path, message, help)).ok()?;
        Some(PlannedJob {
            name,
            title: scope.titled(draft.key.clone()),
            group: scope.name(&draft.key),
            call: scope.call.clone(),
            late: false,
            line: draft.at.line,
            file: scope.file(),
            stage: STAGE.to_owned(),
            waits_for: Vec::new(),
            needs: draft.needs.iter().map(|(key, _)| scope.name(key)).collect(),
            when: When::OnSuccess,
            turns: Turns::default(),
            condition: draft.condition.clone(),
            allow_failure: AllowFailure::No,
            retry: Retry::default(),
            timeout: DEFAULT_TIMEOUT,
            image: draft.container.clone(),
            services: draft.services.clone(),
            environment: draft.environment.clone(),
            permissions: self.allowed(draft, scope),
            concurrency: draft.concurrency.clone(),
            runs_on: draft.runs_on.and_then(Node::text).map_or(Json::Null, Json::from),
            variables: draft.env.given().map(as_variables).unwrap_or_default(),
            variables_by: draft.env.expression().map(str::to_owned),
            inherited: None,
            id_tokens: std::collections::BTreeMap::new(),
            secrets: std::collections::BTreeMap::new(),
            tag_release: None,
            confirmation: None,
            artifacts: ArtifactSpec::default(),
            coverage: None,
            trigger: None,
            elsewhere: Vec::new(),
            caches: Vec::new(),
            artifacts_from: Vec::new(),
            outputs: draft.outputs.clone(),
            steps: draft.steps.clone(),
            matrix: None,
            inputs: Vec::new(),
            because: because.to_vec(),
        })
    }

    /// What a job's token may do.
    pub(super) fn allowed(&self, draft: &Draft<'_>, scope: &Scope) -> Option<Permissions> {
        let own = match (&draft.permissions, &scope.permissions) {
            // the first workflow's job says it anew; a called one is given no more than its caller has
            (Some(own), Some(outer)) if scope.call.is_some() => Some(own.within(outer)),
            (Some(own), _) => Some(own.clone()),
            (None, outer) => outer.clone(),
        };
        let foreign = self.event.trigger.merge_request().is_some_and(|request| request.fork.is_some() && !request.of_target);
        let least = Permissions::all(Access::Read);
        if foreign { Some(own.map_or(least.clone(), |own| own.within(&least))) } else { own }
    }
}

/// Asks an `if` that depends on what is known while planning alone.
fn decided(draft: &Draft<'_>, scope: &Scope, because: &mut Vec<String>) -> bool {
    let Some(condition) = &draft.condition else {
        because.push(format!("it has no `if` (line {})", draft.at.line));
        return true;
    };
    let (text, line) = (shown(&condition.expression), condition.line);
    let Ok(expression) = Expression::read(&condition.expression) else { return true };
    let late = expression.properties_of("github").iter().any(|property| contexts::LATE_PROPERTIES.contains(&property.as_str()));
    if late || scope.late.asks(&expression) || expression.asks_status() {
        because.push(format!("its `if` on line {line} is asked when what it needs is done: `{text}`"));
        return true;
    }
    match expression.evaluate(&scope.early) {
        Ok(value) => {
            because.push(format!("its `if` on line {line} is {}: `{text}`", value.is_true()));
            value.is_true()
        }
        // asked again in the run, where it fails the job with the reason
        Err(_) => true,
    }
}

/// The places of a matrix; one that is none without a matrix.
pub(super) fn places(strategy: Option<&Strategy>) -> Vec<Option<Matrix>> {
    let Some(strategy) = strategy else { return vec![None] };
    let total = strategy.combinations.len();
    let place = |(index, values): (usize, &Map<String, Json>)| {
        Some(Matrix { index: index + 1, total, values: values.clone(), fail_fast: strategy.fail_fast, max_parallel: strategy.max_parallel })
    };
    strategy.combinations.iter().enumerate().map(place).collect()
}

/// What is known of one combination of a matrix.
pub(super) fn of_combination(early: &Contexts, matrix: Option<&Matrix>) -> Contexts {
    let mut contexts = early.clone();
    contexts.values.insert("strategy", contexts::strategy(matrix));
    let values = matrix.map(|matrix| matrix.values.clone()).unwrap_or_default();
    contexts.values.insert("matrix", Value::from(&Json::Object(values)));
    contexts
}

/// The name of a job of a matrix in the plan: with its values, or with its number if that would be too long or there twice,
/// since 1 and "1" look the same.
pub(super) fn numbered_if<'a>(
    mut others: impl Iterator<Item = &'a str>,
    scope: &Scope,
    draft: &Draft<'_>,
    matrix: Option<&Matrix>,
    index: usize,
) -> String {
    let Some(matrix) = matrix else { return scope.name(&draft.key) };
    let label = matrix::label(&matrix.values);
    let name = scope.name(&if label.is_empty() { draft.key.clone() } else { format!("{} ({label})", draft.key) });
    let sound = name.len() <= 200 && name.parse::<JobName>().is_ok() && others.all(|other| other != name);
    if sound { name } else { scope.name(&format!("{} #{}", draft.key, index + 1)) }
}

/// What people read of a job.
pub(super) fn title(draft: &Draft<'_>, matrix: Option<&Matrix>, contexts: &Contexts, problems: &mut Problems) -> Option<String> {
    let label = matrix.map(|matrix| matrix::label(&matrix.values)).unwrap_or_default();
    let with_label = |name: &str| if label.is_empty() { name.to_owned() } else { format!("{name} ({label})") };
    let Some(node) = draft.name else { return Some(with_label(&draft.key)) };
    let own = evaluated(node, &join(&Scope::path(&draft.key), "name"), &SETTLED, contexts, problems)?.to_text();
    Some(if node.text().is_some_and(|text| text.contains("${{")) { own } else { with_label(&own) })
}

/// The value of a text with expressions.
pub(super) fn evaluated(node: &Node, path: &str, place: &Place, contexts: &Contexts, problems: &mut Problems) -> Option<Value> {
    let (_, template) = template(node, path, place, problems)?;
    template.value(contexts).map_err(|why| problems.add(node.at, path, format!("the expression cannot be evaluated: {why}"), "")).ok()
}

/// A job's `runs-on`, evaluated and checked.
fn asked_of_runner(draft: &Draft<'_>, path: &str, contexts: &Contexts, problems: &mut Problems) -> Option<Json> {
    let Some(node) = draft.runs_on else {
        problems.add(draft.at, path, "the job has no `runs-on`", "write `runs-on: ubuntu-latest`");
        return Some(Json::Null);
    };
    let path = join(path, "runs-on");
    let asked = matrix::json(node, &path, &SETTLED, contexts, problems)?;
    runs_on::check(&asked, node.at, &path, problems);
    Some(asked)
}

fn timeout(node: &Node, path: &str, contexts: &Contexts, problems: &mut Problems) -> Option<Duration> {
    if expression(node, path, &SETTLED, problems).is_none() {
        return job::minutes(node, path, problems).map(|minutes| Duration::from_secs(minutes * 60));
    }
    let minutes = evaluated(node, path, &SETTLED, contexts, problems)?.to_number();
    let time = Some(minutes).filter(|minutes| *minutes > 0.0).and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    if time.is_none_or(|time| time > job::MAX_TIMEOUT) {
        problems.add(node.at, path, "a number of minutes, at most 31 days, is expected here", format!("it is {}", number_text(minutes)));
        return None;
    }
    time
}

/// Bytes of text that a job carries into the plan.
fn weight(draft: &Draft<'_>) -> usize {
    draft.steps.iter().map(PlannedStep::weight).sum::<usize>() + draft.env.weight() + 1024
}
