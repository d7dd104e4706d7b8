//! Helm's operations on a cluster in memory.

mod crash;
mod interrupted;
mod operations;
mod refused;

use std::sync::Mutex;
use std::time::Duration;

use penstock_chart::{chart::File, json, load, value::Table};
use penstock_helm::{Install, OldValues, Progress, Releases, RenderRequest, Rollback, Uninstall, Upgrade, Waiting};
use penstock_model::clock::Timestamp;
use penstock_testkit::{FakeClock, FakeCluster};

/// A cluster, the time, and what was told.
pub(crate) struct Stage {
    pub(crate) cluster: FakeCluster,
    clock: FakeClock,
    told: Mutex<Vec<String>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { cluster: FakeCluster::default(), clock: FakeClock::at(Timestamp(1_700_000_000_000)), told: Mutex::default() }
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().expect("nobody died with it").clone()
    }

    pub(crate) async fn with<T>(&self, act: impl AsyncFnOnce(Releases<'_>) -> T) -> T {
        let told = |progress: Progress| self.told.lock().expect("nobody died with it").push(format!("{progress:?}"));
        act(Releases { cluster: &self.cluster, namespace: "shop", clock: &self.clock, told: &told }).await
    }
}

pub(crate) const WAITING: Waiting = Waiting { ready: true, jobs: false, timeout: Duration::from_secs(1), hooks: true };

/// A chart with these templates.
pub(crate) fn rendering(templates: &[(&str, &str)], values: serde_json::Value) -> RenderRequest {
    let mut files =
        vec![file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\n"), file("values.yaml", "text: from the chart\nother: 1\n")];
    files.extend(templates.iter().map(|(name, text)| file(&format!("templates/{name}"), text)));
    RenderRequest {
        chart: load::files(files).expect("it is a chart").chart,
        values: match json::data(&values) {
            penstock_chart::value::Data::Map(table) => table,
            _ => Table::new(),
        },
        check_schema: true,
        seed: [7; 32],
        look_up: true,
        ..RenderRequest::default()
    }
}

pub(crate) fn file(name: &str, text: &str) -> File {
    File { name: name.into(), data: text.into() }
}

pub(crate) fn config_map(name: &str, text: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  text: {text}\n")
}

pub(crate) fn hook(name: &str, event: &str, more: &str) -> String {
    format!("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations:\n    helm.sh/hook: {event}\n{more}")
}

pub(crate) fn install(render: RenderRequest) -> Install {
    Install {
        name: "web".into(),
        render,
        waiting: WAITING,
        atomic: false,
        create_namespace: false,
        take_ownership: false,
        force: false,
        skip_crds: false,
        replace: false,
        dry_run: false,
        description: None,
        labels: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn upgrade(render: RenderRequest) -> Upgrade {
    Upgrade {
        name: "web".into(),
        render,
        old_values: OldValues::IfNoneAreGiven,
        waiting: WAITING,
        atomic: false,
        cleanup_on_fail: false,
        force: false,
        take_ownership: false,
        dry_run: false,
        history_max: 10,
        description: None,
        labels: std::collections::BTreeMap::new(),
    }
}

pub(crate) fn rollback(revision: Option<u32>) -> Rollback {
    Rollback {
        name: "web".into(),
        revision,
        waiting: WAITING,
        cleanup_on_fail: false,
        force: false,
        recreate_pods: false,
        dry_run: false,
        history_max: 10,
    }
}

pub(crate) fn uninstall() -> Uninstall {
    Uninstall { name: "web".into(), waiting: WAITING, ..Uninstall::default() }
}
