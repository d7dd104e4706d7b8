//! Artifacts that a step keeps and fetches by name.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use penstock_model::Digest;
use penstock_model::job::{Fetch, KeptArtifact, RunnerError};
use tokio_util::io::SyncIoBridge;

use super::Came;
use crate::archive::{MAX_ARCHIVE, add, unpack_to};
use crate::globs::{Found, matching};
use crate::job::Attempt;
use crate::runner::{blocking, other};

/// Between the packer and the store.
const BUFFER: usize = 256 * 1024;
/// Artifacts that one job may keep (GitHub's own bound).
const MAX_OF_A_JOB: usize = 500;

/// What patterns mean on the machine: one directory, and patterns below it.
struct Wanted {
    root: PathBuf,
    patterns: Vec<String>,
    exclude: Vec<String>,
    /// The folder that is the archive's root, as far as the patterns tell.
    above: PathBuf,
}

/// Keeps files under a name.
pub(super) async fn keep(attempt: &Attempt<'_>, name: &str, paths: &[String], hidden: bool, overwrite: bool) -> Result<Came, RunnerError> {
    let what = || format!("keeping the artifact `{name}`");
    if !overwrite && attempt.known_artifacts().iter().any(|known| known.name == name) {
        return Err(other(what(), "the run has an artifact of this name already: choose another, or set `overwrite: true`"));
    }
    if attempt.known_artifacts().len() >= MAX_OF_A_JOB {
        return Err(other(what(), format!("the run has {MAX_OF_A_JOB} artifacts already")));
    }
    let wanted = wanted(attempt, paths).map_err(|why| other(what(), why))?;
    let looked = blocking("looking for artifacts", move || {
        let (found, leaving) =
            matching(&wanted.root, &wanted.patterns, &wanted.exclude).map_err(|error| other("looking for artifacts", error))?;
        Ok((wanted, found, leaving))
    });
    let (wanted, mut files, leaving) = looked.await?;
    files.retain(|path, kind| *kind != Found::Directory && (hidden || !is_hidden(path, &wanted.patterns)));
    for path in leaving {
        attempt.log.note(&format!("##[warning]not kept: {} is a link that leads out of the job's files", path.display())).await;
    }
    if files.is_empty() {
        return Ok(Came::well([]));
    }
    let count = files.len();
    let above = root_of(&wanted, &files);
    let root = wanted.root.clone();
    let (reader, writer) = tokio::io::duplex(BUFFER);
    let writer = SyncIoBridge::new(writer);
    let packing = blocking("packing artifacts", move || {
        let named = |path: &Path| path.strip_prefix(&above).unwrap_or(path).to_path_buf();
        let failed = |error| other("packing artifacts", error);
        let mut tar = tar::Builder::new(BufWriter::with_capacity(BUFFER, writer));
        add(&mut tar, &root, &followed(files), named, false).map_err(failed)?;
        tar.into_inner().and_then(|mut out| out.flush()).map_err(|error| other("packing artifacts", error))
    });
    let (packed, stored) = tokio::join!(packing, attempt.runner.hands.blobs.put(Box::pin(reader), None, 2 * MAX_ARCHIVE));
    packed?;
    let (digest, size) = stored.map_err(|error| other(what(), error))?;
    let id = number(attempt, name);
    attempt.log.note(&format!("kept {count} files, {size} bytes, as `{name}` ({})", digest.short())).await;
    attempt.left.keep(KeptArtifact { name: name.to_owned(), id: id.clone(), digest, size });
    Ok(Came::well([("artifact-id", id), ("artifact-digest", digest.hex())]))
}

/// Files that are links are kept as what they lead to, as far as that is below the same folder.
fn followed(files: BTreeMap<PathBuf, Found>) -> BTreeMap<PathBuf, Found> {
    files.into_iter().filter(|(_, kind)| matches!(kind, Found::File { .. } | Found::Link(_))).collect()
}

/// A number that stands for an artifact wherever a number is expected.
fn number(attempt: &Attempt<'_>, name: &str) -> String {
    let id = &attempt.spec.id;
    let digest = Digest::of(format!("{}\0{}\0{}\0{name}", id.run, id.job, id.attempt));
    let number = u64::from_str_radix(&digest.hex()[..8], 16).unwrap_or_default();
    (1_000_000_000 + number).to_string()
}

/// As GitHub's globs have it, a hidden file or folder, and whatever is in it.
fn is_hidden(path: &Path, patterns: &[String]) -> bool {
    // what a pattern names literally on the way is not looked for, so it is not hidden
    let literal = |pattern: &String| {
        let fixed =
            Path::new(pattern).components().take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '['])).count();
        fixed.saturating_sub(1)
    };
    let skip = patterns.iter().map(literal).min().unwrap_or(0);
    path.components().skip(skip).any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
}

/// The folder that the archive starts at: the file's own for one file, otherwise the deepest that all paths have in common.
fn root_of(wanted: &Wanted, files: &BTreeMap<PathBuf, Found>) -> PathBuf {
    match files.keys().next() {
        Some(only) if files.len() == 1 && *only == wanted.above => only.parent().unwrap_or(Path::new("")).to_path_buf(),
        _ => wanted.above.clone(),
    }
}

fn wanted(attempt: &Attempt<'_>, paths: &[String]) -> Result<Wanted, String> {
    let places = attempt.places();
    let (mut root, mut patterns, mut exclude) = (None::<PathBuf>, Vec::new(), Vec::new());
    for path in paths {
        let (leaves_out, path) = path.strip_prefix('!').map_or((false, path.as_str()), |rest| (true, rest.trim()));
        let path = expanded(path);
        let refused = || format!("`{path}` is no place whose files a job can keep: only its checkout, its home and /tmp are");
        let (place, below) = places.find(path.trim_end_matches('/')).ok_or_else(refused)?;
        if *root.get_or_insert_with(|| place.to_path_buf()) != place {
            return Err("files of the checkout and of other places cannot be one artifact: keep two".to_owned());
        }
        let pattern = below.map_or_else(|| "**".to_owned(), |below| below.display().to_string());
        if leaves_out {
            exclude.extend([pattern.clone(), format!("{pattern}/**")]);
        } else {
            patterns.push(pattern);
        }
    }
    let root = root.filter(|_| !patterns.is_empty()).ok_or("no path says what to keep")?;
    let above = in_common(&patterns);
    Ok(Wanted { root, patterns, exclude, above })
}

/// `~` is the job's home.
pub(super) fn expanded(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", crate::sandbox::HOME),
        _ => path.to_owned(),
    }
}

/// The deepest folder above all patterns; for one pattern what it names literally.
fn in_common(patterns: &[String]) -> PathBuf {
    let literal = |pattern: &String| -> PathBuf {
        Path::new(pattern).components().take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{'])).collect()
    };
    let mut all = patterns.iter().map(literal);
    let Some(first) = all.next() else { return PathBuf::new() };
    all.fold(first, |common, other| common.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect())
}

/// Puts artifacts where the job finds them.
pub(super) async fn fetch(attempt: &Attempt<'_>, which: &Fetch, into: &str, merge: bool) -> Result<Came, RunnerError> {
    let what = || "fetching artifacts".to_owned();
    let known = attempt.known_artifacts();
    let names = || known.iter().map(|one| format!("`{}`", one.name)).collect::<Vec<_>>().join(", ");
    let (chosen, apart): (Vec<&KeptArtifact>, bool) = match which {
        Fetch::Name(name) => {
            let one = known.iter().find(|one| one.name == *name).ok_or_else(|| {
                let there =
                    if known.is_empty() { "there is none yet: let this job need the one that keeps it".to_owned() } else { names() };
                other(what(), format!("the run has no artifact `{name}`; known are {there}"))
            })?;
            (vec![one], false)
        }
        Fetch::Ids(ids) => {
            let missing = ids.iter().find(|id| !known.iter().any(|one| one.id == **id));
            if let Some(missing) = missing {
                return Err(other(what(), format!("the run has no artifact with the id {missing}")));
            }
            (known.iter().filter(|one| ids.contains(&one.id)).collect(), ids.len() > 1)
        }
        Fetch::Pattern(pattern) => {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| other(what(), error))?.compile_matcher();
            (known.iter().filter(|one| glob.is_match(&one.name)).collect(), true)
        }
        Fetch::All => (known.iter().collect(), true),
    };
    let into = expanded(into);
    let refused = || other(what(), format!("`{into}` is no place of the job: use its checkout, its home or /tmp"));
    let places = attempt.places();
    let (root, below) = places.find(into.trim_end_matches('/')).ok_or_else(refused)?;
    for one in &chosen {
        let mut below = below.clone().unwrap_or_default();
        if apart && !merge {
            below.push(&one.name);
        }
        unpacked(attempt, one, root.to_path_buf(), below).await?;
        attempt.log.note(&format!("fetched `{}` ({}, {} bytes)", one.name, one.digest.short(), one.size)).await;
    }
    if chosen.is_empty() {
        attempt.log.note("no artifact of the run matches").await;
    }
    let path = if into.starts_with('/') { into } else { format!("{}/{into}", attempt.checkout()) };
    Ok(Came::well([("download-path", path)]))
}

async fn unpacked(attempt: &Attempt<'_>, one: &KeptArtifact, root: PathBuf, below: PathBuf) -> Result<(), RunnerError> {
    let what = format!("unpacking the artifact `{}`", one.name);
    let stream = attempt.runner.hands.blobs.get(one.digest).await.map_err(|error| other(what.clone(), error))?;
    let (bridge, uid) = (SyncIoBridge::new(stream), attempt.workspace.uid);
    blocking("unpacking artifacts", move || {
        let place = |path: &Path| Some((root.clone(), below.join(path)));
        unpack_to(bridge, &place, &root, uid).map_err(|error| other(what, error))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn an_archive_starts_at_what_its_paths_have_in_common() {
        for (patterns, expected) in [
            (&["dist"][..], "dist"),
            (&["dist/**/*.js"], "dist"),
            (&["dist/a.js"], "dist/a.js"),
            (&["a/b/c", "a/b/d/*"], "a/b"),
            (&["a", "b"], ""),
            (&["*.log"], ""),
        ] {
            assert_eq!(in_common(&texts(patterns)), PathBuf::from(expected), "{patterns:?}");
        }
    }

    #[test]
    fn hidden_is_what_is_found_and_not_what_is_named_on_the_way() {
        for (path, pattern, expected) in [
            ("dist/.env", "dist", true),
            ("dist/.cache/x", "dist/**", true),
            (".next/x", ".next", true),
            (".next/build/x", ".next/build", false),
            ("dist/x", "dist", false),
        ] {
            assert_eq!(is_hidden(Path::new(path), &texts(&[pattern])), expected, "{path} of {pattern}");
        }
    }
}
