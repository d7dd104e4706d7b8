//! A real cluster, and the programs that are compared with.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use penstock_target::kubernetes::{ClusterSettings, KubernetesCluster};

/// A program that `setup/setup.sh kube` built.
pub(crate) fn built(name: &str) -> PathBuf {
    program("PENSTOCK_KUBE", "kube", name)
}

/// The real helm, which `setup/setup.sh oracle` built.
pub(crate) fn helm() -> PathBuf {
    program("PENSTOCK_ORACLE", "oracle", "helm")
}

fn program(variable: &str, folder: &str, name: &str) -> PathBuf {
    let place = std::env::var_os(variable).map_or_else(|| root().join(".penstock").join(folder), PathBuf::from);
    let program = place.join(name);
    assert!(program.exists(), "{} is missing: run setup/setup.sh {folder}", program.display());
    program
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A real cluster of one node, for as long as this lives. Needs root.
pub(crate) struct RealCluster {
    kubeconfig: PathBuf,
    /// Its ports are fixed: one at a time on a machine.
    _alone: File,
}

impl RealCluster {
    pub(crate) fn start() -> Self {
        let kube = built("kube-all-v1.32.9");
        let alone = File::create(std::env::temp_dir().join("penstock-kube.lock")).expect("a lock's file");
        alone.lock().expect("the lock");
        // what a test left that was killed
        call("down", kube.parent().unwrap());
        let shown = call("up", kube.parent().unwrap());
        let kubeconfig = PathBuf::from(shown.lines().last().expect("the kubeconfig's path"));
        Self { kubeconfig, _alone: alone }
    }

    pub(crate) async fn open(&self) -> KubernetesCluster {
        let settings = ClusterSettings { kubeconfig: Some(self.kubeconfig.clone()), ..ClusterSettings::default() };
        KubernetesCluster::open(&settings).await.expect("a cluster")
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        if std::env::var_os("PENSTOCK_KEEP_CLUSTER").is_none() {
            call("down", Path::new("/"));
        }
    }
}

fn call(what: &str, cache: &Path) -> String {
    let kube = root().join("setup/kube/kube");
    let out = Command::new(kube).arg(what).env("KUBE_CACHE", cache).stderr(Stdio::inherit()).output().expect("setup/kube/kube runs");
    assert!(out.status.success(), "setup/kube/kube {what}: {}", out.status);
    String::from_utf8(out.stdout).expect("text")
}
