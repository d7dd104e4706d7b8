//! Two servers on one machine know nothing of each other.

use std::time::Duration;

use crate::house::House;
use crate::kernel::left;
use crate::shop::Shop;
use crate::traffic::{Traffic, get};

async fn deliver(name: &'static str) -> Shop {
    let mut shop = Shop::open(name, false).await;
    shop.version("1", "200 OK").await;
    shop.source.push().await.unwrap();
    shop.event("release.delivered", "staging").await;
    shop.event("release.checked", "staging").await;
    shop
}

/// Takes a house down whose server has ended.
async fn end(house: &House) {
    let down = house.penstock(&["down"]).await;
    assert!(down.status.success(), "{down:?}");
    assert_eq!(left(house), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_deliver_side_by_side_and_one_ends_without_the_other_noticing() {
    let (mut bakery, mut florist) = tokio::join!(deliver("bakery"), deliver("florist"));
    for shop in [&bakery, &florist] {
        assert_eq!(get(shop.ports["staging"], "/").await.unwrap(), (200, "version 1".to_owned()));
        assert_eq!(shop.stands(&released(shop).await, "staging").await.step, "delivered");
        assert!(!left(&shop.house).is_empty(), "what is looked for is found while it is there");
    }
    let traffic = Traffic::begin(florist.ports["staging"], "/", Duration::from_millis(20));
    // one that was killed is taken down as well as one that was asked to end
    bakery.house.kill().await;
    end(&bakery.house).await;
    assert!(get(bakery.ports["staging"], "/").await.is_err(), "nobody answers for the one that is down");
    // the other one still delivers
    florist.version("2", "200 OK").await;
    florist.source.push().await.unwrap();
    florist.event("release.delivered", "staging").await;
    let tally = traffic.end().await;
    assert_eq!(tally.failed, Vec::<String>::new(), "{:?}", tally.answers);
    assert_eq!(get(florist.ports["staging"], "/").await.unwrap(), (200, "version 2".to_owned()));
    florist.house.stop().await;
    end(&florist.house).await;
}

async fn released(shop: &Shop) -> String {
    let events = shop.events().await;
    let created = events.iter().find(|event| event.kind == "release.created").unwrap();
    created.stream.strip_prefix("release/").unwrap().to_owned()
}
