//! The job graph as a picture: columns by how far a job is from the start, lines for what it waits for.

use std::collections::BTreeMap;

use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_model::JobName;

use super::run::job_address;

const WIDTH: usize = 168;
const HEIGHT: usize = 34;
const GAP_X: usize = 56;
const GAP_Y: usize = 12;
/// The most characters of a name that fit.
const NAME: usize = 20;

/// Where a job stands.
struct Place {
    column: usize,
    row: usize,
}

impl Place {
    fn x(&self) -> usize {
        8 + self.column * (WIDTH + GAP_X)
    }
    fn y(&self) -> usize {
        8 + self.row * (HEIGHT + GAP_Y)
    }
}

/// The picture. The table below it says the same in words.
pub(super) fn graph(run: &RunView) -> Markup {
    let places = places(&run.jobs);
    let columns = places.values().map(|place| place.column + 1).max().unwrap_or(1);
    let rows = places.values().map(|place| place.row + 1).max().unwrap_or(1);
    let (width, height) = (columns * (WIDTH + GAP_X) - GAP_X + 16, rows * (HEIGHT + GAP_Y) - GAP_Y + 16);
    html! {
        svg.graph xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label="Job graph" {
            @for job in &run.jobs { @for need in shown_needs(job, &run.jobs) { (edge(&places, need, &job.name)) } }
            @for job in &run.jobs { (node(run, job, &places[&job.name])) }
        }
    }
}

/// The longest way from the start gives the column; the order of the file gives the row.
fn places(jobs: &[JobView]) -> BTreeMap<JobName, Place> {
    let mut columns: BTreeMap<&JobName, usize> = jobs.iter().map(|job| (&job.name, 0)).collect();
    // a plan has no cycle: after as many rounds as there are jobs nothing moves
    for _ in 0..jobs.len() {
        let mut moved = false;
        for job in jobs {
            let wanted = job.needs.iter().filter_map(|need| columns.get(need)).max().map_or(0, |column| column + 1);
            if columns.get(&job.name).is_some_and(|column| *column < wanted) {
                columns.insert(&job.name, wanted);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    jobs.iter()
        .map(|job| {
            let column = columns.get(&job.name).copied().unwrap_or(0);
            let row = rows.entry(column).or_default();
            let place = Place { column, row: *row };
            *row += 1;
            (job.name.clone(), place)
        })
        .collect()
}

/// What follows from other lines is not drawn.
fn shown_needs<'a>(job: &'a JobView, jobs: &'a [JobView]) -> Vec<&'a JobName> {
    let by_name: BTreeMap<&JobName, &JobView> = jobs.iter().map(|job| (&job.name, job)).collect();
    let implied = |need: &JobName| {
        job.needs.iter().filter(|other| *other != need).any(|other| by_name.get(other).is_some_and(|other| other.needs.contains(need)))
    };
    job.needs.iter().filter(|need| !implied(need)).collect()
}

fn edge(places: &BTreeMap<JobName, Place>, from: &JobName, to: &JobName) -> Markup {
    let (Some(from), Some(to)) = (places.get(from), places.get(to)) else { return html! {} };
    let (x1, y1) = (from.x() + WIDTH, from.y() + HEIGHT / 2);
    let (x2, y2) = (to.x(), to.y() + HEIGHT / 2);
    let bend = x1.midpoint(x2);
    html! { path.edge d={ "M" (x1) " " (y1) " C" (bend) " " (y1) " " (bend) " " (y2) " " (x2) " " (y2) } aria-hidden="true" {} }
}

fn node(run: &RunView, job: &JobView, place: &Place) -> Markup {
    let class = match job.status.as_str() {
        "success" => "good",
        "failed" => "bad",
        "running" | "pending" => "busy",
        "manual" | "failed, allowed" => "wait",
        _ => "idle",
    };
    let mark = match class {
        "good" => "✓",
        "bad" => "✗",
        "busy" => "●",
        "wait" => "!",
        _ => "○",
    };
    let name = job.name.as_str();
    let short: String = if name.chars().count() > NAME { name.chars().take(NAME - 1).chain(['…']).collect() } else { name.to_owned() };
    html! {
        a href=(job_address(&run.summary.id, job)) aria-label={ (name) ": " (job.status) } {
            g class={ "node " (class) } {
                title { (name) ": " (job.status) }
                rect x=(place.x()) y=(place.y()) width=(WIDTH) height=(HEIGHT) rx="6" {}
                text.mark x=(place.x() + 12) y=(place.y() + 22) { (mark) }
                text x=(place.x() + 30) y=(place.y() + 22) { (short) }
            }
        }
    }
}
