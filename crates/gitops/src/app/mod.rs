//! An Application's state machine: whether what Git wants may be carried out now, and what became of it.
//!
//! Whoever drives it looks (Git's revision, the plan against what lives, the health), decides, appends, and carries out
//! what [`wanted`] says. A revision that was refused is never wanted, whatever Git, self-heal or a retry say.

mod decide;
mod event;
mod state;

pub use decide::{Command, HEAL_PAUSE, Look, MAX_ATTEMPTS, RETRY_FIRST, RETRY_MOST, Refusal, SYNC_TIMEOUT, decide, next_look, wanted};
pub use event::{AppEvent, Reason, stream};
pub use state::{AppState, Phase, SyncedTo};
