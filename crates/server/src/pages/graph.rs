//! The job graph as a picture: stages from left to right, lines for what a job waits for.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_model::JobName;

use super::parts::tone;
use super::run::job_address;

const WIDTH: usize = 168;
const HEIGHT: usize = 32;
const GAP_X: usize = 52;
const GAP_Y: usize = 10;
/// Above the jobs: the stage's name.
const HEAD: usize = 30;
const MARGIN: usize = 14;
/// How far before a stage its gate stands, for jobs that wait for all of the stages before.
const GATE: usize = 26;
/// The most characters of a name that fit.
const NAME: usize = 18;

/// Where a job stands.
struct Place {
    column: usize,
    row: usize,
}

impl Place {
    fn x(&self) -> usize {
        MARGIN + self.column * (WIDTH + GAP_X)
    }
    fn y(&self) -> usize {
        HEAD + MARGIN + self.row * (HEIGHT + GAP_Y)
    }
}

/// A run laid out.
struct Layout<'a> {
    jobs: &'a [JobView],
    places: BTreeMap<&'a JobName, Place>,
    /// Each stage with its first column.
    stages: Vec<(&'a str, usize)>,
    columns: usize,
}

/// The picture. The table below it says the same in words.
pub(super) fn graph(run: &RunView) -> Markup {
    let layout = Layout::of(run);
    let rows = layout.places.values().map(|place| place.row + 1).max().unwrap_or(1);
    let width = layout.columns * (WIDTH + GAP_X) - GAP_X + 2 * MARGIN;
    let height = HEAD + rows * (HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
    html! {
        svg.graph xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label="Job graph" {
            @for (name, column) in &layout.stages {
                text.stage x=(Place { column: *column, row: 0 }.x() + 2) y=(HEAD) { (name) }
            }
            (layout.gates())
            @for job in run.jobs.iter().filter(|job| !layout.waits_for_stages(job)) {
                @for need in layout.shown_needs(job) { (layout.edge(need, &job.name)) }
            }
            @for job in &run.jobs { @if let Some(place) = layout.places.get(&job.name) { (node(run, job, place)) } }
        }
    }
}

impl<'a> Layout<'a> {
    fn of(run: &'a RunView) -> Self {
        let depths = depths(&run.jobs);
        let mut used: Vec<&str> = run.stages.iter().map(String::as_str).collect();
        for job in &run.jobs {
            if !used.contains(&job.stage.as_str()) {
                used.push(&job.stage);
            }
        }
        let mut layout = Self { jobs: &run.jobs, places: BTreeMap::new(), stages: Vec::new(), columns: 0 };
        for stage in used {
            let jobs: Vec<&JobView> = run.jobs.iter().filter(|job| job.stage == stage).collect();
            let Some(deepest) = jobs.iter().map(|job| depths[&job.name]).max() else { continue };
            layout.stages.push((stage, layout.columns));
            let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
            for job in jobs {
                let column = layout.columns + depths[&job.name];
                let row = rows.entry(column).or_default();
                layout.places.insert(&job.name, Place { column, row: *row });
                *row += 1;
            }
            layout.columns += deepest + 1;
        }
        layout.columns = layout.columns.max(1);
        layout
    }

    /// All jobs of earlier stages.
    fn before(&self, job: &JobView) -> BTreeSet<&JobName> {
        let at = self.stages.iter().position(|(name, _)| *name == job.stage).unwrap_or(0);
        let earlier: Vec<&str> = self.stages[..at].iter().map(|(name, _)| *name).collect();
        self.jobs.iter().filter(|other| earlier.contains(&other.stage.as_str())).map(|other| &other.name).collect()
    }

    /// Whether a job waits for the stages before and not for jobs by name; a few lines then say it all.
    fn waits_for_stages(&self, job: &JobView) -> bool {
        let before = self.before(job);
        before.len() > 1 && job.needs.iter().collect::<BTreeSet<_>>() == before
    }

    /// A bar before each stage that some job waits at, with a line to each of these.
    fn gates(&self) -> Markup {
        html! {
            @for (stage, column) in &self.stages {
                @let waiting: Vec<&Place> = self.jobs.iter().filter(|job| job.stage == *stage && self.waits_for_stages(job))
                    .filter_map(|job| self.places.get(&job.name)).collect();
                @if let (Some(first), Some(last)) = (waiting.iter().map(|place| place.y()).min(), waiting.iter().map(|place| place.y()).max()) {
                    @let x = Place { column: *column, row: 0 }.x() - GATE;
                    path.gate d={ "M" (x) " " (first) " V" (last + HEIGHT) } aria-hidden="true" {}
                    @for place in waiting { path.edge d={ "M" (x) " " (place.y() + HEIGHT / 2) " H" (place.x()) } aria-hidden="true" {} }
                }
            }
        }
    }

    /// What follows from other lines is not drawn.
    fn shown_needs(&self, job: &'a JobView) -> Vec<&'a JobName> {
        let by_name: BTreeMap<&JobName, &JobView> = self.jobs.iter().map(|job| (&job.name, job)).collect();
        let implied = |need: &JobName| {
            let others = job.needs.iter().filter(|other| *other != need);
            others.filter_map(|other| by_name.get(other)).any(|other| other.needs.contains(need))
        };
        job.needs.iter().filter(|need| !implied(need)).collect()
    }

    fn edge(&self, from: &JobName, to: &JobName) -> Markup {
        let (Some(from), Some(to)) = (self.places.get(from), self.places.get(to)) else { return html! {} };
        let (x1, y1) = (from.x() + WIDTH, from.y() + HEIGHT / 2);
        let (x2, y2) = (to.x(), to.y() + HEIGHT / 2);
        let bend = x1.midpoint(x2);
        html! { path.edge d={ "M" (x1) " " (y1) " C" (bend) " " (y1) " " (bend) " " (y2) " " (x2) " " (y2) } aria-hidden="true" {} }
    }
}

/// How far each job is from the start of its stage: the longest way over jobs of the same stage.
fn depths(jobs: &[JobView]) -> BTreeMap<&JobName, usize> {
    let stages: BTreeMap<&JobName, &str> = jobs.iter().map(|job| (&job.name, job.stage.as_str())).collect();
    let mut depths: BTreeMap<&JobName, usize> = jobs.iter().map(|job| (&job.name, 0)).collect();
    // a plan has no cycle: after as many rounds as there are jobs nothing moves
    for _ in 0..jobs.len() {
        let mut moved = false;
        for job in jobs {
            let same = job.needs.iter().filter(|need| stages.get(need) == Some(&job.stage.as_str()));
            let wanted = same.filter_map(|need| depths.get(need)).max().map_or(0, |depth| depth + 1);
            if depths.get(&job.name).is_some_and(|depth| *depth < wanted) {
                depths.insert(&job.name, wanted);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    depths
}

fn node(run: &RunView, job: &JobView, place: &Place) -> Markup {
    let (class, mark) = tone(&job.status);
    let name = job.name.as_str();
    let short: String = if name.chars().count() > NAME { name.chars().take(NAME - 1).chain(['…']).collect() } else { name.to_owned() };
    html! {
        a href=(job_address(&run.summary.id, job)) aria-label={ (name) ": " (job.status) } {
            g class={ "node " (class) } {
                title { (name) ": " (job.status) }
                rect x=(place.x()) y=(place.y()) width=(WIDTH) height=(HEIGHT) rx="7" {}
                text.mark x=(place.x() + 12) y=(place.y() + 21) { (mark) }
                text x=(place.x() + 30) y=(place.y() + 21) { (short) }
            }
        }
    }
}
