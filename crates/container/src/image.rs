//! From an image's digest to layers on disk and what the image says about running it.

use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::container::{ContainerError, ContainerSpec};
use penstock_model::image::{ImageConfig, Manifest};
use penstock_model::release::ImageRef;

use crate::executor::DEFAULT_PATH;
use crate::layers::Layers;
use crate::rootfs::MAX_LAYERS;

/// Manifests and configurations are small.
const MAX_DOCUMENT: u64 = 4 * 1024 * 1024;

/// An image that can be run.
pub struct Ready {
    /// What it says about itself.
    pub config: ImageConfig,
    /// Names of its layers below the layers' directory, lowest first.
    pub layers: Vec<String>,
}

/// Finds an image and unpacks what is not unpacked yet.
pub async fn prepare(blobs: &dyn BlobStore, layers: &Layers, image: &ImageRef) -> Result<Ready, ContainerError> {
    let unusable = |why: String| ContainerError::Image { image: image.clone(), why };
    let read = |digest: Digest, what: &'static str| async move {
        blobs.get_bytes(digest, MAX_DOCUMENT).await.map_err(|error| format!("its {what}: {error}"))
    };
    let bytes = read(image.digest, "manifest").await.map_err(unusable)?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
        unusable(format!("its manifest is none of one platform ({error}): name the manifest of this machine's platform, not an index"))
    })?;
    let bytes = read(manifest.config.digest, "configuration").await.map_err(unusable)?;
    let config: ImageConfig = serde_json::from_slice(&bytes).map_err(|error| unusable(format!("its configuration: {error}")))?;
    if config.os != "linux" || config.architecture != architecture() {
        let why = format!("it is for {}/{}, this machine is linux/{}", config.os, config.architecture, architecture());
        return Err(unusable(why));
    }
    let diff_ids = &config.rootfs.diff_ids;
    if manifest.layers.len() != diff_ids.len() || diff_ids.len() > MAX_LAYERS {
        let why = format!(
            "it has {} layers and {} content digests; the two must agree, at most {MAX_LAYERS}",
            manifest.layers.len(),
            diff_ids.len()
        );
        return Err(unusable(why));
    }
    let mut names = Vec::with_capacity(diff_ids.len());
    for (blob, diff_id) in manifest.layers.iter().zip(diff_ids) {
        names.push(layers.ensure(blob, *diff_id).await.map_err(|error| unusable(error.to_string()))?);
    }
    Ok(Ready { config, layers: names })
}

/// This machine's architecture as images name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// What is run: the specification over the image.
pub fn arguments(config: &ImageConfig, spec: &ContainerSpec) -> Vec<String> {
    let run = &config.config;
    let (entry, args) = match (&spec.command, &spec.args) {
        // a command of its own leaves the image's arguments aside, as in Kubernetes
        (Some(command), args) => (command.clone(), args.clone().unwrap_or_default()),
        (None, Some(args)) => (run.entrypoint.clone().unwrap_or_default(), args.clone()),
        (None, None) => (run.entrypoint.clone().unwrap_or_default(), run.cmd.clone().unwrap_or_default()),
    };
    [entry, args].concat()
}

/// The environment: the specification over the image over a PATH.
pub fn environment(config: &ImageConfig, spec: &ContainerSpec) -> Vec<String> {
    let own = config.config.env.iter().filter(|pair| !spec.env.contains_key(name_of(pair))).cloned();
    let mut pairs: Vec<String> = own.chain(spec.env.iter().map(|(name, value)| format!("{name}={value}"))).collect();
    with_path(&mut pairs);
    pairs
}

/// Adds a PATH if there is none.
pub fn with_path(pairs: &mut Vec<String>) {
    if !pairs.iter().any(|pair| name_of(pair) == "PATH") {
        pairs.insert(0, format!("PATH={DEFAULT_PATH}"));
    }
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}
