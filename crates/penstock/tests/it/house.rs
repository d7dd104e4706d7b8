//! One server with its data, started from the built binary, killed and started again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::unistd::Pid;
use penstock_api::{Client, NewUser, NewUserToken, RunView};
use penstock_model::blob::LogPart;
use penstock_model::{Digest, Secret};
use penstock_testkit::free_address;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The longest that anything here may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);
/// The built program.
pub const PENSTOCK: &str = env!("CARGO_BIN_EXE_penstock");

/// Somebody with a token.
#[derive(Clone)]
pub struct Person {
    /// Their calls.
    pub client: Client,
    /// Their token, for Git.
    pub token: String,
}

/// A server and everything it keeps. When this goes, all of it goes.
pub struct House {
    /// Where the server's files are.
    pub dir: TempDir,
    /// Its address.
    pub url: String,
    data: PathBuf,
    server: Option<Child>,
}

/// A directory that jobs, which are users of their own, may pass through.
pub fn directory() -> TempDir {
    let dir = tempfile::Builder::new().prefix("penstock-it-").tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// The pinned tools.
pub fn tools() -> PathBuf {
    let folder = std::env::var_os("PENSTOCK_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/tools"), PathBuf::from);
    std::fs::canonicalize(&folder).unwrap_or_else(|error| panic!("{}: {error}; run setup/setup.sh", folder.display()))
}

impl House {
    /// A server that is not started yet.
    pub fn build() -> Self {
        Self::with(&tools(), None)
    }

    /// The same with other tools, or with its data elsewhere.
    pub fn with(tools: &Path, data: Option<&Path>) -> Self {
        let dir = directory();
        let program = dir.path().join("bin/penstock");
        std::fs::create_dir(program.parent().unwrap()).unwrap();
        // a file of its own, which no build replaces meanwhile
        std::fs::hard_link(PENSTOCK, &program).or_else(|_| std::fs::copy(PENSTOCK, &program).map(drop)).unwrap();
        let listen = free_address();
        let bin = dir.path().join("bin");
        let data = data.map_or_else(|| dir.path().join("data"), Path::to_owned);
        let config = format!(
            "version: 1\nserver:\n  data: {}\n  listen: {listen}\n  tools: {}\n  toolchains: [{bin}]\n  path: [{bin}]\n",
            data.display(),
            tools.display(),
            bin = bin.display(),
        );
        std::fs::write(dir.path().join("penstock.yaml"), config).unwrap();
        Self { dir, url: format!("http://{listen}"), data, server: None }
    }

    /// A server that runs.
    pub async fn open() -> Self {
        let mut house = Self::build();
        house.start().await;
        house
    }

    /// Where the server keeps everything.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.dir.path().join("bin/penstock")
    }

    /// The server's configuration.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("penstock.yaml")
    }

    /// The instance's name on the machine, as the documentation says: made of the data directory's path.
    pub fn instance(&self) -> String {
        format!("ps{}", &Digest::of(self.data().display().to_string()).hex()[..8])
    }

    /// A repository's directory in the server's data.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.data().join("git").join(format!("{name}.git"))
    }

    fn spawn(&self) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("server.log")).unwrap();
        let mut server = Command::new(self.program());
        server.args(["server", "--config"]).arg(self.config()).env("PENSTOCK_LOG", "info,sqlx=warn");
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
        server.spawn().unwrap()
    }

    /// Starts the server and kills it a while later, perhaps before it listens.
    pub async fn start_and_kill(&mut self, after: Duration) {
        let mut server = self.spawn();
        // nobody reads what it prints: that little fits into the pipe
        tokio::time::sleep(after).await;
        server.kill().await.unwrap();
    }

    /// Starts the server and waits until it says that it listens.
    pub async fn start(&mut self) {
        let mut server = self.spawn();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("listens on") {
                    return;
                }
            }
            panic!("the server ended: {}", self.log());
        };
        tokio::time::timeout(LIMIT, ready).await.unwrap_or_else(|_| panic!("the server does not start: {}", self.log()));
        // what it prints later must not fill the pipe
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.server = Some(server);
    }

    /// What nothing can be done against.
    pub async fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        // SIGKILL, and only to the server itself: its children are on their own
        server.kill().await.unwrap();
    }

    /// The server's process.
    pub fn process(&self) -> Pid {
        Pid::from_raw(self.server.as_ref().and_then(Child::id).unwrap().cast_signed())
    }

    /// Asks the server to end, as an operator does.
    pub async fn stop(&mut self) {
        nix::sys::signal::kill(self.process(), nix::sys::signal::Signal::SIGTERM).unwrap();
        let mut server = self.server.take().unwrap();
        let ended = tokio::time::timeout(LIMIT, server.wait()).await.unwrap_or_else(|_| panic!("it does not end: {}", self.log()));
        assert!(ended.unwrap().success(), "{}", self.log());
    }

    /// Whether the server still runs.
    pub fn runs(&mut self) -> bool {
        self.server.as_mut().is_some_and(|server| server.try_wait().unwrap().is_none())
    }

    /// The program with some arguments, to its end.
    pub async fn penstock(&self, args: &[&str]) -> Output {
        Command::new(self.program()).args(args).arg("--config").arg(self.config()).stdin(Stdio::null()).output().await.unwrap()
    }

    /// A run at its end.
    pub async fn ended(&self, run: &str) -> RunView {
        self.until(run, |view| view.summary.ended.is_some()).await
    }

    /// A run once it is as `wanted` says.
    pub async fn until(&self, run: &str, wanted: impl Fn(&RunView) -> bool) -> RunView {
        let client = self.admin().client;
        let mut changes = client.stream::<Value>("/live?form=lines").await.unwrap();
        loop {
            let view: RunView = client.get(&format!("/runs/{run}")).await.unwrap();
            if wanted(&view) {
                return view;
            }
            let waited = tokio::time::timeout(LIMIT, changes.next()).await;
            waited.unwrap_or_else(|_| panic!("the run stays as it is: {view:?}")).unwrap();
        }
    }

    /// What a job's log says.
    pub async fn said(&self, run: &str, job: &str) -> String {
        let path = format!("/runs/{run}/jobs/{job}/log?follow=false");
        let mut parts = self.admin().client.stream::<LogPart>(&path).await.unwrap();
        let mut all = String::new();
        while let Some(part) = parts.next().await.unwrap() {
            for line in part.lines {
                all.push_str(&line.text);
                all.push_str(if line.ends { "\n" } else { "" });
            }
        }
        all
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// A client with a token.
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.url.parse().unwrap(), Some(Secret::new(token.to_owned()))).unwrap()
    }

    /// The first user.
    pub fn admin(&self) -> Person {
        let token = std::fs::read_to_string(self.data().join("admin.token")).unwrap();
        Person { client: self.client(&token), token }
    }

    /// Another user.
    pub async fn user(&self, name: &str) -> Person {
        let new = NewUser { name: name.parse().unwrap(), role: "developer".to_owned(), emails: vec![format!("{name}@example.org")] };
        let added: NewUserToken = self.admin().client.post("/users", &new).await.unwrap();
        Person { client: self.client(&added.token), token: added.token }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(server) = self.server.as_mut() {
            // one that has ended already needs no signal
            let _ = server.start_kill();
            while matches!(server.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        if self.data().is_dir() {
            let down = std::process::Command::new(self.program()).args(["down", "--config"]).arg(self.config()).output();
            if let Ok(down) = down
                && !down.status.success()
            {
                eprintln!("down: {}", String::from_utf8_lossy(&down.stderr));
            }
        }
        if std::thread::panicking() {
            eprintln!("--- the server said last ---\n{}", self.log());
        }
    }
}

/// What a program printed on standard error, and its exit code.
pub fn complaint(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Git as Ada has it, without settings of this machine.
pub fn git(at: &Path, args: &[&str]) {
    let mut command = std::process::Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(args).current_dir(at);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
}
