//! A runner over the real container hand, and a small image; jobs in that image.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use penstock_container::{Runtime, RuntimeSettings, Subnet};
use penstock_model::Digest;
use penstock_model::blob::BlobStore;
use penstock_model::clock::SystemClock;
use penstock_model::container::ContainerRuntime;
use penstock_model::image::{Descriptor, ImageConfig, Manifest, RootFs, RunConfig, media};
use penstock_model::job::{CachePolicy, CacheSpec, JobEnd, JobReport, JobRunner, RunnerError};
use penstock_model::release::ImageRef;
use penstock_model::service::JobImage;
use penstock_model::terminal::Terminal;
use penstock_runner::{Hands, Runner};
use penstock_testkit::MemoryBlobs;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::{Job, Log, Trees, settings, until};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A runner with real containers.
pub struct Dock {
    pub runner: Arc<Runner>,
    pub runtime: Arc<Runtime>,
    pub blobs: Arc<MemoryBlobs>,
    _dir: TempDir,
}

impl Dock {
    pub async fn new() -> Self {
        Self::at(None).await
    }

    /// With somebody at a terminal.
    pub async fn at(terminal: Option<Arc<dyn Terminal>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("data")).unwrap();
        let instance = format!("run-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let blobs = Arc::new(MemoryBlobs::default());
        let settings_of = RuntimeSettings {
            dir: dir.path().join("data/containers"),
            program: helper(),
            subnet: Subnet::for_instance(&instance),
            instance,
        };
        let runtime = Arc::new(Runtime::open(settings_of, blobs.clone()).await.unwrap());
        let hands = Hands {
            git: Arc::new(Trees::default()),
            blobs: blobs.clone(),
            containers: Some(runtime.clone() as Arc<_>),
            clock: Arc::new(SystemClock),
        };
        let runner = Runner::new(settings(dir.path()), hands, dir.path().join("tools"), BTreeMap::new()).unwrap();
        Self { runner: Arc::new(runner.with_terminal(terminal)), runtime, blobs, _dir: dir }
    }

    pub async fn start(&self, job: Job, log: &Log, cancel: &CancellationToken) -> Result<JobReport, RunnerError> {
        self.runner.run(job.spec, Box::new(job.steps), Arc::new(log.clone()), cancel.clone()).await
    }

    /// What a job says that succeeds.
    pub async fn says(&self, job: Job) -> String {
        let log = Log::default();
        let report = self.start(job, &log, &CancellationToken::new()).await.unwrap();
        assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
        log.out()
    }

    /// An image of busybox with these files besides.
    pub async fn image(&self, config: RunConfig, files: &[(&str, &str)]) -> ImageRef {
        let layer = layer(files);
        let diff_id = Digest::of(&layer);
        let blobs = &self.blobs;
        let put = async |media_type: &str, bytes: Vec<u8>| {
            let size = bytes.len() as u64;
            let digest = blobs.put_bytes(Bytes::from(bytes)).await.unwrap();
            Descriptor { media_type: media_type.to_owned(), digest, size, artifact_type: None, annotations: BTreeMap::new() }
        };
        let blob = put(media::LAYER_TAR, layer).await;
        let config = ImageConfig {
            created: None,
            architecture: "amd64".to_owned(),
            os: "linux".to_owned(),
            config,
            rootfs: RootFs { kind: "layers".to_owned(), diff_ids: vec![diff_id] },
            history: Vec::new(),
        };
        let config = put(media::CONFIG, serde_json::to_vec(&config).unwrap()).await;
        let manifest = Manifest {
            schema_version: 2,
            media_type: media::MANIFEST.to_owned(),
            artifact_type: None,
            config,
            layers: vec![blob],
            subject: None,
            annotations: BTreeMap::new(),
        };
        let manifest = put(media::MANIFEST, serde_json::to_vec(&manifest).unwrap()).await;
        ImageRef { name: "test/busybox".parse().unwrap(), digest: manifest.digest }
    }

    /// Nothing of any job is left.
    pub async fn is_empty(&self) -> bool {
        self.runtime.list().await.unwrap().is_empty() && self.runtime.networks().await.unwrap().is_empty()
    }

    pub async fn tear_down(self) {
        self.runtime.tear_down().await.unwrap();
    }
}

fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let program = std::fs::read("/usr/bin/busybox").or_else(|_| std::fs::read("/bin/busybox"));
    let program = program.expect("the Debian package busybox-static must be installed: apt-get install busybox-static");
    let mut archive = tar::Builder::new(Vec::new());
    let mut file = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).unwrap();
    };
    file("bin/busybox", &program);
    file("etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n");
    file("etc/group", b"root:x:0:\napp:x:1000:\n");
    for (path, text) in files {
        file(path, text.as_bytes());
    }
    for name in ["sh", "cat", "echo", "sleep", "id", "touch", "ls", "mkdir", "nc", "httpd", "grep", "head", "true", "printf", "stat", "rm"]
    {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(0);
        archive.append_link(&mut header, format!("bin/{name}"), "busybox").unwrap();
    }
    archive.into_inner().unwrap()
}

/// The helper lies beside the test: cargo builds examples with tests.
fn helper() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join("examples/container-helper");
    assert!(path.exists(), "{} is missing: run the tests with cargo test", path.display());
    path
}

#[tokio::test]
async fn a_job_is_the_images_user_and_finds_what_its_earlier_steps_did_to_the_image() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let first = "id -u; echo $HOME; pwd; stat -c %u . ; echo mine > /etc/own; echo left > left";
    let job = Job::new(first).then("cat /etc/own left").with(|spec| spec.image = Some(image.clone().into()));
    assert_eq!(dock.says(job).await, "0\n/root\n/builds/shop\n0\nmine\nleft\n");
    // the next job has neither, and may be somebody else
    let app = JobImage { user: Some("app".to_owned()), ..JobImage::from(image) };
    let job = Job::new("id -u; echo $HOME; stat -c %u .; ls /etc/own left 2>/dev/null || echo neither; touch works")
        .with(|spec| spec.image = Some(app));
    assert_eq!(dock.says(job).await, "1000\n/home/app\n1000\nneither\n");
    dock.tear_down().await;
}

#[tokio::test]
async fn the_images_entrypoint_is_handed_the_shell_unless_another_is_given() {
    let dock = Dock::new().await;
    let enter = ("srv/enter", "#!/bin/sh\nexport WHO=image\nexec \"$@\"\n");
    let other = ("srv/other", "#!/bin/sh\nexport WHO=other\nexec \"$@\"\n");
    let config = RunConfig { entrypoint: Some(vec!["/srv/enter".to_owned()]), ..RunConfig::default() };
    let image = dock.image(config, &[enter, other]).await;
    for (entrypoint, who) in [(None, "image\n"), (Some(Vec::new()), "nobody\n"), (Some(vec!["/srv/other".to_owned()]), "other\n")] {
        let image = JobImage { entrypoint, ..JobImage::from(image.clone()) };
        let job = Job::new("echo ${WHO:-nobody}").with(|spec| spec.image = Some(image));
        assert_eq!(dock.says(job).await, who);
    }
    dock.tear_down().await;
}

#[tokio::test]
async fn a_cache_that_is_only_pulled_stays_as_it_was() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let cached = |policy, script: &str| {
        let caches = vec![CacheSpec { key: "k".into(), paths: vec!["kept".into()], policy, ..CacheSpec::default() }];
        Job::new(script).with(|spec| (spec.caches, spec.image) = (caches, Some(image.clone().into())))
    };
    assert_eq!(dock.says(cached(CachePolicy::PullPush, "echo one > kept/file")).await, "");
    assert_eq!(dock.says(cached(CachePolicy::Pull, "cat kept/file; echo two > kept/file; cat kept/file")).await, "one\ntwo\n");
    assert_eq!(dock.says(cached(CachePolicy::PullPush, "cat kept/file")).await, "one\n");
    dock.tear_down().await;
}

#[tokio::test]
async fn a_step_in_an_image_is_ended_when_the_job_is_cancelled() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let job = Job::new("trap 'echo asked; exit 1' TERM; echo began; while true; do sleep 0.1; done").with(|spec| {
        spec.image = Some(image.into());
        spec.timeout = Duration::from_mins(10);
    });
    let (log, cancel) = (Log::default(), CancellationToken::new());
    let (runner, seen, stop) = (dock.runner.clone(), log.clone(), cancel.clone());
    let running = tokio::spawn(async move { runner.run(job.spec, Box::new(job.steps), Arc::new(seen), stop).await });
    until("the step says that it began", || log.out().contains("began")).await;
    cancel.cancel();
    let report = tokio::time::timeout(Duration::from_secs(30), running).await.expect("it ends").unwrap().unwrap();
    assert_eq!((report.end, log.out().contains("asked")), (JobEnd::Cancelled, true), "{}", log.notes());
    dock.tear_down().await;
}
