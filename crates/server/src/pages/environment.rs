//! An environment: what runs there, how it takes traffic, and how it differs from the one before.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{EnvironmentView, RolloutView};
use penstock_delivery::events::Role;
use penstock_model::{EnvironmentName, ProjectName};

use super::parts::{button, moment, status};
use super::{PageFailure, Viewer, chart, glass, layout};
use crate::problem::Failure;
use crate::{App, views};

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((project, name)): Path<(ProjectName, EnvironmentName)>,
) -> Result<Markup, PageFailure> {
    let view = views::environment(&app, &project, &name).await;
    let view = view.ok_or_else(|| Failure::absent(format!("environment `{name}` in project `{project}`")))?;
    let may = caller.role >= Role::Developer;
    let address = format!("/projects/{project}/environments/{name}");
    let body = html! {
        p.lead {
            (status(&view.summary.health)) " · " (status(&view.summary.sync)) " · namespace " code { (view.namespace) }
            @if let Some(url) = &view.summary.url { " · " a href=(url) rel="external" { (url) } }
        }
        @if let Some(error) = &view.sync_error { div.notice role="status" { strong { "Not in step." } pre { (error) } } }
        @for one in &view.glass {
            (glass::shown(&one.glass))
            p { "It is for release " a href={ "/releases/" (one.release.0.hex()) } { (one.release.0.short()) } "." }
        }
        @if may && view.summary.release.is_some() { (button(&format!("{address}/rollback"), "Roll back", "danger", &[])) }
        @for rollout in view.rollouts.iter().take(6) { (rollout_card(rollout, &address, may)) }
        h2 { "Pods" }
        (pods(&view))
        h2 { "Objects" }
        (objects(&view))
        h2 { "Releases" }
        (releases(&view))
        @if let Some(before) = &view.summary.after {
            h2 { "How it differs from " (before) }
            @if view.differences.is_empty() { p.empty { "In nothing but names." } }
            @else { ul.plain { @for difference in &view.differences { li { code { (difference) } } } } }
        }
    };
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project.to_string())];
    Ok(layout::page(Some(&caller), name.as_str(), &trail, &body))
}

fn rollout_card(rollout: &RolloutView, address: &str, may: bool) -> Markup {
    let going = matches!(rollout.phase.as_str(), "progressing" | "paused");
    html! {
        section.card.rollout {
            h2 { (rollout.name) " " (status(&rollout.phase)) }
            p { (rollout.message) }
            ol.steps aria-label="Steps" {
                @for (index, weight) in rollout.steps.iter().enumerate() {
                    li class=(if index < rollout.step || rollout.phase == "promoted" { "done" } else if index == rollout.step && going { "now" } else { "" })
                       aria-current=[(index == rollout.step && going).then_some("step")] { (weight) " %" }
                }
            }
            (chart::charts(rollout))
            @if may && going {
                @if rollout.phase == "paused" { (button(&format!("{address}/rollout/resume"), "Resume", "", &[])) }
                @else { (button(&format!("{address}/rollout/pause"), "Pause", "", &[])) }
                (button(&format!("{address}/rollout/promote"), "Promote now", "", &[]))
                (button(&format!("{address}/rollout/abort"), "Abort", "danger", &[]))
            }
        }
    }
}

fn pods(view: &EnvironmentView) -> Markup {
    html! {
        @if view.pods.is_empty() { p.empty { "Nothing runs here yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Pods" { table {
                thead { tr { th { "Pod" } th { "Of" } th { "Role" } th { "Ready" } th { "Restarts" } th { "Image" } th { "" } } }
                tbody {
                    @for pod in &view.pods {
                        tr {
                            td { code { (pod.name) } }
                            td { (pod.owner) }
                            td { (pod.role) }
                            td { (status(if pod.ready { "healthy" } else { "progressing" })) }
                            td.number { (pod.restarts) }
                            td { @for image in &pod.images { code.cut title=(image) { (image) } } }
                            td.wide { (pod.message) }
                        }
                    }
                }
            } }
        }
    }
}

fn objects(view: &EnvironmentView) -> Markup {
    html! {
        @if view.objects.is_empty() { p.empty { "None yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Objects" { table {
                thead { tr { th { "Kind" } th { "Name" } th { "Health" } th { "" } } }
                tbody { @for object in &view.objects { tr { td { (object.kind) } td { (object.name) } td { (status(&object.health)) } td.wide { (object.message) } } } }
            } }
        }
    }
}

fn releases(view: &EnvironmentView) -> Markup {
    html! {
        @if view.releases.is_empty() { p.empty { "None yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Releases" { table {
                thead { tr { th { "Release" } th { "Commit" } th { "Here" } th { "Made" } } }
                tbody {
                    @for release in &view.releases {
                        tr {
                            td { a href={ "/releases/" (release.id.0.hex()) } { (if release.title.is_empty() { release.id.0.short() } else { release.title.clone() }) } }
                            td { code { (release.commit.short()) } }
                            td { (status(&release.step)) }
                            td { (moment(release.created)) }
                        }
                    }
                }
            } }
        }
    }
}
