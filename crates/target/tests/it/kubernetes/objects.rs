//! Objects and kinds.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use penstock_model::cluster::{ApplyAs, Cluster as _, ClusterError, ObjectName, Patch, Propagation, Query, Until};
use serde_json::json;

use super::Stage;
use super::release::{chart, run_helm};

pub(crate) async fn what_is_served_is_what_helm_sees(stage: &Stage) {
    let began = Instant::now();
    let server = stage.cluster.server().await.unwrap();
    println!("discovery in {:?}", began.elapsed());
    assert_eq!((server.version.as_str(), server.major.as_str(), server.minor.as_str()), ("v1.32.9", "1", "32"));
    let asked = r#"{{ range .Capabilities.APIVersions }}{{ printf "\n# v %s" . }}{{ end }}{{ printf "\n" }}"#;
    let folder = chart("caps", &[("caps.yaml", asked)]);
    let shown =
        run_helm(&stage.kubeconfig, &stage.namespace, &["template", "caps", folder.path().to_str().unwrap(), "--validate"]).await.unwrap();
    // other stories bring kinds of their own meanwhile
    let own = |version: &str| version.starts_with("stories.example.com");
    let theirs: BTreeSet<&str> = shown.lines().filter_map(|line| line.strip_prefix("# v ")).filter(|version| !own(version)).collect();
    let ours: BTreeSet<&str> = server.api_versions.iter().map(String::as_str).filter(|version| !own(version)).collect();
    assert_eq!(ours, theirs);
    let deployment = stage.cluster.resource("apps/v1", "Deployment").await.unwrap();
    assert_eq!((deployment.plural.as_str(), deployment.namespaced), ("deployments", true));
    assert!(!stage.cluster.resource("v1", "Namespace").await.unwrap().namespaced);
}

pub(crate) async fn objects_come_go_and_change(stage: &Stage) {
    let cluster = &stage.cluster;
    let unplaced = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "1", "l": "2"}});
    let map = cluster.place(unplaced, &stage.namespace).await.unwrap();
    assert_eq!(map["metadata"]["namespace"], json!(stage.namespace));
    let name = ObjectName::of(&map).unwrap();
    assert_eq!(cluster.get(&name).await.unwrap(), None);
    let made = cluster.create(&map).await.unwrap();
    assert_eq!(cluster.get(&name).await.unwrap().as_ref(), Some(&made));
    let patched = cluster.patch(&name, &Patch::Merge(json!({"data": {"k": null, "m": "3"}}))).await.unwrap();
    assert_eq!(patched["data"], json!({"l": "2", "m": "3"}));
    let replaced = cluster.replace(&map).await.unwrap();
    assert_eq!(replaced["data"], json!({"k": "1", "l": "2"}));
    let mut stale = made.clone();
    stale["data"] = json!({});
    assert!(cluster.replace(&stale).await.unwrap_err().is_conflict());
    assert!(cluster.delete(&name, Propagation::Background).await.unwrap());
    assert!(!cluster.delete(&name, Propagation::Background).await.unwrap());
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "stories:a"}, "rules": []});
    let role = cluster.place(role, &stage.namespace).await.unwrap();
    assert!(role["metadata"].get("namespace").is_none());
    cluster.create(&role).await.unwrap();
    assert!(cluster.delete(&ObjectName::of(&role).unwrap(), Propagation::Background).await.unwrap());
}

pub(crate) async fn refusals_tell_code_and_reason(stage: &Stage) {
    let cluster = &stage.cluster;
    let map = stage.object("v1", "ConfigMap", "a", json!({"data": {}}));
    cluster.create(&map).await.unwrap();
    let twice = cluster.create(&map).await.unwrap_err();
    assert!(twice.is_already_exists(), "{twice}");
    assert_eq!(twice.to_string(), "configmaps \"a\" already exists");
    let wrong = stage.object("apps/v1", "Deployment", "b", json!({"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {}}}));
    let wrong = cluster.create(&wrong).await.unwrap_err();
    let refusal = wrong.refusal().unwrap();
    assert_eq!((refusal.code, refusal.reason.as_str()), (422, "Invalid"));
    assert!(refusal.causes.iter().any(|cause| cause.field == "spec.template.metadata.labels"), "{refusal:?}");
    let unknown = json!({"apiVersion": "example.com/v1", "kind": "Nothing", "metadata": {"name": "a"}});
    let unknown = cluster.place(unknown, "default").await.unwrap_err();
    assert!(unknown.to_string().contains("no matches for kind \"Nothing\" in version \"example.com/v1\""), "{unknown}");
    let nowhere = penstock_target::kubernetes::ClusterSettings {
        kubeconfig: Some(stage.kubeconfig.clone()),
        server: Some("https://127.0.0.1:1".into()),
        ..Default::default()
    };
    let nowhere = penstock_target::kubernetes::KubernetesCluster::open(&nowhere).await.unwrap().server().await.unwrap_err();
    assert!(matches!(nowhere, ClusterError::Unreachable(_)), "{nowhere}");
    println!("nobody there: {nowhere}");
}

pub(crate) async fn lists_are_whole_however_many_pages_they_take(stage: &Stage) {
    let cluster = &stage.cluster;
    let mut makers = tokio::task::JoinSet::new();
    for at in 0..520 {
        let labels = json!({"owner": "helm", "name": if at % 2 == 0 { "even" } else { "odd" }});
        let mut secret = stage.object("v1", "Secret", &format!("sh.helm.release.v1.a.v{at}"), json!({"type": "helm.sh/release.v1"}));
        secret["metadata"]["labels"] = labels;
        let cluster = cluster.clone();
        makers.spawn(async move { cluster.create(&secret).await.unwrap() });
    }
    makers.join_all().await;
    let query = |labels: &str| Query {
        api_version: "v1".into(),
        kind: "Secret".into(),
        namespace: stage.namespace.clone(),
        labels: labels.into(),
        fields: String::new(),
    };
    assert_eq!(cluster.list(&query("owner=helm")).await.unwrap().len(), 520);
    let odd = cluster.list(&query("owner=helm,name in (odd,other)")).await.unwrap();
    assert_eq!(odd.len(), 260);
    assert!(odd.iter().all(|secret| ObjectName::of(secret).is_some_and(|name| name.kind == "Secret")));
}

pub(crate) async fn applied_fields_have_owners(stage: &Stage) {
    let cluster = &stage.cluster;
    let map = |data: serde_json::Value| stage.object("v1", "ConfigMap", "a", json!({"data": data}));
    let by = |manager: &str| ApplyAs { manager: manager.into(), force: false, dry_run: false };
    cluster.apply(&map(json!({"mine": "1", "shared": "1"})), &by("one")).await.unwrap();
    let refused = cluster.apply(&map(json!({"shared": "2"})), &by("two")).await.unwrap_err();
    assert!(refused.is_conflict());
    let conflicts: Vec<_> = refused.refusal().unwrap().conflicts().map(|cause| (cause.field.as_str(), cause.message.as_str())).collect();
    assert_eq!(conflicts, [(".data.shared", "conflict with \"one\"")]);
    let tried = cluster.apply(&map(json!({"shared": "2"})), &ApplyAs { force: true, dry_run: true, ..by("two") }).await.unwrap();
    assert_eq!(tried["data"]["shared"], "2");
    assert_eq!(stage.live(&map(json!({}))).await["data"]["shared"], "1");
    let forced = cluster.apply(&map(json!({"shared": "2"})), &ApplyAs { force: true, ..by("two") }).await.unwrap();
    assert_eq!(forced["data"], json!({"mine": "1", "shared": "2"}));
    // what its one owner applies no more is gone
    let last = cluster.apply(&map(json!({})), &by("one")).await.unwrap();
    assert_eq!(last["data"], json!({"shared": "2"}));
}

/// A definition of a kind in a group that only stories use.
pub(crate) fn definition(plural: &str, kind: &str) -> serde_json::Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.stories.example.com")},
        "spec": {
            "group": "stories.example.com", "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    })
}

pub(crate) async fn a_kind_may_come_later(stage: &Stage) {
    let cluster = &stage.cluster;
    let late = stage.object("stories.example.com/v1", "Late", "a", json!({"spec": {"size": 1.5, "list": [null, {}]}}));
    assert!(matches!(cluster.create(&late).await.unwrap_err(), ClusterError::NoSuchKind(_)));
    let definition = definition("lates", "Late");
    cluster.create(&definition).await.unwrap();
    let name = ObjectName::of(&definition).unwrap();
    cluster.wait(std::slice::from_ref(&name), Until::Ready { jobs: false }, Duration::from_secs(30)).await.unwrap();
    let made = cluster.create(&late).await.unwrap();
    assert_eq!(made["spec"], late["spec"]);
    cluster.delete(&name, Propagation::Background).await.unwrap();
    let both = [ObjectName::of(&late).unwrap(), name];
    cluster.wait(&both, Until::Deleted, Duration::from_secs(60)).await.unwrap();
}
