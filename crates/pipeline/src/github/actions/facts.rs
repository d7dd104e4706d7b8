//! What actions know of the job that they are part of.

use crate::env::JobContext;
use crate::plan::{Plan, PlannedJob};

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
    /// Whether something ran in the checkout already.
    pub(in crate::github) used: bool,
}

impl Facts {
    pub(in crate::github) fn new(plan: &Plan, _job: &PlannedJob, context: &JobContext) -> Self {
        let event = &plan.event;
        Self {
            workspace: context.workspace.clone(),
            repository: format!("{}/{}", event.project, event.repository),
            reference: event.reference.clone(),
            commit: event.commit.to_string(),
            used: false,
        }
    }
}
