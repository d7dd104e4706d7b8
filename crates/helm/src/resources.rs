//! What a release has on the cluster, and the pods that belong to it.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _};
use penstock_chart::release::Record;
use penstock_model::cluster::{ClusterError, ObjectName, Query};
use serde_json::{Value, json};

use crate::{
    HelmError, Releases,
    install::BUILDING,
    objects::{AT_ONCE, is_gone},
};

/// Where Helm puts the pods that a release's objects select.
const PODS: &str = "v1/Pod(related)";

/// As what the objects of a release are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceForm {
    /// As they are.
    Objects,
    /// As the server shows them to people: [`table`](penstock_model::cluster::Cluster::table).
    Tables,
}

/// Objects under `VERSION/KIND`, the kinds in the order of the release's documents. A list, or a table, may stand for many.
pub type ByKind = Vec<(String, Vec<Value>)>;

impl Releases<'_> {
    /// What the cluster has of a release now, and the pods that its objects select, as Helm gives them. What is not there, or not
    /// shown to whoever asks, is told and left out.
    pub async fn resources(&self, record: &Record, form: ResourceForm) -> Result<ByKind, HelmError> {
        let objects = self.objects(&record.manifest, BUILDING).await?;
        let mut found = ByKind::new();
        let mut selectors: Vec<Query> = Vec::new();
        let mut looks = stream::iter(objects.iter().map(async |object| (object, self.shown(object, form).await))).buffered(AT_ONCE);
        while let Some((object, shown)) = looks.next().await {
            let Some(shown) = shown? else { continue };
            put(&mut found, &key(object), shown);
            if let Some(query) = pods_of(object).filter(|query| !selectors.contains(query)) {
                match self.pods(&query, form).await {
                    Ok(pods) => put(&mut found, PODS, pods),
                    Err(error) if is_gone(&error) => return Err(error.into()),
                    Err(error) => self.warn(format!("the pods {} cannot be shown: {error}", query.labels)),
                }
                selectors.push(query);
            }
        }
        Ok(found)
    }

    async fn shown(&self, object: &Value, form: ResourceForm) -> Result<Option<Value>, HelmError> {
        let Some(name) = ObjectName::of(object) else { return Ok(None) };
        let shown = match form {
            ResourceForm::Objects => self.cluster.get(&name).await,
            ResourceForm::Tables => self.cluster.table(&name).await,
        };
        match shown {
            Ok(Some(shown)) => return Ok(Some(shown)),
            Ok(None) => self.warn(format!("{name} is not there")),
            Err(error) if is_gone(&error) => return Err(error.into()),
            Err(error) => self.warn(format!("{name} cannot be shown: {error}")),
        }
        Ok(None)
    }

    async fn pods(&self, query: &Query, form: ResourceForm) -> Result<Value, ClusterError> {
        match form {
            ResourceForm::Tables => self.cluster.table_of(query).await,
            ResourceForm::Objects => {
                let items = self.cluster.list(query).await?;
                Ok(json!({ "apiVersion": "v1", "items": items, "kind": "PodList", "metadata": { "resourceVersion": "" } }))
            }
        }
    }
}

fn put(found: &mut ByKind, key: &str, shown: Value) {
    match found.iter_mut().find(|(known, _)| known == key) {
        Some((_, all)) => all.push(shown),
        None => found.push((key.to_owned(), vec![shown])),
    }
}

/// What Helm calls a kind: its version without its group.
fn key(object: &Value) -> String {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let version = text("apiVersion");
    format!("{}/{}", version.rsplit_once('/').map_or(version, |(_, version)| version), text("kind"))
}

/// Which pods an object's document selects, if it is of a kind whose pods Helm looks for.
fn pods_of(object: &Value) -> Option<Query> {
    let selector = match object.get("kind")?.as_str()? {
        "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => object.pointer("/spec/selector/matchLabels"),
        "ReplicationController" => object.pointer("/spec/selector"),
        _ => None,
    };
    let labels: Option<BTreeMap<&String, &str>> = selector?.as_object()?.iter().map(|(key, value)| Some((key, value.as_str()?))).collect();
    let labels: Vec<String> = labels?.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
    let query = Query { api_version: "v1".into(), kind: "Pod".into(), namespace, labels: labels.join(","), fields: String::new() };
    // without labels all pods would be meant
    (!labels.is_empty()).then_some(query)
}
