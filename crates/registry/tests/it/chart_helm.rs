//! The real Helm and ours, one after the other at the same registry and the same repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use penstock_model::registry::ImageRegistry;
use penstock_registry::charts::{ChartFetcher, ChartReference, ChartToPush, Repository, Settings, annotations};
use penstock_registry::{Limits, router};

use crate::fake::{fake, ok, status};
use crate::fixture::{Users, fixture_with};
use crate::remote::writer;

const CHART: &str = "apiVersion: v2
name: app
version: 1.0.0+build.1
description: one & <other>
home: https://example.com
sources: [https://example.com/source, https://example.com/other]
maintainers: [{name: Ada, email: ada@example.com}, {name: Bob}]
annotations: {category: test, org.opencontainers.image.title: another}
";

/// A program that `setup/setup.sh pages` puts below `.penstock`, or that a variable names.
fn program(variable: &str, usual: &str, setup: &str) -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock").join(usual);
    let program = std::env::var_os(variable).map_or(usual, PathBuf::from);
    assert!(program.exists(), "{} is missing: run setup/setup.sh {setup}", program.display());
    program
}

fn helm() -> PathBuf {
    program("PENSTOCK_HELM", "oracle/helm", "oracle")
}

/// Runs Helm in a home of its own; gives what it says.
async fn run(helm: &Path, home: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(helm);
    command.args(arguments).current_dir(home).env_clear().env("HOME", home).env("HELM_REGISTRY_CONFIG", home.join("registry.json"));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "helm {arguments:?}: {text}");
    text
}

/// A packaged chart with a provenance file.
async fn packaged(helm: &Path, home: &Path) -> (Bytes, Bytes) {
    std::fs::create_dir_all(home.join("app/templates")).unwrap();
    std::fs::write(home.join("app/Chart.yaml"), CHART).unwrap();
    std::fs::write(home.join("app/templates/a.yaml"), "kind: A\n").unwrap();
    run(helm, home, &["package", "app"]).await;
    std::fs::write(home.join("app-1.0.0+build.1.tgz.prov"), "signed\n").unwrap();
    (std::fs::read(home.join("app-1.0.0+build.1.tgz")).unwrap().into(), Bytes::from_static(b"signed\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn helm_pushes_and_we_pull_and_the_other_way_round_with_the_same_digest() {
    let helm = helm();
    let it = fixture_with(Limits::default());
    let bound = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap().to_string();
    let app = router(it.registry.clone(), Arc::new(Users));
    tokio::spawn(async move { axum::serve(bound, app).await });
    let home = it.dir.path().join("home");
    let (archive, provenance) = packaged(&helm, &home).await;
    let logins = format!(r#"{{"auths":{{"{address}":{{"auth":"d3JpdGVyOnNlY3JldA=="}}}}}}"#);
    std::fs::write(home.join("registry.json"), logins).unwrap();
    let mut settings = Settings::default();
    settings.logins.add_file(&home.join("registry.json")).unwrap();
    let fetcher = ChartFetcher::new(settings).unwrap();

    let file = "app-1.0.0+build.1.tgz";
    run(&helm, &home, &["push", file, &format!("oci://{address}/theirs")]).await;
    let theirs: ChartReference = format!("oci://{address}/theirs/app:1.0.0+build.1").parse().unwrap();
    let pulled = fetcher.oci_pull(&theirs).await.unwrap();
    assert_eq!((&pulled.archive, pulled.provenance.as_ref()), (&archive, Some(&provenance)));
    assert_eq!(fetcher.oci_tags(&theirs).await.unwrap(), ["1.0.0+build.1"]);

    // the time is the archive's own, in the zone of whoever pushes: here it is taken from Helm's manifest
    let name = "theirs/app".parse().unwrap();
    let manifest = it.registry.manifest(&name, pulled.digest).await.unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.unwrap().1).unwrap();
    let created = manifest["annotations"]["org.opencontainers.image.created"].as_str().unwrap();
    let annotations = annotations(&pulled.config, created).unwrap();
    let chart = ChartToPush { archive: archive.clone(), provenance: Some(provenance), config: pulled.config, annotations };
    let ours = ChartReference::to_push(&format!("oci://{address}/ours"), "app", "1.0.0+build.1").unwrap();
    assert_eq!(fetcher.oci_push(&chart, &ours).await.unwrap(), pulled.digest, "{manifest}");

    std::fs::create_dir_all(home.join("back")).unwrap();
    let url = format!("oci://{address}/ours/app");
    let said = run(&helm, &home, &["pull", &url, "--version", "^1", "--prov", "-d", "back"]).await;
    assert!(said.contains(&pulled.digest.to_string()), "{said}");
    let back = std::fs::read_dir(home.join("back")).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let mut back: Vec<_> = back.collect();
    back.sort_by_key(Vec::len);
    assert_eq!(back, [b"signed\n".to_vec(), archive.to_vec()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_helm_wrote_leads_to_the_archive() {
    let helm = helm();
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let (archive, provenance) = packaged(&helm, &home).await;
    run(&helm, &home, &["repo", "index", "."]).await;
    let served = home.clone();
    let fake = fake(move |request| {
        std::fs::read(served.join(request.uri().path().trim_start_matches("/charts/"))).map_or_else(|_| status(404), ok)
    })
    .await;
    let fetcher = ChartFetcher::new(Settings::default()).unwrap();
    let repository = Repository::new(&format!("http://{}/charts/", fake.address)).unwrap();
    let index = fetcher.index(&repository).await.unwrap();
    let index = std::str::from_utf8(&index).unwrap();
    let named = index.lines().find_map(|line| line.trim().strip_prefix("- app-")).unwrap();
    let named = format!("app-{named}");
    assert_eq!(fetcher.archive(&repository, &named).await.unwrap(), archive);
    assert_eq!(fetcher.provenance(&repository, &named).await.unwrap(), provenance);
}

/// Docker's own registry, ended with the test.
struct Reference(std::process::Child);

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it behind `writer` and `secret`.
fn reference(at: &Path) -> (Reference, String) {
    let program = program("PENSTOCK_DOCKER_REGISTRY", "registry/usr/bin/docker-registry", "registry");
    let free = penstock_testkit::free_address();
    std::fs::write(at.join("users"), "writer:$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n").unwrap();
    let (kept, users) = (at.join("kept").display().to_string(), at.join("users").display().to_string());
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {kept:?}}}}}\n\
         http: {{addr: \"{free}\"}}\nauth: {{htpasswd: {{realm: here, path: {users:?}}}}}\n"
    );
    std::fs::write(at.join("registry.yml"), config).unwrap();
    let mut command = Command::new(&program);
    command.arg("serve").arg(at.join("registry.yml")).stdout(Stdio::null()).stderr(Stdio::null());
    (Reference(command.spawn().unwrap()), free.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_s_own_registry_takes_and_gives_charts() {
    let directory = tempfile::tempdir().unwrap();
    let (_registry, address) = reference(directory.path());
    penstock_testkit::eventually("the registry listens", || {
        let address = address.clone();
        async move { tokio::net::TcpStream::connect(address).await }
    })
    .await;
    let mut settings = Settings::default();
    settings.logins.add(&address, writer());
    let fetcher = ChartFetcher::new(settings).unwrap();
    let config = Bytes::from_static(br#"{"name":"app","version":"1.0.0+a"}"#);
    let annotations = annotations(&config, "2026-01-02T03:04:05Z").unwrap();
    let chart = ChartToPush { archive: Bytes::from(vec![7; 3_000_000]), provenance: None, config, annotations };
    let reference = ChartReference::to_push(&format!("oci://{address}/team"), "app", "1.0.0+a").unwrap();
    let digest = fetcher.oci_push(&chart, &reference).await.unwrap();
    let pulled = fetcher.oci_pull(&reference).await.unwrap();
    assert_eq!((pulled.digest, pulled.archive == chart.archive, pulled.provenance), (digest, true, None));
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        fetcher.oci_push(&chart, &reference.at_version(version).unwrap()).await.unwrap();
    }
    let mut versions = fetcher.oci_tags(&reference).await.unwrap();
    versions.sort();
    assert_eq!(versions, ["1.0.0", "1.0.0+a", "1.1.0", "2.0.0"]);
    let stranger = ChartFetcher::new(Settings::default()).unwrap();
    let error = stranger.oci_pull(&reference).await.unwrap_err().to_string();
    assert!(error.contains("401 Unauthorized") && error.contains("give --username and --password"), "{error}");
}
