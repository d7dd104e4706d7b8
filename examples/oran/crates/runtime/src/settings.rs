//! The one place where this crate reads the environment.

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use crate::Failure;

/// How long a service that was told to stop goes on taking requests while it already says that it is not ready.
const SHUTDOWN_DELAY: Duration = Duration::from_secs(1);

/// Where a service listens when the environment does not say so.
const LISTEN: &str = "0.0.0.0:8080";

/// A variable that is set and not empty.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// `LISTEN`: the address for HTTP.
pub fn listen() -> Result<SocketAddr, Failure> {
    address("LISTEN", LISTEN)
}

/// The address in the variable `name`, or `fallback`.
pub fn address(name: &str, fallback: &str) -> Result<SocketAddr, Failure> {
    let value = variable(name).unwrap_or_else(|| fallback.to_owned());
    value.parse().map_err(|_| format!("{name}={value} is not an address like {fallback}").into())
}

/// `LOG_LEVEL`: error, warn, info, debug or trace.
#[must_use]
pub fn log_level() -> tracing::Level {
    variable("LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(tracing::Level::INFO)
}

/// `SHUTDOWN_DELAY_MS`: see [`SHUTDOWN_DELAY`].
pub(crate) fn shutdown_delay() -> Result<Duration, Failure> {
    match variable("SHUTDOWN_DELAY_MS") {
        None => Ok(SHUTDOWN_DELAY),
        Some(value) => match value.parse() {
            Ok(milliseconds) => Ok(Duration::from_millis(milliseconds)),
            Err(_) => Err(format!("SHUTDOWN_DELAY_MS={value} is not a number of milliseconds").into()),
        },
    }
}

/// `OTEL_EXPORTER_OTLP_ENDPOINT`: where traces go. Without it there are none.
pub(crate) fn trace_endpoint() -> Option<String> {
    variable("OTEL_EXPORTER_OTLP_ENDPOINT")
}

/// `DEPLOYMENT_ENVIRONMENT`: staging, production …, as traces name it.
pub(crate) fn environment() -> Option<String> {
    variable("DEPLOYMENT_ENVIRONMENT")
}
