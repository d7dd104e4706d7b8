//! Whoever carries out an operation dies after any of its changes: what is stored says so, and one can go on from there.

use penstock_chart::release::Status;
use penstock_helm::HelmError;
use serde_json::json;

use crate::{Stage, config_map, hook, install, rendering, rollback, uninstall, upgrade};

fn render(text: &str) -> penstock_helm::RenderRequest {
    let templates =
        [("a.yaml", config_map("a", text)), ("b.yaml", config_map("b", text)), ("h.yaml", hook("job", "pre-install,pre-upgrade", ""))];
    rendering(&templates.each_ref().map(|(name, text)| (*name, text.as_str())), json!({}))
}

#[tokio::test]
async fn an_installation_that_died_anywhere_is_removed_and_installed_again() {
    let mut died = 0;
    for changes in 0.. {
        let stage = Stage::new();
        stage.cluster.die_after(changes);
        let done = stage.with(async |releases| releases.install(&install(render("one"))).await).await;
        stage.cluster.revive();
        let last = stage.with(async |releases| releases.revision("web", None).await).await;
        if done.is_ok() && last.as_ref().is_ok_and(|record| record.info.status == Status::Deployed) {
            break;
        }
        died += 1;
        match last {
            Err(HelmError::NotFound) => {}
            Err(error) => panic!("after {changes} changes: {error}"),
            Ok(_) => {
                let removed = stage.with(async |releases| releases.uninstall(&uninstall()).await).await;
                removed.unwrap_or_else(|error| panic!("after {changes} changes: {error}"));
            }
        }
        let again = stage.with(async |releases| releases.install(&install(render("one"))).await).await;
        assert_eq!(again.unwrap_or_else(|error| panic!("after {changes} changes: {error}")).info.status, Status::Deployed);
        assert_eq!(stage.cluster.names(), ["ConfigMap shop/a", "ConfigMap shop/b", "Job shop/job"]);
    }
    assert!(died >= 5, "it died {died} times");
}

#[tokio::test]
async fn an_upgrade_that_died_anywhere_is_taken_back() {
    let mut died = 0;
    for changes in 0.. {
        let stage = Stage::new();
        stage.with(async |releases| releases.install(&install(render("one"))).await.unwrap()).await;
        stage.cluster.die_after(changes);
        let done = stage.with(async |releases| releases.upgrade(&upgrade(render("two"))).await).await;
        stage.cluster.revive();
        if done.is_ok() {
            break;
        }
        died += 1;
        let taken = stage.with(async |releases| releases.rollback(&rollback(Some(1))).await).await;
        assert_eq!(taken.unwrap_or_else(|error| panic!("after {changes} changes: {error}")).0.info.status, Status::Deployed);
        let history = stage.with(async |releases| releases.history("web").await.unwrap()).await;
        let deployed = history.iter().filter(|record| record.info.status == Status::Deployed).count();
        assert_eq!(deployed, 1, "after {changes} changes");
        let next = stage.with(async |releases| releases.upgrade(&upgrade(render("three"))).await).await;
        next.unwrap_or_else(|error| panic!("after {changes} changes, and taken back: {error}"));
    }
    assert!(died >= 5, "it died {died} times");
}
