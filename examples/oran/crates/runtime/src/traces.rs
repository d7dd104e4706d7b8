//! Traces over OTLP (gRPC), and the W3C trace context that joins the services' spans into one.

use std::collections::HashMap;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{Failure, Identity, settings};

/// The header, and the gRPC metadata key, of the W3C trace context.
pub const TRACEPARENT: &str = "traceparent";

/// Sends spans to a collector.
#[derive(Debug)]
pub struct Exporter {
    provider: SdkTracerProvider,
    name: &'static str,
}

impl Exporter {
    /// An exporter to the collector that the environment names, or none.
    pub(crate) fn from_environment(identity: Identity) -> Result<Option<Self>, Failure> {
        if settings::trace_endpoint().is_none() {
            return Ok(None);
        }
        // The endpoint, its headers and time-outs are read by the exporter, by OpenTelemetry's own variables.
        let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build()?;
        let mut resource = Resource::builder()
            .with_service_name(identity.name)
            .with_attribute(KeyValue::new("service.version", identity.version));
        if let Some(environment) = settings::environment() {
            resource = resource.with_attribute(KeyValue::new("deployment.environment.name", environment));
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        Ok(Some(Self { provider, name: identity.name }))
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer(self.name)
    }

    /// Sends what has not been sent yet. A collector that cannot be reached does not keep a service from ending.
    pub(crate) fn flush(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "traces were not sent");
        }
    }
}

/// Makes `span` a child of the span that a caller named in its `traceparent`.
pub fn adopt(span: &tracing::Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else { return };
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    // Without an exporter the span is nobody's child, and nobody looks.
    drop(span.set_parent(TraceContextPropagator::new().extract(&carrier)));
}

/// The `traceparent` to send along with a call that the current span makes. None when nothing is traced.
#[must_use]
pub fn current() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&tracing::Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}
