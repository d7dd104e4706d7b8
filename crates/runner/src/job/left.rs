//! What steps leave by themselves while the job runs, for the report at its end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use penstock_model::job::{JobReport, KeptArtifact, ReportFile, RunnerError};

use super::Attempt;
use crate::heard::Heard;
use crate::runner::other;

/// The longest summary of a job.
const MAX_SUMMARY: usize = 4 << 20;
/// Lines of the summary that the log shows.
const MAX_SHOWN: usize = 200;
/// What a summary is called among the reports.
pub(super) const SUMMARY: &str = "summary";

/// What the steps have left so far.
#[derive(Default)]
pub(super) struct Left(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    summary: String,
    artifacts: Vec<KeptArtifact>,
    reports: Vec<ReportFile>,
}

impl Left {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An artifact that a step keeps, in place of one of its name.
    pub(super) fn keep(&self, artifact: KeptArtifact) {
        let mut kept = self.kept();
        kept.artifacts.retain(|known| known.name != artifact.name);
        kept.artifacts.push(artifact);
    }

    /// A report that a step keeps.
    pub(super) fn report(&self, report: ReportFile) {
        self.kept().reports.push(report);
    }

    /// A step's part of the summary.
    pub(super) fn summarize(&self, text: &str) {
        let mut kept = self.kept();
        if !text.is_empty() && kept.summary.len() + text.len() <= MAX_SUMMARY {
            kept.summary.push_str(text);
            if !text.ends_with('\n') {
                kept.summary.push('\n');
            }
        }
    }
}

impl Attempt<'_> {
    /// Artifacts of the run that the job can have now.
    pub(super) fn known_artifacts(&self) -> Vec<KeptArtifact> {
        let own = self.left.kept().artifacts.clone();
        let others = self.spec.kept.iter().filter(|other| !own.iter().any(|known| known.name == other.name));
        others.cloned().chain(own.iter().cloned()).collect()
    }
}

/// Adds what the steps left to the report, with everything masked that the job wants masked by now.
pub(super) async fn gather(attempt: &Attempt<'_>, report: &mut JobReport) -> Result<(), RunnerError> {
    report.annotations = attempt.log.heard().map(Heard::annotations).unwrap_or_default();
    for annotation in &mut report.annotations {
        let texts = [Some(&mut annotation.message), annotation.title.as_mut(), annotation.file.as_mut()];
        texts.into_iter().flatten().for_each(|text| *text = attempt.log.masked(text));
    }
    report.kept = std::mem::take(&mut attempt.left.kept().artifacts);
    report.reports.append(&mut attempt.left.kept().reports);
    let summary = std::mem::take(&mut attempt.left.kept().summary);
    if summary.is_empty() {
        return Ok(());
    }
    let summary = attempt.log.masked(&summary);
    attempt.log.note("summary:").await;
    let lines = summary.lines().count();
    attempt.log.note(&summary.lines().take(MAX_SHOWN).collect::<Vec<_>>().join("\n")).await;
    if lines > MAX_SHOWN {
        attempt.log.note(&format!("… and {} more lines", lines - MAX_SHOWN)).await;
    }
    let stored = attempt.runner.hands.blobs.put_bytes(Bytes::from(summary)).await;
    let digest = stored.map_err(|error| other("keeping the summary", error))?;
    report.reports.push(ReportFile { kind: SUMMARY.to_owned(), path: format!("{SUMMARY}.md"), digest });
    Ok(())
}
