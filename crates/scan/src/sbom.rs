//! What an image contains: the packages of an SPDX document.

use serde::{Deserialize, Serialize};

use crate::advisories::Ecosystem;

/// The largest document that is read.
const MAX_SBOM: usize = 128 << 20;
/// The most packages.
const MAX_PACKAGES: usize = 200_000;

/// Why an SBOM cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SbomError {
    /// Too large.
    #[error("the SBOM is too large: {0}")]
    TooLarge(String),
    /// Not SPDX 2 JSON.
    #[error("this is not an SPDX 2 document in JSON: {0}")]
    Form(String),
}

/// One package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL, as the document has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
}

/// The packages of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sbom {
    /// The document's name.
    pub name: String,
    /// The packages, sorted, each once.
    pub packages: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    packages: Vec<SpdxPackage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    name: String,
    #[serde(default)]
    version_info: String,
    #[serde(default)]
    external_refs: Vec<ExternalRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

/// Reads an SPDX 2 document.
pub fn read_spdx(bytes: &[u8]) -> Result<Sbom, SbomError> {
    if bytes.len() > MAX_SBOM {
        return Err(SbomError::TooLarge(format!("{} bytes, and at most {MAX_SBOM} are read", bytes.len())));
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|error| SbomError::Form(error.to_string()))?;
    if !document.spdx_version.starts_with("SPDX-2.") {
        return Err(SbomError::Form(format!("its version is `{}`", document.spdx_version.chars().take(40).collect::<String>())));
    }
    if document.packages.len() > MAX_PACKAGES {
        return Err(SbomError::TooLarge(format!("{} packages, and at most {MAX_PACKAGES} are read", document.packages.len())));
    }
    let package = |package: SpdxPackage| Package {
        name: package.name,
        version: package.version_info,
        purl: package.external_refs.into_iter().find(|r| r.reference_type == "purl").map(|r| r.reference_locator),
    };
    let mut packages: Vec<_> = document.packages.into_iter().map(package).collect();
    packages.sort();
    packages.dedup();
    Ok(Sbom { name: document.name, packages })
}

impl Package {
    /// Where advisories know it: the ecosystem, its normalised name and its version.
    pub(crate) fn known_as(&self) -> Option<(Ecosystem, String, String)> {
        let purl = self.purl.as_deref()?.strip_prefix("pkg:")?;
        let purl = purl.split(['?', '#']).next()?;
        let (kind, rest) = purl.split_once('/')?;
        let ecosystem = Ecosystem::of_purl(kind)?;
        let (name, version) = rest.rsplit_once('@').map_or((rest, self.version.as_str()), |(name, version)| (name, version));
        let name = ecosystem.normalise(&decode(name));
        let version = decode(version);
        (!name.is_empty() && !version.is_empty()).then_some((ecosystem, name, version))
    }
}

/// Percent-decoding; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|digits| {
            let mut byte = [0];
            hex::decode_to_slice(digits, &mut byte).ok().map(|()| byte[0])
        });
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_known_by_their_url() {
        let known = |purl: &str| Package { name: "x".to_owned(), version: "9".to_owned(), purl: Some(purl.to_owned()) }.known_as();
        let is = |e, n: &str, v: &str| Some((e, n.to_owned(), v.to_owned()));
        assert_eq!(known("pkg:pypi/Zope.Interface@5.0"), is(Ecosystem::PyPi, "zope-interface", "5.0"));
        assert_eq!(known("pkg:cargo/serde_json@1.0.0%2Bx?arch=amd64#y"), is(Ecosystem::CratesIo, "serde_json", "1.0.0+x"));
        assert_eq!(known("pkg:cargo/a"), is(Ecosystem::CratesIo, "a", "9"));
        for other in ["pkg:deb/debian/curl@1", "pypi/a@1", "pkg:pypi", "pkg:cargo/@1", ""] {
            assert_eq!(known(other), None, "{other}");
        }
        assert_eq!(decode("%4"), "%4");
    }
}
