//! What is to be done now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::container::ContainerStatus;

use super::canary::{Stance, effective, pods_for, stance};
use super::rolling::{Count, roll};
use super::seen::{Seen, ready_of};
use crate::manifest::Kind;
use crate::manifest::workload::{Job, Strategy, Workload};
use crate::state::change::Change;
use crate::state::pod::CALM;
use crate::state::{Object, Pod, State};

/// What hands do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Start the container of a pod's present attempt, unless it is there.
    Start {
        /// The pod.
        pod: String,
    },
    /// Stop a container.
    Stop {
        /// The pod it is for.
        pod: String,
        /// The container.
        container: String,
        /// How long it may take.
        grace: Duration,
    },
    /// Remove what is left of a container that ended.
    Discard {
        /// The pod it was for.
        pod: String,
        /// The container.
        container: String,
    },
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Changes of the records: made and written first, and then planned anew.
    pub changes: Vec<Change>,
    /// What hands do, once there are no changes left.
    pub effects: Vec<Effect>,
    /// Look again at this moment, even if nothing happens.
    pub wake: Option<Timestamp>,
}

impl Plan {
    fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |known| known.min(at)));
    }

    fn retire(&mut self, pods: &[&Pod], how_many: u32) {
        let chosen = pods.iter().take(how_many as usize);
        self.changes.extend(chosen.map(|pod| Change::Retire { pod: pod.name.clone() }));
    }
}

/// Decides.
pub fn reconcile(state: &State, seen: &Seen) -> Plan {
    let mut plan = Plan::default();
    for object in state.objects.values() {
        match &object.kind {
            Kind::Workload(workload) => of_workload(state, seen, object, workload, &mut plan),
            Kind::Job(job) => of_job(state, seen, object, job, &mut plan),
            _ => {}
        }
    }
    for pod in state.pods.values() {
        of_pod(state, seen, pod, &mut plan);
    }
    of_strays(state, seen, &mut plan);
    plan
}

/// Pods of a workload that are wanted, those that are ready last; among equals the highest number first.
fn sorted<'a>(state: &'a State, seen: &Seen, object: &'a Object, pick: impl Fn(&Pod) -> bool) -> Vec<&'a Pod> {
    let mut pods: Vec<&Pod> = state.pods_of(&object.record.key).filter(|pod| pod.active() && pick(pod)).collect();
    let key = |pod: &Pod| (seen.is_ready(pod, object.templates.get(&pod.template)), std::cmp::Reverse(pod.ordinal));
    pods.sort_by_key(|pod| key(pod));
    pods
}

fn count(seen: &Seen, object: &Object, pods: &[&Pod]) -> Count {
    let ready = pods.iter().filter(|pod| seen.is_ready(pod, object.templates.get(&pod.template))).count();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Count { all: number(pods.len()), ready: number(ready) }
}

fn create(state: &State, object: &Object, template: &str, how_many: u32, plan: &mut Plan) {
    let taken: BTreeSet<u32> = state.pods_of(&object.record.key).filter(|pod| pod.template == template).map(|pod| pod.ordinal).collect();
    let free = (0..).filter(|ordinal| !taken.contains(ordinal)).take(how_many as usize);
    plan.changes.extend(free.map(|ordinal| Change::Create { owner: object.record.key.clone(), template: template.to_owned(), ordinal }));
}

fn of_workload(state: &State, seen: &Seen, object: &Object, workload: &Workload, plan: &mut Plan) {
    let replicas = workload.replicas;
    match workload.strategy {
        Strategy::Rolling { surge, unavailable } => rolled(state, seen, object, (replicas, surge, unavailable), plan),
        Strategy::Recreate => recreated(state, seen, object, replicas, plan),
        Strategy::Canary => match stance(object, replicas) {
            Stance::First => {
                // as a Deployment by Kubernetes' defaults
                rolled(state, seen, object, (replicas, replicas.div_ceil(4), replicas / 4), plan);
                let ready = ready_of(state, seen, &object.record.key, &object.wanted);
                if ready >= replicas {
                    plan.changes.push(Change::Promoted { rollout: object.record.key.clone() });
                }
            }
            Stance::Settled => quotas(state, seen, object, &[(&object.wanted, replicas)], plan),
            Stance::Between { stable, pods } => {
                quotas(state, seen, object, &[(stable, replicas), (&object.wanted, pods)], plan);
                advance(state, seen, object, replicas, plan);
            }
        },
    }
    complete(state, seen, object, replicas, plan);
    forget_templates(state, object, plan);
}

fn complete(state: &State, seen: &Seen, object: &Object, replicas: u32, plan: &mut Plan) {
    let settled = match stance(object, replicas) {
        Stance::Between { .. } => false,
        Stance::First | Stance::Settled => state.pods_of(&object.record.key).all(|pod| pod.template == object.wanted),
    };
    let ready = ready_of(state, seen, &object.record.key, &object.wanted);
    if settled && ready >= replicas && object.record.completed.as_deref() != Some(&object.wanted) {
        plan.changes.push(Change::Completed { owner: object.record.key.clone() });
    }
}

fn rolled(state: &State, seen: &Seen, object: &Object, (replicas, surge, unavailable): (u32, u32, u32), plan: &mut Plan) {
    let new = sorted(state, seen, object, |pod| pod.template == object.wanted);
    let old = sorted(state, seen, object, |pod| pod.template != object.wanted);
    let step = roll(replicas, surge, unavailable, count(seen, object, &new), count(seen, object, &old));
    create(state, object, &object.wanted, step.create, plan);
    plan.retire(&new, step.retire_new);
    plan.retire(&old, step.retire_old);
}

fn recreated(state: &State, seen: &Seen, object: &Object, replicas: u32, plan: &mut Plan) {
    let old = sorted(state, seen, object, |pod| pod.template != object.wanted);
    plan.retire(&old, u32::MAX);
    if state.pods_of(&object.record.key).any(|pod| pod.template != object.wanted) {
        return; // until they are gone, not only going
    }
    quotas(state, seen, object, &[(&object.wanted, replicas)], plan);
}

/// So many pods of each template, none of any other.
fn quotas(state: &State, seen: &Seen, object: &Object, quotas: &[(&str, u32)], plan: &mut Plan) {
    for (template, wanted) in quotas {
        let pods = sorted(state, seen, object, |pod| pod.template == **template);
        let there = u32::try_from(pods.len()).unwrap_or(u32::MAX);
        create(state, object, template, wanted.saturating_sub(there), plan);
        plan.retire(&pods, there.saturating_sub(*wanted));
    }
    let others = sorted(state, seen, object, |pod| quotas.iter().all(|(template, _)| pod.template != **template));
    plan.retire(&others, u32::MAX);
}

/// A canary that has its pods takes its weight; one that was promoted and has them all becomes stable.
fn advance(state: &State, seen: &Seen, object: &Object, replicas: u32, plan: &mut Plan) {
    let canary = &object.record.canary;
    if canary.aborted.as_deref() == Some(&object.wanted) {
        return;
    }
    let ready = ready_of(state, seen, &object.record.key, &object.wanted);
    let rollout = object.record.key.clone();
    if canary.promoted && ready >= replicas {
        plan.changes.push(Change::Promoted { rollout });
        return;
    }
    let weight = canary.weight;
    let lower = canary.reached > weight;
    if canary.reached != weight && (lower || (ready >= pods_for(weight, replicas) && effective(canary, replicas, ready) == weight)) {
        plan.changes.push(Change::Reached { rollout, weight });
    }
}

fn forget_templates(state: &State, object: &Object, plan: &mut Plan) {
    let stable = object.record.canary.stable.as_deref();
    let unused = object.record.templates.keys().filter(|hash| {
        **hash != object.wanted && Some(hash.as_str()) != stable && !state.pods_of(&object.record.key).any(|pod| pod.template == **hash)
    });
    plan.changes.extend(unused.map(|hash| Change::ForgetTemplate { owner: object.record.key.clone(), template: hash.clone() }));
}

fn of_job(state: &State, seen: &Seen, object: &Object, job: &Job, plan: &mut Plan) {
    let Some(pod) = state.pods_of(&object.record.key).find(|pod| pod.active()) else {
        // one that is going has to be gone first: a Job runs once at a time
        if state.pods_of(&object.record.key).next().is_none() {
            create(state, object, &object.wanted, 1, plan);
        }
        return;
    };
    if let (Some(deadline), None) = (job.deadline, pod.finished) {
        let at = pod.since.after(deadline);
        if seen.now >= at {
            let why = format!("not done after {} s", deadline.as_secs());
            plan.changes.push(Change::Finish { pod: pod.name.clone(), code: 124, why });
        } else {
            plan.wake_at(at);
        }
    }
}

fn of_pod(state: &State, seen: &Seen, pod: &Pod, plan: &mut Plan) {
    let object = state.objects.get(&pod.owner);
    let known = object.is_some_and(|object| object.templates.contains_key(&pod.template));
    if pod.active() && !known {
        plan.changes.push(Change::Retire { pod: pod.name.clone() });
        return;
    }
    let container = pod.container();
    if seen.busy.contains(&pod.name) {
        return;
    }
    let present = seen.containers.get(&container).map(|found| &found.status);
    if present.is_some() && !pod.started {
        plan.changes.push(Change::Started { pod: pod.name.clone() });
        return;
    }
    if pod.leaving.is_some() {
        going(seen, pod, &container, present, plan);
    } else {
        staying(seen, pod, object.map(|object| &object.kind), &container, present, plan);
    }
}

fn staying(seen: &Seen, pod: &Pod, kind: Option<&Kind>, container: &str, present: Option<&ContainerStatus>, plan: &mut Plan) {
    match present {
        _ if pod.finished.is_some() => {
            if matches!(present, Some(ContainerStatus::Running { .. })) {
                plan.effects.push(Effect::Stop { pod: pod.name.clone(), container: container.to_owned(), grace: pod.grace() });
            }
        }
        Some(ContainerStatus::Running { .. }) => {
            if pod.unwell {
                plan.effects.push(Effect::Stop { pod: pod.name.clone(), container: container.to_owned(), grace: pod.grace() });
            }
        }
        Some(ContainerStatus::Exited { code, at }) => ended(seen, pod, kind, Some(*code), Some(*at), plan),
        None if pod.started => ended(seen, pod, kind, None, None, plan),
        None => {
            // what is left of the attempt before has to be gone: it may hold the address
            if seen.containers.values().any(|other| other.pod == pod.name) {
                return;
            }
            match pod.not_before {
                Some(at) if at > seen.now => plan.wake_at(at),
                _ => plan.effects.push(Effect::Start { pod: pod.name.clone() }),
            }
        }
    }
}

fn ended(seen: &Seen, pod: &Pod, kind: Option<&Kind>, code: Option<i32>, at: Option<Timestamp>, plan: &mut Plan) {
    let name = pod.name.clone();
    if let Some(Kind::Job(job)) = kind {
        match code {
            Some(0) => return plan.changes.push(Change::Finish { pod: name, code: 0, why: String::new() }),
            _ if pod.attempt >= job.backoff_limit => {
                let code = code.unwrap_or(137);
                let why = format!("exit code {code}; no try is left of {}", job.backoff_limit + 1);
                return plan.changes.push(Change::Finish { pod: name, code, why });
            }
            _ => {}
        }
    }
    // since the last end, or since the beginning
    let began = pod.ended.unwrap_or(pod.since);
    let calm = at.unwrap_or(seen.now).since(began) >= CALM;
    plan.changes.push(Change::Restart { pod: name, code, calm });
}

/// Out of the gateway first, then drained, then stopped, then removed, then forgotten.
fn going(seen: &Seen, pod: &Pod, container: &str, present: Option<&ContainerStatus>, plan: &mut Plan) {
    let leaving = pod.leaving.unwrap_or(seen.now);
    match present {
        Some(ContainerStatus::Running { .. }) => {
            if seen.is_routed(&pod.name) {
                return; // a new snapshot comes first, and wakes us
            }
            let last = leaving.after(pod.grace());
            if seen.is_drained(&pod.name) || seen.now >= last {
                plan.effects.push(Effect::Stop { pod: pod.name.clone(), container: container.to_owned(), grace: pod.grace() });
            } else {
                plan.wake_at(last);
            }
        }
        Some(ContainerStatus::Exited { .. }) => {
            plan.effects.push(Effect::Discard { pod: pod.name.clone(), container: container.to_owned() });
        }
        None => {
            if !seen.is_routed(&pod.name) && !seen.containers.values().any(|other| other.pod == pod.name) {
                plan.changes.push(Change::Forget { pod: pod.name.clone() });
            }
        }
    }
}

/// Containers of ours that are no pod's present attempt.
fn of_strays(state: &State, seen: &Seen, plan: &mut Plan) {
    let wanted: BTreeMap<String, &Pod> = state.pods.values().map(|pod| (pod.container(), &**pod)).collect();
    for (id, container) in &seen.containers {
        if wanted.contains_key(id) || seen.busy.contains(&container.pod) {
            continue;
        }
        let (pod, container_id) = (container.pod.clone(), id.clone());
        match container.status {
            ContainerStatus::Exited { .. } => plan.effects.push(Effect::Discard { pod, container: container_id }),
            ContainerStatus::Running { .. } => {
                let grace = state.pods.get(&pod).map_or(Duration::from_secs(1), |pod| pod.grace());
                plan.effects.push(Effect::Stop { pod, container: container_id, grace });
            }
        }
    }
}

#[cfg(test)]
#[path = "reconcile_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
