//! What a job publishes about a tag (GitLab's `release`).

use penstock_model::Timestamp;
use penstock_model::tag_release::AssetLink;
use serde::{Deserialize, Serialize};

/// The tag release that a job makes once it has succeeded; no text of it is expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTagRelease {
    /// The tag, which is made if it is absent.
    pub tag_name: String,
    /// What an annotated tag says, if one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_message: Option<String>,
    /// What people call it; the tag unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is new, or the file that says it.
    pub description: String,
    /// Where the tag is made: a branch, a tag or a commit; the commit of the run unless given.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Milestones that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<String>,
    /// When it is out, if the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// What belongs to it and lies elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<AssetLink>,
}
