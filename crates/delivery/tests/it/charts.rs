//! A chart goes to an environment: its values get the release's digests, once, and nothing else changes.

use std::collections::BTreeMap;

use penstock_delivery::config_repository::{self, environment_files};
use penstock_delivery::effects::carry_out;
use penstock_delivery::wanted::Effect;
use penstock_gitops::order::Phase;
use penstock_gitops::{Manifest, revision};
use penstock_model::git::GitHost as _;
use penstock_model::{CommitId, Digest, RepositoryName};
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, production};

const CONFIG: &str = "version: 1
environments:
  - {name: production, application: applications/production.yaml, gate: [policies/gate.rego]}
";
const POLICY: &str = "package penstock.gate\ndefault allow := true\n";
const APPLICATION: &str = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: oran-production, namespace: argocd}
spec:
  project: default
  source:
    repoURL: oran-config
    targetRevision: main
    path: chart
    helm:
      valueFiles: [values-production.yaml]
  destination: {name: in-cluster, namespace: oran-production}
";
const CHART: &str = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
const VALUES: &str = "image:\n  repository: oran/app\n  digest: \"\"\nreplicas: 1\n";
const OWN: &str = "# what differs in production: é\nreplicas:   2\nimage:\n  # written by Penstock\n  digest:   \"\"   # keep\n";
const TEMPLATE: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  annotations:
    written: {{ now | date "2006-01-02T15:04:05" | quote }}
    password: {{ randAlphaNum 8 | quote }}
    seen: {{ .Files.Get "values-production.yaml" | sha256sum }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
        - name: app
          image: "{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ end }}"
"#;

fn config() -> RepositoryName {
    "oran-config".parse().unwrap()
}

/// A house whose production is a chart, with some files changed.
async fn house(changes: &[(&'static str, &'static str)]) -> House {
    let house = House::new().await;
    let mut files = BTreeMap::from([
        ("penstock.yaml", CONFIG),
        ("policies/gate.rego", POLICY),
        ("applications/production.yaml", APPLICATION),
        ("chart/Chart.yaml", CHART),
        ("chart/.helmignore", "*.bak\n"),
        ("chart/broken.bak", "{{"),
        ("chart/values.yaml", VALUES),
        ("chart/values-production.yaml", OWN),
        ("chart/templates/app.yaml", TEMPLATE),
    ]);
    files.extend(changes.iter().copied());
    let files: Vec<(&str, Option<&str>)> = files.into_iter().map(|(path, text)| (path, Some(text))).collect();
    house.git.push(&config(), "main", &files, "root", "deliver a chart");
    config_repository::read(&house.parts, &oran()).await.unwrap();
    house
}

async fn head(house: &House) -> CommitId {
    house.git.resolve(&config(), "refs/heads/main").await.unwrap().unwrap()
}

async fn text(house: &House, path: &str) -> String {
    String::from_utf8(house.git.read(&config(), &head(house).await, path, 1 << 20).await.unwrap().unwrap()).unwrap()
}

async fn manifests(house: &House) -> Result<Vec<Manifest>, String> {
    let environment = house.world().environment(&oran(), &production()).unwrap();
    let files = environment_files(&house.parts, &config(), &head(house).await, &environment).await.map_err(|error| error.to_string())?;
    files.manifests().await.map(|(_, manifests)| manifests).map_err(|error| error.to_string())
}

/// What the gate's effect says of a chart that it cannot render with the release in it.
async fn refused(changes: &[(&'static str, &'static str)]) -> String {
    let house = house(changes).await;
    let effect = house.wanted(|effect| matches!(effect, Effect::Gate { .. })).pop().unwrap();
    carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_digest_is_committed_in_place_and_the_chart_renders_to_the_revision_that_the_gate_saw() {
    let house = house(&[]).await;
    let (before, root) = (head(&house).await, manifests(&house).await.unwrap());
    house.gate().await;
    let seen = house.world().releases[&house.release].environments[&production()].gate.clone().unwrap().revision;
    assert!(house.wants_commit());
    house.commit().await;
    let after = head(&house).await;
    assert_eq!(house.git.changed(&config(), Some(&before), &after).await.unwrap(), ["chart/values-production.yaml"]);
    let digest = Digest::of("app");
    assert_eq!(text(&house, "chart/values-production.yaml").await, OWN.replace("\"\"", &format!("\"{digest}\"")));
    let now = manifests(&house).await.unwrap();
    assert_eq!(revision(&now), seen, "the time and what is random are the same before the commit and after it");
    assert_ne!(revision(&root), seen);
    assert_eq!(penstock_gitops::images_of(&now)[0].image, format!("oran/app@{digest}"));
    assert_eq!(now[0].value["spec"]["replicas"], 2);
    assert_eq!(now[0].key.to_string(), "Deployment oran-production/oran-production");
    assert_eq!(now[0].place("spec.replicas"), "app/templates/app.yaml (rendered):10");
    assert_eq!(now[0].value["metadata"]["annotations"]["password"], root[0].value["metadata"]["annotations"]["password"]);
}

#[tokio::test]
async fn a_server_that_dies_behind_its_commit_makes_no_second_one() {
    let house = house(&[]).await;
    house.gate().await;
    let effect = house.wanted(|effect| matches!(effect, Effect::Commit { .. })).pop().unwrap();
    house.events.fail_next(1);
    assert!(carry_out(&house.parts, &effect, CancellationToken::new()).await.is_err());
    let made = head(&house).await;
    assert!(house.wants_commit(), "nobody knows of it yet");
    house.commit().await;
    assert_eq!(head(&house).await, made);
    let state = house.world().releases[&house.release].environments[&production()].clone();
    assert_eq!(state.commit, Some(made));
    assert_eq!(state.revision, Some(revision(&manifests(&house).await.unwrap())));
}

#[tokio::test]
async fn values_of_an_application_go_over_each_other_as_with_argo_cd() {
    let application = APPLICATION.replace(
        "valueFiles: [values-production.yaml]",
        "releaseName: web\n      valueFiles: [values-production.yaml, ../shared.yaml, absent.yaml]\n      ignoreMissingValueFiles: true\n      values: 'a: {inline: 1, list: [1]}'\n      parameters: [{name: a.set, value: 'x,y'}, {name: a.text, value: 'true', forceString: true}, {name: a.list, value: '{1,2}'}]\n      fileParameters: [{name: a.file, path: files/f.txt}]\n      kubeVersion: 1.29.1\n      apiVersions: [example.org/v1]\n      namespace: elsewhere",
    );
    let house = house(&[
        ("applications/production.yaml", application.leak()),
        ("chart/values.yaml", "a: {inline: 0, shared: 0, set: 0}\nimage: {repository: oran/app}\n"),
        ("shared.yaml", "a: {inline: 2, shared: 2, set: 2}\nreplicas: 3\n"),
        ("chart/files/f.txt", "held"),
        ("chart/crds/c.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c.example.org}\n"),
        (
            "chart/templates/app.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-{{ .Release.Namespace }}}\ndata:\n  values: {{ .Values | toJson | quote }}\n  kube: {{ .Capabilities.KubeVersion }}\n  api: {{ .Capabilities.APIVersions.Has \"example.org/v1\" | quote }}\n  rollouts: {{ .Capabilities.APIVersions.Has \"argoproj.io/v1alpha1/Rollout\" | quote }}\n",
        ),
        ("chart/templates/tests/t.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n"),
    ])
    .await;
    let found = manifests(&house).await.unwrap();
    assert_eq!(
        found.iter().map(|manifest| manifest.key.to_string()).collect::<Vec<_>>(),
        ["ConfigMap oran-production/web-elsewhere", "CustomResourceDefinition /c.example.org"]
    );
    let data = &found[0].value["data"];
    let values: serde_json::Value = serde_json::from_str(data["values"].as_str().unwrap()).unwrap();
    let a = serde_json::json!({"inline": 1, "shared": 2, "set": "x,y", "text": "true", "list": [1, 2], "file": "held"});
    assert_eq!((&values["a"], &values["replicas"]), (&a, &serde_json::json!(3)));
    assert_eq!((&data["kube"], &data["api"], &data["rollouts"]), (&"v1.29.1".into(), &"true".into(), &"true".into()));
}

#[tokio::test]
async fn files_of_values_are_named_by_patterns_and_by_another_source_that_is_the_same_repository() {
    let application = APPLICATION
        .replace(
            "  source:\n    repoURL: oran-config\n",
            "  sources:\n  - {repoURL: oran-config, targetRevision: main, ref: values}\n  - repoURL: oran-config\n",
        )
        .replace("[values-production.yaml]", "[$values/envs/*.yaml, values-*.yaml]");
    let house = house(&[
        ("applications/production.yaml", application.leak()),
        ("envs/a.yaml", "replicas: 5\nimage: {repository: oran/app, digest: ''}\n"),
        ("envs/b.yaml", "replicas: 6\n"),
        ("chart/values-production.yaml", "other: 1\n"),
    ])
    .await;
    assert_eq!(manifests(&house).await.unwrap()[0].value["spec"]["replicas"], 6);
    house.gate().await;
    house.commit().await;
    assert!(text(&house, "envs/a.yaml").await.contains(&Digest::of("app").to_string()), "a file that a pattern matches is edited, too");
}

#[tokio::test]
async fn hooks_run_before_and_after_a_sync_and_what_is_to_be_kept_is_not_pruned() {
    const HOOKS: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-weight: '-5', helm.sh/hook-delete-policy: before-hook-creation}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: tell\n  annotations: {helm.sh/hook: post-upgrade}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations: {helm.sh/resource-policy: keep}\n";
    const OWN: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: own\n  annotations: {helm.sh/hook: 'pre-install,post-install', helm.sh/hook-weight: '7', argocd.argoproj.io/hook: PostSync}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: waved\n  annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: '7', argocd.argoproj.io/sync-wave: '3'}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: farewell\n  annotations: {helm.sh/hook: 'pre-delete,post-rollback'}\n";
    let found = manifests(&house(&[("chart/templates/hooks.yaml", HOOKS), ("chart/templates/own.yaml", OWN)]).await).await.unwrap();
    let wishes = |name: &str| {
        let manifest = found.iter().find(|manifest| manifest.key.name == name).unwrap();
        let wishes = penstock_gitops::order::wishes(manifest).unwrap();
        (wishes.place.phase, wishes.place.wave, wishes.prune)
    };
    assert_eq!(wishes("migrate"), (Phase::PreSync, -5, true));
    assert_eq!(wishes("tell"), (Phase::PostSync, 0, true));
    assert_eq!(wishes("kept"), (Phase::Sync, 0, false));
    assert_eq!(wishes("own"), (Phase::PostSync, 7, true), "an annotation of Argo CD's goes before Helm's");
    assert_eq!(wishes("waved"), (Phase::PreSync, 3, true));
    assert!(!found.iter().any(|manifest| manifest.key.name == "farewell"), "nothing is uninstalled");
}

#[tokio::test]
async fn a_folder_with_a_chart_is_one_without_being_told() {
    let bare = APPLICATION.replace("    helm:\n      valueFiles: [values-production.yaml]\n", "");
    let house = house(&[("applications/production.yaml", bare.leak())]).await;
    assert_eq!(manifests(&house).await.unwrap()[0].value["spec"]["replicas"], 1);
    house.gate().await;
    house.commit().await;
    assert_eq!(
        text(&house, "chart/values.yaml").await,
        VALUES.replace("\"\"", &format!("\"{}\"", Digest::of("app"))),
        "its own values, then"
    );
}

#[tokio::test]
async fn what_a_chart_cannot_deliver_is_refused_with_what_to_do() {
    const HOOK: &str =
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: 'pre-install,post-upgrade'}\n";
    const GOES: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: hook-succeeded}\n";
    const OLD: &str = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: crd-install}\n";
    const OTHER: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: oran-staging}\nspec:\n  source: {repoURL: oran-config, targetRevision: main, path: chart, helm: {valueFiles: [values-production.yaml]}}\n  destination: {namespace: oran-staging}\n";
    const TWO: &str = "version: 1
environments:
  - {name: staging, application: applications/staging.yaml, gate: [policies/gate.rego]}
  - {name: production, application: applications/production.yaml, gate: [policies/gate.rego]}
";
    let tagged = TEMPLATE.replace("{{ with .Values.image.digest }}@{{ . }}{{ end }}", ":1.0");
    let missing = APPLICATION.replace("values-production.yaml", "nowhere.yaml");
    let no_match = APPLICATION.replace("values-production.yaml", "/envs/*.yaml");
    let elsewhere = APPLICATION.replace("targetRevision: main", "targetRevision: develop");
    let misnamed = APPLICATION.replace("valueFiles", "releaseName: Web_1\n      valueFiles");
    let no_chart = APPLICATION.replace("path: chart", "path: policies");
    let directory = APPLICATION.replace("    helm:\n      valueFiles: [values-production.yaml]\n", "    directory: {recurse: true}\n");
    const SERVER_SIDE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    argocd.argoproj.io/sync-options: Prune=false,ServerSideApply=true\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  annotations:\n    helm.sh/hook: pre-install\n";
    let kube = APPLICATION.replace("valueFiles", "kubeVersion: banana\n      valueFiles");
    let cases: [&[(&str, &str)]; 19] = [
        &[("chart/templates/app.yaml", tagged.leak())],
        &[("penstock.yaml", TWO), ("applications/staging.yaml", OTHER)],
        &[("chart/templates/hook.yaml", HOOK)],
        &[("chart/templates/hook.yaml", GOES)],
        &[("chart/templates/hook.yaml", OLD)],
        &[(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.x.x, repository: 'https://example.org'}]\n",
        )],
        &[("chart/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ntype: library\n")],
        &[("chart/templates/app.yaml", "a: {{ required \"a name is needed\" .Values.name }}\n")],
        &[("chart/templates/app.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: other\n")],
        &[("chart/values.schema.json", "{\"properties\": {\"replicas\": {\"type\": \"string\"}}}")],
        &[("chart/templates/more.yaml", SERVER_SIDE)],
        &[("chart/templates/more.yaml", "a: {{ until 100000000 | len }}\n")],
        &[("applications/production.yaml", kube.leak())],
        &[("applications/production.yaml", missing.leak())],
        &[("applications/production.yaml", no_match.leak())],
        &[("applications/production.yaml", elsewhere.leak())],
        &[("applications/production.yaml", misnamed.leak())],
        &[("applications/production.yaml", no_chart.leak())],
        &[("applications/production.yaml", directory.leak())],
    ];
    let mut told = Vec::new();
    for case in cases {
        told.push(refused(case).await);
    }
    // which commit it is says nothing here
    let told = told.join("\n\n").replace(&Digest::of("app").to_string(), "DIGEST");
    let without_commit = |line: &'static str| match line.rsplit_once(" at ") {
        Some((before, commit)) if commit.chars().all(|c| c.is_ascii_hexdigit()) => before,
        _ => line.trim_end(),
    };
    let told: Vec<&str> = told.leak().lines().map(without_commit).collect();
    insta::assert_snapshot!(told.join("\n"));
}
