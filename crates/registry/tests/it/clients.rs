//! The real clients: skopeo and crane, where they are.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use penstock_model::Digest;
use penstock_model::image::media;
use penstock_model::registry::ImageRegistry;
use penstock_registry::{Limits, router};
use serde_json::json;

use crate::fixture::{Users, fixture_with};

/// A program's output; `None` where there is no such program.
async fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("DOCKER_CONFIG", "/nonexistent");
    let output = match tokio::task::spawn_blocking(move || command.output()).await.unwrap() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("not run: there is no {program}");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    Some(text)
}

/// Writes an image of one gzip layer in OCI layout; gives its digest.
fn layout(at: &Path) -> Digest {
    let blobs = at.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| {
        let digest = Digest::of(bytes);
        std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
        json!({ "digest": digest, "size": bytes.len() })
    };
    let with = |media_type: &str, mut descriptor: serde_json::Value| {
        descriptor["mediaType"] = media_type.into();
        descriptor
    };
    // two blocks of zeros are a tar archive with nothing in it
    let tar = vec![0; 5_000_000];
    let plain = at.join("layer.tar");
    std::fs::write(&plain, &tar).unwrap();
    assert!(Command::new("gzip").args(["-n", "-1"]).arg(&plain).status().unwrap().success());
    let layer = with(media::LAYER_GZIP, put(&std::fs::read(at.join("layer.tar.gz")).unwrap()));
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": [Digest::of(&tar)] } });
    let config = with(media::CONFIG, put(config.to_string().as_bytes()));
    let manifest = json!({ "schemaVersion": 2, "mediaType": media::MANIFEST, "config": config, "layers": [layer] }).to_string();
    let mut descriptor = with(media::MANIFEST, put(manifest.as_bytes()));
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    std::fs::write(at.join("index.json"), json!({ "schemaVersion": 2, "manifests": [descriptor] }).to_string()).unwrap();
    std::fs::write(at.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    Digest::of(manifest)
}

#[tokio::test(flavor = "multi_thread")]
async fn real_clients_push_and_pull() {
    let it = fixture_with(Limits::default());
    let bound = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr().unwrap();
    let app = router(it.registry.clone(), Arc::new(Users));
    tokio::spawn(async move { axum::serve(bound, app).await });
    let (from, to) = (it.dir.path().join("from"), it.dir.path().join("to"));
    let digest = layout(&from);
    let (from, to) = (format!("oci:{}:v1", from.display()), format!("oci:{}:v1", to.display()));
    let image = format!("docker://{address}/oran/app:v1");
    let pushed = run(
        "skopeo",
        &["--insecure-policy", "copy", "--preserve-digests", "--dest-tls-verify=false", "--dest-creds=writer:secret", &from, &image],
    )
    .await;
    if pushed.is_some() {
        let name = "oran/app".parse().unwrap();
        assert_eq!(it.registry.resolve(&name, "v1").await.unwrap(), Some(digest));
        run(
            "skopeo",
            &["--insecure-policy", "copy", "--preserve-digests", "--src-tls-verify=false", "--src-creds=reader:secret", &image, &to],
        )
        .await;
        let pulled = it.dir.path().join("to/blobs/sha256").join(digest.hex());
        assert_eq!(Digest::of(std::fs::read(pulled).unwrap()), digest);
        let inspected = run("skopeo", &["inspect", "--tls-verify=false", "--creds=reader:secret", &image]).await.unwrap();
        assert!(inspected.contains(&digest.to_string()), "{inspected}");
    }
    let crane = std::env::var("PENSTOCK_CRANE").unwrap_or_else(|_| "crane".to_owned());
    let plain = format!("{address}/oran/crane:v1");
    let layout = it.dir.path().join("from").display().to_string();
    if run(&crane, &["version"]).await.is_some() {
        let config = it.dir.path().join("docker");
        std::fs::create_dir_all(&config).unwrap();
        let login = format!(r#"{{"auths":{{"{address}":{{"auth":"d3JpdGVyOnNlY3JldA=="}}}}}}"#);
        std::fs::write(config.join("config.json"), login).unwrap();
        let config = format!("DOCKER_CONFIG={}", config.display());
        run("env", &[&config, &crane, "push", "--insecure", &layout, &plain]).await.unwrap();
        let copied = format!("{address}/oran/copied:v2");
        run("env", &[&config, &crane, "copy", "--insecure", &plain, &copied]).await.unwrap();
        let seen = run("env", &[&config, &crane, "digest", "--insecure", &copied]).await.unwrap();
        assert!(seen.contains(&digest.to_string()), "{seen}");
        run("env", &[&config, &crane, "validate", "--insecure", "--remote", &copied]).await.unwrap();
    }
}
