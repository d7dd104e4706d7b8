//! Ctrl-C while a template is carried out.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use penstock_testkit::eventually;

use super::folder;
use crate::house::directory;

/// What is carried out for a long time, a minute or two: a search that keeps a thousand ways open at each of four million places.
pub(super) const LASTING: &str = "{{ regexMatch \"[01]*0[01]{1000}a\" (repeat 2000000 \"01\") }}";

/// Waits until a program has worked for so long that it must be rendering, and interrupts it.
pub(super) async fn interrupt_while_it_renders(child: &Child) {
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    works_for_a_second(pid, 0).await;
    kill(pid, Signal::SIGINT).unwrap();
}

/// Waits until a process has worked for a second more than it had.
pub(super) async fn works_for_a_second(pid: Pid, before: u64) {
    eventually("it works for a second", || async move {
        let worked = worked(pid);
        if worked > before + 100 { Ok(()) } else { Err(worked) }
    })
    .await;
}

/// How long a process has worked, in hundredths of a second.
pub(super) fn worked(pid: Pid) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // the program's name, which may hold anything, is in brackets; the time is the 14th field
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(11).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_only_renders_ends_at_once_and_leaves_nothing() {
    let dir = directory();
    let chart = folder(dir.path(), "slow", &[("templates/a.yaml", "a: 1\n"), ("templates/b.yaml", LASTING)]);
    let (chart, out) = (chart.to_str().unwrap(), dir.path().join("out"));
    for arguments in [&["template", chart, "--output-dir", out.to_str().unwrap()][..], &["lint", chart], &["diff", chart, "--set", "a=1"]] {
        // whoever is started in the background does not hear Ctrl-C, nor does what it starts
        let mut command = Command::new("env");
        let child = command
            .args(["--default-signal=INT", env!("CARGO_BIN_EXE_penstock"), "chart"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        interrupt_while_it_renders(&child).await;
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.signal(), Some(Signal::SIGINT as i32), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !out.exists(), "{arguments:?}: {ended:?}");
    }
}
