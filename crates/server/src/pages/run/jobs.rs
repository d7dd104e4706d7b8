//! A run's jobs: what failed before everything else, how many there are of each kind, and the table.

use std::collections::BTreeMap;

use maud::{Markup, html};
use penstock_api::{JobView, RunView};
use penstock_model::{Timestamp, counted};

use super::job_address;
use crate::pages::parts::{between, button, prose, status, status_in, table, tone, word_in};

/// Failed jobs that are shown before everything else.
const MAX_FAILED: usize = 20;
/// What a failed job says of the source there.
const MAX_SAID: usize = 3;
/// With more jobs than this, those that went well are folded away.
const MANY: usize = 40;

/// What failed and counts, where it is seen at once.
pub(super) fn failed(run: &RunView, may: bool) -> Markup {
    let failed: Vec<&JobView> = run.jobs.iter().filter(|job| job.status == "failed").collect();
    html! {
        @if !failed.is_empty() {
            section.failed aria-labelledby="failed" {
                h2 id="failed" tabindex="-1" { (counted(failed.len(), "job")) " failed" }
                ul.denials { @for job in failed.iter().take(MAX_FAILED) { (one_failed(run, job, may)) } }
                @if failed.len() > MAX_FAILED { p { "and " (failed.len() - MAX_FAILED) " more: " a href="#table" { "all of them in the table" } } }
            }
        }
    }
}

fn one_failed(run: &RunView, job: &JobView, may: bool) -> Markup {
    let address = job_address(&run.summary.id, job);
    let said = run.annotations.iter().filter(|said| said.job == job.name.as_str() && said.word() == "error").take(MAX_SAID);
    html! {
        li {
            p {
                a.rule href=(address) { (job.name) }
                (prose(&job.message))
                @if job.attempt > 1 { span.hint { " attempt " (job.attempt) } }
            }
            @for said in said { p.hint { @if let Some(place) = said.place() { code { (place) } " " } (said.message.lines().next().unwrap_or_default()) } }
            @if may { (button(&format!("{address}/retry"), "Try again", "", &[])) }
        }
    }
}

/// How many jobs stand how, the worst first.
pub(super) fn counts(run: &RunView) -> Markup {
    let mut counts: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    for job in &run.jobs {
        *counts.entry((rank(&job.status), &job.status)).or_default() += 1;
    }
    html! {
        ul.counts aria-label="How the jobs stand" {
            @for ((_, word), count) in counts {
                @let (class, mark) = tone(word);
                li { span class={ "status " (class) } { span aria-hidden="true" { (mark) } " " (count) " " (word_in(run.dialect.as_deref(), word)) } }
            }
        }
    }
}

/// What wants a look first.
fn rank(status: &str) -> u8 {
    match status {
        "failed" => 0,
        "failed, allowed" => 1,
        "running" => 2,
        "manual" => 3,
        "pending" | "scheduled" | "waiting_for_resource" => 4,
        "created" => 5,
        "canceled" => 6,
        "skipped" => 7,
        _ => 8,
    }
}

/// All jobs: what failed first, the others as in the file. Of many, those that went well are a fold away.
pub(super) fn table_of_all(run: &RunView, now: Timestamp, may: bool) -> Markup {
    let mut jobs: Vec<&JobView> = run.jobs.iter().collect();
    let folds = jobs.len() > MANY;
    jobs.sort_by_key(|job| if folds { rank(&job.status) } else { rank(&job.status).min(2) });
    let (shown, well): (Vec<&JobView>, Vec<&JobView>) = jobs.into_iter().partition(|job| !folds || job.status != "success");
    html! {
        div id="table" {
            @if !shown.is_empty() { (rows(run, "Jobs", &shown, now, may)) }
            @if !well.is_empty() {
                details { summary { (counted(well.len(), "job")) " that went well" } (rows(run, "Jobs that went well", &well, now, may)) }
            }
        }
    }
}

fn rows(run: &RunView, label: &str, jobs: &[&JobView], now: Timestamp, may: bool) -> Markup {
    let rows = html! { tbody { @for job in jobs { (row(run, job, now, may)) } } };
    table(label, &["Job", "Status", "Stage", "Took", "Why", "Actions"], &rows)
}

fn row(run: &RunView, job: &JobView, now: Timestamp, may: bool) -> Markup {
    let address = job_address(&run.summary.id, job);
    html! {
        tr {
            td.main { a href=(address) { (job.name) } }
            td { (status_in(run.dialect.as_deref(), &job.status)) @if job.attempt > 1 { span.hint { " attempt " (job.attempt) } } }
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
