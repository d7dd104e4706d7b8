//! The cluster trait on a real cluster. One test, since there is one such cluster on a machine: its stories go on at the same
//! time, each in a namespace of its own, and each is told by its name.

mod objects;
mod release;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use penstock_model::cluster::{Cluster as _, ObjectName};
use penstock_target::kubernetes::KubernetesCluster;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cluster::RealCluster;

/// What a story has at hand.
pub(crate) struct Stage {
    pub(crate) cluster: KubernetesCluster,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) namespace: String,
}

impl Stage {
    /// A manifest in this namespace.
    pub(crate) fn object(&self, api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
        let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}});
        for (key, value) in rest.as_object().unwrap() {
            object[key] = value.clone();
        }
        object
    }

    pub(crate) async fn live(&self, object: &Value) -> Value {
        let name = ObjectName::of(object).unwrap();
        self.cluster.get(&name).await.unwrap().unwrap_or_else(|| panic!("there is no {name}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_cluster_does_what_is_asked_of_it() {
    let began = Instant::now();
    let real = Arc::new(RealCluster::start());
    println!("the cluster is up after {:?}", began.elapsed());
    let mut stories = JoinSet::new();
    macro_rules! tell {
        ($($story:path),* $(,)?) => {$({
            let real = Arc::clone(&real);
            stories.spawn(async move {
                let name = stringify!($story);
                let began = Instant::now();
                let namespace = name.rsplit("::").next().unwrap().trim().replace('_', "-");
                let cluster = real.open().await;
                cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await.unwrap();
                let stage = Stage { cluster, kubeconfig: real.kubeconfig().to_owned(), namespace };
                let told = tokio::spawn(async move { $story(&stage).await }).await;
                println!("{name}: {} after {:?}", if told.is_ok() { "ok" } else { "FAILED" }, began.elapsed());
                told.is_ok().then_some(()).ok_or(name)
            });
        })*};
    }
    tell!(
        objects::what_is_served_is_what_helm_sees,
        objects::objects_come_go_and_change,
        objects::refusals_tell_code_and_reason,
        objects::lists_are_whole_however_many_pages_they_take,
        objects::applied_fields_have_owners,
        objects::a_kind_may_come_later,
        release::ours_and_helms_upgrades_end_alike,
        release::ours_then_helm_then_ours,
        release::what_is_not_ours_is_refused_in_helms_words,
        release::an_update_tells_what_it_did_where_it_fails,
        waiting::a_deployment_is_waited_for,
        waiting::a_wait_tells_what_is_lacking,
        waiting::jobs_end_well_or_not,
        waiting::what_is_deleted_is_waited_out,
    );
    let mut failed = Vec::new();
    while let Some(told) = stories.join_next().await {
        failed.extend(told.unwrap().err());
    }
    assert_eq!(failed, Vec::<&str>::new());
}
