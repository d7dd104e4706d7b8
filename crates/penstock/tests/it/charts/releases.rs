//! A release on a real cluster, changed by us and by helm in turns: either sees what the other did, and goes on from there.

mod alike;
mod interruption;
mod older;
mod proposed;
mod told;

use std::path::Path;
use std::process::Command;

use penstock_model::cluster::{Cluster as _, ObjectName, Patch};
use penstock_target::kubernetes::KubernetesCluster;
use serde_json::{Value, json};

use super::{Said, cluster, folder};
use crate::house::directory;

const ALL: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  text: {{ .Values.text | quote }}
  {{- if .Values.more }}
  more: {{ .Values.more | quote }}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: web}
  {{- if .Values.lasting }}
  type: LoadBalancer
  {{- end }}
  ports:
    - {name: http, port: 80}
    {{- if .Values.metrics }}
    - {name: metrics, port: {{ .Values.number | default 9090 }}}
    {{- end }}
{{- if .Values.extra }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-extra}
{{- end }}
";
const HOOK: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-before
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
data: {revision: {{ .Release.Revision | quote }}}
";

/// A cluster, both programs, and the chart.
struct Stage {
    cluster: cluster::RealCluster,
    client: KubernetesCluster,
    threads: tokio::runtime::Runtime,
    chart: String,
}

impl Stage {
    fn call(&self, mut command: Command, arguments: &[&str]) -> Said {
        Said::of(command.args(arguments).env("KUBECONFIG", self.cluster.kubeconfig()).output().unwrap())
    }

    fn ours(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.arg("chart");
        self.call(command, arguments).fine()
    }

    /// A cluster, and a chart in a folder.
    fn set_up(dir: &Path) -> Self {
        let files =
            [("values.yaml", "text: one\n"), ("templates/all.yaml", ALL), ("templates/hook.yaml", HOOK), ("templates/NOTES.txt", "hello")];
        let chart = folder(dir, "web", &files).display().to_string();
        let cluster = cluster::RealCluster::start();
        let threads = tokio::runtime::Runtime::new().unwrap();
        let client = threads.block_on(cluster.open());
        Self { cluster, client, threads, chart }
    }

    fn refused(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.arg("chart");
        self.call(command, arguments)
    }

    fn helm(&self, arguments: &[&str]) -> String {
        self.call(Command::new(cluster::helm()), arguments).fine()
    }

    fn live(&self, kind: &str, name: &str) -> Option<Value> {
        self.threads.block_on(self.client.get(&object(kind, name))).unwrap()
    }

    fn text(&self) -> Value {
        self.live("ConfigMap", "web").unwrap()["data"].clone()
    }

    fn ports(&self) -> Vec<i64> {
        let service = self.live("Service", "web").unwrap();
        service["spec"]["ports"].as_array().unwrap().iter().map(|port| port["port"].as_i64().unwrap()).collect()
    }

    /// What helm lists: revision and status.
    fn listed(&self) -> (String, String) {
        let listed: Value = serde_json::from_str(&self.helm(&["list", "--all", "-o", "json"])).unwrap();
        (listed[0]["revision"].as_str().unwrap_or_default().to_owned(), listed[0]["status"].as_str().unwrap_or_default().to_owned())
    }
}

fn object(kind: &str, name: &str) -> ObjectName {
    ObjectName { api_version: "v1".into(), kind: kind.into(), namespace: "default".into(), name: name.into() }
}

fn one(revision: &str, status: &str) -> (String, String) {
    (revision.to_owned(), status.to_owned())
}

#[test]
fn helm_and_penstock_take_turns_on_one_release() {
    let dir = directory();
    let stage = Stage::set_up(dir.path());
    let chart = stage.chart.clone();

    // ours, then helm's: what helm no longer wants goes, and a port by its key
    stage.ours(&["install", "web", &chart, "--wait", "--set", "more=m,metrics=true,extra=true"]);
    assert_eq!(stage.listed(), one("1", "deployed"));
    assert_eq!(stage.helm(&["get", "notes", "web"]).trim(), "NOTES:\nhello");
    stage.helm(&["upgrade", "web", &chart, "--set", "text=two"]);
    assert_eq!((stage.text(), stage.ports()), (json!({"text": "two"}), vec![80]));
    assert!(stage.live("ConfigMap", "web-extra").is_none());

    // what somebody did by hand stays where the chart says nothing, as with helm
    let by_hand = Patch::Merge(json!({"metadata": {"annotations": {"by": "hand"}}}));
    stage.threads.block_on(stage.client.patch(&object("ConfigMap", "web"), &by_hand)).unwrap();
    stage.ours(&["upgrade", "web", &chart, "--reuse-values", "--set", "more=n"]);
    assert_eq!(stage.text(), json!({"text": "two", "more": "n"}));
    assert_eq!(stage.live("ConfigMap", "web").unwrap()["metadata"]["annotations"]["by"], "hand");
    assert_eq!(stage.live("ConfigMap", "web-before").unwrap()["data"]["revision"], "3");

    // each takes back what the other did
    stage.helm(&["rollback", "web", "1", "--wait"]);
    assert_eq!((stage.listed(), stage.ports()), (one("4", "deployed"), vec![80, 9090]));
    assert!(stage.live("ConfigMap", "web-extra").is_some());
    stage.ours(&["rollback", "web", "2"]);
    assert_eq!((stage.listed(), stage.text()), (one("5", "deployed"), json!({"text": "two"})));
    let history: Value = serde_json::from_str(&stage.helm(&["history", "web", "-o", "json"])).unwrap();
    let told: Vec<&str> = history.as_array().unwrap().iter().map(|one| one["description"].as_str().unwrap()).collect();
    assert_eq!(told, ["Install complete", "Upgrade complete", "Upgrade complete", "Rollback to 1", "Rollback to 2"]);
    assert_eq!(stage.ours(&["get", "values", "web"]), stage.helm(&["get", "values", "web"]));
    assert_eq!(stage.ours(&["get", "manifest", "web"]), stage.helm(&["get", "manifest", "web"]));

    alike::everything_is_shown(&stage);
    alike::resources_are_shown(&stage);
    alike::what_is_changed_or_checked_comes_out(&stage);
    proposed::what_an_upgrade_would_change_is_told_and_not_done(&stage);

    // what fails with --atomic is as it was: the API server takes no port of that number
    let values = "text=three,extra=true,metrics=true,number=99999";
    let broken = stage.refused(&["upgrade", "web", &chart, "--atomic", "--timeout", "20s", "--set", values]);
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.err.contains("has been rolled back due to atomic being set"), "{broken:?}");
    assert_eq!((stage.text(), stage.ports()), (json!({"text": "two"}), vec![80]));
    assert!(stage.live("ConfigMap", "web-extra").is_none());
    assert_eq!(stage.listed(), one("7", "deployed"));

    // an object of somebody else is not taken
    stage.ours(&["uninstall", "web", "--wait"]);
    assert!(stage.live("Service", "web").is_none() && stage.helm(&["list", "--all", "-q"]).is_empty());
    let foreign = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "default"}});
    stage.threads.block_on(stage.client.create(&foreign)).unwrap();
    let foreign = stage.refused(&["install", "web", &chart]);
    assert!(foreign.code == Some(5) && foreign.err.contains("exists and cannot be imported into the current release"), "{foreign:?}");
    stage.ours(&["upgrade", "web", &chart, "--install", "--take-ownership", "--create-namespace"]);
    assert_eq!(stage.ours(&["get", "values", "web"]), stage.helm(&["get", "values", "web"]), "none are given");
    stage.helm(&["uninstall", "web", "--wait"]);
    assert!(stage.ours(&["list", "--all", "--short"]).is_empty());
    told::what_was_done_is_told_first(&stage);
    older::an_older_helm_goes_on_where_penstock_stopped(&stage);
    interruption::what_is_interrupted_is_recorded_as_failed(&stage);
    interruption::what_is_interrupted_while_it_renders_is_not_begun(&stage);
}
