//! What should be happening now, read off the world. Pure: after a crash the drivers just look again.

mod words;

use penstock_gate::Environment;
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, JobName, ProjectName, RunId, Timestamp};
use penstock_pipeline::{Plan, RunEffect, TurnStep};

use crate::downstream;
use crate::environments;
use crate::inputs::gate_inputs;
use crate::notices::{self, Notice};
use crate::turns;
use crate::world::{ReleaseRecord, ReleaseStep, RunRecord, WayBack, World};

/// Something to be done by a hand. Carrying one out twice is harmless.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Read the pipeline file and plan.
    Plan {
        /// Which run.
        run: RunId,
    },
    /// Carry out one attempt of a job.
    Job {
        /// Which run.
        run: RunId,
        /// Which job.
        job: JobName,
        /// From 1 upwards.
        attempt: u32,
    },
    /// The next step of a job that starts a pipeline.
    Trigger {
        /// Which run.
        run: RunId,
        /// Which job.
        job: JobName,
        /// From 1 upwards.
        attempt: u32,
    },
    /// Cancel a child pipeline whose parent was cancelled.
    CancelChild {
        /// Which run.
        run: RunId,
    },
    /// Settle when a delayed job starts.
    Schedule {
        /// Which run.
        run: RunId,
        /// Which job.
        job: JobName,
    },
    /// Give a job or a run its turn, or have it make way for another one.
    Turn {
        /// What.
        step: TurnStep,
    },
    /// Cancel what a newer push to the same ref makes needless.
    Redundant {
        /// Which run.
        run: RunId,
    },
    /// Let a delayed job start, whose instant has come.
    Enqueue {
        /// Which run.
        run: RunId,
        /// Which job.
        job: JobName,
    },
    /// Stop an environment that jobs name, whose time is over.
    StopEnvironment {
        /// Of which project.
        project: ProjectName,
        /// Which environment.
        environment: String,
    },
    /// Start the pipeline whose time has come.
    Fire {
        /// Of which project.
        project: ProjectName,
        /// The name of the time.
        time: String,
    },
    /// Tell the run that nothing is left to do.
    FinishRun {
        /// Which run.
        run: RunId,
    },
    /// Make a release of a run's images.
    Release {
        /// Which run.
        run: RunId,
    },
    /// Ask a gate.
    Gate {
        /// Which release.
        release: ReleaseId,
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Write the release into the config repository.
    Commit {
        /// Which release.
        release: ReleaseId,
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Run one check against an environment.
    Check {
        /// Which release.
        release: ReleaseId,
        /// Which environment.
        environment: EnvironmentName,
        /// The check's name.
        check: String,
    },
    /// The next step of the way back.
    WayBack {
        /// Which release.
        release: ReleaseId,
        /// Which environment.
        environment: EnvironmentName,
    },
    /// A newer release has taken this one's place.
    Supersede {
        /// Which release.
        release: ReleaseId,
        /// Which environment.
        environment: EnvironmentName,
    },
    /// Tell people.
    Notify {
        /// What about.
        notice: Notice,
    },
}

/// A job that must be told to stop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// Which run.
    pub run: RunId,
    /// Which job.
    pub job: JobName,
}

/// Everything that should be happening now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// To carry out; what is under way already stays so.
    pub effects: Vec<Effect>,
    /// To stop.
    pub stops: Vec<Stop>,
    /// When to look again, if nothing happens before.
    pub again: Option<Timestamp>,
}

/// Reads off the world what should be happening.
pub fn wanted(world: &World, now: Timestamp) -> Wanted {
    let mut wanted = Wanted::default();
    if !world.unknown.is_empty() {
        // a newer program wrote the log: what it meant is not known here, so nothing is done
        return wanted;
    }
    for record in world.runs.values() {
        of_run(world, record, now, &mut wanted);
    }
    for project in world.projects.values() {
        wanted.effects.extend(turns::due(world, project).into_iter().map(|step| Effect::Turn { step }));
        wanted.effects.extend(turns::redundant(world, project, now).into_iter().map(|run| Effect::Redundant { run }));
        let (over, again) = environments::due(world, project, now);
        let stop = |name: &String| Effect::StopEnvironment { project: project.name.clone(), environment: name.clone() };
        wanted.effects.extend(over.into_iter().map(stop));
        wanted.again = wanted.again.into_iter().chain(again).min();
        for (name, time) in &project.timetable {
            match time.next() {
                Some(at) if at <= now => wanted.effects.push(Effect::Fire { project: project.name.clone(), time: name.clone() }),
                Some(at) => wanted.again = Some(wanted.again.map_or(at, |again| again.min(at))),
                None => {}
            }
        }
        let Some(config) = world.config(&project.name) else { continue };
        for environment in &config.environments {
            of_environment(world, &project.name, environment, now, &mut wanted.effects);
        }
    }
    wanted.effects.extend(notices::due(world).into_iter().map(|notice| Effect::Notify { notice }));
    wanted
}

fn of_run(world: &World, record: &RunRecord, now: Timestamp, wanted: &mut Wanted) {
    if record.rejected.is_some() {
        return;
    }
    let Some(run) = &record.run else {
        if !record.brings_plan {
            wanted.effects.push(Effect::Plan { run: record.id.clone() });
        }
        return;
    };
    for (job, _) in run.jobs().filter(|(job, _)| job.trigger.is_some()) {
        let attempt = run.begun(&job.name).unwrap_or_else(|| run.attempts(&job.name) + 1);
        if downstream::due(world, record, &job.name, attempt).is_some() {
            wanted.effects.push(Effect::Trigger { run: record.id.clone(), job: job.name.clone(), attempt });
        }
    }
    if downstream::to_be_cancelled(world, record) {
        wanted.effects.push(Effect::CancelChild { run: record.id.clone() });
    }
    let bridge = |job: &JobName| run.plan().and_then(|plan| plan.job(job)).is_some_and(|job| job.trigger.is_some());
    for effect in run.wanted() {
        match effect {
            RunEffect::StartJob { job, .. } if bridge(&job) => {}
            RunEffect::StartJob { job, attempt, .. } => {
                wanted.effects.push(Effect::Job { run: record.id.clone(), job, attempt });
            }
            RunEffect::CancelJob { job, .. } => wanted.stops.push(Stop { run: record.id.clone(), job }),
            RunEffect::ScheduleJob { job, .. } => wanted.effects.push(Effect::Schedule { run: record.id.clone(), job }),
            RunEffect::EnqueueJob { job, at } if at <= now => wanted.effects.push(Effect::Enqueue { run: record.id.clone(), job }),
            RunEffect::EnqueueJob { at, .. } => wanted.again = Some(wanted.again.map_or(at, |again| again.min(at))),
            RunEffect::Finish { .. } => wanted.effects.push(Effect::FinishRun { run: record.id.clone() }),
        }
    }
    if record.ended.is_some() && record.release.is_none() && makes_a_release(world, record) {
        wanted.effects.push(Effect::Release { run: record.id.clone() });
    }
}

/// A run that came to a good end. Of several pipeline files of one push, one that has no job for it stands in nobody's way.
pub(crate) fn is_fine(record: &RunRecord) -> bool {
    let Some(run) = record.run.as_ref().filter(|_| record.ended.is_some()) else { return false };
    run.status().is_success() || run.plan().is_some_and(Plan::is_empty)
}

/// A run of the delivered branch that succeeded and built images.
fn makes_a_release(world: &World, record: &RunRecord) -> bool {
    let Some(project) = world.projects.get(&record.project) else { return false };
    let delivered = project.delivers(&record.push.reference);
    let config_known = project.config.as_ref().is_some_and(|seen| seen.config.is_some());
    delivered
        && config_known
        && record.beside.is_none()
        && record.child_of().is_none()
        && world.parts_of_release(record, &is_fine).is_some_and(|runs| runs.iter().any(|run| !run.images.is_empty()))
}

fn of_environment(world: &World, project: &ProjectName, environment: &Environment, now: Timestamp, effects: &mut Vec<Effect>) {
    let under_way = world.releases_of(project).find(|record| is_under_way(world, record, environment));
    let mut newest_seen = false;
    for record in world.releases_of(project) {
        let id = record.id;
        let name = environment.name.clone();
        let state = record.environments.get(&name);
        if state.is_some_and(|state| state.refused.is_some() && !matches!(state.way_back, Some(WayBack::Reverted { .. }))) {
            effects.push(Effect::WayBack { release: id, environment: name });
            continue;
        }
        match world.step(record, environment) {
            ReleaseStep::AtGate | ReleaseStep::GateRefused | ReleaseStep::AwaitingApproval | ReleaseStep::Allowed if newest_seen => {
                effects.push(Effect::Supersede { release: id, environment: name });
            }
            step @ (ReleaseStep::AtGate | ReleaseStep::GateRefused | ReleaseStep::AwaitingApproval | ReleaseStep::Allowed) => {
                newest_seen = true;
                let asked = state.and_then(|state| state.gate.as_ref()).map(|answer| answer.inputs);
                if asked != Some(gate_inputs(world, record, environment, now)) {
                    effects.push(Effect::Gate { release: id, environment: name });
                } else if step == ReleaseStep::Allowed && under_way.is_none() {
                    effects.push(Effect::Commit { release: id, environment: name });
                }
            }
            ReleaseStep::Checking => {
                newest_seen = true;
                effects.extend(next_check(record, environment).map(|check| Effect::Check { release: id, environment: name, check }));
            }
            ReleaseStep::RollingOut | ReleaseStep::Delivered | ReleaseStep::CheckFailed => newest_seen = true,
            ReleaseStep::Waiting | ReleaseStep::Refused | ReleaseStep::Superseded => {}
        }
    }
}

/// One release at a time is on its way into an environment, or on its way back out of it.
fn is_under_way(world: &World, record: &ReleaseRecord, environment: &Environment) -> bool {
    let going_back = record
        .environments
        .get(&environment.name)
        .is_some_and(|state| state.refused.is_some() && !matches!(state.way_back, Some(WayBack::Reverted { .. })));
    going_back || matches!(world.step(record, environment), ReleaseStep::RollingOut | ReleaseStep::Checking)
}

/// Checks run one after the other, in the order of the file, so that they do not disturb each other.
fn next_check(record: &ReleaseRecord, environment: &Environment) -> Option<String> {
    let done = &record.environments.get(&environment.name)?.checks;
    environment.checks.iter().map(|check| &check.name).find(|name| !done.iter().any(|result| result.name == **name)).cloned()
}
