//! The server's side: starts the process, finds it again, tells it, asks it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use penstock_model::gateway::{Figures, Gateway, GatewayError, GatewaySnapshot};
use tokio::io::BufReader;
use tokio::net::UnixStream;

use crate::limits;
use crate::wire::{self, Answer, Ask};

/// A waiting client looks again this often.
const POLL: Duration = Duration::from_millis(10);

/// A gateway of its own process, as this process reaches it.
#[derive(Clone, Debug)]
pub struct GatewayClient {
    /// The program and what stands before `--socket` on its command line (`gateway`).
    pub command: Vec<OsString>,
    /// The control socket. Its path has at most 107 bytes.
    pub socket: PathBuf,
    /// Where the gateway keeps the last snapshot. Beside it lies its lock.
    pub state: PathBuf,
    /// Where its log goes.
    pub log: PathBuf,
}

fn failed(what: impl Into<String>) -> GatewayError {
    GatewayError { what: what.into() }
}

impl GatewayClient {
    /// A client with all files in one directory. `program` is this binary; it is called with `gateway` first.
    pub fn new(program: impl Into<OsString>, folder: &Path) -> Self {
        Self {
            command: vec![program.into(), "gateway".into()],
            socket: folder.join("gateway.sock"),
            state: folder.join("gateway.json"),
            log: folder.join("gateway.log"),
        }
    }

    /// The gateway's figures in Prometheus' text format.
    pub async fn metrics(&self) -> Result<String, GatewayError> {
        match self.call(&Ask::Metrics).await? {
            Answer::Text { text } => Ok(text),
            other => Err(unexpected(other)),
        }
    }

    /// The process that answers on the socket.
    pub async fn pid(&self) -> Result<u32, GatewayError> {
        match self.call(&Ask::Ping).await? {
            Answer::Alive { pid, .. } => Ok(pid),
            other => Err(unexpected(other)),
        }
    }

    async fn call(&self, ask: &Ask) -> Result<Answer, GatewayError> {
        let talk = async {
            let stream = UnixStream::connect(&self.socket).await?;
            let (read, mut write) = stream.into_split();
            wire::write(&mut write, ask).await?;
            wire::read(&mut BufReader::new(read)).await
        };
        let socket = self.socket.display();
        match tokio::time::timeout(limits::MESSAGE_TIMEOUT, talk).await {
            Err(_) => Err(failed(format!("no answer on {socket} within {} s", limits::MESSAGE_TIMEOUT.as_secs()))),
            Ok(Err(error)) => Err(failed(format!("{socket} cannot be asked: {error}; see {}", self.log.display()))),
            Ok(Ok(None)) => Err(failed(format!("{socket} closed without an answer; see {}", self.log.display()))),
            Ok(Ok(Some(Answer::Refused { what }))) => Err(failed(what)),
            Ok(Ok(Some(answer))) => Ok(answer),
        }
    }

    fn open_log(&self) -> std::io::Result<File> {
        if std::fs::metadata(&self.log).is_ok_and(|log| log.len() > limits::MAX_LOG) {
            std::fs::rename(&self.log, self.log.with_extension("log.old"))?;
        }
        OpenOptions::new().create(true).append(true).mode(0o600).open(&self.log)
    }

    fn start(&self) -> Result<tokio::process::Child, GatewayError> {
        let (program, before) = self.command.split_first().ok_or_else(|| failed("no program is named"))?;
        let log = self.open_log().map_err(|error| failed(format!("its log {} cannot be opened: {error}", self.log.display())))?;
        tokio::process::Command::new(program)
            .args(before)
            .arg("--socket")
            .arg(&self.socket)
            .arg("--state")
            .arg(&self.state)
            .env_clear() // nothing that the server was given is the gateway's business
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| failed(format!("{} cannot be started: {error}", program.to_string_lossy())))
    }
}

fn unexpected(answer: Answer) -> GatewayError {
    failed(format!("an unexpected answer came: {answer:?}; the process may be of another version, `shut_down` it"))
}

#[async_trait]
impl Gateway for GatewayClient {
    async fn ensure(&self) -> Result<(), GatewayError> {
        if self.pid().await.is_ok() {
            return Ok(());
        }
        let mut child = self.start()?; // dropped, it is not killed, and the runtime reaps it
        let began = Instant::now();
        loop {
            if self.pid().await.is_ok() {
                return Ok(());
            }
            // code 3: another one was faster and will answer
            if let Ok(Some(status)) = child.try_wait()
                && status.code() != Some(3)
            {
                return Err(failed(format!("it ended at once ({status}); see {}", self.log.display())));
            }
            if began.elapsed() > limits::START_TIMEOUT {
                return Err(failed(format!("it did not answer within {} s; see {}", limits::START_TIMEOUT.as_secs(), self.log.display())));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn publish(&self, snapshot: &GatewaySnapshot) -> Result<(), GatewayError> {
        match self.call(&Ask::Publish { snapshot: snapshot.clone() }).await? {
            Answer::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    async fn figures(&self) -> Result<Figures, GatewayError> {
        match self.call(&Ask::Figures).await? {
            Answer::Figures { figures } => Ok(figures),
            other => Err(unexpected(other)),
        }
    }

    async fn shut_down(&self) -> Result<(), GatewayError> {
        let pid = match self.pid().await {
            Err(_) if !self.socket.exists() => return Ok(()),
            found => found?,
        };
        self.call(&Ask::ShutDown).await?;
        let began = Instant::now();
        // until another, or nobody, answers
        while self.socket.exists() && self.pid().await.is_ok_and(|now| now == pid) {
            if began.elapsed() > limits::DRAIN_TIMEOUT + limits::MESSAGE_TIMEOUT {
                return Err(failed(format!("process {pid} did not end after its drain")));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}
