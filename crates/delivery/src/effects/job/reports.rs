//! Report files of a job: read as they stream, and said as *reported* statements on the commit.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};

use penstock_model::evidence::{Subject, Witness, predicate};
use penstock_model::job::{JobReport, ReportFile};
use penstock_model::{Digest, JobName};
use penstock_scan::{CoverageReport, Report, ScannerInfo, SecurityReport, Tally};
use penstock_trust::predicate::{Coverage, TestResult};
use tokio_util::io::SyncIoBridge;

use crate::effects::{EffectError, chain};
use crate::evidence::{Saying, say};
use crate::parts::Parts;
use crate::results;
use crate::tested::Results;
use crate::world::RunRecord;

/// The largest report that is read test by test.
const MAX_JUNIT: u64 = 1 << 30;
/// The largest report of another kind.
const MAX_REPORT: u64 = 64 << 20;
/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// What a scanner of the job's own found, as a statement says it.
#[derive(serde::Serialize)]
#[serde(transparent)]
struct Found(serde_json::Value);

impl penstock_trust::Predicate for Found {
    const TYPE: &'static str = predicate::FINDINGS;
}

/// What a report file says.
enum Said {
    /// Something for people, or a file that is kept as it is.
    Text,
    Findings(Box<(Report, ScannerInfo)>),
    Tests(Box<(TestResult, Tally)>),
    Coverage(Coverage),
}

/// A report file that was read.
pub(super) struct ReadReport {
    file: ReportFile,
    said: Said,
}

/// Reads the reports. What cannot be read is taken out and told; as at GitLab, that is no failure of the job. Of tests to watch
/// it is remembered whether they passed.
pub(super) async fn read_all(parts: &Parts, report: &mut JobReport, watched: &BTreeSet<String>) -> (Vec<ReadReport>, Results, Vec<String>) {
    let (mut read, mut results, mut told) = (Vec::new(), Results::default(), Vec::new());
    for file in std::mem::take(&mut report.reports) {
        match read_one(parts, &file, watched).await {
            Ok(said) => {
                gather(&mut results, &file, &said);
                report.reports.push(file.clone());
                read.push(ReadReport { file, said });
            }
            Err(error) => {
                let why = format!("a report is left out: {} cannot be read as {}: {}", file.path, file.kind, chain(&error));
                told.push(why);
            }
        }
    }
    (read, results, told)
}

/// Figures of tests and coverage over all reports of the attempt.
fn gather(results: &mut Results, file: &ReportFile, said: &Said) {
    match said {
        Said::Tests(tests) => {
            results.tests.get_or_insert_default().add(tests.1.clone());
            results.reports.push(file.digest);
        }
        Said::Coverage(more) => {
            let sum = results.coverage.get_or_insert(CoverageReport::default());
            sum.lines_covered = sum.lines_covered.saturating_add(more.lines_covered);
            sum.lines_valid = sum.lines_valid.saturating_add(more.lines_valid);
        }
        Said::Text | Said::Findings(_) => {}
    }
}

async fn read_one(parts: &Parts, file: &ReportFile, watched: &BTreeSet<String>) -> Result<Said, EffectError> {
    let security = SecurityReport::of(&file.kind);
    let limit = match &*file.kind {
        "junit" => MAX_JUNIT,
        "cobertura" | "jacoco" | "codequality" | "sarif" => MAX_REPORT,
        _ if security.is_some() => MAX_REPORT,
        _ => return Ok(Said::Text),
    };
    let size = parts.blobs.size(file.digest).await?.unwrap_or(0);
    if size > limit {
        return Err(EffectError::Other(format!("it has {size} bytes, and at most {} MiB are read", limit >> 20)));
    }
    let (kind, digest, watched) = (file.kind.clone(), file.digest, watched.clone());
    let stream = BufReader::with_capacity(CHUNK, SyncIoBridge::new(parts.blobs.get(digest).await?));
    // a large one takes a while, and must not hold up what else there is to do
    let reading = tokio::task::spawn_blocking(move || read_as(&kind, security, digest, watched, stream));
    reading.await.unwrap_or_else(|error| Err(error.to_string())).map_err(EffectError::Other)
}

fn read_as(
    kind: &str,
    security: Option<SecurityReport>,
    digest: Digest,
    watched: BTreeSet<String>,
    mut stream: impl BufRead,
) -> Result<Said, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    if let Some(security) = security {
        let read = penstock_scan::read_security(security, stream).map_err(|error| words(&error))?;
        return Ok(Said::Findings(Box::new(read)));
    }
    match kind {
        "junit" => results::junit(stream, digest, watched).map(|read| Said::Tests(Box::new(read))),
        "cobertura" => results::coverage(penstock_scan::read_cobertura(stream)).map(Said::Coverage),
        "jacoco" => results::coverage(penstock_scan::read_jacoco(stream)).map(Said::Coverage),
        "codequality" => {
            let report = penstock_scan::read_codequality(stream).map_err(|error| words(&error))?;
            Ok(Said::Findings(Box::new((report, ScannerInfo { version: String::new(), digest: None }))))
        }
        _ => {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).map_err(|error| words(&error))?;
            let read = penstock_scan::read_sarif(&bytes).map_err(|error| words(&error))?;
            Ok(Said::Findings(Box::new(read)))
        }
    }
}

/// Says what a report says, as a *reported* statement on the commit.
pub(super) async fn record(parts: &Parts, record: &RunRecord, job: &JobName, read: ReadReport) -> Result<(), EffectError> {
    let ReadReport { file, said } = read;
    let subject = Subject::Commit(record.push.commit.clone());
    let key = format!("report/{}/{job}/{}/{}", record.id, file.kind, file.digest);
    let (project, run) = (&record.project, Some(&record.id));
    let witness = Witness::Reported;
    match said {
        Said::Text => {}
        Said::Findings(found) => {
            let (report, scanner) = *found;
            // the name is what it was read as: `sarif` alone is SARIF
            let sarif = (file.kind == "sarif").then_some(file.digest);
            let predicate = Found(report.predicate(&scanner, witness, &[], sarif));
            say(parts, Saying { project, run, subject, name: job.as_str(), witness, key, predicate: &predicate }).await?;
        }
        Said::Tests(tests) => {
            say(parts, Saying { project, run, subject, name: job.as_str(), witness, key, predicate: &tests.0 }).await?;
        }
        Said::Coverage(coverage) => {
            say(parts, Saying { project, run, subject, name: job.as_str(), witness, key, predicate: &coverage }).await?;
        }
    }
    Ok(())
}
