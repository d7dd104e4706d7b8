use axum::body::Body;
use http::StatusCode;
use penstock_model::Digest;
use penstock_model::image::media;

use crate::fixture::{fixture, manifest};

#[tokio::test]
async fn a_blob_comes_in_pieces_in_order_and_goes_on_after_a_restart() {
    let it = fixture();
    let begun = it.ask("POST", "/v2/oran/app/blobs/uploads/", &[], Body::empty()).await;
    assert_eq!((begun.status, begun.header("range")), (StatusCode::ACCEPTED, "0-0"));
    let upload = begun.header("location").to_owned();
    let first = it.ask("PATCH", &upload, &[("content-range", "0-4"), ("content-length", "5")], "hello").await;
    assert_eq!((first.status, first.header("range")), (StatusCode::ACCEPTED, "0-4"));
    for wrong in ["0-4", "6-10", "4-8"] {
        let refused = it.ask("PATCH", &upload, &[("content-range", wrong)], "world").await;
        assert_eq!((refused.status, refused.header("range")), (StatusCode::RANGE_NOT_SATISFIABLE, "0-4"), "{wrong}");
    }
    let it = it.reopened();
    let status = it.get(&upload).await;
    assert_eq!((status.status, status.header("range")), (StatusCode::NO_CONTENT, "0-4"));
    let second = it.ask("PATCH", &upload, &[("content-range", "5-9")], " worl").await;
    assert_eq!(second.status, StatusCode::ACCEPTED);
    let digest = Digest::of("hello world");
    let done = it.ask("PUT", &format!("{upload}?digest={digest}"), &[("content-range", "10-10")], "d").await;
    assert_eq!((done.status, done.header("docker-content-digest")), (StatusCode::CREATED, digest.to_string().as_str()));
    assert_eq!(it.get(done.header("location")).await.body, "hello world");
    assert_eq!(it.get(&upload).await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_blob_comes_in_one_stream_as_docker_and_crane_send_it() {
    let it = fixture();
    let upload = it.ask("POST", "/v2/oran/app/blobs/uploads/", &[], Body::empty()).await.header("location").to_owned();
    it.ask("PATCH", &upload, &[], "a stream").await;
    let digest = Digest::of("a stream").to_string().replace(':', "%3A");
    assert_eq!(it.ask("PUT", &format!("{upload}?digest={digest}"), &[], Body::empty()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bytes_of_another_digest_are_refused_and_nothing_is_visible() {
    let it = fixture();
    let digest = Digest::of("promised");
    let at_once = it.ask("POST", &format!("/v2/oran/app/blobs/uploads/?digest={digest}"), &[], "other").await;
    assert_eq!((at_once.status, at_once.code().as_str()), (StatusCode::BAD_REQUEST, "DIGEST_INVALID"));
    let upload = it.ask("POST", "/v2/oran/app/blobs/uploads/", &[], Body::empty()).await.header("location").to_owned();
    let late = it.ask("PUT", &format!("{upload}?digest={digest}"), &[], "other").await;
    assert_eq!(late.code(), "DIGEST_INVALID");
    assert_eq!(it.get(&upload).await.status, StatusCode::NOT_FOUND);
    for other in ["sha512:aa", "x", ""] {
        assert_eq!(it.ask("POST", &format!("/v2/oran/app/blobs/uploads/?digest={other}"), &[], "x").await.code(), "DIGEST_INVALID");
    }
    assert_eq!(it.get("/v2/oran/app/tags/list").await.code(), "NAME_UNKNOWN");
}

#[tokio::test]
async fn uploads_have_bounds_in_size_in_number_and_in_time() {
    let it = fixture();
    let begin = || it.ask("POST", "/v2/oran/app/blobs/uploads/", &[], Body::empty());
    let first = begin().await.header("location").to_owned();
    assert_eq!(it.ask("PATCH", &first, &[], vec![0; 1_000_001]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    begin().await;
    begin().await;
    assert_eq!(begin().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(it.ask("DELETE", &first, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(begin().await.status, StatusCode::ACCEPTED);
    it.clock.advance(std::time::Duration::from_secs(25 * 60 * 60));
    assert_eq!(begin().await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn an_upload_of_one_repository_is_unknown_in_another() {
    let it = fixture();
    let upload = it.ask("POST", "/v2/oran/app/blobs/uploads/", &[], Body::empty()).await.header("location").to_owned();
    let other = upload.replace("oran/app", "oran/other");
    assert_eq!(it.ask("PATCH", &other, &[], "x").await.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(it.get("/v2/oran/app/blobs/uploads/..%2f..%2fx").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_manifest_is_taken_only_when_what_it_names_is_in_its_repository() {
    let it = fixture();
    it.blob("oran/other", "{}").await;
    it.blob("oran/other", "layer").await;
    let missing = it.put("oran/app", "v1", &manifest("layer", None, None)).await;
    assert_eq!((missing.status, missing.code().as_str()), (StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN"));
    let (digest, text) = it.image("oran/app", "v1", "layer").await;
    let by_digest = it.put("oran/app", &digest.to_string(), &text).await;
    assert_eq!((by_digest.status, by_digest.header("docker-content-digest")), (StatusCode::CREATED, digest.to_string().as_str()));
    let wrong = it.put("oran/app", &Digest::of("x").to_string(), &text).await;
    assert_eq!(wrong.code(), "DIGEST_INVALID");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"m","digest":"{}","size":1}}]}}"#,
        media::INDEX,
        Digest::of("x")
    );
    let answer = it.ask("PUT", "/v2/oran/app/manifests/all", &[("content-type", media::INDEX)], index.clone()).await;
    assert_eq!(answer.code(), "MANIFEST_BLOB_UNKNOWN");
    let index = index.replace(&Digest::of("x").to_string(), &digest.to_string());
    let answer = it.ask("PUT", "/v2/oran/app/manifests/all", &[("content-type", media::INDEX)], index).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(it.put("oran/app", "v1", &"x".repeat(200_000)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(it.put("oran/app", ".bad", &text).await.code(), "MANIFEST_INVALID");
}

#[tokio::test]
async fn a_tag_that_names_a_commit_is_never_moved() {
    let it = fixture();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let (first, text) = it.image("oran/app", commit, "one").await;
    it.image("oran/app", "latest", "two").await;
    let moved = it.put("oran/app", commit, &manifest("two", None, None)).await;
    assert_eq!((moved.status, moved.code().as_str()), (StatusCode::FORBIDDEN, "DENIED"));
    assert_eq!(it.put("oran/app", commit, &text).await.status, StatusCode::CREATED);
    let head = it.ask("HEAD", &format!("/v2/oran/app/manifests/{commit}"), &[], Body::empty()).await;
    assert_eq!(head.header("docker-content-digest"), first.to_string());
}

#[tokio::test]
async fn a_blob_is_mounted_only_from_where_the_pusher_may_read() {
    let it = fixture();
    let digest = it.blob("private/app", "layer").await;
    let mounted = it.ask("POST", &format!("/v2/oran/app/blobs/uploads/?mount={digest}&from=private/app"), &[], Body::empty()).await;
    assert_eq!((mounted.status, mounted.header("location").to_owned()), (StatusCode::CREATED, format!("/v2/oran/app/blobs/{digest}")));
    assert_eq!(it.get(&format!("/v2/oran/app/blobs/{digest}")).await.body, "layer");
    for from in ["&from=oran/none", "", "&from=../x"] {
        let upload = it.ask("POST", &format!("/v2/oran/new/blobs/uploads/?mount={digest}{from}"), &[], Body::empty()).await;
        assert_eq!(upload.status, StatusCode::ACCEPTED, "{from}");
    }
}
