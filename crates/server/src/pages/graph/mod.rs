//! The job graph as a picture: stages from left to right, lines for what a job waits for.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_model::JobName;

use self::lines::{HEAD, HEIGHT, Place, WIDTH, lines, size};
use super::parts::{tone, word_in};
use super::run::job_address;

mod fold;
mod lines;

/// How far before a stage its gate stands, for jobs that wait for all of the stages before.
const GATE: usize = 26;
/// The most characters of a name that fit.
const NAME: usize = 18;

/// A run laid out.
struct Layout<'a> {
    jobs: &'a [JobView],
    places: BTreeMap<&'a JobName, Place>,
    /// Each stage with its first column.
    stages: Vec<(&'a str, usize)>,
    /// How many jobs stand in each column.
    rows: Vec<usize>,
}

/// The picture. The table below it says the same in words.
pub(super) fn graph(run: &RunView) -> Markup {
    let folded = fold::fold(&run.jobs);
    let layout = Layout::of(&run.stages, &folded);
    let lines = lines(&layout.rows, &layout.ends());
    let (width, height) = size(&layout.rows, &lines);
    html! {
        svg.graph xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label="Job graph" {
            @for (name, column) in &layout.stages {
                text.stage x=(Place { column: *column, row: 0 }.x() + 2) y=(HEAD) { (name) }
            }
            (layout.gates())
            @for line in &lines { path.edge d=(line.path()) aria-hidden="true" {} }
            @for job in &folded { @if let Some(place) = layout.places.get(&job.name) { (node(run, job, place)) } }
        }
    }
}

impl<'a> Layout<'a> {
    fn of(stages: &'a [String], all: &'a [JobView]) -> Self {
        let depths = depths(all);
        let mut used: Vec<&str> = stages.iter().map(String::as_str).collect();
        for job in all {
            if !used.contains(&job.stage.as_str()) {
                used.push(&job.stage);
            }
        }
        let mut layout = Self { jobs: all, places: BTreeMap::new(), stages: Vec::new(), rows: Vec::new() };
        for stage in used {
            let jobs: Vec<&JobView> = all.iter().filter(|job| job.stage == stage).collect();
            let Some(deepest) = jobs.iter().map(|job| depths[&job.name]).max() else { continue };
            let first = layout.rows.len();
            layout.stages.push((stage, first));
            layout.rows.resize(first + deepest + 1, 0);
            for job in jobs {
                let column = first + depths[&job.name];
                let row = &mut layout.rows[column];
                layout.places.insert(&job.name, Place { column, row: *row });
                *row += 1;
            }
        }
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
                    @for place in waiting { path.edge d={ "M" (x) " " (place.middle()) " H" (place.x()) } aria-hidden="true" {} }
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

    /// From where to where a line goes.
    fn ends(&self) -> Vec<(Place, Place)> {
        let jobs = self.jobs.iter().filter(|job| !self.waits_for_stages(job));
        let waits = jobs.flat_map(|job| self.shown_needs(job).into_iter().map(move |need| (need, &job.name)));
        waits.filter_map(|(need, job)| Some((*self.places.get(need)?, *self.places.get(job)?))).collect()
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
    let status = word_in(run.dialect.as_deref(), &job.status);
    // what stands for several jobs leads to all of them
    let address = if run.jobs.iter().any(|one| one.name == job.name) { job_address(&run.summary.id, job) } else { "#table".to_owned() };
    let short: String = if name.chars().count() > NAME { name.chars().take(NAME - 1).chain(['…']).collect() } else { name.to_owned() };
    html! {
        a href=(address) aria-label={ (name) ": " (status) } {
            g class={ "node " (class) } {
                title { (name) ": " (status) }
                rect x=(place.x()) y=(place.y()) width=(WIDTH) height=(HEIGHT) rx="7" {}
                text.mark x=(place.x() + 12) y=(place.y() + 21) { (mark) }
                text x=(place.x() + 30) y=(place.y() + 21) { (short) }
            }
        }
    }
}
