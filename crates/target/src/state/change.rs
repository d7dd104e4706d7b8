//! What a reconciliation decided about the records themselves.

use std::sync::Arc;

use penstock_model::Timestamp;
use penstock_model::target::ObjectKey;

use super::pod::{Pod, pod_name};
use super::{Base, State};

/// A change of the records. Each is written before anything that follows from it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A pod is intended.
    Create {
        /// The workload.
        owner: ObjectKey,
        /// Which of its templates.
        template: String,
        /// Its number.
        ordinal: u32,
    },
    /// A pod has to go.
    Retire {
        /// Which.
        pod: String,
    },
    /// The container of the present attempt was seen.
    Started {
        /// Which pod.
        pod: String,
    },
    /// The present attempt ended; another is intended.
    Restart {
        /// Which pod.
        pod: String,
        /// The exit code, if it is known.
        code: Option<i32>,
        /// It had run calmly before.
        calm: bool,
    },
    /// A Job's pod ended for good.
    Finish {
        /// Which pod.
        pod: String,
        /// Its exit code.
        code: i32,
        /// Why, if it was not by itself.
        why: String,
    },
    /// Nothing is left of a pod.
    Forget {
        /// Which.
        pod: String,
    },
    /// A canary has the pods for a weight.
    Reached {
        /// The Rollout.
        rollout: ObjectKey,
        /// The weight.
        weight: u32,
    },
    /// The wanted template is stable now.
    Promoted {
        /// The Rollout.
        rollout: ObjectKey,
    },
    /// A workload has all its pods of the wanted template ready, and no others.
    Completed {
        /// The workload.
        owner: ObjectKey,
    },
    /// No pod has a template any more.
    ForgetTemplate {
        /// The workload.
        owner: ObjectKey,
        /// Which.
        template: String,
    },
    /// What a canary's counters began with.
    Began {
        /// The Rollout.
        rollout: ObjectKey,
        /// The counters.
        base: Base,
    },
}

impl State {
    /// Makes a change so.
    pub fn evolve(&mut self, change: &Change, now: Timestamp) {
        match change {
            Change::Create { owner, template, ordinal } => self.create_pod(owner, template, *ordinal, now),
            Change::Forget { pod } => {
                if let Some(pod) = self.pods.remove(pod) {
                    self.pod_addresses.release(pod.address);
                    self.unwritten.pods.insert(pod.name.clone());
                }
            }
            Change::Retire { pod } => self.with_pod(pod, |pod| pod.leaving = pod.leaving.or(Some(now))),
            Change::Started { pod } => self.with_pod(pod, |pod| {
                pod.started = true;
                pod.not_before = None;
                pod.message.clear();
            }),
            Change::Restart { pod, code, calm } => self.with_pod(pod, |pod| {
                pod.streak = if *calm { 1 } else { pod.streak.saturating_add(1) };
                let why = match code {
                    Some(code) if *code > 128 => format!("ended by signal {}", code - 128),
                    Some(code) => format!("ended with exit code {code}"),
                    None => "its container is gone".to_owned(),
                };
                let why = if pod.unwell { format!("{}; {why}", pod.message) } else { why };
                pod.next_attempt(now, &why);
            }),
            Change::Finish { pod, code, why } => self.with_pod(pod, |pod| {
                pod.finished = Some(*code);
                pod.ended = Some(now);
                pod.message = if why.is_empty() { format!("ended with exit code {code}") } else { why.clone() };
            }),
            Change::Reached { rollout, weight } => self.with_object(rollout, |canary| canary.reached = *weight),
            Change::Began { rollout, base } => self.with_object(rollout, |canary| canary.base = Some(base.clone())),
            Change::Promoted { rollout } => {
                if let Some(object) = self.object_mut(rollout) {
                    let stable = Some(object.wanted.clone());
                    object.record.canary = super::Canary { stable, ..super::Canary::default() };
                }
            }
            Change::Completed { owner } => {
                if let Some(object) = self.object_mut(owner) {
                    object.record.completed = Some(object.wanted.clone());
                }
            }
            Change::ForgetTemplate { owner, template } => {
                if let Some(object) = self.object_mut(owner) {
                    object.forget_template(template);
                }
            }
        }
    }

    fn with_pod(&mut self, pod: &str, change: impl FnOnce(&mut Pod)) {
        if let Some(pod) = self.pod_mut(pod) {
            change(pod);
        }
    }

    fn with_object(&mut self, key: &ObjectKey, change: impl FnOnce(&mut super::Canary)) {
        if let Some(object) = self.object_mut(key) {
            change(&mut object.record.canary);
        }
    }

    fn create_pod(&mut self, owner: &ObjectKey, template: &str, ordinal: u32, now: Timestamp) {
        let Some(object) = self.objects.get(owner) else { return };
        let name = pod_name(&owner.name, template, ordinal);
        if self.pods.contains_key(&name) {
            return;
        }
        let scope = object.record.scope.clone();
        let grace = object.templates.get(template).map_or(std::time::Duration::ZERO, crate::manifest::pod::PodTemplate::grace);
        // a range that is used up: tried again when a pod has gone
        let Some(address) = self.pod_addresses.next() else { return };
        let pod = Pod {
            name: name.clone(),
            scope,
            owner: owner.clone(),
            template: template.to_owned(),
            ordinal,
            grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
            address,
            attempt: 0,
            started: false,
            leaving: None,
            warm: false,
            ready: false,
            been_ready: false,
            unwell: false,
            failures: 0,
            streak: 0,
            not_before: None,
            finished: None,
            since: now,
            ended: None,
            message: "waiting to be started".to_owned(),
            warnings: Vec::new(),
        };
        self.unwritten.pods.insert(name.clone());
        self.pods.insert(name, Arc::new(pod));
    }
}
