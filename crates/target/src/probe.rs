//! Probes: questions to containers by timers, and what their answers mean.

mod ask;
mod grpc;
mod health;
mod http;
mod watch;

pub use ask::Asked;
pub use health::Verdict;
pub use watch::{ProbeKind, Said, Watch, watch};

#[cfg(test)]
#[path = "probe/tests.rs"]
mod tests;
