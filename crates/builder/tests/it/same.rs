//! The same input gives the same bytes, and nothing is done twice.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::shop::{SHELL, Shop};

fn whole() -> String {
    format!(
        "{SHELL}FROM shell AS build\nWORKDIR /work\nCOPY . .\nARG WHO=world\nRUN cat src/a > made && echo $WHO >> made && ln made again && mkdir -p out/d && rm -r src\n\
         FROM scratch\nCOPY --from=build /work/made /out/\nCOPY --from=build --chown=1000:1000 --chmod=0500 /work/again /out/again\nCOPY src/b /b\nENV A=1\nUSER 1000\nENTRYPOINT [\"/b\"]\n"
    )
}

#[tokio::test]
async fn empty_caches_other_directories_times_and_umasks_give_one_digest() {
    let mut digests = Vec::new();
    for round in 0..2 {
        let shop = Shop::new().await;
        shop.file("src/a", "one\n");
        shop.file("src/b", "two\n");
        shop.file("src/dir/c", "three\n");
        for (path, mode) in [("src/a", [0o644, 0o600]), ("src/b", [0o755, 0o700]), ("src/dir", [0o755, 0o700]), ("busybox", [0o755, 0o711])]
        {
            let path = shop.context().join(path);
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode[round])).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs([1_000_000, 2_000_000_000][round]);
            std::fs::File::open(path).unwrap().set_modified(time).unwrap();
        }
        let built = shop.build(&whole()).await.unwrap();
        assert_eq!((built.cached_steps, built.differing.len()), (0, 0), "{}", shop.output());
        digests.push(built.manifest_digest);
        if round == 0 {
            let layers = shop.entries(&built);
            assert_eq!(layers[0], ["out/ 755 0:0", "out/made 644 0:0 10 bytes"]);
            assert_eq!(layers[1], ["out/ 755 0:0", "out/again 500 1000:1000 10 bytes"]);
            assert_eq!(layers[2], ["b 755 0:0 4 bytes"]);
        }
        shop.close().await;
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test]
async fn a_rebuild_without_change_finds_everything_and_a_change_only_what_is_above_it() {
    let shop = Shop::new().await;
    shop.file("src/a", "one\n");
    shop.file("src/b", "two\n");
    let first = shop.build(&whole()).await.unwrap();
    println!("first build: {:?}", first.took);
    let began = Instant::now();
    let again = shop.build(&whole()).await.unwrap();
    println!("rebuild without change: {:?}", began.elapsed());
    assert_eq!((again.manifest_digest, again.cached_steps), (first.manifest_digest, again.steps));
    // of the next commit, with no other content
    let mut next = shop.request(&whole());
    next.source_date_epoch += 1000;
    let next = shop.builder.build(&next, Arc::clone(&shop.log) as _).await.unwrap();
    assert_eq!((next.cached_steps, &next.config.rootfs), (next.steps, &first.config.rootfs));
    assert_ne!(next.manifest_digest, first.manifest_digest);
    shop.file("src/b", "TWO\n");
    let changed = shop.build(&whole()).await.unwrap();
    assert_eq!(changed.config.rootfs.diff_ids[..2], first.config.rootfs.diff_ids[..2]);
    assert_ne!(changed.config.rootfs.diff_ids[2], first.config.rootfs.diff_ids[2]);
    // a build argument is part of the step that sees it
    let mut other = shop.request(&whole());
    other.build_args.insert("WHO".to_owned(), "moon".to_owned());
    let other = shop.builder.build(&other, Arc::clone(&shop.log) as _).await.unwrap();
    assert_ne!(other.config.rootfs.diff_ids[0], first.config.rootfs.diff_ids[0]);
    // a layer that the store has lost is made again
    shop.blobs.0.lock().unwrap().clear();
    let mended = shop.build(&whole()).await.unwrap();
    assert_eq!((mended.manifest_digest, mended.cached_steps), (changed.manifest_digest, 0));
    shop.close().await;
}

#[tokio::test]
async fn a_step_that_differs_is_reported_with_its_paths() {
    let shop = Shop::new().await;
    let mut request = shop.request(&format!("{SHELL}RUN echo same > /same; cat /proc/sys/kernel/random/uuid > /differs\n"));
    request.verify = true;
    let built = shop.builder.build(&request, Arc::clone(&shop.log) as _).await.unwrap();
    assert_eq!(built.differing.len(), 1);
    assert_eq!(built.differing[0].1, ["differs"]);
    shop.close().await;
}
