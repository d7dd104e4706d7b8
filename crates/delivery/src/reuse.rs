//! Whether a job is run, or the result of an attempt before is its own: decided on the world, by what both depend on.

use penstock_model::CommitId;
use penstock_model::job::{AttemptId, Fingerprint, JobEnd, JobReport};
use penstock_pipeline::{JobState, differing};

use crate::world::{ProjectRecord, RunRecord, World};

/// How many runs are looked at, the newest first.
const MAX_RUNS: usize = 200;

/// What becomes of a job whose inputs are named.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The result of this attempt is its own.
    Take {
        /// The attempt that was run.
        from: AttemptId,
        /// Of this commit.
        commit: CommitId,
        /// What it left.
        report: Box<JobReport>,
    },
    /// It is run: something differs from the newest attempt that might have been taken.
    Differs {
        /// That attempt.
        from: AttemptId,
        /// Of this commit.
        commit: CommitId,
        /// What differs.
        what: Vec<String>,
    },
    /// It is run, for this reason.
    Run(String),
}

/// Decides. The result of another attempt is taken if that one succeeded and everything that both depend on is the same, if
/// it was run for this ref or for the delivered branch (what was run for others may have been made by those who may not
/// deliver), and if it built no image. For the delivered branch it must have said nothing about another commit either:
/// statements are not copied, and a gate that asks for them would not find them.
pub fn decide(world: &World, record: &RunRecord, job: &penstock_model::JobName, own: &Fingerprint) -> Verdict {
    let Some(project) = world.projects.get(&record.project) else { return Verdict::Run("the project is gone".to_owned()) };
    let runs = project.runs.iter().rev().filter_map(|id| world.runs.get(id)).take(MAX_RUNS);
    let mut nearest = None;
    let outside = world.is_outside(record);
    let believed = |other: &RunRecord| match (outside, world.is_outside(other)) {
        (false, false) => trusted(project, record, other),
        // what comes from outside is believed by the same merge request alone
        (true, true) => other.push.reference == record.push.reference,
        _ => false,
    };
    for other in runs.filter(|other| other.id != record.id && believed(other)) {
        let Some((from, report, fingerprint)) = result(other, job) else { continue };
        let Some(origin) = world.runs.get(&from.run) else { continue };
        let commit = origin.push.commit.clone();
        if fingerprint == own {
            return match held(world, project, record, origin, &from) {
                None => Verdict::Take { from, commit, report: Box::new(report.clone()) },
                Some(why) => Verdict::Run(why),
            };
        }
        nearest.get_or_insert_with(|| {
            let what = differing(fingerprint, own).into_iter().map(str::to_owned).collect();
            Verdict::Differs { from, commit, what }
        });
    }
    nearest.unwrap_or_else(|| Verdict::Run("no attempt of it has succeeded before that could be taken over here".to_owned()))
}

/// Whether the results of a run may be those of another.
fn trusted(project: &ProjectRecord, record: &RunRecord, other: &RunRecord) -> bool {
    other.push.reference == record.push.reference || project.delivers(&other.push.reference)
}

/// A job's success in a run: the attempt that was run for it, what it left, and what that depends on.
fn result<'r>(run: &'r RunRecord, job: &penstock_model::JobName) -> Option<(AttemptId, &'r JobReport, &'r Fingerprint)> {
    let times = run.times.get(job)?;
    let report = times.report.as_ref().filter(|report| report.end == JobEnd::Exited { code: 0 })?;
    let reuse = report.reuse.as_ref().filter(|_| run.run.as_ref().and_then(|run| run.job(job)) == Some(&JobState::Succeeded))?;
    let own = || AttemptId { run: run.id.clone(), job: job.clone(), attempt: times.attempt };
    Some((reuse.taken_from.clone().unwrap_or_else(own), report, &reuse.fingerprint))
}

/// Why an equal attempt is not taken all the same.
fn held(world: &World, project: &ProjectRecord, record: &RunRecord, origin: &RunRecord, from: &AttemptId) -> Option<String> {
    if let Some((name, _)) = origin.images.iter().find(|(_, image)| image.job == from.job) {
        return Some(format!("in run {} it built the image {name}, which belongs to that run", origin.id));
    }
    // `penstock run` delivers nothing
    let local = record.is_local();
    if local || !project.delivers(&record.push.reference) || origin.push.commit == record.push.commit {
        return None;
    }
    let said = world.evidence.get(&record.project).is_some_and(|evidence| {
        let of_it = |key: &String| ["report", "check"].iter().any(|kind| key.starts_with(&format!("{kind}/{}/{}/", origin.id, from.job)));
        evidence.keys.keys().any(of_it)
    });
    let short = origin.push.commit.short();
    said.then(|| {
        format!("run {} has the same, but what it states is about commit {short}, and a gate may ask for it about this one", origin.id)
    })
}
