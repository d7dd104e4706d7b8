//! SLSA provenance 1.0 of an image.

use std::collections::BTreeMap;

use penstock_model::release::ImageRef;
use penstock_model::{CommitId, Digest, JobName, ProjectName, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::statement::Descriptor;

/// How Penstock builds an image from a Dockerfile and a context: what the parameters of the provenance mean.
pub const BUILD_TYPE: &str = "https://penstock.dev/build/dockerfile/v1";

/// The predicate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// What was to be built, and from what.
    pub build_definition: BuildDefinition,
    /// Who built it.
    pub run_details: RunDetails,
}

/// What was to be built, and from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildDefinition {
    /// [`BUILD_TYPE`].
    pub build_type: String,
    /// What the job asked for.
    pub external_parameters: Value,
    /// What Penstock added.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub internal_parameters: Value,
    /// The commit, base images and the context.
    #[serde(default)]
    pub resolved_dependencies: Vec<Descriptor>,
}

/// Who built it, in which run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetails {
    /// The builder.
    pub builder: Builder,
    /// The run.
    pub metadata: BuildMetadata,
}

/// The builder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builder {
    /// A URI that names this Penstock.
    pub id: String,
    /// Versions by component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// The run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildMetadata {
    /// Run, job and attempt, as `run/job/attempt`.
    pub invocation_id: String,
    /// When the build began, RFC 3339.
    pub started_on: String,
    /// When it ended, RFC 3339.
    pub finished_on: String,
}

/// What the builder knows.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenanceInput {
    /// The project.
    pub project: ProjectName,
    /// The source's address, for people; the commit names it.
    pub repository: String,
    /// The commit that was checked out for the job.
    pub commit: CommitId,
    /// The digest of the context that the job streamed.
    pub context: Digest,
    /// The Dockerfile's path.
    pub dockerfile: String,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Base images by digest.
    pub bases: Vec<ImageRef>,
    /// The run.
    pub run: RunId,
    /// The job.
    pub job: JobName,
    /// The job's attempt.
    pub attempt: u32,
    /// A URI that names this Penstock.
    pub builder_id: String,
    /// Its version.
    pub builder_version: String,
    /// When the build began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

impl From<ProvenanceInput> for Provenance {
    fn from(input: ProvenanceInput) -> Self {
        let mut dependencies = vec![
            Descriptor::commit("source", &format!("git+{}", input.repository), &input.commit),
            Descriptor::bytes("context", "", &input.context),
        ];
        dependencies
            .extend(input.bases.iter().map(|base| Descriptor::bytes(base.name.as_str(), &format!("pkg:oci/{}", base.name), &base.digest)));
        Self {
            build_definition: BuildDefinition {
                build_type: BUILD_TYPE.to_owned(),
                external_parameters: json!({
                    "project": input.project,
                    "repository": input.repository,
                    "dockerfile": input.dockerfile,
                    "buildArgs": input.build_args,
                }),
                internal_parameters: Value::Null,
                resolved_dependencies: dependencies,
            },
            run_details: RunDetails {
                builder: Builder { id: input.builder_id, version: BTreeMap::from([("penstock".to_owned(), input.builder_version)]) },
                metadata: BuildMetadata {
                    invocation_id: format!("{}/{}/{}", input.run, input.job, input.attempt),
                    started_on: input.started.rfc3339(),
                    finished_on: input.finished.rfc3339(),
                },
            },
        }
    }
}

impl Provenance {
    /// Reads the predicate of a verified statement.
    pub fn read(predicate: &Value) -> Option<Self> {
        Self::deserialize(predicate).ok()
    }

    /// The commit it was built from; `None` when it names none, or more than one.
    pub fn commit(&self) -> Option<CommitId> {
        let mut commits = self.build_definition.resolved_dependencies.iter().filter_map(|d| d.digest.get("gitCommit"));
        let commit = commits.next()?.parse().ok()?;
        commits.next().is_none().then_some(commit)
    }
}
