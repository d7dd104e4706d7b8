//! Runs: the list, and one with its job graph.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_model::RunId;

use super::parts::{between, button, digest, moment, runs, span, statements, status};
use super::{PageFailure, Viewer, graph, layout};
use crate::problem::Failure;
use crate::{App, views};

/// How many runs the list shows.
const ROWS: usize = 100;

pub(super) async fn list(State(app): State<App>, Viewer(caller): Viewer) -> Markup {
    let body = html! { (runs(&views::runs(&app, None, ROWS))) p.hint { "The newest " (ROWS) ". " code { "penstock runs --limit 1000" } " lists more." } };
    layout::page(Some(&caller), "Runs", &[], &body)
}

pub(super) async fn page(State(app): State<App>, Viewer(caller): Viewer, Path(id): Path<RunId>) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.runs.get(&id).ok_or_else(|| Failure::absent(format!("run {id}")))?;
    let run = views::run(&app, record);
    let going = run.summary.ended.is_none();
    let body = html! {
        p.lead {
            (status(&run.summary.status)) " · " code { (run.summary.commit.short()) } " on " (run.summary.reference)
            " · pushed by " (run.summary.pusher) " at " (moment(run.summary.started)) " · " (between(run.summary.started, run.summary.ended))
        }
        @if let Some(release) = run.summary.release { p { "It made " a href={ "/releases/" (release.0.hex()) } { "release " code { (release.0.short()) } } "." } }
        @if going && run.rejected.is_none() { (button(&format!("/runs/{id}/cancel"), "Cancel the run", "danger", &[])) }
        @if let Some(why) = &run.rejected { h2 { "The pipeline cannot be carried out" } pre.error { (why) } }
        @if !run.jobs.is_empty() {
            h2 { "Jobs" }
            div.scroll tabindex="0" role="region" aria-label="Job graph" { (graph::graph(&run)) }
            (job_table(&run))
        }
        @if !run.left_out.is_empty() {
            details { summary { "Not in the plan (" (run.left_out.len()) ")" }
                ul { @for job in &run.left_out { li { strong { (job.name) } ": " (job.because) } } }
            }
        }
        @if !run.images.is_empty() {
            h2 { "Images" }
            div.scroll tabindex="0" role="region" aria-label="Images" { table {
                thead { tr { th { "Image" } th { "Digest" } th { "Built by" } th { "Took" } } }
                tbody { @for image in &run.images { tr { td { (image.name) } td { (digest(&image.digest)) } td { (image.job) } td.number { (span(image.took_ms)) } } } }
            } }
        }
        h2 { "Statements" }
        (statements(&run.statements))
    };
    let title = if run.summary.title.is_empty() { format!("Run {id}") } else { run.summary.title.clone() };
    let project = run.summary.project.to_string();
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project)];
    Ok(layout::page(Some(&caller), &title, &trail, &body))
}

fn job_table(run: &RunView) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Jobs" { table {
            thead { tr { th { "Job" } th { "Stage" } th { "Status" } th { "Took" } th { "Why" } th { "" } } }
            tbody { @for job in &run.jobs { (job_row(run, job)) } }
        } }
    }
}

fn job_row(run: &RunView, job: &JobView) -> Markup {
    let address = job_address(&run.summary.id, job);
    html! {
        tr {
            td { a href=(address) { (job.name) } }
            td { (job.stage) }
            td { (status(&job.status)) @if job.attempt > 1 { span.hint { " attempt " (job.attempt) } } }
            td.number { @if let Some(started) = job.started { (between(started, job.ended)) } }
            td.wide { (if job.message.is_empty() { job.because.join("; ") } else { job.message.clone() }) }
            td {
                @match job.status.as_str() {
                    "manual" => (button(&format!("{address}/play"), "Start", "", &[])),
                    "failed" | "failed, allowed" | "canceled" => (button(&format!("{address}/retry"), "Try again", "", &[])),
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
