//! Tag releases: what jobs of GitLab files publish about tags (`release`). They deliver nothing.
//!
//! A job makes one after its script has succeeded, in the name of whoever started the pipeline: first the tag, where there is
//! none, then the record. Whoever dies between the two finds the tag and goes on; whoever dies after the record finds its own.

use std::collections::BTreeMap;

use penstock_model::git::{GitError, NewTag};
use penstock_model::ids::Actor;
use penstock_model::job::{AttemptId, EnvValue, JobEnd, JobReport};
use penstock_model::tag_release::{DESCRIPTION_FILE, TagRelease};
use penstock_model::{CommitId, RepositoryName, Timestamp, UserName};
use penstock_pipeline::{PlannedJob, WantedTagRelease};
use tokio::io::AsyncReadExt;

use crate::effects::EffectError;
use crate::events::{ProjectEvent, Role};
use crate::merge_requests::WITHHELD;
use crate::orders;
use crate::parts::Parts;
use crate::streams;
use crate::world::{RunRecord, World};

/// The largest file that is read for a description; what is larger than a description may be is told by whoever fills it in.
const MAX_FILE: u64 = 1 << 20;

/// A tag release as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagReleaseRecord {
    /// What was published.
    pub release: TagRelease,
    /// The commit that the tag named.
    pub commit: CommitId,
    /// By which attempt of a job.
    pub by: AttemptId,
    /// In whose name.
    pub who: UserName,
    /// When.
    pub at: Timestamp,
}

/// Makes the tag release of a job that has succeeded. Gives what the job's log is to say of it; an error fails the job.
///
/// # Errors
/// When a hand fails; the inner one is why nothing was published, in words for people.
pub(crate) async fn publish(
    parts: &Parts,
    record: &RunRecord,
    planned: &PlannedJob,
    id: &AttemptId,
    env: &BTreeMap<String, EnvValue>,
    report: &mut JobReport,
) -> Result<Option<Result<String, String>>, EffectError> {
    let file = description(parts, report).await?;
    if report.end != (JobEnd::Exited { code: 0 }) {
        return Ok(None);
    }
    let wanted = match penstock_pipeline::tag_release(planned, env, file) {
        None => return Ok(None),
        Some(Err(why)) => return Ok(Some(Err(why))),
        Some(Ok(wanted)) => wanted,
    };
    made(parts, record, id, wanted).await.map(Some)
}

/// What the file says that the description may name; nobody else needs that file.
async fn description(parts: &Parts, report: &mut JobReport) -> Result<Option<String>, EffectError> {
    let Some(at) = report.reports.iter().position(|file| file.kind == DESCRIPTION_FILE) else { return Ok(None) };
    let file = report.reports.remove(at);
    let mut bytes = Vec::new();
    let stream = parts.blobs.get(file.digest).await?;
    stream.take(MAX_FILE).read_to_end(&mut bytes).await.map_err(|error| EffectError::Other(format!("{}: {error}", file.path)))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

async fn made(parts: &Parts, record: &RunRecord, id: &AttemptId, wanted: WantedTagRelease) -> Result<Result<String, String>, EffectError> {
    let (repository, tag, who) = (RepositoryName::from(record.project.clone()), wanted.release.tag.clone(), &record.push.pusher);
    let reference = format!("refs/tags/{tag}");
    let there = parts.git.resolve(&repository, &reference).await?;
    let commit = match &there {
        Some(commit) => commit.clone(),
        None => match place(parts, record, &repository, wanted.reference.as_deref()).await? {
            Ok(commit) => commit,
            Err(why) => return Ok(Err(why)),
        },
    };
    if record.is_local() {
        let tag_too = if there.is_none() { ", and make the tag" } else { "" };
        return Ok(Ok(format!("a server would publish the tag release `{tag}` of {} here{tag_too}", commit.short())));
    }
    let world = parts.journal.world();
    if world.is_outside(record) {
        return Ok(Err(format!("no tag release is published: {WITHHELD}")));
    }
    if world.users.get(who).is_none_or(|user| user.role < Role::Developer) {
        let why = format!("{who} may not publish tag releases: they are made in the name of whoever started the pipeline");
        return Ok(Err(format!("{why}\nhelp: let a developer push, or start it with `penstock start`")));
    }
    let known = world.projects.get(&record.project).and_then(|project| project.tag_releases.get(&tag));
    if let Some(known) = known.filter(|_| there.is_some()) {
        return Ok(already(known, id, &wanted.release));
    }
    if there.is_none() {
        let new =
            NewTag { name: tag.clone(), commit: commit.clone(), message: wanted.tag_message, by: who.clone(), at: parts.journal.now() };
        match parts.git.create_tag(&repository, &new).await {
            // whoever was faster made another one, perhaps: it counts as it is
            Ok(_) => {}
            Err(GitError::Failed { stderr, .. }) => return Ok(Err(format!("the tag `{tag}` cannot be made: {stderr}"))),
            Err(error) => return Err(error.into()),
        }
    }
    let commit = parts.git.resolve(&repository, &reference).await?.unwrap_or(commit);
    let event =
        ProjectEvent::TagReleased { release: Box::new(wanted.release.clone()), commit: commit.clone(), by: id.clone(), who: who.clone() };
    let decide = |world: &World, _| {
        let now_known = world.projects.get(&record.project).and_then(|project| project.tag_releases.get(&tag));
        if now_known == known { vec![event] } else { Vec::new() }
    };
    let events = parts.journal.change(&streams::project(&record.project), Actor::User(who.clone()), decide).await?;
    if events.is_empty() {
        let world = parts.journal.world();
        let known = world.projects.get(&record.project).and_then(|project| project.tag_releases.get(&tag));
        return Ok(
            known.map_or_else(|| Err(format!("there is no project {}", record.project)), |known| already(known, id, &wanted.release))
        );
    }
    // as at GitLab: a tag that is made this way starts its pipeline; the next start finds one that was not answered
    if let Err(error) = orders::pushed(parts, &record.project, who, &reference, &commit).await {
        tracing::warn!(%reference, %error, "a tag that a job made starts no run yet");
    }
    Ok(Ok(format!("published the tag release `{tag}` of {}", commit.short())))
}

/// What a job hears whose tag has a tag release: its own, of an attempt that nobody heard the end of or that was tried again, is
/// no failure.
fn already(known: &TagReleaseRecord, id: &AttemptId, wanted: &TagRelease) -> Result<String, String> {
    let (tag, by) = (&wanted.tag, &known.by);
    if (&by.run, &by.job) == (&id.run, &id.job) && known.release == *wanted {
        return Ok(format!("the tag release `{tag}` is there already: attempt {} of this job made it", by.attempt));
    }
    Err(format!(
        "there is a tag release `{tag}` already: {}/{} made it at {}\nhelp: name another tag, or let the job run for new tags alone",
        by.run,
        by.job,
        known.at.rfc3339()
    ))
}

/// The commit where a tag is made.
async fn place(
    parts: &Parts,
    record: &RunRecord,
    repository: &RepositoryName,
    reference: Option<&str>,
) -> Result<Result<CommitId, String>, EffectError> {
    let Some(name) = reference else { return Ok(Ok(record.push.commit.clone())) };
    for full in [name.to_owned(), format!("refs/heads/{name}"), format!("refs/tags/{name}")] {
        if full.starts_with("refs/")
            && let Some(commit) = parts.git.resolve(repository, &full).await?
        {
            return Ok(Ok(commit));
        }
    }
    if let Ok(commit) = name.parse::<CommitId>() {
        match parts.git.commit(repository, &commit).await {
            Ok(_) => return Ok(Ok(commit)),
            Err(GitError::Absent { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Err(format!("there is no branch, tag or commit `{name}` to make the tag at (`release: ref`)")))
}
