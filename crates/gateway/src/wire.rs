//! What is said on the control socket: one JSON object a line, one answer for each.

use std::io;

use penstock_model::gateway::{Figures, GatewaySnapshot};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::limits::MAX_MESSAGE;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Ask {
    /// Who are you?
    Ping,
    /// Put this in force.
    Publish {
        /// The whole of it.
        snapshot: GatewaySnapshot,
    },
    /// What did you count?
    Figures,
    /// The same in Prometheus' format.
    Metrics,
    /// Drain and end.
    ShutDown,
}

/// What the gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It is so.
    Done,
    /// It is here.
    Alive {
        /// Its process.
        pid: u32,
        /// Which start.
        started: u64,
        /// The snapshot in force.
        version: u64,
    },
    /// What was counted.
    Figures {
        /// All of it.
        figures: Figures,
    },
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// It is not so.
    Refused {
        /// Why, and what to do.
        what: String,
    },
}

/// Writes one message.
pub async fn write<W: AsyncWrite + Unpin>(to: &mut W, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

/// Reads one message; `None` at the end.
pub async fn read<R: AsyncRead + Unpin, M: for<'de> Deserialize<'de>>(from: &mut BufReader<R>) -> io::Result<Option<M>> {
    let mut line = Vec::new();
    let count = from.take(MAX_MESSAGE as u64 + 1).read_until(b'\n', &mut line).await?;
    if count == 0 {
        return Ok(None);
    }
    if count > MAX_MESSAGE {
        return Err(io::Error::other(format!("a message is longer than {MAX_MESSAGE} bytes")));
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
