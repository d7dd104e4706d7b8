//! The image registry: OCI distribution specification 1.1 over the blob store.
//!
//! Bytes lie in the blob store, which others share: nothing is copied here or there. What is kept here is which
//! repository holds what: manifests, links to blobs, tags. A blob is visible only through a repository that
//! links it, whoever else stored it. It decides nothing about who may do what ([`RegistryAuth`] does), builds and
//! verifies nothing. Another registry is asked by [`Remote`] for images and by [`charts::ChartFetcher`] for charts, and by nothing else.

mod auth;
pub mod charts;
mod client;
mod error;
mod forms;
mod http;
mod repository;
mod service;
mod shelf;
mod uploads;

pub use auth::{Access, Action, Credentials, RegistryAuth};
pub use client::Remote;
pub use error::Error;
pub use http::router;
pub use service::{Limits, Registry};
