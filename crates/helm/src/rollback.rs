//! A release taken back to a revision before.

use penstock_chart::release::{HookEvent, Info, Record, Status};
use penstock_model::cluster::{Change, CustomMerge, ObjectName, Propagation, Query};
use serde_json::Value;

use crate::{HelmError, Releases, Waiting, check_name, objects::names};

/// How a release is taken back.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of Helm's, independent of the others")]
pub struct Rollback {
    /// The release's name.
    pub name: String,
    /// The revision; the one before the newest unless given.
    pub revision: Option<u32>,
    /// What is waited for.
    pub waiting: Waiting,
    /// Remove what was made anew when it fails.
    pub cleanup_on_fail: bool,
    /// Replace instead of patching.
    pub force: bool,
    /// Restart the pods of what was patched.
    pub recreate_pods: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// How many revisions are kept; 0 for all.
    pub history_max: u32,
}

impl Releases<'_> {
    /// Takes a release back: a new revision with what the old one had, and the old one's number.
    pub async fn rollback(&self, rollback: &Rollback) -> Result<(Record, u32), HelmError> {
        check_name(&rollback.name)?;
        let history = self.storage().history(&rollback.name).await?;
        let mut current = history.last().cloned().ok_or(HelmError::NotFound)?;
        let wanted = rollback.revision.filter(|revision| *revision > 0).unwrap_or_else(|| current.revision.saturating_sub(1));
        let before = history.into_iter().find(|record| record.revision == wanted).ok_or(HelmError::NoSuchRevision(wanted))?;
        let mut record = Record {
            info: Info {
                first_deployed: current.info.first_deployed.clone(),
                last_deployed: self.now(),
                deleted: String::new(),
                description: format!("Rollback to {wanted}"),
                status: Status::PendingRollback,
                notes: before.info.notes.clone(),
            },
            revision: current.revision + 1,
            namespace: current.namespace.clone(),
            ..before
        };
        if rollback.dry_run {
            return Ok((record, wanted));
        }
        self.storage().create(&record, rollback.history_max).await?;
        self.carry_out_rollback(rollback, &mut record, &mut current).await?;
        self.storage().update(&record).await?;
        Ok((record, wanted))
    }

    async fn carry_out_rollback(&self, rollback: &Rollback, record: &mut Record, current: &mut Record) -> Result<(), HelmError> {
        let original = self.objects(&current.manifest, "unable to build kubernetes objects from current release manifest").await?;
        let target = self.objects(&record.manifest, "unable to build kubernetes objects from new release manifest").await?;
        let target = self.marked(target, &rollback.name);
        self.run_hooks(record, HookEvent::PreRollback, rollback.waiting).await?;
        let wanted = names(&target);
        self.say(format!("updating {} object(s)", wanted.len()));
        let change = Change { original, target, force: rollback.force, custom: CustomMerge::TwoWay };
        let outcome = self.cluster.update(&change).await;
        if let Some(error) = outcome.failure {
            current.info.status = Status::Superseded;
            record.info.description = format!("Rollback {:?} failed: {error}", rollback.name);
            self.not_taken_back(record, current).await;
            if rollback.cleanup_on_fail {
                let removed = self.remove_all(&names(&outcome.updated.created), Propagation::Background).await;
                let doing = format!("an error occurred while cleaning up resources. original rollback error: {error}");
                removed.map_err(|other| other.during(doing))?;
            }
            return Err(error.into());
        }
        if rollback.recreate_pods {
            self.restart_pods(&outcome.updated.updated).await;
        }
        if let Err(error) = self.until_ready(&wanted, rollback.waiting).await {
            record.info.description = format!("Release {:?} failed: {error}", rollback.name);
            self.not_taken_back(record, current).await;
            return Err(error.during(format!("release {} failed", rollback.name)));
        }
        self.run_hooks(record, HookEvent::PostRollback, rollback.waiting).await?;
        for mut deployed in self.storage().query(&format!("name={},owner=helm,status=deployed", rollback.name)).await? {
            deployed.info.status = Status::Superseded;
            self.keep(&deployed).await;
        }
        record.info.status = Status::Deployed;
        Ok(())
    }

    async fn not_taken_back(&self, record: &mut Record, current: &Record) {
        record.info.status = Status::Failed;
        self.keep(current).await;
        self.keep(record).await;
    }

    /// Removes the pods of objects that select some, so that they are made anew. That one stays is told, and no failure.
    async fn restart_pods(&self, objects: &[Value]) {
        for object in objects {
            let (Some(name), Some(labels)) = (ObjectName::of(object), selector(object)) else { continue };
            let query =
                Query { api_version: "v1".into(), kind: "Pod".into(), namespace: name.namespace.clone(), labels, fields: String::new() };
            let pods = match self.cluster.list(&query).await {
                Ok(pods) => names(&pods),
                Err(error) => {
                    self.warn(format!("unable to recreate pods for object {name}: {error}"));
                    continue;
                }
            };
            for pod in pods {
                if let Err(error) = self.cluster.delete(&pod, Propagation::Background).await {
                    self.warn(format!("unable to recreate pods for object {name}: {error}"));
                }
            }
        }
    }
}

/// The label selector of an object that selects pods: by equality alone, as `matchLabels` and a Service's selector are.
fn selector(object: &Value) -> Option<String> {
    let labels = object.pointer("/spec/selector/matchLabels").or_else(|| object.pointer("/spec/selector"))?.as_object()?;
    let pairs: Option<Vec<String>> = labels.iter().map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    pairs.filter(|pairs| !pairs.is_empty()).map(|pairs| pairs.join(","))
}
