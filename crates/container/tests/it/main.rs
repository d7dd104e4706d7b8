//! The container room against the real kernel. Needs root and the Debian package `busybox-static`.

mod build;
mod life;
mod machine;
mod safety;
