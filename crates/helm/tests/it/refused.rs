//! What a cluster refuses, and what is left of it.

use std::time::Duration;

use penstock_chart::release::Status;
use penstock_helm::{HelmError, Listing, Test, TestFilter, Waiting};
use penstock_model::cluster::{Cluster as _, ObjectName};
use serde_json::json;

use crate::{Stage, config_map, hook, install, rendering, uninstall, upgrade};

#[tokio::test]
async fn an_object_that_is_refused_keeps_none_of_the_others_from_being_installed() {
    let stage = Stage::new();
    let render = || {
        let templates = ["a", "b", "c"].map(|name| (format!("{name}.yaml"), config_map(name, "x")));
        rendering(&templates.each_ref().map(|(file, text)| (file.as_str(), text.as_str())), json!({}))
    };
    stage.cluster.refuse("create ConfigMap shop/a", "no room");
    let failed = stage.with(async |releases| releases.install(&install(render())).await).await;
    assert_eq!(failed.unwrap_err().to_string(), "ConfigMap shop/a: no room");
    assert_eq!(stage.cluster.names(), ["ConfigMap shop/b", "ConfigMap shop/c"]);
    let record = stage.with(async |releases| releases.revision("web", None).await.unwrap()).await;
    assert_eq!(record.info.status, Status::Failed);

    let stage = Stage::new();
    stage.cluster.refuse("create ConfigMap shop/a", "no room");
    stage.cluster.refuse("create ConfigMap shop/c", "ConfigMap c is too large");
    let failed = stage.with(async |releases| releases.install(&install(render())).await).await;
    assert_eq!(failed.unwrap_err().to_string(), "2 errors occurred:\n\t* ConfigMap shop/a: no room\n\t* ConfigMap c is too large");
}

#[tokio::test]
async fn an_object_that_cannot_be_removed_keeps_none_of_the_others_from_going() {
    let stage = Stage::new();
    let render = rendering(&[("a.yaml", &config_map("a", "x")), ("b.yaml", &config_map("b", "x"))], json!({}));
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    stage.cluster.refuse("delete ConfigMap shop/a", "it is needed");
    let failed = stage.with(async |releases| releases.uninstall(&uninstall()).await).await;
    assert_eq!(failed.unwrap_err().to_string(), "failed to delete release: web: ConfigMap shop/a: it is needed");
    assert_eq!(stage.cluster.names(), ["ConfigMap shop/a"]);
    let record = stage.with(async |releases| releases.revision("web", None).await.unwrap()).await;
    assert_eq!(record.info.status, Status::Uninstalling, "so that one may try again");
}

#[tokio::test]
async fn what_stands_in_a_hooks_place_is_not_removed_as_if_it_were_the_hook() {
    let stage = Stage::new();
    stage.cluster.put(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "shop"}}));
    let render = rendering(&[("h.yaml", &hook("job", "pre-install", "    helm.sh/hook-delete-policy: hook-failed\n"))], json!({}));
    let failed = stage.with(async |releases| releases.install(&install(render)).await).await;
    let told = failed.unwrap_err().to_string();
    assert_eq!(told, "failed pre-install: warning: Hook pre-install web/templates/h.yaml failed: Job shop/job already exists");
    assert_eq!(stage.cluster.names(), ["Job shop/job"]);
}

fn secret(name: &str, labels: serde_json::Value) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "data": {"release": "aGVsbG8="},
    })
}

#[tokio::test]
async fn a_record_that_cannot_be_read_hides_none_of_the_others() {
    let stage = Stage::new();
    let render = rendering(&[("a.yaml", &config_map("a", "x"))], json!({}));
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    stage.cluster.put(secret("sh.helm.release.v1.old.v1", json!({"owner": "helm", "name": "old"})));
    let listed = stage
        .with(async |releases| {
            releases.list(&Listing { statuses: vec![Status::Deployed, Status::Failed], ..Listing::default() }).await.unwrap()
        })
        .await;
    assert_eq!(listed.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["web"]);
    let told = stage.told();
    assert!(told.iter().any(|line| line.contains("a record is left out that cannot be read: sh.helm.release.v1.old.v1")), "{told:?}");
}

#[tokio::test]
async fn who_comes_second_with_a_revision_is_told_so() {
    let stage = Stage::new();
    // another's record, which came after one looked
    stage.cluster.put(secret("sh.helm.release.v1.web.v1", json!({})));
    let render = rendering(&[("a.yaml", &config_map("a", "x"))], json!({}));
    let failed = stage.with(async |releases| releases.install(&install(render)).await).await;
    assert!(matches!(failed, Err(HelmError::RevisionExists)), "{failed:?}");
    assert!(stage.cluster.names().is_empty());
}

#[tokio::test]
async fn a_rollback_that_atomic_makes_forgets_no_revision() {
    let stage = Stage::new();
    let render = |text: &str| rendering(&[("a.yaml", &config_map("a", text))], json!({}));
    stage.with(async |releases| releases.install(&install(render("zero"))).await.unwrap()).await;
    stage.with(async |releases| releases.upgrade(&upgrade(render("one"))).await.unwrap()).await;
    stage.cluster.refuse("patch ConfigMap shop/a", "not today");
    let atomic = penstock_helm::Upgrade { atomic: true, history_max: 3, ..upgrade(render("two")) };
    stage.with(async |releases| releases.upgrade(&atomic).await.unwrap_err()).await;
    let history = stage.with(async |releases| releases.history("web").await.unwrap()).await;
    assert_eq!(history.iter().map(|record| record.revision).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let there = ObjectName { api_version: "v1".into(), kind: "ConfigMap".into(), namespace: "shop".into(), name: "a".into() };
    assert_eq!(stage.cluster.get(&there).await.unwrap().unwrap()["data"]["text"], "one");
}

#[tokio::test]
async fn an_object_without_a_name_is_refused_before_anything_changes() {
    let stage = Stage::new();
    let render = rendering(&[("a.yaml", &config_map("a", "x")), ("b.yaml", &config_map("\"\"", "x"))], json!({}));
    let failed = stage.with(async |releases| releases.install(&install(render)).await).await;
    let told = failed.unwrap_err().to_string();
    assert_eq!(
        told,
        "Unable to continue with install: could not get information about the resource ConfigMap \"\" in namespace \"shop\": resource name may not be empty"
    );
    assert_eq!(stage.cluster.did(), [""; 0]);
}

#[tokio::test]
async fn a_mistake_in_an_objects_head_is_told_before_a_release_is_recorded() {
    let stage = Stage::new();
    let labelled = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {version: 1.2}}\n";
    let kindless = "apiVersion: v1\nmetadata: {name: a}\n";
    let number = "unable to decode \"\": json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string";
    let kind = "error validating \"a\": error validating data: kind not set";
    for (object, why) in [(labelled, number), (kindless, kind)] {
        let render = rendering(&[("a.yaml", object)], json!({}));
        let failed = stage.with(async |releases| releases.install(&install(render)).await).await;
        assert_eq!(failed.unwrap_err().to_string(), format!("unable to build kubernetes objects from release manifest: {why}"));
        assert_eq!(stage.cluster.did(), [""; 0]);
    }
    let render = rendering(&[("a.yaml", &config_map("a", "x"))], json!({}));
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    let failed = stage.with(async |releases| releases.upgrade(&upgrade(rendering(&[("a.yaml", labelled)], json!({})))).await).await;
    assert_eq!(failed.unwrap_err().to_string(), number, "as Helm, which checks a new manifest before it says what it is for");
}

#[tokio::test]
async fn a_release_that_is_not_there_is_told_by_its_name_when_it_is_to_go() {
    let stage = Stage::new();
    let failed = stage.with(async |releases| releases.uninstall(&uninstall()).await).await.unwrap_err();
    assert_eq!(failed.to_string(), "uninstall: Release not loaded: web: release: not found");
    assert!(failed.is_not_found());
}

#[tokio::test]
async fn a_revision_that_is_not_there_is_told_from_a_release_that_is_not_there() {
    let stage = Stage::new();
    let render = rendering(&[("a.yaml", &config_map("a", "x"))], json!({}));
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    let look = async |name: &'static str, revision| stage.with(async |releases| releases.revision(name, Some(revision)).await).await;
    let absent = look("web", 9).await.unwrap_err();
    assert!(matches!(absent, HelmError::NoSuchRevision(9)), "{absent}");
    assert_eq!(absent.to_string(), "release has no 9 version");
    assert!(look("api", 9).await.unwrap_err().is_not_found());
    assert_eq!(look("web", 0).await.unwrap().revision, 1, "Helm takes 0 for the newest");
}

#[tokio::test]
async fn a_test_that_is_asked_for_and_is_not_there_is_told() {
    let stage = Stage::new();
    let render = rendering(&[("a.yaml", &config_map("a", "x"))], json!({}));
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    let filter = TestFilter { only: vec!["nope".into()], ..TestFilter::default() };
    let waiting = Waiting { ready: true, jobs: true, timeout: Duration::from_secs(1), hooks: true };
    let test = Test { name: "web".into(), filter, waiting, logs: false };
    stage.with(async |releases| releases.test(&test).await.unwrap()).await.1.unwrap();
    let told = stage.told();
    assert!(told.iter().any(|line| line.starts_with("Warning") && line.contains("release web has no test")), "{told:?}");
}
