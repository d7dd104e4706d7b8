//! The pages in a real browser, over a world with a thousand runs.
//!
//! `setup/setup.sh pages` installs what they need. With `PENSTOCK_PICTURES=DIRECTORY` the pictures of the documents are
//! made anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod browser;
mod hands;
mod identity;
mod net;
mod pages;
mod project;
mod secrets;
mod site;
mod small;
mod story;
mod variables;
