//! What jobs and tools say of the source at a run's commit.

use std::collections::BTreeSet;

use penstock_api::AnnotationView;
use penstock_delivery::RunRecord;
use penstock_model::evidence::{Evidence, Witness, predicate};
use penstock_model::job::{Annotation, AnnotationLevel};
use serde_json::Value;

/// The most that a run shows.
const MAX_SHOWN: usize = 500;

/// Annotations of the jobs' last attempts, and findings of the run's statements: the worst first, and how many more there are.
pub(super) fn annotations(record: &RunRecord, said: &[&Evidence]) -> (Vec<AnnotationView>, usize) {
    let of_jobs = record.times.iter().flat_map(|(job, times)| {
        let report = times.report.iter();
        report.flat_map(|report| &report.annotations).map(move |one| of_job(job.as_str(), one))
    });
    let mut all: Vec<_> = of_jobs.collect();
    // an attempt that was tried again said the same before
    let mut seen = BTreeSet::new();
    for evidence in said.iter().rev().filter(|evidence| evidence.predicate_type == predicate::FINDINGS) {
        let tool = text(&evidence.predicate, "/scanner/name").unwrap_or_default();
        let listed = evidence.predicate.get("findings").and_then(Value::as_array).into_iter().flatten();
        all.extend(
            listed.filter(|one| seen.insert((&evidence.name, tool, text(one, "/fingerprint")))).map(|one| of_finding(evidence, tool, one)),
        );
    }
    let more = left_out(said);
    // what is not judged is no annotation; the order of equals is that of jobs
    all.sort_by(|one, other| one.level.cmp(&other.level).then_with(|| (&one.file, one.line).cmp(&(&other.file, other.line))));
    let beyond = all.len().saturating_sub(MAX_SHOWN);
    all.truncate(MAX_SHOWN);
    (all, beyond + more)
}

/// How many errors and warnings the jobs said.
pub(super) fn counts(record: &RunRecord) -> (usize, usize) {
    let said = || record.times.values().filter_map(|times| times.report.as_ref()).flat_map(|report| &report.annotations);
    let of = |level: AnnotationLevel| said().filter(|one| one.level == level).count();
    (of(AnnotationLevel::Error), of(AnnotationLevel::Warning))
}

/// Findings that are only counted in their statements.
fn left_out(said: &[&Evidence]) -> usize {
    let counted = said.iter().filter(|evidence| evidence.predicate_type == predicate::FINDINGS);
    let number = |evidence: &&Evidence| evidence.predicate.pointer("/summary/leftOut").and_then(Value::as_u64).unwrap_or(0);
    usize::try_from(counted.map(number).sum::<u64>()).unwrap_or(usize::MAX)
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn of_job(job: &str, said: &Annotation) -> AnnotationView {
    AnnotationView {
        level: said.level,
        job: job.to_owned(),
        by: said.step.clone(),
        title: said.title.clone(),
        message: said.message.clone(),
        file: said.file.clone(),
        line: said.line,
        column: said.column,
    }
}

fn of_finding(evidence: &Evidence, tool: &str, finding: &Value) -> AnnotationView {
    let number = |pointer: &str| finding.pointer(pointer).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let owned = |pointer: &str| text(finding, pointer).map(str::to_owned);
    let by = if evidence.witness == Witness::Observed { "observed" } else { tool };
    AnnotationView {
        level: match text(finding, "/level") {
            Some("error") => AnnotationLevel::Error,
            Some("warning") => AnnotationLevel::Warning,
            _ => AnnotationLevel::Notice,
        },
        job: evidence.name.clone(),
        by: by.to_owned(),
        title: owned("/rule"),
        message: owned("/message").unwrap_or_default(),
        file: owned("/location/path"),
        line: number("/location/line"),
        column: number("/location/column"),
    }
}
