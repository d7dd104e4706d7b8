//! A target that makes nothing so, but remembers what it was told.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use penstock_model::target::{ApplicationScope, LiveObject, ObjectKey, PodSeen, RolloutOrder, RolloutSeen, Target, TargetError};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::held;

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<ObjectKey, (String, LiveObject)>,
    applied: Vec<ObjectKey>,
    deleted: Vec<ObjectKey>,
    orders: Vec<(ObjectKey, String, RolloutOrder)>,
    rollouts: BTreeMap<ObjectKey, (String, RolloutSeen)>,
    pods: Vec<(String, PodSeen)>,
    status: BTreeMap<ObjectKey, Value>,
    refused: BTreeMap<ObjectKey, String>,
    epoch: u64,
    url: Option<String>,
}

/// A target without a machine. Objects are what was applied; the test says what their status is.
#[derive(Debug)]
pub struct FakeTarget {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

impl Default for FakeTarget {
    fn default() -> Self {
        Self { inner: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl FakeTarget {
    fn bump(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Sets an object's status, also before it is applied.
    pub fn set_status(&self, key: &ObjectKey, status: Value) {
        {
            let mut inner = held(&self.inner);
            if let Some((_, live)) = inner.objects.get_mut(key) {
                live.status = status.clone();
            }
            inner.status.insert(key.clone(), status);
        }
        self.bump();
    }

    /// Sets how a canary stands.
    pub fn set_rollout(&self, application: &str, seen: RolloutSeen) {
        held(&self.inner).rollouts.insert(seen.key.clone(), (application.to_owned(), seen));
        self.bump();
    }

    /// Changes how a canary stands, if it is there.
    pub fn change_rollout(&self, key: &ObjectKey, change: impl FnOnce(&mut RolloutSeen)) {
        if let Some((_, seen)) = held(&self.inner).rollouts.get_mut(key) {
            change(seen);
        }
        self.bump();
    }

    /// Sets an application's pods.
    pub fn set_pods(&self, application: &str, pods: Vec<PodSeen>) {
        {
            let mut inner = held(&self.inner);
            inner.pods.retain(|(other, _)| other != application);
            inner.pods.extend(pods.into_iter().map(|pod| (application.to_owned(), pod)));
        }
        self.bump();
    }

    /// Sets where applications are reached.
    pub fn set_url(&self, url: &str) {
        held(&self.inner).url = Some(url.to_owned());
    }

    /// Refuses an object from now on.
    pub fn refuse(&self, key: &ObjectKey, why: &str) {
        held(&self.inner).refused.insert(key.clone(), why.to_owned());
    }

    /// Accepts it again.
    pub fn accept(&self, key: &ObjectKey) {
        held(&self.inner).refused.remove(key);
    }

    /// Changes an object behind everybody's back.
    pub fn drift(&self, key: &ObjectKey, change: impl FnOnce(&mut Value)) {
        if let Some((_, live)) = held(&self.inner).objects.get_mut(key) {
            change(&mut live.applied);
        }
        self.bump();
    }

    /// Objects that were applied, in order.
    pub fn applied(&self) -> Vec<ObjectKey> {
        held(&self.inner).applied.clone()
    }

    /// Objects that were deleted, in order.
    pub fn deleted(&self) -> Vec<ObjectKey> {
        held(&self.inner).deleted.clone()
    }

    /// Orders, in order.
    pub fn orders(&self) -> Vec<(ObjectKey, String, RolloutOrder)> {
        held(&self.inner).orders.clone()
    }
}

impl Inner {
    fn present(&mut self, epoch: u64) -> Result<(), TargetError> {
        if epoch < self.epoch {
            return Err(TargetError::Superseded(self.epoch));
        }
        self.epoch = epoch;
        Ok(())
    }
}

#[async_trait]
impl Target for FakeTarget {
    /// It takes whatever it is given.
    fn check(&self, _: &str, _: &Value) -> Result<(), TargetError> {
        Ok(())
    }

    async fn apply(&self, scope: &ApplicationScope, manifest: &Value, epoch: u64) -> Result<(), TargetError> {
        let key = ObjectKey::of(manifest, &scope.namespace).ok_or_else(|| TargetError::Failed { what: "no key".to_owned() })?;
        {
            let mut inner = held(&self.inner);
            inner.present(epoch)?;
            if let Some(why) = inner.refused.get(&key) {
                return Err(TargetError::Unsupported { object: key, what: why.clone(), hint: "told to refuse".to_owned() });
            }
            let status = inner.status.get(&key).cloned().unwrap_or_else(|| json!({}));
            let live = LiveObject { key: key.clone(), applied: manifest.clone(), status };
            inner.objects.insert(key.clone(), (scope.application.clone(), live));
            inner.applied.push(key);
        }
        self.bump();
        Ok(())
    }

    async fn delete(&self, _scope: &ApplicationScope, key: &ObjectKey, epoch: u64) -> Result<(), TargetError> {
        {
            let mut inner = held(&self.inner);
            inner.present(epoch)?;
            inner.objects.remove(key);
            inner.deleted.push(key.clone());
        }
        self.bump();
        Ok(())
    }

    async fn live(&self, application: &str) -> Result<Vec<LiveObject>, TargetError> {
        let inner = held(&self.inner);
        Ok(inner.objects.values().filter(|(owner, _)| owner == application).map(|(_, live)| live.clone()).collect())
    }

    async fn rollouts(&self, application: &str) -> Result<Vec<RolloutSeen>, TargetError> {
        let inner = held(&self.inner);
        Ok(inner.rollouts.values().filter(|(owner, _)| owner == application).map(|(_, seen)| seen.clone()).collect())
    }

    async fn order(&self, key: &ObjectKey, template: &str, order: &RolloutOrder, epoch: u64) -> Result<(), TargetError> {
        {
            let mut inner = held(&self.inner);
            inner.present(epoch)?;
            inner.orders.push((key.clone(), template.to_owned(), order.clone()));
            if let Some((_, seen)) = inner.rollouts.get_mut(key).filter(|(_, seen)| seen.wanted == template) {
                match order {
                    RolloutOrder::SetWeight { percent } => seen.weight = *percent,
                    RolloutOrder::Promote => {
                        seen.stable = Some(seen.wanted.clone());
                        seen.weight = 100;
                    }
                    RolloutOrder::Abort => {
                        seen.weight = 0;
                        seen.wanted_replicas = 0;
                        seen.wanted_ready = 0;
                    }
                }
            }
        }
        self.bump();
        Ok(())
    }

    async fn pods(&self, application: &str) -> Result<Vec<PodSeen>, TargetError> {
        let inner = held(&self.inner);
        Ok(inner.pods.iter().filter(|(owner, _)| owner == application).map(|(_, pod)| pod.clone()).collect())
    }

    async fn logs(&self, _namespace: &str, pod: &str, _max_bytes: usize) -> Result<String, TargetError> {
        Ok(format!("log of {pod}\n"))
    }

    async fn url(&self, _application: &str) -> Result<Option<String>, TargetError> {
        Ok(held(&self.inner).url.clone())
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    async fn tear_down(&self, application: &str) -> Result<(), TargetError> {
        held(&self.inner).objects.retain(|_, (owner, _)| owner != application);
        self.bump();
        Ok(())
    }
}
