//! Where the team hears of things: a web hook in Slack's form and a mail server, both on loopback, both only listening.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What came.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn add(&self, line: String) {
        if let Ok(mut heard) = self.0.lock() {
            heard.push(line);
        }
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().map(|heard| heard.clone()).unwrap_or_default()
    }

    /// Whether something came over a channel that says all of these.
    pub fn has(&self, channel: &str, words: &[&str]) -> bool {
        self.all().iter().any(|line| line.starts_with(channel) && words.iter().all(|word| line.contains(word)))
    }
}

/// Starts both; gives their addresses.
pub async fn listen(heard: &Heard) -> Result<(SocketAddr, SocketAddr), String> {
    let wrong = |error: std::io::Error| format!("a port on loopback: {error}");
    let hook = TcpListener::bind("127.0.0.1:0").await.map_err(wrong)?;
    let mail = TcpListener::bind("127.0.0.1:0").await.map_err(wrong)?;
    let addresses = (hook.local_addr().map_err(wrong)?, mail.local_addr().map_err(wrong)?);
    let router = Router::new().route("/hook", post(slack)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(hook, router).await });
    let heard = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = mail.accept().await {
            tokio::spawn(smtp(stream, heard.clone()));
        }
    });
    Ok(addresses)
}

async fn slack(State(heard): State<Heard>, Json(message): Json<Value>) -> &'static str {
    heard.add(format!("slack: {}", message.get("text").and_then(Value::as_str).unwrap_or_default()));
    "ok"
}

/// Enough of SMTP (RFC 5321) to receive a message.
async fn smtp(stream: TcpStream, heard: Heard) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink\r\n").await?;
    let (mut subject, mut body, mut in_data, mut in_body) = (String::new(), String::new(), false, false);
    while let Some(line) = lines.next_line().await? {
        if in_data {
            match line.as_str() {
                "." => {
                    heard.add(format!("email: {subject}: {}", body.trim()));
                    (in_data, in_body) = (false, false);
                    subject.clear();
                    body.clear();
                    write.write_all(b"250 kept\r\n").await?;
                }
                "" if !in_body => in_body = true,
                text if in_body => body.push_str(text.strip_suffix('=').unwrap_or(text)),
                text => subject.push_str(text.strip_prefix("Subject: ").unwrap_or_default()),
            }
            continue;
        }
        let verb: String = line.chars().take(4).collect::<String>().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
