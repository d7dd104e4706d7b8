//! What a run says: doubts about its file, annotations of its jobs, their summaries.

use maud::{Markup, html};
use penstock_api::{AnnotationView, JobView, RunView};
use penstock_model::Digest;

use super::job_address;
use crate::App;
use crate::pages::markdown::markdown;
use crate::pages::parts::{prose, span, table};
use crate::pages::trend::query;

/// The longest summary that is read.
const MAX_SUMMARY: u64 = 4 << 20;
/// Summaries that a run's page shows; the others are on their jobs' pages.
const MAX_SUMMARIES: usize = 10;
/// Doubts that are shown.
const MAX_DOUBTS: usize = 20;

/// What is hardly meant in the pipeline file.
pub(super) fn doubts(run: &RunView) -> Markup {
    html! {
        @if !run.doubts.is_empty() {
            section.notice aria-label="Doubts about the pipeline file" {
                @for doubt in run.doubts.iter().take(MAX_DOUBTS) { p { (prose(doubt)) } }
                @if run.doubts.len() > MAX_DOUBTS { p.hint { "and " (run.doubts.len() - MAX_DOUBTS) " more: " code { "penstock lint" } " says all" } }
            }
        }
    }
}

/// How many tests there were, and those that failed.
pub(super) fn tests(run: &RunView) -> Markup {
    html! {
        @if let Some(tests) = &run.tests {
            @let point = &tests.point;
            h2 id="tests" { "Tests" }
            ul.lead {
                li { strong { (point.passed) } " passed" }
                li { strong { (point.failed) } " failed" }
                li { strong { (point.skipped) } " skipped" }
                li { (span(point.millis)) }
                @if let Some(coverage) = point.coverage { li { strong { (format!("{coverage:.2}")) " %" } " of lines covered" } }
                li { a href={ "/projects/" (run.summary.project) "/tests?branch=" (query(&run.summary.reference)) } { "over the last runs" } }
            }
            @if !tests.failing.is_empty() {
                ul.denials {
                    @for test in &tests.failing {
                        li { code { (test.test) } " " span.soft { (test.job) } @if test.flaky { " " span.status.wait { span aria-hidden="true" { "!" } " flaky" } } }
                    }
                }
                @let shown = u64::try_from(tests.failing.len()).unwrap_or(u64::MAX);
                @if point.failed > shown { p.hint { "and " (point.failed - shown) " more" } }
            }
        }
    }
}

/// A table of what was said, the worst first.
pub(super) fn annotations(run: &RunView) -> Markup {
    let rows = html! { tbody { @for said in &run.annotations { (row(run, said)) } } };
    html! {
        @if !run.annotations.is_empty() {
            h2 id="annotations" { "Annotations" }
            (table("Annotations", &["Says", "Level", "Where", "Said by"], &rows))
            @if run.annotations_left_out > 0 { p.hint { "and " (run.annotations_left_out) " more" } }
        }
    }
}

fn row(run: &RunView, said: &AnnotationView) -> Markup {
    let job = run.jobs.iter().find(|job| job.name.as_str() == said.job);
    html! {
        tr {
            td.main { @if let Some(title) = &said.title { strong { (title) } " " } span.said { (said.message) } }
            td { (level(said)) }
            td.wide { @if let Some(place) = said.place() { code.where { (place) } } }
            td.wide {
                @if let Some(job) = job { a href=(job_address(&run.summary.id, job)) { (said.job) } } @else { (said.job) }
                @if !said.by.is_empty() { span.hint { " " (said.by) } }
            }
        }
    }
}

/// A level as a word with a mark.
pub(in crate::pages) fn level(said: &AnnotationView) -> Markup {
    let (class, mark) = match said.word() {
        "error" => ("bad", "✗"),
        "warning" => ("wait", "!"),
        _ => ("idle", "○"),
    };
    html! { span class={ "status " (class) } { span aria-hidden="true" { (mark) } " " (said.word()) } }
}

/// The jobs' own summaries, each a fold.
pub(super) async fn summaries(app: &App, run: &RunView) -> Markup {
    let jobs: Vec<(&JobView, Digest)> = run.jobs.iter().filter_map(|job| Some((job, job.summary?))).collect();
    let mut shown = Vec::new();
    for (job, digest) in jobs.iter().take(MAX_SUMMARIES) {
        shown.push((*job, summary(app, *digest).await));
    }
    html! {
        @if !shown.is_empty() {
            h2 id="summaries" { "Summaries" }
            @for (job, text) in &shown { details.summary open { summary { (job.name) } div.prose { (text) } } }
            @if jobs.len() > MAX_SUMMARIES {
                p.hint { "also of: " @for (job, _) in &jobs[MAX_SUMMARIES..] { a href=(job_address(&run.summary.id, job)) { (job.name) } " " } }
            }
        }
    }
}

/// One job's summary.
pub(in crate::pages) async fn summary(app: &App, digest: Digest) -> Markup {
    match app.parts.blobs.get_bytes(digest, MAX_SUMMARY).await {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let (shown, whole) = markdown(&text);
            html! { (shown) @if !whole { p.hint { "The summary goes on; the job's log has more of it." } } }
        }
        Err(_) => html! { p.hint { "The summary is not kept any more." } },
    }
}
