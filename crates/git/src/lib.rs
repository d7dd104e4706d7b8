//! The Git host: bare repositories under one directory, and the way to them for the rest and for Git's own clients.
//!
//! The only room that speaks Git, and it speaks it through the real program: started by its path, never by a
//! shell, without what a user or the machine configured, with a bound on time and output. It keeps no state
//! but the repositories; it does not know what a push means ([`PushListener`] does), nor who may do what (the
//! server does, and tells [`GitHttp`]). A checkout writes nothing outside its directory, whatever the tree
//! holds and whatever an earlier job left there.

mod borrow;
mod change;
mod checkout;
mod clone;
mod commit;
mod copies;
mod hook;
mod hookserver;
mod host;
mod http;
mod lookup;
mod merge;
mod mirror;
mod names;
mod new_tag;
mod pkt;
mod program;
mod reads;
mod refs;
mod shared;
mod tags;
mod work_tree;

pub use borrow::{NotInside, Snapshot};
pub use clone::LocalClone;
pub use copies::Copies;
pub use hook::{HOOK_ARGUMENT, Offered, RefUpdate, hook_main};
pub use hookserver::{FOR, HookServer, PushListener};
pub use host::{BareRepositories, HostSettings, OpenError};
pub use http::{GitBody, GitHttp};
