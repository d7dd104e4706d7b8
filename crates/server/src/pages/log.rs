//! A job with its log, a part at a time: of a long one the end, unless another part is asked for. Without script the page shows
//! what there is; with it, what comes.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_model::blob::Channel;
use penstock_model::job::AttemptId;
use penstock_model::{JobName, RunId, Timestamp, counted};
use serde::Deserialize;

use super::parts::{ago, between, button, confirmed, empty, prose, status_in, title};
use super::run::job_address;
use super::tag_release::segment;
use super::{PageFailure, Viewer, layout};
use crate::problem::Failure;
use crate::routes::{Part, download};
use crate::{App, views};
use penstock_delivery::artifacts::{access, may};
use penstock_delivery::events::Role;

/// How much of a log a page shows.
const PART: u64 = 512 * 1024;

/// Which part of the log.
#[derive(Deserialize)]
pub(super) struct Shown {
    from: Option<u64>,
}

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((id, name)): Path<(RunId, JobName)>,
    Query(shown): Query<Shown>,
) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.runs.get(&id).ok_or_else(|| Failure::absent(format!("run {id}")))?;
    let run = views::run(&app, record);
    let job = run.jobs.iter().find(|job| job.name == name);
    let attempt = job.map_or(1, |job| job.attempt.max(1));
    let log = penstock_delivery::log_id(&AttemptId { run: id.clone(), job: name.clone(), attempt });
    let size = *app.parts.logs.changed(&log).borrow();
    let from = shown.from.unwrap_or_else(|| size.saturating_sub(PART)).min(size);
    let part = app.parts.logs.read(&log, from, usize::try_from(PART).unwrap_or(usize::MAX)).await.unwrap_or_default();
    let address = job.map_or_else(String::new, |job| job_address(&id, job));
    let follow = format!("/api/v1{address}/log?follow=true&from={}", part.next);
    // an earlier part does not grow
    let grows = !part.closed && part.next >= size && job.is_some();
    let summary = match job.and_then(|job| job.summary) {
        Some(digest) => Some(super::run::summary(&app, digest).await),
        None => None,
    };
    let body = html! {
        @if let Some(job) = job {
            (lead(job, attempt, app.parts.journal.now(), run.dialect.as_deref()))
            @if !job.message.is_empty() { p { (prose(&job.message)) } }
            @if caller.role >= Role::Developer { (actions(&id, job)) }
            details.because { summary { "Why it is in the plan" } ul.plain { @for because in &job.because { li { (prose(because)) } } } }
        }
        @if let Some(job) = job.filter(|_| may(caller.role, access(&world, &id, &name))) { (left(job, &address)) }
        (said(&run, &name))
        @if let Some(summary) = &summary { h2 { "Summary" } div.summary.prose { (summary) } h2 { "Log" } }
        (parts_of_log(&address, from, part.next, size))
        @if part.lines.is_empty() { (empty("Nothing was printed yet.")) }
        pre.log id="log" tabindex="0" role="log" aria-label="Log" data-follow=[grows.then_some(follow)] {
            @for line in &part.lines {
                span class=(class(line.channel)) { (line.text) }
                @if line.ends { "\n" }
            }
        }
    };
    let project = run.summary.project.to_string();
    let trail = [
        ("/".to_owned(), "Overview".to_owned()),
        (format!("/projects/{project}"), project),
        (format!("/runs/{id}"), title(&run.summary.title, &format!("Run {id}")).to_owned()),
    ];
    Ok(layout::page(&caller, name.as_str(), &trail, &body))
}

/// What the job left, for download.
pub(super) async fn artifacts(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((run, job)): Path<(RunId, JobName)>,
    Query(part): Query<Part>,
) -> Result<Response, PageFailure> {
    download(&app, &caller, &run, &job, part).await.map_err(PageFailure)
}

/// Links to what the job left, for whoever may have it.
fn left(job: &JobView, address: &str) -> Markup {
    html! {
        @if job.artifacts.is_some() || !job.kept.is_empty() {
            p {
                "Artifacts: "
                @if job.artifacts.is_some() { a href={ (address) "/artifacts" } download { "archive" } }
                @for kept in &job.kept { " " a href={ (address) "/artifacts?" (named(kept)) } download { (kept) } }
            }
        }
    }
}

/// The query that names an artifact.
fn named(name: &str) -> String {
    format!("name={}", segment(name))
}

/// What the job says of the source.
fn said(run: &RunView, name: &JobName) -> Markup {
    html! {
        @let said: Vec<_> = run.annotations.iter().filter(|said| said.job == name.as_str()).collect();
        @if !said.is_empty() {
            details.because open {
                summary { (counted(said.len(), "annotation")) }
                ul.notes {
                    @for one in said {
                        li {
                            (super::run::level(one))
                            @if let Some(place) = one.place() { code.where { (place) } }
                            p.said { @if let Some(title) = &one.title { strong { (title) } " " } (one.message) }
                        }
                    }
                }
            }
        }
    }
}

/// Where the other parts of a long log are.
fn parts_of_log(address: &str, from: u64, next: u64, size: u64) -> Markup {
    let share = |at: u64| format!("{} %", at.saturating_mul(100).checked_div(size).unwrap_or(0));
    html! {
        @if from > 0 || next < size {
            nav.pages aria-label="Parts of the log" {
                span.hint { "from " (share(from)) " to " (share(next)) " of " (size >> 10) " KiB" }
                @if from > 0 {
                    a href={ (address) "?from=0" } { "Beginning" }
                    a href={ (address) "?from=" (from.saturating_sub(PART)) } { "Before" }
                }
                @if next < size {
                    a href={ (address) "?from=" (next) } { "After" }
                    a href=(address) { "End" }
                }
            }
        }
    }
}

fn lead(job: &JobView, attempt: u32, now: Timestamp, dialect: Option<&str>) -> Markup {
    html! {
        ul.lead {
            li { (status_in(dialect, &job.status)) }
            li { "stage " strong { (job.stage) } }
            @if attempt > 1 { li { "attempt " (attempt) } }
            @if let Some(started) = job.started { li { (ago(started, now)) } li { (between(started, job.ended, now)) } }
        }
    }
}

fn actions(run: &RunId, job: &JobView) -> Markup {
    let address = job_address(run, job);
    html! {
        @match job.status.as_str() {
            "manual" if job.confirmation.is_some() => div.actions {
                (confirmed(&format!("{address}/play"), "Start", job.confirmation.as_deref().unwrap_or_default()))
            },
            "manual" => div.actions { (button(&format!("{address}/play"), "Start", "main", &[])) },
            "failed" | "failed, allowed" | "canceled" => div.actions { (button(&format!("{address}/retry"), "Try again", "", &[])) },
            _ => {}
        }
    }
}

fn class(channel: Channel) -> &'static str {
    match channel {
        Channel::Out => "out",
        Channel::Err => "err",
        Channel::Note => "note",
    }
}
