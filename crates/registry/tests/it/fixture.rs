//! A registry in a temporary directory, and requests to it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use penstock_model::Digest;
use penstock_model::image::media;
use penstock_model::release::ImageName;
use penstock_registry::{Access, Action, Credentials, Limits, Registry, RegistryAuth, router};
use penstock_testkit::FakeClock;
use penstock_testkit::MemoryBlobs;
use serde_json::{Value, json};
use tower::ServiceExt;

/// `writer` may do all, `reader` may read `oran/…`; both have the password `secret`.
pub struct Users;

#[async_trait]
impl RegistryAuth for Users {
    async fn access(&self, credentials: &Credentials, repository: Option<&ImageName>, action: Action) -> Access {
        let Credentials::Basic { user, password } = credentials else { return Access::Unauthenticated };
        match (user.as_str(), password.expose()) {
            ("writer", "secret") => Access::Granted,
            ("reader", "secret") if action == Action::Pull && repository.is_none_or(|name| name.as_str().starts_with("oran/")) => {
                Access::Granted
            }
            ("reader", "secret") => Access::Denied,
            _ => Access::Unauthenticated,
        }
    }
}

pub struct Fixture {
    pub dir: tempfile::TempDir,
    pub blobs: Arc<MemoryBlobs>,
    pub clock: Arc<FakeClock>,
    pub registry: Registry,
    pub router: Router,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }
    /// The first error's code.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub fn fixture() -> Fixture {
    fixture_with(Limits { manifest: 100_000, blob: 1_000_000, uploads: 3 })
}

pub fn fixture_with(limits: Limits) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Arc::new(MemoryBlobs::default());
    // uploads are aged by the times of their files
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let clock = Arc::new(FakeClock::at(penstock_model::Timestamp(i64::try_from(now).unwrap())));
    let registry = Registry::open(dir.path(), Arc::<MemoryBlobs>::clone(&blobs), Arc::<FakeClock>::clone(&clock), limits).unwrap();
    let router = router(registry.clone(), Arc::new(Users));
    Fixture { dir, blobs, clock, registry, router }
}

impl Fixture {
    /// The same files, as after a restart.
    pub fn reopened(self) -> Self {
        let limits = Limits { manifest: 100_000, blob: 1_000_000, uploads: 3 };
        let registry =
            Registry::open(self.dir.path(), Arc::<MemoryBlobs>::clone(&self.blobs), Arc::<FakeClock>::clone(&self.clock), limits).unwrap();
        let router = router(registry.clone(), Arc::new(Users));
        Self { registry, router, ..self }
    }

    /// A request by `writer`.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.ask_as("writer", method, path, headers, body).await
    }

    pub async fn ask_as(&self, user: &str, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        use base64::Engine;
        let mut request = Request::builder().method(method).uri(path);
        if !user.is_empty() {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}:secret"));
            request = request.header("authorization", format!("Basic {basic}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, 10_000_000).await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], Body::empty()).await
    }

    /// Pushes a blob in one request.
    pub async fn blob(&self, name: &str, content: &str) -> Digest {
        let digest = Digest::of(content);
        let answer = self.ask("POST", &format!("/v2/{name}/blobs/uploads/?digest={digest}"), &[], content.to_owned()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        digest
    }

    /// Pushes an image with one layer; gives its digest and manifest.
    pub async fn image(&self, name: &str, reference: &str, layer: &str) -> (Digest, String) {
        self.blob(name, "{}").await;
        self.blob(name, layer).await;
        let manifest = manifest(layer, None, None);
        let answer = self.put(name, reference, &manifest).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
        (Digest::of(&manifest), manifest)
    }

    pub async fn put(&self, name: &str, reference: &str, manifest: &str) -> Answer {
        self.ask("PUT", &format!("/v2/{name}/manifests/{reference}"), &[("content-type", media::MANIFEST)], manifest.to_owned()).await
    }
}

/// A manifest with an empty configuration and one layer.
pub fn manifest(layer: &str, artifact_type: Option<&str>, subject: Option<Digest>) -> String {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::MANIFEST,
        "config": { "mediaType": media::CONFIG, "digest": Digest::of("{}"), "size": 2 },
        "layers": [{ "mediaType": media::LAYER_TAR, "digest": Digest::of(layer), "size": layer.len() }],
    });
    if let Some(kind) = artifact_type {
        manifest["artifactType"] = kind.into();
    }
    if let Some(subject) = subject {
        manifest["subject"] = json!({ "mediaType": media::MANIFEST, "digest": subject, "size": 1 });
    }
    manifest.to_string()
}
