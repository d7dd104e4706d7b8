//! A cluster in memory: objects as they were asked for, and nothing that makes them so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use penstock_model::cluster::{
    ApiResource, ApplyAs, Change, Cluster, ClusterError, ObjectName, Outcome, Patch, Propagation, Query, Refusal, ServerInfo, Told, Until,
    Waiting, ownership,
};
use serde_json::{Value, json};

use crate::held;

/// Kinds that live in no namespace, as far as tests use them.
const CLUSTER_WIDE: &[&str] = &["Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "PersistentVolume"];

#[derive(Default)]
struct Inner {
    objects: BTreeMap<ObjectName, Value>,
    did: Vec<String>,
    refused: BTreeMap<String, String>,
    never: BTreeSet<String>,
    hanging: BTreeSet<String>,
    calls_left: Option<usize>,
    is_slow: bool,
    /// The kinds of what is being created or deleted just now.
    under_way: Vec<String>,
    crowd: (usize, usize),
}

/// A cluster in memory. What was done to it is told in order, as `create ConfigMap default/web`.
#[derive(Default)]
pub struct FakeCluster {
    inner: Mutex<Inner>,
}

impl FakeCluster {
    /// What was done, in order; reading is not told.
    pub fn did(&self) -> Vec<String> {
        held(&self.inner).did.clone()
    }

    /// Refuses whatever would be told by this line, in these words.
    pub fn refuse(&self, line: &str, why: &str) {
        held(&self.inner).refused.insert(line.to_owned(), why.to_owned());
    }

    /// Lets this object (`Job default/migrate`) never become what is waited for.
    pub fn never_ready(&self, object: &str) {
        held(&self.inner).never.insert(object.to_owned());
    }

    /// Lets a wait for this object never end.
    pub fn hang(&self, object: &str) {
        held(&self.inner).hanging.insert(object.to_owned());
    }

    /// Dies after so many more changes: what comes then is unreachable, until it is [`FakeCluster::revive`]d.
    pub fn die_after(&self, changes: usize) {
        held(&self.inner).calls_left = Some(changes);
    }

    /// Lives again.
    pub fn revive(&self) {
        held(&self.inner).calls_left = None;
    }

    /// Takes a while for what it creates or deletes, so that others come meanwhile.
    pub fn slow_down(&self) {
        held(&self.inner).is_slow = true;
    }

    /// How many objects, and of how many kinds, were being created or deleted at the same time at most.
    pub fn crowd(&self) -> (usize, usize) {
        held(&self.inner).crowd
    }

    /// Takes a while, if it is to.
    async fn pass_time(&self, name: &ObjectName) {
        {
            let mut inner = held(&self.inner);
            if !inner.is_slow {
                return;
            }
            inner.under_way.push(name.kind.clone());
            let kinds: BTreeSet<&String> = inner.under_way.iter().collect();
            inner.crowd = (inner.crowd.0.max(inner.under_way.len()), inner.crowd.1.max(kinds.len()));
        }
        tokio::task::yield_now().await;
        let mut inner = held(&self.inner);
        if let Some(place) = inner.under_way.iter().position(|kind| *kind == name.kind) {
            inner.under_way.remove(place);
        }
    }

    /// Puts an object there, as somebody else would.
    pub fn put(&self, object: Value) {
        if let Some(name) = ObjectName::of(&object) {
            held(&self.inner).objects.insert(name, object);
        }
    }

    /// The names of all objects in order, those of kind Secret apart.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            held(&self.inner).objects.keys().filter(|name| name.kind != "Secret").map(ToString::to_string).collect();
        names.sort();
        names
    }

    /// Notes a change; refuses it if it is to be refused.
    fn change(inner: &mut Inner, verb: &str, name: &ObjectName) -> Result<(), ClusterError> {
        if let Some(left) = inner.calls_left {
            let Some(fewer) = left.checked_sub(1) else { return Err(ClusterError::Unreachable("it died".into())) };
            inner.calls_left = Some(fewer);
        }
        let line = format!("{verb} {name}");
        if let Some(why) = inner.refused.get(&line) {
            return Err(refusal(403, "Forbidden", why.clone()));
        }
        inner.did.push(line);
        Ok(())
    }
}

fn refusal(code: u16, reason: &str, message: String) -> ClusterError {
    ClusterError::Refused(Refusal { code, reason: reason.to_owned(), message, causes: Vec::new() })
}

fn named(object: &Value) -> Result<ObjectName, ClusterError> {
    ObjectName::of(object).ok_or(ClusterError::Unnamed("name"))
}

/// Objects by their names.
fn table(objects: &[Value]) -> Value {
    let rows: Vec<Value> = objects.iter().map(|object| json!({"cells": [object["metadata"]["name"]]})).collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": [{"name": "Name", "priority": 0}], "rows": rows})
}

#[async_trait]
impl Cluster for FakeCluster {
    async fn server(&self) -> Result<ServerInfo, ClusterError> {
        let api_versions = ["v1", "apps/v1", "batch/v1"].map(str::to_owned).into();
        Ok(ServerInfo { version: "v1.32.9".into(), major: "1".into(), minor: "32".into(), api_versions })
    }

    async fn resource(&self, api_version: &str, kind: &str) -> Result<ApiResource, ClusterError> {
        Ok(ApiResource {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
            namespaced: !CLUSTER_WIDE.contains(&kind),
        })
    }

    async fn place(&self, mut manifest: Value, namespace: &str) -> Result<Value, ClusterError> {
        let name = named(&manifest)?;
        let wide = CLUSTER_WIDE.contains(&name.kind.as_str());
        if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
            if wide {
                metadata.remove("namespace");
            } else if name.namespace.is_empty() {
                metadata.insert("namespace".into(), Value::from(namespace));
            }
        }
        Ok(manifest)
    }

    async fn get(&self, object: &ObjectName) -> Result<Option<Value>, ClusterError> {
        Ok(held(&self.inner).objects.get(object).cloned())
    }

    async fn list(&self, query: &Query) -> Result<Vec<Value>, ClusterError> {
        let wanted: Vec<(&str, &str)> = query.labels.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let fits = |object: &Value| {
            wanted.iter().all(|(key, value)| {
                let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
                labels.and_then(|labels| labels.get(key)).and_then(Value::as_str) == Some(value)
            })
        };
        let inner = held(&self.inner);
        let of_kind = inner.objects.iter().filter(|(name, _)| {
            name.kind == query.kind
                && name.api_version == query.api_version
                && (query.namespace.is_empty() || name.namespace == query.namespace)
        });
        Ok(of_kind.filter(|(_, object)| fits(object)).map(|(_, object)| object.clone()).collect())
    }

    async fn table(&self, object: &ObjectName) -> Result<Option<Value>, ClusterError> {
        Ok(self.get(object).await?.map(|object| table(&[object])))
    }

    async fn table_of(&self, query: &Query) -> Result<Value, ClusterError> {
        Ok(table(&self.list(query).await?))
    }

    async fn create(&self, object: &Value) -> Result<Value, ClusterError> {
        let name = named(object)?;
        self.pass_time(&name).await;
        let mut inner = held(&self.inner);
        if inner.objects.contains_key(&name) {
            return Err(refusal(409, "AlreadyExists", format!("{name} already exists")));
        }
        Self::change(&mut inner, "create", &name)?;
        inner.objects.insert(name, object.clone());
        Ok(object.clone())
    }

    async fn replace(&self, object: &Value) -> Result<Value, ClusterError> {
        let name = named(object)?;
        let mut inner = held(&self.inner);
        if !inner.objects.contains_key(&name) {
            return Err(refusal(404, "NotFound", format!("{name} not found")));
        }
        Self::change(&mut inner, "replace", &name)?;
        inner.objects.insert(name, object.clone());
        Ok(object.clone())
    }

    async fn patch(&self, object: &ObjectName, _: &Patch) -> Result<Value, ClusterError> {
        Err(refusal(501, "NotImplemented", format!("the fake patches nothing: {object}")))
    }

    async fn apply(&self, object: &Value, _: &ApplyAs) -> Result<Value, ClusterError> {
        let name = named(object)?;
        let mut inner = held(&self.inner);
        Self::change(&mut inner, "apply", &name)?;
        inner.objects.insert(name, object.clone());
        Ok(object.clone())
    }

    async fn update(&self, change: &Change) -> Outcome {
        let mut outcome = Outcome::default();
        let mut inner = held(&self.inner);
        let mut step = || -> Result<(), ClusterError> {
            for object in &change.target {
                let name = named(object)?;
                let there = inner.objects.contains_key(&name);
                if inner.objects.get(&name) != Some(object) {
                    Self::change(&mut inner, if there { "patch" } else { "create" }, &name)?;
                }
                inner.objects.insert(name, object.clone());
                if there { outcome.updated.updated.push(object.clone()) } else { outcome.updated.created.push(object.clone()) }
            }
            let wanted: Vec<ObjectName> = change.target.iter().filter_map(ObjectName::of).collect();
            for object in &change.original {
                let name = named(object)?;
                if wanted.iter().any(|other| other.is_same_object(&name)) || !inner.objects.contains_key(&name) {
                    continue;
                }
                if inner.objects.get(&name).is_some_and(ownership::is_kept) {
                    outcome.updated.left.push((name, "its policy keeps it".into()));
                    continue;
                }
                Self::change(&mut inner, "delete", &name)?;
                inner.objects.remove(&name);
                outcome.updated.deleted.push(name);
            }
            Ok(())
        };
        outcome.failure = step().err();
        outcome
    }

    async fn delete(&self, object: &ObjectName, _: Propagation) -> Result<bool, ClusterError> {
        self.pass_time(object).await;
        let mut inner = held(&self.inner);
        if !inner.objects.contains_key(object) {
            return Ok(false);
        }
        Self::change(&mut inner, "delete", object)?;
        Ok(inner.objects.remove(object).is_some())
    }

    async fn wait_telling(&self, objects: &[ObjectName], until: Until, _: Duration, told: Told<'_>) -> Result<(), ClusterError> {
        let mut hanging =
            objects.iter().filter(|object| until != Until::Deleted && held(&self.inner).hanging.contains(&object.to_string()));
        if let Some(object) = hanging.next() {
            told(&Waiting { object: object.clone(), why: "it hangs".to_owned() });
            return std::future::pending().await;
        }
        let inner = held(&self.inner);
        if inner.calls_left == Some(0) {
            return Err(ClusterError::Unreachable("it died".into()));
        }
        let never = objects.iter().find(|object| until != Until::Deleted && inner.never.contains(&object.to_string()));
        match never {
            Some(object) => Err(ClusterError::Failed { object: object.clone(), why: format!("{object} failed") }),
            None => Ok(()),
        }
    }

    async fn logs(&self, _: &str, pod: &str, container: &str, _: u64) -> Result<Bytes, ClusterError> {
        Ok(format!("{pod} {container}\n").into())
    }
}
