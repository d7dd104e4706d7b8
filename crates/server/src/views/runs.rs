//! Runs.

use penstock_api::{ImageView, JobView, LeftOut, RunSummary, RunView, StartedBy, StartedRun};
use penstock_delivery::{RunRecord, World};
use penstock_model::job::{JobEnd, JobReport};
use penstock_model::{JobName, ProjectName};
use penstock_pipeline::{Dialect, JobState, Plan, RunStatus};

use super::{annotations, statement_view};
use crate::App;

/// The newest runs, of one project or of all.
pub fn runs(app: &App, project: Option<&ProjectName>, limit: usize) -> Vec<RunSummary> {
    let world = app.parts.journal.world();
    let wanted = world.runs.values().rev().filter(|record| project.is_none_or(|name| record.project == *name));
    wanted.take(limit).map(|record| run_summary(record)).collect()
}

/// A run in a list.
pub fn run_summary(record: &RunRecord) -> RunSummary {
    let plan = record.run.as_ref().and_then(|run| run.plan());
    let title = plan.map(title).unwrap_or_default();
    let (errors, warnings) = annotations::counts(record);
    RunSummary {
        id: record.id.clone(),
        project: record.project.clone(),
        reference: short_ref(&record.push.reference).to_owned(),
        commit: record.push.commit.clone(),
        title,
        pusher: record.push.pusher.clone(),
        source: source(record).to_owned(),
        schedule: record.order.as_ref().and_then(|order| order.time.clone()),
        status: status_word(record).to_owned(),
        started: record.push.at,
        ended: record.ended,
        release: record.release,
        errors,
        warnings,
        started_by: record.upstream.as_ref().map(|up| StartedBy { run: up.by.run.clone(), job: up.by.job.clone(), child: up.child }),
    }
}

/// What began a run, in GitLab's words; of what only GitHub knows, what comes closest.
fn source(record: &RunRecord) -> &'static str {
    match (&record.upstream, &record.order) {
        (Some(upstream), _) if upstream.child => "parent_pipeline",
        (Some(_), _) => "pipeline",
        (None, Some(order)) => order.trigger.gitlab_source().unwrap_or("api"),
        (None, None) => "push",
    }
}

/// A ref without `refs/heads/`.
pub(super) fn short_ref(reference: &str) -> &str {
    reference.trim_start_matches("refs/heads/")
}

/// The name that a GitLab file gives its pipeline, or the commit's title.
fn title(plan: &Plan) -> String {
    let named = plan.dialect == Dialect::GitlabCi && plan.name != plan.path;
    first_line(if named { &plan.name } else { &plan.event.message })
}

/// The first line of a commit's message.
pub fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(120).collect()
}

/// GitLab's word for how a run stands.
pub fn status_word(record: &RunRecord) -> &'static str {
    if record.rejected.is_some() {
        return "rejected";
    }
    match record.run.as_ref().map_or(RunStatus::Created, penstock_pipeline::Run::status) {
        RunStatus::Created => "created",
        RunStatus::Running => "running",
        RunStatus::Blocked => "manual",
        RunStatus::Success => "success",
        RunStatus::SuccessWithWarnings => "success with warnings",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "canceled",
        RunStatus::Skipped => "skipped",
    }
}

/// A run whole.
pub fn run(app: &App, record: &RunRecord) -> RunView {
    let world = app.parts.journal.world();
    let plan = record.run.as_ref().and_then(|run| run.plan());
    let said = world.evidence.get(&record.project).map(|evidence| {
        let all = evidence.by_subject.values().flatten();
        let mut mine: Vec<_> = all.filter(|said| evidence.runs.get(&said.envelope) == Some(&record.id)).map(|said| &**said).collect();
        mine.sort_by_key(|said| said.at);
        mine
    });
    let said = said.unwrap_or_default();
    let (annotations, annotations_left_out) = annotations::annotations(record, &said);
    RunView {
        summary: run_summary(record),
        dialect: plan.map(|plan| if plan.dialect == Dialect::GitlabCi { "gitlab" } else { "github" }.to_owned()),
        stages: plan.map(|plan| plan.stages.clone()).unwrap_or_default(),
        jobs: plan.map(|plan| jobs(&world, record, plan)).unwrap_or_default(),
        left_out: plan.map(left_out).unwrap_or_default(),
        rejected: record.rejected.clone(),
        doubts: plan.map(|plan| plan.warnings.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        annotations,
        annotations_left_out,
        tests: world.projects.get(&record.project).and_then(|project| super::tests::run_tests(project, record)),
        images: record
            .images
            .iter()
            .map(|(name, image)| ImageView { name: name.clone(), digest: image.digest, job: image.job.clone(), took_ms: image.took_ms })
            .collect(),
        statements: said.into_iter().map(statement_view).collect(),
    }
}

fn left_out(plan: &Plan) -> Vec<LeftOut> {
    plan.left_out.iter().map(|job| LeftOut { name: job.name.clone(), because: job.because.join("; ") }).collect()
}

fn jobs(world: &World, record: &RunRecord, plan: &Plan) -> Vec<JobView> {
    let started = world.downstream(&record.id);
    let of = |job: &JobName| -> Vec<StartedRun> {
        let runs = started.iter().filter(|(by, _)| *by == job).map(|(_, run)| run);
        runs.map(|run| StartedRun { run: run.id.clone(), project: run.project.clone(), status: status_word(run).to_owned() }).collect()
    };
    plan.jobs
        .iter()
        .map(|job| {
            let state = record.run.as_ref().and_then(|run| run.job(&job.name));
            let times = record.times.get(&job.name);
            let report = times.and_then(|times| times.report.as_ref());
            let (status, why) = state.map_or(("created", String::new()), job_word);
            JobView {
                name: job.name.clone(),
                group: job.group.clone(),
                stage: job.stage.clone(),
                status: status.to_owned(),
                needs: plan.upstream(job).into_iter().cloned().collect(),
                attempt: times.map_or(0, |times| times.attempt),
                started: times.map(|times| times.started),
                ended: times.and_then(|times| times.ended),
                message: if why.is_empty() { report.map(report_words).unwrap_or_default() } else { why },
                pipelines: of(&job.name),
                allow_failure: job.allow_failure != penstock_pipeline::AllowFailure::No,
                because: job.because.clone(),
                artifacts: report.and_then(|report| report.artifacts),
                kept: report.map(|report| report.kept.iter().map(|kept| kept.name.clone()).collect()).unwrap_or_default(),
                confirmation: job.confirmation.clone(),
                summary: report.and_then(|report| report.reports.iter().find(|file| file.kind == "summary")).map(|file| file.digest),
                taken_from: report.and_then(JobReport::taken_from).map(|from| from.run.clone()),
            }
        })
        .collect()
}

/// GitLab's word for how a job stands, and why.
fn job_word(state: &JobState) -> (&'static str, String) {
    match state {
        JobState::Waiting => ("created", String::new()),
        JobState::Ready => ("pending", String::new()),
        JobState::Manual => ("manual", String::new()),
        JobState::WaitingForResource => ("waiting_for_resource", String::new()),
        JobState::Scheduled { until } => ("scheduled", until.map(|at| format!("starts at {at}")).unwrap_or_default()),
        JobState::Running { .. } => ("running", String::new()),
        JobState::Succeeded => ("success", String::new()),
        JobState::Failed { why, allowed } => (if *allowed { "failed, allowed" } else { "failed" }, why.clone()),
        JobState::Cancelled { why } => ("canceled", why.clone()),
        JobState::Skipped { why } => ("skipped", why.clone()),
    }
}

/// How an attempt ended; or whose result it has.
fn report_words(report: &JobReport) -> String {
    report.taken_from().map_or_else(|| end_words(&report.end), |from| format!("taken from run {}", from.run))
}

fn end_words(end: &JobEnd) -> String {
    match end {
        JobEnd::Exited { code: 0 } => String::new(),
        JobEnd::Exited { code } => format!("exit code {code}"),
        JobEnd::TimedOut => "the time limit was reached".to_owned(),
        JobEnd::Cancelled => "cancelled".to_owned(),
        JobEnd::SystemFailure { why } => why.clone(),
    }
}
