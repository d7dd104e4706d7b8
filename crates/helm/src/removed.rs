//! A release removed.

use std::{collections::BTreeMap, time::Duration};

use penstock_chart::release::{HookEvent, Manifest, Record, Status, UNINSTALL, sort};
use penstock_chart::value::Str;
use penstock_model::cluster::{ObjectName, Propagation, Until};

use crate::{HelmError, Releases, Waiting, check_name, objects::names};

/// How a release is removed.
#[derive(Clone, Debug)]
pub struct Uninstall {
    /// Its name.
    pub name: String,
    /// What is waited for: hooks, and with `ready` until everything is gone.
    pub waiting: Waiting,
    /// Keep the records.
    pub keep_history: bool,
    /// How what belongs to an object goes with it.
    pub cascade: Propagation,
    /// Change nothing.
    pub dry_run: bool,
    /// What is written beside the revision.
    pub description: Option<String>,
}

impl Default for Uninstall {
    fn default() -> Self {
        let waiting = Waiting { ready: false, jobs: false, timeout: Duration::from_secs(300), hooks: true };
        Self { name: String::new(), waiting, keep_history: false, cascade: Propagation::Background, dry_run: false, description: None }
    }
}

/// What was removed.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The newest revision.
    pub record: Record,
    /// Objects that their policy keeps: kind and name.
    pub kept: Vec<(String, String)>,
}

impl Releases<'_> {
    /// Removes a release.
    pub async fn uninstall(&self, uninstall: &Uninstall) -> Result<Removed, HelmError> {
        check_name(&uninstall.name)?;
        let history = self.storage().history(&uninstall.name).await;
        let history = history.map_err(|error| error.during(format!("uninstall: Release not loaded: {}", uninstall.name)))?;
        let mut record = history.last().cloned().ok_or(HelmError::NotFound)?;
        if uninstall.dry_run {
            return Ok(Removed { record, kept: Vec::new() });
        }
        if record.info.status == Status::Uninstalled {
            if uninstall.keep_history {
                return Err(HelmError::AlreadyDeleted(uninstall.name.clone()));
            }
            self.purge(&history).await?;
            return Ok(Removed { record, kept: Vec::new() });
        }
        record.info.status = Status::Uninstalling;
        record.info.deleted = self.now();
        record.info.description = "Deletion in progress (or silently failed)".into();
        self.run_hooks(&mut record, HookEvent::PreDelete, uninstall.waiting).await?;
        self.keep(&record).await;
        let (gone, kept) = self.remove_objects(&record, uninstall.cascade).await?;
        let mut faults = Vec::new();
        if uninstall.waiting.ready {
            let waited = self.wait(&gone, Until::Deleted, uninstall.waiting.timeout).await;
            faults.extend(waited.err().map(|error| error.to_string()));
        }
        let hooks = self.run_hooks(&mut record, HookEvent::PostDelete, uninstall.waiting).await;
        faults.extend(hooks.err().map(|error| error.to_string()));
        record.info.status = Status::Uninstalled;
        record.info.description = uninstall.description.clone().unwrap_or_else(|| "Uninstallation complete".into());
        if uninstall.keep_history {
            self.keep(&record).await;
        } else if let Err(error) = self.purge(&history).await {
            faults.push(format!("uninstall: Failed to purge the release: {error}"));
        }
        if faults.is_empty() { Ok(Removed { record, kept }) } else { Err(HelmError::Removal(faults)) }
    }

    async fn purge(&self, history: &[Record]) -> Result<(), HelmError> {
        for record in history {
            self.storage().delete(&record.name, record.revision).await?;
        }
        Ok(())
    }

    /// Removes what a release's documents made, in the order in which kinds are removed.
    async fn remove_objects(&self, record: &Record, cascade: Propagation) -> Result<(Vec<ObjectName>, Vec<(String, String)>), HelmError> {
        let files = BTreeMap::from([(Str::from("manifest"), Str::from(record.manifest.as_str()))]);
        let (kept, going): (Vec<Manifest>, Vec<Manifest>) = sort(&files, UNINSTALL)?.manifests.into_iter().partition(is_kept);
        let kept = kept.into_iter().map(|manifest| (manifest.head.kind, manifest.head.name)).collect();
        let failed = |error: HelmError| error.during(format!("failed to delete release: {}", record.name));
        // what cannot be told of one object is told before any other goes
        let going = going.iter().map(|manifest| manifest.content.lossy()).collect::<Vec<_>>().join("\n---\n");
        let gone = names(&self.objects(&going, "unable to build kubernetes objects for delete").await.map_err(failed)?);
        self.say(format!("removing {} object(s)", gone.len()));
        self.remove_all(&gone, cascade).await.map_err(failed)?;
        Ok((gone, kept))
    }
}

fn is_kept(manifest: &Manifest) -> bool {
    manifest.head.annotation("helm.sh/resource-policy").is_some_and(|policy| policy.trim().eq_ignore_ascii_case("keep"))
}
