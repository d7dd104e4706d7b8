//! An image, a store and a runtime for one test.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use penstock_container::{Runtime, RuntimeSettings, Subnet};
use penstock_model::Digest;
use penstock_model::blob::{BlobError, BlobStore, ByteStream, LogLine, LogSink};
use penstock_model::container::{ContainerRuntime, ContainerSpec, LayerRef, Network};
use penstock_model::image::{Descriptor, ImageConfig, Manifest, RootFs, RunConfig, media};
use penstock_model::release::ImageRef;
use tokio::io::AsyncReadExt;

/// Blobs in memory.
#[derive(Default)]
pub struct Blobs(Mutex<HashMap<Digest, Bytes>>);

#[async_trait]
impl BlobStore for Blobs {
    async fn put(&self, mut bytes: ByteStream, _: Option<Digest>, _: u64) -> Result<(Digest, u64), BlobError> {
        let mut all = Vec::new();
        bytes.read_to_end(&mut all).await.unwrap();
        Ok((self.put_bytes(all.clone().into()).await?, all.len() as u64))
    }
    async fn put_bytes(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        let digest = Digest::of(&bytes);
        self.0.lock().unwrap().insert(digest, bytes);
        Ok(digest)
    }
    async fn get(&self, digest: Digest) -> Result<ByteStream, BlobError> {
        let bytes = self.get_bytes(digest, u64::MAX).await?;
        Ok(Box::pin(std::io::Cursor::new(bytes)))
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

/// Keeps lines for looking at.
#[derive(Default)]
pub struct Kept(pub Mutex<Vec<LogLine>>);

impl Kept {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().iter().flat_map(|line| [line.text.clone(), "\n".to_owned()]).collect()
    }
}

#[async_trait]
impl LogSink for Kept {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        self.0.lock().unwrap().extend(lines);
        Ok(())
    }
}

/// An entry of a layer.
pub enum Entry<'a> {
    Directory(&'a str),
    File(&'a str, &'a [u8]),
    Symlink(&'a str, &'a str),
    Link(&'a str, &'a str),
    Device(&'a str),
}

/// A tar archive of these entries.
pub fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_mode(0o755);
        header.set_size(0);
        let (kind, path, content, target): (_, _, &[u8], _) = match entry {
            Entry::Directory(path) => (tar::EntryType::Directory, *path, b"", None),
            Entry::File(path, content) => (tar::EntryType::Regular, *path, content, None),
            Entry::Symlink(path, target) => (tar::EntryType::Symlink, *path, b"", Some(target)),
            Entry::Link(path, target) => (tar::EntryType::Link, *path, b"", Some(target)),
            Entry::Device(path) => (tar::EntryType::Char, *path, b"", None),
        };
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        // written past the library's own checks, as an attacker would
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(target) = target {
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        }
        header.set_cksum();
        archive.append(&header, content).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A whole busybox with its names.
pub fn busybox() -> Vec<u8> {
    let program = std::fs::read("/usr/bin/busybox").or_else(|_| std::fs::read("/bin/busybox"));
    let program = program.expect("the Debian package busybox-static must be installed: apt-get install busybox-static");
    let names = [
        "sh", "cat", "echo", "sleep", "id", "touch", "ls", "mount", "mkdir", "rm", "nc", "wget", "httpd", "hostname", "kill", "grep", "ip",
        "setsid", "true", "yes", "head", "trap", "test", "env", "mv", "ln", "chown", "unshare", "mknod", "printf", "ping",
    ];
    let mut entries = vec![
        Entry::Directory("bin"),
        Entry::Directory("etc"),
        Entry::File("etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"),
        Entry::File("etc/group", b"root:x:0:\napp:x:1000:\n"),
        Entry::Directory("srv"),
        Entry::File("srv/file", b"from the image\n"),
        Entry::File("bin/busybox", &program),
    ];
    let paths: Vec<String> = names.iter().map(|name| format!("bin/{name}")).collect();
    entries.extend(paths.iter().map(|path| Entry::Symlink(path, "busybox")));
    archive(&entries)
}

/// A test's machine; everything of it goes when it is dropped.
pub struct Machine {
    pub runtime: Arc<Runtime>,
    pub blobs: Arc<Blobs>,
    pub image: ImageRef,
    pub base: LayerRef,
    pub instance: String,
    pub dir: tempfile::TempDir,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Machine {
    pub async fn new() -> Self {
        let instance = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Blobs::default());
        let (image, base) =
            add_image(&blobs, busybox(), RunConfig { cmd: Some(vec!["/bin/sleep".into(), "1000".into()]), ..RunConfig::default() }).await;
        let runtime = open(&dir, &instance, &blobs).await;
        Self { runtime, blobs, image, base, instance, dir }
    }

    /// A second server for the same instance, as after a restart.
    pub async fn again(&self) -> Arc<Runtime> {
        open(&self.dir, &self.instance, &self.blobs).await
    }

    pub fn spec(&self, id: &str, command: &[&str]) -> ContainerSpec {
        ContainerSpec {
            id: id.to_owned(),
            image: self.image.clone(),
            command: (!command.is_empty()).then(|| command.iter().map(|word| (*word).to_owned()).collect()),
            args: None,
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            user: None,
            working_dir: None,
            network: Network::None,
            mounts: Vec::new(),
            tmpfs: BTreeMap::new(),
            hosts: BTreeMap::new(),
            read_only_root: true,
            written: None,
            building: false,
            memory: None,
            cpu_millis: None,
            labels: BTreeMap::from([("app".to_owned(), id.to_owned())]),
        }
    }

    pub async fn tear_down(self) {
        self.runtime.tear_down().await.unwrap();
        assert_eq!(leftovers(&self.instance), Vec::<String>::new());
    }
}

async fn open(dir: &tempfile::TempDir, instance: &str, blobs: &Arc<Blobs>) -> Arc<Runtime> {
    let settings = RuntimeSettings {
        dir: dir.path().to_owned(),
        program: env!("CARGO_BIN_EXE_penstock-container-helper").into(),
        instance: instance.to_owned(),
        subnet: Subnet::for_instance(instance),
    };
    Arc::new(Runtime::open(settings, Arc::clone(blobs) as Arc<dyn BlobStore>).await.unwrap())
}

/// Puts an image of one layer into the store.
pub async fn add_image(blobs: &Blobs, layer: Vec<u8>, config: RunConfig) -> (ImageRef, LayerRef) {
    let diff_id = Digest::of(&layer);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&layer).unwrap();
    let descriptor = |media_type: &str, digest, size| Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size,
        artifact_type: None,
        annotations: BTreeMap::new(),
    };
    let layer = gzip.finish().unwrap();
    let blob = descriptor(media::LAYER_GZIP, Digest::of(&layer), layer.len() as u64);
    blobs.put_bytes(layer.into()).await.unwrap();
    let config = ImageConfig {
        created: None,
        architecture: "amd64".to_owned(),
        os: "linux".to_owned(),
        config,
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![diff_id] },
        history: Vec::new(),
    };
    let config = serde_json::to_vec(&config).unwrap();
    let manifest = Manifest {
        schema_version: 2,
        media_type: media::MANIFEST.to_owned(),
        artifact_type: None,
        config: descriptor(media::CONFIG, Digest::of(&config), config.len() as u64),
        layers: vec![blob.clone()],
        subject: None,
        annotations: BTreeMap::new(),
    };
    blobs.put_bytes(config.into()).await.unwrap();
    let digest = blobs.put_bytes(serde_json::to_vec(&manifest).unwrap().into()).await.unwrap();
    (ImageRef { name: "test/busybox".parse().unwrap(), digest }, LayerRef { blob, diff_id })
}

/// What the machine still has of an instance: processes, mounts, links, control groups.
pub fn leftovers(instance: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let cgroup = std::fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        if cgroup.contains(&format!("penstock-{instance}/")) {
            found.push(format!("process {command}"));
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    // a root is seen by its own monitor alone; those elsewhere are somebody else's containers
    let root = |at: &str| at.ends_with("/rootfs") && std::path::Path::new(at).starts_with(std::env::temp_dir());
    let left = |line: &&str| line.contains(instance) || line.split(' ').nth(1).is_some_and(root);
    found.extend(mounts.lines().filter(left).map(|line| format!("mount {line}")));
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let path = hierarchy.path().join(format!("penstock-{instance}"));
        if path.exists() {
            found.push(format!("cgroup {}", path.display()));
        }
    }
    let bridge = format!("pb{}", &Digest::of(instance).hex()[..10]);
    if std::path::Path::new("/sys/class/net").join(&bridge).exists() {
        found.push(format!("bridge {bridge}"));
    }
    found
}
