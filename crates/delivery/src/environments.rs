//! Environments that jobs of GitLab files name: what was deployed to each last, and when it is stopped.
//!
//! What Penstock itself delivers to is another thing: those environments are written in the config repository, and no job of a
//! pipeline changes them. One of each kind may have the same name.

use penstock_model::ids::Actor;
use penstock_model::job::{Deployment, DeploymentAction};
use penstock_model::{CommitId, JobName, ProjectName, RunId, Timestamp};
use penstock_pipeline::{JobState, PlannedJob, RunCommand};

use crate::effects::{EffectError, tell};
use crate::events::ProjectEvent;
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::{ProjectRecord, World};

/// An environment that jobs name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedEnvironment {
    /// What kind it is: `production`, `staging`, `testing`, `development`, `other`.
    pub tier: String,
    /// Its address.
    pub url: Option<String>,
    /// What was deployed to it last.
    pub deployed: Option<Deployed>,
    /// The keys of the jobs that stop it, in the file of the last deployment: of each job of that pipeline that deployed to it.
    pub on_stop: Vec<String>,
    /// When it is stopped by itself.
    pub stops_at: Option<Timestamp>,
    /// The jobs that were started to stop it.
    pub stopping: Vec<(RunId, JobName)>,
    /// Since when it is stopped.
    pub stopped: Option<Timestamp>,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// The commit.
    pub commit: CommitId,
    /// The full ref.
    pub reference: String,
    /// When the job had ended.
    pub at: Timestamp,
}

/// How an environment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is there.
    Available,
    /// The job that stops it is at work, or is going to be.
    Stopping,
    /// It is not there any more.
    Stopped,
}

impl NamedEnvironment {
    /// Takes in what a job did. `deployed` is what is there from now on if it deployed something.
    pub(crate) fn take(&mut self, what: &Deployment, deployed: Deployed) {
        let at = deployed.at;
        if what.action == DeploymentAction::Stop {
            (self.stopped, self.stopping, self.stops_at) = (Some(at), Vec::new(), None);
            return;
        }
        let millis = |seconds: u64| i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        let stops_at = what.stops_in.map(|seconds| Timestamp(at.0.saturating_add(millis(seconds))));
        what.tier.clone_into(&mut self.tier);
        if what.action == DeploymentAction::Start {
            (self.stopped, self.stopping, self.stops_at) = (None, Vec::new(), stops_at);
            if self.deployed.as_ref().is_none_or(|before| before.run != deployed.run) {
                self.on_stop.clear();
            }
            self.on_stop.extend(what.on_stop.clone().filter(|key| !self.on_stop.contains(key)));
            (self.url, self.deployed) = (what.url.clone(), Some(deployed));
        } else if self.stopped.is_none() {
            self.stops_at = stops_at.or(self.stops_at);
        }
    }

    /// The branch is gone: what was deployed from there last is to be stopped.
    pub(crate) fn lose(&mut self, branch: &str, at: Timestamp) {
        if self.stopped.is_none() && self.deployed.as_ref().is_some_and(|deployed| deployed.reference == branch) {
            self.stops_at = Some(at);
        }
    }

    /// How it stands.
    pub fn standing(&self, world: &World) -> Standing {
        if self.stopped.is_some() {
            return Standing::Stopped;
        }
        let states = self.stopping.iter().filter_map(|(run, job)| world.runs.get(run)?.run.as_ref()?.job(job));
        let over = |state: &JobState| {
            use JobState::{Cancelled, Failed, Manual, Skipped, Succeeded};
            matches!(state, Succeeded | Failed { .. } | Cancelled { .. } | Skipped { .. } | Manual)
        };
        // a job that failed to stop it leaves it as it is, so that somebody may try again
        if states.into_iter().any(|state| !over(state)) { Standing::Stopping } else { Standing::Available }
    }

    /// The jobs that stop it, and what starts each as things stand.
    fn stop_commands(&self, world: &World, by: &Actor) -> Vec<(RunId, JobName, RunCommand)> {
        let Some(run) = self.deployed.as_ref().map(|deployed| &deployed.run) else { return Vec::new() };
        let Some(state) = world.runs.get(run).and_then(|record| record.run.as_ref()) else { return Vec::new() };
        let jobs = state.plan().map(|plan| &*plan.jobs).unwrap_or_default();
        let command = |key: &String| {
            let named = |job: &&PlannedJob| job.name.as_str() == key || job.group == *key;
            let job = jobs.iter().find(named)?.name.clone();
            let play = RunCommand::PlayJob { job: job.clone(), by: by.clone() };
            let retry = RunCommand::RetryJob { job: job.clone(), by: by.clone() };
            let command = [play, retry].into_iter().find(|command| state.decide(command.clone()).is_ok())?;
            Some((run.clone(), job, command))
        };
        self.on_stop.iter().filter_map(command).collect()
    }
}

/// Environments of a project whose time is over, and the next instant at which one's is.
pub fn due<'p>(world: &World, project: &'p ProjectRecord, now: Timestamp) -> (Vec<&'p String>, Option<Timestamp>) {
    let waiting = |environment: &NamedEnvironment| environment.stops_at.filter(|_| environment.standing(world) == Standing::Available);
    let times = || project.environments.iter().filter_map(|(name, environment)| Some((name, waiting(environment)?)));
    let over = times().filter(|(_, at)| *at <= now).map(|(name, _)| name).collect();
    (over, times().map(|(_, at)| at).filter(|at| *at > now).min())
}

/// Stops an environment whose time is over, if that is still so.
pub(crate) async fn stop_due(parts: &Parts, project: &ProjectName, name: &str) -> Result<(), EffectError> {
    let (world, now) = (parts.journal.world(), parts.journal.now());
    let is_due = world.projects.get(project).is_some_and(|record| due(&world, record, now).0.iter().any(|due| *due == name));
    if is_due { stop_now(parts, &world, project, name, Actor::Penstock).await } else { Ok(()) }
}

/// Stops an environment: by the jobs that its file names for that, or by saying so if there is none.
///
/// # Errors
/// When there is no such environment, or it is stopped already.
pub async fn stop(parts: &Parts, by: Actor, project: &ProjectName, name: &str) -> Result<(), OrderError> {
    let world = parts.journal.world();
    let environment = world.projects.get(project).and_then(|record| record.environments.get(name));
    let Some(environment) = environment else {
        return Err(OrderError::Absent(format!("environment `{name}` that jobs of `{project}` have deployed to")));
    };
    match environment.standing(&world) {
        Standing::Available => Ok(stop_now(parts, &world, project, name, by).await?),
        Standing::Stopping => refused(format!("`{name}` is being stopped"), "its job's log says how far it is"),
        Standing::Stopped => refused(format!("`{name}` is stopped already"), "a job that deploys to it starts it again"),
    }
}

/// The jobs are started first: whoever dies between the two finds them at work, and an environment whose time is over is looked at again.
async fn stop_now(parts: &Parts, world: &World, project: &ProjectName, name: &str, by: Actor) -> Result<(), EffectError> {
    let Some(environment) = world.projects.get(project).and_then(|record| record.environments.get(name)) else { return Ok(()) };
    let environment_name = name.to_owned();
    let mut events = Vec::new();
    for (run, job, command) in environment.stop_commands(world, &by) {
        tell(parts, &run, by.clone(), command).await?;
        events.push(ProjectEvent::EnvironmentStopping { environment: environment_name.clone(), run, job });
    }
    if events.is_empty() {
        events.push(ProjectEvent::EnvironmentStopped { environment: environment_name });
    }
    parts.journal.change(&streams::project(project), by, |_, _| events).await?;
    Ok(())
}
