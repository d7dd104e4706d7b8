//! Actions that Penstock carries out itself, and how a `uses` finds what carries it out.

mod act;
mod artifacts;
mod cache;
mod checkout;
mod docker;
mod facts;
mod given;
mod golangci;
mod green;
mod idle;
mod javascript;
mod local;
mod lock;
mod manifest;
mod metadata;
mod named;
mod reports;
mod results;
mod rust_cache;
mod sequence;
mod setup;
mod table;
mod trivy;
mod uses;
mod versions;

pub(super) use act::{Act, Doing, Next, quoted};
pub(super) use facts::Facts;
pub(super) use javascript::JavaScript;
pub(super) use local::{pinned, resolve as read_local};
pub use lock::{ActionsLock, Locked};
pub use named::{Named, named};
pub(super) use sequence::INTERNAL;
pub use table::BuiltIn;
pub(super) use table::{begin, resolve};
pub(super) use uses::{is_reference, is_repository};
