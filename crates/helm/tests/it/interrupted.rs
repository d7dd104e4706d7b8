//! An operation is given up while it waits: what is stored says so, and nobody has to take it up.

use std::{
    future::{pending, ready},
    pin::pin,
    sync::Arc,
};

use penstock_chart::release::Status;
use penstock_helm::{HelmError, Progress};
use serde_json::json;

use crate::{Stage, config_map, hook, install, rendering, upgrade};

fn render(text: &str) -> penstock_helm::RenderRequest {
    let templates = [("a.yaml", config_map("a", text)), ("h.yaml", hook("job", "post-install,post-upgrade", ""))];
    rendering(&templates.each_ref().map(|(name, text)| (*name, text.as_str())), json!({}))
}

async fn stands(stage: &Stage) -> Vec<(Status, String)> {
    let history = stage.with(async |releases| releases.history("web").await.unwrap_or_default()).await;
    history.into_iter().map(|record| (record.info.status, record.info.description)).collect()
}

#[tokio::test]
async fn an_installation_that_is_interrupted_has_failed_and_with_atomic_is_gone() {
    let stage = Stage::new();
    stage.cluster.hang("Job shop/job");
    let failed = stage.with(async |releases| releases.install_unless(&install(render("one")), pin!(ready(()))).await).await;
    assert!(matches!(failed, Err(HelmError::Interrupted)), "{failed:?}");
    let waits = format!("{:?}", Progress::Doing("waiting for Job shop/job: it hangs".into()));
    assert!(stage.told().contains(&waits), "{:?}", stage.told());
    assert_eq!(stands(&stage).await, [(Status::Failed, "Release \"web\" failed: context canceled".to_owned())]);

    let stage = Stage::new();
    stage.cluster.hang("Job shop/job");
    let atomic = penstock_helm::Install { atomic: true, ..install(render("one")) };
    let failed = stage.with(async |releases| releases.install_unless(&atomic, pin!(ready(()))).await).await;
    let told = failed.unwrap_err().to_string();
    assert_eq!(told, "release web failed, and has been uninstalled due to atomic being set: context canceled");
    assert!(stands(&stage).await.is_empty());
    assert_eq!(stage.cluster.names(), ["Job shop/job"], "a hook stays, as with Helm");
}

#[tokio::test]
async fn an_upgrade_that_is_interrupted_has_failed_and_with_atomic_is_taken_back() {
    for atomic in [false, true] {
        let stage = Stage::new();
        stage.with(async |releases| releases.install(&install(render("one"))).await.unwrap()).await;
        stage.cluster.hang("Job shop/job");
        let next = penstock_helm::Upgrade { atomic, ..upgrade(render("two")) };
        stage.with(async |releases| releases.upgrade_unless(&next, pin!(ready(()))).await.unwrap_err()).await;
        let statuses: Vec<Status> = stands(&stage).await.into_iter().map(|(status, _)| status).collect();
        if atomic {
            assert_eq!(statuses, [Status::Superseded, Status::Failed, Status::Deployed]);
        } else {
            assert_eq!(statuses, [Status::Deployed, Status::Failed]);
        }
    }
}

#[tokio::test]
async fn what_is_done_before_anybody_interrupts_is_done() {
    let stage = Stage::new();
    let done = stage.with(async |releases| releases.install_unless(&install(render("one")), pin!(ready(()))).await).await;
    assert_eq!(done.unwrap().info.status, Status::Deployed);
}

#[tokio::test]
async fn a_render_that_is_given_up_ends_at_once_and_records_nothing() {
    let forever = "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}";
    let rendered = penstock_helm::RenderRequest { given_up: Some(Arc::new(|| true)), ..rendering(&[("a.yaml", forever)], json!({})) };
    let stage = Stage::new();
    let failed = stage.with(async |releases| releases.install_unless(&install(rendered.clone()), pin!(pending())).await).await;
    assert!(matches!(failed, Err(HelmError::RenderInterrupted)), "{failed:?}");
    assert!(stands(&stage).await.is_empty() && stage.cluster.did().is_empty());

    stage.with(async |releases| releases.install(&install(render("one"))).await.unwrap()).await;
    let failed = stage.with(async |releases| releases.upgrade_unless(&upgrade(rendered), pin!(pending())).await).await;
    assert!(matches!(failed, Err(HelmError::RenderInterrupted)), "{failed:?}");
    assert_eq!(stands(&stage).await, [(Status::Deployed, "Install complete".to_owned())]);
}
