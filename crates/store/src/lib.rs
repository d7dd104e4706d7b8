//! The disk: event log and leases in SQLite, blobs, job logs and secrets as files.
//!
//! The only room that knows SQL and blob files. It keeps what it is given and gives it back unchanged, or says
//! what is wrong: it knows no event's meaning, starts no process, opens no connection to anywhere. When a call
//! that writes returns, what it wrote survives a power cut (log lines, which are not events, survive the end
//! of the process and reach the disk when their log is closed), unless less was asked for: [`Durability`].
//!
//! Two servers cannot share a data directory: [`DataLock`] is taken first.

mod blobs;
mod lock;
mod log;
mod logs;
mod secrets;

/// What events and job logs survive from the moment that a call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: for whoever acts outside of the machine on what it wrote.
    PowerCut,
    /// The end of the process, however it ends. After a power cut the last of it may be missing; nothing is damaged.
    ProcessEnd,
}

pub use blobs::DirBlobs;
pub use lock::{DataLock, LockError};
pub use log::SqliteLog;
pub use logs::DirLogs;
pub use secrets::SealedSecrets;
