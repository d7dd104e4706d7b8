//! What each operation does, and what it leaves behind.

use penstock_chart::{
    load,
    release::{HookPhase, Status},
};
use penstock_helm::{HelmError, Listing, OldValues, ResourceForm, Test, TestFilter};
use penstock_model::cluster::{Cluster as _, ObjectName, Propagation, ownership};
use serde_json::{Value, json};

use crate::{Stage, WAITING, config_map, file, hook, install, rendering, rollback, uninstall, upgrade};

fn named(kind: &str, name: &str) -> ObjectName {
    ObjectName { api_version: "v1".into(), kind: kind.into(), namespace: "shop".into(), name: name.into() }
}

async fn text_of(stage: &Stage, name: &str) -> Option<String> {
    let object = stage.cluster.get(&named("ConfigMap", name)).await.expect("the cluster answers")?;
    object["data"]["text"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn an_installation_leaves_marked_objects_and_a_record_that_says_so() {
    let stage = Stage::new();
    let template = config_map("web", "{{ .Values.text | quote }}");
    let record =
        stage.with(async |releases| releases.install(&install(rendering(&[("a.yaml", &template)], json!({})))).await.unwrap()).await;
    assert_eq!((record.info.status, record.revision), (Status::Deployed, 1));
    assert_eq!(
        stage.cluster.did(),
        ["create Secret shop/sh.helm.release.v1.web.v1", "create ConfigMap shop/web", "replace Secret shop/sh.helm.release.v1.web.v1"]
    );
    let live = stage.cluster.get(&named("ConfigMap", "web")).await.unwrap().unwrap();
    assert_eq!(live["data"]["text"], "from the chart");
    assert_eq!(ownership::check(&live, ownership::Owner { release: "web", namespace: "shop" }), Ok(()));
    let secret = stage.cluster.get(&named("Secret", "sh.helm.release.v1.web.v1")).await.unwrap().unwrap();
    assert_eq!((&secret["type"], &secret["metadata"]["labels"]["status"]), (&json!("helm.sh/release.v1"), &json!("deployed")));
}

#[tokio::test]
async fn a_name_that_is_in_use_and_an_object_of_somebody_else_are_refused_before_anything_changes() {
    let stage = Stage::new();
    let render = || rendering(&[("a.yaml", &config_map("web", "x"))], json!({}));
    stage.cluster.put(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop"}}));
    let refused = stage.with(async |releases| releases.install(&install(render())).await).await;
    assert!(matches!(refused, Err(HelmError::Foreign { .. })), "{refused:?}");
    assert_eq!(stage.cluster.did(), [""; 0]);
    let taking = penstock_helm::Install { take_ownership: true, ..install(render()) };
    stage.with(async |releases| releases.install(&taking).await.unwrap()).await;
    let again = stage.with(async |releases| releases.install(&install(render())).await).await;
    assert!(matches!(again, Err(HelmError::NameInUse)), "{again:?}");
}

#[tokio::test]
async fn an_upgrade_removes_what_the_chart_no_longer_has_and_a_rollback_brings_it_back() {
    let stage = Stage::new();
    let (a, b) = (config_map("a", "{{ .Values.text }}"), config_map("b", "x"));
    let first = rendering(&[("a.yaml", &a), ("b.yaml", &b)], json!({"text": "one"}));
    stage.with(async |releases| releases.install(&install(first)).await.unwrap()).await;
    let record =
        stage.with(async |releases| releases.upgrade(&upgrade(rendering(&[("a.yaml", &a)], json!({"text": "two"})))).await.unwrap()).await;
    assert_eq!((record.revision, record.info.description.as_str()), (2, "Upgrade complete"));
    assert_eq!((text_of(&stage, "a").await.as_deref(), text_of(&stage, "b").await), (Some("two"), None));
    let statuses = async || -> Vec<Status> {
        let history = stage.with(async |releases| releases.history("web").await.unwrap()).await;
        history.iter().map(|record| record.info.status).collect()
    };
    assert_eq!(statuses().await, [Status::Superseded, Status::Deployed]);
    let (record, taken_back_to) = stage.with(async |releases| releases.rollback(&rollback(None)).await.unwrap()).await;
    assert_eq!((record.revision, record.info.description.as_str(), record.info.status), (3, "Rollback to 1", Status::Deployed));
    assert_eq!(taken_back_to, 1);
    assert_eq!((text_of(&stage, "a").await.as_deref(), text_of(&stage, "b").await.as_deref()), (Some("one"), Some("x")));
    assert_eq!(statuses().await, [Status::Superseded, Status::Superseded, Status::Deployed]);
}

#[tokio::test]
async fn values_of_before_are_kept_as_one_asks() {
    let template = config_map("a", "\"{{ .Values.text }} {{ .Values.more }} {{ .Values.other }}\"");
    for (how, given, wanted) in [
        (OldValues::IfNoneAreGiven, json!({}), "one m 1"),
        (OldValues::IfNoneAreGiven, json!({"more": "n"}), "from the chart n 1"),
        (OldValues::Reuse, json!({"more": "n"}), "one n 1"),
        (OldValues::ResetThenReuse, json!({"more": "n"}), "one n 1"),
        (OldValues::Reset, json!({"more": "n"}), "from the chart n 1"),
    ] {
        let stage = Stage::new();
        let first = rendering(&[("a.yaml", &template)], json!({"text": "one", "more": "m"}));
        stage.with(async |releases| releases.install(&install(first)).await.unwrap()).await;
        let next = penstock_helm::Upgrade { old_values: how, ..upgrade(rendering(&[("a.yaml", &template)], given)) };
        stage.with(async |releases| releases.upgrade(&next).await.unwrap()).await;
        assert_eq!(text_of(&stage, "a").await.as_deref(), Some(wanted), "{how:?}");
    }
}

#[tokio::test]
async fn what_an_upgrade_would_make_is_known_and_nothing_is_done() {
    let stage = Stage::new();
    let template = config_map("a", "\"{{ .Values.text }} {{ .Release.Revision }} {{ .Release.IsUpgrade }}\"");
    let render = |given| rendering(&[("a.yaml", &template), ("h.yaml", &hook("job", "pre-upgrade", ""))], given);
    stage.with(async |releases| releases.install(&install(render(json!({"text": "one"})))).await.unwrap()).await;
    let did = stage.cluster.did();
    let proposed = async |given, how| stage.with(async |releases| releases.proposed("web", render(given), how).await.unwrap()).await;
    let (current, next) = proposed(json!({}), OldValues::IfNoneAreGiven).await;
    assert_eq!((current.revision, next.revision), (1, 2));
    let texts = [current, next].map(|record| {
        let sorted = record.sorted().unwrap();
        let hooks: Vec<String> = sorted.hooks.iter().map(|hook| format!("{} {}", hook.manifest.head.kind, hook.manifest.source)).collect();
        assert_eq!(hooks, ["Job web/templates/h.yaml"]);
        assert_eq!(sorted.manifests[0].source, "web/templates/a.yaml");
        sorted.manifests[0].content.to_string()
    });
    assert!(texts[0].contains("\"one 1 false\"") && texts[1].contains("\"one 2 true\""), "{texts:?}");
    let (_, reset) = proposed(json!({}), OldValues::Reset).await;
    assert!(reset.manifest.contains("from the chart 2"), "{}", reset.manifest);
    assert_eq!(stage.cluster.did(), did);
}

#[tokio::test]
async fn hooks_run_by_weight_before_the_objects_and_go_by_their_policies() {
    let stage = Stage::new();
    let late = hook("late", "pre-install", "    helm.sh/hook-weight: \"5\"\n    helm.sh/hook-delete-policy: hook-succeeded\n");
    let early = hook("early", "pre-install", "    helm.sh/hook-weight: \"-5\"\n");
    let render = rendering(&[("a.yaml", &config_map("web", "x")), ("h1.yaml", &late), ("h2.yaml", &early)], json!({}));
    let record = stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    let did: Vec<String> = stage.cluster.did().into_iter().filter(|line| !line.contains("Secret")).collect();
    assert_eq!(did, ["create Job shop/early", "create Job shop/late", "delete Job shop/late", "create ConfigMap shop/web"]);
    assert!(record.hooks.iter().all(|hook| hook.last_run.phase == HookPhase::Succeeded));
}

#[tokio::test]
async fn what_fails_is_recorded_and_with_atomic_taken_back() {
    let stage = Stage::new();
    let render = |text: &str| {
        rendering(&[("a.yaml", &config_map("web", text)), ("h.yaml", &hook("job", "post-upgrade,post-install", ""))], json!({}))
    };
    stage.cluster.never_ready("Job shop/job");
    let failed = stage.with(async |releases| releases.install(&install(render("one"))).await).await;
    assert_eq!(failed.unwrap_err().to_string(), "failed post-install: Job shop/job failed");
    let record = stage.with(async |releases| releases.revision("web", None).await.unwrap()).await;
    assert_eq!(
        (record.info.status, record.info.description.as_str()),
        (Status::Failed, "Release \"web\" failed: failed post-install: Job shop/job failed")
    );

    let stage = Stage::new();
    stage.cluster.never_ready("Job shop/job");
    let atomic = penstock_helm::Install { atomic: true, ..install(render("one")) };
    let failed = stage.with(async |releases| releases.install(&atomic).await).await;
    assert!(failed.unwrap_err().to_string().starts_with("release web failed, and has been uninstalled due to atomic being set"));
    assert_eq!(stage.cluster.names(), ["Job shop/job"], "a hook stays, as with Helm");

    let stage = Stage::new();
    stage.with(async |releases| releases.install(&install(render("one"))).await.unwrap()).await;
    stage.cluster.never_ready("Job shop/job");
    let atomic = penstock_helm::Upgrade { atomic: true, ..upgrade(render("two")) };
    let failed = stage.with(async |releases| releases.upgrade(&atomic).await).await;
    assert!(failed.unwrap_err().to_string().starts_with("release web failed, and has been rolled back due to atomic being set"));
    assert_eq!(text_of(&stage, "web").await.as_deref(), Some("one"));
}

#[tokio::test]
async fn a_release_is_removed_but_for_what_its_policy_keeps() {
    let stage = Stage::new();
    let kept = config_map("kept", "x").replace("metadata:\n", "metadata:\n  annotations: {helm.sh/resource-policy: keep}\n");
    let render = rendering(&[("a.yaml", &config_map("web", "x")), ("b.yaml", &kept)], json!({}));
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    let removed = stage.with(async |releases| releases.uninstall(&uninstall()).await.unwrap()).await;
    assert_eq!(removed.kept, [("ConfigMap".to_owned(), "kept".to_owned())]);
    assert_eq!(stage.cluster.names(), ["ConfigMap shop/kept"]);
    assert!(stage.with(async |releases| releases.list(&Listing::default()).await.unwrap()).await.is_empty());
    let gone = stage.with(async |releases| releases.uninstall(&uninstall()).await).await;
    assert!(gone.unwrap_err().is_not_found());
}

#[tokio::test]
async fn no_more_revisions_are_kept_than_one_asks_for() {
    let stage = Stage::new();
    let render = |text: &str| rendering(&[("a.yaml", &config_map("web", text))], json!({}));
    stage.with(async |releases| releases.install(&install(render("0"))).await.unwrap()).await;
    for round in 1..5 {
        let next = penstock_helm::Upgrade { history_max: 2, ..upgrade(render(&round.to_string())) };
        stage.with(async |releases| releases.upgrade(&next).await.unwrap()).await;
    }
    let history = stage.with(async |releases| releases.history("web").await.unwrap()).await;
    assert_eq!(history.iter().map(|record| record.revision).collect::<Vec<_>>(), [4, 5]);
}

#[tokio::test]
async fn a_template_sees_what_it_looks_up_and_what_that_led_it_to() {
    let stage = Stage::new();
    stage.cluster.put(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first", "namespace": "shop"}, "data": {"next": "second"}}),
    );
    stage.cluster.put(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "second", "namespace": "shop"}, "data": {"text": "found"}}),
    );
    let template = "{{ $next := dig \"data\" \"next\" \"none\" (lookup \"v1\" \"ConfigMap\" .Release.Namespace \"first\") }}";
    let template = format!(
        "{template}{}",
        config_map("web", "{{ dig \"data\" \"text\" \"none\" (lookup \"v1\" \"ConfigMap\" .Release.Namespace $next) }}")
    );
    stage.with(async |releases| releases.install(&install(rendering(&[("a.yaml", &template)], json!({})))).await.unwrap()).await;
    assert_eq!(text_of(&stage, "web").await.as_deref(), Some("found"));
}

#[tokio::test]
async fn tests_run_when_asked_and_how_they_ended_is_kept() {
    let stage = Stage::new();
    let render = rendering(
        &[("a.yaml", &config_map("web", "x")), ("t.yaml", &hook("good", "test", "")), ("u.yaml", &hook("bad", "test", ""))],
        json!({}),
    );
    stage.with(async |releases| releases.install(&install(render)).await.unwrap()).await;
    stage.cluster.never_ready("Job shop/bad");
    let only = |name: &str| Test {
        name: "web".into(),
        filter: TestFilter { only: vec![name.into()], ..TestFilter::default() },
        waiting: WAITING,
        logs: false,
    };
    let (_, ran) = stage.with(async |releases| releases.test(&only("good")).await.unwrap()).await;
    assert!(ran.is_ok());
    let (record, ran) = stage.with(async |releases| releases.test(&only("bad")).await.unwrap()).await;
    assert!(ran.is_err());
    let phase = |name: &str| record.hooks.iter().find(|hook| hook.name == name).unwrap().last_run.phase;
    assert_eq!((phase("good"), phase("bad")), (HookPhase::Succeeded, HookPhase::Failed));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let stage = Stage::new();
    let dry = penstock_helm::Install { dry_run: true, ..install(rendering(&[("a.yaml", &config_map("web", "x"))], json!({}))) };
    let record = stage.with(async |releases| releases.install(&dry).await.unwrap()).await;
    assert!(record.manifest.contains("kind: ConfigMap"));
    assert_eq!(stage.cluster.did(), [""; 0]);
    let _: Value = record.chart;
}

#[tokio::test]
async fn definitions_of_charts_that_are_not_enabled_stay_out_of_the_cluster() {
    let definition =
        |name: &str| format!("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: {name}\n");
    let inside = |name: &str| {
        [
            file(&format!("charts/{name}/Chart.yaml"), &format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")),
            file(&format!("charts/{name}/crds/{name}.yaml"), &definition(&format!("{name}s.example.com"))),
        ]
    };
    let dependencies = ["radio", "tracer"].map(|name| format!("- {{name: {name}, version: 1.0.0, condition: {name}.enabled}}\n")).concat();
    let chart = format!("apiVersion: v2\nname: web\nversion: 1.2.3\ndependencies:\n{dependencies}");
    let files = [vec![file("Chart.yaml", &chart)], inside("radio").into(), inside("tracer").into()].concat();
    let request = rendering(&[], json!({"radio": {"enabled": true}, "tracer": {"enabled": false}}));
    let request = penstock_helm::RenderRequest { chart: load::files(files).unwrap().chart, ..request };
    let stage = Stage::new();
    stage.with(async |releases| releases.install(&install(request)).await.unwrap()).await;
    let made: Vec<String> = stage.cluster.did().into_iter().filter(|did| did.contains("CustomResourceDefinition")).collect();
    assert_eq!(made, ["create CustomResourceDefinition radios.example.com"]);
}

#[tokio::test]
async fn a_render_that_takes_too_long_ends_and_leaves_nothing() {
    let stage = Stage::new();
    let loops = "{{ range until 5000 }}{{ range until 5000 }}{{ end }}{{ end }}";
    let request = penstock_helm::RenderRequest { time: std::time::Duration::ZERO, ..rendering(&[("a.yaml", loops)], json!({})) };
    let refused = stage.with(async |releases| releases.install(&install(request)).await).await;
    assert!(matches!(&refused, Err(HelmError::Render(why)) if why.contains("took longer than 0ns")), "{refused:?}");
    assert_eq!(stage.cluster.did(), [""; 0]);
}

#[tokio::test]
async fn objects_of_one_kind_are_made_and_removed_together_and_a_kind_after_the_other() {
    let stage = Stage::new();
    stage.cluster.slow_down();
    let names: Vec<String> = (10..30).map(|number| format!("n{number}")).collect();
    let account = |name: &String| format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n");
    let templates: Vec<(String, String)> = names
        .iter()
        .flat_map(|name| [(format!("{name}.yaml"), config_map(name, "x")), (format!("{name}-account.yaml"), account(name))])
        .collect();
    let templates: Vec<(&str, &str)> = templates.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    stage.with(async |releases| releases.install(&install(rendering(&templates, json!({})))).await.unwrap()).await;
    assert_eq!(stage.cluster.crowd(), (8, 1), "eight at a time, of one kind");
    let made = |kind: &str| stage.cluster.did().into_iter().filter(|line| line.starts_with(&format!("create {kind} "))).collect::<Vec<_>>();
    assert_eq!((made("ServiceAccount").len(), made("ConfigMap").len()), (20, 20));
    stage.with(async |releases| releases.uninstall(&uninstall()).await.unwrap()).await;
    assert!(stage.cluster.names().is_empty());
    assert_eq!(stage.cluster.crowd(), (8, 1));
}

#[tokio::test]
async fn what_a_release_has_on_the_cluster_is_given_with_the_pods_that_it_selects() {
    let stage = Stage::new();
    let workload = |kind: &str, name: &str| {
        let head = format!("apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n");
        format!("{head}spec: {{selector: {{matchLabels: {{tier: front, app: web}}}}}}\n")
    };
    let templates = [
        ("a.yaml", config_map("a", "x")),
        ("b.yaml", config_map("b", "x")),
        ("c.yaml", workload("Deployment", "c")),
        // the same pods are not shown twice
        ("d.yaml", workload("DaemonSet", "d")),
    ];
    let templates = templates.each_ref().map(|(file, text)| (*file, text.as_str()));
    let record = stage.with(async |releases| releases.install(&install(rendering(&templates, json!({})))).await.unwrap()).await;
    for (name, labels) in [("one", json!({"app": "web", "tier": "front"})), ("two", json!({"app": "web"}))] {
        let metadata = json!({"name": name, "namespace": "shop", "labels": labels});
        stage.cluster.put(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}));
    }
    stage.cluster.delete(&named("ConfigMap", "b"), Propagation::default()).await.unwrap();
    for (form, names) in [(ResourceForm::Objects, "/metadata/name"), (ResourceForm::Tables, "/rows/0/cells/0")] {
        let found = stage.with(async |releases| releases.resources(&record, form).await.unwrap()).await;
        let kinds: Vec<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["v1/ConfigMap", "v1/DaemonSet", "v1/Pod(related)", "v1/Deployment"]);
        let of = |place: usize| found[place].1.iter().map(|one| one.pointer(names).cloned().unwrap_or_default()).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(3)), (vec![json!("a")], vec![json!("d")], vec![json!("c")]));
        let pods = &found[2].1;
        let all = pods[0].get("items").or_else(|| pods[0].get("rows")).and_then(Value::as_array).unwrap();
        assert_eq!((pods.len(), all.len()), (1, 1), "{pods:?}");
    }
    assert!(stage.told().contains(&"Warning(\"ConfigMap shop/b is not there\")".to_owned()), "{:?}", stage.told());
}
