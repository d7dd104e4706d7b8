//! The local target against fakes, and against the real runtime and gateway.

#![allow(clippy::unwrap_used, reason = "a test fails so")]

mod fakes;
mod machine;
mod real;
