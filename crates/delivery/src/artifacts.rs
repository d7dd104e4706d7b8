//! Artifacts of jobs for people: who may download them, and the stream.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use penstock_model::Digest;
use penstock_model::blob::ByteStream;
use penstock_model::job::{ArtifactAccess, JobReport};
use penstock_model::{JobName, RunId};
use tokio_util::io::SyncIoBridge;

use crate::events::Role;
use crate::orders::OrderError;
use crate::parts::Parts;
use crate::world::World;

/// Between whoever looks for a file and whoever gets it.
const BUFFER: usize = 256 * 1024;

/// What somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The name under which a step kept an artifact by itself; `None` is what the job's `artifacts` keep.
    pub name: Option<String>,
    /// One file of it; `None` is the whole archive.
    pub path: Option<String>,
}

/// Bytes that were asked for.
pub struct Download {
    /// What a file with them is called.
    pub file_name: String,
    /// How many there are, if that is known.
    pub size: Option<u64>,
    /// A tar archive, or the content of one file.
    pub bytes: ByteStream,
}

/// Why somebody gets none.
#[derive(Debug, thiserror::Error)]
pub enum NoDownload {
    /// They may not.
    #[error("{0}")]
    Forbidden(String),
    /// There is none, or a hand failed.
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// Who may download what a job left, as its file says.
pub fn access(world: &World, run: &RunId, job: &JobName) -> ArtifactAccess {
    let plan = world.runs.get(run).and_then(|record| record.run.as_ref()?.plan());
    plan.and_then(|plan| plan.job(job)).map(|job| job.artifacts.access).unwrap_or_default()
}

/// Whether somebody with this role may download them.
pub fn may(role: Role, access: ArtifactAccess) -> bool {
    match access {
        ArtifactAccess::All => true,
        ArtifactAccess::Developer => role >= Role::Developer,
        ArtifactAccess::Maintainer => role >= Role::Admin,
        ArtifactAccess::None => false,
    }
}

/// Opens what a job's last attempt left, for somebody who has this role.
///
/// # Errors
/// There is no such thing, it is not kept any more, or whoever asks may not have it.
pub async fn open(parts: &Parts, role: Role, run: &RunId, job: &JobName, wanted: &Wanted) -> Result<Download, NoDownload> {
    let world = parts.journal.world();
    let record = world.runs.get(run).ok_or_else(|| OrderError::Absent(format!("run {run}")))?;
    let left = record.times.get(job).and_then(|times| times.report.as_ref());
    let left = left.ok_or_else(|| OrderError::Absent(format!("job `{job}` of run {run} that has ended")))?;
    let access = access(&world, run, job);
    if !may(role, access) {
        let who = match access {
            ArtifactAccess::Maintainer => "for administrators alone",
            ArtifactAccess::None => "for later jobs alone",
            ArtifactAccess::All | ArtifactAccess::Developer => "for developers alone",
        };
        return Err(NoDownload::Forbidden(format!("the artifacts of `{job}` are {who}: the pipeline file says so")));
    }
    let (digest, stem) = chosen(left, job, wanted)?;
    let gone = || OrderError::Refused {
        why: format!("the artifacts of `{job}` are not kept any more"),
        hint: "they went with the time that the file gives (`expire_in`) or by `penstock gc`; `penstock retry` makes them anew".to_owned(),
    };
    let size = parts.blobs.size(digest).await.map_err(|error| OrderError::Failed(error.into()))?.ok_or_else(gone)?;
    let bytes = parts.blobs.get(digest).await.map_err(|error| OrderError::Failed(error.into()))?;
    match &wanted.path {
        None => Ok(Download { file_name: format!("{stem}.tar"), size: Some(size), bytes }),
        Some(path) => Ok(file(bytes, path).await?),
    }
}

/// Which archive it is, and what a file of it is called.
fn chosen(left: &JobReport, job: &JobName, wanted: &Wanted) -> Result<(Digest, String), OrderError> {
    let safe = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).take(100).collect()
    };
    match &wanted.name {
        None => {
            let digest = left.artifacts.ok_or_else(|| OrderError::Absent(format!("artifact of job `{job}`")))?;
            Ok((digest, safe(job.as_str())))
        }
        Some(name) => {
            let kept = left.kept.iter().find(|kept| kept.name == *name);
            let kept = kept.ok_or_else(|| OrderError::Absent(format!("artifact `{name}` of job `{job}`")))?;
            Ok((kept.digest, safe(name)))
        }
    }
}

/// One file of an archive, as a stream.
async fn file(bytes: ByteStream, wanted: &str) -> Result<Download, OrderError> {
    let absent = || OrderError::Absent(format!("file `{}` among these artifacts", wanted.chars().take(200).collect::<String>()));
    let path = plain(wanted).ok_or_else(absent)?;
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file").to_owned();
    let (reader, writer) = tokio::io::duplex(BUFFER);
    let (told, heard) = tokio::sync::oneshot::channel();
    // what is cut off by a fault is shorter than what was told, which whoever reads it sees
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(SyncIoBridge::new(bytes), &path, told, SyncIoBridge::new(writer)) {
            tracing::warn!(%error, "a file of artifacts could not be sent whole");
        }
    });
    let size = heard.await.map_err(|_| absent())?;
    Ok(Download { file_name, size: Some(size), bytes: Box::pin(reader) })
}

/// Looks for a file, tells its size, and sends it. Without one nothing is told.
fn send(
    archive: impl Read,
    path: &Path,
    told: tokio::sync::oneshot::Sender<u64>,
    mut out: SyncIoBridge<tokio::io::DuplexStream>,
) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() && plain(&entry.path()?.to_string_lossy()).as_deref() == Some(path) {
            // nobody may be waiting any more
            let _ = told.send(entry.size());
            std::io::copy(&mut entry, &mut out)?;
            return out.shutdown();
        }
    }
    Ok(())
}

/// A path below the archive's top, without what says nothing.
fn plain(path: &str) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!clean.as_os_str().is_empty()).then_some(clean)
}
