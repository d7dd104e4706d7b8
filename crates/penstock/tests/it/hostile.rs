//! Bad files through the program: told at their place, and little is spent on them.

#[path = "hostile/files.rs"]
pub mod files;

use std::path::Path;
use std::process::Command;

use self::files::{Hostile, all};
use crate::house::{PENSTOCK, directory};

/// What the kernel lets the program have: 64 MiB of memory, and seconds of the processor, of which a program with
/// optimisations needs a tenth of one.
const MOST: &str = "ulimit -d 65536 -t 5; exec \"$@\"";

fn write(at: &Path, hostile: &Hostile) {
    for (path, bytes) in &hostile.files {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// What the program says of the files within its bounds, and its exit code.
fn told(at: &Path, command: &str) -> (String, Option<i32>) {
    let mut penstock = Command::new("bash");
    penstock.args(["-c", MOST, "bash", PENSTOCK, command, "."]).current_dir(at).env("GIT_CEILING_DIRECTORIES", "/tmp");
    // each thread of the runtime has a stack that counts, and there are as many as the machine has processors
    let output = penstock.env("TOKIO_WORKER_THREADS", "2").output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (said, output.status.code())
}

#[test]
fn a_bad_file_is_told_at_its_place_with_little_memory_and_time() {
    let mut amiss = Vec::new();
    for hostile in all() {
        let dir = directory();
        write(dir.path(), &hostile);
        for command in ["lint", "plan"] {
            let (said, code) = told(dir.path(), command);
            if code != Some(1) || !said.contains(&hostile.told_at) {
                let start: String = said.chars().take(400).collect();
                amiss.push(format!("{command}, {}: no {}, exit code {code:?}:\n{start}", hostile.name, hostile.told_at));
            }
        }
    }
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}
