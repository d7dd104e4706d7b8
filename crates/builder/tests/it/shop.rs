//! A store, a runtime, a context and a builder for one test.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use penstock_builder::{BaseImage, BaseImages, BuildError, BuildRequest, Builder, Built};
use penstock_container::{Runtime, RuntimeSettings, Subnet};
use penstock_model::Digest;
use penstock_model::blob::{BlobError, BlobStore, ByteStream, LogLine, LogSink};
use penstock_model::container::{BuildRuntime, ContainerRuntime};
use penstock_model::image::{ImageConfig, Manifest};
use tokio::io::AsyncReadExt;

#[derive(Default)]
pub struct Blobs(pub Mutex<HashMap<Digest, Bytes>>);

#[async_trait]
impl BlobStore for Blobs {
    async fn put(&self, mut bytes: ByteStream, expected: Option<Digest>, _: u64) -> Result<(Digest, u64), BlobError> {
        let mut all = Vec::new();
        bytes.read_to_end(&mut all).await.unwrap();
        let size = all.len() as u64;
        let digest = self.put_bytes(all.into()).await?;
        assert!(expected.is_none_or(|expected| expected == digest));
        Ok((digest, size))
    }
    async fn put_bytes(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let digest = Digest::of(&bytes);
        self.0.lock().unwrap().insert(digest, bytes);
        Ok(digest)
    }
    async fn get(&self, digest: Digest) -> Result<ByteStream, BlobError> {
        Ok(Box::pin(std::io::Cursor::new(self.get_bytes(digest, u64::MAX).await?)))
    }
    async fn get_bytes(&self, digest: Digest, _: u64) -> Result<Bytes, BlobError> {
        self.0.lock().unwrap().get(&digest).cloned().ok_or(BlobError::Absent(digest))
    }
    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        Ok(self.0.lock().unwrap().get(&digest).map(|bytes| bytes.len() as u64))
    }
    fn path(&self, _: Digest) -> Option<PathBuf> {
        None
    }
    async fn delete(&self, digest: Digest) -> Result<(), BlobError> {
        self.0.lock().unwrap().remove(&digest);
        Ok(())
    }
    async fn list(&self) -> Result<Vec<Digest>, BlobError> {
        Ok(self.0.lock().unwrap().keys().copied().collect())
    }
}

/// Images by name.
#[derive(Default)]
pub struct Images(Mutex<HashMap<String, BaseImage>>);

#[async_trait]
impl BaseImages for Images {
    async fn resolve(&self, reference: &str) -> Result<Option<BaseImage>, BlobError> {
        Ok(self.0.lock().unwrap().get(reference).cloned())
    }
}

#[derive(Default)]
pub struct Kept(Mutex<Vec<LogLine>>);

#[async_trait]
impl LogSink for Kept {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        self.0.lock().unwrap().extend(lines);
        Ok(())
    }
}

pub struct Shop {
    pub dir: tempfile::TempDir,
    pub blobs: Arc<Blobs>,
    pub images: Arc<Images>,
    pub runtime: Arc<Runtime>,
    pub builder: Builder,
    pub log: Arc<Kept>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A Dockerfile's first lines: a stage with a shell, from the context's `busybox`.
pub const SHELL: &str = "FROM scratch AS shell\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n";

impl Shop {
    pub async fn new() -> Self {
        Self::with_helper(helper()).await
    }

    pub async fn with_helper(program: PathBuf) -> Self {
        let instance = format!("build-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().unwrap();
        let (blobs, images) = (Arc::new(Blobs::default()), Arc::new(Images::default()));
        let settings = RuntimeSettings { dir: dir.path().join("containers"), program, subnet: Subnet::for_instance(&instance), instance };
        let runtime = Arc::new(Runtime::open(settings, Arc::clone(&blobs) as Arc<dyn BlobStore>).await.unwrap());
        let builder = Builder::new(
            dir.path().join("builds"),
            Arc::clone(&blobs) as Arc<dyn BlobStore>,
            Arc::clone(&runtime) as Arc<dyn BuildRuntime>,
            Arc::clone(&images) as Arc<dyn BaseImages>,
        );
        let shop = Self { blobs, images, runtime, builder: builder.unwrap(), log: Arc::default(), dir };
        std::fs::create_dir(shop.context()).unwrap();
        let busybox = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        let busybox = busybox.expect("the Debian package busybox-static must be installed: apt-get install busybox-static");
        std::fs::copy(busybox, shop.context().join("busybox")).unwrap();
        shop
    }

    pub fn context(&self) -> PathBuf {
        self.dir.path().join("context")
    }

    pub fn file(&self, path: &str, text: &str) {
        let path = self.context().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn request(&self, dockerfile: &str) -> BuildRequest {
        self.file("Dockerfile", dockerfile);
        BuildRequest {
            context: self.context(),
            dockerfile: "Dockerfile".to_owned(),
            build_args: BTreeMap::new(),
            source_date_epoch: 1_700_000_000,
            labels: BTreeMap::new(),
            network: false,
            images: BTreeMap::new(),
            verify: false,
            step_timeout: Duration::from_secs(60),
        }
    }

    pub async fn build(&self, dockerfile: &str) -> Result<Built, BuildError> {
        self.builder.build(&self.request(dockerfile), Arc::clone(&self.log) as _).await
    }

    /// Makes a built image one to build on.
    pub fn name(&self, name: &str, built: &Built) {
        let manifest: Manifest = serde_json::from_slice(&built.manifest).unwrap();
        let image = BaseImage { digest: built.manifest_digest, manifest, config: built.config.clone() };
        self.images.0.lock().unwrap().insert(name.to_owned(), image);
    }

    /// The layers' entries, lowest first: path, mode, owner, size or target.
    pub fn entries(&self, built: &Built) -> Vec<Vec<String>> {
        let manifest: Manifest = serde_json::from_slice(&built.manifest).unwrap();
        let config: &ImageConfig = &built.config;
        assert_eq!(config.rootfs.diff_ids.len(), manifest.layers.len());
        manifest.layers.iter().map(|layer| list(&self.blobs.0.lock().unwrap()[&layer.digest])).collect()
    }

    pub fn output(&self) -> String {
        self.log.0.lock().unwrap().iter().flat_map(|line| [line.text.clone(), "\n".to_owned()]).collect()
    }

    pub async fn close(self) {
        self.runtime.tear_down().await.unwrap();
    }
}

fn list(layer: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(layer));
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let header = entry.header();
        let what = match header.entry_type() {
            tar::EntryType::Directory => String::new(),
            tar::EntryType::Regular => format!(" {} bytes", entry.size()),
            kind => format!(" {kind:?} {}", entry.link_name().unwrap().unwrap_or_default().display()),
        };
        format!(
            "{} {:o} {}:{}{what}",
            entry.path().unwrap().display(),
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap()
        )
    });
    entries.collect()
}

/// The helper lies beside the test: cargo builds examples with tests.
fn helper() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join("examples/step-helper");
    assert!(path.exists(), "{} is missing: run the tests with cargo test", path.display());
    path
}
