//! A release brought to another chart, or to other values.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use penstock_chart::{
    budget::Budget,
    json,
    release::{HookEvent, Record, Status},
    render::Release,
    value::Table,
    values::{Nulls, lay_over},
};
use penstock_model::cluster::{Change, CustomMerge, ObjectName, Propagation};
use serde_json::Value;

use crate::{
    HelmError, Interrupt, Releases, RenderRequest, Rollback, Waiting, check_name,
    install::{check_labels, new_record},
    interrupt::unless,
    objects::names,
};

/// What becomes of the values that were given before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OldValues {
    /// They count only where none are given now.
    #[default]
    IfNoneAreGiven,
    /// They and the old chart's own stay, and what is given now wins.
    Reuse,
    /// They are forgotten.
    Reset,
    /// They stay, over the new chart's own, and what is given now wins.
    ResetThenReuse,
}

/// How a release is upgraded.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of Helm's, independent of the others")]
pub struct Upgrade {
    /// The release's name.
    pub name: String,
    /// What is rendered.
    pub render: RenderRequest,
    /// What becomes of the values before.
    pub old_values: OldValues,
    /// What is waited for.
    pub waiting: Waiting,
    /// Take it back when it fails.
    pub atomic: bool,
    /// Remove what was made anew when it fails.
    pub cleanup_on_fail: bool,
    /// Replace instead of patching.
    pub force: bool,
    /// Take over objects of others.
    pub take_ownership: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// How many revisions are kept; 0 for all.
    pub history_max: u32,
    /// What is written beside the revision.
    pub description: Option<String>,
    /// Labels of the records, over those that there are; `null` removes one.
    pub labels: BTreeMap<String, String>,
}

/// An upgrade of which nothing is on the cluster yet.
struct Begun {
    record: Record,
    current: Record,
    original: Vec<Value>,
    target: Vec<Value>,
}

impl Releases<'_> {
    /// Upgrades a release.
    pub async fn upgrade(&self, upgrade: &Upgrade) -> Result<Record, HelmError> {
        self.upgrade_unless(upgrade, pin!(std::future::pending())).await
    }

    /// Upgrades a release, unless it is interrupted: then it has failed there, and with `atomic` it is taken back.
    pub async fn upgrade_unless(&self, upgrade: &Upgrade, mut interrupted: Interrupt<'_>) -> Result<Record, HelmError> {
        let begun = unless(&mut interrupted, self.begin_upgrade(upgrade)).await;
        let Begun { mut record, mut current, original, target } = begun.unwrap_or(Err(HelmError::Interrupted))?;
        if upgrade.dry_run {
            record.info.description = upgrade.description.clone().unwrap_or_else(|| "Dry run complete".into());
            return Ok(record);
        }
        self.storage().create(&record, upgrade.history_max).await?;
        let done = self.carry_out_upgrade(upgrade, &mut record, &mut current, original, target);
        match unless(&mut interrupted, done).await.unwrap_or_else(|| Err((HelmError::Interrupted, Vec::new()))) {
            Ok(()) => {
                self.storage().update(&record).await?;
                Ok(record)
            }
            Err((error, created)) => Err(self.upgrade_failed(upgrade, record, error, created).await),
        }
    }

    /// The revision that an upgrade would start from, and the one that it would make. Nothing is changed.
    pub async fn proposed(&self, name: &str, render: RenderRequest, old_values: OldValues) -> Result<(Record, Record), HelmError> {
        let upgrade = Upgrade {
            name: name.to_owned(),
            render,
            old_values,
            waiting: Waiting { ready: false, jobs: false, timeout: Duration::ZERO, hooks: false },
            atomic: false,
            cleanup_on_fail: false,
            force: false,
            take_ownership: false,
            dry_run: true,
            history_max: 0,
            description: None,
            labels: BTreeMap::new(),
        };
        let Begun { record, current, .. } = self.begin_upgrade(&upgrade).await?;
        Ok((current, record))
    }

    async fn begin_upgrade(&self, upgrade: &Upgrade) -> Result<Begun, HelmError> {
        check_name(&upgrade.name)?;
        check_labels(&upgrade.labels)?;
        let (last, current) = self.last_and_current(&upgrade.name).await?;
        let record = self.prepared(upgrade, &last, &current).await?;
        let (original, target) = self.both(upgrade, &record, &current).await?;
        Ok(Begun { record, current, original, target })
    }

    /// The newest revision, and the one that the cluster is taken to be at.
    async fn last_and_current(&self, name: &str) -> Result<(Record, Record), HelmError> {
        let last = match self.storage().last(name).await {
            Err(HelmError::NotFound) => return Err(HelmError::NothingDeployed(name.to_owned())),
            last => last?,
        };
        if last.info.status.is_pending() {
            return Err(HelmError::Pending);
        }
        if last.info.status == Status::Deployed {
            return Ok((last.clone(), last));
        }
        match self.storage().deployed(name).await {
            Err(HelmError::NothingDeployed(_)) if matches!(last.info.status, Status::Failed | Status::Superseded) => {
                Ok((last.clone(), last))
            }
            current => Ok((last, current?)),
        }
    }

    async fn prepared(&self, upgrade: &Upgrade, last: &Record, current: &Record) -> Result<Record, HelmError> {
        let mut request = upgrade.render.clone();
        reuse(&mut request, upgrade.old_values, current)?;
        let revision = last.revision + 1;
        let release = Release { name: upgrade.name.clone(), namespace: current.namespace.clone(), revision, is_upgrade: true };
        let composed = self.render(&request, release).await?;
        let mut record = new_record(&upgrade.name, &current.namespace, revision, &request.values, &composed, &self.now());
        record.info.first_deployed.clone_from(&current.info.first_deployed);
        record.labels.clone_from(&last.labels);
        record.labels.extend(upgrade.labels.clone());
        record.labels.retain(|_, value| value != "null");
        Ok(record)
    }

    /// The objects as they were last asked for, and as they are to be.
    async fn both(&self, upgrade: &Upgrade, record: &Record, current: &Record) -> Result<(Vec<Value>, Vec<Value>), HelmError> {
        let target = self.placed(&record.manifest).await?;
        let building = "unable to build kubernetes objects from current release manifest";
        let mut original = self.objects(&current.manifest, building).await?;
        let target = self.marked(target, &upgrade.name);
        let known = names(&original);
        let new: Vec<Value> =
            target.iter().filter(|object| ObjectName::of(object).is_none_or(|name| !known.contains(&name))).cloned().collect();
        original.extend(self.there_already(&new, &upgrade.name, upgrade.take_ownership, "update").await?);
        Ok((original, target))
    }

    async fn carry_out_upgrade(
        &self,
        upgrade: &Upgrade,
        record: &mut Record,
        current: &mut Record,
        original: Vec<Value>,
        target: Vec<Value>,
    ) -> Result<(), (HelmError, Vec<Value>)> {
        let waiting = Waiting { ready: upgrade.waiting.ready || upgrade.atomic, ..upgrade.waiting };
        let hooks = self.run_hooks(record, HookEvent::PreUpgrade, waiting).await;
        hooks.map_err(|error| (error.during("pre-upgrade hooks failed"), Vec::new()))?;
        let wanted = names(&target);
        self.say(format!("updating {} object(s)", wanted.len()));
        let outcome = self.cluster.update(&Change { original, target, force: upgrade.force, custom: CustomMerge::TwoWay }).await;
        let created = outcome.updated.created;
        if let Some(error) = outcome.failure {
            return Err((error.into(), created));
        }
        for (object, why) in &outcome.updated.left {
            self.say(format!("{object} stays: {why}"));
        }
        if let Err(error) = self.until_ready(&wanted, waiting).await {
            return Err((error, created));
        }
        let hooks = self.run_hooks(record, HookEvent::PostUpgrade, waiting).await;
        hooks.map_err(|error| (error.during("post-upgrade hooks failed"), created))?;
        current.info.status = Status::Superseded;
        self.keep(current).await;
        record.info.status = Status::Deployed;
        record.info.description = upgrade.description.clone().unwrap_or_else(|| "Upgrade complete".into());
        Ok(())
    }

    async fn upgrade_failed(&self, upgrade: &Upgrade, mut record: Record, error: HelmError, created: Vec<Value>) -> HelmError {
        record.info.status = Status::Failed;
        record.info.description = format!("Upgrade {:?} failed: {error}", record.name);
        self.keep(&record).await;
        if upgrade.cleanup_on_fail {
            let doing = |error: &HelmError| format!("an error occurred while cleaning up resources. original upgrade error: {error}");
            if let Err(other) = self.remove_all(&names(&created), Propagation::Background).await {
                return other.during(doing(&error));
            }
        }
        if !upgrade.atomic {
            return error;
        }
        self.say("rolling back to the last successful release");
        let good = self.storage().history(&upgrade.name).await.ok().and_then(|history| {
            history
                .iter()
                .rev()
                .find(|record| matches!(record.info.status, Status::Superseded | Status::Deployed))
                .map(|record| record.revision)
        });
        let Some(revision) = good else {
            return error.during("unable to find a previously successful release when attempting to rollback. original upgrade error");
        };
        let rollback = Rollback {
            name: upgrade.name.clone(),
            revision: Some(revision),
            waiting: Waiting { ready: true, ..upgrade.waiting },
            cleanup_on_fail: false,
            force: upgrade.force,
            recreate_pods: false,
            dry_run: false,
            // a rollback that was not asked for forgets nothing
            history_max: 0,
        };
        match self.rollback(&rollback).await {
            Ok(_) => error.during(format!("release {} failed, and has been rolled back due to atomic being set", upgrade.name)),
            Err(other) => other.during(format!("an error occurred while rolling back the release. original upgrade error: {error}")),
        }
    }
}

/// Puts the values that were given before where they belong.
fn reuse(request: &mut RenderRequest, how: OldValues, current: &Record) -> Result<(), HelmError> {
    let mut budget = Budget::new(request.limits);
    let mut over = |above: &Table, below: &Table| {
        let (table, _) = lay_over(above, below, Nulls::Remove, &mut budget).map_err(|fault| HelmError::Render(fault.to_string()))?;
        Ok::<_, HelmError>(table)
    };
    let before = current.config.as_ref().map_or_else(Table::new, json::table);
    match how {
        OldValues::Reset => {}
        OldValues::IfNoneAreGiven => {
            if request.values.is_empty() {
                request.values = before;
            }
        }
        OldValues::ResetThenReuse => request.values = over(&request.values, &before)?,
        OldValues::Reuse => {
            let chart = current.chart.get("values").and_then(Value::as_object).map_or_else(Table::new, json::table);
            request.chart.values = over(&before, &chart)?;
            request.values = over(&request.values, &before)?;
        }
    }
    Ok(())
}
