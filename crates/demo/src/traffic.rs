//! Real traffic for production: k6 at a constant arrival rate, so that a request that is not answered in time is missed
//! and counted, not waited for.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

/// Traffic that is under way.
pub struct Traffic {
    child: Child,
    summary: PathBuf,
}

/// What came of it.
pub struct Sent {
    /// Requests.
    pub requests: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Requests that should have been made and were not.
    pub dropped: u64,
}

impl Traffic {
    /// Starts it; it stops by itself after some minutes at the latest.
    pub fn start(tools: &Path, source: &Path, folder: &Path, url: &str, rate: u32) -> Result<Self, String> {
        let summary = folder.join("traffic.json");
        // an older summary must not be taken for this one's
        let _ = std::fs::remove_file(&summary);
        let log = std::fs::File::create(folder.join("traffic.log")).map_err(|error| error.to_string())?;
        let child = Command::new(tools.join("bin/k6"))
            .args(["run", "--quiet", "--no-color", "--no-usage-report", "tests/k6/production.js"])
            .current_dir(source)
            .env("PENSTOCK_ENVIRONMENT_URL", url)
            .env("RATE", rate.to_string())
            .env("DURATION", "10m")
            .env("SUMMARY", &summary)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("k6: {error}"))?;
        Ok(Self { child, summary })
    }

    /// Ends it in order and reads what it counted.
    pub async fn stop(mut self) -> Result<Sent, String> {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // one that has ended already needs no signal
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT);
        }
        self.child.wait().await.map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(&self.summary).map_err(|error| format!("k6 left no summary: {error}"))?;
        let summary: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let count =
            |name: &str| summary.get(name).and_then(Value::as_f64).map(whole).ok_or_else(|| format!("k6's summary has no `{name}`"));
        Ok(Sent { requests: count("requests")?, failed: count("failed")?, dropped: count("dropped")? })
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count below 2^53")]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}
