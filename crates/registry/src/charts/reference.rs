//! Charts of registries as people name them.

use std::fmt;
use std::str::FromStr;

use penstock_model::Digest;
use penstock_model::release::ImageName;
use reqwest::Url;

use super::FetchError;
use crate::forms::is_tag;

/// How Helm marks a registry's address.
const SCHEME: &str = "oci://";
/// The longest reference.
const MAX_REFERENCE: usize = 1024;

/// A chart of a registry: `oci://HOST[:PORT]/PATH/NAME`, then `:VERSION`, `@DIGEST`, both or neither.
///
/// Tags have no `+`. A version's `+` is a `_` in its tag, as Helm has it; one comes from the other at the edge of this type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartReference {
    host: String,
    repository: ImageName,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl ChartReference {
    /// Where a chart of this name and version goes when it is pushed to `base`, as Helm composes it.
    ///
    /// # Errors
    /// When that names no chart.
    pub fn to_push(base: &str, name: &str, version: &str) -> Result<Self, FetchError> {
        let reference: Self = format!("{}/{name}:{version}", base.trim_end_matches('/')).parse()?;
        if reference.digest.is_some() || reference.repository.as_str().rsplit('/').next() != Some(name) {
            return Err(wrong(base, "a chart is pushed to a place, which has neither version nor digest"));
        }
        Ok(reference)
    }

    /// The same chart in this version, whatever version it said before. A digest stays, and is then what is pulled.
    ///
    /// # Errors
    /// When the version cannot be a tag.
    pub fn at_version(&self, version: &str) -> Result<Self, FetchError> {
        let tag = tag_of(version).ok_or_else(|| wrong(&format!("{self}:{version}"), "the version cannot be a tag"))?;
        Ok(Self { tag: Some(tag), ..self.clone() })
    }

    /// The registry: a host, with a port if one is given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository there.
    pub fn repository(&self) -> &str {
        self.repository.as_str()
    }

    /// The chart's name: the last part of the repository.
    pub fn name(&self) -> &str {
        self.repository().rsplit('/').next().unwrap_or_default()
    }

    /// The tag, as the registry knows it.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The version that the tag stands for.
    pub fn version(&self) -> Option<String> {
        self.tag().map(version_of)
    }

    /// The manifest's digest, if it is given.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What a registry is asked for: the digest before the tag.
    pub(super) fn manifest(&self) -> Option<String> {
        self.digest.map(|digest| digest.to_string()).or_else(|| self.tag.clone())
    }

    /// Whether the registry is on this machine.
    pub(super) fn is_local(&self) -> bool {
        let name = self.host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(&*self.host, |(name, _)| name);
        matches!(name, "localhost" | "[::1]") || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The version that a tag stands for.
pub(super) fn version_of(tag: &str) -> String {
    tag.replace('_', "+")
}

fn tag_of(version: &str) -> Option<String> {
    Some(version.replace('+', "_")).filter(|tag| is_tag(tag))
}

fn wrong(text: &str, why: &str) -> FetchError {
    FetchError::Reference { text: text.chars().take(200).collect(), why: why.to_owned() }
}

/// A host with or without a port, and nothing else that an address could have.
fn is_host(host: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let read = Url::parse(&format!("https://{host}/")).ok();
    !host.is_empty() && !host.ends_with(':') && host.bytes().all(letter) && read.is_some_and(|url| url.host_str().is_some())
}

impl FromStr for ChartReference {
    type Err = FetchError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_REFERENCE {
            return Err(wrong(text, "it is too long"));
        }
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let (named, digest) = match rest.rsplit_once('@') {
            Some((named, digest)) => (named, Some(digest.parse().map_err(|_| wrong(text, "what follows `@` is no SHA-256 digest"))?)),
            None => (rest, None),
        };
        let (host, path) = named.split_once('/').ok_or_else(|| wrong(text, "it has no path behind the host"))?;
        let (path, tag) = match path.split_once(':') {
            Some((path, tag)) => (path, Some(tag_of(tag).ok_or_else(|| wrong(text, "what follows `:` cannot be a tag"))?)),
            None => (path, None),
        };
        if !is_host(host) {
            return Err(wrong(text, "its host cannot be one"));
        }
        let repository = path.parse().map_err(|_| wrong(text, "its path is not lower-case parts joined by `/`"))?;
        Ok(Self { host: host.to_ascii_lowercase(), repository, tag, digest })
    }
}

/// As Helm shows it: without the scheme, and by digest alone where there is one.
impl fmt::Display for ChartReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        match (self.digest, &self.tag) {
            (Some(digest), _) => write!(f, "@{digest}"),
            (None, Some(tag)) => write!(f, ":{tag}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_read_as_helm_reads_them() {
        let read = |text: &str| text.parse::<ChartReference>().unwrap();
        let seen = read("oci://ghcr.io/team/charts/app:1.2.3+build.4");
        assert_eq!((seen.host(), seen.repository(), seen.name()), ("ghcr.io", "team/charts/app", "app"));
        assert_eq!((seen.tag(), seen.version().as_deref()), (Some("1.2.3_build.4"), Some("1.2.3+build.4")));
        assert_eq!(seen.to_string(), "ghcr.io/team/charts/app:1.2.3_build.4");
        let seen = read(&format!("localhost:5000/app:1.0.0@{DIGEST}"));
        assert_eq!((seen.host(), seen.tag(), seen.digest().is_some()), ("localhost:5000", Some("1.0.0"), true));
        assert_eq!(seen.to_string(), format!("localhost:5000/app@{DIGEST}"));
        assert_eq!(read("oci://[::1]:5000/app").manifest(), None);
        assert_eq!(read("oci://[::1]:5000/app").at_version("2.0.0+x").unwrap().to_string(), "[::1]:5000/app:2.0.0_x");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "oci://",
            "oci://ghcr.io",
            "oci://ghcr.io/",
            "oci:///app",
            "oci://ghcr.io/App",
            "oci://ghcr.io/app:",
            "oci://ghcr.io/app:1:2",
            "oci://ghcr.io/app:a/b",
            "oci://ghcr.io/app@sha256:00",
            "oci://user:secret@ghcr.io/app",
            "oci://ghcr.io:/app",
            "oci://ghcr.io:99999/app",
            "oci://ghcr.io/app?x",
            "oci://ghcr.io/../app",
            "oci://gh cr.io/app",
        ] {
            assert!(text.parse::<ChartReference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_chart_is_pushed_below_a_place_under_its_name_and_version() {
        let seen = ChartReference::to_push("oci://localhost:5000/charts/", "app", "0.1.0+a").unwrap();
        assert_eq!(seen.to_string(), "localhost:5000/charts/app:0.1.0_a");
        for base in ["oci://localhost:5000/charts:1.0.0", "", &format!("oci://localhost/charts@{DIGEST}")] {
            assert!(ChartReference::to_push(base, "app", "0.1.0").is_err(), "{base}");
        }
        assert!(ChartReference::to_push("oci://localhost", "app", "0.1.0").is_ok());
        assert!(ChartReference::to_push("oci://localhost/x", "app:1", "0.1.0").is_err());
    }

    #[test]
    fn what_is_on_this_machine_is_told_apart() {
        for (host, local) in [("localhost", true), ("127.0.0.1:5000", true), ("[::1]", true), ("[::1]:5000", true), ("ghcr.io", false)] {
            assert_eq!(format!("{host}/a").parse::<ChartReference>().unwrap().is_local(), local, "{host}");
        }
    }
}
