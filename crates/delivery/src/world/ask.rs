//! Questions that drivers and pages ask of a world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use penstock_gate::{Authors, DeliveryConfig, Environment, Identity};
use penstock_model::evidence::{Evidence, Subject};
use penstock_model::release::{ImageRef, Release, ReleaseId, Revision};
use penstock_model::{EnvironmentName, ProjectName, RunId};

use super::World;
use super::record::{EnvironmentState, ReleaseRecord, ReleaseStep, RunRecord, WayBack};

impl World {
    /// The runs of the same push beside this one.
    pub fn beside<'w>(&'w self, run: &'w RunId) -> impl Iterator<Item = &'w Arc<RunRecord>> {
        self.runs.values().filter(move |record| record.beside.as_ref() == Some(run))
    }

    /// The project's environments as its config repository has them.
    pub fn config(&self, project: &ProjectName) -> Option<Arc<DeliveryConfig>> {
        self.projects.get(project)?.config.as_ref()?.config.clone()
    }

    /// One environment of a project.
    pub fn environment(&self, project: &ProjectName, name: &EnvironmentName) -> Option<Environment> {
        self.config(project)?.environments.iter().find(|environment| environment.name == *name).cloned()
    }

    /// The project's releases, newest first.
    pub fn releases_of<'a>(&'a self, project: &ProjectName) -> impl Iterator<Item = &'a Arc<ReleaseRecord>> {
        self.release_order.get(project).into_iter().flatten().rev().filter_map(|id| self.releases.get(id))
    }

    /// The release that an environment runs (or is being given): the last committed that did not go back.
    pub fn current(&self, project: &ProjectName, environment: &EnvironmentName) -> Option<Arc<ReleaseRecord>> {
        self.releases_of(project)
            .filter_map(|record| Some((record.environments.get(environment)?.committed_at?, record)))
            .filter(|(_, record)| !matches!(record.environments[environment].way_back, Some(WayBack::Reverted { .. })))
            .max_by_key(|(at, _)| *at)
            .map(|(_, record)| record.clone())
    }

    /// The last release that an environment took in full and kept.
    pub fn last_delivered(&self, project: &ProjectName, environment: &EnvironmentName) -> Option<Arc<ReleaseRecord>> {
        self.releases_of(project)
            .filter_map(|record| Some((record.environments.get(environment)?.delivered_at?, record)))
            .filter(|(_, record)| record.environments[environment].refused.is_none())
            .max_by_key(|(at, _)| *at)
            .map(|(_, record)| record.clone())
    }

    /// Revisions that must not run in an environment, with the reason.
    pub fn refused(&self, project: &ProjectName, environment: &EnvironmentName, revision: &Revision) -> Option<String> {
        self.releases_of(project).find_map(|record| {
            let state = record.environments.get(environment)?;
            let why = state.refused.as_ref()?;
            (state.revision.as_ref() == Some(revision)).then(|| format!("refused since release {}: {why}", record.id.0.short()))
        })
    }

    /// Everything that speaks for a release: statements on it, on its images, and on its commit.
    pub fn evidence_for(&self, id: ReleaseId, release: &Release) -> Vec<Arc<Evidence>> {
        let Some(record) = self.evidence.get(&release.project) else { return Vec::new() };
        let images = release.images.iter().map(|(name, digest)| Subject::Image(ImageRef { name: name.clone(), digest: *digest }));
        [Subject::Release(id), Subject::Commit(release.commit.clone())]
            .into_iter()
            .chain(images)
            .flat_map(|subject| record.by_subject.get(&subject).cloned().unwrap_or_default())
            .collect()
    }

    /// Who wrote a release's commits, with what is known about users.
    pub fn authors(&self, record: &ReleaseRecord) -> Authors {
        let mut mails: BTreeMap<_, BTreeSet<_>> = self.former.iter().map(|(name, mails)| (name.clone(), mails.clone())).collect();
        for user in self.users.values() {
            mails.entry(user.name.clone()).or_default().extend(user.emails.iter().cloned());
        }
        let known = mails.into_iter().map(|(user, mails)| Identity { user, mails: mails.into_iter().collect(), names: Vec::new() });
        Authors { commits: record.authors.clone(), known: known.collect() }
    }

    /// How far a release has got in an environment.
    pub fn step(&self, record: &ReleaseRecord, environment: &Environment) -> ReleaseStep {
        let absent = EnvironmentState::default();
        let state = record.environments.get(&environment.name).unwrap_or(&absent);
        if state.refused.is_some() {
            return ReleaseStep::Refused;
        }
        if state.superseded {
            return ReleaseStep::Superseded;
        }
        if state.delivered_at.is_some() {
            return checks_step(state, environment);
        }
        if state.committed_at.is_some() {
            return ReleaseStep::RollingOut;
        }
        if !self.is_its_turn(record, environment) {
            return ReleaseStep::Waiting;
        }
        match &state.gate {
            None => ReleaseStep::AtGate,
            Some(answer) if answer.decision.allow => ReleaseStep::Allowed,
            Some(answer) if answer.decision.waits_for_approval_only() => ReleaseStep::AwaitingApproval,
            Some(_) => ReleaseStep::GateRefused,
        }
    }

    /// True once the environment before this one has the release, every check done (whatever they said: the gate judges).
    pub fn is_its_turn(&self, record: &ReleaseRecord, environment: &Environment) -> bool {
        let Some(before) = &environment.after else { return true };
        let Some(earlier) = self.environment(&record.release.project, before) else { return false };
        matches!(self.step(record, &earlier), ReleaseStep::Delivered | ReleaseStep::CheckFailed)
    }

    /// All streams' kinds, for the audit page.
    pub fn kinds(&self) -> BTreeSet<&str> {
        self.versions.keys().map(penstock_model::event::StreamId::kind).collect()
    }
}

fn checks_step(state: &EnvironmentState, environment: &Environment) -> ReleaseStep {
    let done = |name: &str| state.checks.iter().find(|check| check.name == name);
    if environment.checks.iter().any(|check| done(&check.name).is_none()) {
        ReleaseStep::Checking
    } else if environment.checks.iter().any(|check| done(&check.name).is_some_and(|result| !result.passed)) {
        ReleaseStep::CheckFailed
    } else {
        ReleaseStep::Delivered
    }
}
