//! Log lines as JSON on standard output.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::{Identity, settings, traces};

/// Starts logging, and tracing when there is somewhere to send traces to.
///
/// The level is for the product's own code; libraries are heard from `warn` on.
pub(crate) fn start(identity: Identity, exporter: Option<&traces::Exporter>) {
    let level = settings::log_level();
    let own = identity.name.replace('-', "_");
    let log_filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target(own.clone(), level)
        .with_target("sdr_runtime", level);
    // Spans are measured whatever is logged.
    let span_filter = Targets::new().with_target(own, LevelFilter::INFO).with_target("sdr_runtime", LevelFilter::INFO);
    let lines = fmt::layer().json().flatten_event(true).with_span_list(false).with_filter(log_filter);
    let spans =
        exporter.map(|exporter| tracing_opentelemetry::layer().with_tracer(exporter.tracer()).with_filter(span_filter));
    tracing_subscriber::registry().with(spans).with(lines).init();
}
