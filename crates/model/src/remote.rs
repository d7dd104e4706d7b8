//! Images of other registries.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use crate::release::{ImageName, ImageRef};
use crate::{Digest, ProjectName, Secret};

/// The registry of names that name none.
const USUAL: &str = "docker.io";
/// Where fetched images lie in the own registry. No project can be called so.
const KEPT: &str = "remote.images";
/// The longest reference.
const MAX_REFERENCE: usize = 512;
/// How much of an action's name the place of its image has.
const MAX_ACTION: usize = 80;

/// An image as people name it (`alpine:3.20`, `ghcr.io/a/b@sha256:…`), with what they leave out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RemoteImage {
    /// Host, and a port if it is given.
    pub registry: String,
    /// The repository there.
    pub repository: String,
    /// The tag; it says nothing beside a digest.
    pub tag: String,
    /// The digest, if it is given.
    pub digest: Option<Digest>,
}

/// Text that names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no image: `NAME`, `NAME:TAG` or `REGISTRY/NAME@sha256:…` is expected")]
pub struct InvalidRemoteImage(String);

impl FromStr for RemoteImage {
    type Err = InvalidRemoteImage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidRemoteImage(text.chars().take(80).collect());
        if text.len() > MAX_REFERENCE {
            return Err(wrong());
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (path, tag) = match named.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (named, "latest"),
        };
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
            Some(_) => (USUAL, path.to_owned()),
            None => (USUAL, format!("library/{path}")),
        };
        let is_host = |host: &str| {
            let (name, port) = host.split_once(':').unwrap_or((host, "443"));
            let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
            !name.is_empty() && name.bytes().all(letter) && port.parse::<u16>().is_ok()
        };
        let is_tag = {
            let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
            !tag.is_empty() && tag.len() <= 128 && tag.bytes().all(letter) && !tag.starts_with(['.', '-'])
        };
        if !is_host(registry) || !is_tag || repository.parse::<ImageName>().is_err() {
            return Err(wrong());
        }
        Ok(Self { registry: registry.to_ascii_lowercase(), repository, tag: tag.to_owned(), digest })
    }
}

impl fmt::Display for RemoteImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digest {
            Some(digest) => write!(f, "{}/{}@{digest}", self.registry, self.repository),
            None => write!(f, "{}/{}:{}", self.registry, self.repository, self.tag),
        }
    }
}

impl RemoteImage {
    /// Where it lies in the own registry once a project's job has fetched it: what one project may fetch another may not.
    ///
    /// # Errors
    /// When the name becomes too long.
    pub fn kept(&self, project: &ProjectName) -> Result<ImageName, InvalidRemoteImage> {
        let registry = self.registry.replace(':', "_");
        format!("{KEPT}/{project}/{registry}/{}", self.repository).parse().map_err(|_| InvalidRemoteImage(self.to_string()))
    }

    /// Where the image lies that is built of an action for a project: as what is fetched, it goes when no run needs it. Images of
    /// several actions may share a place.
    ///
    /// # Errors
    /// When the name becomes too long.
    pub fn kept_for_action(project: &ProjectName, action: &str) -> Result<ImageName, InvalidRemoteImage> {
        let lower = action.to_ascii_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let name: String = words.join("-").chars().take(MAX_ACTION).collect();
        let name = if name.is_empty() { "action" } else { name.trim_end_matches('-') };
        // no host is called so
        format!("{KEPT}/{project}/actions/{name}").parse().map_err(|_| InvalidRemoteImage(action.to_owned()))
    }

    /// Whether a repository of the own registry holds fetched images.
    pub fn is_kept(name: &ImageName) -> bool {
        name.as_str().split('/').next() == Some(KEPT)
    }

    /// Whether the registry is on this machine, and may be asked without TLS.
    pub fn is_local(&self) -> bool {
        let host = self.registry.split(':').next().unwrap_or_default();
        host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }
}

/// By whom a registry is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Who.
    pub username: String,
    /// Their password or token.
    pub password: Secret,
}

/// Why an image could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The registry cannot be reached.
    #[error("the registry {registry} cannot be reached: {why}")]
    Unreachable {
        /// Which.
        registry: String,
        /// What happened.
        why: String,
    },
    /// It says no.
    #[error("the registry {registry} gives no such image: {why}")]
    Refused {
        /// Which.
        registry: String,
        /// What it said.
        why: String,
    },
    /// What it gave is not what was asked for.
    #[error("what the registry {registry} gave cannot be used: {why}")]
    Unusable {
        /// Which.
        registry: String,
        /// Why.
        why: String,
    },
    /// The own store.
    #[error("the image cannot be kept: {0}")]
    Store(String),
}

/// Fetches images of other registries into the own.
#[async_trait]
pub trait RemoteImages: Send + Sync {
    /// Fetches an image for this machine's platform: asks its registry what the name means, and for what is not here yet. It lies
    /// in the own registry as `into`, with these tags.
    async fn fetch(&self, image: &RemoteImage, login: Option<&Login>, into: &ImageName, tags: &[String]) -> Result<ImageRef, RemoteError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_leave_out_is_filled_in() {
        let whole = |text: &str| text.parse::<RemoteImage>().map(|image| image.to_string());
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3.20", "docker.io/library/alpine:3.20"),
            ("bitnami/redis", "docker.io/bitnami/redis:latest"),
            ("GHCR.io/a/b/c:v1", "ghcr.io/a/b/c:v1"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("localhost/a:1", "localhost/a:1"),
            (&format!("quay.io/a/b:1@{digest}"), &format!("quay.io/a/b@{digest}")),
        ] {
            assert_eq!(whole(text).unwrap(), expected, "{text}");
        }
        for wrong in ["", "A", "a b", "a:", "a:.x", "a@sha256:x", "[::1]:5/a", "host:x/a", "a//b", "$IMAGE", &"a/".repeat(300)] {
            assert!(whole(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_built_of_an_action_lies_where_nothing_is_fetched() {
        for (action, expected) in [
            ("./.github/actions/Lint_it/Dockerfile", "remote.images/shop/actions/github-actions-lint-it-dockerfile"),
            ("a/B@v1.2:Dockerfile", "remote.images/shop/actions/a-b-v1-2-dockerfile"),
            ("./", "remote.images/shop/actions/action"),
        ] {
            let kept = RemoteImage::kept_for_action(&"shop".parse().unwrap(), action).unwrap();
            assert_eq!((kept.as_str(), RemoteImage::is_kept(&kept)), (expected, true));
        }
        assert!("actions/x:1".parse::<RemoteImage>().unwrap().registry == USUAL);
    }

    #[test]
    fn what_is_fetched_lies_by_project_where_no_project_is() {
        let image: RemoteImage = "localhost:5000/team/a".parse().unwrap();
        let kept = image.kept(&"shop".parse().unwrap()).unwrap();
        assert_eq!(kept.as_str(), "remote.images/shop/localhost_5000/team/a");
        assert!(RemoteImage::is_kept(&kept) && !RemoteImage::is_kept(&"shop/a".parse().unwrap()));
        assert!("remote.images".parse::<ProjectName>().is_err());
        assert!(image.is_local() && !"localhost.example.org/a".parse::<RemoteImage>().unwrap().is_local());
    }
}
