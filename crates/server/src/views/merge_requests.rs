//! Merge requests.

use penstock_api::MergeRequestView;
use penstock_delivery::merge_requests::{HeadPipeline, MergeRequestRecord, MergeRequestState, reference};
use penstock_model::ProjectName;

use super::run_summary;
use crate::App;
use crate::problem::Failure;

/// The most runs of one that are shown.
const MAX_RUNS: usize = 50;

/// A project's merge requests, open ones first, then the newest first.
pub fn merge_requests(app: &App, project: &ProjectName, limit: usize) -> Result<Vec<MergeRequestView>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let mut requests: Vec<_> = record.merge_requests.values().collect();
    requests.sort_by_key(|request| (!request.is_open(), std::cmp::Reverse(request.number)));
    Ok(requests.into_iter().take(limit).map(|request| view(app, project, request)).collect())
}

/// One of them.
pub fn merge_request(app: &App, project: &ProjectName, number: u64) -> Result<MergeRequestView, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let request = record.merge_requests.get(&number);
    request.map(|request| view(app, project, request)).ok_or_else(|| Failure::absent(format!("merge request {number} in `{project}`")))
}

fn view(app: &App, project: &ProjectName, request: &MergeRequestRecord) -> MergeRequestView {
    let world = app.parts.journal.world();
    let (state, ended_by) = match &request.state {
        MergeRequestState::Open => ("open", None),
        MergeRequestState::Closed { by } => ("closed", Some(by.clone())),
        MergeRequestState::Merged { by, .. } => ("merged", Some(by.clone())),
    };
    let (pipeline, pipeline_run) = match world.head_pipeline(project, request) {
        HeadPipeline::None => ("none", None),
        HeadPipeline::Running(run) => ("running", Some(run)),
        HeadPipeline::Failed(run) => ("failed", Some(run)),
        HeadPipeline::Succeeded(run) => ("success", Some(run)),
    };
    MergeRequestView {
        project: project.clone(),
        number: request.number,
        title: request.title.clone(),
        description: request.description.clone(),
        source: request.source.clone(),
        offered: request.offered,
        target: request.target.clone(),
        state: state.to_owned(),
        ended_by,
        draft: request.draft,
        author: request.author.clone(),
        commit: request.head.clone(),
        reference: reference(request.number),
        pusher: request.pusher.clone(),
        outside: request.outside,
        allowed_by: request.allowed.clone(),
        pipeline: pipeline.to_owned(),
        pipeline_run,
        runs: world.runs_of_merge_request(request).take(MAX_RUNS).map(|run| run_summary(run)).collect(),
        opened: request.opened,
        changed: request.changed,
    }
}
