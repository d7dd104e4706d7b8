//! What is copied where, and what the rest of the image looks like.

use crate::shop::{SHELL, Shop};

#[tokio::test]
async fn the_context_is_seen_without_what_is_ignored() {
    let shop = Shop::new().await;
    for path in ["a/1.txt", "a/2.log", "b/keep/x", "b/drop", "target/big", "c.md", "README.md"] {
        shop.file(path, path);
    }
    shop.file(".dockerignore", "target\n*.md\n!README.md\n**/*.log\nb\n!b/keep\nDockerfile\n.dockerignore\nbusybox\n");
    let built = shop.build("FROM scratch\nCOPY . /all\nCOPY a/*.txt *.md /some/\nCOPY a/1.txt /one\nADD b/keep /keep/\n").await.unwrap();
    assert_eq!(
        shop.entries(&built),
        [
            vec![
                "all/ 755 0:0",
                "all/README.md 644 0:0 9 bytes",
                "all/a/ 755 0:0",
                "all/a/1.txt 644 0:0 7 bytes",
                "all/b/ 755 0:0",
                "all/b/keep/ 755 0:0",
                "all/b/keep/x 644 0:0 8 bytes"
            ],
            vec!["some/ 755 0:0", "some/1.txt 644 0:0 7 bytes", "some/README.md 644 0:0 9 bytes"],
            vec!["one 644 0:0 7 bytes"],
            vec!["keep/ 755 0:0", "keep/x 644 0:0 8 bytes"],
        ]
    );
    for (copy, expected) in [
        ("COPY c.md /", "`c.md` is not in the context: is it spelled right, or hidden by .dockerignore?"),
        ("COPY b/drop /", "`b/drop` is not in the context"),
        ("COPY nothing* /", "`nothing*` is not in the context"),
        ("COPY a/* /x", "several files into `/x`"),
    ] {
        shop.file("a/3.txt", "");
        let error = shop.build(&format!("FROM scratch\n{copy}\n")).await.unwrap_err().to_string();
        assert!(error.starts_with("Dockerfile:2: ") && error.contains(expected), "{error}");
    }
    shop.close().await;
}

#[tokio::test]
async fn copies_follow_the_stages_links_and_keep_what_is_there() {
    let shop = Shop::new().await;
    shop.file("rootfs/lib/new", "n");
    shop.file("rootfs/tmp/t", "t");
    shop.file("file", "f");
    let base = format!(
        "{SHELL}RUN mkdir -p /usr/lib /tmp /data && chmod 1777 /tmp && ln -s usr/lib /lib && echo old > /usr/lib/old && mkdir /etc && echo app:x:7:8::/: > /etc/passwd && chown 7:8 /data\n"
    );
    let built = shop.build(&format!("{base}FROM shell AS x\nCOPY file /zzz\n{}", base.replace("AS shell", "AS last"))).await.unwrap();
    shop.name("test/base:1", &built);
    let built = shop
        .build("FROM test/base:1\nCOPY rootfs/ /\nCOPY file /lib/\nCOPY file /data\nCOPY --chown=app file /data/owned\nCOPY --from=test/base:1 /lib/old /copied\nWORKDIR /lib/deep/er\n")
        .await
        .unwrap();
    assert_eq!(built.materials.len(), 1);
    let layers = shop.entries(&built);
    assert_eq!(
        layers[layers.len() - 6..],
        [
            vec!["tmp/ 1777 0:0", "tmp/t 644 0:0 1 bytes", "usr/ 755 0:0", "usr/lib/ 755 0:0", "usr/lib/new 644 0:0 1 bytes"],
            vec!["usr/ 755 0:0", "usr/lib/ 755 0:0", "usr/lib/file 644 0:0 1 bytes"],
            vec!["data/ 755 7:8", "data/file 644 0:0 1 bytes"],
            vec!["data/ 755 7:8", "data/owned 644 7:8 1 bytes"],
            vec!["copied 644 0:0 4 bytes"],
            vec!["usr/ 755 0:0", "usr/lib/ 755 0:0", "usr/lib/deep/ 755 0:0", "usr/lib/deep/er/ 755 0:0"],
        ]
    );
    shop.close().await;
}

#[tokio::test]
async fn removed_replaced_and_linked_files_come_out_of_a_step_as_layers_have_them() {
    let shop = Shop::new().await;
    let built = shop
        .build(&format!(
            "{SHELL}RUN mkdir -p /d/e /gone && echo a > /d/e/f && echo b > /d/g\nRUN rm -r /gone /d/g && rm -r /d/e && mkdir /d/e && echo c > /d/e/h && ln /d/e/h /d/i && ln -s h /d/e/j && mkfifo /d/p && chmod 4755 /d/e/h\nRUN true\n"
        ))
        .await
        .unwrap();
    let layers = shop.entries(&built);
    assert_eq!(
        layers[3],
        [
            ".wh.gone 600 0:0 0 bytes",
            "d/ 755 0:0",
            "d/.wh.g 600 0:0 0 bytes",
            "d/e/ 755 0:0",
            "d/e/.wh..wh..opq 600 0:0 0 bytes",
            "d/e/h 4755 0:0 2 bytes",
            "d/e/j 777 0:0 Symlink h",
            "d/i 4755 0:0 Link d/e/h",
            "d/p 644 0:0 Fifo ",
        ]
    );
    assert_eq!(layers.len(), 4, "a step that changes nothing makes no layer");
    let history: Vec<bool> = built.config.history.iter().map(|line| line.empty_layer).collect();
    assert_eq!(history, [false, false, false, false, true]);
    shop.close().await;
}
