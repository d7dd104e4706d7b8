//! What GitLab calls a release: a name, notes and links on a tag. It is called a *tag release* here, since a
//! [release](crate::release::Release) is what is delivered; a tag release delivers nothing.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The kind of report under which a runner keeps the file that a tag release's description may name.
pub const DESCRIPTION_FILE: &str = "release_description";

/// A tag release, with every variable filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRelease {
    /// The tag, without `refs/tags/`.
    pub tag: String,
    /// What people call it; the tag unless the file says.
    pub name: String,
    /// What is new, as Markdown.
    pub description: String,
    /// Milestones that it belongs to: words, of which nothing else is known here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<String>,
    /// When it is out, if the file says: not when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<Timestamp>,
    /// What belongs to it and lies elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<AssetLink>,
}

/// Something that belongs to a tag release and lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetLink {
    /// What people call it.
    pub name: String,
    /// Its address: `http`, `https` or `ftp`.
    pub url: String,
    /// A path that begins with `/` and names it for good, whatever its address is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filepath: Option<String>,
    /// What it is.
    #[serde(default)]
    pub link_type: LinkType,
}

/// What a link of a tag release leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkType {
    /// Anything.
    #[default]
    Other,
    /// What to do when something is wrong.
    Runbook,
    /// An image of a container.
    Image,
    /// A package.
    Package,
}
