//! The config repository of the sample product, as it lies in the tree.

use std::collections::BTreeMap;
use std::path::Path;

use penstock_delivery::config_repository::{self, environment_files};
use penstock_gitops::{Application, Manifest, compare_environments, images_of, plan, revision};

use crate::house::{House, oran};

fn collect(folder: &Path, below: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            found.insert(path, text);
        }
    }
}

/// What both environments come to.
async fn environments() -> [(Application, Vec<Manifest>); 2] {
    let house = House::new().await;
    let mut files = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/oran-config"), "", &mut files);
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    let repository = "oran-config".parse().unwrap();
    let commit = house.git.push(&repository, "main", &files, "grace", "Describe the environments");
    config_repository::read(&house.parts, &oran()).await.unwrap();
    let read = async |name: &str| {
        let environment = house.world().environment(&oran(), &name.parse().unwrap()).unwrap();
        environment_files(&house.parts, &repository, &commit, &environment).await.unwrap().manifests().await.unwrap()
    };
    [read("staging").await, read("production").await]
}

#[tokio::test]
async fn both_environments_are_rendered_and_planned() {
    for (application, manifests) in environments().await {
        assert!(plan(&application, &manifests, revision(&manifests), &[]).unwrap().steps().count() >= 8);
        assert_eq!(images_of(&manifests).iter().map(penstock_gitops::ImageUse::name).collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}

#[tokio::test]
async fn the_page_can_say_how_they_differ() {
    let [(_, staging), (_, production)] = environments().await;
    let found = compare_environments(&staging, &production);
    let has = |object: &str, path: &str| found.iter().any(|difference| difference.object.starts_with(object) && difference.path == path);
    assert!(has("api-gateway (Deployment, Rollout)", "spec.replicas"), "{found:#?}");
    assert!(has("api-gateway (Deployment, Rollout)", "spec.strategy"));
    assert!(has("requests (AnalysisTemplate)", ""));
    assert!(found.iter().all(|difference| !difference.path.contains("image")), "the images are alike");
}
