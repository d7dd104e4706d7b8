//! A release installed.

use std::{collections::BTreeMap, pin::pin};

use penstock_chart::{
    json,
    release::{Composed, HookEvent, Info, Record, RecordedHook, Status, stored},
    render::Release,
    value::Table,
};
use penstock_model::cluster::{Change, CustomMerge, ObjectName, Until};
use serde_json::{Value, json};

use crate::{
    HelmError, Interrupt, Releases, RenderRequest, SYSTEM_LABELS, Uninstall, Waiting, check_name, interrupt::unless, objects::names,
};

/// How long the definitions of a chart's `crds/` may take to be served.
const CRDS: std::time::Duration = std::time::Duration::from_secs(60);
/// What Helm warns of where a chart's own definitions are not made.
const UNKNOWN_KINDS: &str = "This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies.";
/// What Helm is doing where the documents of a release become objects.
pub(crate) const BUILDING: &str = "unable to build kubernetes objects from release manifest";

/// How a release is installed.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of Helm's, independent of the others")]
pub struct Install {
    /// The release's name.
    pub name: String,
    /// What is rendered.
    pub render: RenderRequest,
    /// What is waited for.
    pub waiting: Waiting,
    /// Remove everything again when it fails.
    pub atomic: bool,
    /// Make the namespace.
    pub create_namespace: bool,
    /// Take over objects of others.
    pub take_ownership: bool,
    /// Replace what is there already instead of patching it.
    pub force: bool,
    /// Leave `crds/` alone.
    pub skip_crds: bool,
    /// Take the name of a release that was uninstalled and kept, or that failed.
    pub replace: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// What is written beside the revision.
    pub description: Option<String>,
    /// Labels of the records.
    pub labels: BTreeMap<String, String>,
}

impl Releases<'_> {
    /// Installs a chart.
    pub async fn install(&self, install: &Install) -> Result<Record, HelmError> {
        self.install_unless(install, pin!(std::future::pending())).await
    }

    /// Installs a chart, unless it is interrupted: then it has failed there, and with `atomic` it is removed.
    pub async fn install_unless(&self, install: &Install, mut interrupted: Interrupt<'_>) -> Result<Record, HelmError> {
        let begun = unless(&mut interrupted, self.begin_install(install)).await;
        let (mut record, objects, there) = begun.unwrap_or(Err(HelmError::Interrupted))?;
        if install.dry_run {
            return Ok(record);
        }
        self.storage().create(&record, 0).await?;
        let done = unless(&mut interrupted, self.carry_out_install(install, &mut record, objects, there)).await;
        match done.unwrap_or(Err(HelmError::Interrupted)) {
            Ok(()) => Ok(record),
            Err(error) => Err(self.install_failed(install, record, error).await),
        }
    }

    /// The record, the objects, and which of them are there already. Nothing of the release is on the cluster yet but what has to be
    /// there first.
    async fn begin_install(&self, install: &Install) -> Result<(Record, Vec<Value>, Vec<Value>), HelmError> {
        check_name(&install.name)?;
        check_labels(&install.labels)?;
        let last = self.free(install).await?;
        self.install_crds(install).await?;
        let release = Release { name: install.name.clone(), namespace: self.namespace.to_owned(), revision: 1, is_upgrade: false };
        let composed = self.render(&install.render, release).await?;
        let mut record = new_record(&install.name, self.namespace, 1, &install.render.values, &composed, &self.now());
        record.labels.clone_from(&install.labels);
        let objects = self.marked(self.objects(&record.manifest, BUILDING).await?, &install.name);
        let there = self.there_already(&objects, &install.name, install.take_ownership, "install").await?;
        if install.dry_run {
            record.info.description = "Dry run complete".into();
            return Ok((record, objects, there));
        }
        if install.create_namespace {
            self.create_namespace().await?;
        }
        if let Some(mut last) = last {
            record.revision = last.revision + 1;
            if last.info.status != Status::Failed {
                last.info.status = Status::Superseded;
                last.info.description = "superseded by new release".into();
                self.storage().update(&last).await?;
            }
        }
        Ok((record, objects, there))
    }

    /// Renders a chart as an installation on this cluster would, or an upgrade, and checks what Helm checks before anything is done:
    /// that the cluster knows each object's kind, and that none of them is somebody else's. Changes nothing.
    pub async fn validate(&self, render: &RenderRequest, release: Release) -> Result<Composed, HelmError> {
        if !render.settled()?.crds().is_empty() {
            self.warn(UNKNOWN_KINDS);
        }
        let (name, is_upgrade) = (release.name.clone(), release.is_upgrade);
        let composed = self.render(render, release).await?;
        let objects = self.objects(&composed.manifest, BUILDING).await?;
        if !is_upgrade {
            self.there_already(&objects, &name, false, "install").await?;
        }
        Ok(composed)
    }

    /// Whether the name may be taken; the last record of a release that gives it up.
    async fn free(&self, install: &Install) -> Result<Option<Record>, HelmError> {
        if install.dry_run {
            return Ok(None);
        }
        match self.storage().last(&install.name).await {
            Err(HelmError::NotFound) => Ok(None),
            Err(error) => Err(error),
            Ok(last) if install.replace && matches!(last.info.status, Status::Uninstalled | Status::Failed) => Ok(Some(last)),
            Ok(_) => Err(HelmError::NameInUse),
        }
    }

    async fn install_crds(&self, install: &Install) -> Result<(), HelmError> {
        if install.skip_crds {
            return Ok(());
        }
        let crds = install.render.settled()?.crds();
        if crds.is_empty() {
            return Ok(());
        }
        if install.dry_run {
            self.warn(UNKNOWN_KINDS);
            return Ok(());
        }
        let mut made = Vec::new();
        for crd in crds {
            let doing = format!("failed to install CRD {}", crd.file.name);
            let objects = self.objects(&crd.file.data.lossy(), "failed to install CRD").await?;
            for object in objects {
                match self.cluster.create(&object).await {
                    Ok(_) => made.push(object),
                    Err(error) if error.is_already_exists() => self.say(format!("CRD {} is already present. Skipping.", crd.file.name)),
                    Err(error) => return Err(HelmError::from(error).during(doing)),
                }
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        Ok(self.wait(&names(&made), Until::Ready { jobs: false }, CRDS).await?)
    }

    pub(crate) async fn create_namespace(&self) -> Result<(), HelmError> {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": self.namespace, "labels": { "name": self.namespace } },
        });
        match self.cluster.create(&namespace).await {
            Err(error) if !error.is_already_exists() => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn carry_out_install(
        &self,
        install: &Install,
        record: &mut Record,
        objects: Vec<Value>,
        there: Vec<Value>,
    ) -> Result<(), HelmError> {
        let waiting = Waiting { ready: install.waiting.ready || install.atomic, ..install.waiting };
        let failed = |what: &str| format!("failed {what}");
        self.run_hooks(record, HookEvent::PreInstall, waiting).await.map_err(|error| error.during(failed("pre-install")))?;
        let wanted = names(&objects);
        self.say(format!("creating {} object(s)", wanted.len()));
        if there.is_empty() {
            self.create_all(&objects).await?;
        } else {
            let custom = if install.take_ownership { CustomMerge::ThreeWay } else { CustomMerge::TwoWay };
            let change = Change { original: there, target: objects, force: install.force, custom };
            if let Some(error) = self.cluster.update(&change).await.failure {
                return Err(error.into());
            }
        }
        self.until_ready(&wanted, waiting).await?;
        self.run_hooks(record, HookEvent::PostInstall, waiting).await.map_err(|error| error.during(failed("post-install")))?;
        record.info.status = Status::Deployed;
        record.info.description = install.description.clone().unwrap_or_else(|| "Install complete".into());
        self.keep(record).await;
        Ok(())
    }

    /// Waits, where one is to wait.
    pub(crate) async fn until_ready(&self, objects: &[ObjectName], waiting: Waiting) -> Result<(), HelmError> {
        if !waiting.ready {
            return Ok(());
        }
        self.say(format!("waiting for {} object(s)", objects.len()));
        Ok(self.wait(objects, Until::Ready { jobs: waiting.jobs }, waiting.timeout).await?)
    }

    async fn install_failed(&self, install: &Install, mut record: Record, error: HelmError) -> HelmError {
        record.info.status = Status::Failed;
        record.info.description = format!("Release {:?} failed: {error}", record.name);
        self.keep(&record).await;
        if !install.atomic {
            return error;
        }
        self.say("removing what was installed");
        let waiting = Waiting { ready: false, ..install.waiting };
        let uninstall = Uninstall { name: install.name.clone(), waiting, ..Uninstall::default() };
        match self.uninstall(&uninstall).await {
            Ok(_) => error.during(format!("release {} failed, and has been uninstalled due to atomic being set", install.name)),
            Err(other) => other.during(format!("an error occurred while uninstalling the release. original install error: {error}")),
        }
    }
}

/// A record of what was rendered, before anything of it is done.
pub(crate) fn new_record(name: &str, namespace: &str, revision: u32, given: &Table, composed: &Composed, now: &str) -> Record {
    let (status, description) =
        if revision == 1 { (Status::PendingInstall, "Initial install underway") } else { (Status::PendingUpgrade, "Preparing upgrade") };
    Record {
        name: name.to_owned(),
        info: Info {
            first_deployed: now.to_owned(),
            last_deployed: now.to_owned(),
            description: description.to_owned(),
            status,
            notes: composed.notes.clone(),
            ..Info::default()
        },
        chart: stored(&composed.chart),
        // none and empty are the same to Helm, which writes neither
        config: (!given.is_empty()).then(|| json::object(given)),
        manifest: composed.manifest.clone(),
        hooks: composed.hooks.iter().map(RecordedHook::from).collect(),
        revision,
        namespace: namespace.to_owned(),
        labels: BTreeMap::new(),
    }
}

pub(crate) fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), HelmError> {
    if labels.keys().any(|key| SYSTEM_LABELS.contains(&key.as_str())) {
        return Err(HelmError::SystemLabel(format!("[{}]", SYSTEM_LABELS.join(" "))));
    }
    Ok(())
}
