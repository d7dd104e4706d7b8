//! Charts of a rollout, drawn here: weight, error rate and latency over time, the new version against the stable one.

use maud::{Markup, html};
use penstock_api::{Figure, RolloutView};

use super::parts::span;

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 128.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 8.0;
const BOTTOM: f64 = 20.0;
const TOP: f64 = 12.0;

/// One line of a chart.
struct Line<'a> {
    class: &'a str,
    value: &'a dyn Fn(&Figure) -> f64,
}

/// What a chart is about.
struct Chart<'a> {
    title: &'a str,
    unit: &'a str,
    /// The axis goes at least this far.
    at_least: f64,
    limit: Option<f64>,
    lines: &'a [Line<'a>],
    now: String,
}

/// The three charts.
pub(super) fn charts(rollout: &RolloutView) -> Markup {
    let figures = &rollout.figures;
    if figures.len() < 2 {
        return html! { p.hint { "No figures yet: they come with the first requests." } };
    }
    let last = figures[figures.len() - 1];
    let weight = [Line { class: "canary", value: &|figure| f64::from(figure.weight) }];
    let errors = [
        Line { class: "stable", value: &|figure| figure.stable_error_rate * 100.0 },
        Line { class: "canary", value: &|figure| figure.error_rate * 100.0 },
    ];
    let latency =
        [Line { class: "stable", value: &|figure| figure.stable_p95_ms }, Line { class: "canary", value: &|figure| figure.p95_ms }];
    let error_text = format!("{:.2} % of {} requests", last.error_rate * 100.0, last.requests);
    html! {
        div.charts {
            (chart(figures, &Chart { title: "Weight", unit: "%", at_least: 100.0, limit: None, lines: &weight, now: format!("{} %", last.weight) }))
            (chart(figures, &Chart { title: "Errors", unit: "%", at_least: 2.0, limit: Some(1.0), lines: &errors, now: error_text }))
            (chart(figures, &Chart { title: "95 % answered within", unit: "ms", at_least: 20.0, limit: Some(500.0), lines: &latency, now: format!("{:.0} ms", last.p95_ms) }))
        }
        p.legend { span.canary { "new" } span.stable { "stable" } span.limit { "limit" } }
    }
}

fn chart(figures: &[Figure], chart: &Chart<'_>) -> Markup {
    let highest = chart.lines.iter().flat_map(|line| figures.iter().map(line.value)).fold(0.0_f64, f64::max);
    let top = if highest > chart.at_least { highest * 1.15 } else { chart.at_least };
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value / top).clamp(0.0, 1.0));
    let whole = figures[figures.len() - 1].at.since(figures[0].at);
    let long = span(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX));
    html! {
        figure {
            figcaption { (chart.title) " " strong { (chart.now) } }
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (chart.title) ", now " (chart.now) ", over " (long) } {
                @for share in [0.0, 0.5, 1.0] {
                    line class=(if share == 0.0 { "axis" } else { "grid" }) x1=(LEFT) y1=(y(top * share)) x2=(WIDTH - RIGHT) y2=(y(top * share)) {}
                    text.tick x=(LEFT - 6.0) y=(y(top * share) + 3.5) text-anchor="end" { (tick(top * share, top, chart.unit)) }
                }
                text.tick x=(WIDTH - RIGHT) y=(HEIGHT - 4.0) text-anchor="end" { "over " (long) }
                @if let Some(limit) = chart.limit.filter(|limit| *limit <= top) { line.limit x1=(LEFT) y1=(y(limit)) x2=(WIDTH - RIGHT) y2=(y(limit)) {} }
                @for line in chart.lines {
                    @let points = points(figures, line, &y);
                    @if line.class == "canary" { polygon points={ (LEFT) "," (y(0.0)) " " (points) " " (WIDTH - RIGHT) "," (y(0.0)) } {} }
                    polyline class=(line.class) points=(points) {}
                }
            }
        }
    }
}

fn tick(value: f64, top: f64, unit: &str) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if top < 5.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

fn points(figures: &[Figure], line: &Line<'_>, y: &dyn Fn(f64) -> f64) -> String {
    let (first, last) = (figures[0].at, figures[figures.len() - 1].at);
    let whole = last.since(first).as_secs_f64().max(0.001);
    let x = |figure: &Figure| LEFT + (WIDTH - LEFT - RIGHT) * figure.at.since(first).as_secs_f64() / whole;
    figures.iter().map(|figure| format!("{:.1},{:.1}", x(figure), y((line.value)(figure)))).collect::<Vec<_>>().join(" ")
}
