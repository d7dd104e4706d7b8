//! A project's tests: how many, how long, how much they reach, over the last runs of a branch; and the ones to look after.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use penstock_api::{TestPoint, TestsView};
use penstock_model::{ProjectName, Timestamp, counted};
use serde::Deserialize;

use super::parts::{ago, empty, span, table};
use super::{PageFailure, Viewer, layout, trend};
use crate::problem::Failure;
use crate::{App, views};

/// Runs that are shown.
const RUNS: usize = 30;
/// Branches that are offered.
const MAX_BRANCHES: usize = 12;

/// Which branch or tag.
#[derive(Deserialize)]
pub(super) struct Of {
    branch: Option<String>,
}

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path(name): Path<ProjectName>,
    Query(of): Query<Of>,
) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&name).ok_or_else(|| Failure::absent(format!("project `{name}`")))?;
    let branch = of.branch.unwrap_or_else(|| record.branch.clone());
    let view = views::tests(&world, record, &branch, RUNS);
    let now = app.parts.journal.now();
    let body = html! {
        (branches(&views::tested_refs(&world, record, MAX_BRANCHES), &view))
        @if view.runs.is_empty() {
            (empty("No run of this branch had tests. Name their report under `artifacts: reports: junit`."))
        } @else {
            (charts(&view.runs))
            (failing(&view))
        }
        (flaky(&view, now))
        (slowest(&view))
        @if !view.runs.is_empty() { details { summary { "The runs in figures" } (runs(&view.runs, now)) } }
    };
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{name}"), name.to_string())];
    Ok(layout::page(&caller, &format!("Tests of {name}"), &trail, &body))
}

fn branches(refs: &[String], view: &TestsView) -> Markup {
    html! {
        @if refs.iter().any(|name| *name != view.reference) {
            nav.pages aria-label="Branches" {
                @for name in refs {
                    a href={ "?branch=" (trend::query(name)) } aria-current=[(*name == view.reference).then_some("page")] { (name) }
                }
            }
        }
    }
}

fn charts(runs: &[TestPoint]) -> Markup {
    let whole = |value: f64| format!("{value:.0}");
    html! {
        div.charts.four {
            (trend::chart("Tests", runs, &|run| Some(as_f64(run.count())), &whole))
            (trend::chart("Failures", runs, &|run| Some(as_f64(run.failed)), &whole))
            (trend::chart("Time in tests", runs, &|run| Some(as_f64(run.millis)), &took))
            (trend::chart("Coverage", runs, &|run| run.coverage, &|value| format!("{value:.1} %")))
        }
    }
}

/// Milliseconds in words.
fn took(millis: f64) -> String {
    span(Duration::try_from_secs_f64(millis / 1_000.0).map_or(0, |took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
}

/// For pictures alone.
#[allow(clippy::cast_precision_loss, reason = "a point of a picture")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

fn failing(view: &TestsView) -> Markup {
    let rows = html! {
        tbody {
            @for test in &view.failing {
                tr { td.main { code { (test.test) } } td { (test.job) } td { @if test.flaky { span.status.wait { span aria-hidden="true" { "!" } " flaky" } } } }
            }
        }
    };
    html! {
        @if !view.failing.is_empty() {
            h2 { "Failing in the last run" }
            (table("Failing tests", &["Test", "Job", "Known as"], &rows))
        }
    }
}

fn flaky(view: &TestsView, now: Timestamp) -> Markup {
    let rows = html! {
        tbody {
            @for test in &view.flaky {
                tr {
                    td.main { code { (test.test) } }
                    td { (test.job) }
                    td.number { (counted(test.times, "time")) }
                    td { a href={ "/runs/" (test.run) } { (ago(test.last, now)) } }
                    td { (ago(test.first, now)) }
                }
            }
        }
    };
    html! {
        h2 { "Flaky tests" }
        p.hint { "Passed and failed at one commit: in two attempts of a job, in two runs, or within one when the tool tried again." }
        @if view.flaky.is_empty() { (empty("None was seen.")) } @else {
            (table("Flaky tests", &["Test", "Job", "Seen", "Last", "First"], &rows))
        }
    }
}

fn slowest(view: &TestsView) -> Markup {
    let rows = html! {
        tbody { @for test in &view.slowest { tr { td.main { code { (test.test) } } td { (test.job) } td.number { (span(test.millis)) } } } }
    };
    html! {
        @if !view.slowest.is_empty() {
            h2 { "Slowest in the last run" }
            (table("Slowest tests", &["Test", "Job", "Took"], &rows))
        }
    }
}

fn runs(runs: &[TestPoint], now: Timestamp) -> Markup {
    let rows = html! {
        tbody {
            @for run in runs.iter().rev() {
                tr {
                    td.main { a href={ "/runs/" (run.run) } { (ago(run.at, now)) } }
                    td { code { (run.commit.short()) } }
                    td.number { (run.passed) } td.number { (run.failed) } td.number { (run.skipped) }
                    td.number { (span(run.millis)) }
                    td.number { @if let Some(coverage) = run.coverage { (format!("{coverage:.2}")) " %" } }
                }
            }
        }
    };
    table("Runs", &["Run", "Commit", "Passed", "Failed", "Skipped", "Time in tests", "Coverage"], &rows)
}
