//! Runs: the list, and one with its job graph.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_delivery::events::Role;
use penstock_model::{RunId, Timestamp};

use super::parts::{ago, between, button, confirmed, digest, runs, span, statements, status, table, title};
use super::{PageFailure, Viewer, graph, layout};
use crate::problem::Failure;
use crate::{App, views};

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
    let body = html! {
        (lead(&run, now))
        @if may && run.summary.ended.is_none() && run.rejected.is_none() {
            div.actions { (confirmed(&format!("/runs/{id}/cancel"), "Cancel the run", "Jobs that run are stopped, and no release comes of it.")) }
        }
        @if let Some(why) = &run.rejected { h2 { "The pipeline cannot be carried out" } pre.error { (why) } }
        @if !run.jobs.is_empty() {
            h2 { "Jobs" }
            div.scroll tabindex="0" role="region" aria-label="Job graph" { (graph::graph(&run)) }
            (job_table(&run, now, may))
        }
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

fn lead(run: &RunView, now: Timestamp) -> Markup {
    let run = &run.summary;
    html! {
        ul.lead {
            li { (status(&run.status)) }
            li { code { (run.commit.short()) } " on " strong { (run.reference) } }
            li { "pushed by " strong { (run.pusher) } " " (ago(run.started, now)) }
            li { (between(run.started, run.ended, now)) }
            @if let Some(by) = &run.started_by { li { "started by " a href={ "/runs/" (by.run) } { "the job " strong { (by.job) } } } }
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

fn job_table(run: &RunView, now: Timestamp, may: bool) -> Markup {
    let rows = html! { tbody { @for job in &run.jobs { (job_row(run, job, now, may)) } } };
    table("Jobs", &["Job", "Status", "Stage", "Took", "Why", "Actions"], &rows)
}

fn job_row(run: &RunView, job: &JobView, now: Timestamp, may: bool) -> Markup {
    let address = job_address(&run.summary.id, job);
    html! {
        tr {
            td.main { a href=(address) { (job.name) } }
            td { (status(&job.status)) @if job.attempt > 1 { span.hint { " attempt " (job.attempt) } } }
            td { span.soft { (job.stage) } }
            td.number { @if let Some(started) = job.started { (between(started, job.ended, now)) } }
            td.wide {
                @for started in &job.pipelines {
                    a href={ "/runs/" (started.run) } { @if started.project == run.summary.project { "child pipeline" } @else { "pipeline of " (started.project) } } " " (status(&started.status)) " "
                }
                span.soft { (if job.message.is_empty() { job.because.join("; ") } else { job.message.clone() }) }
            }
            td.act {
                @match job.status.as_str() {
                    "manual" if may => (button(&format!("{address}/play"), "Start", "", &[])),
                    "failed" | "failed, allowed" | "canceled" if may => (button(&format!("{address}/retry"), "Try again", "", &[])),
                    _ => {}
                }
            }
        }
    }
}

/// A job's page.
pub(super) fn job_address(run: &RunId, job: &JobView) -> String {
    let name: String = job
        .name
        .as_str()
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"-_.".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("/runs/{run}/jobs/{name}")
}
