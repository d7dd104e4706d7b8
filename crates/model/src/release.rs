//! Releases and their images.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::canonical::canonical_digest;
use crate::{CommitId, Digest, ProjectName};

/// An image's repository in a registry: lower-case parts joined by `/` (OCI distribution specification 1.1, "pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName(String);

/// Text that is no image's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an image name: lower-case parts joined by `/`, such as `oran/api-gateway`, are expected")]
pub struct InvalidImageName(String);

impl ImageName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_component(part: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !alnum(*first) || !alnum(*last) {
        return false;
    }
    // alphanumerics joined by one '.', one or two '_', or any number of '-'
    part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .filter(|gap| !gap.is_empty())
        .all(|gap| matches!(gap, "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

impl FromStr for ImageName {
    type Err = InvalidImageName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() <= 255 && text.split('/').all(is_component);
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidImageName(text.chars().take(80).collect())) }
    }
}
impl TryFrom<String> for ImageName {
    type Error = InvalidImageName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<ImageName> for String {
    fn from(name: ImageName) -> Self {
        name.0
    }
}
impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image by digest, as `name@sha256:…`. There is no reference by tag: tags are for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    /// Its repository.
    pub name: ImageName,
    /// Its manifest's digest.
    pub digest: Digest,
}

/// Text that is no image reference by digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImageRef {
    /// A tag, or nothing, where a digest is needed.
    #[error("`{0}` names no digest; `name@sha256:…` is expected, since a tag can move")]
    NoDigest(String),
    /// The name is not one.
    #[error(transparent)]
    Name(#[from] InvalidImageName),
    /// The digest is not one.
    #[error(transparent)]
    Digest(#[from] crate::digest::InvalidDigest),
}

impl FromStr for ImageRef {
    type Err = InvalidImageRef;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, digest) = text.split_once('@').ok_or_else(|| InvalidImageRef::NoDigest(text.chars().take(200).collect()))?;
        // a tag beside the digest says nothing that the digest does not
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        Ok(Self { name: name.parse()?, digest: digest.parse()? })
    }
}
impl TryFrom<String> for ImageRef {
    type Error = InvalidImageRef;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<ImageRef> for String {
    fn from(image: ImageRef) -> Self {
        image.to_string()
    }
}
impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.digest)
    }
}

/// What is delivered: images by digest and the config revision they go with. Its own digest names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The project.
    pub project: ProjectName,
    /// The source commit.
    pub commit: CommitId,
    /// Images by name.
    pub images: BTreeMap<ImageName, Digest>,
    /// The config repository's protected branch when the release was made.
    pub config: CommitId,
}

/// A release's name: the digest of its canonical JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(pub Digest);

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Release {
    /// Its name.
    pub fn id(&self) -> ReleaseId {
        // names and digests are text: always JSON
        ReleaseId(canonical_digest(self).unwrap_or_else(|_| Digest::of(b"")))
    }
}

/// What an environment is to run: the digest of its canonical rendered manifests with the release's images in them.
/// An empty commit does not make a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub Digest);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_follow_the_distribution_specification() {
        for good in ["a", "oran/api-gateway", "a.b/c__d/e---f", "0"] {
            assert!(good.parse::<ImageName>().is_ok(), "{good}");
        }
        for bad in ["", "/", "a/", "A", "a..b", "a___b", "-a", "a/../b", "a.-b"] {
            assert!(bad.parse::<ImageName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tag_alone_is_no_reference() {
        assert!("oran/api:latest".parse::<ImageRef>().is_err());
        let image: ImageRef = format!("oran/api:1@{}", Digest::of(b"x")).parse().unwrap();
        assert_eq!(image.to_string(), format!("oran/api@{}", Digest::of(b"x")));
    }
}
