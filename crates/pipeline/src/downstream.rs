//! The pipeline that a job starts, once the job may: its variables filled in.
//!
//! As in GitLab (its `Variables::Downstream::Generator` and `Ci::Bridge`): what is handed on is expanded with all that the job
//! would find in its environment, and is over everything else in the pipeline that gets it.

use std::collections::BTreeMap;

use penstock_model::JobName;
use serde_json::Value as Json;

use crate::env::{self, JobContext};
use crate::expand::{Expanded, expand};
use crate::input::PushEvent;
use crate::plan::{Downstream, Place, Plan, PlannedJob, Variable};
use crate::trigger::Trigger;

/// The pipeline that a job starts, with its variables filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Triggered {
    /// Which.
    pub of: TriggeredOf,
    /// What it is given, over all of its own variables.
    pub given: BTreeMap<String, Variable>,
}

/// Which pipeline a job starts.
#[derive(Clone, Debug, PartialEq)]
pub enum TriggeredOf {
    /// A child, and the text of its pipeline file.
    Child {
        /// On the line of the job that includes it.
        text: String,
    },
    /// One of another project.
    Project {
        /// Its path.
        project: String,
        /// A branch or tag; its main branch without one.
        branch: Option<String>,
        /// What its pipeline file gets.
        inputs: BTreeMap<String, Json>,
    },
    /// None: the job stands for the last one of another project.
    Latest {
        /// Its path.
        project: String,
    },
}

impl Plan {
    /// What a job starts. `secrets` are the names of those that jobs get: what they are is not known here, and what names one
    /// still does so where it is handed to.
    ///
    /// # Errors
    /// In words for people: a variable that names a secret is not handed to another project.
    pub fn triggered(&self, job: &JobName, context: &JobContext) -> Result<Option<Triggered>, String> {
        let Some(job) = self.job(job) else { return Ok(None) };
        let Some(trigger) = &job.trigger else { return Ok(None) };
        let known = env::known(self, job, context);
        let filled = |text: &String| expand(text, &known).text.trim().to_owned();
        let of = match &trigger.downstream {
            Downstream::Child { include } => TriggeredOf::Child { text: text_of(job, include) },
            Downstream::Project { project, branch, inputs } => TriggeredOf::Project {
                project: filled(project),
                branch: branch.as_ref().map(filled).filter(|branch| !branch.is_empty()),
                inputs: inputs.clone(),
            },
            Downstream::Latest { project } => TriggeredOf::Latest { project: filled(project) },
        };
        let mut given = BTreeMap::new();
        if trigger.yaml_variables {
            for (name, variable) in self.inherited(job).chain(&job.variables) {
                hand_on(&mut given, (name, variable), &known, &of)?;
            }
        }
        if trigger.pipeline_variables {
            let dotenv = context.inputs.dotenv.iter();
            given.extend(dotenv.map(|(name, value)| (name.clone(), Variable { value: value.clone(), expand: false })));
            for variable in &self.event.given {
                hand_on(&mut given, variable, &known, &of)?;
            }
        }
        Ok(Some(Triggered { of, given }))
    }

    /// The text of the pipeline file of a child that a job starts.
    pub fn text_of_child(&self, job: &JobName) -> Option<String> {
        let job = self.job(job)?;
        match &job.trigger.as_ref()?.downstream {
            Downstream::Child { include } => Some(text_of(job, include)),
            _ => None,
        }
    }

    /// The event of a child pipeline that starts with these variables. `files` are those of the commit.
    pub fn event_of_child(&self, given: BTreeMap<String, Variable>, files: Vec<String>) -> PushEvent {
        let origin = Box::new(self.event.trigger.origin().clone());
        PushEvent { trigger: Trigger::Parent { origin }, given, files, ..self.event.clone() }
    }

    /// Where the jobs of other pipelines are whose artifacts a job gets, and what they are called.
    pub fn elsewhere(&self, job: &JobName, context: &JobContext) -> Vec<(Place, String)> {
        let Some(job) = self.job(job).filter(|job| !job.elsewhere.is_empty()) else { return Vec::new() };
        let known = env::known(self, job, context);
        let filled = |text: &String| {
            let found = expand(text, &known);
            // these are told when they are not found
            if found.secret { text.clone() } else { found.text.trim().to_owned() }
        };
        let place = |place: &Place| match place {
            Place::Pipeline { pipeline } => Place::Pipeline { pipeline: filled(pipeline) },
            Place::Project { project, reference } => Place::Project { project: filled(project), reference: filled(reference) },
        };
        job.elsewhere.iter().map(|of| (place(&of.place), filled(&of.job))).collect()
    }
}

/// The text of a child's pipeline file: what GitLab makes of it, too, is a file with the `include` alone.
fn text_of(job: &PlannedJob, include: &Json) -> String {
    let line = if job.file.is_none() { job.line.saturating_sub(1) } else { 0 };
    format!("{}{}\n", "\n".repeat(line), serde_json::json!({ "include": include }))
}

/// Adds a variable as the pipeline gets it.
fn hand_on(
    given: &mut BTreeMap<String, Variable>,
    (name, variable): (&String, &Variable),
    known: &BTreeMap<String, Expanded>,
    of: &TriggeredOf,
) -> Result<(), String> {
    if !variable.expand {
        given.insert(name.clone(), variable.clone());
        return Ok(());
    }
    let value = expand(&variable.value, known);
    if value.secret && !matches!(of, TriggeredOf::Child { .. }) {
        return Err(format!(
            "the variable `{name}` names a secret, which is not handed to another project\nhelp: set the secret there, or keep the variable back: `trigger: forward: yaml_variables: false`"
        ));
    }
    given.insert(name.clone(), Variable { value: value.text, expand: true });
    Ok(())
}
