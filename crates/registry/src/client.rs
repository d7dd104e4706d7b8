//! The client: images of other registries, fetched into the own.
//!
//! On the HTTP client that the house has anyway. A client crate (`oci-client`) would bring a second set of types for manifests and
//! a cache of tokens, while what is needed is three requests, each bounded, whose bytes go into the store as they come.

pub(crate) mod challenge;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderMap, StatusCode, header};
use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::image::{Descriptor, Manifest, media};
use penstock_model::registry::ImageRegistry;
use penstock_model::release::{ImageName, ImageRef};
use penstock_model::remote::{Login, RemoteError, RemoteImage, RemoteImages};
use reqwest::{Client, Response};
use serde::Deserialize;
use tokio_util::io::StreamReader;

use self::challenge::Challenge;

/// How long a registry may take to be connected to.
const CONNECT: Duration = Duration::from_secs(20);
/// How long it may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// The largest manifest, and the largest answer of a token server.
const MAX_DOCUMENT: usize = 4 << 20;
/// The largest layer.
const MAX_LAYER: u64 = 16 << 30;
/// The most layers.
const MAX_LAYERS: usize = 128;
/// Layers that are fetched at the same time.
const AT_ONCE: usize = 3;
/// The beginning of what a registry says when it refuses.
const MAX_SAID: usize = 300;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Fetches images.
pub struct Remote {
    http: Client,
    blobs: Arc<dyn BlobStore>,
    registry: Arc<dyn ImageRegistry>,
}

impl Remote {
    /// A client that keeps what it fetches in this store and registry.
    ///
    /// # Errors
    /// When TLS cannot be set up, in words.
    pub fn new(blobs: Arc<dyn BlobStore>, registry: Arc<dyn ImageRegistry>) -> Result<Self, String> {
        // a second installation in the same process is fine
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).build();
        Ok(Self { http: http.map_err(|error| error.to_string())?, blobs, registry })
    }
}

/// An index, as far as choosing from it needs.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    digest: Digest,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
}

#[async_trait]
impl RemoteImages for Remote {
    async fn fetch(&self, image: &RemoteImage, login: Option<&Login>, into: &ImageName, tags: &[String]) -> Result<ImageRef, RemoteError> {
        let mut session = Session { client: self, image, login, authorization: None };
        let reference = image.digest.map_or_else(|| image.tag.clone(), |digest| digest.to_string());
        let (mut kind, mut bytes) = session.manifest(&reference).await?;
        if kind == media::INDEX || kind == DOCKER_LIST {
            let index: Index = serde_json::from_slice(&bytes).map_err(|error| session.unusable(format!("its index: {error}")))?;
            let chosen = choose(&index).ok_or_else(|| session.unusable(format!("it has no image for linux/{}", architecture())))?;
            (kind, bytes) = session.manifest(&chosen.to_string()).await?;
        }
        if kind != media::MANIFEST && kind != DOCKER_MANIFEST {
            return Err(session.unusable(format!("it is a {kind}, and no image")));
        }
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| session.unusable(format!("its manifest: {error}")))?;
        if manifest.layers.len() > MAX_LAYERS {
            return Err(session.unusable(format!("it has more than {MAX_LAYERS} layers")));
        }
        // one asks before several do, so that the token is fetched once
        session.blob(&manifest.config).await?;
        let session = &session;
        let blobs: Vec<_> = manifest.layers.iter().map(|layer| session.again().with(layer)).collect();
        futures::stream::iter(blobs).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        let kept = self.registry.put_image(into, bytes, tags).await;
        Ok(ImageRef { name: into.clone(), digest: kept.map_err(|error| RemoteError::Store(error.to_string()))? })
    }
}

/// The image for this machine.
fn choose(index: &Index) -> Option<Digest> {
    let fits = |entry: &&Entry| entry.platform.as_ref().is_some_and(|of| of.os == "linux" && of.architecture == architecture());
    index.manifests.iter().find(fits).map(|entry| entry.digest)
}

/// This machine's architecture as images name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// One image at one registry.
struct Session<'a> {
    client: &'a Remote,
    image: &'a RemoteImage,
    login: Option<&'a Login>,
    authorization: Option<String>,
}

impl<'a> Session<'a> {
    /// Another one that is let in as this one is.
    fn again(&self) -> Session<'a> {
        Session { authorization: self.authorization.clone(), ..*self }
    }

    async fn with(mut self, blob: &Descriptor) -> Result<(), RemoteError> {
        self.blob(blob).await
    }

    fn unusable(&self, why: String) -> RemoteError {
        RemoteError::Unusable { registry: self.image.registry.clone(), why }
    }

    fn unreachable(&self, error: &reqwest::Error) -> RemoteError {
        let mut why = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let _ = write!(why, ": {error}");
            cause = error.source();
        }
        RemoteError::Unreachable { registry: self.image.registry.clone(), why }
    }

    /// Plain HTTP is for this machine alone.
    fn url(&self, rest: &str) -> String {
        let scheme = if self.image.is_local() { "http" } else { "https" };
        // Docker's own registry is not where its name says
        let host = if self.image.registry == "docker.io" { "registry-1.docker.io" } else { &self.image.registry };
        format!("{scheme}://{host}/v2/{}/{rest}", self.image.repository)
    }

    /// Asks, and once more if it says how to be let in.
    async fn get(&mut self, rest: &str, accept: &[&str]) -> Result<Response, RemoteError> {
        let mut response = self.send(rest, accept).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.authorization = Some(self.authorize(response.headers()).await?);
            response = self.send(rest, accept).await?;
        }
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    async fn send(&self, rest: &str, accept: &[&str]) -> Result<Response, RemoteError> {
        let mut request = self.client.http.get(self.url(rest));
        if !accept.is_empty() {
            request = request.header(header::ACCEPT, accept.join(", "));
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    async fn refused(&self, response: Response) -> RemoteError {
        let status = response.status();
        let said = self.document(response).await.unwrap_or_default();
        let said: String = String::from_utf8_lossy(&said).chars().filter(|c| !c.is_control()).take(MAX_SAID).collect();
        let advice = match (status, self.login) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => "; if it is private, set the secret DOCKER_AUTH_CONFIG",
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_)) => {
                "; it was asked by the login that the secret DOCKER_AUTH_CONFIG or the file gives"
            }
            _ => "",
        };
        RemoteError::Refused { registry: self.image.registry.clone(), why: format!("{} ({status}: {said}){advice}", self.image) }
    }

    /// A bounded answer.
    async fn document(&self, response: Response) -> Result<Bytes, RemoteError> {
        let mut all = BytesMut::new();
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            all.extend_from_slice(&piece.map_err(|error| self.unreachable(&error))?);
            if all.len() > MAX_DOCUMENT {
                return Err(self.unusable(format!("an answer is longer than {} MiB", MAX_DOCUMENT >> 20)));
            }
        }
        Ok(all.freeze())
    }

    /// What to be let in with.
    async fn authorize(&self, headers: &HeaderMap) -> Result<String, RemoteError> {
        let refuse = |why: String| RemoteError::Refused { registry: self.image.registry.clone(), why };
        let mut said = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenge = said.find_map(challenge::read);
        let basic = |login: &Login| challenge::basic(&login.username, login.password.expose());
        match (challenge, self.login) {
            (Some(Challenge::Basic), Some(login)) => Ok(basic(login)),
            (Some(Challenge::Basic) | None, None) => {
                Err(refuse(format!("{} is for those who log in; set the secret DOCKER_AUTH_CONFIG", self.image)))
            }
            (None, Some(_)) => Err(refuse("it does not say how to log in".to_owned())),
            (Some(Challenge::Bearer { realm, service }), login) => {
                let scope = format!("repository:{}:pull", self.image.repository);
                let url = challenge::token_url(&realm, service.as_deref(), &scope, self.image.is_local()).map_err(refuse)?;
                let mut request = self.client.http.get(url);
                if let Some(login) = login {
                    request = request.header(header::AUTHORIZATION, basic(login));
                }
                let response = request.send().await.map_err(|error| self.unreachable(&error))?;
                if !response.status().is_success() {
                    return Err(self.refused(response).await);
                }
                let token = challenge::token(&self.document(response).await?).map_err(|why| self.unusable(why))?;
                Ok(format!("Bearer {token}"))
            }
        }
    }

    /// A manifest with its media type. What was asked for by digest has it.
    async fn manifest(&mut self, reference: &str) -> Result<(String, Bytes), RemoteError> {
        let accept = [media::INDEX, media::MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];
        let response = self.get(&format!("manifests/{reference}"), &accept).await?;
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
        let bytes = self.document(response).await?;
        if let Ok(digest) = reference.parse::<Digest>()
            && Digest::of(&bytes) != digest
        {
            return Err(self.unusable(format!("its manifest is not {digest}")));
        }
        Ok((kind, bytes))
    }

    /// A blob, into the store unless it is there.
    async fn blob(&mut self, blob: &Descriptor) -> Result<(), RemoteError> {
        let store = |error: penstock_model::blob::BlobError| RemoteError::Store(error.to_string());
        if self.client.blobs.size(blob.digest).await.map_err(store)?.is_some() {
            return Ok(());
        }
        if blob.size > MAX_LAYER {
            return Err(self.unusable(format!("a layer of {} GiB is too large", blob.size >> 30)));
        }
        let response = self.get(&format!("blobs/{}", blob.digest), &[]).await?;
        let stream = response.bytes_stream().map_err(std::io::Error::other);
        self.client.blobs.put(Box::pin(StreamReader::new(stream)), Some(blob.digest), blob.size).await.map_err(store)?;
        Ok(())
    }
}
