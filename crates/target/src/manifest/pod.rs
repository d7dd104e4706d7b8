//! Pod templates.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::release::ImageRef;
use serde::Deserialize;

use super::env::{EnvFrom, EnvVar};
use super::probe::Probe;
use super::quantity::Quantity;
use super::volume::{self, Volume, VolumeMount};
use super::{ContainerPort, PodMeta};
use crate::refuse::{Read, Refusal};

/// Kubernetes' own default.
const DEFAULT_GRACE: u64 = 30;
/// A pod that takes longer to go is a mistake.
const MAX_GRACE: u64 = 3600;

/// A pod template: what a workload's pods look like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodTemplate {
    /// Labels and annotations.
    #[serde(default)]
    pub metadata: PodMeta,
    /// The rest.
    pub spec: PodSpec,
}

/// What a pod runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodSpec {
    containers: Vec<Container>,
    /// Files.
    #[serde(default)]
    pub volumes: Vec<Volume>,
    /// `Always`, unless it is a Job's.
    pub restart_policy: Option<RestartPolicy>,
    termination_grace_period_seconds: Option<u64>,
    #[serde(default)]
    security_context: PodSecurity,
    #[serde(default)]
    #[allow(dead_code, reason = "there is nothing to log in to, so any name is fine")]
    service_account_name: Option<String>,
    automount_service_account_token: Option<bool>,
    enable_service_links: Option<bool>,
}

/// What happens when the container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RestartPolicy {
    /// It is started again.
    Always,
    /// It is started again if it failed.
    OnFailure,
    /// A Job starts another pod.
    Never,
}

/// Who the pod's processes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodSecurity {
    run_as_non_root: Option<bool>,
    run_as_user: Option<u32>,
    run_as_group: Option<u32>,
    seccomp_profile: Option<Seccomp>,
}

/// The same for the container, over the pod's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContainerSecurity {
    run_as_non_root: Option<bool>,
    run_as_user: Option<u32>,
    run_as_group: Option<u32>,
    seccomp_profile: Option<Seccomp>,
    read_only_root_filesystem: Option<bool>,
    allow_privilege_escalation: Option<bool>,
    privileged: Option<bool>,
    capabilities: Option<Capabilities>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seccomp {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Capabilities {
    #[serde(default)]
    #[allow(dead_code, reason = "no workload has any")]
    drop: Vec<String>,
}

/// The pod's container.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Its name in the pod.
    pub name: String,
    image: String,
    /// Replaces the image's entrypoint.
    pub command: Option<Vec<String>>,
    /// Replaces the image's arguments.
    pub args: Option<Vec<String>>,
    /// Where it starts.
    pub working_dir: Option<String>,
    /// Variables.
    #[serde(default)]
    pub env: Vec<EnvVar>,
    /// More variables.
    #[serde(default)]
    pub env_from: Vec<EnvFrom>,
    /// Its ports, by name.
    #[serde(default)]
    pub ports: Vec<ContainerPort>,
    #[serde(default)]
    resources: Resources,
    #[serde(default)]
    security_context: ContainerSecurity,
    /// Asked until it passes once; the others wait for it.
    pub startup_probe: Option<Probe>,
    /// Traffic comes while it passes.
    pub readiness_probe: Option<Probe>,
    /// Restarted when it fails.
    pub liveness_probe: Option<Probe>,
    /// Mounts.
    #[serde(default)]
    pub volume_mounts: Vec<VolumeMount>,
    image_pull_policy: Option<PullPolicy>,
}

/// Says nothing here: a digest cannot change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    #[serde(default)]
    requests: BTreeMap<String, Quantity>,
    #[serde(default)]
    limits: BTreeMap<String, Quantity>,
}

impl PodTemplate {
    /// The container. A template that passed [`PodTemplate::check`] has exactly one.
    pub fn container(&self) -> &Container {
        &self.spec.containers[0]
    }

    /// How long a pod may take to go.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.spec.termination_grace_period_seconds.unwrap_or(DEFAULT_GRACE))
    }

    /// `uid` or `uid:gid`, the container's over the pod's.
    pub fn user(&self) -> Option<String> {
        let (pod, own) = (&self.spec.security_context, &self.container().security_context);
        let user = own.run_as_user.or(pod.run_as_user);
        match (user, own.run_as_group.or(pod.run_as_group)) {
            (Some(user), Some(group)) => Some(format!("{user}:{group}")),
            (Some(user), None) => Some(user.to_string()),
            (None, _) => None,
        }
    }

    /// Refuses what is not carried out.
    pub fn check(&self, path: &str) -> Read<()> {
        let spec = format!("{path}.spec");
        match self.spec.containers.len() {
            1 => {}
            0 => return Err(Refusal::new(format!("an empty `{spec}.containers`"), "write one container")),
            more => {
                let what = format!("`{spec}.containers` with {more} containers");
                return Err(Refusal::new(what, "one container a pod runs here: give each a workload of its own, or use a cluster"));
            }
        }
        if self.spec.termination_grace_period_seconds.is_some_and(|grace| grace > MAX_GRACE) {
            return Err(Refusal::new(format!("`{spec}.terminationGracePeriodSeconds`"), format!("at most {MAX_GRACE} is expected")));
        }
        if self.spec.automount_service_account_token == Some(true) {
            return Err(Refusal::new(
                format!("`{spec}.automountServiceAccountToken` true"),
                "there is no API to log in to here: write false",
            ));
        }
        if self.spec.enable_service_links == Some(true) {
            return Err(Refusal::new(format!("`{spec}.enableServiceLinks` true"), "Services are known by name: write false"));
        }
        self.check_security(&spec)?;
        self.container().check(&format!("{spec}.containers[0]"))?;
        volume::check(&self.spec.volumes, &self.container().volume_mounts, &spec, &format!("{spec}.containers[0]"))
    }

    fn check_security(&self, spec: &str) -> Read<()> {
        let (pod, own) = (&self.spec.security_context, &self.container().security_context);
        for seccomp in pod.seccomp_profile.iter().chain(&own.seccomp_profile) {
            if seccomp.kind != "RuntimeDefault" {
                return Err(Refusal::new(format!("the seccomp profile `{}`", seccomp.kind), "`RuntimeDefault` is expected"));
            }
        }
        let user = own.run_as_user.or(pod.run_as_user);
        if own.run_as_non_root.or(pod.run_as_non_root) == Some(true) {
            let hint = "write a `runAsUser` that is not 0, so that it is certain before the container starts";
            match user {
                Some(0) => return Err(Refusal::new("`runAsNonRoot` with `runAsUser: 0`", hint)),
                None => return Err(Refusal::new("`runAsNonRoot` without `runAsUser`", hint)),
                Some(_) => {}
            }
        }
        if user.is_none() && own.run_as_group.or(pod.run_as_group).is_some() {
            return Err(Refusal::new(format!("`{spec}.securityContext.runAsGroup` without `runAsUser`"), "write both"));
        }
        let path = format!("{spec}.containers[0].securityContext");
        if own.read_only_root_filesystem == Some(false) {
            let hint = "root file systems are read-only, since a change is a new image: mount an emptyDir where the program writes";
            return Err(Refusal::new(format!("`{path}.readOnlyRootFilesystem` false"), hint));
        }
        if own.allow_privilege_escalation == Some(true) || own.privileged == Some(true) {
            return Err(Refusal::new(format!("`{path}` with more privileges"), "no workload gains any here: remove it"));
        }
        Ok(())
    }
}

impl Container {
    /// The image, by digest. A container that passed the check has one.
    pub fn image(&self) -> Option<ImageRef> {
        self.image.parse().ok()
    }

    /// The image as it was written.
    pub fn image_text(&self) -> &str {
        &self.image
    }

    /// The memory limit in bytes.
    pub fn memory(&self) -> Option<u64> {
        self.resources.limits.get("memory").and_then(|limit| limit.bytes("").ok())
    }

    /// The CPU limit in thousandths of a core.
    pub fn cpu_millis(&self) -> Option<u32> {
        self.resources.limits.get("cpu").and_then(|limit| limit.millis("").ok())
    }

    fn check(&self, path: &str) -> Read<()> {
        if let Err(error) = self.image.parse::<ImageRef>() {
            let hint = format!("{error}; Penstock writes the digest when it delivers the image");
            return Err(Refusal::new(format!("`{path}.image` {}", self.image.chars().take(200).collect::<String>()), hint));
        }
        for (kind, list) in [("requests", &self.resources.requests), ("limits", &self.resources.limits)] {
            for (name, quantity) in list {
                let path = format!("{path}.resources.{kind}.{name}");
                match name.as_str() {
                    "cpu" => drop(quantity.millis(&path)?),
                    "memory" => drop(quantity.bytes(&path)?),
                    _ => return Err(Refusal::new(format!("`{path}`"), "`cpu` and `memory` are limited here")),
                }
            }
        }
        for (index, port) in self.ports.iter().enumerate() {
            port.check(&format!("{path}.ports[{index}]"))?;
        }
        for (index, var) in self.env.iter().enumerate() {
            var.check(&format!("{path}.env[{index}]"))?;
        }
        for (index, from) in self.env_from.iter().enumerate() {
            from.check(&format!("{path}.envFrom[{index}]"))?;
        }
        let probes = [
            ("startupProbe", &self.startup_probe, true),
            ("readinessProbe", &self.readiness_probe, false),
            ("livenessProbe", &self.liveness_probe, true),
        ];
        for (name, probe, once) in probes {
            if let Some(probe) = probe {
                probe.check(&format!("{path}.{name}"), &self.ports, once)?;
            }
        }
        Ok(())
    }
}
