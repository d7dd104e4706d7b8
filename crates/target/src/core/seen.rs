//! What was seen of the world, as values.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::Timestamp;
use penstock_model::container::ContainerStatus;
use penstock_model::gateway::Route;

use crate::manifest::pod::PodTemplate;
use crate::state::{Pod, State};

/// A container of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The pod it was started for.
    pub pod: String,
    /// How it stands.
    pub status: ContainerStatus,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Our containers, by id.
    pub containers: BTreeMap<String, Container>,
    /// The routes that the gateway follows; `None` if that is not known.
    pub in_force: Option<BTreeMap<String, Route>>,
    /// What the gateway complains about although it follows, such as an address that somebody else listens on.
    pub complaint: Option<String>,
    /// Requests under way by pod; `None` if the gateway did not say.
    pub under_way: Option<BTreeMap<String, u64>>,
    /// Pods that the gateway has yet to be told of. Only in what is shown: whoever sees a pod as ready may send to it.
    pub unrouted: BTreeSet<String>,
    /// Pods and containers for which something is being done now.
    pub busy: BTreeSet<String>,
    /// The moment it is.
    pub now: Timestamp,
}

impl Seen {
    /// Since when a pod's present container runs.
    pub fn running_since(&self, pod: &Pod) -> Option<Timestamp> {
        match self.containers.get(&pod.container())?.status {
            ContainerStatus::Running { since, .. } => Some(since),
            ContainerStatus::Exited { .. } => None,
        }
    }

    /// True if traffic may go to a pod: it runs, is wanted, and its probes pass.
    pub fn is_ready(&self, pod: &Pod, template: Option<&PodTemplate>) -> bool {
        let Some(template) = template else { return false };
        let container = template.container();
        pod.active()
            && pod.finished.is_none()
            && !pod.unwell
            && !self.unrouted.contains(&pod.name)
            && self.running_since(pod).is_some()
            && (container.startup_probe.is_none() || pod.warm)
            && (container.readiness_probe.is_none() || pod.ready)
    }

    /// True if the gateway may still send requests to a pod.
    pub fn is_routed(&self, pod: &str) -> bool {
        self.in_force
            .as_ref()
            .is_none_or(|routes| routes.values().flat_map(|route| route.groups.values()).any(|group| group.backends.contains_key(pod)))
    }

    /// True if no request is under way to a pod, as far as is known.
    pub fn is_drained(&self, pod: &str) -> bool {
        self.under_way.as_ref().is_some_and(|pods| pods.get(pod).copied().unwrap_or_default() == 0)
    }
}

/// Ready pods of a workload's template.
pub fn ready_of(state: &State, seen: &Seen, owner: &penstock_model::target::ObjectKey, template: &str) -> u32 {
    let parsed = state.objects.get(owner).and_then(|object| object.templates.get(template));
    let ready = state.pods_of(owner).filter(|pod| pod.template == template && seen.is_ready(pod, parsed)).count();
    u32::try_from(ready).unwrap_or(u32::MAX)
}
