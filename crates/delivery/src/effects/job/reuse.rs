//! A job whose inputs did not change is not run.

use std::collections::BTreeMap;

use penstock_model::blob::LogSink;
use penstock_model::job::{AttemptId, EnvValue, Fingerprint, JobReport, KeptArtifact, Reuse};
use penstock_pipeline::{Dependence, JobContext, Plan, PlannedJob, among_inputs, fingerprint, runs_anyway};

use super::{EffectError, note};
use crate::effects::containers::Containers;
use crate::parts::Parts;
use crate::reuse::{Verdict, decide};
use crate::world::RunRecord;

/// How many paths that differ are named; the others are counted.
const NAMED: usize = 5;

/// What an attempt is given when it begins.
pub(super) struct Given<'a> {
    pub(super) context: &'a JobContext,
    pub(super) env: &'a BTreeMap<String, EnvValue>,
    pub(super) containers: &'a Containers,
    pub(super) kept: &'a [KeptArtifact],
}

/// Whether a job is run.
pub(super) enum Asked {
    /// It is not: this is its result.
    Taken(Box<JobReport>),
    /// It is; with what its result depends on, if its inputs are named.
    Run(Option<Box<Reuse>>),
}

/// Asks. The log says what came of it.
pub(super) async fn ask(
    parts: &Parts,
    record: &RunRecord,
    job: (&Plan, &PlannedJob),
    id: &AttemptId,
    given: &Given<'_>,
    log: &dyn LogSink,
) -> Result<Asked, EffectError> {
    let Some(fingerprint) = depends(parts, record, job, given).await? else { return Ok(Asked::Run(None)) };
    match earlier(parts, record, job.1, id, &fingerprint, log).await? {
        Ok(report) => Ok(Asked::Taken(Box::new(report))),
        Err(because) => {
            note(parts, log, &because).await?;
            Ok(Asked::Run(Some(Box::new(Reuse { fingerprint, taken_from: None, because }))))
        }
    }
}

/// What the attempt's result depends on, as things are when it begins; nothing if the job's inputs are not named.
async fn depends(
    parts: &Parts,
    record: &RunRecord,
    (plan, planned): (&Plan, &PlannedJob),
    given: &Given<'_>,
) -> Result<Option<Fingerprint>, EffectError> {
    if planned.inputs.is_empty() {
        return Ok(None);
    }
    let Given { context, env, containers, kept } = *given;
    let files = parts.git.contents(&record.project.clone().into(), &record.push.commit).await?;
    let secrets = secrets(parts, record, context);
    let mut others = BTreeMap::from([("Penstock itself".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    others.extend(context.plain.iter().map(|(name, variable)| (format!("variable {name} of the project"), variable.value.clone())));
    if let Some(image) = &containers.image {
        others.insert("image".to_owned(), image.image.to_string());
    }
    for service in &containers.services {
        others.insert(format!("image of the service {}", service.name), service.image.to_string());
    }
    for (name, image) in &containers.step_images {
        others.insert(format!("image {name}"), image.to_string());
    }
    for artifact in kept {
        others.insert(format!("artifact {}", artifact.name), artifact.digest.to_string());
    }
    let run = record.id.to_string();
    Ok(fingerprint(plan, planned, &Dependence { files: &files, inputs: &context.inputs, env, secrets: &secrets, others, run: &run }))
}

/// What stands for the secrets and files that the job gets, without their values: when each was set. Of what was fetched
/// elsewhere nobody knows whether it is the same.
fn secrets(parts: &Parts, record: &RunRecord, context: &JobContext) -> BTreeMap<String, String> {
    let world = parts.journal.world();
    let known = world.projects.get(&record.project).map(|project| &project.secrets);
    let since = |name: &str| {
        let set = known.into_iter().flatten().filter(|((own, _), _)| own == name).map(|(_, secret)| secret.set.0.to_string());
        let set: Vec<_> = set.collect();
        if set.is_empty() { record.id.to_string() } else { set.join(" ") }
    };
    context.secrets.keys().chain(context.files.keys()).map(|name| (name.clone(), since(name))).collect()
}

/// The result of an attempt before, if it is this one's own; otherwise why the job is run. The log says which.
async fn earlier(
    parts: &Parts,
    record: &RunRecord,
    planned: &PlannedJob,
    id: &AttemptId,
    fingerprint: &Fingerprint,
    log: &dyn LogSink,
) -> Result<Result<JobReport, String>, EffectError> {
    if let Some(why) = runs_anyway(planned, id.attempt) {
        return Ok(Err(format!("it is run whatever its inputs are: {why}")));
    }
    let because = match decide(&parts.journal.world(), record, &id.job, fingerprint) {
        Verdict::Run(why) => why,
        Verdict::Differs { from, commit, what } => {
            let changed = parts.git.changed(&record.project.clone().into(), Some(&commit), &record.push.commit).await.unwrap_or_default();
            let paths = among_inputs(planned, &changed);
            let (files, mut named): (Vec<_>, Vec<_>) = what.into_iter().partition(|name| name.starts_with("files ") && !paths.is_empty());
            if !files.is_empty() {
                named.extend(paths.iter().take(NAMED).map(|path| format!("`{path}`")));
                named.extend(paths.len().checked_sub(NAMED + 1).map(|more| format!("{} more", more + 1)));
            }
            format!("this differs from run {}: {}", from.run, named.join(", "))
        }
        Verdict::Take { from, commit, report } => match missing(parts, &report).await? {
            Some(what) => format!("run {} has the same, but {what} is not kept any more", from.run),
            None => {
                let because = format!("taken from run {} (commit {}): nothing that it depends on has changed", from.run, commit.short());
                note(parts, log, &format!("{because}; its log is there")).await?;
                if !report.reports.is_empty() && commit != record.push.commit {
                    note(parts, log, "its reports are shown; they state nothing about this commit").await?;
                }
                let reuse = Reuse { fingerprint: fingerprint.clone(), taken_from: Some(from), because };
                return Ok(Ok(JobReport { busy_ms: 0, reuse: Some(Box::new(reuse)), ..*report }));
            }
        },
    };
    Ok(Err(because))
}

/// Something that an attempt left and that is gone.
async fn missing(parts: &Parts, report: &JobReport) -> Result<Option<&'static str>, EffectError> {
    let files =
        report.reports.iter().map(|file| ("a report", file.digest)).chain(report.kept.iter().map(|kept| ("an artifact", kept.digest)));
    for (what, digest) in report.artifacts.map(|digest| ("its archive of artifacts", digest)).into_iter().chain(files) {
        if parts.blobs.size(digest).await?.is_none() {
            return Ok(Some(what));
        }
    }
    Ok(None)
}
