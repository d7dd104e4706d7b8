//! The objects that a query finds, kept up to date by a watch.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use kube::core::WatchEvent;
use penstock_model::cluster::{ClusterError, Query};
use serde_json::Value;

use super::client::{self, Ask};
use super::cluster::{KubernetesCluster, items};

/// How often in a row a watch may break off or not begin. Helm's waits bear as much.
const BREAKS: u32 = 30;
/// How long to leave a server alone that broke a watch off.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the server lets one watch go on, in seconds.
const LEASE: &str = "290";

/// What a query finds, and what becomes of it.
pub(super) struct Watch<'a> {
    cluster: &'a KubernetesCluster,
    query: Query,
    /// By namespace and name.
    found: BTreeMap<(String, String), Value>,
    version: String,
    events: Option<BoxStream<'static, Result<WatchEvent<Value>, kube::Error>>>,
    breaks: u32,
}

impl<'a> Watch<'a> {
    /// Lists what is there.
    pub(super) async fn open(cluster: &'a KubernetesCluster, query: Query) -> Result<Self, ClusterError> {
        let mut watch = Self { cluster, query, found: BTreeMap::new(), version: String::new(), events: None, breaks: 0 };
        while let Err(error) = watch.list().await {
            watch.bear(error).await?;
        }
        Ok(watch)
    }

    /// What there is now.
    pub(super) fn found(&self) -> impl Iterator<Item = &Value> {
        self.found.values()
    }

    /// Waits for the next change. Nothing is lost if it is not waited for to its end.
    pub(super) async fn changed(&mut self) -> Result<(), ClusterError> {
        loop {
            let next = match &mut self.events {
                Some(events) => events.next().await,
                None => {
                    match self.begin().await {
                        Ok(true) => return Ok(()),
                        Ok(false) => {}
                        Err(error) => self.bear(error).await?,
                    }
                    continue;
                }
            };
            match next {
                Some(Ok(event)) => {
                    if self.take(event) {
                        return Ok(());
                    }
                }
                Some(Err(error)) => {
                    self.events = None;
                    self.bear(client::unreachable(&error)).await?;
                }
                // the lease is over
                None => self.events = None,
            }
        }
    }

    async fn list(&mut self) -> Result<(), ClusterError> {
        let mut list = self.cluster.ask(asked(self.cluster, &self.query).await?).await?;
        self.version = version(&list);
        self.found = items(&mut list, &self.query).into_iter().map(|object| (key(&object), object)).collect();
        Ok(())
    }

    /// Begins to watch from what is known; `true` if it had to list again.
    async fn begin(&mut self) -> Result<bool, ClusterError> {
        let listed = self.version.is_empty();
        if listed {
            self.list().await?;
        }
        let ask = asked(self.cluster, &self.query).await?.with("watch", "true").with("resourceVersion", self.version.as_str());
        let request = ask.with("timeoutSeconds", LEASE).with("allowWatchBookmarks", "true").request()?;
        let begun = tokio::time::timeout(self.cluster.deadline, self.cluster.client.request_events::<Value>(request)).await;
        let events = begun.map_err(|_| ClusterError::TimedOut("a watch that does not begin".into()))?;
        match events.map_err(|error| client::unreachable(&error)) {
            Ok(events) => self.events = Some(events.boxed()),
            // too old a version: list again
            Err(ClusterError::Refused(refusal)) if refusal.code == 410 => self.version.clear(),
            Err(error) => return Err(error),
        }
        Ok(listed)
    }

    /// Whether what is known changed by it.
    fn take(&mut self, event: WatchEvent<Value>) -> bool {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.version = version(&object);
                self.found.insert(key(&object), object);
            }
            WatchEvent::Deleted(object) => {
                self.version = version(&object);
                self.found.remove(&key(&object));
            }
            WatchEvent::Bookmark(mark) => {
                self.version = mark.metadata.resource_version;
                return false;
            }
            WatchEvent::Error(_) => {
                self.version.clear();
                self.events = None;
                return false;
            }
        }
        self.breaks = 0;
        true
    }

    /// Goes on after what may pass.
    async fn bear(&mut self, error: ClusterError) -> Result<(), ClusterError> {
        let may_pass = match &error {
            ClusterError::Refused(refusal) => refusal.may_pass(),
            ClusterError::Unreachable(_) | ClusterError::TimedOut(_) => true,
            _ => false,
        };
        self.breaks += 1;
        if !may_pass || self.breaks > BREAKS {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

async fn asked(cluster: &KubernetesCluster, query: &Query) -> Result<Ask<'static>, ClusterError> {
    let path = cluster.path(&query.api_version, &query.kind, &query.namespace).await?;
    Ok(Ask::get(path).with("labelSelector", &query.labels).with("fieldSelector", &query.fields))
}

fn key(object: &Value) -> (String, String) {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/metadata/namespace"), text("/metadata/name"))
}

fn version(object: &Value) -> String {
    object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned()
}
