//! A check: a pinned tool, or the own matching of advisories, on what the server itself laid out.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use penstock_model::blob::LogSink;
use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::release::ImageRef;
use penstock_model::{CommitId, Digest, counted};
use penstock_scan::{ADVISORIES, AdvisoryDb, Finding, Judged, Report, ScannerInfo, Sources, Tool, Tree};
use serde::Serialize;
use serde_json::Value;

use super::{CheckCall, JobCalls, built_image, is_outside, note, run_of};
use crate::evidence::{Saying, say};
use crate::merge_requests::WITHHELD;
use crate::parts::Parts;
use crate::world::RunRecord;

/// The most findings that a job's log shows.
const MAX_SHOWN: usize = 200;
/// The largest source file whose lines are looked at.
const MAX_SOURCE: u64 = 8 * 1024 * 1024;
/// The largest bill of materials.
const MAX_SBOM: u64 = 128 * 1024 * 1024;
/// The largest archive of advisories.
const MAX_ARCHIVE: u64 = 512 * 1024 * 1024;

/// Advisories as they lie at a commit of the config repository.
pub(super) struct Advisories {
    commit: CommitId,
    db: Arc<AdvisoryDb>,
}

/// What a scanner found, as a statement says it.
#[derive(Serialize)]
#[serde(transparent)]
struct Found(Value);

impl penstock_trust::Predicate for Found {
    const TYPE: &'static str = predicate::FINDINGS;
}

/// Looks, says what was found, and records it. A tool that ran is a check that succeeded, whatever it found.
pub(super) async fn check(calls: &JobCalls, parts: &Parts, call: &CheckCall, log: Arc<dyn LogSink>) -> Result<String, String> {
    let record = run_of(parts, &call.attempt)?;
    if call.tool == ADVISORIES {
        let name = call.image.as_deref().ok_or("`advisories` looks at an image: name one with --image")?;
        let image = built_image(&record, name)?;
        let (report, scanner) = advisories(calls, parts, &record, &image).await?;
        return done(parts, &record, call, Subject::Image(image), &report, &scanner, log).await;
    }
    if call.image.is_some() {
        return Err(format!("`{}` looks at the commit; only `advisories` looks at an image", call.tool));
    }
    let tool = Tool::from_str(&call.tool).map_err(|error| error.to_string())?;
    let folder = calls.source(parts, &record).await?;
    let (report, scanner) = look(parts, &record, call, tool, &folder).await?;
    done(parts, &record, call, Subject::Commit(record.push.commit.clone()), &report, &scanner, log).await
}

async fn look(parts: &Parts, record: &RunRecord, call: &CheckCall, tool: Tool, folder: &Path) -> Result<(Report, ScannerInfo), String> {
    let files = parts.git.files(&record.project.clone().into(), &record.push.commit, "").await.map_err(|error| error.to_string())?;
    let tree: Tree = files.into_iter().collect();
    let sources = Lines(folder.to_owned());
    let judged = || Judged { input: folder, paths: &call.paths, tree: &tree, sources: &sources };
    let Some(tool_call) = tool.call(&judged()).map_err(|error| error.to_string())? else {
        return Ok((tool.nothing(&judged()), ScannerInfo { version: "not needed".to_owned(), digest: None }));
    };
    let output = parts.tools.run_tool(&tool_call).await.map_err(|error| crate::chain(&error))?;
    let report = tool.read(&output, &judged()).map_err(|error| error.to_string())?;
    Ok((report, ScannerInfo { version: output.version, digest: Some(output.digest) }))
}

/// Lines of the commit's files, read when they are asked for.
struct Lines(PathBuf);

impl Sources for Lines {
    fn line(&self, path: &str, line: u32) -> Option<String> {
        let inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        let file = self.0.join(path);
        let small = inside && std::fs::symlink_metadata(&file).ok().is_some_and(|meta| meta.is_file() && meta.len() <= MAX_SOURCE);
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        if !small {
            return None;
        }
        BufReader::new(File::open(file).ok()?).lines().nth(index)?.ok()
    }
}

async fn advisories(calls: &JobCalls, parts: &Parts, record: &RunRecord, image: &ImageRef) -> Result<(Report, ScannerInfo), String> {
    let world = parts.journal.world();
    let subject = Subject::Image(image.clone());
    let said = world.evidence.get(&record.project).and_then(|evidence| evidence.by_subject.get(&subject));
    let bill = said.and_then(|said| said.iter().rev().find(|said| said.predicate_type == predicate::SPDX));
    let bill = bill.ok_or_else(|| format!("{image} has no bill of materials"))?;
    let document = document(parts, bill).await?;
    let sbom = penstock_scan::read_spdx(&document).map_err(|error| error.to_string())?;
    let db = database(calls, parts, record).await?;
    Ok((db.matches(&sbom), db.scanner()))
}

/// The SPDX document: in the statement itself, or by digest in the store.
async fn document(parts: &Parts, bill: &Evidence) -> Result<Bytes, String> {
    match bill.predicate.pointer("/penstock_document/digest/sha256").and_then(Value::as_str) {
        Some(hex) => {
            let digest: Digest = format!("sha256:{hex}").parse().map_err(|error| format!("{error}"))?;
            parts.blobs.get_bytes(digest, MAX_SBOM).await.map_err(|error| error.to_string())
        }
        None => serde_json::to_vec(&bill.predicate).map(Bytes::from).map_err(|error| error.to_string()),
    }
}

/// The advisories of the config repository's branch, read once a commit.
async fn database(calls: &JobCalls, parts: &Parts, record: &RunRecord) -> Result<Arc<AdvisoryDb>, String> {
    let world = parts.journal.world();
    let project = world.projects.get(&record.project).ok_or("the project is gone")?;
    let commit = project.config.as_ref().map(|seen| seen.commit.clone()).ok_or("the config repository has not been read: push it first")?;
    let mut known = calls.advisories.lock().await;
    if let Some(known) = known.as_ref().filter(|known| known.commit == commit) {
        return Ok(known.db.clone());
    }
    let mut archives = Vec::new();
    for path in &parts.settings.advisories {
        if let Some(bytes) =
            parts.git.read(&project.config_repository, &commit, path, MAX_ARCHIVE).await.map_err(|error| error.to_string())?
        {
            archives.push(bytes);
        }
    }
    if archives.is_empty() {
        return Err(format!("the config repository has no advisories: put OSV's archives at {}", parts.settings.advisories.join(" and ")));
    }
    let read = tokio::task::spawn_blocking(move || AdvisoryDb::from_zips(&archives)).await.map_err(|error| error.to_string())?;
    let db = Arc::new(read.map_err(|error| error.to_string())?);
    *known = Some(Advisories { commit, db: db.clone() });
    Ok(db)
}

async fn done(
    parts: &Parts,
    record: &RunRecord,
    call: &CheckCall,
    subject: Subject,
    report: &Report,
    scanner: &ScannerInfo,
    log: Arc<dyn LogSink>,
) -> Result<String, String> {
    for finding in report.findings.iter().take(MAX_SHOWN) {
        note(parts, &*log, line(finding)).await;
    }
    if report.findings.len() > MAX_SHOWN {
        note(parts, &*log, format!("… and {} more", report.findings.len() - MAX_SHOWN)).await;
    }
    let summary = report.summary;
    let numbers =
        [(summary.error, "error"), (summary.warning, "warning"), (summary.note, "note")].map(|(number, noun)| counted(number, noun));
    if is_outside(parts, &call.attempt) {
        return Ok(format!("{} {}: {}; nothing is stated: {WITHHELD}", report.tool, scanner.version, numbers.join(", ")));
    }
    let sarif = serde_json::to_vec(&penstock_scan::sarif(report, scanner)).map_err(|error| error.to_string())?;
    let sarif = parts.blobs.put_bytes(Bytes::from(sarif)).await.map_err(|error| error.to_string())?;
    let attempt = &call.attempt;
    // a job may look several times, at several things: none hides another
    let what = Digest::of(format!("{subject:?} {:?}", call.paths));
    let saying = Saying {
        project: &record.project,
        run: Some(&record.id),
        subject,
        name: report.tool,
        witness: Witness::Observed,
        key: format!("check/{}/{}/{}/{}/{what}", record.id, attempt.job, attempt.attempt, report.tool),
        predicate: &Found(report.predicate(scanner, Witness::Observed, &call.paths, Some(sarif))),
    };
    say(parts, saying).await.map_err(|error| crate::chain(&error))?;
    Ok(format!("{} {}: {}; the gate decides on them", report.tool, scanner.version, numbers.join(", ")))
}

fn line(finding: &Finding) -> String {
    let place = finding.location.as_ref().map_or_else(String::new, |location| match location.line {
        Some(line) => format!("{}:{line}: ", location.path),
        None => format!("{}: ", location.path),
    });
    format!("{place}{} ({})", finding.message, finding.rule)
}
