//! Times of many runs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The median and the 95th percentile of so many runs, in milliseconds.
#[derive(Clone, Copy)]
pub struct Timing {
    pub median: f64,
    pub p95: f64,
    pub rounds: usize,
}

impl Timing {
    /// Of runs.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |place: usize| times.get(place.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        // the smallest that 95 of 100 do not exceed
        Self { median: at(times.len() / 2), p95: at((times.len() * 95).div_ceil(100).saturating_sub(1)), rounds: times.len() }
    }

    /// What one of so many parts takes, once what all have in common is taken off.
    pub fn each(self, common: f64, parts: u32) -> Self {
        let each = |whole: f64| (whole - common) / f64::from(parts);
        Self { median: each(self.median), p95: each(self.p95), rounds: self.rounds }
    }
}

/// Runs it so often, and once before for what later ones find.
pub fn repeated(rounds: usize, mut command: impl FnMut() -> Command) -> Result<Timing, String> {
    let times: Result<Vec<Duration>, String> = (0..=rounds).map(|_| once(&mut command())).collect();
    times.map(|times| Timing::of(times[1..].to_vec()))
}

fn once(command: &mut Command) -> Result<Duration, String> {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
    let took = begun.elapsed();
    if output.status.success() {
        return Ok(took);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("it ended with {}: {}", output.status, said.lines().last().unwrap_or_default()))
}
