//! From an image's digest to layers on disk and what the image says about running it.

use std::path::Path;
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::container::{ContainerError, ContainerSpec, ImageFacts};
use penstock_model::image::{ImageConfig, ImageHealth, Manifest};
use penstock_model::release::ImageRef;
use penstock_model::service::HealthCheck;

use crate::executor::DEFAULT_PATH;
use crate::layers::Layers;
use crate::rootfs::MAX_LAYERS;
use crate::user;

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

/// What an image says about itself, besides what to run.
pub fn facts(ready: &Ready, layers: &Path, user: Option<&str>) -> Result<ImageFacts, String> {
    let run = &ready.config.config;
    let highest_first: Vec<_> = ready.layers.iter().rev().map(|name| layers.join(name)).collect();
    let written = user.or(run.user.as_deref()).unwrap_or_default();
    let who = user::resolve_in_layers(&highest_first, written).map_err(|error| error.to_string())?;
    let mut ports: Vec<u16> = run.exposed_ports.keys().filter_map(|port| tcp(port)).collect();
    ports.sort_unstable();
    Ok(ImageFacts { uid: who.uid, gid: who.gid, home: who.home, ports, health: run.healthcheck.as_ref().and_then(health) })
}

/// `8080` and `8080/tcp`.
fn tcp(port: &str) -> Option<u16> {
    port.strip_suffix("/tcp").unwrap_or(port).parse().ok()
}

/// As Docker reads it: 0 stands for its own numbers.
fn health(image: &ImageHealth) -> Option<HealthCheck> {
    let (kind, words) = image.test.split_first()?;
    let command = match (kind.as_str(), words) {
        ("CMD", words) if !words.is_empty() => words.to_vec(),
        ("CMD-SHELL", [text]) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()],
        _ => return None,
    };
    let or =
        |nanoseconds: u64, seconds: u64| if nanoseconds == 0 { Duration::from_secs(seconds) } else { Duration::from_nanos(nanoseconds) };
    Some(HealthCheck {
        command,
        interval: or(image.interval, 30),
        timeout: or(image.timeout, 30),
        retries: if image.retries == 0 { 3 } else { u32::try_from(image.retries).unwrap_or(u32::MAX) },
        start_period: Duration::from_nanos(image.start_period),
    })
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
    let given = |name: &str| spec.env.contains_key(name) || spec.secrets.contains_key(name);
    let own = config.config.env.iter().filter(|pair| !given(name_of(pair))).cloned();
    let plain = spec.env.iter().filter(|(name, _)| !spec.secrets.contains_key(*name)).map(|(name, value)| format!("{name}={value}"));
    let secret = spec.secrets.iter().map(|(name, value)| format!("{name}={}", value.expose()));
    let mut pairs: Vec<String> = own.chain(plain).chain(secret).collect();
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
