//! Runs: the list, and one with what failed, its job graph, and what its jobs say.

mod jobs;
mod said;

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_delivery::events::Role;
use penstock_model::{RunId, Timestamp};

use super::parts::{ago, begun, between, button, confirmed, digest, encoded, runs, span, statements, status_in, table, title};
use super::{PageFailure, Viewer, graph, layout};
use crate::problem::Failure;
use crate::{App, views};

pub(super) use said::{level, summary};

/// How many runs the list shows.
const ROWS: usize = 100;

pub(super) async fn list(State(app): State<App>, Viewer(caller): Viewer) -> Markup {
    let body = html! {
        (runs(&views::runs(&app, None, ROWS), app.parts.journal.now(), true))
        p.hint { "The newest " (ROWS) ". " code { "penstock runs --limit 1000" } " lists more." }
    };
    layout::page(&caller, "Runs", &[], &body)
}

pub(super) async fn page(State(app): State<App>, Viewer(caller): Viewer, Path(id): Path<RunId>) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.runs.get(&id).ok_or_else(|| Failure::absent(format!("run {id}")))?;
    let run = views::run(&app, record);
    let now = app.parts.journal.now();
    let may = caller.role >= Role::Developer;
    let summaries = said::summaries(&app, &run).await;
    let body = html! {
        (lead(&run, now))
        @if may { (actions(&run)) }
        @if let Some(why) = &run.rejected { h2 { "The pipeline cannot be carried out" } pre.error { (why) } }
        (said::doubts(&run))
        (jobs::failed(&run, may))
        @if !run.jobs.is_empty() {
            h2 id="jobs" { "Jobs" }
            (jobs::counts(&run))
            div.scroll tabindex="0" role="region" aria-label="Job graph" { (graph::graph(&run)) }
            (jobs::table_of_all(&run, now, may))
        }
        (said::tests(&run))
        (said::annotations(&run))
        (summaries)
        @if !run.left_out.is_empty() {
            details { summary { "Not in the plan (" (run.left_out.len()) ")" }
                ul.plain { @for job in &run.left_out { li { strong { (job.name) } ": " (job.because) } } }
            }
        }
        @if !run.images.is_empty() { h2 { "Images" } (images(&run)) }
        h2 { "Statements" }
        (statements(&run.statements))
    };
    let project = run.summary.project.to_string();
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project)];
    Ok(layout::page(&caller, title(&run.summary.title, &format!("Push to {}", run.summary.reference)), &trail, &body))
}

fn actions(run: &RunView) -> Markup {
    let id = &run.summary.id;
    let again = run.jobs.iter().any(|job| matches!(job.status.as_str(), "failed" | "failed, allowed" | "canceled"));
    let goes_on = run.summary.ended.is_none() && run.rejected.is_none();
    html! {
        @if again || goes_on {
            div.actions {
                @if again { (button(&format!("/runs/{id}/retry"), "Try again what failed", "", &[])) }
                @if goes_on { (confirmed(&format!("/runs/{id}/cancel"), "Cancel the run", "Jobs that run are stopped, and no release comes of it.")) }
            }
        }
    }
}

fn lead(run: &RunView, now: Timestamp) -> Markup {
    let dialect = run.dialect.as_deref();
    let run = &run.summary;
    html! {
        ul.lead {
            li { (status_in(dialect, &run.status)) }
            li { code { (run.commit.short()) } " on " strong { (run.reference) } }
            li { (begun(run)) " " (ago(run.started, now)) }
            li { (between(run.started, run.ended, now)) }
            @if let Some(release) = run.release { li { "made " a href={ "/releases/" (release.0.hex()) } { "release " code { (release.0.short()) } } } }
        }
    }
}

fn images(run: &RunView) -> Markup {
    let rows = html! {
        tbody {
            @for image in &run.images {
                tr { td.main { (image.name) } td { (digest(&image.digest)) } td { (image.job) } td.number { (span(image.took_ms)) } }
            }
        }
    };
    table("Images", &["Image", "Digest", "Built by", "Took"], &rows)
}

/// A job's page.
pub(super) fn job_address(run: &RunId, job: &JobView) -> String {
    format!("/runs/{run}/jobs/{}", encoded(job.name.as_str()))
}
