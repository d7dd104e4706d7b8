//! What jobs may call under their own token. The server does the work itself and signs what it saw: evidence, not exit codes.

pub(crate) mod build;
mod check;
mod layout;
mod test_image;
mod tidy;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::blob::{ByteStream, Channel, LogLine, LogSink};
use penstock_model::digest::Hasher;
use penstock_model::job::AttemptId;
use penstock_model::release::{ImageName, ImageRef};
use penstock_pipeline::TokenUse;
use tokio::sync::Mutex;

use crate::merge_requests::WITHHELD;
use crate::parts::Parts;
use crate::world::RunRecord;

/// A build that a job asks for.
#[derive(Clone, Debug)]
pub struct BuildCall {
    /// Who asks.
    pub attempt: AttemptId,
    /// The image's name within the project.
    pub image: String,
    /// The Dockerfile below the context.
    pub dockerfile: String,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
}

/// A check that a job asks for.
#[derive(Clone, Debug)]
pub struct CheckCall {
    /// Who asks.
    pub attempt: AttemptId,
    /// The tool.
    pub tool: String,
    /// The image, for checks of images.
    pub image: Option<String>,
    /// Paths below the checkout.
    pub paths: Vec<String>,
}

/// An image under test.
#[derive(Clone, Debug)]
pub struct TestImageCall {
    /// Who asks.
    pub attempt: AttemptId,
    /// The image.
    pub image: String,
    /// The container's arguments.
    pub args: Vec<String>,
    /// The time limit.
    pub timeout: Duration,
}

/// How a call ended.
#[derive(Clone, Debug, Default)]
pub struct CallDone {
    /// What the job's command exits with.
    pub exit_code: i32,
    /// Its output.
    pub output: String,
    /// Why it failed, and what to do.
    pub error: Option<String>,
}

/// What `penstock check` exits with when the tool crashed.
const CRASHED: i32 = 3;

impl CallDone {
    fn of(result: Result<(i32, String), String>) -> Self {
        match result {
            Ok((exit_code, output)) => Self { exit_code, output, error: None },
            Err(error) => Self { exit_code: CRASHED, output: String::new(), error: Some(error) },
        }
    }
}

/// A context that was received.
pub struct Received {
    folder: PathBuf,
    digest: Digest,
}

impl Drop for Received {
    fn drop(&mut self) {
        // what is left over is removed at the next start
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Hashes what is read.
struct Hashed<R> {
    stream: R,
    seen: Arc<StdMutex<Hasher>>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.stream.read(buffer)?;
        if let Ok(mut seen) = self.seen.lock() {
            seen.update(&buffer[..length]);
        }
        Ok(length)
    }
}

/// The calls, and what bounds them.
pub struct JobCalls {
    dir: PathBuf,
    sources: Mutex<()>,
    advisories: Mutex<Option<check::Advisories>>,
}

impl JobCalls {
    /// Calls that keep their files below a directory; what a dead server left there is removed.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(dir: PathBuf) -> std::io::Result<Self> {
        for name in ["contexts", "layouts", "action-contexts"] {
            let path = dir.join(name);
            if path.exists() {
                std::fs::remove_dir_all(&path)?;
            }
            std::fs::create_dir_all(&path)?;
        }
        std::fs::create_dir_all(dir.join("sources"))?;
        Ok(Self { dir, sources: Mutex::new(()), advisories: Mutex::new(None) })
    }

    /// Receives a context: a tar stream, unpacked within limits.
    ///
    /// # Errors
    /// In words for people.
    pub async fn receive(&self, parts: &Parts, context: ByteStream) -> Result<Received, String> {
        let folder = self.dir.join("contexts").join(format!("{:032x}", parts.random.bits()));
        let (unpack, target) = (parts.unpack.clone(), folder.clone());
        let stream = tokio_util::io::SyncIoBridge::new(context);
        let received = tokio::task::spawn_blocking(move || -> Result<Received, String> {
            let seen = Arc::new(StdMutex::new(Hasher::new()));
            unpack(Box::new(Hashed { stream, seen: seen.clone() }), &target)?;
            let seen = seen.lock().map_err(|error| error.to_string())?.clone();
            Ok(Received { folder: target, digest: seen.finish() })
        });
        received.await.map_err(|error| error.to_string())?
    }

    /// Builds an image, publishes it and says what it is made of and from.
    pub async fn build(&self, parts: &Parts, call: BuildCall, received: Received, log: Arc<dyn LogSink>) -> CallDone {
        if let Err(why) = allowed(parts, &call.attempt, TokenUse::Build) {
            return CallDone::of(Err(why));
        }
        let Some(_turn) = parts.builder.turn().await else { return CallDone::default() };
        CallDone::of(build::build(self, parts, &call, received, log).await.map(|image| (0, image.to_string())))
    }

    /// Has a pinned tool look at the commit or an image.
    pub async fn check(&self, parts: &Parts, call: CheckCall, log: Arc<dyn LogSink>) -> CallDone {
        if let Err(why) = allowed(parts, &call.attempt, TokenUse::Check) {
            return CallDone::of(Err(why));
        }
        CallDone::of(check::check(self, parts, &call, log).await.map(|summary| (0, summary)))
    }

    /// Runs an image of this run.
    pub async fn test_image(&self, parts: &Parts, call: TestImageCall, log: Arc<dyn LogSink>) -> CallDone {
        if let Err(why) = allowed(parts, &call.attempt, TokenUse::TestImage) {
            return CallDone::of(Err(why));
        }
        if is_outside(parts, &call.attempt) {
            return CallDone::of(Err(format!("no image is tested: {WITHHELD}")));
        }
        CallDone::of(test_image::test_image(parts, &call, log).await)
    }

    /// Removes checkouts of commits of which no run is under way; gives what went, or in a dry run would go.
    pub(crate) async fn tidy_sources(&self, parts: &Parts, dry_run: bool) -> Result<Vec<(String, u64)>, String> {
        // nobody makes one meanwhile, and whoever is to look at one belongs to a run that is under way in the world by now
        let one = self.sources.lock().await;
        let world = parts.journal.world();
        let busy = world.runs.values().filter(|record| record.ended.is_none() && record.rejected.is_none());
        let busy: BTreeSet<PathBuf> = busy.map(|record| self.source_of(record)).collect();
        let dir = self.dir.clone();
        let work = move || tidy::sources(&dir, &busy, dry_run).map_err(|error| format!("removing checkouts of commits: {error}"));
        let gone = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        drop(one);
        gone
    }

    fn source_of(&self, record: &RunRecord) -> PathBuf {
        self.dir.join("sources").join(record.project.as_str()).join(record.push.commit.as_str())
    }

    /// The commit's tree as files, read-only for whoever looks at it.
    async fn source(&self, parts: &Parts, record: &RunRecord) -> Result<PathBuf, String> {
        let path = self.source_of(record);
        let _one = self.sources.lock().await;
        if !path.is_dir() {
            let new = path.with_extension("new");
            let repository = record.project.clone().into();
            parts.git.checkout(&repository, &record.push.commit, &new, &[]).await.map_err(|error| error.to_string())?;
            std::fs::rename(&new, &path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(path)
    }
}

/// The run that a job belongs to, while it runs.
fn run_of(parts: &Parts, attempt: &AttemptId) -> Result<Arc<RunRecord>, String> {
    parts.journal.world().runs.get(&attempt.run).cloned().ok_or_else(|| format!("there is no run {}", attempt.run))
}

/// Whether a job is of a merge request from outside that nobody allowed.
fn is_outside(parts: &Parts, attempt: &AttemptId) -> bool {
    let world = parts.journal.world();
    world.runs.get(&attempt.run).is_none_or(|record| world.is_outside(record))
}

/// Whether a job's `permissions` let it have this done.
fn allowed(parts: &Parts, attempt: &AttemptId, what: TokenUse) -> Result<(), String> {
    let record = run_of(parts, attempt)?;
    let plan = record.run.as_ref().and_then(|run| run.plan());
    let permissions = plan.and_then(|plan| plan.job(&attempt.job)).and_then(|job| job.permissions.as_ref());
    permissions.map_or(Ok(()), |permissions| permissions.allow(what))
}

/// `PROJECT/NAME`.
fn image_name(record: &RunRecord, name: &str) -> Result<ImageName, String> {
    let own = name.strip_prefix(&format!("{}/", record.project)).unwrap_or(name);
    format!("{}/{own}", record.project).parse().map_err(|error| format!("{error}"))
}

/// An image that this run built.
fn built_image(record: &RunRecord, name: &str) -> Result<ImageRef, String> {
    let name = image_name(record, name)?;
    let built = record.images.get(&name).ok_or_else(|| {
        let known: Vec<_> = record.images.keys().map(ToString::to_string).collect();
        format!(
            "this run has built no image `{name}` yet (it has {}); let the job need the one that builds it",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        )
    })?;
    Ok(ImageRef { name, digest: built.digest })
}

/// Says something in the job's log.
async fn note(parts: &Parts, log: &dyn LogSink, text: impl Into<String>) {
    let line = LogLine { at: parts.journal.now(), channel: Channel::Note, text: text.into(), ends: true };
    // a job that is gone misses nothing
    let _ = log.write(vec![line]).await;
}
