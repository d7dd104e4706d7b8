//! Where a request that changes something comes from. The session's cookie is `SameSite=Strict`, but a site is a host
//! without its port, and a workload may answer at another port of this host: what a browser says about the page is
//! checked beside it. Programs say nothing, and carry their token themselves.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Uri};

use crate::pages::PageFailure;
use crate::problem::Failure;

/// Refuses whatever changes something and comes from a page that is not this server's. `url` is how the server is reached.
pub(crate) async fn own(State(url): State<String>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || !is_foreign(request.headers(), request.uri(), &url) {
        return next.run(request).await;
    }
    let failure = Failure::forbidden("the request came from a page of another site");
    if request.uri().path().starts_with(penstock_api::PREFIX) { failure.into_response() } else { PageFailure(failure).into_response() }
}

fn is_foreign(headers: &HeaderMap, uri: &Uri, url: &str) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let host = |text: &str| text.split_once("://").map(|(_, host)| host.to_owned());
    let Some(origin) = origin.to_str().ok().and_then(host) else { return true };
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(http::uri::Authority::as_str));
    // behind a proxy the host may be the proxy's word for this server
    asked != Some(origin.as_str()) && host(url) != Some(origin)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::any;
    use http::{Method, StatusCode};
    use tower::ServiceExt;

    use super::*;

    async fn answered(method: Method, path: &str, origin: Option<&str>) -> StatusCode {
        let app = Router::new().fallback(any(|| async { "done" }));
        let app = app.layer(axum::middleware::from_fn_with_state("https://penstock.example.org".to_owned(), own));
        let mut request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:7420");
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn what_another_site_or_another_port_of_this_host_sends_changes_nothing() {
        for path in ["/api/v1/projects/oran/environments/production/rollback", "/releases/1/approve", "/logout", "/v2/a/blobs/uploads/"] {
            for origin in ["http://127.0.0.1:30080", "https://evil.example", "null", "", "http://127.0.0.1:7420.evil.example"] {
                for method in [Method::POST, Method::PUT, Method::DELETE] {
                    assert_eq!(answered(method, path, Some(origin)).await, StatusCode::FORBIDDEN, "{path} from `{origin}`");
                }
                assert_eq!(answered(Method::GET, path, Some(origin)).await, StatusCode::OK, "a look changes nothing");
            }
            for origin in [None, Some("http://127.0.0.1:7420"), Some("https://penstock.example.org")] {
                assert_eq!(answered(Method::POST, path, origin).await, StatusCode::OK, "{path} from {origin:?}");
            }
        }
    }
}
