//! The registry over HTTP, under `/v2/`.

mod blobs;
mod error;
mod lists;
mod manifests;
mod route;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts};
use penstock_model::release::ImageName;

use self::error::{Code, Failure};
use self::route::Route;
use crate::auth::{Access, Action, Credentials, RegistryAuth, credentials};
use crate::service::{Inner, Registry};

#[derive(Clone)]
struct Served {
    registry: Registry,
    auth: Arc<dyn RegistryAuth>,
}

/// The routes of a registry, to be merged into a server's own.
pub fn router(registry: Registry, auth: Arc<dyn RegistryAuth>) -> Router {
    let served = Served { registry, auth };
    Router::new().route("/v2", any(root)).route("/v2/", any(root)).route("/v2/{*rest}", any(one)).with_state(served)
}

/// One request, with what is known of it.
struct Asked<'a> {
    served: &'a Served,
    credentials: Credentials,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
}

impl Asked<'_> {
    fn inner(&self) -> &Inner {
        &self.served.registry.inner
    }

    async fn granted(&self, name: &ImageName, action: Action) -> bool {
        self.served.auth.access(&self.credentials, Some(name), action).await == Access::Granted
    }

    /// Refuses what whoever asks may not do.
    async fn must(&self, name: Option<&ImageName>, action: Action) -> Result<(), Failure> {
        match self.served.auth.access(&self.credentials, name, action).await {
            Access::Granted => Ok(()),
            Access::Denied => Err(Failure::new(Code::Denied, "you may not do this here")),
            Access::Unauthenticated => Err(Failure::new(Code::Unauthorized, "log in first: `docker login`, with a token as password")),
        }
    }

    /// A parameter of the query, decoded.
    fn parameter(&self, wanted: &str) -> Option<String> {
        let query: axum::extract::Query<Vec<(String, String)>> = axum::extract::Query::try_from_uri(&self.uri).ok()?;
        query.0.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
    }

    fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

async fn root(State(served): State<Served>, request: Request) -> Response {
    answer(&served, "", request).await
}

async fn one(State(served): State<Served>, Path(rest): Path<String>, request: Request) -> Response {
    answer(&served, &rest, request).await
}

async fn answer(served: &Served, rest: &str, request: Request) -> Response {
    let (Parts { method, headers, uri, .. }, body) = request.into_parts();
    let credentials = credentials(&headers);
    let asked = Asked { served, credentials, method, headers, uri };
    let mut response = dispatch(&asked, rest, body).await.unwrap_or_else(IntoResponse::into_response);
    let version = header::HeaderValue::from_static("registry/2.0");
    response.headers_mut().insert("docker-distribution-api-version", version);
    response
}

async fn dispatch(asked: &Asked<'_>, rest: &str, body: Body) -> Result<Response, Failure> {
    let route = route::parse(rest)?;
    match route {
        Route::Root => {
            asked.must(None, Action::Pull).await?;
            Ok(StatusCode::OK.into_response())
        }
        Route::Catalog => lists::catalog(asked).await,
        Route::Tags(name) => lists::tags(asked, &name).await,
        Route::Referrers(name, digest) => lists::referrers(asked, &name, digest).await,
        Route::Manifest(name, reference) => manifests::answer(asked, &name, &reference, body).await,
        Route::Blob(name, digest) => blobs::answer(asked, &name, digest).await,
        Route::Uploads(name) => uploads::begin(asked, &name, body).await,
        Route::Upload(name, id) => uploads::go_on(asked, &name, &id, body).await,
    }
}
