//! What actions know of the job that they are part of.

use penstock_model::job::ACTIONS;

use crate::env::JobContext;
use crate::plan::{ActionOrigin, Plan, PlannedJob};

/// What actions know of their job.
#[derive(Clone, Debug)]
pub(in crate::github) struct Facts {
    /// The checkout, as the job sees it.
    pub(in crate::github) workspace: String,
    /// `owner/name`.
    pub(in crate::github) repository: String,
    /// The full ref.
    pub(in crate::github) reference: String,
    pub(in crate::github) commit: String,
    pub(in crate::github) default_branch: String,
    /// The own registry's address.
    pub(in crate::github) registry: String,
    pub(in crate::github) server_url: String,
    /// The number of the pull request that it is for.
    pub(in crate::github) pull_request: Option<u64>,
    /// The commit that what is new is compared with: the target branch's, or what was there before the push.
    pub(in crate::github) since: Option<String>,
    /// The job's key in the file.
    pub(in crate::github) job: String,
    /// Whether something ran in the checkout already.
    pub(in crate::github) used: bool,
}

impl Facts {
    /// Where the job sees a folder of the repository, or of another one that an action is of.
    pub(in crate::github) fn folder(&self, path: &str, origin: Option<&ActionOrigin>) -> String {
        let root = origin.map_or_else(|| self.workspace.clone(), |origin| format!("{ACTIONS}/{}", origin.place()));
        if path.is_empty() { root } else { format!("{root}/{path}") }
    }

    pub(in crate::github) fn new(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Self {
        let event = &plan.event;
        Self {
            workspace: context.workspace.clone(),
            repository: format!("{}/{}", event.project, event.repository),
            reference: event.reference.clone(),
            commit: event.commit.to_string(),
            default_branch: event.default_branch.clone(),
            registry: event.registry.clone(),
            server_url: event.server_url.clone(),
            pull_request: event.trigger.merge_request().map(|request| request.number),
            since: match event.trigger.merge_request() {
                Some(request) => request.target.as_ref().or(Some(&event.commit).filter(|_| request.of_target)),
                None => event.before.as_ref(),
            }
            .map(ToString::to_string),
            job: job.key().to_owned(),
            used: false,
        }
    }
}
