//! Removes what nothing needs: images, blobs, what builds keep, unpacked layers, logs and artifacts of old runs, old
//! checkouts. Never what an environment runs or a way back needs, never what is under way, never a statement.
//!
//! What stays is decided by [`needed()`], a pure look at the world. The hands carry it out, each in a way that nobody loses
//! what they have just stored or are about to count on:
//!
//! - nothing goes that was stored within the last hour ([`MIN_AGE`]); a blob's age is looked at and the blob removed in one
//!   step, so that one that is stored again at that moment stays;
//! - no image is built while bytes and layers go: builds that run end first, later ones wait;
//! - the registry is held while bytes go: nobody links a manifest or a blob between the look at what is reachable and the removal. A push
//!   that is under way waits for seconds; what it has pushed so far is linked, and stays for a day without a manifest;
//! - a running job holds its checkout, a container its layers, a writer its log.
//!
//! A dry run holds nothing up and removes nothing.

mod carry_out;
mod event;
mod needed;

use std::sync::Arc;
use std::time::Duration;

use penstock_model::UserName;
use penstock_model::ids::Actor;

use crate::calls::JobCalls;
use crate::effects::EffectError;
use crate::events::Role;
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::streams;

use carry_out::{Held, carry_out};

pub use event::CollectionEvent;
pub use needed::{MIN_AGE, Needed, commits_in_force, needed};

/// How long builds that run are waited for before what they may need is collected.
const BUILDS_END: Duration = Duration::from_secs(60);
/// A day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sorts of things that go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A manifest of the registry. Its bytes are among the blobs.
    Image,
    /// Bytes of the store.
    Blob,
    /// What a build kept of a step. Its layer is among the blobs.
    BuildResult,
    /// A layer as containers use it.
    Layer,
    /// The log of a job.
    Log,
    /// A checkout with its caches.
    Checkout,
}

impl Kind {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Blob => "blob",
            Self::BuildResult => "build-result",
            Self::Layer => "layer",
            Self::Log => "log",
            Self::Checkout => "checkout",
        }
    }
}

/// A thing that went, or would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// What sort of thing.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What went, or would go.
    pub gone: Vec<Gone>,
    /// How many blobs stay.
    pub kept: u64,
}

impl Outcome {
    /// The bytes of all.
    pub fn bytes(&self) -> u64 {
        self.gone.iter().map(|gone| gone.bytes).sum()
    }
}

/// Removes what nothing needs and what is older than so many days; in a dry run only says what would go. It goes on to its
/// end whether its caller waits or not.
///
/// # Errors
/// When somebody else than an administrator asks, when it is not known what is needed, or when a build does not end. When a
/// hand fails some of it is done, and the rest is found again the next time.
pub async fn collect(parts: Arc<Parts>, calls: Arc<JobCalls>, by: UserName, days: u32, dry_run: bool) -> Result<Outcome, OrderError> {
    let may = parts.journal.world().users.get(&by).is_some_and(|user| user.role == Role::Admin);
    if !may {
        return refused(format!("{by} is no administrator, and this names and removes what everybody left"), "ask an administrator");
    }
    let work = tokio::spawn(async move {
        if dry_run {
            let mut outcome = Outcome::default();
            carry_out(&parts, &calls, DAY * days, None, &mut outcome).await?;
            return Ok(outcome);
        }
        let Some(builds) = parts.builder.no_builds(BUILDS_END).await else {
            return refused("an image is being built, or another collection is under way", "try again when it is done");
        };
        let held = Held { builds, registry: parts.registry.hold().await };
        for_good(&parts, &calls, by, days, held).await
    });
    work.await.map_err(|error| EffectError::Other(format!("collecting ended without a result: {error}")))?
}

/// The same in the data of `penstock run`, which is its caller's own: what is older than `keep` goes.
///
/// # Errors
/// When it is not known what is needed, or a hand fails.
pub async fn collect_own(parts: &Parts, calls: &JobCalls, keep: Duration) -> Result<Outcome, OrderError> {
    let mut outcome = Outcome::default();
    if let Some(builds) = parts.builder.no_builds(BUILDS_END).await {
        let held = Held { builds, registry: parts.registry.hold().await };
        carry_out(parts, calls, keep, Some(held), &mut outcome).await?;
    }
    Ok(outcome)
}

async fn for_good(parts: &Parts, calls: &JobCalls, by: UserName, days: u32, held: Held<'_>) -> Result<Outcome, OrderError> {
    let (stream, actor) = (streams::collections(), Actor::User(by));
    parts.journal.record(&stream, actor.clone(), CollectionEvent::Ordered { days }).await?;
    let mut outcome = Outcome::default();
    let result = carry_out(parts, calls, DAY * days, Some(held), &mut outcome).await;
    let failed = result.as_ref().err().map(|error| crate::chain(error));
    let event = CollectionEvent::Collected { things: outcome.gone.len() as u64, bytes: outcome.bytes(), failed };
    parts.journal.record(&stream, actor, event).await?;
    result.map(|()| outcome)
}
