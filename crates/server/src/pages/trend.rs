//! A figure over the last runs, as a small picture that is readable without colour, script or eyes: its words say the same.

use maud::{Markup, html};
use penstock_api::TestPoint;
use penstock_model::counted;

const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 96.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 8.0;

/// A picture of one figure. Runs that do not have it are left out.
pub(super) fn chart(title: &str, runs: &[TestPoint], value: &dyn Fn(&TestPoint) -> Option<f64>, words: &dyn Fn(f64) -> String) -> Markup {
    let values: Vec<(usize, f64)> = runs.iter().enumerate().filter_map(|(at, run)| Some((at, value(run)?))).collect();
    let Some((_, last)) = values.last() else {
        return html! { figure { figcaption { (title) " " strong { "unknown" } } } };
    };
    let lowest = values.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let highest = values.iter().map(|(_, value)| *value).fold(0.0_f64, f64::max);
    let first = values[0].1;
    let top = if highest > 0.0 { highest * 1.1 } else { 1.0 };
    let steps = runs.len().max(2) - 1;
    let x = |at: usize| LEFT + (WIDTH - LEFT - RIGHT) * share(at, steps);
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value / top).clamp(0.0, 1.0));
    let points = values.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect::<Vec<_>>().join(" ");
    let said = format!(
        "{title} over {}: {} at first, between {} and {}, {} now",
        counted(values.len(), "run"),
        words(first),
        words(lowest),
        words(highest),
        words(*last)
    );
    html! {
        figure {
            figcaption { (title) " " strong { (words(*last)) } }
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(said) {
                title { (said) }
                @for at in [0.0, highest] {
                    line class=(if at == 0.0 { "axis" } else { "grid" }) x1=(LEFT) y1=(y(at)) x2=(WIDTH - RIGHT) y2=(y(at)) {}
                    @if at > 0.0 || highest == 0.0 { text.tick x=(LEFT - 6.0) y=(y(at) + 3.5) text-anchor="end" { (words(at)) } }
                }
                polyline.canary points=(points) {}
                @for (at, value) in &values { circle.point cx=(format!("{:.1}", x(*at))) cy=(format!("{:.1}", y(*value))) r="2" {} }
            }
        }
    }
}

/// Where a run stands between the first and the last.
fn share(at: usize, steps: usize) -> f64 {
    f64::from(u32::try_from(at).unwrap_or(u32::MAX)) / f64::from(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// A value of an address's query.
pub(super) fn query(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() || b"-_./".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}
