//! Images of another registry: a second one on this machine, behind a token server.

use std::sync::{Arc, Mutex};

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use penstock_model::blob::BlobStore;
use penstock_model::image::{Descriptor, ImageConfig, Manifest, RootFs, RunConfig, media};
use penstock_model::registry::ImageRegistry;
use penstock_model::remote::{Login, RemoteError, RemoteImage, RemoteImages};
use penstock_model::{Digest, Secret};
use penstock_registry::Remote;
use serde_json::{Value, json};

use crate::fixture::{Fixture, fixture};

/// A registry that asks for a token, and writes down what it was asked.
pub struct Other {
    pub address: String,
    pub asked: Arc<Mutex<Vec<String>>>,
    pub there: Fixture,
}

type Asked = (Arc<Mutex<Vec<String>>>, String);

async fn token(State((asked, _)): State<Asked>, Query(query): Query<Value>, headers: HeaderMap) -> Response {
    asked.lock().unwrap().push(format!("token {} {}", query["service"].as_str().unwrap(), query["scope"].as_str().unwrap()));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // writer:secret
    match given {
        Some("Basic d3JpdGVyOnNlY3JldA==") => Json(json!({ "token": "let-in" })).into_response(),
        Some(_) => StatusCode::UNAUTHORIZED.into_response(),
        None => Json(json!({ "access_token": "nobody" })).into_response(),
    }
}

/// The same for who has a token that is for getting tokens.
async fn refresh(State((asked, _)): State<Asked>, axum::Form(form): axum::Form<Value>) -> Response {
    asked.lock().unwrap().push(format!("refresh {} {}", form["service"].as_str().unwrap(), form["scope"].as_str().unwrap()));
    if form["grant_type"] == "refresh_token" && form["refresh_token"] == "refresh+me" {
        Json(json!({ "access_token": "let-in" })).into_response()
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

/// Lets in who has the token, as the writer whom the registry itself knows.
async fn door(State((asked, address)): State<Asked>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match given.as_deref() {
        Some("Bearer let-in") => {
            asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
            request.headers_mut().insert(header::AUTHORIZATION, "Basic d3JpdGVyOnNlY3JldA==".parse().unwrap());
            next.run(request).await
        }
        Some(_) => (StatusCode::FORBIDDEN, "not you").into_response(),
        None => {
            let challenge = format!("Bearer realm=\"http://{address}/token\",service=\"here\"");
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
        }
    }
}

pub async fn other() -> Other {
    let there = fixture();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let state = (asked.clone(), address.clone());
    let guarded = there.router.clone().layer(from_fn_with_state(state.clone(), door));
    let all = Router::new().route("/token", get(token).post(refresh)).with_state(state).merge(guarded);
    tokio::spawn(async move { axum::serve(listener, all).await.unwrap() });
    Other { address, asked, there }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
    Descriptor { media_type: media_type.to_owned(), digest, size, artifact_type: None, annotations: std::collections::BTreeMap::new() }
}

impl Other {
    /// An index of two images for two machines; gives the digest of the one for this machine.
    async fn push(&self, name: &str, tag: &str) -> Digest {
        let (blobs, registry) = (&self.there.blobs, &self.there.registry);
        let name = name.parse().unwrap();
        let mut entries = Vec::new();
        for architecture in ["riscv64", "amd64", "arm64"] {
            let config = ImageConfig {
                created: None,
                architecture: architecture.to_owned(),
                os: "linux".to_owned(),
                config: RunConfig::default(),
                rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![Digest::of("layer")] },
                history: Vec::new(),
            };
            let config = serde_json::to_vec(&config).unwrap();
            let manifest = Manifest {
                schema_version: 2,
                media_type: media::MANIFEST.to_owned(),
                artifact_type: None,
                config: descriptor(media::CONFIG, &config),
                layers: vec![descriptor(media::LAYER_TAR, b"layer")],
                subject: None,
                annotations: std::collections::BTreeMap::new(),
            };
            blobs.put_bytes(Bytes::from(config)).await.unwrap();
            blobs.put_bytes(Bytes::from_static(b"layer")).await.unwrap();
            let manifest = serde_json::to_vec(&manifest).unwrap();
            registry.put_image(&name, manifest.clone().into(), &[]).await.unwrap();
            entries.push(json!({
                "mediaType": media::MANIFEST, "digest": Digest::of(&manifest).to_string(), "size": manifest.len(),
                "platform": { "os": "linux", "architecture": architecture },
            }));
        }
        let own = if cfg!(target_arch = "aarch64") { 2 } else { 1 };
        let chosen = entries[own]["digest"].as_str().unwrap().parse().unwrap();
        let index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": entries }).to_string();
        registry.put_image(&name, index.into(), &[tag.to_owned()]).await.unwrap();
        chosen
    }

    fn image(&self, rest: &str) -> RemoteImage {
        format!("{}/{rest}", self.address).parse().unwrap()
    }
}

pub fn writer() -> Login {
    Login { username: "writer".to_owned(), password: Secret::new("secret") }
}

#[tokio::test]
async fn an_image_for_this_machine_is_fetched_with_a_token_and_kept_under_its_tag() {
    let (other, here) = (other().await, fixture());
    let digest = other.push("team/base", "v1").await;
    let remote = Remote::new(here.blobs.clone(), Arc::new(here.registry.clone())).unwrap();
    let image = other.image("team/base:v1");
    let into = image.kept(&"shop".parse().unwrap()).unwrap();
    let tags = ["v1".to_owned()];
    let fetched = remote.fetch(&image, Some(&writer()), &into, &tags).await.unwrap();
    assert_eq!((fetched.digest, &fetched.name), (digest, &into));
    assert_eq!(here.registry.resolve(&into, "v1").await.unwrap(), Some(digest));
    assert_eq!(here.blobs.get_bytes(Digest::of("layer"), 100).await.unwrap(), "layer");
    let asked = std::mem::take(&mut *other.asked.lock().unwrap());
    assert_eq!(asked[0], "token here repository:team/base:pull");
    assert_eq!(asked.iter().filter(|line| line.starts_with("token")).count(), 1, "{asked:?}");
    // what is here is not fetched again
    remote.fetch(&image, Some(&writer()), &into, &tags).await.unwrap();
    let again = other.asked.lock().unwrap().clone();
    assert!(again.iter().all(|line| !line.contains("/blobs/")), "{again:?}");
    // by digest, the index's or the image's
    let by_digest = RemoteImage { digest: Some(digest), ..image };
    assert_eq!(remote.fetch(&by_digest, Some(&writer()), &into, &[]).await.unwrap().digest, digest);
}

#[tokio::test]
async fn what_cannot_be_fetched_says_which_registry_said_what_and_what_to_do() {
    let (other, here) = (other().await, fixture());
    other.push("team/base", "v1").await;
    let remote = Remote::new(here.blobs.clone(), Arc::new(here.registry.clone())).unwrap();
    let fetch = async |image: RemoteImage, login: Option<Login>| {
        let into = image.kept(&"shop".parse().unwrap()).unwrap();
        remote.fetch(&image, login.as_ref(), &into, &[]).await.unwrap_err()
    };
    let error = fetch(other.image("team/base:v2"), Some(writer())).await;
    assert!(matches!(&error, RemoteError::Refused { why, .. } if why.contains("team/base:v2 (404")), "{error}");
    let error = fetch(other.image("team/base:v1"), None).await.to_string();
    assert!(error.contains("(403 Forbidden: not you)") && error.ends_with("set the secret DOCKER_AUTH_CONFIG"), "{error}");
    let wrong = Login { username: "writer".to_owned(), password: Secret::new("guess") };
    let error = fetch(other.image("team/base:v1"), Some(wrong)).await.to_string();
    assert!(error.contains("401") && !error.contains("guess"), "{error}");
    // a port on which nothing listens
    let free = penstock_testkit::free_address();
    let error = fetch(format!("{free}/a").parse().unwrap(), None).await;
    assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
}
