//! What should be happening now.

use std::collections::BTreeMap;

use penstock_model::JobName;

use super::calls::Places;
use super::settle::{Known, failed_sibling, need_results};
use super::{JobInputs, JobState, Run, RunEffect, calls};

impl Run {
    /// What should be happening now, in the plan's order. Asking twice changes nothing.
    pub fn wanted(&self) -> Vec<RunEffect> {
        let Some(known) = self.known() else { return Vec::new() };
        let mut effects = Vec::new();
        for at in self.startable() {
            let job = known.plan.jobs[at].name.clone();
            effects.push(RunEffect::StartJob { job, attempt: self.facts[at].attempts + 1, inputs: self.inputs(&known, at) });
        }
        for (at, facts) in self.facts.iter().enumerate() {
            if let Some(attempt) = facts.running
                && (facts.cancelled || failed_sibling(&known, at).is_some())
            {
                effects.push(RunEffect::CancelJob { job: known.plan.jobs[at].name.clone(), attempt });
            }
        }
        for (job, state) in self.jobs() {
            if let JobState::Scheduled { until } = state {
                let name = job.name.clone();
                effects.push(match until {
                    None => RunEffect::ScheduleJob { job: name, delay: job.turns.delay() },
                    Some(at) => RunEffect::EnqueueJob { job: name, at: *at },
                });
            }
        }
        let status = self.status();
        if status.is_finished() && self.finished.is_none() {
            effects.push(RunEffect::Finish { status });
        }
        effects
    }

    /// Jobs that may start now: those that are ready, as far as their matrix lets so many run at once.
    pub(super) fn startable(&self) -> Vec<usize> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let mut running: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, _) in self.facts.iter().enumerate().filter(|(_, facts)| facts.running.is_some()) {
            *running.entry(&plan.jobs[at].group).or_default() += 1;
        }
        let mut out = Vec::new();
        let mut places = self.known().map(|known| Places::of(known, &self.states)).unwrap_or_default();
        for (at, job) in plan.jobs.iter().enumerate().filter(|(at, _)| self.states.get(*at) == Some(&JobState::Ready)) {
            let count = running.entry(&job.group).or_default();
            let most = job.matrix.as_ref().and_then(|matrix| matrix.max_parallel).unwrap_or(usize::MAX);
            if *count < most && places.take(plan, job) {
                *count += 1;
                out.push(at);
            }
        }
        out
    }

    /// What jobs before it left for a job.
    pub fn inputs_of(&self, job: &JobName) -> Option<JobInputs> {
        let at = *self.graph.index.get(job)?;
        Some(self.inputs(&self.known()?, at))
    }

    fn inputs(&self, known: &Known<'_>, at: usize) -> JobInputs {
        let calls = calls::gate(known, known.plan.jobs[at].call.as_deref(), &self.states, known.cancelled).unwrap_or_default();
        let mut inputs = JobInputs { needs: need_results(known, at, &self.states), calls, ..JobInputs::default() };
        let sources = known.plan.jobs[at].artifacts_from.iter().filter_map(|name| self.graph.index.get(name));
        for report in sources.filter_map(|source| self.facts[*source].report.as_ref()) {
            inputs.artifacts.extend(report.artifacts);
            inputs.dotenv.extend(report.dotenv.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        inputs
    }
}
