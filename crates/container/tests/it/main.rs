//! The container room against the real kernel. Needs root and the Debian package `busybox-static`.

mod life;
mod machine;
