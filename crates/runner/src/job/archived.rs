//! Caches that are put aside when a job ends, and copied to where they were when another one starts.
//!
//! They lie in the runner's directory by project and key. Other than a cache in place, one of them may be taken for a job with
//! another key, and is as it was when a job last ended in the way that the file asks for.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use penstock_model::Digest;
use penstock_model::job::{CacheArchive, CachePolicy, CacheSpec, JobEnd, JobSpec, KeepWhen, RunnerError};

use super::Attempt;
use super::chores::make_room;
use super::gather::{inner, tracked};
use crate::archive::{pack, unpack};
use crate::globs::{Found, matching, untracked};
use crate::joblog::JobLog;
use crate::runner::{Runner, blocking, io as tried, other};
use crate::workspace::Workspace;

/// Where the archives of a project lie, beside those of steps.
const SHELF: &str = "by-key";

fn shelf(runner: &Runner, spec: &JobSpec) -> PathBuf {
    runner.settings.dir.join("caches").join(spec.project.as_str()).join(SHELF)
}

fn archive_of(shelf: &Path, key: &str) -> PathBuf {
    shelf.join(format!("{}.tar", Digest::of(key).hex()))
}

fn archived(spec: &JobSpec) -> impl Iterator<Item = (&CacheSpec, &CacheArchive)> {
    spec.caches.iter().filter_map(|cache| Some((cache, cache.archive.as_ref()?)))
}

/// Puts back what was kept under a cache's key, or under the first of its fallback keys that has something.
pub(super) async fn restore(runner: &Runner, spec: &JobSpec, workspace: &Arc<Workspace>, log: &JobLog) -> Result<(), RunnerError> {
    for (cache, archive) in archived(spec).filter(|(cache, _)| cache.policy != CachePolicy::Push) {
        let keys: Vec<String> = std::iter::once(&cache.key).chain(&archive.fallback_keys).cloned().collect();
        let (shelf, place) = (shelf(runner, spec), Arc::clone(workspace));
        let found = blocking("restoring a cache", move || {
            for key in keys {
                let path = archive_of(&shelf, &key);
                let file = match File::open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    opened => opened.map_err(tried("opening a cache"))?,
                };
                // the one that was not used for longest goes first
                let _ = file.set_modified(SystemTime::now());
                unpack(BufReader::new(file), &place.tree, place.uid).map_err(|error| other("restoring a cache", error))?;
                return Ok(Some(key));
            }
            Ok(None)
        });
        match found.await? {
            Some(key) => log.note(&format!("restored the cache `{key}`")).await,
            None => log.note(&format!("there is no cache of the key `{}`", cache.key)).await,
        }
    }
    Ok(())
}

/// Keeps what the job left, in place of what was kept under the same key.
pub(super) async fn save(attempt: &Attempt<'_>, end: &JobEnd) -> Result<(), RunnerError> {
    let succeeded = *end == JobEnd::Exited { code: 0 };
    for (cache, archive) in archived(attempt.spec).filter(|(cache, _)| cache.policy != CachePolicy::Pull) {
        let wanted = match archive.when {
            KeepWhen::Always => true,
            KeepWhen::OnSuccess => succeeded,
            KeepWhen::OnFailure => !succeeded,
        };
        if wanted && *end != JobEnd::Cancelled {
            save_one(attempt, cache, archive).await?;
        }
    }
    Ok(())
}

async fn save_one(attempt: &Attempt<'_>, cache: &CacheSpec, archive: &CacheArchive) -> Result<(), RunnerError> {
    let patterns = inner(attempt, &cache.paths).await;
    let tracked = if archive.untracked { Some(tracked(attempt).await?) } else { None };
    let (shelf, workspace) = (shelf(attempt.runner, attempt.spec), Arc::clone(&attempt.workspace));
    let id = &attempt.spec.id;
    let part = shelf.join(format!("{}-{}-{}.part", id.run, Digest::of(id.job.as_str()).short(), id.attempt));
    let place = archive_of(&shelf, &cache.key);
    let kept = blocking("keeping a cache", move || {
        let failed = |error| other("looking for what to cache", error);
        let (mut files, _) = matching(&workspace.tree, &patterns, &[]).map_err(failed)?;
        if let Some(tracked) = tracked {
            files.extend(untracked(&workspace.tree, &tracked, &workspace.keep, &[]).map_err(failed)?.0);
        }
        let count = files.values().filter(|kind| **kind != Found::Directory).count();
        if count == 0 {
            return Ok(0);
        }
        std::fs::create_dir_all(&shelf).map_err(tried("keeping a cache"))?;
        let mut writer = BufWriter::new(File::create(&part).map_err(tried("keeping a cache"))?);
        pack(&workspace.tree, &files, &mut writer).map_err(|error| other("keeping a cache", error))?;
        writer.flush().map_err(tried("keeping a cache"))?;
        // at its place only when it is whole
        std::fs::rename(&part, place).map_err(tried("keeping a cache"))?;
        shelf.parent().map_or(Ok(()), make_room).map_err(tried("removing old caches"))?;
        Ok(count)
    });
    match kept.await? {
        0 => attempt.log.note(&format!("nothing is kept under the cache key `{}`: there are no such files", cache.key)).await,
        count => attempt.log.note(&format!("kept {count} files under the cache key `{}`", cache.key)).await,
    }
    Ok(())
}
