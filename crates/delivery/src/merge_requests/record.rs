//! A merge request as the log makes it, and what is asked of it.

use std::sync::Arc;

use penstock_model::{CommitId, ProjectName, RunId, Timestamp, UserName};
use penstock_pipeline::Run;

use super::event::{Head, MergeRequestChange};
use crate::world::{ProjectRecord, RunRecord, World};

/// How a merge request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeRequestState {
    /// It waits.
    Open,
    /// It was closed without being merged.
    Closed {
        /// By whom.
        by: UserName,
    },
    /// Its target has it.
    Merged {
        /// Where the target was then.
        commit: CommitId,
        /// By whom.
        by: UserName,
    },
}

/// A merge request.
#[derive(Clone, Debug)]
pub struct MergeRequestRecord {
    /// Its number within the project.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// What its author says of it.
    pub description: String,
    /// What is to be merged: a branch, or `USER/TOPIC` if it was offered.
    pub source: String,
    /// Whether it was offered and is no branch.
    pub offered: bool,
    /// The branch that it is merged into.
    pub target: String,
    /// Whether it is not to be merged yet.
    pub draft: bool,
    /// Who opened it.
    pub author: UserName,
    /// Its last commit.
    pub head: CommitId,
    /// Who pushed that.
    pub pusher: UserName,
    /// Whether that one had no right to push branches.
    pub outside: bool,
    /// Who let that commit have what a developer's has.
    pub allowed: Option<UserName>,
    /// How it stands.
    pub state: MergeRequestState,
    /// Its runs, oldest first.
    pub runs: Vec<RunId>,
    /// When it was opened.
    pub opened: Timestamp,
    /// When something last happened to it.
    pub changed: Timestamp,
}

/// What a run is of a merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfMergeRequest {
    /// The merge request's number.
    pub number: u64,
    /// What happened to it, in GitHub's words: `opened`, `synchronize`, `reopened`, `closed`.
    pub action: &'static str,
    /// Whether its commit is from outside, and nobody let it have more when the run began.
    pub outside: bool,
    /// What is to be merged.
    pub source: String,
    /// The branch that it is merged into.
    pub target: String,
}

/// How the pipelines of a merge request's last commit stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadPipeline {
    /// Nothing ran for it.
    None,
    /// It is not over.
    Running(RunId),
    /// It ended, and not well.
    Failed(RunId),
    /// It succeeded.
    Succeeded(RunId),
}

/// The ref under which the server keeps a merge request's last commit.
pub fn reference(number: u64) -> String {
    format!("refs/merge-requests/{number}/head")
}

/// The number in [`reference()`].
pub fn number_in(reference: &str) -> Option<u64> {
    reference.strip_prefix("refs/merge-requests/")?.strip_suffix("/head")?.parse().ok()
}

/// What a change starts: the run, who it is of, and the action's name.
pub(crate) struct Begun {
    pub run: RunId,
    pub before: Option<CommitId>,
    pub pusher: UserName,
    pub action: &'static str,
}

impl MergeRequestRecord {
    /// Opens one; `None` if the change is no opening.
    pub(crate) fn open(number: u64, change: &MergeRequestChange, at: Timestamp) -> Option<Self> {
        let MergeRequestChange::Opened { title, description, source, offered, target, draft, author, head } = change else { return None };
        Some(Self {
            number,
            title: title.clone(),
            description: description.clone(),
            source: source.clone(),
            offered: *offered,
            target: target.clone(),
            draft: *draft,
            author: author.clone(),
            head: head.commit.clone(),
            pusher: head.pusher.clone(),
            outside: head.outside,
            allowed: None,
            state: MergeRequestState::Open,
            runs: Vec::new(),
            opened: at,
            changed: at,
        })
    }

    /// Takes a change in; gives the run that it begins.
    pub(crate) fn take(&mut self, change: &MergeRequestChange, at: Timestamp) -> Option<Begun> {
        self.changed = at;
        let before = self.head.clone();
        match change {
            MergeRequestChange::Opened { head, .. } => Some(begun(head, None, "opened")),
            MergeRequestChange::Updated { head } => {
                self.come(head);
                Some(begun(head, Some(before), "synchronize"))
            }
            MergeRequestChange::Reopened { head } => {
                self.state = MergeRequestState::Open;
                self.come(head);
                Some(begun(head, Some(before), "reopened"))
            }
            MergeRequestChange::Allowed { commit, by, run } => {
                self.allowed = Some(by.clone()).filter(|_| *commit == self.head);
                // the same event again, with more
                let action = if self.runs.len() > 1 { "synchronize" } else { "opened" };
                Some(Begun { run: run.clone(), before: None, pusher: by.clone(), action })
            }
            MergeRequestChange::Edited { title, description, draft } => {
                self.title = title.clone().unwrap_or_else(|| std::mem::take(&mut self.title));
                self.description = description.clone().unwrap_or_else(|| std::mem::take(&mut self.description));
                self.draft = draft.unwrap_or(self.draft);
                None
            }
            MergeRequestChange::Closed { run, by } => {
                self.state = MergeRequestState::Closed { by: by.clone() };
                let run = run.clone()?;
                Some(Begun { run, before: None, pusher: by.clone(), action: "closed" })
            }
            MergeRequestChange::Merged { commit, run, by } => {
                self.state = MergeRequestState::Merged { commit: commit.clone(), by: by.clone() };
                let run = run.clone()?;
                Some(Begun { run, before: None, pusher: by.clone(), action: "closed" })
            }
        }
    }

    fn come(&mut self, head: &Head) {
        if self.head != head.commit || self.outside != head.outside {
            self.allowed = None;
        }
        (self.head, self.pusher, self.outside) = (head.commit.clone(), head.pusher.clone(), head.outside);
    }

    /// Whether it waits.
    pub fn is_open(&self) -> bool {
        self.state == MergeRequestState::Open
    }

    /// Whether its last commit is from outside, and nobody let it have more.
    pub fn is_outside(&self) -> bool {
        self.outside && self.allowed.is_none()
    }
}

fn begun(head: &Head, before: Option<CommitId>, action: &'static str) -> Begun {
    Begun { run: head.run.clone(), before: before.filter(|before| *before != head.commit), pusher: head.pusher.clone(), action }
}

impl ProjectRecord {
    /// Open merge requests of a branch, the newest first.
    pub fn open_merge_requests<'p>(&'p self, branch: &'p str) -> impl Iterator<Item = &'p Arc<MergeRequestRecord>> {
        self.merge_requests.values().rev().filter(move |request| request.is_open() && !request.offered && request.source == branch)
    }
}

impl World {
    /// The merge request that a run is of, if it is of one; of a child and of what stands beside another, that one's.
    pub fn merge_request_of<'w>(&'w self, record: &'w RunRecord) -> Option<&'w OfMergeRequest> {
        self.first(self.root(self.first(record))).merge_request.as_ref()
    }

    /// Whether a run, or one that started it, is of a commit from outside that nobody let have more. It has no secrets, and what it
    /// leaves is believed by nobody else.
    pub fn is_outside(&self, record: &RunRecord) -> bool {
        let own = |record: &RunRecord| self.first(record).merge_request.as_ref().is_some_and(|of| of.outside);
        own(record) || self.upstream(record).any(own)
    }

    /// Of several runs of one push, the first.
    fn first<'w>(&'w self, record: &'w RunRecord) -> &'w RunRecord {
        record.beside.as_ref().and_then(|id| self.runs.get(id)).map_or(record, |first| &**first)
    }

    /// Runs of a merge request that have jobs, with those beside them, the newest first.
    pub fn runs_of_merge_request<'w>(&'w self, request: &'w MergeRequestRecord) -> impl Iterator<Item = &'w Arc<RunRecord>> {
        let all =
            request.runs.iter().rev().filter_map(|id| self.runs.get(id)).flat_map(|run| std::iter::once(run).chain(self.beside(&run.id)));
        all.filter(|run| has_jobs(run))
    }

    /// How the pipelines of the last commit stand: those of the merge request; if there is none, those of the branch.
    pub fn head_pipeline(&self, project: &ProjectName, request: &MergeRequestRecord) -> HeadPipeline {
        let of_head = |run: &&Arc<RunRecord>| run.push.commit == request.head;
        let own = self
            .runs_of_merge_request(request)
            .filter(of_head)
            .filter(|run| self.first(run).merge_request.as_ref().is_some_and(|of| of.action != "closed"));
        let mut own: Vec<&Arc<RunRecord>> = own.collect();
        // what was started again counts for what was before it
        if let Some(last) = own.first().map(|run| self.first(run).id.clone()) {
            own.retain(|run| self.first(run).id == last);
        }
        if own.is_empty() && !request.offered {
            let branch = format!("refs/heads/{}", request.source);
            let runs = self.projects.get(project).into_iter().flat_map(|project| project.runs.iter().rev());
            let found = runs.filter_map(|id| self.runs.get(id)).filter(of_head).filter(|run| run.push.reference == branch);
            own = found.filter(|run| run.child_of().is_none() && !run.brings_plan).filter(|run| has_jobs(run)).take(1).collect();
        }
        let good = |run: &RunRecord| run.ended.is_some() && run.run.as_ref().is_some_and(|state| state.status().is_success());
        if let Some(run) = own.iter().find(|run| run.ended.is_none() && run.rejected.is_none()) {
            return HeadPipeline::Running(run.id.clone());
        }
        match own.iter().find(|run| !good(run)).or(own.first()) {
            None => HeadPipeline::None,
            Some(run) if good(run) => HeadPipeline::Succeeded(run.id.clone()),
            Some(run) => HeadPipeline::Failed(run.id.clone()),
        }
    }
}

/// Whether a pipeline came of a run: it has jobs, may have them yet, or its file was refused.
fn has_jobs(run: &RunRecord) -> bool {
    run.rejected.is_some() || run.run.as_ref().and_then(Run::plan).is_none_or(|plan| !plan.is_empty())
}
