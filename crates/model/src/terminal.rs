//! A person's terminal, lent to a job whose step failed.

use std::os::fd::OwnedFd;

use async_trait::async_trait;
use tokio_util::sync::DropGuard;

use crate::job::AttemptId;

/// Whoever sits at the terminal.
#[async_trait]
pub trait Terminal: Send + Sync {
    /// Waits until nobody has the terminal: no job begins while somebody looks into one that failed.
    async fn free(&self);

    /// Asks for the terminal, for a shell in this attempt, and waits until it is this one's turn. Gives nothing if nobody is
    /// there any more.
    async fn lend(&self, attempt: &AttemptId, step: &str) -> Option<Loan>;
}

/// A terminal, for as long as one shell is open.
pub struct Loan {
    /// The shell's standard input, output and error, and its controlling terminal. It is a terminal of its own, so that
    /// nothing in the job can type into the person's.
    pub tty: OwnedFd,
    /// What kind it is (`TERM`).
    pub kind: String,
    /// Whoever lent it takes it back when this goes.
    pub open: DropGuard,
}
