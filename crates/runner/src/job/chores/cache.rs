//! Caches that a step keeps under a key and gets back by it or by the beginning of one.
//!
//! They lie in the runner's directory, by project and scope (a branch): what a branch keeps is read by itself and by whoever
//! may read it, so that no branch can put something under another's key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use penstock_model::Digest;
use penstock_model::job::RunnerError;
use serde::{Deserialize, Serialize};

use super::Came;
use super::artifacts::expanded;
use crate::archive::{add, unpack_to};
use crate::globs::matching;
use crate::job::Attempt;
use crate::places::Places;
use crate::runner::{blocking, io as tried, other};

/// What the caches of one project may take, all together (GitHub's own bound); above it the ones go that were not used for longest.
const MAX_OF_A_PROJECT: u64 = 10 << 30;
/// Caches of one project.
const MAX_CACHES: usize = 2_000;

/// What is known of a cache.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    key: String,
    /// Of the paths: a cache is good only for the paths that it was made of.
    version: String,
    size: u64,
    /// Milliseconds since 1970.
    created: u128,
}

/// Where the caches of a job's project lie, and which of them it may see.
struct Shelf {
    project: PathBuf,
    /// Where it keeps its own.
    own: PathBuf,
    /// Where it looks, in order.
    scopes: Vec<PathBuf>,
}

impl Shelf {
    fn of(attempt: &Attempt<'_>) -> Self {
        let project = attempt.runner.settings.dir.join("caches").join(attempt.spec.project.as_str());
        let scopes: Vec<PathBuf> = attempt.spec.cache_scopes.iter().map(|scope| project.join(Digest::of(scope).short())).collect();
        let own = scopes.first().cloned().unwrap_or_else(|| project.join("none"));
        Self { project, own, scopes }
    }
}

fn version(paths: &[String]) -> String {
    Digest::of(paths.join("\n")).hex()
}

fn file_name(key: &str, version: &str) -> String {
    Digest::of(format!("{version}\0{key}")).hex()
}

/// All caches of a scope, with their names.
fn listed(scope: &Path) -> io::Result<Vec<(String, Kept)>> {
    let entries = match std::fs::read_dir(scope) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries.take(2 * MAX_CACHES) {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json")
            && let Ok(kept) = serde_json::from_slice::<Kept>(&std::fs::read(&path)?)
        {
            found.push((path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), kept));
        }
    }
    Ok(found)
}

/// The cache of a key; otherwise the newest whose key begins with it, or with one of the others in order.
fn chosen(caches: &[(String, Kept)], key: &str, others: &[String], version: &str) -> Option<(String, Kept)> {
    let fits: Vec<&(String, Kept)> = caches.iter().filter(|(_, kept)| kept.version == version).collect();
    if let Some(exact) = fits.iter().find(|(_, kept)| kept.key == key) {
        return Some((*exact).clone());
    }
    std::iter::once(key).chain(others.iter().map(String::as_str)).find_map(|wanted| {
        let exact = fits.iter().find(|(_, kept)| kept.key == wanted);
        let newest = || fits.iter().filter(|(_, kept)| kept.key.starts_with(wanted)).max_by_key(|(_, kept)| kept.created);
        exact.or_else(newest).map(|found| (*found).clone())
    })
}

/// Puts back what was kept.
pub(super) async fn restore(
    attempt: &Attempt<'_>,
    key: &str,
    others: &[String],
    paths: &[String],
    lookup_only: bool,
) -> Result<Came, RunnerError> {
    let (shelf, version) = (Shelf::of(attempt), version(paths));
    let (wanted, others) = (key.to_owned(), others.to_vec());
    let (places, uid) = (attempt.places(), attempt.workspace.uid);
    let found = blocking("looking for a cache", move || {
        for scope in &shelf.scopes {
            let caches = listed(scope).map_err(tried("looking for a cache"))?;
            let Some((name, kept)) = chosen(&caches, &wanted, &others, &version) else { continue };
            if !lookup_only {
                let archive = scope.join(format!("{name}.tar"));
                put_back(&archive, &places, uid)?;
                // the one that was not used for longest goes first
                let _ = File::open(&archive).and_then(|file| file.set_modified(SystemTime::now()));
            }
            return Ok(Some(kept));
        }
        Ok(None)
    });
    let Some(kept) = found.await? else {
        attempt.log.note(&format!("there is no cache of the key `{key}`")).await;
        return Ok(Came::well([("cache-matched-key", String::new())]));
    };
    let verb = if lookup_only { "found" } else { "restored" };
    attempt.log.note(&format!("{verb} the cache `{}`, {} bytes", kept.key, kept.size)).await;
    Ok(Came::well([("cache-matched-key", kept.key)]))
}

fn put_back(archive: &Path, places: &Places, uid: u32) -> Result<(), RunnerError> {
    let file = File::open(archive).map_err(tried("opening a cache"))?;
    let roots = places.roots();
    let place = |path: &Path| {
        let mut parts = path.components();
        let index: usize = parts.next()?.as_os_str().to_str()?.parse().ok()?;
        let below = parts.as_path().to_path_buf();
        (!below.as_os_str().is_empty()).then(|| Some((roots.get(index)?.clone(), below))).flatten()
    };
    unpack_to(BufReader::new(file), &place, archive, uid).map_err(|error| other("restoring a cache", error))
}

/// Keeps files under a key.
pub(super) async fn save(attempt: &Attempt<'_>, key: &str, paths: &[String]) -> Result<Came, RunnerError> {
    let (shelf, version, places) = (Shelf::of(attempt), version(paths), attempt.places());
    let (wanted, patterns) = (key.to_owned(), paths.to_vec());
    let created = attempt.runner.hands.clock.now();
    let kept = blocking("keeping a cache", move || {
        let name = file_name(&wanted, &version);
        let known = listed(&shelf.own).map_err(tried("looking for a cache"))?;
        if known.iter().any(|(known, _)| *known == name) {
            return Ok(Err(format!("the cache `{wanted}` is kept already, and stays as it is")));
        }
        let chosen = files(&patterns, &places)?;
        if chosen.iter().all(BTreeMap::is_empty) {
            return Ok(Err(format!("nothing is kept under `{wanted}`: there are no such files")));
        }
        std::fs::create_dir_all(&shelf.own).map_err(tried("keeping a cache"))?;
        let size = write(&shelf, &name, &chosen, &places)?;
        let kept = Kept { key: wanted, version, size, created: u128::try_from(created.0).unwrap_or(0) };
        let text = serde_json::to_vec(&kept).map_err(|error| other("keeping a cache", error))?;
        std::fs::write(shelf.own.join(format!("{name}.json")), text).map_err(tried("keeping a cache"))?;
        make_room(&shelf.project).map_err(tried("removing old caches"))?;
        Ok(Ok(kept))
    });
    match kept.await? {
        Ok(kept) => attempt.log.note(&format!("kept the cache `{}`, {} bytes", kept.key, kept.size)).await,
        Err(why) => attempt.log.note(&why).await,
    }
    Ok(Came::well([]))
}

type Files = BTreeMap<PathBuf, crate::globs::Found>;

/// The files of each place that the paths name.
fn files(paths: &[String], places: &Places) -> Result<Vec<Files>, RunnerError> {
    let roots = places.roots();
    let (mut wanted, mut exclude) = (vec![Vec::new(); roots.len()], vec![Vec::new(); roots.len()]);
    for path in paths {
        let (leaves_out, path) = path.strip_prefix('!').map_or((false, path.as_str()), |rest| (true, rest.trim()));
        let path = expanded(path);
        // a path of the machine's own, such as /usr/local, is nothing that a job could have changed
        let Some((root, below)) = places.find(path.trim_end_matches('/')) else { continue };
        let Some(index) = roots.iter().position(|known| known == root) else { continue };
        let pattern = below.map_or_else(|| "**".to_owned(), |below| below.display().to_string());
        if leaves_out { exclude[index].extend([pattern.clone(), format!("{pattern}/**")]) } else { wanted[index].push(pattern) }
    }
    let each = roots.iter().zip(wanted.iter().zip(&exclude));
    each.map(|(root, (wanted, exclude))| {
        if wanted.is_empty() {
            return Ok(Files::new());
        }
        Ok(matching(root, wanted, exclude).map_err(|error| other("looking for what to cache", error))?.0)
    })
    .collect()
}

fn write(shelf: &Shelf, name: &str, files: &[Files], places: &Places) -> Result<u64, RunnerError> {
    // at its place only when it is whole
    let part = shelf.own.join(format!("{name}.part"));
    let file = File::create(&part).map_err(tried("keeping a cache"))?;
    let mut tar = tar::Builder::new(BufWriter::new(file));
    for (index, (root, files)) in places.roots().iter().zip(files).enumerate() {
        let named = |path: &Path| Path::new(&index.to_string()).join(path);
        add(&mut tar, root, files, named, true).map_err(|error| other("keeping a cache", error))?;
    }
    tar.into_inner().and_then(|mut out| out.flush()).map_err(tried("keeping a cache"))?;
    let size = std::fs::metadata(&part).map_err(tried("keeping a cache"))?.len();
    std::fs::rename(&part, shelf.own.join(format!("{name}.tar"))).map_err(tried("keeping a cache"))?;
    Ok(size)
}

/// Removes the caches that were not used for longest, until the others fit.
pub(in crate::job) fn make_room(project: &Path) -> io::Result<()> {
    let mut all = Vec::new();
    for scope in std::fs::read_dir(project)? {
        for entry in std::fs::read_dir(scope?.path())? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == "tar") {
                let found = entry.metadata()?;
                all.push((found.modified()?, found.len(), entry.path()));
            }
        }
    }
    all.sort();
    let (mut total, mut count) = (all.iter().map(|(_, size, _)| size).sum::<u64>(), all.len());
    for (_, size, path) in all {
        if total <= MAX_OF_A_PROJECT && count <= MAX_CACHES {
            break;
        }
        let _ = std::fs::remove_file(path.with_extension("json"));
        std::fs::remove_file(&path)?;
        total -= size;
        count -= 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_as_github_finds_it() {
        let one = |key: &str, created| (key.to_owned(), Kept { key: key.to_owned(), version: "v".into(), size: 1, created });
        let caches = [one("npm-1", 1), one("npm-2", 3), one("npm-2b", 2), one("npm", 9), one("pip-1", 5)];
        let find = |key: &str, others: &[&str]| {
            let others: Vec<String> = others.iter().map(|key| (*key).to_owned()).collect();
            chosen(&caches, key, &others, "v").map_or_else(String::new, |(name, _)| name)
        };
        for (key, others, expected) in [
            ("npm-1", &["npm-"][..], "npm-1"),
            ("npm-2", &[], "npm-2"),
            ("npm-3", &[], ""),
            ("npm-3", &["npm-"], "npm-2"),
            ("npm-3", &["go-", "npm", "pip-"], "npm"),
            ("pi", &[], "pip-1"),
        ] {
            assert_eq!(find(key, others), expected, "{key} {others:?}");
        }
        assert!(chosen(&caches, "npm-1", &[], "other paths").is_none());
    }
}
