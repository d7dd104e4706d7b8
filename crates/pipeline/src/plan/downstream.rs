//! What a GitLab job has to do with other pipelines: one that it starts, and jobs of others whose artifacts it gets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The pipeline that a job starts, or stands for, instead of running something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedTrigger {
    /// Which.
    pub downstream: Downstream,
    /// Whether the job ends as that pipeline does; without one it ends when the pipeline is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Whether the pipeline gets the variables of the file and of the job (`forward: yaml_variables`).
    pub yaml_variables: bool,
    /// Whether it gets those that this pipeline was given, and what jobs before left (`forward: pipeline_variables`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pipeline_variables: bool,
}

/// A pipeline that a job is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Downstream {
    /// A child: of the same commit, and of what these entries of `include` bring.
    Child {
        /// The entries, not expanded.
        include: Json,
    },
    /// One of another project.
    Project {
        /// Its path, not expanded.
        project: String,
        /// The branch or tag, not expanded; its main branch without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// What its pipeline file gets for its inputs.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Json>,
    },
    /// The last one of another project's main branch, which is not started but stood for (`needs: pipeline`).
    Latest {
        /// Its path, not expanded.
        project: String,
    },
}

/// How a job follows the pipeline that it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// It runs until the pipeline is over; a pipeline in which nothing ran is a failure.
    Depend,
    /// It stands as the pipeline does: also waiting for a person, and skipped.
    Mirror,
}

/// A job of another pipeline whose artifacts and dotenv variables a job gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Its name, not expanded.
    pub job: String,
    /// Where it is.
    pub place: Place,
}

/// Where a job of another pipeline is. Nothing of it is expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum Place {
    /// In a pipeline of the same family of parents and children.
    Pipeline {
        /// Its id.
        pipeline: String,
    },
    /// In the last pipeline of a ref in which it succeeded.
    Project {
        /// The project's path.
        project: String,
        /// A branch or a tag.
        reference: String,
    },
}
