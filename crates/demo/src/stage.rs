//! The stage: a server with its users, project and repositories, and everything that is put away in the end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use penstock_api::{Client, NewProject, NewUser, NewUserToken, SecretValue};
use penstock_model::{ProjectName, Secret, UserName};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use crate::Args;
use crate::shell::{copy, run};
use crate::sinks::{Heard, listen};
use crate::table::Row;

/// How long the server may take to start or to end.
const SERVER: Duration = Duration::from_secs(60);

/// Everything.
pub struct Stage {
    /// The arguments.
    pub args: Args,
    /// The demo's directory, absolute.
    pub dir: PathBuf,
    /// The server's administrator.
    pub admin: Client,
    /// Pushes.
    pub ada: (Client, String),
    /// Approves.
    pub grace: Client,
    /// The project.
    pub project: ProjectName,
    /// What the team heard.
    pub heard: Heard,
    /// The table.
    pub rows: Vec<Row>,
    server: Child,
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Says what happens now.
pub fn say(text: &str) {
    println!("\n\u{25b8} {text}");
}

impl Stage {
    /// Starts the server and sets everything up, up to the first push.
    pub async fn set(mut args: Args) -> Result<Self, String> {
        for path in [&mut args.penstock, &mut args.tools, &mut args.examples] {
            *path = std::fs::canonicalize(&*path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let dir = std::path::absolute(&args.dir).map_err(words)?;
        remove_old(&args.penstock, &dir).await?;
        std::fs::create_dir_all(&dir).map_err(words)?;
        let heard = Heard::default();
        let (hook, mail) = listen(&heard).await?;
        let config = dir.join("penstock.yaml");
        std::fs::write(&config, server_config(&args, &dir, mail.port())?).map_err(words)?;
        say(&format!("penstock server on {}", args.listen));
        let server = start_server(&args, &config, &dir).await?;
        let url = Url::parse(&format!("http://{}", args.listen)).map_err(words)?;
        let token = std::fs::read_to_string(dir.join("data/admin.token")).map_err(words)?;
        let admin = Client::new(url.clone(), Some(Secret::new(token))).map_err(words)?;
        let project: ProjectName = "oran".parse().map_err(words)?;
        let new = NewProject { name: project.clone(), config: Some("oran-config".to_owned()), branch: None };
        let _: Value = admin.post("/projects", &new).await.map_err(words)?;
        let ada = user(&admin, "ada", "ada@example.org").await?;
        let grace = user(&admin, "grace", "grace@example.org").await?;
        let value = SecretValue { value: format!("http://{hook}/hook"), all_branches: false };
        let _: Value = admin.put(&format!("/projects/{project}/secrets/slack-webhook"), &value).await.map_err(words)?;
        copy(&args.examples.join("oran"), &dir.join("oran"))?;
        copy(&args.examples.join("oran-config"), &dir.join("oran-config"))?;
        shorten_bakes(&dir.join("oran-config/chart/values-production.yaml"), args.bake)?;
        let ada = (Client::new(url.clone(), Some(Secret::new(ada.clone()))).map_err(words)?, ada);
        let grace = Client::new(url, Some(Secret::new(grace))).map_err(words)?;
        println!("    project oran, users ada (pushes) and grace (approves)");
        Ok(Self { args, dir, admin, ada, grace, project, heard, rows: Vec::new(), server })
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.args.listen)
    }

    /// The administrator's token.
    pub fn token_file(&self) -> PathBuf {
        self.dir.join("data/admin.token")
    }

    /// Ends everything that was started, and looks whether something is left.
    pub async fn clear(mut self, keep: bool) -> Result<(), String> {
        if let Some(pid) = self.server.id().and_then(|pid| i32::try_from(pid).ok()) {
            // one that has ended already needs no signal
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        }
        let ended = tokio::time::timeout(SERVER, self.server.wait()).await;
        if ended.is_err() {
            self.server.kill().await.map_err(words)?;
        }
        down(&self.args.penstock, &self.dir.join("data")).await?;
        left(&self.dir)?;
        if !keep {
            std::fs::remove_dir_all(&self.dir).map_err(words)?;
        }
        if ended.is_err() { Err(format!("the server did not end within {} s", SERVER.as_secs())) } else { Ok(()) }
    }
}

async fn down(penstock: &Path, data: &Path) -> Result<(), String> {
    let data = data.to_string_lossy().into_owned();
    run(penstock, &["down", "--data", &data], Path::new("/"), &[]).await.map(drop)
}

/// What an interrupted demo left.
async fn remove_old(penstock: &Path, dir: &Path) -> Result<(), String> {
    if dir.join("data").is_dir() {
        down(penstock, &dir.join("data")).await?;
    }
    if dir.exists() {
        std::fs::remove_dir_all(dir).map_err(words)?;
    }
    Ok(())
}

/// No mount and no process of the demo may be left.
fn left(dir: &Path) -> Result<(), String> {
    let dir = dir.to_string_lossy().into_owned();
    let mounts = std::fs::read_to_string("/proc/self/mounts").map_err(words)?;
    let mounts: Vec<_> = mounts.lines().filter(|line| line.contains(&dir)).collect();
    if !mounts.is_empty() {
        return Err(format!("mounts are left: {}", mounts.join("; ")));
    }
    let data = format!("{dir}/data");
    for entry in std::fs::read_dir("/proc").map_err(words)?.flatten() {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(&data) {
            return Err(format!(
                "process {} is left: {}",
                entry.file_name().to_string_lossy(),
                String::from_utf8_lossy(&command).replace('\0', " ")
            ));
        }
    }
    Ok(())
}

fn server_config(args: &Args, dir: &Path, mail: u16) -> Result<String, String> {
    let toolchains = std::fs::read_to_string(args.tools.join("../toolchains"))
        .map_err(|error| format!("the list of toolchains: {error}; run setup/setup.sh"))?;
    let mut text = format!(
        "version: 1\nserver:\n  data: {}\n  listen: {}\n  tools: {}\n  smtp: {{host: 127.0.0.1, port: {mail}, from: penstock@example.org, tls: false}}\n  toolchains:\n",
        dir.join("data").display(),
        args.listen,
        args.tools.display()
    );
    let mut path = String::from("  path:\n");
    for folder in toolchains.lines().filter(|line| !line.is_empty()) {
        text.push_str(&format!("    - {folder}\n"));
        if Path::new(folder).join("bin").is_dir() {
            path.push_str(&format!("    - {folder}/bin\n"));
        }
    }
    path.push_str(&format!("    - {}\n", args.penstock.parent().unwrap_or(Path::new("/")).display()));
    text.push_str(&format!("    - {}\n", args.penstock.parent().unwrap_or(Path::new("/")).display()));
    Ok(text + &path)
}

/// Starts the server and waits for the line that says that it listens.
async fn start_server(args: &Args, config: &Path, dir: &Path) -> Result<Child, String> {
    let log = std::fs::File::create(dir.join("server.log")).map_err(words)?;
    let mut server = Command::new(&args.penstock)
        .args(["server", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{}: {error}", args.penstock.display()))?;
    let out = server.stdout.take().ok_or("the server has no output")?;
    let mut lines = BufReader::new(out).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await.map_err(words)? {
            if line.contains("listens on") {
                return Ok(());
            }
        }
        let log = std::fs::read_to_string(dir.join("server.log")).unwrap_or_default();
        Err(format!("the server ended: {log}"))
    };
    tokio::time::timeout(SERVER, ready).await.map_err(|_| "the server does not start".to_owned())??;
    // what it prints later must not fill the pipe
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(server)
}

async fn user(admin: &Client, name: &str, email: &str) -> Result<String, String> {
    let name: UserName = name.parse().map_err(words)?;
    let new = NewUser { name, role: "developer".to_owned(), emails: vec![email.to_owned()] };
    let added: NewUserToken = admin.post("/users", &new).await.map_err(words)?;
    Ok(added.token)
}

/// Minutes become seconds: the demo has no half an hour.
fn shorten_bakes(values: &Path, seconds: u64) -> Result<(), String> {
    let text = std::fs::read_to_string(values).map_err(words)?;
    let short = ["15m", "30m"].iter().fold(text, |text, long| text.replace(&format!("duration: {long}"), &format!("duration: {seconds}s")));
    std::fs::write(values, short).map_err(words)
}
