//! The pure half: from what is kept and what is seen to what is to be done. No clock, files, processes or network.

pub mod build;
pub mod canary;
pub mod figures;
pub mod reconcile;
pub mod rolling;
pub mod seen;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails so")]
pub mod sim;
pub mod status;
pub mod traffic;
