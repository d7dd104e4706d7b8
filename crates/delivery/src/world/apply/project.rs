//! What a project's events change: its refs, the runs that begin, environments of jobs, merge requests, tag releases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use penstock_model::event::Recorded;
use penstock_model::job::AttemptId;
use penstock_model::tag_release::TagRelease;
use penstock_model::{CommitId, ProjectName, RepositoryName, RunId, UserName};

use super::super::World;
use super::super::record::{ConfigSeen, ProjectRecord, PushSeen, RunRecord, TimeRecord, Upstream};
use crate::environments::NamedEnvironment;
use crate::events::{ProjectEvent, ScheduledTime};
use crate::merge_requests::event::MergeRequestChange;
use crate::merge_requests::{self, MergeRequestRecord, OfMergeRequest};
use crate::tag_releases::TagReleaseRecord;

impl World {
    pub(super) fn project(&mut self, what: ProjectEvent, event: &Recorded) -> Option<()> {
        match what {
            ProjectEvent::Created { project, config, branch } => self.created(project, config, branch, event),
            ProjectEvent::Pushed { reference, before, commit, pusher, run } => {
                let name: ProjectName = event.stream.name().parse().ok()?;
                let project = Arc::make_mut(self.projects.get_mut(&name)?);
                project.refs.insert(reference.clone(), commit.clone());
                // what was asked for is in the events beside this one
                project.asked.remove(&reference);
                self.begin(name, run, PushSeen { reference, before, commit, pusher, at: event.at }, |_| {})?;
            }
            ProjectEvent::Deleted { reference } => self.deleted(&reference, event)?,
            ProjectEvent::Started { reference, before, commit, pusher, run, beside } => {
                let name: ProjectName = event.stream.name().parse().ok()?;
                let how = |record: &mut RunRecord| (record.brings_plan, record.beside) = (true, beside);
                self.begin(name, run, PushSeen { reference, before, commit, pusher, at: event.at }, how)?;
            }
            ProjectEvent::Triggered { reference, before, commit, pusher, run, by, child, given, inputs } => {
                let name: ProjectName = event.stream.name().parse().ok()?;
                self.starts.entry(by.run.clone()).or_default().push(run.clone());
                let how = |record: &mut RunRecord| record.upstream = Some(Upstream { by, child, given, inputs });
                self.begin(name, run, PushSeen { reference, before, commit, pusher, at: event.at }, how)?;
            }
            ProjectEvent::EnvironmentStopping { environment, run, job } => {
                let environment = self.named_environment(event, &environment)?;
                environment.stops_at = None;
                environment.stopping.push((run, job));
            }
            ProjectEvent::EnvironmentStopped { environment } => {
                let environment = self.named_environment(event, &environment)?;
                (environment.stopped, environment.stopping, environment.stops_at) = (Some(event.at), Vec::new(), None);
            }
            ProjectEvent::TagReleased { release, commit, by, who } => self.tag_released(event, *release, commit, by, who)?,
            ProjectEvent::Ordered { reference, commit, pusher, run, order } => {
                let name: ProjectName = event.stream.name().parse().ok()?;
                let project = Arc::make_mut(self.projects.get_mut(&name)?);
                if let Some(time) = order.time.as_ref().and_then(|name| project.timetable.get_mut(name)) {
                    time.since = event.at;
                }
                let how = |record: &mut RunRecord| record.order = Some(Arc::new(order));
                self.begin(name, run, PushSeen { reference, before: None, commit, pusher, at: event.at }, how)?;
            }
            ProjectEvent::MergeRequestAsked { reference, commit, ask } => {
                self.project_of(event)?.asked.insert(reference, (commit, ask));
            }
            ProjectEvent::MergeRequest { number, change } => self.merge_request(number, &change, event)?,
            ProjectEvent::TimetableRead { times, .. } => self.timetable(times, event)?,
            ProjectEvent::ConfigRead { commit, config, error } => {
                let project = self.project_of(event)?;
                let before = project.config.take().and_then(|seen| seen.config);
                project.config = Some(ConfigSeen { commit, config: config.map(Arc::new).or(before), error });
            }
        }
        Some(())
    }

    fn created(&mut self, project: ProjectName, config_repository: RepositoryName, branch: String, event: &Recorded) {
        let record = ProjectRecord {
            name: project.clone(),
            config_repository,
            branch,
            refs: BTreeMap::new(),
            runs: Vec::new(),
            config: None,
            secrets: BTreeMap::new(),
            variables: BTreeMap::new(),
            environments: BTreeMap::new(),
            tag_releases: BTreeMap::new(),
            flaky: BTreeMap::new(),
            timetable: BTreeMap::new(),
            merge_requests: BTreeMap::new(),
            asked: BTreeMap::new(),
            created: event.at,
        };
        self.projects.insert(project, Arc::new(record));
    }

    fn deleted(&mut self, reference: &str, event: &Recorded) -> Option<()> {
        let project = self.project_of(event)?;
        project.refs.remove(reference);
        if reference.starts_with("refs/heads/") {
            project.environments.values_mut().for_each(|environment| environment.lose(reference, event.at));
        }
        Some(())
    }

    fn timetable(&mut self, times: BTreeMap<String, ScheduledTime>, event: &Recorded) -> Option<()> {
        let project = self.project_of(event)?;
        let before = std::mem::take(&mut project.timetable);
        let since = |name: &String, time: &ScheduledTime| {
            before.get(name).filter(|known| known.time.cron == time.cron).map_or(event.at, |known| known.since)
        };
        project.timetable = times.into_iter().map(|(name, time)| (name.clone(), TimeRecord { since: since(&name, &time), time })).collect();
        Some(())
    }

    fn merge_request(&mut self, number: u64, change: &MergeRequestChange, event: &Recorded) -> Option<()> {
        let name: ProjectName = event.stream.name().parse().ok()?;
        let project = Arc::make_mut(self.projects.get_mut(&name)?);
        if let Some(opened) = MergeRequestRecord::open(number, change, event.at) {
            project.merge_requests.insert(number, Arc::new(opened));
        }
        let request = Arc::make_mut(project.merge_requests.get_mut(&number)?);
        let begun = request.take(change, event.at);
        let reference = merge_requests::reference(number);
        project.refs.insert(reference.clone(), request.head.clone());
        if !request.offered {
            // whatever a push asked for is in the events that it brought
            project.asked.remove(&format!("refs/heads/{}", request.source));
        }
        let Some(begun) = begun else { return Some(()) };
        request.runs.push(begun.run.clone());
        let (outside, source, target) = (request.is_outside(), request.source.clone(), request.target.clone());
        let push = PushSeen { reference, before: begun.before, commit: request.head.clone(), pusher: begun.pusher, at: event.at };
        let of = OfMergeRequest { number, action: begun.action, outside, source, target };
        self.begin(name, begun.run, push, |record| record.merge_request = Some(of))
    }

    fn project_of(&mut self, event: &Recorded) -> Option<&mut ProjectRecord> {
        let project: ProjectName = event.stream.name().parse().ok()?;
        self.projects.get_mut(&project).map(Arc::make_mut)
    }

    fn named_environment(&mut self, event: &Recorded, name: &str) -> Option<&mut NamedEnvironment> {
        self.project_of(event)?.environments.get_mut(name)
    }

    fn tag_released(&mut self, event: &Recorded, release: TagRelease, commit: CommitId, by: AttemptId, who: UserName) -> Option<()> {
        let (tag, at) = (release.tag.clone(), event.at);
        self.project_of(event)?.tag_releases.insert(tag, TagReleaseRecord { release, commit, by, who, at });
        Some(())
    }

    fn begin(&mut self, project: ProjectName, run: RunId, push: PushSeen, how: impl FnOnce(&mut RunRecord)) -> Option<()> {
        Arc::make_mut(self.projects.get_mut(&project)?).runs.push(run.clone());
        let mut record = RunRecord {
            id: run.clone(),
            project,
            push,
            beside: None,
            upstream: None,
            order: None,
            merge_request: None,
            brings_plan: false,
            run: None,
            rejected: None,
            images: BTreeMap::new(),
            times: BTreeMap::new(),
            tests: BTreeMap::new(),
            left: BTreeSet::new(),
            left_until: BTreeMap::new(),
            ended: None,
            taken_up: None,
            cut: None,
            release: None,
        };
        how(&mut record);
        self.runs.insert(run, Arc::new(record));
        Some(())
    }
}
