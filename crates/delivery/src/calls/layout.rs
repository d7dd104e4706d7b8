//! An image as an OCI image layout on the disk, for tools that read one (OCI image specification 1.1, "image layout").

use std::path::{Path, PathBuf};

use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::image::{Manifest, media};
use penstock_model::release::ImageRef;
use serde_json::json;

/// The largest manifest.
const MAX_MANIFEST: u64 = 4 * 1024 * 1024;

/// A layout that goes away with this value.
pub(super) struct Layout(PathBuf);

impl Layout {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // what is left over is removed at the next start
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes the layout. Blobs are linked where the store is a directory on the same disk, and copied elsewhere.
pub(super) async fn layout(blobs: &dyn BlobStore, image: &ImageRef, folder: PathBuf) -> Result<Layout, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let layout = Layout(folder);
    let target = layout.0.join("blobs/sha256");
    std::fs::create_dir_all(&target).map_err(|error| text(&error))?;
    let bytes = blobs.get_bytes(image.digest, MAX_MANIFEST).await.map_err(|error| text(&error))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| text(&error))?;
    let digests = manifest.layers.iter().map(|layer| layer.digest).chain([manifest.config.digest, image.digest]);
    for digest in digests {
        put(blobs, digest, &target.join(digest.hex())).await?;
    }
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media::INDEX,
        "manifests": [{ "mediaType": media::MANIFEST, "digest": image.digest, "size": bytes.len() }],
    });
    std::fs::write(layout.0.join("index.json"), index.to_string()).map_err(|error| text(&error))?;
    std::fs::write(layout.0.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).map_err(|error| text(&error))?;
    Ok(layout)
}

async fn put(blobs: &dyn BlobStore, digest: Digest, path: &Path) -> Result<(), String> {
    if let Some(source) = blobs.path(digest)
        && std::fs::hard_link(&source, path).is_ok()
    {
        return Ok(());
    }
    let mut stream = blobs.get(digest).await.map_err(|error| error.to_string())?;
    let mut file = tokio::fs::File::create(path).await.map_err(|error| error.to_string())?;
    tokio::io::copy(&mut stream, &mut file).await.map_err(|error| error.to_string())?;
    Ok(())
}
