//! What a child pipeline may include besides what any pipeline may: files that jobs of its parent made.

use async_trait::async_trait;
use penstock_model::blob::{BlobError, BlobStore};
use penstock_pipeline::{FileRef, Found, Source};

use super::{OnHost, Shelf, text};
use crate::effects::EffectError;
use crate::world::RunRecord;

/// The largest archive of artifacts that a file is taken from (GitLab's own bound).
const MAX_ARCHIVE: u64 = 5 << 20;

/// What a pipeline of one commit may read, and what jobs of its parent left.
pub struct InFamily<'f> {
    /// The commit's files, and others.
    pub host: OnHost<'f>,
    /// The parent; nothing is to be had from one that is not there.
    pub parent: Option<&'f RunRecord>,
    /// Where artifacts are.
    pub blobs: &'f dyn BlobStore,
}

#[async_trait]
impl Shelf for InFamily<'_> {
    type Fault = EffectError;

    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, EffectError> {
        match file {
            FileRef::Artifact { job, path } => self.artifact(job, path).await,
            _ => Ok(self.host.find(file).await?),
        }
    }
}

impl InFamily<'_> {
    async fn artifact(&self, job: &str, path: &str) -> Result<Result<Found, String>, EffectError> {
        let state = self.parent.and_then(|parent| parent.run.as_ref());
        let Some((state, name)) = state.and_then(|state| Some((state, job.parse().ok().filter(|name| state.job(name).is_some())?))) else {
            return Ok(Err(format!("the parent pipeline has no job `{job}`\nhelp: look at its spelling")));
        };
        let Some(archive) = state.report(&name).and_then(|report| report.artifacts) else {
            return Ok(Err(format!(
                "`{job}` left no artifacts\nhelp: name the file in its `artifacts: paths`, and let the job with `trigger` need it"
            )));
        };
        match self.blobs.get_bytes(archive, MAX_ARCHIVE).await {
            Ok(bytes) => Ok(member(&bytes, path).and_then(|found| match found {
                Some(bytes) => text(bytes),
                None => Err(format!("it is not among the artifacts of `{job}`\nhelp: name it in its `artifacts: paths`")),
            })),
            Err(BlobError::TooLarge { .. }) => Ok(Err(format!(
                "the artifacts of `{job}` have more than {} MiB\nhelp: let a job of its own make the file",
                MAX_ARCHIVE >> 20
            ))),
            Err(BlobError::Absent { .. }) => Ok(Err(format!("the artifacts of `{job}` are not kept any more\nhelp: run it again"))),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// A file of an archive.
fn member(archive: &[u8], path: &str) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error: std::io::Error| format!("the artifacts cannot be read: {error}\nhelp: run the job again");
    for entry in tar::Archive::new(archive).entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let found = entry.header().entry_type().is_file() && entry.path().is_ok_and(|name| name.to_str() == Some(path));
        if !found {
            continue;
        }
        if entry.size() > u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX) {
            return Err(format!("it has {} bytes; at most {} are read\nhelp: split it", entry.size(), Source::MAX_BYTES));
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).map_err(unreadable)?;
        return Ok(Some(bytes));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn a_file_is_taken_out_of_an_archive_by_its_whole_path() {
        let archive = archive(&[("a/ci.yml", "inner"), ("ci.yml", "outer")]);
        assert_eq!(member(&archive, "ci.yml").unwrap().unwrap(), b"outer");
        assert_eq!(member(&archive, "a/ci.yml").unwrap().unwrap(), b"inner");
        assert_eq!(member(&archive, "i.yml").unwrap(), None);
        assert!(member(b"no archive at all, but long enough to be looked at as one", "a").is_err_and(|why| why.contains("cannot be read")));
    }
}
