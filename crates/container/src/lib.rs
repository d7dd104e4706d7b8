//! The container room: an image unpacked, a root file system, one container run. It is the only room that knows the
//! runtime (libcontainer), overlayfs, network namespaces and control groups.
//!
//! Each container has a monitor, the program started again with one thread ([`helper_main`]), which outlives the
//! server; the server finds containers again by their files and never by memory. Never here: what a container is
//! for, when it should be restarted, which image is meant. No polling where the kernel has an event. Nothing of one
//! instance touches anything of another: names, subnets, control groups and directories carry the instance.

mod build;
mod bundle;
mod collect;
mod exec;
mod executor;
mod helper;
mod image;
mod launch;
mod layers;
mod lines;
mod logfile;
mod monitor;
mod netlink;
mod network;
mod one_shot;
mod own_networks;
mod probe;
mod profile;
mod rootfs;
mod runtime;
mod start;
mod state;
mod sweep;
mod unpack;
mod user;

pub use helper::helper_main;
pub use network::Subnet;
pub use runtime::{Runtime, RuntimeSettings};
pub use unpack::{UnpackError, UnpackLimits, unpack};
