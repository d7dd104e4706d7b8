//! Charts of registries, pulled.

use bytes::Bytes;
use http::{Method, header};
use penstock_model::Digest;
use penstock_model::image::media;
use reqwest::Response;

use super::manifest::{ARCHIVE, Blob, CONFIG, ChartManifest, OLD_ARCHIVE, PROVENANCE};
use super::session::{MAX_DOCUMENT, Right, Session};
use super::transport::{self, Request};
use super::{ChartFetcher, ChartReference, FetchError};

/// The most blobs that a chart's manifest may name.
const MAX_BLOBS: usize = 64;
/// What is taken as a manifest. Indexes are asked for too, so that one can be told that there is no chart in them.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// A chart of a registry.
#[derive(Clone, Debug)]
pub struct PulledChart {
    /// What was pulled. [`ChartReference`] shows it as Helm does.
    pub reference: ChartReference,
    /// The manifest's digest.
    pub digest: Digest,
    /// `Chart.yaml` as JSON.
    pub config: Bytes,
    /// The archive.
    pub archive: Bytes,
    /// The provenance file, if there is one.
    pub provenance: Option<Bytes>,
    /// Whether the archive has the media type of old charts, of which Helm warns.
    pub old_media_type: bool,
}

impl ChartFetcher {
    /// Pulls a chart by its tag or digest. If it has both, the digest is pulled, and a tag that says otherwise is refused.
    ///
    /// # Errors
    /// When there is no such chart, or what is there is too large, takes too long, or is not what its digest says.
    pub async fn oci_pull(&self, reference: &ChartReference) -> Result<PulledChart, FetchError> {
        self.in_time(&format!("the chart {reference}"), self.pull(reference)).await
    }

    /// The digest of the manifest that a tag names.
    ///
    /// # Errors
    /// When there is no such tag.
    pub async fn oci_resolve(&self, reference: &ChartReference) -> Result<Digest, FetchError> {
        let mut session = Session::new(self, reference, Right::Pull);
        self.in_time(&format!("the tag of {reference}"), async { Ok(session.manifest(&wanted(reference)?).await?.0) }).await
    }

    async fn pull(&self, reference: &ChartReference) -> Result<PulledChart, FetchError> {
        let mut session = Session::new(self, reference, Right::Pull);
        let (digest, bytes) = session.manifest(&wanted(reference)?).await?;
        if let (Some(_), Some(tag)) = (reference.digest(), reference.tag()) {
            // a digest needs no tag, but a tag that is there must not say another
            match session.manifest(tag).await {
                Ok((tagged, _)) if tagged != digest => {
                    let why = format!("the tag {tag} is {tagged}, and {digest} was asked for");
                    return Err(unusable(reference, why));
                }
                _ => {}
            }
        }
        let parts = parts(reference, &bytes)?;
        let max = self.settings.max_archive;
        let config = session.blob("the configuration", &parts.config, MAX_DOCUMENT).await?;
        let archive = session.blob("the archive", &parts.archive, max).await?;
        let provenance = match &parts.provenance {
            Some(blob) => Some(session.blob("the provenance", blob, MAX_DOCUMENT).await?),
            None => None,
        };
        let old_media_type = parts.archive.media_type == OLD_ARCHIVE;
        Ok(PulledChart { reference: reference.clone(), digest, config, archive, provenance, old_media_type })
    }
}

fn unusable(reference: &ChartReference, why: String) -> FetchError {
    FetchError::Unusable { what: format!("the chart {reference}"), why }
}

fn wanted(reference: &ChartReference) -> Result<String, FetchError> {
    let why = "neither a version nor a digest says which one".to_owned();
    reference.manifest().ok_or_else(|| FetchError::Reference { text: reference.to_string(), why })
}

struct Parts {
    config: Blob,
    archive: Blob,
    provenance: Option<Blob>,
}

/// What a chart's manifest names.
fn parts(reference: &ChartReference, manifest: &[u8]) -> Result<Parts, FetchError> {
    let manifest: ChartManifest =
        serde_json::from_slice(manifest).map_err(|error| unusable(reference, format!("its manifest: {error}")))?;
    if manifest.config.media_type != CONFIG {
        let is = manifest.config.media_type;
        return Err(unusable(reference, format!("it is no chart: its configuration is {is}, and a chart's is {CONFIG}")));
    }
    if manifest.layers.len() > MAX_BLOBS {
        return Err(unusable(reference, format!("it has more than {MAX_BLOBS} layers")));
    }
    // Helm takes the last of each kind
    let last = |kinds: &[&str]| manifest.layers.iter().rev().find(|blob| kinds.contains(&&*blob.media_type)).cloned();
    let archive = last(&[ARCHIVE, OLD_ARCHIVE]).ok_or_else(|| unusable(reference, format!("it has no layer of type {ARCHIVE}")))?;
    Ok(Parts { archive, provenance: last(&[PROVENANCE]), config: manifest.config })
}

impl Session<'_> {
    /// A manifest's digest and bytes. What was asked for by digest has it.
    async fn manifest(&mut self, wanted: &str) -> Result<(Digest, Bytes), FetchError> {
        let what = format!("the chart {}", self.reference());
        let request = Request::new(&what, Method::GET, self.url(&format!("manifests/{wanted}"))?).accept(MANIFESTS);
        let response = self.succeed(request).await?;
        let (kind, said) = (header_of(&response, header::CONTENT_TYPE.as_str()), header_of(&response, "docker-content-digest"));
        let (bytes, digest) = transport::hashed(&what, response, MAX_DOCUMENT).await?;
        let asked = wanted.parse().ok().or_else(|| said.as_deref()?.parse::<Digest>().ok());
        if asked.is_some_and(|asked| asked != digest) {
            return Err(unusable(self.reference(), format!("its manifest is {digest}, and not what its digest says")));
        }
        let kind = kind.as_deref().and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_owned();
        if kind == media::INDEX {
            return Err(unusable(self.reference(), "it is no chart: it is an index of several images".to_owned()));
        }
        Ok((digest, bytes))
    }

    /// A blob that is what its descriptor says.
    async fn blob(&mut self, part: &str, blob: &Blob, limit: u64) -> Result<Bytes, FetchError> {
        let what = format!("{part} of the chart {}", self.reference());
        if blob.size > limit {
            return Err(FetchError::TooLarge { what, limit });
        }
        let fault = |why: String| FetchError::Unusable { what: what.clone(), why };
        let digest: Digest = blob.digest.parse().map_err(|_| fault(format!("`{}` is no SHA-256 digest", blob.digest)))?;
        let request = Request::new(&what, Method::GET, self.url(&format!("blobs/{digest}"))?);
        let response = self.succeed(request).await?;
        let (bytes, seen) = transport::hashed(&what, response, blob.size).await?;
        if seen != digest || bytes.len() as u64 != blob.size {
            return Err(fault(format!("its bytes are {seen} and not {digest}: they were changed on the way, or end too early")));
        }
        Ok(bytes)
    }
}

fn header_of(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(manifest: &str, expected: &str) {
        let reference = "localhost/app:1".parse().unwrap();
        let seen = match parts(&reference, manifest.as_bytes()) {
            Ok(parts) => format!("{} {}", parts.archive.digest, parts.provenance.map_or("-".to_owned(), |blob| blob.digest)),
            Err(error) => error.to_string(),
        };
        assert!(seen.contains(expected), "{seen}");
    }

    #[test]
    fn a_chart_is_told_from_what_is_none() {
        let config = format!(r#"{{"mediaType":"{CONFIG}","digest":"c","size":1}}"#);
        let layer = |kind: &str, digest: &str| format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":1}}"#);
        let manifest = |layers: &[String]| format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
        check(&manifest(&[layer(PROVENANCE, "p"), layer(ARCHIVE, "a"), layer("other", "x")]), "a p");
        check(&manifest(&[layer(OLD_ARCHIVE, "a")]), "a -");
        check(&manifest(&[layer(PROVENANCE, "p")]), "no layer of type application/vnd.cncf.helm.chart.content.v1.tar+gzip");
        check(&manifest(&vec![layer("x", "x"); 65]), "more than 64 layers");
        check(r#"{"schemaVersion":2,"config":{"mediaType":"image","digest":"c","size":1}}"#, "it is no chart: its configuration is image");
        check("[]", "its manifest: ");
    }
}
