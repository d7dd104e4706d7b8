//! How long a build takes in which nothing changed: `cargo bench -p penstock-builder`. Needs root.

#![allow(missing_docs, clippy::expect_used, clippy::disallowed_methods, reason = "a bench")]

#[path = "../tests/it/shop.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "shared with the tests, which use all of it")]
mod shop;

use std::time::Instant;

use penstock_testkit::median;
use shop::Shop;

const ROUNDS: usize = 30;
const FILES: usize = 200;
const DOCKERFILE: &str =
    "FROM scratch AS made\nCOPY files /files\nCOPY busybox /bin/busybox\nFROM scratch\nCOPY --from=made /files /srv\nENV A=b\n";

fn main() {
    // `cargo test --benches` passes no `--bench`: nothing is measured then
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        // no step of this Dockerfile runs a program
        let shop = Shop::with_helper("/bin/false".into()).await;
        for number in 0..FILES {
            shop.file(&format!("files/{number}.txt"), &format!("{number} ").repeat(10_000));
        }
        let begun = Instant::now();
        let first = shop.build(DOCKERFILE).await.expect("it builds");
        println!("the first build, {FILES} files: {:?}", begun.elapsed());
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let again = shop.build(DOCKERFILE).await.expect("it builds again");
            times.push(begun.elapsed());
            assert_eq!(again.manifest_digest, first.manifest_digest, "nothing changed");
        }
        println!("a rebuild without change: median {:?} of {ROUNDS}", median(times));
        shop.close().await;
    });
}
