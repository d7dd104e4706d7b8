//! A release of Helm 3.14's, whose records an older program wrote and reads again.

use std::process::Command;

use serde_json::{Value, json};

use super::{Stage, cluster, one};

pub(super) fn an_older_helm_goes_on_where_penstock_stopped(stage: &Stage) {
    let chart = stage.chart.as_str();
    let program = cluster::helm().with_file_name("helm-3.14");
    assert!(program.exists(), "{} is missing: run setup/setup.sh oracle", program.display());
    let older = |arguments: &[&str]| stage.call(Command::new(&program), arguments).fine();
    older(&["install", "web", chart, "--labels", "team=blue", "--set", "more=m,metrics=true,extra=true"]);
    assert_eq!(stage.ours(&["get", "values", "web"]), older(&["get", "values", "web"]));

    // ours goes on from its record, and it from ours
    stage.ours(&["upgrade", "web", chart, "--set", "text=two,more=m"]);
    assert_eq!((stage.text(), stage.ports()), (json!({"text": "two", "more": "m"}), vec![80]));
    assert!(stage.live("ConfigMap", "web-extra").is_none());
    stage.ours(&["rollback", "web", "1"]);
    assert_eq!((stage.text(), stage.ports()), (json!({"text": "one", "more": "m"}), vec![80, 9090]));
    older(&["rollback", "web", "2", "--wait"]);
    assert_eq!((stage.text(), stage.ports()), (json!({"text": "two", "more": "m"}), vec![80]));
    older(&["upgrade", "web", chart, "--reuse-values", "--set", "extra=true"]);
    assert!(stage.live("ConfigMap", "web-extra").is_some());
    assert_eq!(stage.listed(), one("5", "deployed"));

    let history = |said: String| serde_json::from_str::<Value>(&said).unwrap();
    let told = history(older(&["history", "web", "-o", "json"]));
    assert_eq!(told, history(stage.ours(&["history", "web", "-o", "json"])));
    let told: Vec<&str> = told.as_array().unwrap().iter().map(|one| one["description"].as_str().unwrap()).collect();
    assert_eq!(told, ["Install complete", "Upgrade complete", "Rollback to 1", "Rollback to 2", "Upgrade complete"]);
    for part in ["values", "manifest", "hooks", "notes"] {
        for revision in ["1", "2", "3", "4", "5"] {
            let arguments = ["get", part, "web", "--revision", revision];
            assert_eq!(stage.ours(&arguments), older(&arguments), "{arguments:?}");
        }
    }
    assert!(stage.ours(&["list", "-l", "team=blue", "-q"]).contains("web"), "the labels stay");
    older(&["uninstall", "web", "--wait"]);
    assert!(stage.ours(&["list", "--all", "--short"]).is_empty());
}
