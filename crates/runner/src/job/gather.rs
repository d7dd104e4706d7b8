//! What a job leaves: artifacts, reports, variables. Read after everything of the job is dead.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufWriter, Read};
use std::path::PathBuf;
use std::sync::Arc;

use penstock_model::job::{Checkout, JobEnd, JobReport, KeepWhen, RunnerError};
use penstock_model::tag_release::DESCRIPTION_FILE;
use tokio_util::io::SyncIoBridge;

use super::{Attempt, reports};
use crate::archive::{MAX_ARCHIVE, pack};
use crate::beneath::{Dir, plain};
use crate::files::{MAX_FILE, dotenv};
use crate::globs::{Found, matching, untracked};
use crate::runner::{blocking, io, other, whole};

/// Report files of one job.
const MAX_REPORTS: usize = 200;
/// Between the packer and the store.
const BUFFER: usize = 256 * 1024;

/// Fills in the report.
pub(super) async fn gather(attempt: &Attempt<'_>, report: &mut JobReport) -> Result<(), RunnerError> {
    let wanted = &attempt.spec.artifacts;
    let succeeded = report.end == JobEnd::Exited { code: 0 };
    let coverage = [("cobertura", wanted.cobertura.as_slice()), ("jacoco", wanted.jacoco.as_slice())];
    for (kind, patterns) in [("junit", wanted.junit.as_slice())].into_iter().chain(coverage) {
        keep_reports(attempt, kind, patterns, report).await?;
    }
    for (kind, patterns) in &wanted.reports {
        keep_reports(attempt, kind, patterns, report).await?;
    }
    if let Some(path) = wanted.description_file.as_ref().filter(|_| succeeded) {
        let (tree, path) = (attempt.workspace.tree.clone(), PathBuf::from(path));
        if is_file(tree.clone(), path.clone()).await? {
            report.reports.extend(reports::keep(attempt, &tree, &path, DESCRIPTION_FILE).await?);
        }
    }
    report.expire_in = wanted.expire_in;
    match variables(attempt, &wanted.dotenv).await {
        Ok(variables) => report.dotenv = variables,
        Err(error) if succeeded => return Err(error),
        // it has failed for a reason of its own, which is the one to be told
        Err(error) => attempt.log.note(&format!("no variables are kept: {}", whole(&error))).await,
    }
    let keep = match wanted.when {
        KeepWhen::Always => true,
        KeepWhen::OnSuccess => succeeded,
        KeepWhen::OnFailure => !succeeded,
    };
    if keep && (wanted.untracked || !wanted.paths.is_empty()) { archive(attempt, report).await } else { Ok(()) }
}

/// Whether there is a regular file, reached by no link.
async fn is_file(tree: PathBuf, path: PathBuf) -> Result<bool, RunnerError> {
    blocking("looking for a description", move || {
        let opened = Dir::open(&tree).and_then(|dir| dir.read(&path)).and_then(|file| file.metadata());
        Ok(opened.is_ok_and(|found| found.is_file()))
    })
    .await
}

async fn keep_reports(attempt: &Attempt<'_>, kind: &str, patterns: &[String], report: &mut JobReport) -> Result<(), RunnerError> {
    let tree = attempt.workspace.tree.clone();
    for path in found(attempt, patterns).await? {
        report.reports.extend(reports::keep(attempt, &tree, &path, kind).await?);
    }
    Ok(())
}

/// What the dotenv reports say; the later ones go over the earlier.
async fn variables(attempt: &Attempt<'_>, patterns: &[String]) -> Result<BTreeMap<String, String>, RunnerError> {
    let mut variables = BTreeMap::new();
    for path in found(attempt, patterns).await? {
        let file = path.display().to_string();
        let text = String::from_utf8(read(attempt, path, MAX_FILE).await?)
            .map_err(|_| other("reading a dotenv report", format!("{file} is not UTF-8")))?;
        variables.extend(dotenv(&file, &text).map_err(|error| other("a dotenv report is malformed", error))?);
    }
    Ok(variables)
}

/// The report files that match.
async fn found(attempt: &Attempt<'_>, patterns: &[String]) -> Result<Vec<PathBuf>, RunnerError> {
    let patterns = inner(attempt, patterns).await;
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let files = reports::found(attempt.workspace.tree.clone(), patterns.clone(), MAX_REPORTS).await?;
    if files.is_empty() {
        attempt.log.note(&format!("no report matches {}", patterns.join(", "))).await;
    }
    Ok(files)
}

async fn read(attempt: &Attempt<'_>, path: PathBuf, limit: u64) -> Result<Vec<u8>, RunnerError> {
    let workspace = Arc::clone(&attempt.workspace);
    blocking("reading reports", move || {
        let (what, mut bytes) = (format!("reading {}", path.display()), Vec::new());
        let below = Dir::open(&workspace.tree).map_err(io("opening the checkout"))?;
        below.read(&path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(io(what.clone()))?;
        if bytes.len() as u64 > limit {
            return Err(other(what, format!("it is larger than {} MiB", limit >> 20)));
        }
        Ok(bytes)
    })
    .await
}

/// The patterns that stay below the checkout. Of the others nothing is kept, which the log says.
pub(super) async fn inner(attempt: &Attempt<'_>, patterns: &[String]) -> Vec<String> {
    let (inner, outer): (Vec<String>, Vec<String>) = patterns.iter().cloned().partition(|pattern| plain(pattern).is_some());
    for pattern in outer {
        attempt.log.note(&format!("nothing is kept of `{pattern}`: it is not below the checkout")).await;
    }
    inner
}

/// The files that the commit has.
pub(super) async fn tracked(attempt: &Attempt<'_>) -> Result<HashSet<PathBuf>, RunnerError> {
    let spec = attempt.spec;
    if spec.checkout == Checkout::Empty {
        return Ok(HashSet::new());
    }
    let files = attempt.runner.hands.git.files(&spec.repository, &spec.commit, "").await;
    Ok(files.map_err(|error| other("asking for the commit's files", error))?.into_iter().map(PathBuf::from).collect())
}

async fn archive(attempt: &Attempt<'_>, report: &mut JobReport) -> Result<(), RunnerError> {
    let (workspace, mut wanted) = (Arc::clone(&attempt.workspace), attempt.spec.artifacts.clone());
    wanted.paths = inner(attempt, &wanted.paths).await;
    wanted.exclude.retain(|pattern| plain(pattern).is_some());
    let tracked = if wanted.untracked { tracked(attempt).await? } else { HashSet::new() };
    let (files, leaving) = blocking("looking for artifacts", move || {
        let failed = |error| other("looking for artifacts", error);
        let (mut files, mut leaving) = matching(&workspace.tree, &wanted.paths, &wanted.exclude).map_err(failed)?;
        if wanted.untracked {
            let (more, out) = untracked(&workspace.tree, &tracked, &workspace.keep, &wanted.exclude).map_err(failed)?;
            files.extend(more);
            leaving.extend(out);
            leaving.sort();
            leaving.dedup();
        }
        Ok((files, leaving))
    })
    .await?;
    for path in leaving {
        attempt.log.note(&format!("not kept: {} is a link that leaves the checkout", path.display())).await;
    }
    if files.is_empty() {
        let wanted = &attempt.spec.artifacts;
        let more = wanted.untracked.then_some("what the commit does not have");
        let patterns: Vec<_> = wanted.paths.iter().map(String::as_str).chain(more).collect();
        attempt.log.note(&format!("no artifact matches {}", patterns.join(", "))).await;
        return Ok(());
    }
    let count = files.values().filter(|kind| **kind != Found::Directory).count();
    let (reader, writer) = tokio::io::duplex(BUFFER);
    let (writer, workspace) = (SyncIoBridge::new(writer), Arc::clone(&attempt.workspace));
    let packing = blocking("packing artifacts", move || {
        pack(&workspace.tree, &files, BufWriter::with_capacity(BUFFER, writer)).map_err(|error| other("packing artifacts", error))
    });
    let (packed, stored) = tokio::join!(packing, attempt.runner.hands.blobs.put(Box::pin(reader), None, 2 * MAX_ARCHIVE));
    packed?;
    let (digest, size) = stored.map_err(|error| other("keeping artifacts", error))?;
    let wanted = &attempt.spec.artifacts;
    let name = wanted.exposed_as.as_ref().or(wanted.name.as_ref()).map(|name| format!("{name}: ")).unwrap_or_default();
    attempt.log.note(&format!("{name}kept {count} files, {size} bytes, as {}", digest.short())).await;
    (report.artifacts, report.artifacts_size) = (Some(digest), size);
    Ok(())
}
