use axum::body::Body;
use http::StatusCode;
use penstock_model::Digest;

use crate::fixture::fixture;

#[tokio::test]
async fn whoever_shows_nothing_is_asked_to_log_in_everywhere() {
    let it = fixture();
    let (digest, _) = it.image("oran/app", "v1", "layer").await;
    for (method, path) in [
        ("GET", "/v2/".to_owned()),
        ("GET", "/v2/_catalog".to_owned()),
        ("GET", "/v2/oran/app/tags/list".to_owned()),
        ("GET", "/v2/oran/app/manifests/v1".to_owned()),
        ("GET", format!("/v2/oran/app/blobs/{}", Digest::of("layer"))),
        ("GET", format!("/v2/oran/app/referrers/{digest}")),
        ("POST", "/v2/oran/app/blobs/uploads/".to_owned()),
        ("PUT", "/v2/oran/app/manifests/v2".to_owned()),
        ("PATCH", "/v2/oran/app/blobs/uploads/00112233445566778899aabbccddeeff".to_owned()),
        ("DELETE", format!("/v2/oran/app/manifests/{digest}")),
        ("DELETE", format!("/v2/oran/app/blobs/{digest}")),
    ] {
        let answer = it.ask_as("", method, &path, &[], Body::empty()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"), "{method} {path}");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="), "{method} {path}");
    }
    assert_eq!(it.get("/v2/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_may_only_read_may_only_read_and_only_where_they_may() {
    let it = fixture();
    let (digest, text) = it.image("oran/app", "v1", "layer").await;
    it.image("private/app", "v1", "layer").await;
    let ask = |method: &'static str, path: String| it.ask_as("reader", method, Box::leak(path.into_boxed_str()), &[], text.clone());
    assert_eq!(ask("GET", "/v2/oran/app/manifests/v1".to_owned()).await.status, StatusCode::OK);
    for (method, path) in [
        ("GET", "/v2/private/app/manifests/v1".to_owned()),
        ("GET", format!("/v2/private/app/blobs/{}", Digest::of("layer"))),
        ("PUT", "/v2/oran/app/manifests/v1".to_owned()),
        ("POST", "/v2/oran/app/blobs/uploads/".to_owned()),
        ("POST", format!("/v2/oran/app/blobs/uploads/?mount={}&from=private/app", Digest::of("layer"))),
        ("DELETE", format!("/v2/oran/app/manifests/{digest}")),
    ] {
        let answer = ask(method, path.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "DENIED"), "{method} {path}");
    }
    let seen = it.ask_as("reader", "GET", "/v2/_catalog", &[], Body::empty()).await;
    assert_eq!(seen.json()["repositories"], serde_json::json!(["oran/app"]));
}
