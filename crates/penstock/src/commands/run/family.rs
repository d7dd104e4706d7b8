//! A run with the pipelines that its jobs started: what is followed until all of it is over, and how it did.

use std::collections::BTreeSet;
use std::sync::Arc;

use penstock_cli::Output;
use penstock_cli::terminal::{between, dim, plain, status as word, table};
use penstock_delivery::wanted::wanted;
use penstock_delivery::{RunRecord, World};
use penstock_model::job::AttemptId;
use penstock_model::{JobName, RunId, Timestamp};
use penstock_pipeline::{JobState, Plan, Run, RunStatus};
use serde_json::{Value, json};

/// A run, and those that the last attempts of its jobs started, near and far.
pub struct Family {
    world: Arc<World>,
    root: RunId,
}

/// A run of it, and the jobs that it stands in, from the outside in.
pub struct Member<'f> {
    /// The run.
    pub record: &'f RunRecord,
    /// The jobs.
    pub within: Vec<&'f JobName>,
}

impl Member<'_> {
    /// A job's name for people: `deploy / smoke`.
    pub fn name(&self, job: &JobName) -> String {
        let names: Vec<&str> = self.within.iter().copied().chain([job]).map(JobName::as_str).collect();
        plain(&names.join(" / "))
    }
}

impl Family {
    /// That of a run as the world is; none if there is no such run.
    pub fn of(world: Arc<World>, root: &RunId) -> Option<Self> {
        world.runs.contains_key(root).then(|| Self { root: root.clone(), world })
    }

    /// The runs: each before those that its jobs started.
    pub fn members(&self) -> Vec<Member<'_>> {
        let mut out = Vec::new();
        let root = self.world.runs.get(&self.root).map(|record| Member { record, within: Vec::new() });
        let mut open: Vec<Member<'_>> = root.into_iter().collect();
        while let Some(member) = open.pop() {
            let started = self.world.downstream(&member.record.id);
            for (at, (job, record)) in started.iter().enumerate().rev() {
                if started[at + 1..].iter().all(|(later, _)| later != job) {
                    open.push(Member { record, within: member.within.iter().copied().chain([*job]).collect() });
                }
            }
            out.push(member);
        }
        out
    }

    /// Jobs that failed or were cancelled. One that ended as the pipeline did that it started is tried again there.
    pub fn stopped(&self) -> Vec<(RunId, JobName)> {
        let of = |record: &RunRecord| -> Vec<JobName> {
            let stopped = |state: &JobState| matches!(state, JobState::Failed { .. } | JobState::Cancelled { .. });
            let jobs = record.run.iter().flat_map(Run::jobs).filter(|(_, state)| stopped(state));
            jobs.map(|(job, _)| job.name.clone()).collect()
        };
        let members = self.members();
        let below = |run: &RunId, job: &JobName| {
            let by = |member: &&Member<'_>| member.record.upstream.as_ref().is_some_and(|up| up.by.run == *run && up.by.job == *job);
            members.iter().find(by).is_some_and(|member| !of(member.record).is_empty())
        };
        let all = members.iter().flat_map(|member| of(member.record).into_iter().map(|job| (member.record.id.clone(), job)));
        all.filter(|(run, job)| !below(run, job)).collect()
    }

    /// Attempts that are over.
    pub fn ended(&self) -> BTreeSet<AttemptId> {
        let of = |record: &RunRecord| -> Vec<AttemptId> {
            let ended = record.times.iter().filter(|(_, times)| times.ended.is_some());
            ended.map(|(job, times)| AttemptId { run: record.id.clone(), job: job.clone(), attempt: times.attempt }).collect()
        };
        self.members().iter().flat_map(|member| of(member.record)).collect()
    }

    /// Whether nothing goes on any more: all of it is over, or waits for somebody to start a manual job, which nobody can here.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let members = self.members();
        let ended = |member: &Member<'_>| member.record.ended.is_some();
        if members.iter().all(ended) {
            return true;
        }
        let busy = |member: &Member<'_>| member.record.run.as_ref().is_none_or(|run| !run.running().is_empty());
        let left = wanted(&self.world, now);
        self.is_blocked() && !members.iter().filter(|member| !ended(member)).any(busy) && left.effects.is_empty() && left.again.is_none()
    }

    /// Whether something of it waits for a person.
    fn is_blocked(&self) -> bool {
        let blocked = |member: &Member<'_>| member.record.run.as_ref().is_some_and(|run| run.status() == RunStatus::Blocked);
        self.members().iter().any(blocked)
    }

    /// Says how it ended; gives whether that is good.
    pub fn summary(&self, output: Output) -> bool {
        let members = self.members();
        let good = self.world.runs.get(&self.root).and_then(|record| record.run.as_ref()).is_some_and(|run| run.status().is_success());
        if output == Output::Json {
            println!("{}", self.json(&self.root));
            return good;
        }
        for Member { record, within } in &members {
            // why another one could not be made is in the log of its job
            if let Some(why) = record.rejected.as_ref().filter(|_| within.is_empty()) {
                eprintln!("{why}");
            }
            for why in record.run.as_ref().and_then(Run::plan).filter(|_| within.is_empty()).map(Plan::why_empty).unwrap_or_default() {
                eprintln!("no job is for this commit: {why}");
            }
        }
        println!();
        let rows: Vec<_> = members.iter().flat_map(rows).collect();
        table(&["JOB", "STATUS", "TIME", ""], &rows);
        if self.is_blocked() {
            eprintln!("the run waits for a manual job: `penstock run --manual JOB` starts one as soon as it can");
        }
        good
    }

    /// A run for programs, with those that its jobs started.
    fn json(&self, id: &RunId) -> Value {
        let Some(record) = self.world.runs.get(id) else { return Value::Null };
        let state = record.run.as_ref();
        let jobs = state.into_iter().flat_map(Run::jobs);
        let jobs: Vec<_> =
            jobs.map(|(job, state)| json!({ "job": job.name, "state": state, "times": record.times.get(&job.name) })).collect();
        let started = self.world.downstream(id);
        let started: Vec<_> = started.into_iter().map(|(job, child)| json!({ "job": job, "pipeline": self.json(&child.id) })).collect();
        json!({
            "run": record.id, "commit": record.push.commit, "success": state.is_some_and(|run| run.status().is_success()),
            "rejected": record.rejected, "jobs": jobs, "started": started,
        })
    }
}

fn rows(member: &Member<'_>) -> Vec<Vec<String>> {
    let record = member.record;
    let row = |name: &JobName, state: &JobState| {
        let text = serde_json::to_value(state).ok();
        let text = text.and_then(|value| value.get("state").and_then(|word| word.as_str().map(str::to_owned))).unwrap_or_default();
        let shown = if text == "succeeded" { "success" } else { &text };
        let time = record.times.get(name).and_then(|times| Some(between(times.started, times.ended?))).unwrap_or_default();
        let taken = record.times.get(name).and_then(|times| times.report.as_ref()?.taken_from());
        let taken = taken.map(|from| dim(&format!("taken from {}", from.run))).unwrap_or_default();
        vec![member.name(name), word(shown), time, taken]
    };
    record.run.iter().flat_map(Run::jobs).map(|(job, state)| row(&job.name, state)).collect()
}
