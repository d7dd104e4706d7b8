//! The gateway as its users, its backends and its client meet it: real processes, real sockets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod backend;
mod control;
mod grpc;
mod http;
mod survive;
mod tcp;
mod world;
