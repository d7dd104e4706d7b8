//! A job with its log. Without script the page shows what there is; with it, what comes.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::JobView;
use penstock_model::blob::Channel;
use penstock_model::job::AttemptId;
use penstock_model::{JobName, RunId, Timestamp};

use super::parts::{ago, between, button, empty, prose, status, title};
use super::run::job_address;
use super::{PageFailure, Viewer, layout};
use crate::problem::Failure;
use crate::{App, views};
use penstock_delivery::events::Role;

/// How much of a log a page shows at first.
const FIRST: usize = 512 * 1024;

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((id, name)): Path<(RunId, JobName)>,
) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.runs.get(&id).ok_or_else(|| Failure::absent(format!("run {id}")))?;
    let run = views::run(&app, record);
    let job = run.jobs.iter().find(|job| job.name == name);
    let attempt = job.map_or(1, |job| job.attempt.max(1));
    let log = penstock_delivery::log_id(&AttemptId { run: id.clone(), job: name.clone(), attempt });
    let part = app.parts.logs.read(&log, 0, FIRST).await.unwrap_or_default();
    let follow = format!("/api/v1{}/log?follow=true&from={}", job.map_or_else(String::new, |job| job_address(&id, job)), part.next);
    let body = html! {
        @if let Some(job) = job {
            (lead(job, attempt, app.parts.journal.now()))
            @if !job.message.is_empty() { p { (prose(&job.message)) } }
            @if caller.role >= Role::Developer { (actions(&id, job)) }
            details.because { summary { "Why it is in the plan" } ul.plain { @for because in &job.because { li { (prose(because)) } } } }
        }
        @if part.lines.is_empty() { (empty("Nothing was printed yet.")) }
        pre.log id="log" tabindex="0" role="log" aria-label="Log" data-follow=[(!part.closed && job.is_some()).then_some(follow)] {
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

fn lead(job: &JobView, attempt: u32, now: Timestamp) -> Markup {
    html! {
        ul.lead {
            li { (status(&job.status)) }
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
