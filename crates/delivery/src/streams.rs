//! The names of streams. Each name that goes in is one of a stream name's own letters.

use penstock_model::event::StreamId;
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, ProjectName, RunId, UserName};

fn stream(text: &str) -> StreamId {
    // ids, digests and RFC 1123 labels are printable ASCII of at most 64 bytes each
    text.parse().expect("kind and names are printable ASCII and short")
}

/// A project's pushes and config.
pub fn project(name: &ProjectName) -> StreamId {
    stream(&format!("project/{name}"))
}

/// A project's settings.
pub fn settings(name: &ProjectName) -> StreamId {
    stream(&format!("settings/{name}"))
}

/// A run.
pub fn run(id: &RunId) -> StreamId {
    stream(&format!("run/{id}"))
}

/// A project's evidence.
pub fn evidence(name: &ProjectName) -> StreamId {
    stream(&format!("evidence/{name}"))
}

/// A release.
pub fn release(id: ReleaseId) -> StreamId {
    stream(&format!("release/{}", id.0.hex()))
}

/// What GitOps did in an environment.
pub fn app(project: &ProjectName, environment: &EnvironmentName) -> StreamId {
    stream(&format!("app/{project}/{environment}"))
}

/// A user.
pub fn user(name: &UserName) -> StreamId {
    stream(&format!("user/{name}"))
}

/// What was collected.
pub fn collections() -> StreamId {
    stream("collection/all")
}
