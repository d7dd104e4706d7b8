//! The E2 interface as gRPC: what `proto/e2.proto` says, compiled.
//!
//! The generated code is in the repository, so that a build needs no compiler for the protocol. A test holds the two together;
//! after a change of the protocol, `UPDATE=1 cargo test -p sdr-e2` writes the code anew.

#![allow(missing_docs, clippy::pedantic, reason = "generated")]

include!("generated/sdr.e2.v1.rs");

/// The RAN function that reports figures.
pub const KPM: u32 = 2;

/// The RAN function that takes control.
pub const RC: u32 = 3;
