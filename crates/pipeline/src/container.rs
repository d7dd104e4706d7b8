//! Containers of a job as its file names them: the image that it runs in, the services beside it.

mod options;
mod wanted;

pub(crate) use self::options::check_options;
pub(crate) use self::wanted::check_port;

use std::collections::BTreeMap;

use penstock_model::service::PullPolicy;
use serde::{Deserialize, Serialize};

pub use self::wanted::{WantedContainer, WantedService, job_container, job_services};
use crate::plan::Variable;

/// An image, and how to run it: GitLab's `image` and the items of `services`, a workflow's `container` and `services`. No text of
/// it is expanded or evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedContainer {
    /// Its line in the file.
    #[serde(default)]
    pub line: usize,
    /// The image's name.
    pub image: String,
    /// Replaces the image's entrypoint; an empty list is none at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's arguments (services only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Its own variables: a service's `variables` (GitLab), `env` (GitHub).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
    /// GitLab's `docker: user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// GitLab's `docker: platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Tried in order until one brings the image; empty is [`PullPolicy::Always`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pull_policy: Vec<PullPolicy>,
    /// GitHub's `credentials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<PlannedCredentials>,
    /// GitHub's `ports`: `8080`, `80:8080`, `8080/udp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    /// GitHub's `volumes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// GitHub's `options`: flags of `docker create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
}

impl PlannedContainer {
    /// An image by name, as it comes.
    pub fn named(image: impl Into<String>, line: usize) -> Self {
        Self { image: image.into(), line, ..Self::default() }
    }
}

/// By whom a registry is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCredentials {
    /// Not evaluated.
    pub username: String,
    /// Not evaluated: a secret is named here, never written.
    pub password: String,
}

/// A service beside a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedService {
    /// Its key in a workflow; GitLab's have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Host names besides those that follow from the image's name (GitLab's `alias`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What runs.
    pub container: PlannedContainer,
}

/// An image as logs have it: plans of earlier versions knew its name only, and are written as they were.
pub(crate) mod written {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::PlannedContainer;

    #[allow(clippy::ref_option, reason = "serde hands the field over")]
    pub(crate) fn serialize<S: Serializer>(image: &Option<PlannedContainer>, to: S) -> Result<S::Ok, S::Error> {
        match image {
            Some(container) if *container == PlannedContainer::named(&*container.image, 0) => Some(&container.image).serialize(to),
            image => image.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PlannedContainer>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Name(String),
            Whole(Box<PlannedContainer>),
        }
        let written = Option::<Written>::deserialize(from)?;
        Ok(written.map(|written| match written {
            Written::Name(name) => PlannedContainer::named(name, 0),
            Written::Whole(container) => *container,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Job {
        #[serde(default, with = "written")]
        image: Option<PlannedContainer>,
    }

    #[test]
    fn an_image_of_an_older_plan_is_read() {
        let read = |text: &str| serde_json::from_str::<Job>(text).unwrap().image;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"image": null}"#), None);
        assert_eq!(read(r#"{"image": "shop/base:1"}"#), Some(PlannedContainer::named("shop/base:1", 0)));
        let image = PlannedContainer { user: Some("web".to_owned()), ..PlannedContainer::named("a", 3) };
        assert_eq!(read(&format!(r#"{{"image": {}}}"#, serde_json::to_string(&image).unwrap())), Some(image));
    }
}
