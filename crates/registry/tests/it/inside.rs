use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::registry::{ImageRegistry, RegistryError};
use penstock_model::release::ImageName;

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
    it.registry.forget_loose().await.unwrap();
    assert!(it.registry.reachable().await.unwrap().contains(&loose));
    it.clock.advance(Duration::from_secs(25 * 60 * 60));
    it.registry.forget_loose().await.unwrap();
    assert_eq!(it.registry.reachable().await.unwrap(), kept);
    it.registry.remove(&name(), image).await.unwrap();
    it.clock.advance(Duration::from_secs(25 * 60 * 60));
    it.registry.forget_loose().await.unwrap();
    assert!(it.registry.reachable().await.unwrap().is_empty());
    assert!(it.registry.repositories().await.unwrap().is_empty());
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
