//! Actions that are containers.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::planned::{Action, ActionInput, ActionOrigin, PlannedStep};

/// Inputs that every container has: its arguments, and what it runs.
pub(crate) const OF_CONTAINERS: &[&str] = &["args", "entrypoint"];

/// An action that is a container: a step that names an image, or an `action.yml` with `using: docker`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerAction {
    /// What runs.
    pub image: ActionImage,
    /// The other repository that the action is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ActionOrigin>,
    /// Its inputs by their names in lower case; `None` takes whatever it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<BTreeMap<String, ActionInput>>,
    /// The program in place of the image's; `None` is what the step gives as the input `entrypoint`, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// Its arguments, not evaluated; `None` is what the step gives as the input `args`, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Its own variables, not evaluated. Those of the step and of the job go over them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The program that it runs before the job's first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre: Option<String>,
    /// When; `None` is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_if: Option<String>,
    /// The program that it runs at the job's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// When; `None` is always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_if: Option<String>,
}

/// Where the image of an action comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum ActionImage {
    /// It is there under a name.
    Registry {
        /// As people write it, without `docker://`.
        name: String,
    },
    /// It is built, in the folder of its Dockerfile.
    Dockerfile {
        /// The path from the root of the action's repository.
        path: String,
    },
}

impl ContainerAction {
    /// One that takes whatever it is given, in an image as it is.
    pub(crate) fn of(image: ActionImage, origin: Option<ActionOrigin>) -> Self {
        Self {
            image,
            origin,
            inputs: None,
            entrypoint: None,
            args: None,
            env: BTreeMap::new(),
            pre: None,
            pre_if: None,
            post: None,
            post_if: None,
        }
    }

    /// By what name the job's steps have the image: `docker://NAME`, `./PATH` or `OWNER/NAME@REF:PATH`.
    pub fn image_name(&self) -> String {
        match (&self.image, &self.origin) {
            (ActionImage::Registry { name }, _) => format!("docker://{name}"),
            (ActionImage::Dockerfile { path }, None) => format!("./{path}"),
            (ActionImage::Dockerfile { path }, Some(origin)) => format!("{}@{}:{path}", origin.repository, origin.reference),
        }
    }

    /// Whether it takes an input, by its name in lower case.
    pub(super) fn has_input(&self, name: &str) -> bool {
        self.inputs.as_ref().is_none_or(|inputs| inputs.contains_key(name) || OF_CONTAINERS.contains(&name))
    }

    /// Bytes of text that it carries into the plan, about.
    pub(super) fn weight(&self) -> usize {
        let args = self.args.iter().flatten().map(String::len).sum::<usize>();
        args + self.env.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + 256
    }
}

impl PlannedStep {
    /// The containers that it runs of itself, and those of actions within its action.
    pub fn containers(&self) -> Vec<&ContainerAction> {
        let step = if let Self::Background { step, .. } = self { step } else { self };
        match step {
            Self::Uses { action: Action::Container(container), .. } => vec![container],
            Self::Uses { action: Action::Composite { steps, .. }, .. } => steps.iter().flat_map(Self::containers).collect(),
            _ => Vec::new(),
        }
    }
}

/// The names of the images that some steps run, each once.
pub(crate) fn image_names(steps: &[PlannedStep]) -> BTreeSet<String> {
    steps.iter().flat_map(PlannedStep::containers).map(ContainerAction::image_name).collect()
}
