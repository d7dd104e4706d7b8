//! A built image's configuration and manifest.

use std::collections::BTreeMap;

use penstock_model::image::{Descriptor, History, ImageConfig, Manifest, RootFs, RunConfig, media};
use penstock_model::{Digest, Timestamp};

/// What a build has made, from which the two documents follow.
#[derive(Clone, Debug)]
pub struct Built {
    /// How to run it.
    pub config: RunConfig,
    /// Layers, lowest first: the blob and the digest of its content.
    pub layers: Vec<(Descriptor, Digest)>,
    /// How it came to be.
    pub history: Vec<History>,
    /// Such as `amd64`.
    pub architecture: String,
    /// `SOURCE_DATE_EPOCH`, in seconds.
    pub created: i64,
}

/// The two documents of an image with their bytes.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The configuration.
    pub config: ImageConfig,
    /// Its bytes, to be stored.
    pub config_bytes: Vec<u8>,
    /// The manifest.
    pub manifest: Manifest,
    /// Its bytes, to be stored; their digest names the image.
    pub manifest_bytes: Vec<u8>,
}

/// A moment as images have it.
pub fn created(seconds: i64) -> String {
    Timestamp(seconds.saturating_mul(1000)).rfc3339()
}

impl Built {
    /// The documents, the same bytes for the same parts.
    pub fn documents(self) -> Result<Documents, serde_json::Error> {
        let config = ImageConfig {
            created: Some(created(self.created)),
            architecture: self.architecture,
            os: "linux".to_owned(),
            config: self.config,
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: self.layers.iter().map(|(_, content)| *content).collect() },
            history: self.history,
        };
        let config_bytes = serde_json::to_vec(&config)?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: media::MANIFEST.to_owned(),
            artifact_type: None,
            config: descriptor(media::CONFIG, &config_bytes),
            layers: self.layers.into_iter().map(|(blob, _)| blob).collect(),
            subject: None,
            annotations: BTreeMap::new(),
        };
        let manifest_bytes = serde_json::to_vec(&manifest)?;
        Ok(Documents { config, config_bytes, manifest, manifest_bytes })
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        artifact_type: None,
        annotations: BTreeMap::new(),
    }
}
