//! The server, its projects and their environments.

use penstock_model::release::ReleaseId;
use penstock_model::{CommitId, EnvironmentName, ProjectName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use super::RunSummary;

/// `GET /status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Since when it runs.
    pub since: Timestamp,
    /// Who asks, if they said so.
    pub user: Option<UserName>,
    /// Projects.
    pub projects: Vec<ProjectSummary>,
    /// What fails now and will be tried again.
    pub troubles: Vec<Trouble>,
    /// The event log's last position.
    pub position: u64,
}

/// An effect that fails.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trouble {
    /// What is tried.
    pub effect: String,
    /// What comes back.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub again: Timestamp,
}

/// `POST /projects`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewProject {
    /// Its name, also its repository's.
    pub name: ProjectName,
    /// Its config repository; `NAME-config` unless given.
    pub config: Option<String>,
    /// The branch that is delivered; `main` unless given.
    pub branch: Option<String>,
}

/// A project in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectSummary {
    /// Its name.
    pub name: ProjectName,
    /// Its config repository.
    pub config: String,
    /// The branch that is delivered.
    pub branch: String,
    /// `https://…/git/NAME.git`.
    pub clone_url: String,
    /// Of the config repository.
    pub config_clone_url: String,
    /// Its last run.
    pub last_run: Option<RunSummary>,
    /// Its environments in order.
    pub environments: Vec<EnvironmentSummary>,
    /// Why its config repository cannot be read.
    pub config_error: Option<String>,
}

/// An environment in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentSummary {
    /// Its name.
    pub name: EnvironmentName,
    /// The environment before it.
    pub after: Option<EnvironmentName>,
    /// The release that it runs or is being given.
    pub release: Option<ReleaseId>,
    /// That release's commit.
    pub commit: Option<CommitId>,
    /// `healthy`, `progressing`, `degraded`, `missing`, `unknown`.
    pub health: String,
    /// `in step`, `behind`, `failed`, `nothing yet`.
    pub sync: String,
    /// Where it is reached.
    pub url: Option<String>,
}
