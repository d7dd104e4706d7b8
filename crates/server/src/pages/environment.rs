//! An environment: what runs there, how it takes traffic, and how it differs from the one before.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{EnvironmentView, RolloutView};
use penstock_delivery::events::Role;
use penstock_model::{EnvironmentName, ProjectName, Timestamp};

use super::parts::{ago, button, confirmed, empty, status, table, title};
use super::{PageFailure, Viewer, chart, glass, layout};
use crate::problem::Failure;
use crate::{App, views};

/// How many releases the page shows.
const RELEASES: usize = 10;

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((project, name)): Path<(ProjectName, EnvironmentName)>,
) -> Result<Markup, PageFailure> {
    let view = views::environment(&app, &project, &name).await;
    let view = view.ok_or_else(|| Failure::absent(format!("environment `{name}` in project `{project}`")))?;
    let now = app.parts.journal.now();
    let may = caller.role >= Role::Developer;
    let address = format!("/projects/{project}/environments/{name}");
    let body = html! {
        (lead(&view))
        @if let Some(error) = &view.sync_error { div.notice role="status" { strong { "Not in step." } pre { (error) } } }
        @for one in &view.glass {
            (glass::shown(&one.glass))
            p { "It is for release " a href={ "/releases/" (one.release.0.hex()) } { (one.release.0.short()) } "." }
        }
        @if may && view.summary.release.is_some() {
            div.actions {
                (confirmed(&format!("{address}/rollback"), "Roll back", "The release loses its traffic and is refused from now on; Git goes back to the one before."))
            }
        }
        (rollouts(&view, &address, may, now))
        h2 { "Pods" }
        (pods(&view))
        h2 { "Releases" }
        (releases(&view, now))
        h2 { "Objects" }
        (objects(&view))
        @if let Some(before) = &view.summary.after {
            h2 { "How it differs from " (before) }
            @if view.differences.is_empty() { (empty("In nothing but names.")) }
            @else { ul.differences { @for difference in &view.differences { li { code { (difference) } } } } }
        }
    };
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project.to_string())];
    Ok(layout::page(&caller, name.as_str(), &trail, &body))
}

fn lead(view: &EnvironmentView) -> Markup {
    let summary = &view.summary;
    let release = view.releases.iter().find(|release| Some(release.id) == summary.release);
    html! {
        ul.lead {
            @if summary.release.is_none() { li { (status("nothing yet")) } }
            @else { li { (status(&summary.health)) " " (status(&summary.sync)) } }
            @if let Some(release) = release {
                li { a href={ "/releases/" (release.id.0.hex()) } { (title(&release.title, &release.id.0.short())) } " " code { (release.commit.short()) } }
            }
            @if !view.namespace.is_empty() { li { "namespace " code { (view.namespace) } } }
            @if let Some(commit) = &view.synced { li { "config " code { (commit.short()) } } }
            @if let Some(url) = &summary.url { li { a href=(url) rel="external" { (url) } } }
        }
    }
}

/// A canary with something to see is a card; those that ended without figures are rows.
fn rollouts(view: &EnvironmentView, address: &str, may: bool, now: Timestamp) -> Markup {
    let (cards, rows): (Vec<_>, Vec<_>) = view.rollouts.iter().partition(|rollout| going(rollout) || rollout.figures.len() > 1);
    let settled = html! {
        tbody {
            @for rollout in rows {
                tr { td.main { (rollout.name) } td { (status(&rollout.phase)) } td.wide { (rollout.message) } td { (ago(rollout.last, now)) } }
            }
        }
    };
    html! {
        @if !view.rollouts.is_empty() { h2 { "Rollouts" } }
        @for rollout in &cards { (card(rollout, address, may)) }
        @if cards.len() < view.rollouts.len() { (table("Rollouts", &["Rollout", "State", "Says", "Last"], &settled)) }
    }
}

fn going(rollout: &RolloutView) -> bool {
    matches!(rollout.phase.as_str(), "progressing" | "paused")
}

fn card(rollout: &RolloutView, address: &str, may: bool) -> Markup {
    let going = going(rollout);
    let highest = rollout.figures.iter().map(|figure| figure.weight).max().unwrap_or(0);
    let class = |index: usize, weight: u32| match rollout.phase.as_str() {
        "promoted" => "done",
        "aborted" if weight < highest => "done",
        "aborted" if weight == highest => "bad",
        _ if going && index < rollout.step => "done",
        _ if going && index == rollout.step => "now",
        _ => "",
    };
    html! {
        section.card.rollout {
            div.head {
                h3 { (rollout.name) " " (status(&rollout.phase)) }
                ol.steps aria-label="Steps" {
                    @for (index, weight) in rollout.steps.iter().enumerate() {
                        li class=(class(index, *weight)) aria-current=[(index == rollout.step && going).then_some("step")] { (weight) " %" }
                    }
                }
            }
            p { (rollout.message) }
            (chart::charts(rollout))
            @if may && going {
                div.actions {
                    @if rollout.phase == "paused" { (button(&format!("{address}/rollout/resume"), "Resume", "main", &[])) }
                    @else { (button(&format!("{address}/rollout/pause"), "Pause", "", &[])) }
                    (confirmed(&format!("{address}/rollout/promote"), "Promote now", "The new version takes all the traffic; the steps that are left are skipped."))
                    (confirmed(&format!("{address}/rollout/abort"), "Abort", "The new version takes no traffic and is refused from now on."))
                }
            }
        }
    }
}

fn pods(view: &EnvironmentView) -> Markup {
    if view.pods.is_empty() {
        return empty("Nothing runs here yet.");
    }
    let says = view.pods.iter().any(|pod| !pod.message.is_empty());
    let columns = ["Pod", "State", "Of", "Role", "Restarts", "Image", "Says"];
    let rows = html! {
        tbody {
            @for pod in &view.pods {
                tr {
                    td.main { code { (pod.name) } }
                    td { (status(if pod.ready { "ready" } else { "starting" })) }
                    td { span.soft { (pod.owner) } }
                    td { (pod.role) }
                    td.number { (pod.restarts) }
                    td { @for image in &pod.images { (short_image(image)) } }
                    @if says { td.wide { (pod.message) } }
                }
            }
        }
    };
    table("Pods", &columns[..if says { 7 } else { 6 }], &rows)
}

/// An image by name and the beginning of its digest, whole on hover.
fn short_image(image: &str) -> Markup {
    let shown = match image.split_once("@sha256:") {
        Some((name, digest)) => format!("{name}@{}", digest.get(..12).unwrap_or(digest)),
        None => image.to_owned(),
    };
    html! { code title=(image) { (shown) } }
}

/// Objects in full where one of them asks for attention, folded where all are well.
fn objects(view: &EnvironmentView) -> Markup {
    if view.objects.is_empty() {
        return empty("None yet.");
    }
    let well = view.objects.iter().filter(|object| object.health == "healthy").count();
    let rows = html! {
        tbody {
            @for object in &view.objects {
                tr { td.main { (object.name) } td { (status(&object.health)) } td { span.soft { (object.kind) } } td.wide { (object.message) } }
            }
        }
    };
    html! {
        details id="objects" open[well < view.objects.len()] {
            summary { (well) " of " (view.objects.len()) " healthy" }
            (table("Objects", &["Object", "Health", "Kind", "Says"], &rows))
        }
    }
}

fn releases(view: &EnvironmentView, now: Timestamp) -> Markup {
    if view.releases.is_empty() {
        return empty("None yet.");
    }
    let rows = html! {
        tbody {
            @for release in view.releases.iter().take(RELEASES) {
                tr {
                    td.main { a href={ "/releases/" (release.id.0.hex()) } { (title(&release.title, &release.id.0.short())) } }
                    td { (status(&release.step)) }
                    td { code { (release.commit.short()) } }
                    td { (ago(release.created, now)) }
                }
            }
        }
    };
    table("Releases", &["Release", "Here", "Commit", "Made"], &rows)
}
