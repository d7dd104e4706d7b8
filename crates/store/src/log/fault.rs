//! What went wrong with the database, and what to do about it.

use penstock_model::event::Position;
use penstock_model::log::LogError;

/// Why a command did not come through: refused by a rule, or by the database (then its whole batch is undone).
pub(super) enum Fault {
    Refused(LogError),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}
impl From<LogError> for Fault {
    fn from(error: LogError) -> Self {
        Self::Refused(error)
    }
}

/// A failure of the database, with what to do.
pub(super) fn unavailable(doing: &str, error: sqlx::Error) -> LogError {
    LogError::Unavailable { what: format!("{doing}: {error}{}", advice(&error)), source: Box::new(error) }
}

/// The same failure for each command of a batch that was undone.
pub(super) fn undone(error: &sqlx::Error) -> LogError {
    let what = format!("writing: {error}{}; nothing of this append was kept", advice(error));
    LogError::Unavailable { what, source: Box::new(std::io::Error::other(error.to_string())) }
}

/// Something the caller did that the log does not take.
pub(super) fn unfit(what: String) -> LogError {
    LogError::Unavailable { source: Box::new(std::io::Error::new(std::io::ErrorKind::InvalidInput, what.clone())), what }
}

/// The writer is gone.
pub(super) fn ended() -> LogError {
    unfit("the event log is closed".to_owned())
}

pub(super) fn broken(position: Position, what: impl Into<String>) -> LogError {
    LogError::Broken { position, what: what.into() }
}

/// What to do about it, by SQLite's primary result code (<https://sqlite.org/rescode.html>).
fn advice(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => "; another process holds the database: stop it (a second server, a database browser, a backup) and try again",
        Some(8) => "; give the server's user the right to write to the file and its directory, or mount the disk read-write",
        Some(10) => "; the disk fails: look at the kernel's messages, and restore from a backup if it stays so",
        Some(11 | 26) => "; the file is damaged or is not an event log: restore it from a backup",
        Some(13) => "; the disk is full: free some space (`penstock gc` removes what nothing needs) and try again",
        Some(14) => "; make the directory, and give the server's user the right to write there",
        _ => "",
    }
}
