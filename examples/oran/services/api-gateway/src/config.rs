//! Where the other services are. The one place where this service reads the environment.

use sdr_runtime::settings::variable;

/// The addresses of the services behind the front door.
#[derive(Clone, Debug)]
pub struct Config {
    /// `PQC_URL`
    pub pqc: String,
    /// `DRL_URL`
    pub drl: String,
    /// `E2_URL`, for gRPC without TLS
    pub e2: String,
}

impl Config {
    /// By name, as they are called in every environment, unless the environment says otherwise.
    pub fn from_environment() -> Self {
        let url = |name, usual: &str| variable(name).unwrap_or_else(|| usual.to_owned());
        Self {
            pqc: url("PQC_URL", "http://pqc-service:8080"),
            drl: url("DRL_URL", "http://drl-trainer:8080"),
            e2: url("E2_URL", "http://e2-server:50051"),
        }
    }
}
