//! k6's summary: thresholds, p95 and the rate of failed requests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ReportError, check_size};
use crate::finding::shorten;

const KIND: &str = "k6 summary";
/// The most thresholds that are read.
const MAX_THRESHOLDS: usize = 1_000;

/// One threshold and whether it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// The metric, such as `http_req_duration`.
    pub metric: String,
    /// The expression, such as `p(95)<500`.
    pub expression: String,
    /// True if it held.
    pub held: bool,
}

/// What k6 measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct K6Summary {
    /// The thresholds of the script.
    pub thresholds: Vec<Threshold>,
    /// The 95th percentile of request durations, in milliseconds.
    pub p95_ms: Option<f64>,
    /// The rate of failed requests, 0 to 1.
    pub failed_rate: Option<f64>,
    /// How many requests.
    pub requests: u64,
    /// Iterations that were left out because no user was free: with some, a constant rate was not held.
    pub dropped: u64,
    /// The script's own checks: passed and failed.
    pub checks: (u64, u64),
}

impl K6Summary {
    /// True if there are thresholds, all held, and at least one request was made. A script without thresholds judges nothing.
    pub fn passed(&self) -> bool {
        self.requests > 0 && !self.thresholds.is_empty() && self.thresholds.iter().all(|threshold| threshold.held)
    }
}

/// The arguments for a run that writes its summary to a file. Exit code 99 means that a threshold did not hold.
pub fn k6_args(script: &str, summary: &str) -> Vec<String> {
    ["run", "--quiet", "--no-color", "--no-usage-report", "--summary-export", summary, script].map(str::to_owned).into()
}

#[derive(Deserialize)]
struct Summary {
    metrics: BTreeMap<String, Value>,
}

/// Reads what `--summary-export` wrote, or the data of `handleSummary`.
pub fn read_k6(bytes: &[u8]) -> Result<K6Summary, ReportError> {
    check_size(KIND, bytes)?;
    let summary: Summary = serde_json::from_slice(bytes).map_err(|error| ReportError::form(KIND, &error))?;
    let mut read = K6Summary::default();
    for (metric, values) in &summary.metrics {
        let Some(thresholds) = values.get("thresholds").and_then(Value::as_object) else { continue };
        for (expression, held) in thresholds {
            let held = match held {
                // the export says whether the threshold was crossed …
                Value::Bool(crossed) => !crossed,
                // … and `handleSummary` whether it is fine
                Value::Object(state) => state.get("ok") == Some(&Value::Bool(true)),
                other => return Err(ReportError::form(KIND, &format!("threshold `{expression}` of {metric} is {other}"))),
            };
            if read.thresholds.len() >= MAX_THRESHOLDS {
                return Err(ReportError::TooLarge { kind: KIND, what: format!("more than {MAX_THRESHOLDS} thresholds") });
            }
            read.thresholds.push(Threshold { metric: shorten(metric, 200), expression: shorten(expression, 200), held });
        }
    }
    let value = |metric: &str, key: &str| -> Option<&Value> {
        let values = summary.metrics.get(metric)?;
        values.get(key).or_else(|| values.get("values")?.get(key))
    };
    let count = |metric: &str, key: &str| value(metric, key).and_then(Value::as_u64).unwrap_or(0);
    read.p95_ms = value("http_req_duration", "p(95)").and_then(Value::as_f64);
    read.failed_rate = value("http_req_failed", "value").or_else(|| value("http_req_failed", "rate")).and_then(Value::as_f64);
    read.requests = count("http_reqs", "count");
    read.dropped = count("dropped_iterations", "count");
    read.checks = (count("checks", "passes"), count("checks", "fails"));
    Ok(read)
}
