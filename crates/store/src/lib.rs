//! The disk: event log and leases in SQLite, blobs, job logs and secrets as files.
//!
//! The only room that knows SQL and blob files. It keeps what it is given and gives it back unchanged, or says
//! what is wrong: it knows no event's meaning, starts no process, opens no connection to anywhere. When a call
//! that writes returns, what it wrote survives a power cut (log lines, which are not events, survive the end
//! of the process and reach the disk when their log is closed).
//!
//! Two servers cannot share a data directory: [`DataLock`] is taken first.

mod blobs;
mod lock;
mod log;
mod logs;
mod secrets;

pub use blobs::DirBlobs;
pub use lock::{DataLock, LockError};
pub use log::SqliteLog;
pub use logs::DirLogs;
pub use secrets::SealedSecrets;
