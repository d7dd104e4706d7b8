//! Bytes, for what is not HTTP: a connection goes to one group and one backend and stays there.

use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use crate::counters::Ticket;
use crate::limits::MAX_TURNS;
use crate::listener::Slot;
use crate::upstream::OpenError;

/// Joins a user's connection to a backend. Its latency is the time to the connection.
pub async fn serve(slot: &Slot, mut user: TcpStream) {
    for _ in 0..MAX_TURNS {
        let Some(route) = slot.route() else { return };
        let Some(group) = route.group() else {
            slot.registry.unrouted.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut ticket = Ticket::begin(&group.counters);
        let mut asked = false;
        for backend in group.turn() {
            let Some(visit) = backend.visit() else { continue };
            asked = true;
            match backend.connect().await {
                Ok(mut stream) => {
                    ticket.answered(visit);
                    let _ = tokio::io::copy_bidirectional(&mut user, &mut stream).await;
                    ticket.end(false);
                    return;
                }
                Err(OpenError::Refused) => {
                    slot.registry.refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::debug!(route = route.name, address = %backend.address, %error, "no connection");
                    break;
                }
            }
        }
        if asked {
            return ticket.end(true);
        }
        ticket.cancel();
    }
}
