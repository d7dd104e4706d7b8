//! Artifacts of jobs, downloaded.

use std::io;
use std::path::{Component, Path, PathBuf};

use serde_json::json;
use tokio::io::AsyncRead;
use tokio_util::io::SyncIoBridge;

use super::segment;
use crate::args::Artifacts;
use crate::context::Context;
use crate::terminal::plain;
use crate::{CliError, exit};

/// The most files that are unpacked, as many as one job may keep.
const MAX_FILES: usize = 100_000;

pub(super) async fn artifacts(context: &Context, args: Artifacts) -> Result<u8, CliError> {
    let Artifacts::Get { run, job, path, name, into } = args;
    let parts: Vec<(&str, &str)> =
        [("path", path.as_deref()), ("name", name.as_deref())].into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish();
    let address = format!("/runs/{run}/jobs/{}/artifacts?{query}", segment(job.as_str()));
    let (size, bytes) = context.client()?.download(&address).await?;
    let what = format!("writing into {}", into.display());
    let written = tokio::task::spawn_blocking(move || match path {
        None => unpack(bytes, &into),
        Some(path) => one(bytes, size, &path, &into),
    });
    let written = written.await.map_err(|error| CliError::other(error.to_string(), "", exit::FAILED))?;
    let files = written.map_err(|source| CliError::Io { what, source })?;
    let shown: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    context.show(&json!({ "files": shown }), |_| shown.iter().for_each(|file| println!("{}", plain(file))));
    Ok(exit::OK)
}

/// Unpacks an archive below a directory. Jobs wrote it: nothing of it leaves the directory, and no link is followed on the way.
fn unpack(bytes: impl AsyncRead + Unpin, into: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(into)?;
    let mut archive = tar::Archive::new(SyncIoBridge::new(bytes));
    archive.set_preserve_ownerships(false);
    archive.set_overwrite(true);
    let mut files = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if files.len() >= MAX_FILES {
            return Err(io::Error::other(format!("it has more than {MAX_FILES} files")));
        }
        if !entry.unpack_in(into)? {
            return Err(io::Error::other(format!("`{}` would be outside", path.display())));
        }
        if !entry.header().entry_type().is_dir() {
            files.push(into.join(path));
        }
    }
    Ok(files)
}

/// Writes one file, which is there only when all of it is.
fn one(bytes: impl AsyncRead + Unpin, size: Option<u64>, path: &str, into: &Path) -> io::Result<Vec<PathBuf>> {
    let name = Path::new(path).components().next_back().and_then(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    let name = name.ok_or_else(|| io::Error::other(format!("`{path}` names no file")))?;
    std::fs::create_dir_all(into)?;
    let place = into.join(name);
    let part = into.join(format!(".{}.part", name.display()));
    let length = io::copy(&mut SyncIoBridge::new(bytes), &mut std::fs::File::create(&part)?)?;
    if size.is_some_and(|size| size != length) {
        std::fs::remove_file(&part)?;
        return Err(io::Error::other(format!("only {length} bytes came: the server's log says why")));
    }
    std::fs::rename(&part, &place)?;
    Ok(vec![place])
}
