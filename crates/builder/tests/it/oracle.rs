//! Other programs read what was built: skopeo checks and converts it, umoci unpacks it.

use std::path::Path;
use std::process::Command;

use penstock_model::image::Manifest;

use crate::shop::{SHELL, Shop};

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: apt-get install {program}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Writes an OCI image layout (OCI image specification 1.1).
fn layout(shop: &Shop, manifest_bytes: &[u8], digest: penstock_model::Digest, directory: &Path) {
    let blobs = directory.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let manifest: Manifest = serde_json::from_slice(manifest_bytes).unwrap();
    for wanted in manifest.layers.iter().map(|layer| layer.digest).chain([manifest.config.digest, digest]) {
        std::fs::write(blobs.join(wanted.hex()), &shop.blobs.0.lock().unwrap()[&wanted]).unwrap();
    }
    std::fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [{
        "mediaType": manifest.media_type, "digest": digest, "size": manifest_bytes.len(),
        "annotations": {"org.opencontainers.image.ref.name": "it"},
    }]});
    std::fs::write(directory.join("index.json"), index.to_string()).unwrap();
}

#[tokio::test]
async fn other_programs_understand_the_image() {
    let shop = Shop::new().await;
    shop.file("å long name/file", "content\n");
    let built = shop
        .build(&format!(
            "{SHELL}RUN mkdir -p /srv/gone /srv/kept && echo x > /srv/kept/x\nRUN rm -r /srv/gone /srv/kept && mkdir /srv/kept && echo y > /srv/kept/y\n\
             COPY . /srv/context/\nLABEL a=\"b c\"\nEXPOSE 80\nUSER 7:8\nWORKDIR /srv\nENTRYPOINT [\"/bin/sh\"]\nCMD [\"-c\", \"true\"]\n"
        ))
        .await
        .unwrap();
    let image = shop.dir.path().join("layout");
    layout(&shop, &built.manifest, built.manifest_digest, &image);
    let reference = format!("oci:{}:it", image.display());
    let seen: serde_json::Value = serde_json::from_str(&run("skopeo", &["inspect", "--config", &reference])).unwrap();
    assert_eq!(seen["config"]["Labels"]["a"], "b c");
    assert_eq!(seen["config"]["User"], "7:8");
    assert_eq!(seen["config"]["Entrypoint"][0], "/bin/sh");
    let archive = format!("docker-archive:{}:x:y", shop.dir.path().join("image.tar").display());
    run("skopeo", &["copy", "--insecure-policy", &reference, &archive]);
    let bundle = shop.dir.path().join("bundle");
    run("umoci", &["unpack", "--image", &format!("{}:it", image.display()), bundle.to_str().unwrap()]);
    let root = bundle.join("rootfs");
    assert!(!root.join("srv/gone").exists() && !root.join("srv/kept/x").exists() && root.join("srv/kept/y").exists());
    assert_eq!(std::fs::read_to_string(root.join("srv/context/å long name/file")).unwrap(), "content\n");
    shop.close().await;
}
