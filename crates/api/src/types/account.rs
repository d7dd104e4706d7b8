//! Why things are as they are, where they came from, and what happened.

use penstock_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

/// `GET /explain/WHAT`: why something is as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// What it is about, in one line.
    pub subject: String,
    /// The answer in one line.
    pub verdict: String,
    /// The reasons, in order.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// Where: a job, a rule, an environment.
    pub topic: String,
    /// Why.
    pub text: String,
    /// Which file and line, if any.
    pub place: String,
    /// What to do, if anything.
    pub fix: String,
}

/// `GET /trace/WHAT`: from a running container to the commit and everyone and everything in between, and back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// What was asked for.
    pub subject: String,
    /// The links, from what runs to what it came from.
    pub links: Vec<TraceLink>,
}

/// One link of a trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceLink {
    /// `container`, `image`, `release`, `approval`, `gate`, `run`, `commit`, `author`, `statement`.
    pub kind: String,
    /// Its name.
    pub id: String,
    /// One line.
    pub text: String,
}

/// `GET /verify`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verification {
    /// The last position that was verified.
    pub position: u64,
    /// The checkpoint's root.
    pub root: Digest,
    /// Statements whose signature was verified again.
    pub statements: usize,
    /// What does not fit.
    pub problems: Vec<String>,
}

/// An event, for the audit trail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventView {
    /// Its place in the log.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Its type.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Its content.
    pub data: serde_json::Value,
    /// Its hash.
    pub hash: Digest,
}
