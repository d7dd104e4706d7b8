//! What both programs show of the same releases, and what they make of the same chart on the same cluster.

use std::process::Command;

use penstock_chart::{json, yaml};
use penstock_model::cluster::{Cluster as _, Propagation, Query};
use serde_json::Value;

use super::{Said, Stage, cluster};

/// Chart's templates that a program of the user's may change: see `ALL`.
const TO_POSTED: &str = "s/text: \"two\"/text: \"posted\"/";

const WORKLOAD: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: 2
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers: [{name: web, image: 'example.invalid/web:1', imagePullPolicy: Never}]
";

/// The rows of a table, however wide its columns are.
fn rows(table: &str) -> Vec<Vec<String>> {
    let cells =
        |line: &str| line.replace('\t', "  ").split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    table.lines().map(cells).collect()
}

fn both(stage: &Stage, arguments: &[&str]) -> (String, String) {
    (stage.ours(arguments), stage.helm(arguments))
}

/// Each form of an answer: tables by their rows, JSON by its value, YAML by its bytes.
fn each_form(stage: &Stage, arguments: &[&str]) {
    let (ours, theirs) = both(stage, arguments);
    assert_eq!(rows(&ours), rows(&theirs), "{arguments:?}");
    let with = |form| [arguments, &["-o", form]].concat();
    let (ours, theirs) = both(stage, &with("json"));
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(value(&ours), value(&theirs), "{arguments:?}");
    let (ours, theirs) = both(stage, &with("yaml"));
    assert_eq!(ours, theirs, "{arguments:?}");
}

/// The release `web` has five revisions. Three more releases: one of ours with labels, one that failed, one that is gone.
pub(super) fn everything_is_shown(stage: &Stage) {
    let chart = stage.chart.as_str();
    stage.ours(&["install", "api", chart, "--labels", "team=blue,tier=1", "--set", "text=a: b,more=5", "--description", "by hand"]);
    let failed = stage.refused(&["install", "broken", chart, "--set", "metrics=true,number=99999"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    stage.helm(&["install", "gone", chart, "--labels", "team=red"]);
    stage.helm(&["uninstall", "gone", "--keep-history"]);
    for flags in [
        &[][..],
        &["--all"],
        &["--filter", "^[aw]"],
        &["--filter", "nothing"],
        &["--deployed"],
        &["--failed"],
        &["--superseded"],
        &["--uninstalled", "--failed"],
        &["--pending", "--uninstalling"],
        &["--reverse"],
        &["--all", "--max", "2"],
        &["--all", "--max", "2", "--offset", "1"],
        &["--offset", "9"],
        &["--selector", "team=blue"],
        &["-a", "-l", "team in (red,blue),tier!=2"],
        &["-l", "!team"],
        &["-l", "name=web"],
        &["-q"],
        &["--all-namespaces", "--no-headers"],
        &["--time-format", "2006-01-02T15:04Z07:00"],
    ] {
        each_form(stage, &[&["list"], flags].concat());
    }
    // both programs' dates are of the same clock, in whole seconds; releases of the same second may come in any order
    for flags in [&["--date", "--all"][..], &["--date", "--reverse", "--all"]] {
        let names = |table: &str| rows(table).into_iter().map(|row| row[3].clone()).map(|at| at[..19].to_owned()).collect::<Vec<_>>();
        let arguments = [&["list", "--no-headers"], flags].concat();
        let (ours, theirs) = both(stage, &arguments);
        assert_eq!(names(&ours), names(&theirs), "{flags:?}");
    }
    let wrong = stage.refused(&["list", "--filter", "["]);
    assert!(wrong.err.contains("error parsing regexp: missing closing ]: `[`"), "{wrong:?}");
    each_form(stage, &["history", "web"]);
    each_form(stage, &["history", "web", "--max", "2"]);
    for name in ["web", "api", "broken"] {
        each_form(stage, &["status", name]);
        each_form(stage, &["get", "values", name]);
        each_form(stage, &["get", "values", name, "--all"]);
        each_form(stage, &["get", "metadata", name]);
        for arguments in [
            &["status", name, "--show-desc"][..],
            &["status", name],
            &["get", "all", name],
            &["get", "notes", name],
            &["get", "hooks", name],
            &["get", "manifest", name],
            &["get", "values", name, "--all"],
            &["get", "metadata", name],
        ] {
            let (ours, theirs) = both(stage, arguments);
            assert_eq!(ours, theirs, "{arguments:?}");
        }
    }
    for name in ["api", "broken", "gone"] {
        stage.ours(&["uninstall", name, "--ignore-not-found"]);
    }
}

/// What the cluster has of a release, with the pods of a workload: its image is nowhere, so that its pods stay as they are.
pub(super) fn resources_are_shown(stage: &Stage) {
    let workload = format!("{}/templates/workload.yaml", stage.chart);
    std::fs::write(&workload, WORKLOAD).unwrap();
    stage.ours(&["install", "shown", &stage.chart, "--set", "extra=true"]);
    std::fs::remove_file(&workload).unwrap();
    stage.threads.block_on(penstock_testkit::eventually("both pods are there", || async {
        let query = Query { api_version: "v1".into(), kind: "Pod".into(), labels: "app=shown".into(), ..Query::default() };
        let pods = stage.client.list(&query).await.unwrap().len();
        if pods == 2 { Ok(()) } else { Err(pods) }
    }));
    let command = ["status", "shown", "--show-resources", "--show-desc"];
    // a status or an age may change between two looks
    stage.threads.block_on(penstock_testkit::eventually("both show the same", || async {
        let (ours, theirs) = both(stage, &command);
        if sections(&ours) == sections(&theirs) && ours.contains("==> v1/Pod(related)") { Ok(()) } else { Err((ours, theirs)) }
    }));
    for form in ["json", "yaml"] {
        stage.threads.block_on(penstock_testkit::eventually("both give the same", || async {
            let (ours, theirs) = both(stage, &[&command[..], &["-o", form]].concat());
            let value = |text: &str| {
                let mut value = match form {
                    "json" => serde_json::from_str::<Value>(text).unwrap(),
                    _ => json::value(&yaml::read(text.as_bytes()).unwrap()),
                };
                // the version of a list is that of all there is, and another each time
                value["info"]["resources"]["v1/Pod(related)"][0]["metadata"]["resourceVersion"] = Value::Null;
                value
            };
            if value(&ours) == value(&theirs) { Ok(()) } else { Err((ours, theirs)) }
        }));
    }
    // what somebody took away is told, where helm says nothing
    stage.threads.block_on(stage.client.delete(&super::object("ConfigMap", "shown-extra"), Propagation::Background)).unwrap();
    let said = stage.refused(&command);
    assert!(said.code == Some(0) && said.err.contains("ConfigMap default/shown-extra is not there"), "{said:?}");
    // of a revision that is named helm gives the user's labels alone, as ours always does
    for template in
        ["{{.Release.Name}} {{ .Release.Info.Status }} {{ .Release.Info.LastDeployed }}", "{{ .Release.Labels }}{{ .Release.Config }}"]
    {
        let (ours, theirs) = both(stage, &["get", "all", "shown", "--revision", "1", "--template", template]);
        assert_eq!(ours, theirs, "{template}");
    }
    let wrong = stage.refused(&["get", "all", "shown", "--template", "{{ .Release.Nothing }}"]);
    assert!(wrong.err.contains("can't evaluate field Nothing in type interface {}"), "{wrong:?}");
    assert_eq!(stage.refused(&["get", "notes", "shown", "--template", "x"]).code, Some(2));
    stage.ours(&["uninstall", "shown", "--wait"]);
}

/// What stands before the resources and behind them, and the rows of each kind, in the order of their names: helm's comes by chance.
fn sections(text: &str) -> (Vec<Vec<String>>, Vec<Vec<Vec<String>>>) {
    let (before, rest) = text.split_once("RESOURCES:\n").unwrap_or((text, ""));
    let (resources, behind) = rest.split_once("TEST SUITE").unwrap_or((rest, ""));
    let full = |rows: Vec<Vec<String>>| rows.into_iter().filter(|row| !row.is_empty()).collect::<Vec<_>>();
    let mut kinds: Vec<_> = resources.split("==> ").skip(1).map(rows).map(full).collect();
    kinds.sort();
    ([rows(before), rows(behind)].concat(), kinds)
}

/// A program of the user's, notes that are not shown, a dry run, and a chart that is only checked.
pub(super) fn what_is_changed_or_checked_comes_out(stage: &Stage) {
    let chart = stage.chart.as_str();
    let posted = ["--post-renderer", "sed", "--post-renderer-args", TO_POSTED, "--set", "text=two"];
    let installed = stage.ours(&[&["install", "posted", chart, "--hide-notes"], &posted[..]].concat());
    assert!(!installed.contains("hello"), "{installed}");
    let manifest = stage.helm(&["get", "manifest", "posted"]);
    assert!(manifest.contains("text: \"posted\""), "{manifest}");
    assert_eq!(stage.live("ConfigMap", "posted").unwrap()["data"]["text"], "posted");
    assert_eq!(stage.helm(&["get", "notes", "posted"]).trim(), "NOTES:\nhello");
    stage.ours(&["upgrade", "posted", chart, "--set", "text=two"]);
    assert_eq!(stage.live("ConfigMap", "posted").unwrap()["data"]["text"], "two");
    stage.ours(&[&["upgrade", "posted", chart], &posted[..]].concat());
    assert_eq!(stage.live("ConfigMap", "posted").unwrap()["data"]["text"], "posted");
    let failed = stage.refused(&["upgrade", "posted", chart, "--post-renderer", "false"]);
    assert!(failed.err.contains("UPGRADE FAILED: error while running post render on files: error while running command"), "{failed:?}");

    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\nstringData: {a: b}\n";
    let with_secret = format!("{chart}/templates/secret.yaml");
    std::fs::write(&with_secret, secret).unwrap();
    let dry = ["--dry-run=server", "--hide-secret"];
    let date = |text: &str| text.lines().filter(|line| !line.starts_with("LAST DEPLOYED")).collect::<Vec<_>>().join("\n");
    for arguments in [
        &["install", "dry", chart][..],
        &["install", "dry", chart, "--hide-notes"],
        &["install", "dry", chart, "--debug", "--set", "text=two"],
    ] {
        let (ours, theirs) = both(stage, &[arguments, &dry].concat());
        assert_eq!(date(&ours), date(&theirs));
        assert!(ours.contains("# HIDDEN: The Secret output has been suppressed"), "{ours}");
    }
    let not_dry = stage.refused(&["install", "dry", chart, "--hide-secret"]);
    assert!(not_dry.err.contains("Hiding Kubernetes secrets requires a dry-run mode"), "{not_dry:?}");
    std::fs::remove_file(&with_secret).unwrap();

    let unknown = format!("{chart}/templates/unknown.yaml");
    // a field that nobody knows is the cluster's business, whatever flags are given
    std::fs::write(&unknown, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unheard}\nunheardOf: 1\n").unwrap();
    for flags in [&[][..], &["--disable-openapi-validation"]] {
        stage.helm(&[&["install", "odd", chart], flags].concat());
        stage.helm(&["uninstall", "odd", "--wait"]);
        stage.ours(&[&["install", "odd", chart], flags].concat());
        stage.ours(&["uninstall", "odd", "--wait"]);
    }
    for (template, arguments) in [
        ("", &["template", "fresh", chart][..]),
        ("a: {{ .Capabilities.KubeVersion }}\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: it}\n", &["template", "fresh", chart]),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n", &["template", "fresh", chart]),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n", &["template", "fresh", chart, "--is-upgrade"]),
        ("apiVersion: example.org/v1\nkind: Nothing\nmetadata: {name: it}\n", &["template", "fresh", chart]),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: it, labels: {version: 1.2}}\n", &["template", "fresh", chart]),
    ] {
        std::fs::write(&unknown, template).unwrap();
        let arguments = [arguments, &["--validate"]].concat();
        let ours = stage.refused(&arguments);
        let theirs: Said = stage.call(Command::new(cluster::helm()), &arguments);
        assert_eq!(ours.out, theirs.out, "{template}: {}", ours.err);
        let why = theirs.err.trim_start_matches("Error: ").split("\nensure CRDs").next().unwrap_or_default().trim();
        assert!(ours.err.contains(why), "{template}: {why} is not in {}", ours.err);
    }
    // what the server warns of is told, though it refuses the object for something else
    std::fs::write(&unknown, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: it}\nspec: {replica: 1}\n").unwrap();
    let refused = stage.refused(&["install", "odd", chart]);
    assert!(refused.code == Some(1) && refused.err.contains("unknown field \"spec.replica\""), "{refused:?}");
    stage.ours(&["uninstall", "odd"]);
    std::fs::remove_file(&unknown).unwrap();
    stage.ours(&["uninstall", "posted"]);
}
