use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use penstock_model::blob::BlobStore;
use penstock_model::registry::{ImageRegistry, Keep, RegistryError};
use penstock_model::release::{ImageName, ImageRef};
use penstock_model::{Clock, Digest, Timestamp};

use crate::fixture::{Fixture, fixture, manifest};

fn name() -> ImageName {
    "oran/app".parse().unwrap()
}

/// What the builder does: blobs into the store, the manifest into the registry.
async fn built(it: &Fixture, layer: &'static str, tags: &[&str]) -> Result<Digest, RegistryError> {
    it.blobs.put_bytes(Bytes::from_static(b"{}")).await.unwrap();
    it.blobs.put_bytes(Bytes::from_static(layer.as_bytes())).await.unwrap();
    let tags: Vec<_> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    it.registry.put_image(&name(), manifest(layer, None, None).into(), &tags).await
}

#[tokio::test]
async fn an_image_that_was_built_here_is_pulled_like_one_that_was_pushed() {
    let it = fixture();
    let commit = "a".repeat(40);
    let digest = built(&it, "layer", &[&commit, "main", "latest"]).await.unwrap();
    assert_eq!(it.registry.resolve(&name(), "latest").await.unwrap(), Some(digest));
    assert_eq!(it.registry.resolve(&name(), &digest.to_string()).await.unwrap(), Some(digest));
    assert_eq!(it.registry.resolve(&name(), "none").await.unwrap(), None);
    assert_eq!(it.get(&format!("/v2/oran/app/blobs/{}", Digest::of("layer"))).await.body, "layer");
    let (media_type, bytes) = it.registry.manifest(&name(), digest).await.unwrap().unwrap();
    assert_eq!((media_type.as_str(), Digest::of(bytes)), (penstock_model::image::media::MANIFEST, digest));
    assert_eq!(it.registry.manifest(&name(), Digest::of("x")).await.unwrap(), None);
    assert_eq!(it.registry.tags(&name()).await.unwrap().len(), 3);
    assert_eq!(it.registry.images(&name()), BTreeSet::from([digest]));
}

#[tokio::test]
async fn an_image_with_a_tag_that_may_not_move_is_not_kept_in_part() {
    let it = fixture();
    let commit = "a".repeat(40);
    let first = built(&it, "one", &[&commit]).await.unwrap();
    let refused = built(&it, "two", &["latest", &commit]).await.unwrap_err();
    assert!(matches!(refused, RegistryError::Immutable { there, .. } if there == first), "{refused}");
    assert_eq!(it.registry.tags(&name()).await.unwrap(), BTreeMap::from([(commit, first)]));
    assert_eq!(it.registry.images(&name()), BTreeSet::from([first]));
    assert!(matches!(built(&it, "one", &["no tag"]).await, Err(RegistryError::Tag(_))));
    assert!(matches!(
        it.registry.put_image(&name(), manifest("absent", None, None).into(), &[]).await,
        Err(RegistryError::Manifest { .. })
    ));
}

#[tokio::test]
async fn what_is_attached_twice_is_there_once_and_goes_with_its_image() {
    let it = fixture();
    let image = built(&it, "layer", &["main"]).await.unwrap();
    let attach = |text: &'static str| {
        let annotations = BTreeMap::from([("org.example.kind".to_owned(), "sbom".to_owned())]);
        let registry = it.registry.clone();
        async move {
            registry
                .attach(
                    &name(),
                    image,
                    "application/vnd.in-toto+json",
                    "application/json",
                    Bytes::from_static(text.as_bytes()),
                    annotations,
                )
                .await
        }
    };
    let (one, again, two) = (attach("1").await.unwrap(), attach("1").await.unwrap(), attach("2").await.unwrap());
    assert_eq!(one, again);
    let found = it.registry.referrers(&name(), image).await.unwrap();
    assert_eq!(found.iter().map(|one| one.digest).collect::<BTreeSet<_>>(), BTreeSet::from([one, two]));
    assert!(found.iter().all(|one| one.artifact_type.as_deref() == Some("application/vnd.in-toto+json") && one.annotations.len() == 1));
    assert_eq!(it.registry.images(&name()), BTreeSet::from([image]));
    let it = it.reopened();
    assert_eq!(it.registry.referrers(&name(), image).await.unwrap().len(), 2);
    it.registry.remove(&name(), image).await.unwrap();
    it.registry.remove(&name(), image).await.unwrap();
    assert!(it.registry.referrers(&name(), image).await.unwrap().is_empty());
    assert!(it.registry.tags(&name()).await.unwrap().is_empty());
    assert!(it.registry.attach(&name(), image, "a", "b", Bytes::new(), BTreeMap::new()).await.is_err());
}

/// Everything stays that has a name of its own.
fn nothing_needed() -> Keep {
    Keep { since: Timestamp(i64::MAX), ..Keep::default() }
}

#[tokio::test]
async fn what_is_reachable_is_what_repositories_hold_and_loose_blobs_are_forgotten_after_a_day() {
    let it = fixture();
    let image = built(&it, "layer", &["main"]).await.unwrap();
    let attached = it.registry.attach(&name(), image, "a", "b", Bytes::from_static(b"note"), BTreeMap::new()).await.unwrap();
    let loose = it.blob("oran/app", "under way").await;
    let foreign = it.blobs.put_bytes(Bytes::from_static(b"a log")).await.unwrap();
    let kept: BTreeSet<Digest> = [image, attached].into_iter().chain(["{}", "layer", "note"].map(Digest::of)).collect();
    let all = it.registry.reachable().await.unwrap();
    assert_eq!(all, &kept | &BTreeSet::from([loose]));
    assert!(!all.contains(&foreign));
    assert_eq!(it.registry.sift(&nothing_needed(), false).await.unwrap().reachable, all);
    it.clock.advance(Duration::from_secs(25 * 60 * 60));
    let left = it.registry.sift(&nothing_needed(), true).await.unwrap();
    assert_eq!((left.gone, left.reachable), (Vec::new(), kept.clone()));
    assert_eq!(it.registry.reachable().await.unwrap(), all, "a dry run forgets nothing");
    it.registry.sift(&nothing_needed(), false).await.unwrap();
    assert_eq!(it.registry.reachable().await.unwrap(), kept);
    it.registry.remove(&name(), image).await.unwrap();
    it.clock.advance(Duration::from_secs(25 * 60 * 60));
    it.registry.sift(&nothing_needed(), false).await.unwrap();
    assert!(it.registry.reachable().await.unwrap().is_empty());
    assert!(it.registry.repositories().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_blob_whose_upload_a_client_leaves_out_stays_for_its_manifest() {
    let it = fixture();
    let layer = it.blob("oran/app", "layer").await;
    it.clock.advance(Duration::from_secs(25 * 60 * 60));
    // the client asks, hears that it is there, and goes on to the manifest
    assert_eq!(it.ask("HEAD", &format!("/v2/oran/app/blobs/{layer}"), &[], axum::body::Body::empty()).await.status, 200);
    it.registry.sift(&nothing_needed(), false).await.unwrap();
    it.blob("oran/app", "{}").await;
    assert_eq!(it.put("oran/app", "main", &manifest("layer", None, None)).await.status, 201);
}

#[tokio::test]
async fn an_image_that_nothing_keeps_goes_with_its_statements_and_the_layers_of_others_stay() {
    let it = fixture();
    let commits = ["a", "b"].map(|letter| letter.repeat(40));
    let old = built(&it, "old layer", &[&commits[0]]).await.unwrap();
    let statement = it.registry.attach(&name(), old, "a", "b", Bytes::from_static(b"note"), BTreeMap::new()).await.unwrap();
    let needed = built(&it, "needed layer", &[&commits[1]]).await.unwrap();
    it.clock.advance(Duration::from_secs(25 * 60 * 60));
    let young = built(&it, "young layer", &[]).await.unwrap();
    let keep = Keep {
        images: [ImageRef { name: name(), digest: needed }].into(),
        spent: [(name(), commits.clone().into())].into(),
        since: Timestamp(it.clock.now().0 - 1000),
    };
    let would = it.registry.sift(&keep, true).await.unwrap();
    assert_eq!(it.registry.tags(&name()).await.unwrap().len(), 2, "a dry run removes nothing");
    let sifted = it.registry.sift(&keep, false).await.unwrap();
    assert_eq!(would, sifted);
    let gone: BTreeSet<Digest> = sifted.gone.iter().map(|image| image.digest).collect();
    assert_eq!(gone, [old, statement].into());
    let stay: BTreeSet<Digest> = [needed, young].into_iter().chain(["{}", "needed layer", "young layer"].map(Digest::of)).collect();
    assert_eq!(sifted.reachable, stay);
    // what nothing reaches is removed from the store, as whoever collects does
    for digest in it.blobs.list().await.unwrap().into_iter().filter(|digest| !stay.contains(digest)) {
        it.blobs.delete(digest).await.unwrap();
    }
    let it = it.reopened();
    assert_eq!(it.registry.resolve(&name(), &commits[0]).await.unwrap(), None);
    assert_eq!(it.get(&format!("/v2/oran/app/manifests/{}", commits[0])).await.status, 404);
    assert_eq!(it.get(&format!("/v2/oran/app/manifests/{}", commits[1])).await.status, 200);
    for layer in ["needed layer", "young layer", "{}"] {
        assert_eq!(it.get(&format!("/v2/oran/app/blobs/{}", Digest::of(layer))).await.body, layer);
    }
    assert_eq!(built(&it, "old layer", &[&commits[0]]).await.unwrap(), old, "it can be built again");
}

#[tokio::test]
async fn while_the_registry_is_held_nobody_links_what_is_about_to_be_removed() {
    let it = fixture();
    it.blobs.put_bytes(Bytes::from_static(b"{}")).await.unwrap();
    let layer = it.blobs.put_bytes(Bytes::from_static(b"layer")).await.unwrap();
    let hold = it.registry.hold().await;
    let image = name();
    let mut linking = it.registry.put_image(&image, manifest("layer", None, None).into(), &[]);
    // as far as it comes: without the hold it would have seen the layer
    assert!(futures::poll!(&mut linking).is_pending());
    assert!(it.registry.reachable().await.unwrap().is_empty());
    it.blobs.delete(layer).await.unwrap();
    drop(hold);
    let refused = linking.await.unwrap_err();
    assert!(matches!(&refused, RegistryError::Manifest { why, .. } if why.contains(&layer.to_string())), "{refused}");
    assert!(it.registry.reachable().await.unwrap().is_empty(), "no manifest names what is gone");
}

#[tokio::test]
async fn many_tags_at_once_are_all_kept() {
    let it = fixture();
    let image = built(&it, "layer", &[]).await.unwrap();
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let registry = it.registry.clone();
            tokio::spawn(async move { registry.tag(&name(), &format!("t{n}"), image).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(it.reopened().registry.tags(&name()).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_damaged_file_is_named_at_the_start() {
    let it = fixture();
    built(&it, "layer", &["main"]).await.unwrap();
    let path = it.dir.path().join("repositories/oran+app.json");
    std::fs::write(&path, "{").unwrap();
    let refused =
        penstock_registry::Registry::open(it.dir.path(), it.blobs.clone(), it.clock.clone(), penstock_registry::Limits::default())
            .err()
            .unwrap();
    assert!(refused.to_string().contains("oran+app.json") && refused.to_string().contains("restore it"), "{refused}");
}
