//! Charts of a rollout, drawn here: weight, error rate and latency over time, the new version against the stable one.

use maud::{Markup, html};
use penstock_api::{Figure, RolloutView};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 96.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 16.0;
const TOP: f64 = 10.0;

/// One line of a chart.
struct Line<'a> {
    class: &'a str,
    value: &'a dyn Fn(&Figure) -> f64,
}

/// The three charts.
pub(super) fn charts(rollout: &RolloutView) -> Markup {
    let figures = &rollout.figures;
    if figures.len() < 2 {
        return html! { p.hint { "No figures yet." } };
    }
    let last = figures[figures.len() - 1];
    html! {
        div.charts {
            (chart("Weight", "%", figures, 100.0, None, &[Line { class: "canary", value: &|figure| f64::from(figure.weight) }], &format!("{} %", last.weight)))
            (chart("Errors", "%", figures, 2.0, Some(1.0), &[
                Line { class: "stable", value: &|figure| figure.stable_error_rate * 100.0 },
                Line { class: "canary", value: &|figure| figure.error_rate * 100.0 },
            ], &format!("{:.2} % of {} requests", last.error_rate * 100.0, last.requests)))
            (chart("95 % answered within", "ms", figures, 20.0, Some(500.0), &[
                Line { class: "stable", value: &|figure| figure.stable_p95_ms },
                Line { class: "canary", value: &|figure| figure.p95_ms },
            ], &format!("{:.0} ms", last.p95_ms)))
        }
        p.legend { span.canary { "— new" } " " span.stable { "— stable" } " " span.limit { "- - limit" } }
    }
}

fn chart(title: &str, unit: &str, figures: &[Figure], at_least: f64, limit: Option<f64>, lines: &[Line<'_>], now: &str) -> Markup {
    let highest = lines.iter().flat_map(|line| figures.iter().map(line.value)).fold(0.0_f64, f64::max);
    let top = if highest > at_least { highest * 1.1 } else { at_least };
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value / top).clamp(0.0, 1.0));
    html! {
        figure {
            figcaption { (title) ": " strong { (now) } }
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (title) ", now " (now) } {
                line.axis x1=(LEFT) y1=(y(0.0)) x2=(WIDTH) y2=(y(0.0)) {}
                line.grid x1=(LEFT) y1=(y(top)) x2=(WIDTH) y2=(y(top)) {}
                text.tick x=(LEFT - 4.0) y=(y(top) + 4.0) text-anchor="end" { (format!("{top:.0} {unit}")) }
                text.tick x=(LEFT - 4.0) y=(y(0.0) + 4.0) text-anchor="end" { "0" }
                @if let Some(limit) = limit.filter(|limit| *limit <= top) { line.limit x1=(LEFT) y1=(y(limit)) x2=(WIDTH) y2=(y(limit)) {} }
                @for line in lines { polyline class=(line.class) points=(points(figures, line, &y)) {} }
            }
        }
    }
}

fn points(figures: &[Figure], line: &Line<'_>, y: &dyn Fn(f64) -> f64) -> String {
    let (first, last) = (figures[0].at, figures[figures.len() - 1].at);
    let whole = last.since(first).as_secs_f64().max(0.001);
    let x = |figure: &Figure| LEFT + (WIDTH - LEFT) * figure.at.since(first).as_secs_f64() / whole;
    figures.iter().map(|figure| format!("{:.1},{:.1}", x(figure), y((line.value)(figure)))).collect::<Vec<_>>().join(" ")
}
