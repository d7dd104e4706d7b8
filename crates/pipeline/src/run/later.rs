//! Jobs of which more is known once what they need is done.

use std::sync::Arc;

use penstock_model::JobName;
use penstock_model::job::JobEnd;

use super::facts::Facts;
use super::graph::Graph;
use super::settle::{by_condition, need_results};
use super::{JobState, Run, RunEvent, calls};
use crate::github::{self, Settled};
use crate::plan::{PlannedCall, PlannedJob};

impl Run {
    /// Events, and those that follow from them at once: what became of jobs of which more is known then.
    pub(super) fn with_settled(&self, mut events: Vec<RunEvent>) -> Vec<RunEvent> {
        let planned = events.iter().find_map(|event| match event {
            RunEvent::Planned { plan, .. } => Some(&**plan),
            _ => None,
        });
        if events.is_empty() || !planned.or(self.plan()).is_some_and(|plan| plan.jobs.iter().any(|job| job.late)) {
            return events;
        }
        let mut next = self.clone();
        events.iter().for_each(|event| next.evolve(event));
        // each is settled once: it is replaced, or over
        while let Some(event) = next.settled() {
            next.evolve(&event);
            events.push(event);
        }
        events
    }

    /// What becomes of the first job that can be settled now.
    fn settled(&self) -> Option<RunEvent> {
        let known = self.known()?;
        let open = |at: usize| self.states[at] == JobState::Waiting && !known.facts[at].cancelled;
        let mut late = known.plan.jobs.iter().enumerate().filter(|(at, job)| job.late && open(*at));
        let (at, job) = late.find(|(at, job)| by_condition(&known, *at, job, &self.states) == JobState::Ready)?;
        let calls = calls::gate(&known, job.call.as_deref(), &self.states, known.cancelled).unwrap_or_default();
        let name = job.name.clone();
        Some(match github::settle(known.plan, job, &calls, &need_results(&known, at, &self.states)) {
            Ok(Settled { jobs, calls }) => RunEvent::JobSettled { job: name, jobs, calls },
            Err(why) => RunEvent::JobConcluded { job: name, end: JobEnd::SystemFailure { why } },
        })
    }

    /// Puts what a job became in its place. What is known of the others stays.
    pub(super) fn replace(&mut self, job: &JobName, jobs: &[PlannedJob], calls: &[PlannedCall]) {
        let (Some(&at), Some(plan)) = (self.graph.index.get(job), self.plan.as_mut().map(Arc::make_mut)) else { return };
        if !plan.jobs[at].late || jobs.is_empty() {
            return;
        }
        github::replace(plan, job, &Settled { jobs: jobs.to_vec(), calls: calls.to_vec() });
        self.facts.splice(at..=at, vec![Facts::default(); jobs.len()]);
        self.graph = Arc::new(Graph::of(plan));
        self.states = vec![JobState::Waiting; plan.jobs.len()];
    }
}
