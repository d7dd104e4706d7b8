//! What the server says and hears, as types: version 1 of the HTTP API, and its client.
//!
//! Pages, the command line and `--output json` show these same values. A field is added here, never changed;
//! what has to change gets a new version beside the old one. Nothing here decides anything.

mod access;
mod client;
mod collect;
mod deliveries;
mod environments;
mod exceptions;
mod merge_requests;
mod said;
mod tag_releases;
mod tests;
mod types;

pub use access::*;
pub use client::{Client, ClientError, Reader};
pub use collect::*;
pub use deliveries::*;
pub use environments::*;
pub use exceptions::*;
pub use merge_requests::*;
pub use said::*;
pub use tag_releases::*;
pub use tests::*;
pub use types::*;

/// The path before every route of this version.
pub const PREFIX: &str = "/api/v1";
