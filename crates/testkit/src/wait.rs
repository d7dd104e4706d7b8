//! Waiting for a condition, by events where there are any.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Long enough for a machine that does eight other things; a condition that holds is seen at once.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Waits until `look` gives something, looking again whenever `changed` wakes.
///
/// # Panics
/// After [`LIMIT`], with what was waited for.
#[allow(clippy::panic, reason = "a test fails so")]
pub async fn until<T, F: Future<Output = Option<T>>, V: Send + Sync>(
    what: &str,
    mut changed: watch::Receiver<V>,
    mut look: impl FnMut() -> F,
) -> T {
    let waited = timeout(LIMIT, async {
        loop {
            drop(changed.borrow_and_update());
            if let Some(found) = look().await {
                return Some(found);
            }
            if changed.changed().await.is_err() {
                return None;
            }
        }
    });
    match waited.await {
        Ok(Some(found)) => found,
        Ok(None) => panic!("{what}: whoever would say so is gone"),
        Err(late) => panic!("{what}: not so after {LIMIT:?} ({late})"),
    }
}

/// Waits until `look` gives something, where there is no event: looks again every few milliseconds.
///
/// # Panics
/// After [`LIMIT`], with what was waited for and what was seen last.
#[allow(clippy::panic, reason = "a test fails so")]
pub async fn eventually<T, E: Debug, F: Future<Output = Result<T, E>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if Instant::now() > end => panic!("{what}: not so after {LIMIT:?}; last seen: {seen:?}"),
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}
