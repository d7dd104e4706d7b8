//! Results of steps go when no build used them for long, and a build that needs them again makes them again.

use std::path::Path;
use std::time::{Duration, SystemTime};

use penstock_model::{Clock, Timestamp, clock::SystemClock};

use crate::shop::Shop;

const FILE: &str = "FROM scratch\nCOPY src/a /a\nCOPY src/b /b\n";

/// Every kept result, as if no build had used it for a day.
fn age(dir: &Path) {
    for entry in std::fs::read_dir(dir.join("builds/kept")).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(24)).unwrap();
    }
}

fn an_hour_ago() -> Timestamp {
    Timestamp(SystemClock.now().0 - 3_600_000)
}

#[tokio::test]
async fn what_no_build_used_for_long_goes_and_what_one_used_stays() {
    let shop = Shop::new().await;
    shop.file("src/a", "one\n");
    shop.file("src/b", "two\n");
    let first = shop.build(FILE).await.unwrap();
    age(shop.dir.path());
    // this build finds the first step's result, and makes another of the second
    shop.file("src/b", "three\n");
    let second = shop.build(FILE).await.unwrap();
    assert_eq!((second.cached_steps, second.steps), (1, 2));
    let would = shop.builder.tidy(an_hour_ago(), true).await.unwrap();
    assert_eq!(std::fs::read_dir(shop.dir.path().join("builds/kept")).unwrap().count(), 3, "a dry run removes nothing");
    let tidied = shop.builder.tidy(an_hour_ago(), false).await.unwrap();
    assert_eq!(tidied, would);
    assert_eq!(tidied.gone.len(), 1);
    let mut layers: Vec<_> = tidied.layers.iter().map(|layer| layer.diff_id).collect();
    layers.sort();
    let mut of_second = second.config.rootfs.diff_ids.clone();
    of_second.sort();
    assert_eq!(layers, of_second, "the layers that a build counts on are named");
    assert_eq!(shop.build(FILE).await.unwrap().cached_steps, 2);
    shop.file("src/b", "two\n");
    let again = shop.build(FILE).await.unwrap();
    assert_eq!((again.cached_steps, again.manifest_digest), (1, first.manifest_digest));
    shop.close().await;
}

#[tokio::test]
async fn a_result_whose_layer_is_gone_and_a_file_that_says_nothing_go_however_young() {
    let shop = Shop::new().await;
    shop.file("src/a", "one\n");
    shop.file("src/b", "two\n");
    shop.build(FILE).await.unwrap();
    std::fs::write(shop.dir.path().join("builds/kept/.tmp"), "half").unwrap();
    let layer = shop.builder.tidy(an_hour_ago(), true).await.unwrap().layers.remove(0);
    shop.blobs.0.lock().unwrap().remove(&layer.blob.digest);
    let tidied = shop.builder.tidy(an_hour_ago(), false).await.unwrap();
    assert_eq!((tidied.gone.len(), tidied.layers.len()), (2, 1));
    assert_eq!(shop.build(FILE).await.unwrap().cached_steps, 1);
    shop.close().await;
}
