//! A runner with a Git host and a blob store in memory, and jobs as lists of scripts.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::blob::{BlobError, Channel, LogLine, LogSink};
use penstock_model::clock::SystemClock;
use penstock_model::git::{Commit, CommitChange, GitError, GitHost};
use penstock_model::job::{
    ArtifactSpec, AttemptId, Checkout, EnvValue, JobReport, JobRunner, JobSpec, NextStep, RunnerError, RunnerSettings, Shell,
    StepContainer, StepOutcome, StepSource, StepSpec, Work,
};
use penstock_model::release::ImageRef;
use penstock_model::service::ServiceUp;
use penstock_model::terminal::Terminal;
use penstock_model::{CommitId, RepositoryName, RunId, Secret};
use penstock_runner::{Hands, Runner};
use penstock_testkit::{FakeRuntime, MemoryBlobs};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A runner in a directory of its own.
pub struct House {
    pub dir: TempDir,
    pub runner: Arc<Runner>,
    pub git: Arc<Trees>,
    pub blobs: Arc<MemoryBlobs>,
    pub containers: Arc<FakeRuntime>,
}

impl House {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap(), true)
    }

    pub fn without_containers() -> Self {
        Self::at(tempfile::tempdir().unwrap(), false)
    }

    fn at(dir: TempDir, containers: bool) -> Self {
        let (git, blobs, runtime) = (Arc::new(Trees::default()), Arc::new(MemoryBlobs::default()), Arc::new(FakeRuntime::default()));
        std::fs::create_dir_all(dir.path().join("data")).unwrap();
        let hands = Hands {
            git: git.clone(),
            blobs: blobs.clone(),
            containers: containers.then(|| runtime.clone() as Arc<_>),
            clock: Arc::new(SystemClock),
        };
        let runner = Arc::new(Runner::new(settings(dir.path()), hands, dir.path().join("tools"), BTreeMap::new()).unwrap());
        Self { dir, runner, git, blobs, containers: runtime }
    }

    /// With somebody at a terminal.
    pub fn with_terminal(mut self, terminal: Arc<dyn Terminal>) -> Self {
        let hands = Hands {
            git: self.git.clone(),
            blobs: self.blobs.clone(),
            containers: Some(self.containers.clone() as Arc<_>),
            clock: Arc::new(SystemClock),
        };
        let dir = self.dir.path();
        let runner = Runner::new(settings(dir), hands, dir.join("tools"), BTreeMap::new()).unwrap();
        self.runner = Arc::new(runner.with_terminal(Some(terminal)));
        self
    }

    /// Runs a job to its end.
    pub async fn run(&self, job: Job) -> (JobReport, Log) {
        let log = Log::default();
        let report = self.start(job, &log, &CancellationToken::new()).await.unwrap();
        (report, log)
    }

    pub async fn start(&self, job: Job, log: &Log, cancel: &CancellationToken) -> Result<JobReport, RunnerError> {
        self.runner.run(job.spec, Box::new(job.steps), Arc::new(log.clone()), cancel.clone()).await
    }
}

pub fn settings(dir: &Path) -> RunnerSettings {
    RunnerSettings {
        dir: dir.join("data/runner"),
        hidden: vec![dir.join("data")],
        toolchains: Vec::new(),
        path: Vec::new(),
        program: PathBuf::from(env!("CARGO_BIN_EXE_penstock-runner-sandbox")),
        first_uid: 150_000,
        instance: format!("test-{}", dir.display()),
    }
}

/// A job and its steps.
pub struct Job {
    pub spec: JobSpec,
    pub steps: Scripts,
}

impl Job {
    /// A job of one bash script.
    pub fn new(script: &str) -> Self {
        let run = RunId::from_parts(1, u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
        let spec = JobSpec {
            id: AttemptId { run, job: "a job".parse().unwrap(), attempt: 1 },
            project: "shop".parse().unwrap(),
            repository: "shop".parse().unwrap(),
            commit: "1".repeat(40).parse().unwrap(),
            checkout: Checkout::Commit,
            branch: None,
            place: None,
            env: BTreeMap::new(),
            files: BTreeMap::new(),
            masks: Vec::new(),
            image: None,
            services: Vec::new(),
            step_images: BTreeMap::new(),
            actions: Vec::new(),
            inputs: Vec::new(),
            kept: Vec::new(),
            cache_scopes: Vec::new(),
            artifacts: ArtifactSpec::default(),
            caches: Vec::new(),
            timeout: Duration::from_mins(1),
        };
        Self {
            spec,
            steps: Scripts {
                steps: VecDeque::from([step(script)]),
                clean_up: VecDeque::new(),
                code: 0,
                seen: Seen::default(),
                up: Arc::default(),
                event: None,
            },
        }
    }

    /// A workflow's, with the commands that it may use.
    pub fn workflow(script: &str) -> Self {
        let mut job = Self::new(script);
        job.steps.event = Some("{\"ref\":\"refs/heads/main\"}".to_owned());
        job
    }

    pub fn named(mut self, name: &str) -> Self {
        self.spec.id.job = name.parse().unwrap();
        self
    }

    pub fn then(mut self, script: &str) -> Self {
        self.steps.steps.push_back(step(script));
        self
    }

    /// A step in a container of its own.
    pub fn then_in(mut self, image: &ImageRef, args: &[&str]) -> Self {
        let name = image.digest.to_string();
        self.spec.step_images.insert(name.clone(), image.clone());
        let args = Some(args.iter().map(|arg| (*arg).to_owned()).collect());
        self.steps.steps.push_back(StepSpec::of("its own", Work::Container(StepContainer { image: name, entrypoint: None, args })));
        self
    }

    pub fn at_last(mut self, script: &str) -> Self {
        self.steps.clean_up.push_back(step(script));
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut JobSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.spec.env.insert(name.to_owned(), EnvValue::Plain(value.to_owned()));
        self
    }

    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.spec.env.insert(name.to_owned(), EnvValue::Secret(Secret::new(value)));
        self
    }
}

pub fn step(script: &str) -> StepSpec {
    StepSpec::script("a step", script, Shell::Bash)
}

pub type Seen = Arc<Mutex<Vec<StepOutcome>>>;

/// Steps one after the other until one fails, then those for cleaning up.
pub struct Scripts {
    pub steps: VecDeque<StepSpec>,
    pub clean_up: VecDeque<StepSpec>,
    pub code: i32,
    pub seen: Seen,
    pub up: Arc<Mutex<Vec<ServiceUp>>>,
    pub event: Option<String>,
}

impl StepSource for Scripts {
    fn event(&self) -> Option<String> {
        self.event.clone()
    }

    fn services(&mut self, up: &[ServiceUp]) {
        *self.up.lock().unwrap() = up.to_vec();
        // as an expression would fill it in
        if let Some(port) = up.iter().find_map(|service| service.ports.values().next()) {
            for step in &mut self.steps {
                step.env.insert("PORT".to_owned(), EnvValue::Plain(port.to_string()));
            }
        }
    }

    fn next(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep {
        if let Some(last) = last {
            self.seen.lock().unwrap().push(last.clone());
            if last.exit_code != Some(0) && self.code == 0 {
                self.code = last.exit_code.unwrap_or(1);
                self.steps.clear();
            }
        }
        if cancelled {
            self.steps.clear();
        }
        match self.steps.pop_front().or_else(|| self.clean_up.pop_front()) {
            Some(step) => NextStep::Run(step),
            None => NextStep::Done { exit_code: self.code, outputs: BTreeMap::new() },
        }
    }
}

/// What a job wrote.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<LogLine>>>);

impl Log {
    pub fn pieces(&self) -> Vec<LogLine> {
        self.0.lock().unwrap().clone()
    }

    /// What came on standard output.
    pub fn out(&self) -> String {
        self.text(Channel::Out)
    }

    pub fn err(&self) -> String {
        self.text(Channel::Err)
    }

    pub fn notes(&self) -> String {
        self.text(Channel::Note)
    }

    fn text(&self, channel: Channel) -> String {
        self.pieces()
            .iter()
            .filter(|line| line.channel == channel)
            .flat_map(|line| [line.text.clone(), if line.ends { "\n".to_owned() } else { String::new() }])
            .collect()
    }
}

#[async_trait]
impl LogSink for Log {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        self.0.lock().unwrap().extend(lines);
        Ok(())
    }
}

/// A Git host whose every commit is the same few files.
#[derive(Default)]
pub struct Trees(pub Mutex<BTreeMap<String, String>>);

impl Trees {
    fn refuse<T>() -> Result<T, GitError> {
        Err(GitError::Failed { what: "anything but a checkout".to_owned(), stderr: String::new() })
    }
}

#[async_trait]
impl GitHost for Trees {
    async fn create(&self, _: &RepositoryName) -> Result<(), GitError> {
        Self::refuse()
    }
    async fn repositories(&self) -> Result<Vec<RepositoryName>, GitError> {
        Self::refuse()
    }
    async fn refs(&self, _: &RepositoryName) -> Result<BTreeMap<String, CommitId>, GitError> {
        Self::refuse()
    }
    async fn resolve(&self, _: &RepositoryName, _: &str) -> Result<Option<CommitId>, GitError> {
        Self::refuse()
    }
    async fn commit(&self, _: &RepositoryName, _: &CommitId) -> Result<Commit, GitError> {
        Self::refuse()
    }
    async fn history(&self, _: &RepositoryName, _: Option<&CommitId>, _: &CommitId, _: usize) -> Result<Vec<Commit>, GitError> {
        Self::refuse()
    }
    async fn read(&self, _: &RepositoryName, _: &CommitId, _: &str, _: u64) -> Result<Option<Vec<u8>>, GitError> {
        Self::refuse()
    }
    async fn files(&self, _: &RepositoryName, _: &CommitId, _: &str) -> Result<Vec<String>, GitError> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }
    async fn changed(&self, _: &RepositoryName, _: Option<&CommitId>, _: &CommitId) -> Result<Vec<String>, GitError> {
        Self::refuse()
    }
    async fn checkout(&self, _: &RepositoryName, _: &CommitId, into: &Path, keep: &[String]) -> Result<(), GitError> {
        for entry in std::fs::read_dir(into).unwrap() {
            let entry = entry.unwrap();
            if keep.iter().any(|kept| kept.split('/').next() == entry.file_name().to_str()) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            } else {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        for (path, text) in &*self.0.lock().unwrap() {
            std::fs::create_dir_all(into.join(path).parent().unwrap()).unwrap();
            std::fs::write(into.join(path), text).unwrap();
        }
        Ok(())
    }
    async fn commit_change(&self, _: &RepositoryName, _: &CommitChange) -> Result<CommitId, GitError> {
        Self::refuse()
    }
}

/// Processes of this machine whose command line holds a text.
pub fn alive(text: &str) -> Vec<i32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(text)))
        .collect()
}

/// Waits for a condition, with a limit.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: still not after 20 s");
}

/// A word that no other process of the machine has.
pub fn marker() -> String {
    format!("marker-{}-{}-end", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
