//! Who builds now.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Builder;

/// Images that are built at the same time.
const MAX_BUILDS: usize = 2;

/// Turns to build.
pub struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(MAX_BUILDS))
    }
}

impl Turns {
    async fn one(&self) -> Option<SemaphorePermit<'_>> {
        self.0.acquire().await.ok()
    }

    async fn all(&self) -> Option<SemaphorePermit<'_>> {
        self.0.acquire_many(u32::try_from(MAX_BUILDS).unwrap_or(u32::MAX)).await.ok()
    }
}

impl Builder {
    /// Waits for a turn, which lasts until the image has a name. `None` if nobody builds any more.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.one().await
    }

    /// Lets builds end that run, and nobody begin one while this is held. `None` if they do not end in time.
    pub async fn no_builds(&self, in_time: Duration) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(in_time, self.turns.all()).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn whoever_collects_waits_for_builds_and_builds_wait_for_whoever_collects() {
        let turns = Turns::default();
        let Poll::Ready(building) = poll(&mut Box::pin(turns.one())) else { panic!("there is a turn") };
        let mut collecting = Box::pin(turns.all());
        assert!(poll(&mut collecting).is_pending(), "a build runs");
        let mut next = Box::pin(turns.one());
        assert!(poll(&mut next).is_pending(), "a later build waits its turn");
        drop(building);
        let Poll::Ready(alone) = poll(&mut collecting) else { panic!("the build has ended") };
        assert!(poll(&mut next).is_pending());
        drop(alone);
        assert!(poll(&mut next).is_ready());
    }
}
