//! Charts pushed to registries, as Helm pushes them.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use penstock_model::Digest;
use penstock_model::image::media;

use super::manifest::{self, ARCHIVE, Blob, CONFIG, PROVENANCE};
use super::session::{Right, Session};
use super::transport::Request;
use super::{ChartFetcher, ChartReference, FetchError};

/// A chart as it is pushed.
#[derive(Clone, Debug)]
pub struct ChartToPush {
    /// The archive.
    pub archive: Bytes,
    /// The provenance file, if there is one.
    pub provenance: Option<Bytes>,
    /// `Chart.yaml` as JSON, as Go writes it.
    pub config: Bytes,
    /// What the manifest says about it: see [`super::annotations`].
    pub annotations: BTreeMap<String, String>,
}

impl ChartFetcher {
    /// Pushes a chart under its tag; gives the manifest's digest. What the registry has is not sent again. The same chart has the
    /// same digest when Helm pushes it.
    ///
    /// # Errors
    /// When the reference has no tag, or the registry does not take the chart.
    pub async fn oci_push(&self, chart: &ChartToPush, reference: &ChartReference) -> Result<Digest, FetchError> {
        self.in_time(&format!("pushing the chart {reference}"), self.push(chart, reference)).await
    }

    async fn push(&self, chart: &ChartToPush, reference: &ChartReference) -> Result<Digest, FetchError> {
        let fault = |why: &str| FetchError::Reference { text: reference.to_string(), why: why.to_owned() };
        let tag = reference.tag().filter(|_| reference.digest().is_none()).ok_or_else(|| fault("a chart is pushed under a version"))?;
        if chart.archive.len() as u64 > self.settings.max_archive {
            return Err(FetchError::TooLarge { what: format!("the chart {reference}"), limit: self.settings.max_archive });
        }
        let mut session = Session::new(self, reference, Right::Push);
        let config = Blob::of(CONFIG, &chart.config);
        session.put_blob(&config, &chart.config).await?;
        let mut layers = Vec::new();
        for (kind, bytes) in [(ARCHIVE, Some(&chart.archive)), (PROVENANCE, chart.provenance.as_ref())] {
            let Some(bytes) = bytes else { continue };
            let blob = Blob::of(kind, bytes);
            session.put_blob(&blob, bytes).await?;
            layers.push(blob);
        }
        let manifest = Bytes::from(manifest::write(config, layers, &chart.annotations)?);
        session.put_manifest(tag, manifest).await
    }
}

impl Session<'_> {
    /// Puts a blob where it is not yet: an upload in one piece, after it was asked for where to.
    async fn put_blob(&mut self, blob: &Blob, bytes: &Bytes) -> Result<(), FetchError> {
        let what = format!("{} for the chart {}", blob.media_type, self.reference());
        let there = Request::new(&what, Method::HEAD, self.url(&format!("blobs/{}", blob.digest))?);
        let response = self.ask(there.clone()).await?;
        match response.status() {
            status if status.is_success() => return Ok(()),
            StatusCode::NOT_FOUND => {}
            _ => return Err(self.refused(&there, response).await),
        }
        let begin = Request::new(&what, Method::POST, self.url("blobs/uploads/")?);
        let response = self.succeed(begin).await?;
        if response.status() == StatusCode::CREATED {
            return Ok(());
        }
        let unusable = |why: &str| FetchError::Unusable { what: format!("the upload of {what}"), why: why.to_owned() };
        let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        let to = to.ok_or_else(|| unusable("the registry does not say where to send it"))?;
        let mut url = self.onward(response.url(), to)?;
        url.query_pairs_mut().append_pair("digest", &blob.digest);
        let mut send = Request::new(&what, Method::PUT, url);
        send.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        send.body = bytes.clone();
        let response = self.succeed(send.clone()).await?;
        if response.status() == StatusCode::CREATED { Ok(()) } else { Err(self.refused(&send, response).await) }
    }

    async fn put_manifest(&mut self, tag: &str, manifest: Bytes) -> Result<Digest, FetchError> {
        let digest = Digest::of(&manifest);
        let what = format!("the chart {}", self.reference());
        let mut send = Request::new(&what, Method::PUT, self.url(&format!("manifests/{tag}"))?);
        send.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media::MANIFEST));
        send.body = manifest;
        let response = self.succeed(send).await?;
        let said = response.headers().get("docker-content-digest").and_then(|said| said.to_str().ok());
        if said.and_then(|said| said.parse::<Digest>().ok()).is_some_and(|said| said != digest) {
            let why = format!("the registry keeps something else under its tag than {digest}");
            return Err(FetchError::Unusable { what, why });
        }
        Ok(digest)
    }
}
