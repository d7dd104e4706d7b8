//! Chart repositories: whom they are asked by, and how much of them is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::remote::Login;
use penstock_registry::charts::{ChartFetcher, FetchError, Repository, Settings};

use crate::fake::{fake, ok, status, stream, to};

/// "ada:secret"
const ADA: &str = "Basic YWRhOnNlY3JldA==";

fn fetcher(change: impl FnOnce(&mut Settings)) -> ChartFetcher {
    let mut settings = Settings::default();
    change(&mut settings);
    ChartFetcher::new(settings).unwrap()
}

fn repository(address: &str) -> Repository {
    let ada = Login { username: "ada".to_owned(), password: Secret::new("secret") };
    Repository::new(&format!("http://{address}/charts")).unwrap().with_login(ada)
}

#[tokio::test]
async fn an_index_and_what_it_names_are_fetched_with_the_login_of_the_repository() {
    let fake = fake(|request| match request.uri().path() {
        "/charts/index.yaml" => ok("entries: {}"),
        "/charts/app-1.0.0+x.tgz" => ok("archive"),
        "/charts/app-1.0.0+x.tgz.prov" => ok("signed"),
        _ => status(404),
    })
    .await;
    let (fetcher, repository) = (fetcher(|_| {}), repository(&fake.address));
    assert_eq!(fetcher.index(&repository).await.unwrap(), "entries: {}");
    assert_eq!(fetcher.archive(&repository, "app-1.0.0+x.tgz").await.unwrap(), "archive");
    let whole = format!("http://{}/charts/app-1.0.0+x.tgz", fake.address);
    assert_eq!(fetcher.provenance(&repository, &whole).await.unwrap(), "signed");
    let error = fetcher.provenance(&repository, "other.tgz").await.unwrap_err();
    assert!(error.is_absent() && error.to_string().contains(&format!("http://{}/charts/other.tgz.prov", fake.address)), "{error}");
    let expected = ["index.yaml", "app-1.0.0+x.tgz", "app-1.0.0+x.tgz.prov", "other.tgz.prov"];
    assert_eq!(fake.asked(), expected.map(|path| format!("GET /charts/{path} {ADA}")));
    // a login in the address is as good, and is in no error
    let inside = Repository::new(&format!("http://ada:secret@{}/charts", fake.address)).unwrap();
    let error = fetcher.archive(&inside, "other.tgz").await.unwrap_err().to_string();
    assert!(!error.contains("secret") && fake.asked() == [format!("GET /charts/other.tgz {ADA}")], "{error}");
}

#[tokio::test]
async fn a_file_is_fetched_by_its_address_with_no_login_but_the_one_in_it_and_within_its_limit() {
    let other = fake(|_| ok("size: 1")).await;
    let there = format!("http://{}/values.yaml", other.address);
    let own = fake(move |request| match request.uri().path() {
        "/values.yaml" => ok("size: 1"),
        "/moved.yaml" => to(&there),
        "/large.yaml" => stream(b"0123456789", 3, false),
        _ => status(401),
    })
    .await;
    let fetcher = fetcher(|settings| settings.max_file = 20);
    let file = async |path: &str| fetcher.file(&format!("http://ada:secret@{}/{path}?token=secret", own.address)).await;
    let values = file("values.yaml").await.unwrap();
    assert_eq!((values.bytes, values.shown), ("size: 1".into(), format!("http://{}/values.yaml", own.address)));
    assert_eq!(file("moved.yaml").await.unwrap().bytes, "size: 1");
    assert_eq!(other.asked(), ["GET /values.yaml -"], "the other host is shown no login");
    assert!(matches!(file("large.yaml").await, Err(FetchError::TooLarge { limit: 20, .. })));
    let refused = file("none.yaml").await.unwrap_err().to_string();
    assert!(refused.contains("was shown the login that stands in the address") && !refused.contains("secret"), "{refused}");
    let bare = fetcher.file(&format!("http://{}/none.yaml", own.address)).await.unwrap_err().to_string();
    assert!(bare.contains("a login is for charts alone"), "{bare}");
}

#[tokio::test]
async fn another_host_is_shown_no_login_by_redirect_or_by_the_index() {
    let other = fake(|_| ok("archive")).await;
    let elsewhere = format!("http://{}/app.tgz", other.address);
    let there = elsewhere.clone();
    let own = fake(move |request| match request.uri().path() {
        "/charts/app.tgz" => to(&there),
        "/charts/moved.tgz" => to("/here.tgz"),
        _ => ok("archive"),
    })
    .await;
    let (fetcher, repository) = (fetcher(|_| {}), repository(&own.address));
    for named in ["app.tgz", &elsewhere] {
        assert_eq!(fetcher.archive(&repository, named).await.unwrap(), "archive");
        assert_eq!(other.asked(), ["GET /app.tgz -"], "{named}");
    }
    own.asked();
    fetcher.archive(&repository, "moved.tgz").await.unwrap();
    assert_eq!(own.asked(), [format!("GET /charts/moved.tgz {ADA}"), format!("GET /here.tgz {ADA}")]);
    // only when that is said, and never by redirect
    let generous = repository.pass_credentials();
    fetcher.archive(&generous, &elsewhere).await.unwrap();
    fetcher.archive(&generous, "app.tgz").await.unwrap();
    assert_eq!(other.asked(), [format!("GET /app.tgz {ADA}"), "GET /app.tgz -".to_owned()]);
}

#[tokio::test]
async fn what_is_too_large_is_not_taken_whether_its_size_is_said_or_not() {
    let fake = fake(|request| match request.uri().path() {
        "/charts/index.yaml" => ok(vec![b'x'; 2001]),
        "/charts/endless.tgz" => stream(b"0123456789", 10_000_000, true),
        _ => ok(vec![b'x'; 2000]),
    })
    .await;
    let fetcher = fetcher(|settings| (settings.max_index, settings.max_archive) = (2000, 2000));
    let repository = repository(&fake.address);
    for error in [fetcher.index(&repository).await.unwrap_err(), fetcher.archive(&repository, "endless.tgz").await.unwrap_err()] {
        assert!(matches!(&error, FetchError::TooLarge { limit: 2000, .. }), "{error}");
    }
    assert_eq!(fetcher.archive(&repository, "just.tgz").await.unwrap().len(), 2000);
}

#[tokio::test]
async fn a_slow_server_and_one_that_sends_in_circles_come_to_an_end() {
    let fake = fake(|request| match request.uri().path() {
        "/charts/index.yaml" => to("/charts/index.yaml"),
        "/charts/odd.tgz" => to("ftp://elsewhere/odd.tgz"),
        _ => stream(b"a", 3, true),
    })
    .await;
    let repository = repository(&fake.address);
    let slow = fetcher(|settings| settings.time = Duration::from_millis(300));
    let error = slow.archive(&repository, "app.tgz").await.unwrap_err();
    assert!(matches!(error, FetchError::TooSlow { .. }), "{error}");
    let error = fetcher(|_| {}).index(&repository).await.unwrap_err().to_string();
    assert!(error.ends_with("it was sent on more than 10 times"), "{error}");
    let error = fetcher(|_| {}).archive(&repository, "odd.tgz").await.unwrap_err().to_string();
    assert!(error.ends_with("it sends on to what is neither http:// nor https://"), "{error}");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_one_that_refuses_is_not() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let fake = fake(move |request| match (request.uri().path(), count.fetch_add(1, Ordering::SeqCst)) {
        ("/charts/index.yaml", 0 | 1) => status(503),
        ("/charts/index.yaml", _) => ok("entries: {}"),
        _ => status(403),
    })
    .await;
    let (fetcher, repository) = (fetcher(|_| {}), repository(&fake.address));
    assert_eq!(fetcher.index(&repository).await.unwrap(), "entries: {}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let error = fetcher.archive(&repository, "app.tgz").await.unwrap_err().to_string();
    assert!(error.ends_with("403 Forbidden; it was shown the login that the repository has"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}
