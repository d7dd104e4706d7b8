//! What people order: each checks who asks, decides on the world as it is, and appends.

use std::collections::BTreeMap;

use penstock_model::event::StreamId;
use penstock_model::evidence::{Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::release::ReleaseId;
use penstock_model::{CommitId, EnvironmentName, JobName, ProjectName, RepositoryName, RunId, UserName};
use penstock_pipeline::{Plan, RunCommand, RunEvent};

use crate::effects::{self, EffectError};
use crate::events::{Approval, PipelineOrder, ProjectEvent, ReleaseEvent};
use crate::evidence::{Saying, say_for};
use crate::merge_requests;
use crate::parts::Parts;
pub use crate::secrets::{remove_secret, set_secret, shown_value, unmaskable};
use crate::streams;
pub use crate::users::{add_user, remove_user, renew_token};
use crate::world::{ReleaseStep, World};

/// The most variables and inputs that a pipeline is started with, and the longest value.
const MAX_GIVEN: usize = 100;
const MAX_VALUE: usize = 64 * 1024;

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is no such thing.
    #[error("there is no {0}")]
    Absent(String),
    /// It is not allowed, or not now.
    #[error("{why}")]
    Refused {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] EffectError),
}

/// Errors of hands become an [`OrderError::Failed`] by way of an effect's.
macro_rules! failed_by {
    ($($type:ty),+) => { $(impl From<$type> for OrderError {
        fn from(error: $type) -> Self {
            Self::Failed(error.into())
        }
    })+ };
}
failed_by!(crate::journal::JournalError, crate::evidence::EvidenceError, penstock_model::git::GitError);

pub(crate) fn refused<T>(why: impl Into<String>, hint: impl Into<String>) -> Result<T, OrderError> {
    Err(OrderError::Refused { why: why.into(), hint: hint.into() })
}

/// Creates a project with its two repositories. Fine if it is there already with the same settings.
pub async fn create_project(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    config: &RepositoryName,
    branch: &str,
) -> Result<(), OrderError> {
    if *config == RepositoryName::from(project.clone()) {
        return refused(
            "the config repository cannot be the source repository",
            "give it another name: gates must not come from the commit that they judge",
        );
    }
    parts.git.create(&project.clone().into()).await?;
    parts.git.create(config).await?;
    let event = ProjectEvent::Created { project: project.clone(), config: config.clone(), branch: branch.to_owned() };
    parts
        .journal
        .change(&streams::project(project), Actor::User(by.clone()), |world, _| {
            if world.projects.contains_key(project) { Vec::new() } else { vec![event] }
        })
        .await?;
    Ok(())
}

/// The id of a run that begins now.
pub(crate) fn new_run(parts: &Parts) -> RunId {
    RunId::from_parts(u64::try_from(parts.journal.now().0).unwrap_or(0), parts.random.bits())
}

/// A ref moved: a run answers it, once. Gives the run, unless this push starts none.
pub async fn pushed(
    parts: &Parts,
    project: &ProjectName,
    who: &UserName,
    reference: &str,
    commit: &CommitId,
) -> Result<Option<RunId>, OrderError> {
    Ok(answered(parts, project, who, reference, commit).await?.into_iter().find_map(|event| match event {
        ProjectEvent::Pushed { run, .. } => Some(run),
        _ => None,
    }))
}

/// The same, with everything that comes of it: merge requests go on, are opened as the push asked, or are merged by it.
pub async fn answered(
    parts: &Parts,
    project: &ProjectName,
    who: &UserName,
    reference: &str,
    commit: &CommitId,
) -> Result<Vec<ProjectEvent>, OrderError> {
    let branch = reference.strip_prefix("refs/heads/");
    if branch.is_none() && !reference.starts_with("refs/tags/") {
        return Ok(Vec::new());
    }
    let run = new_run(parts);
    let world = parts.journal.world();
    let asks = world.projects.get(project).is_some_and(|record| record.asked.contains_key(reference));
    let title =
        if asks { merge_requests::title_of(&parts.git.commit(&project.clone().into(), commit).await?.message) } else { String::new() };
    let contained = match branch {
        Some(branch) => merge_requests::contained(parts, project, branch, commit).await?,
        None => BTreeMap::new(),
    };
    let decide = |world: &World, _| {
        let Some(record) = world.projects.get(project) else { return Vec::new() };
        let before = record.refs.get(reference).cloned();
        let mut events = Vec::new();
        if before.as_ref() != Some(commit) {
            let (reference, pusher) = (reference.to_owned(), who.clone());
            events.push(ProjectEvent::Pushed { reference, before, commit: commit.clone(), pusher, run });
        }
        if let Some(branch) = branch {
            let push = merge_requests::Push { branch, commit, who, title: &title, contained: &contained };
            events.extend(merge_requests::follow(record, &push, &mut || new_run(parts)));
        }
        events
    };
    let events = parts.journal.change(&streams::project(project), Actor::User(who.clone()), decide).await?;
    for event in &events {
        if let ProjectEvent::MergeRequest { number, .. } = event {
            merge_requests::kept(parts, project, Some(*number)).await?;
        }
    }
    Ok(events)
}

/// A branch or tag was deleted: what was deployed from a branch last is stopped. Nothing if the log knows of no such ref.
pub async fn deleted(parts: &Parts, project: &ProjectName, who: Actor, reference: &str) -> Result<(), OrderError> {
    let event = ProjectEvent::Deleted { reference: reference.to_owned() };
    let known = |world: &World| world.projects.get(project).is_some_and(|record| record.refs.contains_key(reference));
    parts.journal.change(&streams::project(project), who, |world, _| if known(world) { vec![event] } else { Vec::new() }).await?;
    Ok(())
}

/// Has a pipeline start where a ref is, as a person or a program asks. Gives the run, whose plan tells what becomes of it.
pub async fn start_pipeline(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    reference: &str,
    order: PipelineOrder,
) -> Result<RunId, OrderError> {
    if !parts.journal.world().projects.contains_key(project) {
        return Err(OrderError::Absent(format!("project `{project}`")));
    }
    if order.variables.len() + order.trigger.inputs().len() > MAX_GIVEN {
        return refused(format!("more than {MAX_GIVEN} variables and inputs"), "give fewer");
    }
    let valid = |name: &str| {
        let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        word && !name.is_empty() && name.len() <= 255 && !name.starts_with(|letter: char| letter.is_ascii_digit())
    };
    if let Some((name, _)) = order.variables.iter().find(|(name, value)| !valid(name) || value.contains('\0') || value.len() > MAX_VALUE) {
        let name: String = name.chars().take(80).collect();
        return refused(
            format!("`{name}` cannot be such a variable"),
            "its name has letters, digits and `_`; its value at most 64 KiB and no zero byte",
        );
    }
    let Some(commit) = parts.git.resolve(&project.clone().into(), reference).await? else {
        return Err(OrderError::Absent(format!("{reference} in project `{project}`")));
    };
    let run = new_run(parts);
    let event = ProjectEvent::Ordered { reference: reference.to_owned(), commit, pusher: by.clone(), run: run.clone(), order };
    parts.journal.record(&streams::project(project), Actor::User(by.clone()), event).await?;
    Ok(run)
}

/// Starts a run of a plan that its starter made.
pub async fn start(parts: &Parts, project: &ProjectName, who: &UserName, plan: Plan) -> Result<RunId, OrderError> {
    let run = new_run(parts);
    let (actor, event) = (Actor::User(who.clone()), &plan.event);
    let started = ProjectEvent::Started {
        reference: event.reference.clone(),
        before: event.before.clone(),
        commit: event.commit.clone(),
        pusher: who.clone(),
        run: run.clone(),
        beside: None,
    };
    parts.journal.record(&streams::project(project), actor.clone(), started).await?;
    let planned = RunEvent::Planned { run: run.clone(), plan: Box::new(plan) };
    parts.journal.record(&streams::run(&run), actor, planned).await?;
    Ok(run)
}

/// Approves a release for an environment.
pub async fn approve(parts: &Parts, by: &UserName, id: ReleaseId, environment: &EnvironmentName) -> Result<(), OrderError> {
    let world = parts.journal.world();
    let Some(record) = world.releases.get(&id) else { return Err(OrderError::Absent(format!("release {id}"))) };
    let project = &record.release.project;
    let Some(place) = world.environment(project, environment) else {
        return Err(OrderError::Absent(format!("environment `{environment}` in project `{project}`")));
    };
    let Some(rule) = &place.approvals else {
        return refused(format!("{environment} asks for no approval"), "nothing has to be done");
    };
    let step = world.step(record, &place);
    if !matches!(step, ReleaseStep::AwaitingApproval | ReleaseStep::GateRefused) {
        return refused(
            format!("the release does not wait for an approval in {environment}: it is `{step:?}`"),
            format!("`penstock explain {}` says what it waits for", id.0.short()),
        );
    }
    let config = world.config(project);
    let approvers = config.as_ref().map(|config| config.approvers.clone()).unwrap_or_default();
    if let Err(why) = penstock_gate::may_approve(by, Some(rule), &record.pushers, &world.authors(record), &approvers) {
        return refused(why.to_string(), "ask somebody else who is named under `approvers` in the config repository");
    }
    if !world.users.contains_key(by) {
        return refused(format!("{by} is no user any more"), "ask somebody who is");
    }
    let Some(answer) = record.environments.get(environment).and_then(|state| state.gate.clone()) else {
        return refused("the gate has not answered yet", "try again in a moment");
    };
    let now = parts.journal.now();
    let counts = |given: &&Approval| {
        given.approver == *by && given.revision == answer.revision && given.policy == answer.decision.policy && given.expires > now
    };
    if let Some(given) = record.environments.get(environment).and_then(|state| state.approvals.iter().find(counts)) {
        return refused(
            format!("you have approved it already; that counts until {}", given.expires.rfc3339()),
            format!("`penstock explain {}` says what it waits for", id.0.short()),
        );
    }
    let expires = now.after(rule.expires.duration());
    let predicate = penstock_trust::predicate::Approval {
        environment: environment.clone(),
        revision: answer.revision,
        policy: answer.decision.policy,
        expires,
        approver: by.clone(),
    };
    let key = format!("approval/{id}/{environment}/{}/{by}/{}", answer.revision, expires.0);
    // the statement is the approval: one event, so that none is ever half given
    let saying = Saying {
        project,
        run: Some(&record.run),
        subject: Subject::Release(id),
        name: "approval",
        witness: Witness::Observed,
        key,
        predicate: &predicate,
    };
    say_for(parts, Actor::User(by.clone()), saying).await?;
    Ok(())
}

/// Takes a release back out of an environment, as a failed canary would.
pub async fn roll_back(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    environment: &EnvironmentName,
) -> Result<ReleaseId, OrderError> {
    let world = parts.journal.world();
    let Some(record) = world.current(project, environment) else {
        return Err(OrderError::Absent(format!("release in {environment} of `{project}`")));
    };
    let state = &record.environments[environment];
    let Some(revision) = state.revision else { return refused("the release has not been committed", "there is nothing to take back") };
    if state.previous.is_none() {
        return refused("there is no earlier release to go back to", "push a better one");
    }
    let event = ReleaseEvent::Refused { environment: environment.clone(), revision, why: format!("rolled back by {by}") };
    parts.journal.record(&streams::release(record.id), Actor::User(by.clone()), event).await?;
    Ok(record.id)
}

/// What a person may ask of a run.
#[derive(Clone, Debug)]
pub enum RunOrder {
    /// Stop it.
    Cancel,
    /// Try a job again.
    Retry(JobName),
    /// Try every job again that failed or was cancelled, while the others go on.
    RetryFailed,
    /// Start a manual job.
    Play(JobName),
}

/// Orders something of a run.
pub async fn order_run(parts: &Parts, by: &UserName, run: &RunId, order: RunOrder) -> Result<(), OrderError> {
    if !parts.journal.world().runs.contains_key(run) {
        return Err(OrderError::Absent(format!("run {run}")));
    }
    let actor = Actor::User(by.clone());
    let command = match order {
        RunOrder::Cancel => RunCommand::Cancel { by: actor.clone() },
        RunOrder::Retry(job) => RunCommand::RetryJob { job, by: actor.clone() },
        RunOrder::RetryFailed => RunCommand::Retry { by: actor.clone() },
        RunOrder::Play(job) => RunCommand::PlayJob { job, by: actor.clone() },
    };
    match effects::tell(parts, run, actor, command).await {
        Ok(_) => Ok(()),
        Err(EffectError::Other(why)) => refused(why, "`penstock status` shows how it stands"),
        Err(error) => Err(error.into()),
    }
}

/// A stream's name that came from outside.
pub fn stream(text: &str) -> Option<StreamId> {
    text.parse().ok()
}
