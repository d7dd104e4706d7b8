//! Connections that left HTTP (websockets): bytes both ways, counted as one request until both sides are done.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::counters::Ticket;

/// Joins a user's connection and a backend's once both have changed over.
pub async fn join(user: OnUpgrade, backend: OnUpgrade, ticket: Ticket) {
    let (Ok(user), Ok(backend)) = tokio::join!(user, backend) else {
        ticket.end(true);
        return;
    };
    let (mut user, mut backend) = (TokioIo::new(user), TokioIo::new(backend));
    // either side may leave without a word: that is how such connections end
    let _ = tokio::io::copy_bidirectional(&mut user, &mut backend).await;
    ticket.end(false);
}
