//! Charts of registries: pushed, listed, pulled, and what is not taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use penstock_model::registry::ImageRegistry;
use penstock_model::remote::Login;
use penstock_model::{Digest, Secret};
use penstock_registry::charts::{ChartFetcher, ChartReference, ChartToPush, FetchError, Logins, Settings};
use serde_json::{Value, json};

use crate::fake::{Fake, challenge, fake, located, ok, status, stream, to};
use crate::remote::{other, writer};

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const ARCHIVE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

fn fetcher(change: impl FnOnce(&mut Settings)) -> ChartFetcher {
    let mut settings = Settings::default();
    change(&mut settings);
    ChartFetcher::new(settings).unwrap()
}

fn chart() -> ChartToPush {
    let config = Bytes::from_static(br#"{"name":"app","version":"1.0.0+a","apiVersion":"v2"}"#);
    let annotations = penstock_registry::charts::annotations(&config, "2026-01-02T03:04:05Z").unwrap();
    ChartToPush { archive: Bytes::from(vec![7; 300_000]), provenance: Some(Bytes::from_static(b"signed")), config, annotations }
}

fn at(address: &str, rest: &str) -> ChartReference {
    format!("oci://{address}/{rest}").parse().unwrap()
}

#[tokio::test]
async fn a_chart_comes_back_as_it_was_pushed_behind_a_token_server() {
    let other = other().await;
    let fetcher = fetcher(|settings| settings.logins.add(&other.address, writer()));
    let reference = ChartReference::to_push(&format!("oci://{}/team/charts", other.address), "app", "1.0.0+a").unwrap();
    let digest = fetcher.oci_push(&chart(), &reference).await.unwrap();
    let kept = other.there.registry.resolve(&"team/charts/app".parse().unwrap(), "1.0.0_a").await.unwrap();
    assert_eq!(kept, Some(digest));
    let pulled = fetcher.oci_pull(&reference).await.unwrap();
    assert_eq!((pulled.digest, pulled.old_media_type), (digest, false));
    assert_eq!((pulled.archive, pulled.provenance, pulled.config), (chart().archive, chart().provenance, chart().config));
    assert_eq!(fetcher.oci_resolve(&reference).await.unwrap(), digest);
    assert_eq!(fetcher.oci_tags(&reference).await.unwrap(), ["1.0.0+a"]);
    let by_digest = fetcher.oci_pull(&at(&other.address, &format!("team/charts/app@{digest}"))).await.unwrap();
    assert_eq!(by_digest.archive, chart().archive);
    let asked = std::mem::take(&mut *other.asked.lock().unwrap());
    assert_eq!(asked[0], "token here repository:team/charts/app:pull,push");
    // one token to push and one to pull, whatever the calls
    assert_eq!(asked.iter().filter(|line| line.starts_with("token")).count(), 2, "{asked:?}");
    // what is there is not sent again
    fetcher.oci_push(&chart(), &reference).await.unwrap();
    let again = std::mem::take(&mut *other.asked.lock().unwrap());
    assert!(again.iter().all(|line| !line.starts_with("POST")), "{again:?}");
}

#[tokio::test]
async fn logins_of_files_let_in_by_every_kind_of_token() {
    let other = other().await;
    let directory = tempfile::tempdir().unwrap();
    for (entry, expected) in [
        (json!({ "auth": "d3JpdGVyOnNlY3JldA==" }), Some("token here repository:app:pull")),
        (json!({ "identitytoken": "refresh+me" }), Some("refresh here repository:app:pull")),
        (json!({ "registrytoken": "let-in" }), None),
    ] {
        let file = directory.path().join("config.json");
        std::fs::write(&file, json!({ "auths": { other.address.clone(): entry } }).to_string()).unwrap();
        let mut logins = Logins::none();
        logins.add_file(&file).unwrap();
        let error = fetcher(|settings| settings.logins = logins).oci_tags(&at(&other.address, "app")).await.unwrap_err();
        assert!(error.is_absent(), "{error}");
        let asked = std::mem::take(&mut *other.asked.lock().unwrap());
        assert_eq!(asked.first().map(String::as_str).filter(|line| !line.starts_with("GET")), expected, "{asked:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_who_what_and_what_to_do_and_no_secret() {
    let other = other().await;
    let reference = at(&other.address, "team/app:1.0.0");
    let error = fetcher(|_| {}).oci_pull(&reference).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{} refuses the chart {reference}: 403 Forbidden: not you; if it is private", other.address)),
        "{error}"
    );
    let wrong = Login { username: "writer".to_owned(), password: Secret::new("guess") };
    let error = fetcher(|settings| settings.logins.add(&other.address, wrong)).oci_pull(&reference).await.unwrap_err().to_string();
    assert!(error.contains("401") && error.contains("it was asked with the login for") && !error.contains("guess"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    std::fs::write(&file, r#"{"credsStore": "desktop"}"#).unwrap();
    let mut logins = Logins::none();
    logins.add_file(&file).unwrap();
    let error = fetcher(|settings| settings.logins = logins).oci_pull(&reference).await.unwrap_err().to_string();
    assert!(error.contains("docker-credential-desktop, which is not started"), "{error}");
    // neither version nor digest
    let error = fetcher(|_| {}).oci_pull(&at(&other.address, "team/app")).await.unwrap_err();
    assert!(matches!(&error, FetchError::Reference { .. }), "{error}");
    let free = penstock_testkit::free_address();
    let error = fetcher(|_| {}).oci_pull(&at(&free.to_string(), "team/app:1")).await.unwrap_err();
    assert!(matches!(&error, FetchError::Unreachable { .. }), "{error}");
}

fn blob(kind: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": Digest::of(bytes), "size": bytes.len() })
}

/// A registry with one chart `app:1` whose archive is given in this way.
async fn registry(said: &'static [u8], archive: impl Fn() -> axum::response::Response + Clone + Send + Sync + 'static) -> (Fake, String) {
    let manifest = json!({ "schemaVersion": 2, "config": blob(CONFIG, b"{}"), "layers": [blob(ARCHIVE, said)] }).to_string();
    let digest = Digest::of(&manifest).to_string();
    let (by_digest, config) = (format!("/v2/app/manifests/{digest}"), format!("/v2/app/blobs/{}", Digest::of("{}")));
    let fake = fake(move |request| match request.uri().path() {
        "/v2/app/manifests/1" => ok(manifest.clone()),
        "/v2/app/manifests/2" => ok("{}"),
        "/v2/app/manifests/list" => {
            axum::response::Response::builder().header("content-type", "application/vnd.oci.image.index.v1+json").body("{}".into()).unwrap()
        }
        path if path == by_digest => ok(manifest.clone()),
        path if path == config => ok("{}"),
        path if path.starts_with("/v2/app/blobs/") => archive(),
        _ => status(404),
    })
    .await;
    (fake, digest)
}

#[tokio::test]
async fn bytes_that_are_not_what_their_digest_says_are_refused() {
    for changed in ["archivf", "arch", "archive and more"] {
        let (fake, _) = registry(b"archive", move || ok(changed)).await;
        let error = fetcher(|_| {}).oci_pull(&at(&fake.address, "app:1")).await.unwrap_err();
        assert!(matches!(&error, FetchError::Unusable { .. } | FetchError::TooLarge { limit: 7, .. }), "{changed}: {error}");
    }
    let (fake, digest) = registry(b"archive", || ok("archive")).await;
    assert_eq!(fetcher(|_| {}).oci_pull(&at(&fake.address, "app:1")).await.unwrap().archive, "archive");
    assert_eq!(fetcher(|_| {}).oci_pull(&at(&fake.address, &format!("app:1@{digest}"))).await.unwrap().archive, "archive");
    // a tag that is not there does not matter beside a digest, one that says another does
    assert!(fetcher(|_| {}).oci_pull(&at(&fake.address, &format!("app:3@{digest}"))).await.is_ok());
    let error = fetcher(|_| {}).oci_pull(&at(&fake.address, &format!("app:2@{digest}"))).await.unwrap_err().to_string();
    assert!(error.contains("the tag 2 is sha256:") && error.ends_with("was asked for"), "{error}");
    let error = fetcher(|_| {}).oci_pull(&at(&fake.address, "app:list")).await.unwrap_err().to_string();
    assert!(error.ends_with("it is no chart: it is an index of several images"), "{error}");
}

#[tokio::test]
async fn an_archive_that_is_too_large_is_not_even_asked_for_and_a_slow_one_ends() {
    let (fake, _) = registry(b"archive", || stream(b"a", 3, true)).await;
    let error = fetcher(|settings| settings.max_archive = 6).oci_pull(&at(&fake.address, "app:1")).await.unwrap_err();
    assert!(matches!(&error, FetchError::TooLarge { limit: 6, .. }), "{error}");
    assert!(fake.asked().iter().all(|line| !line.contains(&Digest::of("archive").to_string())));
    let slow = fetcher(|settings| settings.time = Duration::from_millis(300));
    let error = slow.oci_pull(&at(&fake.address, "app:1")).await.unwrap_err();
    assert!(matches!(&error, FetchError::TooSlow { .. }), "{error}");
}

#[tokio::test]
async fn a_store_of_blobs_elsewhere_is_shown_no_login() {
    let store = fake(|_| ok("archive")).await;
    let elsewhere = format!("http://{}/signed?key=1", store.address);
    let (fake, _) = registry(b"archive", move || to(&elsewhere)).await;
    // the registry itself wants none, so that the login is only at hand
    let fetcher = fetcher(|settings| settings.logins.add(&fake.address, writer()));
    assert_eq!(fetcher.oci_pull(&at(&fake.address, "app:1")).await.unwrap().archive, "archive");
    assert_eq!(store.asked(), ["GET /signed?key=1 -"]);
}

#[tokio::test]
async fn tags_are_listed_page_by_page_at_one_host() {
    let page = |tags: Value, next: &str| {
        let body = json!({ "name": "app", "tags": tags }).to_string();
        axum::response::Response::builder().header("link", next).body(body.into()).unwrap()
    };
    let fake = fake(move |request| match (request.uri().path(), request.uri().query()) {
        ("/v2/app/tags/list", None) => page(json!(["1.0.0", "latest"]), "</v2/app/tags/list?last=latest>; rel=\"next\""),
        ("/v2/app/tags/list", _) => page(json!(["1.1.0_x"]), ""),
        ("/v2/round/tags/list", _) => page(json!(["1"]), "</v2/round/tags/list?x>; rel=\"next\""),
        ("/v2/none/tags/list", _) => page(json!(null), ""),
        _ => page(json!(["1"]), "<http://elsewhere.example.com/v2/away/tags/list>; rel=\"next\""),
    })
    .await;
    let fetcher = fetcher(|settings| settings.plain_http = true);
    assert_eq!(fetcher.oci_tags(&at(&fake.address, "app")).await.unwrap(), ["1.0.0", "latest", "1.1.0+x"]);
    assert_eq!(fetcher.oci_tags(&at(&fake.address, "none")).await.unwrap(), Vec::<String>::new());
    let error = fetcher.oci_tags(&at(&fake.address, "away")).await.unwrap_err().to_string();
    assert!(error.ends_with("the list goes on at another place (elsewhere.example.com)"), "{error}");
    let error = fetcher.oci_tags(&at(&fake.address, "round")).await.unwrap_err().to_string();
    assert!(error.ends_with("there are more than 1000 pages"), "{error}");
}

#[tokio::test]
async fn a_chart_is_pushed_under_a_version_and_not_if_it_is_too_large() {
    let fetcher = fetcher(|settings| settings.max_archive = 1000);
    let without = fetcher.oci_push(&chart(), &at("localhost:1", "app")).await.unwrap_err();
    assert!(matches!(&without, FetchError::Reference { .. }), "{without}");
    let large = fetcher.oci_push(&chart(), &at("localhost:1", "app:1")).await.unwrap_err();
    assert!(matches!(&large, FetchError::TooLarge { .. }), "{large}");
    let empty = ChartToPush { annotations: BTreeMap::new(), ..chart() };
    assert!(fetcher.oci_push(&empty, &at("localhost:1", "app")).await.is_err());
}

#[tokio::test]
async fn a_place_for_uploads_elsewhere_gets_the_bytes_and_never_the_login() {
    let thief = fake(|_| status(200)).await;
    let realm = format!("Bearer realm=\"http://{}/token\"", thief.address);
    let asking = fake(move |_| challenge(&realm)).await;
    let taking = fake(|_| status(201)).await;
    for (store, taken) in [(&taking, true), (&asking, false)] {
        let upload = format!("http://{}/put?session=1", store.address);
        let fake = fake(move |request| match (request.method().as_str(), request.headers().contains_key("authorization")) {
            (_, false) => challenge("Basic realm=\"here\""),
            ("HEAD", _) => status(404),
            ("POST", _) => located(202, &upload),
            _ => status(201),
        })
        .await;
        let fetcher = fetcher(|settings| settings.logins.add(&fake.address, writer()));
        let pushed = fetcher.oci_push(&chart(), &at(&fake.address, "app:1")).await;
        assert_eq!(pushed.is_ok(), taken, "{pushed:?}");
        let asked = store.asked();
        assert!(
            !asked.is_empty() && asked.iter().all(|line| line.starts_with("PUT /put?session=1&digest=") && line.ends_with(" -")),
            "{asked:?}"
        );
    }
    assert_eq!(thief.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refresh_token_is_not_sent_on() {
    let thief = fake(|_| ok(r#"{"token": "x"}"#)).await;
    let elsewhere = format!("http://{}/token", thief.address);
    let token = fake(move |_| located(307, &elsewhere)).await;
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"here\"", token.address);
    let registry = fake(move |_| challenge(&realm)).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    std::fs::write(&file, json!({ "auths": { registry.address.clone(): { "identitytoken": "refresh" } } }).to_string()).unwrap();
    let mut logins = Logins::none();
    logins.add_file(&file).unwrap();
    let error = fetcher(|settings| settings.logins = logins).oci_tags(&at(&registry.address, "app")).await.unwrap_err().to_string();
    assert!(error.ends_with(&format!("it wants what is sent to it sent to {}", thief.address)), "{error}");
    assert_eq!(thief.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_that_has_expired_is_asked_for_anew() {
    let given = Arc::new(AtomicU32::new(0));
    let count = given.clone();
    // each token is good for one list
    let fake = fake(move |request| {
        let now = format!("Bearer {}", count.load(Ordering::SeqCst));
        let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        match request.uri().path() {
            "/token" => ok(json!({ "token": count.load(Ordering::SeqCst).to_string() }).to_string()),
            _ if shown == Some(&now) => {
                count.fetch_add(1, Ordering::SeqCst);
                ok(r#"{"tags": ["1.0.0"]}"#)
            }
            _ => challenge(format!("Bearer realm=\"http://{}/token\"", request.headers()["host"].to_str().unwrap())),
        }
    })
    .await;
    let fetcher = fetcher(|_| {});
    for _ in 0..3 {
        assert_eq!(fetcher.oci_tags(&at(&fake.address, "app")).await.unwrap(), ["1.0.0"]);
    }
    assert_eq!(given.load(Ordering::SeqCst), 3);
}
