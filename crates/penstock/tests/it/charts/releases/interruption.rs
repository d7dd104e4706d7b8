//! Ctrl-C while a release is waited for, and while its chart is rendered.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{
    super::interrupted::{LASTING, interrupt_while_it_renders},
    Stage, one,
};

/// Nobody on this cluster gives a Service an address from outside, so that one waits for it.
const NEVER_READY: &str = "lasting=true";

pub(super) fn what_is_interrupted_is_recorded_as_failed(stage: &Stage) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.args(["chart", "install", "web", &stage.chart, "--wait", "--set", NEVER_READY]);
    command.env("KUBECONFIG", format!("/nothing/here:{}", stage.cluster.kubeconfig().display()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut before = Vec::new();
    let waits = told.by_ref().inspect(|line| before.push(line.clone())).any(|line| line.contains("waiting for"));
    assert!(waits, "{before:?}");
    assert_eq!(stage.listed(), one("1", "pending-install"));
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let told: Vec<String> = told.collect();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{told:?}");
    assert!(told.iter().any(|line| line.contains("context canceled")), "{told:?}");
    assert_eq!(stage.listed(), one("1", "failed"));
    stage.helm(&["uninstall", "web", "--wait"]);
}

pub(super) fn what_is_interrupted_while_it_renders_is_not_begun(stage: &Stage) {
    let lasting = format!("{}/templates/lasting.yaml", stage.chart);
    std::fs::write(&lasting, LASTING).unwrap();
    for command in ["install", "upgrade"] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_penstock"));
        run.args(["chart", command, "web", &stage.chart, "--atomic"]).env("KUBECONFIG", stage.cluster.kubeconfig());
        let child = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        stage.threads.block_on(interrupt_while_it_renders(&child));
        let ended = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{told}");
        assert!(told.contains("FAILED: context canceled while the chart was rendered: no revision is recorded"), "{told}");
        if command == "install" {
            assert!(stage.helm(&["list", "--all", "-q"]).is_empty());
            std::fs::remove_file(&lasting).unwrap();
            stage.helm(&["install", "web", &stage.chart]);
            std::fs::write(&lasting, LASTING).unwrap();
        }
    }
    assert_eq!(stage.listed(), one("1", "deployed"));
    std::fs::remove_file(&lasting).unwrap();
    stage.helm(&["uninstall", "web", "--wait"]);
}
