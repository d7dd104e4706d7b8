//! Images built from Dockerfiles, steps run by the real runtime. Needs root and the Debian packages
//! `busybox-static`, `skopeo` and `umoci` (the last two read what was built).

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod copy;
mod fault;
mod oracle;
mod same;
mod shop;
mod tidy;
