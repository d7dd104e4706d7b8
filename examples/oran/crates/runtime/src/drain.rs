//! The life of a service: starting, ready, draining, stopped.
//!
//! A service that is told to stop first says that it is not ready, goes on serving for a moment so that whoever
//! routes to it can look elsewhere, then takes no new connections and ends what is under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long requests under way may take after the service stopped listening.
pub const GRACE: Duration = Duration::from_secs(8);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Starting,
    Ready,
    Draining,
    Stopped,
}

/// How long an answer that is a stream may go on after the service stopped listening. Less than [`GRACE`], so that a stream
/// ends in an orderly way.
pub const STREAM_GRACE: Duration = Duration::from_secs(5);

/// Where a service is in its life. Copies are the same life.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<watch::Sender<Phase>>);

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Starting)))
    }
}

impl Lifecycle {
    /// The service can take requests.
    pub fn ready(&self) {
        self.advance(Phase::Ready);
    }

    /// Whether the service wants to be sent requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.0.borrow() == Phase::Ready
    }

    /// The service is to end: it listens no more, and ends what is under way.
    pub fn stop(&self) {
        self.advance(Phase::Stopped);
    }

    /// Ends when the service drains: it still serves, but is not ready any more.
    pub async fn draining(self) {
        self.reached(Phase::Draining).await;
    }

    /// Ends when the service is to listen no more.
    pub async fn stopped(self) {
        self.reached(Phase::Stopped).await;
    }

    /// Ends when streams under way have had [`STREAM_GRACE`] to finish.
    pub async fn streams_over(self) {
        self.stopped().await;
        tokio::time::sleep(STREAM_GRACE).await;
    }

    /// Ends when the requests under way have had [`GRACE`] to finish.
    pub async fn out_of_grace(self) {
        self.stopped().await;
        tokio::time::sleep(GRACE).await;
    }

    /// Drains and stops on SIGTERM or SIGINT; a second signal does not wait.
    pub(crate) async fn follow_signals(self, delay: Duration) {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::error!("signals cannot be followed: the service will not drain");
            return;
        };
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("draining");
        self.advance(Phase::Draining);
        tokio::select! { () = tokio::time::sleep(delay) => {}, _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        self.stop();
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| {
            let further = to > *phase;
            if further {
                *phase = to;
            }
            further
        });
    }

    async fn reached(self, wanted: Phase) {
        // The sender lives as long as `self`, so waiting cannot fail.
        drop(self.0.subscribe().wait_for(|phase| *phase >= wanted).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_service_that_stops_is_never_ready_again() {
        let life = Lifecycle::default();
        assert!(!life.is_ready());
        life.ready();
        assert!(life.is_ready());
        life.stop();
        life.ready();
        assert!(!life.is_ready());
        life.clone().draining().await;
        life.stopped().await;
    }
}
