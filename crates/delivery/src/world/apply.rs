//! Applying an event.

mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use penstock_gitops::AppEvent;
use penstock_model::event::{DomainEvent, Recorded};
use penstock_model::evidence::{Evidence, Subject, Witness, predicate};
use penstock_model::job::JobReport;
use penstock_model::release::ReleaseId;
use penstock_model::{CommitId, Digest, EnvironmentName, ProjectName, RunId, Timestamp, UserName};
use penstock_pipeline::{JobState, RunEvent, Status};
use penstock_rollout::RolloutEvent;

use super::World;
use super::record::{
    BuiltImage, CanarySpan, EnvironmentState, GateAnswer, JobTimes, ReleaseRecord, RolloutId, RolloutRecord, RunRecord, SecretRecord,
    UserRecord, WayBack,
};
use super::tested::TestedAttempt;
use crate::collect::CollectionEvent;
use crate::environments::Deployed;
use crate::events::{Approval, EvidenceEvent, NoticeEvent, ReleaseEvent, SettingEvent, UserEvent, WorkEvent};

impl World {
    /// Takes in the next event. An event that cannot be read is remembered as unknown, never skipped in silence.
    pub fn apply(&mut self, event: &Recorded) {
        if event.position <= self.position {
            return;
        }
        self.position = event.position;
        self.versions.insert(event.stream.clone(), event.version + 1);
        if self.fold(event).is_none() {
            self.unknown.insert(format!("{} {} v{}", event.stream, event.kind.name, event.kind.version));
        }
    }

    /// `None` if the event cannot be read, or speaks of what is not there.
    fn fold(&mut self, event: &Recorded) -> Option<()> {
        let family = event.kind.name.split('.').next().unwrap_or_default();
        match family {
            "project" => self.project(read(event)?, event),
            "setting" => self.setting(read(event)?, event),
            "run" => self.run(&read::<RunEvent>(event)?, event),
            "work" => self.work(read(event)?, event),
            "evidence" => self.evidence(read(event)?, event),
            "release" => self.release(read(event)?, event),
            "rollout" => self.rollout(&read::<RolloutEvent>(event)?, event),
            "app" => self.app(&read::<AppEvent>(event)?, event),
            "notice" => self.notice(read(event)?, event),
            "user" => self.user(read(event)?, event),
            // for the audit trail alone
            "collection" => read::<CollectionEvent>(event).map(drop),
            _ => None,
        }
    }

    fn setting(&mut self, what: SettingEvent, event: &Recorded) -> Option<()> {
        let name: ProjectName = event.stream.name().parse().ok()?;
        let project = Arc::make_mut(self.projects.get_mut(&name)?);
        match what {
            SettingEvent::SecretSet { name, how } => {
                let key = (name, how.environment.clone());
                project.secrets.insert(key, SecretRecord { set: event.at, by: event.actor.clone(), how });
            }
            SettingEvent::SecretRemoved { name, environment } => {
                project.secrets.remove(&(name, environment));
            }
            SettingEvent::VariableSet { name, value } => {
                project.variables.insert(name, value);
            }
        }
        Some(())
    }

    fn run_record(&mut self, event: &Recorded) -> Option<&mut RunRecord> {
        let id: RunId = event.stream.name().parse().ok()?;
        self.runs.get_mut(&id).map(Arc::make_mut)
    }

    fn run(&mut self, what: &RunEvent, event: &Recorded) -> Option<()> {
        let record = self.run_record(event)?;
        match what {
            RunEvent::JobStarted { job, attempt } => {
                let times = JobTimes { attempt: *attempt, started: event.at, ended: None, report: None };
                record.times.insert(job.clone(), times);
            }
            RunEvent::JobFinished { job, report, .. } => {
                record.left.extend(
                    report.reports.iter().map(|file| file.digest).chain(report.artifacts).chain(report.kept.iter().map(|kept| kept.digest)),
                );
                if let (Some(digest), Some(seconds)) = (report.artifacts, report.expire_in) {
                    let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
                    let until = Timestamp(event.at.0.saturating_add(millis));
                    let known = record.left_until.entry(digest).or_insert(until);
                    *known = (*known).max(until);
                }
                if let Some(times) = record.times.get_mut(job) {
                    times.ended = Some(event.at);
                    times.report = Some(report.clone());
                }
            }
            RunEvent::JobInterrupted { job, .. } => {
                if let Some(times) = record.times.get_mut(job) {
                    times.ended = Some(event.at);
                }
            }
            RunEvent::Finished { .. } => record.ended = Some(event.at),
            RunEvent::JobFollowed { job, status: Status::Running, .. } => {
                (record.ended, record.taken_up) = (None, Some(event.at));
                record.times.entry(job.clone()).and_modify(|times| times.ended = None);
            }
            RunEvent::JobFollowed { job, status: Status::Skipped, .. } => {
                record.times.entry(job.clone()).and_modify(|times| times.ended = Some(event.at));
            }
            RunEvent::JobRetried { .. } | RunEvent::ManualPlayed { .. } | RunEvent::Retried { .. } => {
                (record.ended, record.taken_up) = (None, Some(event.at));
            }
            _ => {}
        }
        let run = record.run.get_or_insert_default();
        run.evolve(what);
        record.cut = if run.is_cut() { record.cut.or(Some(event.at)) } else { None };
        if matches!(what, RunEvent::CancelRequested { .. } | RunEvent::JobCancelRequested { .. } | RunEvent::JobFinished { .. }) {
            // what only follows another pipeline ends at once
            for (job, times) in record.times.iter_mut().filter(|(_, times)| times.ended.is_none()) {
                if matches!(run.job(job), Some(JobState::Cancelled { .. })) {
                    times.ended = Some(event.at);
                }
            }
        }
        if let RunEvent::JobFinished { job, report: JobReport { deployment: Some(deployment), .. }, .. } = what {
            let (run, project, push) = (record.id.clone(), record.project.clone(), &record.push);
            let (commit, reference) = (push.commit.clone(), push.reference.clone());
            let deployed = Deployed { run, job: job.clone(), commit, reference, at: event.at };
            let project = Arc::make_mut(self.projects.get_mut(&project)?);
            project.environments.entry(deployment.environment.clone()).or_default().take(deployment, deployed);
        }
        Some(())
    }

    fn work(&mut self, what: WorkEvent, event: &Recorded) -> Option<()> {
        let record = self.run_record(event)?;
        match what {
            WorkEvent::Rejected { diagnostics } => {
                record.rejected = Some(diagnostics);
                record.ended = Some(event.at);
            }
            WorkEvent::Tested { job, attempt, totals, reports, coverage, flaky } => {
                self.tested(job, TestedAttempt { attempt, totals, reports, coverage }, flaky, event)?;
            }
            WorkEvent::Released { release } => record.release = Some(release),
            WorkEvent::ImageBuilt { job, image, digest, took_ms, own_ms } => {
                record.images.insert(image, BuiltImage { digest, job, at: event.at, took_ms, own_ms });
            }
        }
        Some(())
    }

    fn evidence(&mut self, what: EvidenceEvent, event: &Recorded) -> Option<()> {
        let EvidenceEvent::Recorded { evidence, run, key } = what;
        let project: ProjectName = event.stream.name().parse().ok()?;
        let record = Arc::make_mut(self.evidence.entry(project).or_default());
        record.keys.insert(key, evidence.envelope);
        let approval = approval(&evidence);
        if let Some(run) = run {
            record.runs.insert(evidence.envelope, run);
        }
        record.by_subject.entry(evidence.subject.clone()).or_default().push(Arc::new(evidence));
        if let Some((id, environment, approval)) = approval
            && let Some(release) = self.releases.get_mut(&id)
        {
            // older logs have an event of the release's own besides
            Arc::make_mut(release).environments.entry(environment).or_default().take(Step::Approval(approval), event);
        }
        Some(())
    }

    fn release(&mut self, what: ReleaseEvent, event: &Recorded) -> Option<()> {
        if let ReleaseEvent::Created { release, run, pushers, authors, pushed } = what {
            let id = release.id();
            self.release_order.entry(release.project.clone()).or_default().push(id);
            let record = ReleaseRecord { id, release, run, pushers, authors, pushed, created: event.at, environments: BTreeMap::new() };
            self.releases.insert(id, Arc::new(record));
            return Some(());
        }
        let digest: Digest = format!("sha256:{}", event.stream.name()).parse().ok()?;
        let record = Arc::make_mut(self.releases.get_mut(&ReleaseId(digest))?);
        let (name, step) = match what {
            ReleaseEvent::Created { .. } => return None,
            ReleaseEvent::Gated { environment, revision, decision, inputs, envelope, took_ms } => {
                let answer = GateAnswer { revision, decision, inputs, envelope, at: event.at, took_ms };
                (environment, Step::Gate(answer))
            }
            ReleaseEvent::Approved { environment, approval } => (environment, Step::Approval(approval)),
            ReleaseEvent::GlassAsked { environment, ask } => (environment, Step::GlassAsked(ask)),
            ReleaseEvent::Committed { environment, commit, revision, previous } => (environment, Step::Commit(commit, revision, previous)),
            ReleaseEvent::Delivered { environment, revision } => (environment, Step::Delivered(revision)),
            ReleaseEvent::Checked { environment, result } => (environment, Step::Check(result)),
            ReleaseEvent::Refused { environment, revision, why } => (environment, Step::Refused(revision, why)),
            ReleaseEvent::TrafficTaken { environment } => (environment, Step::WayBack(WayBack::TrafficTaken)),
            ReleaseEvent::Reverted { environment, commit } => (environment, Step::WayBack(WayBack::Reverted { commit })),
            ReleaseEvent::Superseded { environment } => (environment, Step::Superseded),
        };
        record.environments.entry(name).or_default().take(step, event);
        Some(())
    }

    fn rollout(&mut self, what: &RolloutEvent, event: &Recorded) -> Option<()> {
        let id = RolloutId::of(&event.stream)?;
        let fresh = || {
            let state = penstock_rollout::RolloutState::default();
            Arc::new(RolloutRecord { id: id.clone(), state, canaries: Vec::new(), promoted: BTreeSet::new() })
        };
        let record = Arc::make_mut(self.rollouts.entry(id.clone()).or_insert_with(fresh));
        match what {
            RolloutEvent::Started { template, stable, .. } => {
                let span = CanarySpan { template: template.clone(), began: event.at, last: event.at, first: stable.is_none() };
                record.canaries.push(span);
            }
            RolloutEvent::Promoted { template, .. } => {
                record.promoted.insert(template.clone());
            }
            _ => {}
        }
        if let Some(span) = record.canaries.last_mut() {
            span.last = event.at;
        }
        record.state.evolve(what);
        Some(())
    }

    #[allow(clippy::unnecessary_wraps, reason = "as its siblings")]
    fn notice(&mut self, what: NoticeEvent, event: &Recorded) -> Option<()> {
        let record = Arc::make_mut(self.notices.entry(event.stream.name().to_owned()).or_default());
        match what {
            NoticeEvent::Sent { channel, text } => record.sent.insert(channel, text),
            NoticeEvent::GivenUp { channel, why } => record.given_up.insert(channel, why),
        };
        Some(())
    }
}

impl World {
    fn app(&mut self, what: &AppEvent, event: &Recorded) -> Option<()> {
        let (project, environment) = event.stream.name().split_once('/')?;
        let place = (project.parse().ok()?, environment.parse().ok()?);
        Arc::make_mut(self.apps.entry(place).or_default()).evolve(what);
        Some(())
    }

    fn user(&mut self, what: UserEvent, event: &Recorded) -> Option<()> {
        let name: UserName = event.stream.name().parse().ok()?;
        match what {
            UserEvent::Added { role, token, emails } => {
                let since = self.users.get(&name).map_or(event.at, |known| known.since);
                let record = UserRecord { name: name.clone(), role, token, emails, since, token_since: event.at };
                self.users.insert(name, Arc::new(record));
            }
            UserEvent::TokenChanged { token } => {
                let record = Arc::make_mut(self.users.get_mut(&name)?);
                (record.token, record.token_since) = (token, event.at);
            }
            UserEvent::Removed => {
                if let Some(record) = self.users.remove(&name) {
                    self.former.entry(name).or_default().extend(record.emails.iter().cloned());
                }
            }
        }
        Some(())
    }
}

/// What a release event does to its environment.
enum Step {
    Gate(GateAnswer),
    Approval(Approval),
    GlassAsked(crate::events::GlassAsk),
    Commit(CommitId, penstock_model::release::Revision, Option<CommitId>),
    Delivered(penstock_model::release::Revision),
    Check(crate::events::CheckResult),
    Refused(penstock_model::release::Revision, String),
    WayBack(WayBack),
    Superseded,
}

impl EnvironmentState {
    fn take(&mut self, step: Step, event: &Recorded) {
        match step {
            Step::Gate(answer) => self.gate = Some(answer),
            Step::Approval(approval) => {
                if self.approvals.iter().all(|given| given.envelope != approval.envelope) {
                    self.approvals.push(approval);
                    self.approved_at = Some(event.at);
                }
            }
            Step::GlassAsked(ask) => self.asked = Some(ask),
            Step::Commit(commit, revision, previous) => {
                self.commit = Some(commit);
                self.revision = Some(revision);
                self.previous = previous;
                self.committed_at = Some(event.at);
            }
            Step::Delivered(revision) => {
                self.revision = Some(revision);
                self.delivered_at = Some(event.at);
            }
            Step::Check(result) => {
                self.checks.retain(|check| check.name != result.name);
                self.checks.push(result);
                self.checked_at = Some(event.at);
            }
            Step::Refused(revision, why) => {
                self.revision = Some(revision);
                self.refused = Some(why);
                self.way_back.get_or_insert(WayBack::Refused);
            }
            Step::WayBack(back) => {
                if matches!(back, WayBack::Reverted { .. }) {
                    self.reverted_at = Some(event.at);
                }
                self.way_back = Some(back);
            }
            Step::Superseded => self.superseded = true,
        }
    }
}

/// What a statement says, if it is an approval that Penstock took down.
fn approval(said: &Evidence) -> Option<(ReleaseId, EnvironmentName, Approval)> {
    let Subject::Release(id) = &said.subject else { return None };
    if said.predicate_type != predicate::APPROVAL || said.witness != Witness::Observed {
        return None;
    }
    let given: penstock_trust::predicate::Approval = serde_json::from_value(said.predicate.clone()).ok()?;
    let approval = Approval {
        approver: given.approver,
        revision: given.revision,
        policy: given.policy,
        expires: given.expires,
        envelope: said.envelope,
    };
    Some((*id, given.environment, approval))
}

fn read<E: DomainEvent>(event: &Recorded) -> Option<E> {
    event.decode().ok()
}
