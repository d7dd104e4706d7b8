//! The E2 interface as gRPC: what `proto/e2.proto` says, compiled.

#![allow(missing_docs, clippy::pedantic, reason = "generated")]

tonic::include_proto!("sdr.e2.v1");

/// The RAN function that reports figures.
pub const KPM: u32 = 2;

/// The RAN function that takes control.
pub const RC: u32 = 3;
