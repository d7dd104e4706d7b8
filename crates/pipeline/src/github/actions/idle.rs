//! Actions that change GitHub's own machines, for which there is nothing to do here.

use super::act::{Already, Done};
use super::table::{BuiltIn, Known, Refusal, anything};

pub(super) const HARDEN: Known = Known {
    name: "step-security/harden-runner",
    built_in: BuiltIn::HardenRunner,
    majors: &[1, 2],
    branches: &["main"],
    inputs: &[
        "allowed-endpoints",
        "egress-policy",
        "token",
        "disable-telemetry",
        "disable-sudo",
        "disable-sudo-and-containers",
        "disable-file-monitoring",
        "exempt-files",
        "policy",
        "api-key",
        "use-policy-store",
        "deploy-on-self-hosted-vm",
    ],
    check: |inputs| match inputs.get("egress-policy") {
        Some("audit") => Ok(()),
        // who asks for a wall must not believe that there is one
        _ => Err(Refusal::input(
            "egress-policy",
            "`egress-policy: block`, which counts if nothing is said, is not carried out: no wall stands around a job's network",
            "write `egress-policy: audit`, or run the job on a machine that reaches nothing else",
        )),
    },
    begin: |_, _, _| {
        Ok(Already::boxed(
            Done::default().note("nobody writes down what the job reaches; it has no `sudo`, and changes nothing of the machine"),
        ))
    },
};

pub(super) const FREE_DISK: Known = Known {
    name: "jlumbroso/free-disk-space",
    built_in: BuiltIn::FreeDiskSpace,
    majors: &[1],
    branches: &["main"],
    inputs: &["tool-cache", "android", "dotnet", "haskell", "large-packages", "docker-images", "swap-storage"],
    check: anything,
    begin: |_, _, _| Ok(Already::boxed(Done::default().note("nothing is removed: the machine's programs are not the job's"))),
};
