//! A server that never lives for long still delivers: what it did stays done.

use std::time::Duration;

use crate::chance::Chance;
use crate::house::LIMIT;
use crate::kernel::Starts;
use crate::shop::Shop;
use crate::traffic::{Traffic, get};

/// How often the server dies.
const DEATHS: usize = 25;
/// How long a server lives at most, in milliseconds.
const LIFE_MS: u64 = 2000;
/// How often somebody asks.
const PACE: Duration = Duration::from_millis(20);

/// What a person does until it has worked: push, and approve once there is something to approve. True once the release
/// of this version is in production.
async fn insist(shop: &Shop, version: usize) -> Result<bool, String> {
    shop.source.push().await?;
    let events = shop.events().await;
    let made = events.iter().filter(|event| event.kind == "release.created");
    let releases: Vec<_> = made.filter_map(|event| event.stream.strip_prefix("release/")).collect();
    let Some(release) = releases.get(version - 1) else { return Ok(false) };
    match shop.stands(release, "production").await.step.as_str() {
        "delivered" => Ok(true),
        "awaiting_approval" => {
            // one that came in time is answered with a refusal
            let _ = shop.approve(release).await;
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// Insists until it is delivered.
async fn deliver(shop: &Shop, version: usize) -> Result<(), String> {
    while !insist(shop, version).await? {
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_again_and_again_delivers_each_thing_once() {
    let mut chance = Chance::seeded();
    let mut shop = Shop::open("shop", true).await;
    let mut starts = Starts::of(&shop.house);
    shop.version("1", "200 OK").await;
    tokio::time::timeout(LIMIT, deliver(&shop, 1)).await.expect("a first delivery").unwrap();
    let traffic = Traffic::begin(shop.ports["production"], "/", PACE);
    let mut version = 2;
    shop.version("2", "200 OK").await;
    for _ in 0..DEATHS {
        let life = Duration::from_millis(chance.below(LIFE_MS));
        // whatever the person is at is cut off where it is
        let delivered = tokio::time::timeout(life, deliver(&shop, version)).await.is_ok_and(|ended| ended.is_ok());
        shop.house.kill().await;
        shop.house.start().await;
        let last = shop.events().await.last().map(|event| event.kind.clone()).unwrap_or_default();
        println!("version {version}: killed within {} ms; what came last: {last}", life.as_millis());
        if delivered {
            version += 1;
            shop.version(&version.to_string(), "200 OK").await;
        }
    }
    tokio::time::timeout(LIMIT, deliver(&shop, version)).await.expect("it is delivered once the server lives").unwrap();
    let tally = traffic.end().await;
    assert_eq!(tally.failed, Vec::<String>::new(), "{:?}", tally.answers);
    once(&shop, &mut starts, version).await;
}

/// Every version went once through everything.
async fn once(shop: &Shop, starts: &mut Starts, versions: usize) {
    for environment in ["staging", "production"] {
        assert_eq!(get(shop.ports[environment], "/").await.unwrap(), (200, format!("version {versions}")));
    }
    let history = shop.server_git("shop-config", &["log", "--format=%(trailers:key=Penstock-Release,valueonly,separator=%x20)", "main"]);
    assert_eq!(history.lines().filter(|line| !line.is_empty()).count(), 2 * versions, "{history}");
    let mut counts = starts.count();
    counts.retain(|name, _| name.starts_with("web-"));
    assert!(counts.values().all(|count| *count == 1), "{counts:#?}");
    assert_eq!(counts.len(), 3 * versions, "one in staging, two in production: {counts:#?}");
    let events = shop.events().await;
    for kind in ["project.pushed", "release.created", "run.finished"] {
        assert_eq!(events.iter().filter(|event| event.kind == kind).count(), versions, "{kind}");
    }
}
