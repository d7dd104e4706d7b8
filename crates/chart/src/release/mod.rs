//! What becomes of a rendered chart: manifests in order, hooks, notes, the record that is stored.

mod compose;
mod head;
mod manifest;
mod order;
mod record;

pub use compose::{ComposeError, Composed, Request, check_name, compose, objects, stored};
pub use head::{Head, documents};
pub use manifest::{Hook, HookEvent, Manifest, NotAManifest, Sorted, sort, source_of};
pub use order::{INSTALL, UNINSTALL};
pub use record::{HookPhase, HookRun, Info, Record, RecordedHook, SECRET_TYPE, Status, Unreadable, secret_name};
