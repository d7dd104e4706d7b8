//! The config repository of the example, as it lies in the tree.

use std::collections::BTreeMap;
use std::path::Path;

use penstock_gitops::{compare_environments, images_of, parse_application, parse_manifests, plan, revision, set_images};
use penstock_model::Digest;

/// Test code may read files; the room may not.
#[allow(clippy::disallowed_methods, reason = "the example's files are the test's input")]
fn read(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/oran-config");
    let entries = std::fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (format!("{folder}/{}", entry.file_name().to_string_lossy()), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

#[test]
fn both_environments_are_read_planned_and_get_their_images() {
    for environment in ["staging", "production"] {
        let applications = read("applications");
        let file = format!("applications/{environment}.yaml");
        let application = parse_application(&file, &applications[&file]).unwrap();
        let files = read(environment);
        assert!(files.keys().all(|file| application.has(file)));
        let manifests = parse_manifests(&files, &application.namespace).unwrap();
        assert!(plan(&application, &manifests, revision(&manifests), &[]).unwrap().steps().count() >= 8);
        let images: BTreeMap<_, _> =
            images_of(&manifests).iter().map(|image| (image.name().parse().unwrap(), Digest::of(image.name()))).collect();
        assert_eq!(images.len(), 4);
        let edited = parse_manifests(&set_images(files.clone(), &images).unwrap(), &application.namespace).unwrap();
        assert!(images_of(&edited).iter().all(|image| image.image == format!("{}@{}", image.name(), Digest::of(image.name()))));
        assert_ne!(revision(&edited), revision(&manifests));
        let lines = |files: &BTreeMap<String, String>| files.values().map(|text| text.lines().count()).sum::<usize>();
        assert_eq!(lines(&files), lines(&set_images(files.clone(), &images).unwrap()));
    }
}

#[test]
fn the_page_can_say_how_they_differ() {
    let of = |environment: &str, namespace: &str| parse_manifests(&read(environment), namespace).unwrap();
    let found = compare_environments(&of("staging", "sdr-staging"), &of("production", "sdr-production"));
    let has = |object: &str, path: &str| found.iter().any(|difference| difference.object.starts_with(object) && difference.path == path);
    assert!(has("api-gateway (Deployment, Rollout)", "spec.replicas"), "{found:#?}");
    assert!(has("api-gateway (Deployment, Rollout)", "spec.strategy"));
    assert!(has("requests (AnalysisTemplate)", ""));
    assert!(found.iter().all(|difference| !difference.path.contains("image")), "the images are alike");
}
