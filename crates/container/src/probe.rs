//! The server's side of one more program in a running container.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use penstock_model::container::ExecOutput;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::helper::EXEC;
use crate::one_shot::TIMED_OUT;
use crate::state::Home;

/// The end of a program's output that is kept.
const MAX_OUTPUT: usize = 1024 * 1024;
/// How long output that is already in the pipe may take to be read after the program's end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Runs it; its output comes as one text.
pub async fn exec(program: &Path, home: &Home, command: &[String], timeout: Duration) -> Result<ExecOutput, String> {
    let started = home.started().map_err(|error| error.to_string())?;
    if started.is_none_or(|started| started.init.open().is_none()) {
        return Err("it does not run, so nothing can be run in it".to_owned());
    }
    let mut child = Command::new(program)
        .arg(EXEC)
        .arg(&home.0)
        .args(command)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("starting {}: {error}", program.display()))?;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let out = child.stdout.take().map(|stream| tokio::spawn(keep(stream, Arc::clone(&kept))));
    let err = child.stderr.take().map(|stream| tokio::spawn(keep(stream, Arc::clone(&kept))));
    let code = match tokio::time::timeout(timeout, child.wait()).await {
        Ok(status) => status.map_err(|error| format!("waiting: {error}"))?.code().unwrap_or(255),
        Err(_) => {
            let _ = child.kill().await;
            TIMED_OUT
        }
    };
    for reader in [out, err].into_iter().flatten() {
        let stop = reader.abort_handle();
        // something that it left in the background may hold the pipe for ever
        if tokio::time::timeout(LAST_WORDS, reader).await.is_err() {
            stop.abort();
        }
    }
    let kept = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(ExecOutput { code, output: String::from_utf8_lossy(&kept).into_owned() })
}

async fn keep(mut stream: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        kept.extend(&buffer[..length]);
        let excess = kept.len().saturating_sub(MAX_OUTPUT);
        kept.drain(..excess);
    }
}
