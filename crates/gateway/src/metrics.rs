//! The figures in Prometheus' text format.

use std::fmt::Write as _;

use penstock_model::gateway::{Counters, Figures, LATENCY_BOUNDS_MS};

/// What is counted for the whole process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that no group could take.
    pub unrouted: u64,
    /// Refused connects.
    pub refused: u64,
    /// Idle connections found closed.
    pub stale: u64,
}

/// Writes all figures.
pub fn text(figures: &Figures, totals: Totals) -> String {
    let mut out = String::new();
    let scalars: [(&str, &str, &str, fn(&Counters) -> u64); 3] = [
        ("requests_total", "counter", "Requests that were answered, or could not be.", |c| c.requests),
        ("errors_total", "counter", "Of these: status 5xx, a gRPC code of the server's fault, or no answer.", |c| c.errors),
        ("in_flight", "gauge", "Requests under way.", |c| c.in_flight),
    ];
    for (name, kind, help, of) in scalars {
        head(&mut out, name, kind, help);
        each(figures, |labels, counters| {
            let _ = writeln!(out, "penstock_gateway_{name}{{{labels}}} {}", of(counters));
        });
    }
    head(&mut out, "latency_seconds", "histogram", "Time to the head of the answer.");
    each(figures, |labels, counters| histogram(&mut out, labels, counters));
    for (name, help, value) in [
        ("unrouted_total", "Requests for which no group had a backend and a weight.", totals.unrouted),
        ("connect_refused_total", "Connects that were refused, so that another backend was tried.", totals.refused),
        ("stale_connections_total", "Idle connections found closed before anything was sent on them.", totals.stale),
    ] {
        head(&mut out, name, "counter", help);
        let _ = writeln!(out, "penstock_gateway_{name} {value}");
    }
    head(&mut out, "snapshot_version", "gauge", "The snapshot in force.");
    let _ = writeln!(out, "penstock_gateway_snapshot_version {}", figures.version);
    out
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP penstock_gateway_{name} {help}\n# TYPE penstock_gateway_{name} {kind}");
}

fn each(figures: &Figures, mut with: impl FnMut(&str, &Counters)) {
    for (route, groups) in &figures.routes {
        for (group, counters) in groups {
            with(&format!("route=\"{}\",group=\"{}\"", escaped(route), escaped(group)), counters);
        }
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn histogram(out: &mut String, labels: &str, counters: &Counters) {
    let mut sum = 0;
    let bounds = LATENCY_BOUNDS_MS.iter().map(|ms| format!("{}", f64::from(*ms) / 1000.0)).chain(["+Inf".to_owned()]);
    for (bound, count) in bounds.zip(&counters.latency) {
        sum += count;
        let _ = writeln!(out, "penstock_gateway_latency_seconds_bucket{{{labels},le=\"{bound}\"}} {sum}");
    }
    let _ = writeln!(out, "penstock_gateway_latency_seconds_count{{{labels}}} {sum}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_labels_escaped() {
        let mut figures = Figures { version: 3, ..Figures::default() };
        let mut latency = vec![0; LATENCY_BOUNDS_MS.len() + 1];
        (latency[0], latency[22]) = (2, 1);
        let counters = Counters { requests: 3, errors: 1, in_flight: 0, latency };
        figures.routes.entry("a/b:\"80\"".into()).or_default().insert("g".into(), counters);
        let seen = text(&figures, Totals::default());
        assert!(seen.contains("penstock_gateway_latency_seconds_bucket{route=\"a/b:\\\"80\\\"\",group=\"g\",le=\"10\"} 2\n"), "{seen}");
        assert!(seen.contains("le=\"+Inf\"} 3\n"));
        assert!(seen.contains("penstock_gateway_errors_total{route=\"a/b:\\\"80\\\"\",group=\"g\"} 1\n"));
    }
}
