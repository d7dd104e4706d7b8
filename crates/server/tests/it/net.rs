//! A network of the tests' own. Chromium breaks off what it loads when any interface of its network comes or goes, and
//! other tests make and remove many.

use std::fs::File;
use std::process::Command;
use std::sync::OnceLock;

use nix::sched::{CloneFlags, setns, unshare};

/// Moves the calling thread there, and with it whatever it starts.
pub fn enter() {
    static NETWORK: OnceLock<File> = OnceLock::new();
    let network = NETWORK.get_or_init(|| std::thread::spawn(make).join().unwrap());
    setns(network, CloneFlags::CLONE_NEWNET).unwrap();
}

fn make() -> File {
    unshare(CloneFlags::CLONE_NEWNET).expect("these tests make a network namespace, which needs root");
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    File::open("/proc/thread-self/ns/net").unwrap()
}
