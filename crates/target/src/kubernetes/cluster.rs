//! The cluster behind the model's trait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use kube::Client;
use penstock_model::cluster::{
    ApiResource, ApplyAs, Change, Cluster, ClusterError, ObjectName, Outcome, Patch, Propagation, Query, Refusal, ServerInfo, Told,
    Unbuilt, Until,
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, RwLock, Semaphore};

use super::client::{self, Ask};
use super::credentials;
use super::discovery::Discovery;
use super::settings::ClusterSettings;
use super::{update, wait};

/// What a server is asked for that shows objects to people; one that knows no tables gives them as they are.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
/// How many objects a page of a list has.
const PAGE: &str = "500";
/// How many requests are under way at the same time: each has a connection of its own.
const AT_ONCE: usize = 16;
/// How often a write is tried that somebody else's kept from being made.
const CONFLICTS: u32 = 5;
/// How long to leave the other writer alone the first time.
const PAUSE: Duration = Duration::from_millis(10);

/// A cluster, reached by its API server.
#[derive(Clone)]
pub struct KubernetesCluster {
    pub(super) client: Client,
    /// Where its server is.
    address: Arc<str>,
    namespace: String,
    manager: Arc<str>,
    pub(super) deadline: Duration,
    discovered: Arc<RwLock<Option<Arc<Discovery>>>>,
    /// Held while asking what is served, so that many who miss the same kind ask once.
    asking: Arc<Mutex<()>>,
    turns: Arc<Semaphore>,
    warned: Option<fn(&str)>,
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl KubernetesCluster {
    /// Reads how to reach a cluster. Asks it nothing yet.
    pub async fn open(settings: &ClusterSettings) -> Result<Self, ClusterError> {
        let config = settings.config().await?;
        let namespace = config.default_namespace.clone();
        let address = config.cluster_url.to_string();
        let user = config.auth_info.clone();
        let client = Client::try_from(config).map_err(|error| credentials::refused(&error, &user))?;
        Ok(Self {
            client,
            address: address.trim_end_matches('/').into(),
            namespace,
            manager: settings.manager.as_str().into(),
            deadline: settings.deadline,
            discovered: Arc::default(),
            asking: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            warned: settings.warned,
            told: Arc::default(),
        })
    }

    /// The namespace of the kubeconfig's context, else `default`.
    pub fn default_namespace(&self) -> &str {
        &self.namespace
    }

    async fn discover(&self) -> Result<Arc<Discovery>, ClusterError> {
        let found = Arc::new(Discovery::ask(&self.client, self.deadline).await.map_err(|error| self.located(error))?);
        *self.discovered.write().await = Some(Arc::clone(&found));
        Ok(found)
    }

    async fn find(&self, api_version: &str, kind: &str) -> Result<Option<ApiResource>, ClusterError> {
        let known = self.discovered.read().await.clone();
        if let Some(resource) = known.as_ref().and_then(|known| known.find(api_version, kind)) {
            return Ok(Some(resource.clone()));
        }
        let _asking = self.asking.lock().await;
        let now = self.discovered.read().await.clone();
        // somebody else asked while this one waited its turn
        let asked = now.as_ref().is_some_and(|now| known.as_ref().is_none_or(|known| !Arc::ptr_eq(now, known)));
        let found = match now {
            Some(now) if asked => now,
            _ => self.discover().await?,
        };
        Ok(found.find(api_version, kind).cloned())
    }

    /// The path of a kind's objects, in a namespace if they live in one and one is given.
    pub(super) async fn path(&self, api_version: &str, kind: &str, namespace: &str) -> Result<String, ClusterError> {
        let resource = self.resource(api_version, kind).await?;
        let root = if api_version.contains('/') { "/apis" } else { "/api" };
        Ok(match namespace {
            namespace if resource.namespaced && !namespace.is_empty() => {
                format!("{root}/{api_version}/namespaces/{}/{}", segment(namespace)?, resource.plural)
            }
            _ => format!("{root}/{api_version}/{}", resource.plural),
        })
    }

    async fn object_path(&self, object: &ObjectName) -> Result<String, ClusterError> {
        let of = self.path(&object.api_version, &object.kind, &object.namespace).await?;
        Ok(format!("{of}/{}", segment(&object.name)?))
    }

    /// Asks when it is its turn. The time until then does not count against the deadline.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, ClusterError> {
        let _turn = self.turns.acquire().await;
        let (body, warnings) = client::answer(&self.client, ask, self.deadline).await;
        self.tell(warnings).await;
        let body = body.map_err(|error| self.located(error))?;
        serde_json::from_slice(&body).map_err(|error| ClusterError::Unreadable(error.to_string()))
    }

    /// What went wrong with the server itself, told with where it is; that it knows nobody of these credentials, in kubectl's words.
    fn located(&self, error: ClusterError) -> ClusterError {
        let at = |why: String| format!("{}: {why}", self.address);
        match error {
            ClusterError::Unreachable(why) => ClusterError::Unreachable(at(why)),
            ClusterError::TimedOut(what) => ClusterError::TimedOut(at(what)),
            ClusterError::Refused(refusal) if refusal.code == 401 => {
                let message = at("the server has asked for the client to provide credentials".into());
                ClusterError::Refused(Refusal { message, ..refusal })
            }
            error => error,
        }
    }

    /// Tells what the server warns of, each once: many objects of a chart earn the same warning.
    async fn tell(&self, warnings: Vec<String>) {
        let Some(tell) = self.warned else { return };
        for warning in warnings {
            let mut told = self.told.lock().await;
            if told.insert(warning.clone()) {
                tell(&warning);
            }
        }
    }
}

/// A name as a segment of a path.
fn segment(name: &str) -> Result<String, ClusterError> {
    if name.is_empty() || name == "." || name == ".." {
        return Err(ClusterError::Unnamed("name that can stand in a path"));
    }
    Ok(url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20"))
}

fn named(object: &Value) -> Result<ObjectName, ClusterError> {
    ObjectName::of(object).ok_or(ClusterError::Unnamed("apiVersion, kind or metadata.name"))
}

/// What was found, if anything was.
fn found(answer: Result<Value, ClusterError>) -> Result<Option<Value>, ClusterError> {
    match answer {
        Ok(live) => Ok(Some(live)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tries again where somebody else's write came between.
async fn despite_conflicts<T, F: Future<Output = Result<T, ClusterError>>>(attempt: impl Fn() -> F) -> Result<T, ClusterError> {
    let mut left = CONFLICTS;
    loop {
        left -= 1;
        match attempt().await {
            Err(error) if left > 0 && error.is_conflict() => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

#[async_trait]
impl Cluster for KubernetesCluster {
    async fn server(&self) -> Result<ServerInfo, ClusterError> {
        let version = self.ask(Ask::get("/version")).await?;
        let text = |key: &str| version.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = self.discover().await?;
        Ok(ServerInfo { version: text("gitVersion"), major: text("major"), minor: text("minor"), api_versions: found.api_versions.clone() })
    }

    async fn resource(&self, api_version: &str, kind: &str) -> Result<ApiResource, ClusterError> {
        let none = || Unbuilt { api_version: api_version.into(), kind: kind.into(), name: String::new(), namespace: String::new() };
        self.find(api_version, kind).await?.ok_or_else(|| ClusterError::NoSuchKind(none()))
    }

    async fn place(&self, mut manifest: Value, namespace: &str) -> Result<Value, ClusterError> {
        let text = |path: &str| manifest.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let (Some(api_version), Some(kind)) = (text("/apiVersion"), text("/kind")) else {
            return Err(ClusterError::Unnamed("apiVersion or kind"));
        };
        let (name, own) = (text("/metadata/name").unwrap_or_default(), text("/metadata/namespace").unwrap_or_default());
        let Some(resource) = self.find(&api_version, &kind).await? else {
            return Err(ClusterError::NoSuchKind(Unbuilt { api_version, kind, name, namespace: own }));
        };
        if resource.namespaced && own.is_empty() {
            match manifest.get_mut("metadata") {
                Some(Value::Object(metadata)) => drop(metadata.insert("namespace".into(), json!(namespace))),
                _ => manifest["metadata"] = json!({"namespace": namespace}),
            }
        }
        Ok(manifest)
    }

    async fn get(&self, object: &ObjectName) -> Result<Option<Value>, ClusterError> {
        found(self.ask(Ask::get(self.object_path(object).await?)).await)
    }

    async fn list(&self, query: &Query) -> Result<Vec<Value>, ClusterError> {
        let path = self.path(&query.api_version, &query.kind, &query.namespace).await?;
        let mut found = Vec::new();
        let mut next = String::new();
        loop {
            let ask = Ask::get(path.as_str()).with("labelSelector", &query.labels).with("fieldSelector", &query.fields);
            let mut page = self.ask(ask.with("limit", PAGE).with("continue", next)).await?;
            next = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
            found.extend(items(&mut page, query));
            if next.is_empty() {
                return Ok(found);
            }
        }
    }

    async fn table(&self, object: &ObjectName) -> Result<Option<Value>, ClusterError> {
        let ask = Ask::get(self.object_path(object).await?).with("includeObject", "None");
        found(self.ask(Ask { accept: TABLE, ..ask }).await)
    }

    async fn table_of(&self, query: &Query) -> Result<Value, ClusterError> {
        let path = self.path(&query.api_version, &query.kind, &query.namespace).await?;
        let ask = Ask::get(path).with("labelSelector", &query.labels).with("fieldSelector", &query.fields).with("includeObject", "None");
        self.ask(Ask { accept: TABLE, ..ask }).await
    }

    async fn create(&self, object: &Value) -> Result<Value, ClusterError> {
        let name = named(object)?;
        let path = self.path(&name.api_version, &name.kind, &name.namespace).await?;
        let mut fresh = object.clone();
        if let Some(metadata) = fresh.get_mut("metadata").and_then(Value::as_object_mut) {
            // a version is one of another object's life
            metadata.shift_remove("resourceVersion");
        }
        despite_conflicts(|| self.ask(Ask::new(Method::POST, path.as_str()).with("fieldManager", &*self.manager).json(&fresh))).await
    }

    async fn replace(&self, object: &Value) -> Result<Value, ClusterError> {
        let name = named(object)?;
        let mut next = object.clone();
        let given = object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        if given.is_empty()
            && let Some(live) = self.get(&name).await?
            && let Some(version) = live.pointer("/metadata/resourceVersion")
            && let Some(metadata) = next.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("resourceVersion".into(), version.clone());
        }
        let ask = Ask::new(Method::PUT, self.object_path(&name).await?).with("fieldManager", &*self.manager);
        self.ask(ask.json(&next)).await
    }

    async fn patch(&self, object: &ObjectName, patch: &Patch) -> Result<Value, ClusterError> {
        let (of, value) = match patch {
            Patch::Merge(value) => ("application/merge-patch+json", value),
            Patch::Strategic(value) => ("application/strategic-merge-patch+json", value),
        };
        let ask = Ask::new(Method::PATCH, self.object_path(object).await?).with("fieldManager", &*self.manager);
        self.ask(Ask { body: Some((of, value.to_string().into_bytes())), ..ask }).await
    }

    async fn apply(&self, object: &Value, how: &ApplyAs) -> Result<Value, ClusterError> {
        let ask = Ask::new(Method::PATCH, self.object_path(&named(object)?).await?)
            .with("fieldManager", &how.manager)
            .with("force", if how.force { "true" } else { "" })
            .with("dryRun", if how.dry_run { "All" } else { "" });
        // the server reads YAML, of which JSON is a part
        self.ask(Ask { body: Some(("application/apply-patch+yaml", object.to_string().into_bytes())), ..ask }).await
    }

    async fn update(&self, change: &Change) -> Outcome {
        update::carry_out(self, change).await
    }

    async fn delete(&self, object: &ObjectName, propagation: Propagation) -> Result<bool, ClusterError> {
        let path = self.object_path(object).await?;
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        let how = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
        match despite_conflicts(|| self.ask(Ask::new(Method::DELETE, path.as_str()).json(&how))).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn wait_telling(&self, objects: &[ObjectName], until: Until, deadline: Duration, told: Told<'_>) -> Result<(), ClusterError> {
        wait::wait(self, objects, until, deadline, told).await
    }

    async fn logs(&self, namespace: &str, pod: &str, container: &str, limit: u64) -> Result<Bytes, ClusterError> {
        let path = format!("/api/v1/namespaces/{}/pods/{}/log", segment(namespace)?, segment(pod)?);
        let ask = Ask::get(path).with("container", container).with("limitBytes", limit.to_string());
        client::bytes(&self.client, Ask { accept: "*/*", ..ask }, self.deadline).await
    }
}

/// The objects of a list, each with the kind that the list leaves out.
pub(super) fn items(list: &mut Value, query: &Query) -> Vec<Value> {
    let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) else { return Vec::new() };
    let named = items.into_iter().map(|mut item| {
        if let Value::Object(map) = &mut item {
            map.entry("apiVersion").or_insert_with(|| json!(query.api_version));
            map.entry("kind").or_insert_with(|| json!(query.kind));
        }
        item
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_a_path() {
        assert_eq!(segment("system:a b/../c").unwrap(), "system%3Aa%20b%2F..%2Fc");
        assert!(segment("..").is_err() && segment("").is_err());
    }
}
