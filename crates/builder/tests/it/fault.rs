//! Builds that cannot be.

use std::sync::Arc;
use std::time::Duration;

use crate::shop::{SHELL, Shop};

#[tokio::test]
async fn errors_name_file_line_and_what_to_do() {
    let shop = Shop::new().await;
    shop.file("packed.tar.gz", "\u{1f}\u{8b}...");
    std::fs::write(shop.context().join("packed.tar.gz"), b"\x1f\x8b\x08\0").unwrap();
    for (text, expected) in [
        ("FROM nobody/nothing:1\n", "Dockerfile:1: there is no image `nobody/nothing:1` here: push or import it into this registry first"),
        ("FROM scratch\nADD packed.tar.gz /\n", "Dockerfile:2: ADD of the archive `packed.tar.gz` is not carried out"),
        ("FROM scratch\nCOPY --chown=app Dockerfile /\n", "Dockerfile:2: the stage has no user `app` in /etc/passwd: write its number"),
        ("FROM scratch\nVOLUME /x\n", "Dockerfile:2: VOLUME is not carried out"),
        ("FROM scratch\nRUN true\n", "`/bin/sh` is not in the image"),
    ] {
        let error = shop.build(text).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut request = shop.request("");
    request.dockerfile = "docker/Dockerfile".to_owned();
    let error = shop.builder.build(&request, Arc::clone(&shop.log) as _).await.unwrap_err().to_string();
    assert!(error.starts_with("docker/Dockerfile:1: there is no such file"), "{error}");
    shop.close().await;
}

#[tokio::test]
async fn a_step_that_fails_is_named_with_its_output_and_is_not_kept() {
    let shop = Shop::new().await;
    let text = format!("{SHELL}RUN echo doing; echo it >&2; exit 9\n");
    for _ in 0..2 {
        let error = shop.build(&text).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "Dockerfile:4: `RUN echo doing; echo it >&2; exit 9` ended with code 9: a RUN sees no network; if it needs one, write `RUN --network=default …`"
        );
    }
    assert_eq!(shop.output().matches("doing\n").count(), 2);
    let mut slow = shop.request(&format!("{SHELL}RUN sleep 100\n"));
    slow.step_timeout = Duration::from_millis(300);
    let error = shop.builder.build(&slow, Arc::clone(&shop.log) as _).await.unwrap_err().to_string();
    assert!(error.contains("code 124: it took longer"), "{error}");
    shop.close().await;
}

#[tokio::test]
async fn a_step_sees_no_network_unless_it_asks() {
    let shop = Shop::new().await;
    shop.build(&format!("{SHELL}RUN test $(ls /sys/class/net | wc -l) = 1\n")).await.unwrap();
    shop.build(&format!("{SHELL}RUN --network=default test -f /etc/hosts && ls /sys/class/net > /seen\n")).await.unwrap();
    shop.close().await;
}

#[tokio::test]
async fn a_link_out_of_the_context_leads_nowhere() {
    let shop = Shop::new().await;
    std::os::unix::fs::symlink("/etc/passwd", shop.context().join("out")).unwrap();
    std::os::unix::fs::symlink("../../../../../../etc", shop.context().join("up")).unwrap();
    for source in ["out", "up/passwd", "up"] {
        let error = shop.build(&format!("FROM scratch\nCOPY {source} /x\n")).await.unwrap_err().to_string();
        assert!(error.contains("is not in the context"), "{error}");
    }
    // as part of a directory a link is copied as the link that it is
    let built = shop.build("FROM scratch\nCOPY . /all\n").await.unwrap();
    assert!(shop.entries(&built)[0].contains(&"all/out 777 0:0 Symlink /etc/passwd".to_owned()));
    shop.close().await;
}
