//! Somebody who uses the service all the time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// One request over a connection of its own: status and body.
pub async fn get(port: u16, path: &str) -> Result<(u16, String), String> {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(LIMIT, ask).await.map_err(|_| "no answer in time".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("half an answer: {answer:?}"))?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| format!("no status: {head}"))?;
    Ok((status, body.trim().to_owned()))
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often each answer came.
    pub answers: BTreeMap<String, u64>,
    /// Every request that did not get a good one.
    pub failed: Vec<String>,
}

/// Requests, one after the other, until it is stopped.
pub struct Traffic {
    stop: CancellationToken,
    task: JoinHandle<Tally>,
}

impl Traffic {
    /// Begins. A request counts as failed when it gets no answer, or another status than 200.
    pub fn begin(port: u16, path: &'static str, pace: Duration) -> Self {
        let stop = CancellationToken::new();
        let ended = stop.clone();
        let task = tokio::spawn(async move {
            let mut tally = Tally::default();
            let mut pace = tokio::time::interval(pace);
            while !ended.is_cancelled() {
                pace.tick().await;
                match get(port, path).await {
                    Ok((200, body)) => *tally.answers.entry(body).or_default() += 1,
                    other => tally.failed.push(format!("{other:?}")),
                }
            }
            tally
        });
        Self { stop, task }
    }

    /// Ends; gives what came of it.
    pub async fn end(self) -> Tally {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}
