use axum::body::Body;
use http::StatusCode;
use penstock_model::image::media;
use penstock_model::{Digest, blob::BlobStore};

use crate::fixture::{fixture, manifest};

#[tokio::test]
async fn an_image_is_read_by_tag_and_by_digest_after_a_restart() {
    let it = fixture();
    let (digest, text) = it.image("oran/app", "v1", "layer").await;
    let it = it.reopened();
    for reference in ["v1", &digest.to_string()] {
        let answer = it.get(&format!("/v2/oran/app/manifests/{reference}")).await;
        assert_eq!((answer.status, &answer.body[..], answer.header("content-type")), (StatusCode::OK, text.as_bytes(), media::MANIFEST));
        let head = it.ask("HEAD", &format!("/v2/oran/app/manifests/{reference}"), &[], Body::empty()).await;
        assert_eq!((head.header("content-length"), head.body.len()), (text.len().to_string().as_str(), 0));
        assert_eq!(head.header("docker-content-digest"), digest.to_string());
    }
    for (path, code) in
        [("oran/app/manifests/v2", "MANIFEST_UNKNOWN"), ("oran/none/manifests/v1", "NAME_UNKNOWN"), ("Oran/manifests/v1", "NAME_INVALID")]
    {
        assert_eq!(it.get(&format!("/v2/{path}")).await.code(), code, "{path}");
    }
}

#[tokio::test]
async fn a_blob_is_visible_only_through_a_repository_that_links_it() {
    let it = fixture();
    let digest = it.blob("oran/app", "layer").await;
    it.blob("oran/other", "another").await;
    assert!(it.blobs.size(digest).await.unwrap().is_some());
    assert_eq!(it.get(&format!("/v2/oran/other/blobs/{digest}")).await.code(), "BLOB_UNKNOWN");
    assert_eq!(it.get(&format!("/v2/oran/app/blobs/{digest}")).await.body, "layer");
    // a blob of the store that nobody pushed here
    let private = it.blobs.put_bytes("a job's log".into()).await.unwrap();
    assert_eq!(it.get(&format!("/v2/oran/app/blobs/{private}")).await.code(), "BLOB_UNKNOWN");
}

#[tokio::test]
async fn a_part_of_a_blob_is_given_and_a_damaged_one_is_not_given_as_whole() {
    let it = fixture();
    let digest = it.blob("oran/app", "0123456789").await;
    let path = format!("/v2/oran/app/blobs/{digest}");
    let part = it.ask("GET", &path, &[("range", "bytes=3-5")], Body::empty()).await;
    assert_eq!((part.status, &part.body[..], part.header("content-range")), (StatusCode::PARTIAL_CONTENT, &b"345"[..], "bytes 3-5/10"));
    let none = it.ask("GET", &path, &[("range", "bytes=10-")], Body::empty()).await;
    assert_eq!((none.status, none.header("content-range")), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10"));
    let head = it.ask("HEAD", &path, &[], Body::empty()).await;
    assert_eq!((head.header("content-length"), head.body.len()), ("10", 0));
}

#[tokio::test]
async fn tags_are_listed_in_order_and_in_parts() {
    let it = fixture();
    for tag in ["b", "A", "c", "a", "d"] {
        it.image("oran/app", tag, "layer").await;
    }
    let all = it.get("/v2/oran/app/tags/list").await;
    assert_eq!(all.json(), serde_json::json!({ "name": "oran/app", "tags": ["A", "a", "b", "c", "d"] }));
    let part = it.get("/v2/oran/app/tags/list?n=2&last=a").await;
    assert_eq!(
        (part.json()["tags"].clone(), part.header("link")),
        (serde_json::json!(["b", "c"]), "</v2/oran/app/tags/list?n=2&last=c>; rel=\"next\"")
    );
    let last = it.get("/v2/oran/app/tags/list?n=2&last=c").await;
    assert!(last.json()["tags"] == serde_json::json!(["d"]) && !last.headers.contains_key("link"));
    assert_eq!(it.get("/v2/oran/app/tags/list?n=0").await.json()["tags"], serde_json::json!([]));
}

#[tokio::test]
async fn what_is_attached_to_an_image_is_listed_and_filtered() {
    let it = fixture();
    let (image, _) = it.image("oran/app", "v1", "layer").await;
    it.blob("oran/app", "{\"statement\":1}").await;
    let attached = manifest("{\"statement\":1}", Some("application/vnd.in-toto+json"), Some(image));
    let pushed = it.put("oran/app", &Digest::of(&attached).to_string(), &attached).await;
    assert_eq!((pushed.status, pushed.header("oci-subject")), (StatusCode::CREATED, image.to_string().as_str()));
    let early = manifest("layer", None, Some(Digest::of("not here yet")));
    assert_eq!(it.put("oran/app", &Digest::of(&early).to_string(), &early).await.status, StatusCode::CREATED);

    let list = it.get(&format!("/v2/oran/app/referrers/{image}")).await;
    assert_eq!((list.status, list.header("content-type")), (StatusCode::OK, media::INDEX));
    let found = &list.json()["manifests"];
    assert_eq!((found.as_array().unwrap().len(), &found[0]["artifactType"]), (1, &"application/vnd.in-toto+json".into()));
    assert!(!list.headers.contains_key("oci-filters-applied"));
    let none = it.get(&format!("/v2/oran/app/referrers/{image}?artifactType=application/x")).await;
    assert_eq!((none.json()["manifests"].clone(), none.header("oci-filters-applied")), (serde_json::json!([]), "artifactType"));
    let plus = it.get(&format!("/v2/oran/app/referrers/{image}?artifactType=application/vnd.in-toto%2Bjson")).await;
    assert_eq!(plus.json()["manifests"].as_array().unwrap().len(), 1);
    let unknown = it.get(&format!("/v2/oran/none/referrers/{image}")).await;
    assert_eq!((unknown.status, unknown.json()["manifests"].clone()), (StatusCode::OK, serde_json::json!([])));
}

#[tokio::test]
async fn manifests_tags_and_blobs_are_deleted_and_what_a_manifest_names_is_not() {
    let it = fixture();
    let (digest, _) = it.image("oran/app", "v1", "layer").await;
    it.image("oran/app", "v2", "layer").await;
    let layer = format!("/v2/oran/app/blobs/{}", Digest::of("layer"));
    assert_eq!(it.ask("DELETE", &layer, &[], Body::empty()).await.status, StatusCode::CONFLICT);
    assert_eq!(it.ask("DELETE", "/v2/oran/app/manifests/v1", &[], Body::empty()).await.status, StatusCode::ACCEPTED);
    assert_eq!(it.get("/v2/oran/app/manifests/v1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(it.get("/v2/oran/app/manifests/v2").await.status, StatusCode::OK);
    assert_eq!(it.ask("DELETE", &format!("/v2/oran/app/manifests/{digest}"), &[], Body::empty()).await.status, StatusCode::ACCEPTED);
    assert_eq!(it.get("/v2/oran/app/manifests/v2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(it.ask("DELETE", &layer, &[], Body::empty()).await.status, StatusCode::ACCEPTED);
    assert_eq!(it.ask("DELETE", &layer, &[], Body::empty()).await.code(), "BLOB_UNKNOWN");
    assert_eq!(it.ask("DELETE", "/v2/oran/none/manifests/v1", &[], Body::empty()).await.code(), "NAME_UNKNOWN");
    assert_eq!(it.get("/v2/_catalog").await.json()["repositories"], serde_json::json!(["oran/app"]));
}
