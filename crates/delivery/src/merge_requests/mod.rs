//! Merge requests: what people propose for a branch, whether they may push branches or not.
//!
//! Each is folded from events of its project's stream. The ref of its last commit (`refs/merge-requests/N/head`) follows from the log
//! and is written after it: a server that dies between the two writes it at its next start. What somebody without the right to push
//! offers is *from outside*: [`World::is_outside`](crate::World::is_outside) is asked wherever a run could learn or leave something.

pub mod event;
mod follow;
mod merging;
mod opening;
pub mod options;
mod orders;
mod record;

pub(crate) use follow::{Push, follow};
pub(crate) use merging::contained;
pub use merging::merge;
pub use opening::{Came, Making, create, offer, wish};
pub(crate) use options::title_of;
pub use orders::{allow, close, kept, ready, reopen};
pub use record::{HeadPipeline, MergeRequestRecord, MergeRequestState, OfMergeRequest, number_in, reference};

/// Why a run from outside does not get something.
pub(crate) const WITHHELD: &str = "this is a merge request from outside: until a developer says `penstock merge-request allow`, its jobs have no secrets and identity, publish nothing and deploy nothing";
