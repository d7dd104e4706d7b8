//! A chart's files at a commit, read and parsed once.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use penstock_chart::chart::{Chart, File};
use penstock_chart::load::{self, IGNORE_FILE, Rules};
use penstock_chart::render::Cache;
use penstock_chart::value::Str;
use penstock_model::{CommitId, Digest, RepositoryName};
use tokio_util::sync::CancellationToken;

use super::MAX_FILES;
use super::environment::within;
use crate::effects::EffectError;
use crate::parts::Parts;

/// The most bytes of a chart's files.
const MAX_BYTES: usize = 32 << 20;
/// How many charts are kept.
const KEPT: usize = 8;

/// Charts that were read, and their templates as they were parsed: the newest few, whichever commits they are of.
#[derive(Debug, Default)]
pub struct Charts {
    read: Mutex<VecDeque<(Digest, Arc<Read>)>>,
    /// Parsed templates.
    pub(super) templates: Cache,
    /// When nobody waits for what they render to any more.
    stop: CancellationToken,
}

/// A chart and the files that it was made of.
#[derive(Debug)]
pub(super) struct Read {
    pub files: Vec<File>,
    pub chart: Chart,
}

impl Read {
    pub(super) fn of(files: Vec<File>) -> Result<Self, String> {
        let loaded = load::files(files.clone()).map_err(|error| error.to_string())?;
        Ok(Self { files, chart: loaded.chart })
    }
}

impl Charts {
    /// None yet. What is rendered when `stop` comes is given up: whoever ends does not wait for it.
    pub fn until(stop: CancellationToken) -> Self {
        Self { stop, ..Self::default() }
    }

    /// When renders are given up whoever asked for them.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    fn get(&self, key: Digest) -> Option<Arc<Read>> {
        let read = self.read.lock().ok()?;
        read.iter().find(|(known, _)| *known == key).map(|(_, read)| read.clone())
    }

    fn keep(&self, key: Digest, chart: &Arc<Read>) {
        if let Ok(mut read) = self.read.lock() {
            read.push_front((key, chart.clone()));
            read.truncate(KEPT);
        }
    }
}

/// Reads the chart of a folder. Nothing is read that was read before under whatever commit.
pub(super) async fn read(parts: &Parts, repository: &RepositoryName, commit: &CommitId, folder: &str) -> Result<Arc<Read>, EffectError> {
    let all = parts.git.contents(repository, commit).await?;
    let mut listed: Vec<(&str, &str)> = all
        .iter()
        .filter_map(|(path, id)| {
            let below = if folder.is_empty() { path } else { path.strip_prefix(folder)?.strip_prefix('/')? };
            Some((below, id.as_str()))
        })
        .collect();
    // as Helm walks a directory: names in order, a folder where its name stands
    listed.sort_by(|(one, _), (other, _)| walk_order(one, other));
    let key = Digest::of(listed.iter().flat_map(|(path, id)| [path.as_bytes(), b"\0", id.as_bytes(), b"\n"]).collect::<Vec<_>>().concat());
    if let Some(known) = parts.charts.get(key) {
        return Ok(known);
    }
    let other = |what: String| EffectError::Other(format!("{}: {what}", shown(folder)));
    let bytes = async |path: &str| {
        let path = within(folder, path);
        let bytes = parts.git.read(repository, commit, &path, load::MAX_FILE).await?;
        bytes.ok_or_else(|| EffectError::Other(format!("{path} is not in {repository} at {}", commit.short())))
    };
    let mut rules = Rules::default();
    if listed.iter().any(|(path, _)| *path == IGNORE_FILE) {
        rules = Rules::parse(&bytes(IGNORE_FILE).await?).map_err(|error| other(format!("{IGNORE_FILE}: {error}")))?;
    }
    let rules = rules.with_defaults();
    let counted: Vec<&str> = listed.into_iter().map(|(path, _)| path).filter(|path| !ignored(&rules, path)).collect();
    if counted.len() > MAX_FILES {
        return Err(other(format!("the chart has more than {MAX_FILES} files: name those that are no part of it in {IGNORE_FILE}")));
    }
    let (mut files, mut total) = (Vec::with_capacity(counted.len()), 0);
    for path in counted {
        let data = bytes(path).await?;
        total += data.len();
        if total > MAX_BYTES {
            return Err(other(format!("the chart has more than {MAX_BYTES} bytes: name what is no part of it in {IGNORE_FILE}")));
        }
        files.push(File { name: path.into(), data: Str::from(data) });
    }
    let chart = Arc::new(Read::of(files).map_err(other)?);
    parts.charts.keep(key, &chart);
    Ok(chart)
}

/// A folder for people.
pub(super) fn shown(folder: &str) -> &str {
    if folder.is_empty() { "the root of the repository" } else { folder }
}

fn walk_order(one: &str, other: &str) -> Ordering {
    one.split('/').cmp(other.split('/'))
}

/// Whether a file or a folder that it lies in is ignored.
fn ignored(rules: &Rules, path: &str) -> bool {
    let folders = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    folders.into_iter().any(|folder| rules.ignores(folder.as_bytes(), true)) || rules.ignores(path.as_bytes(), false)
}
