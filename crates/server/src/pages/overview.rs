//! All projects, and one.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{EnvironmentSummary, ProjectSummary, ReleaseView};
use penstock_model::ProjectName;

use super::parts::{moment, runs, status};
use super::{PageFailure, Viewer, layout};
use crate::problem::Failure;
use crate::{App, views};

/// How many runs and releases a project's page shows.
const ROWS: usize = 20;

pub(super) async fn page(State(app): State<App>, Viewer(caller): Viewer) -> Markup {
    let view = views::status(&app, Some(caller.user.clone()));
    let body = html! {
        @for trouble in &view.troubles {
            div.notice role="status" { strong { "Failing: " } (trouble.effect) p { (trouble.error) } p.hint { "Tried " (trouble.tries) " times; again at " (moment(trouble.again)) } }
        }
        @if view.projects.is_empty() {
            p.empty { "No project yet. " code { "penstock project create NAME" } " makes one, and a push starts its first run." }
        }
        div.cards {
            @for project in &view.projects {
                section.card {
                    h2 { a href={ "/projects/" (project.name) } { (project.name) } }
                    @if let Some(run) = &project.last_run {
                        p { (status(&run.status)) " " a href={ "/runs/" (run.id) } { (run.title) } }
                        p.hint { code { (run.commit.short()) } " by " (run.pusher) ", " (moment(run.started)) }
                    } @else { p.hint { "No run yet" } }
                    (way(project))
                }
            }
        }
    };
    layout::page(Some(&caller), "Overview", &[], &body)
}

/// The environments in order, as the water runs.
fn way(project: &ProjectSummary) -> Markup {
    html! {
        ol.way aria-label="Environments" {
            @for environment in &project.environments { li { (place(&project.name, environment)) } }
        }
    }
}

fn place(project: &ProjectName, environment: &EnvironmentSummary) -> Markup {
    html! {
        a.place href={ "/projects/" (project) "/environments/" (environment.name) } {
            strong { (environment.name) }
            @match &environment.commit { Some(commit) => { code { (commit.short()) } } None => { span.hint { "nothing yet" } } }
            (status(&environment.health))
        }
    }
}

pub(super) async fn project(State(app): State<App>, Viewer(caller): Viewer, Path(name): Path<ProjectName>) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&name).ok_or_else(|| Failure::absent(format!("project `{name}`")))?;
    let summary = views::project_summary(&app, record);
    let releases = views::releases(&app, &name, ROWS);
    let body = html! {
        @if let Some(error) = &summary.config_error { div.notice role="status" { strong { "The config repository cannot be read." } pre { (error) } } }
        (way(&summary))
        h2 { "Releases" }
        (release_table(&releases))
        h2 { "Runs" }
        (runs(&views::runs(&app, Some(&name), ROWS)))
        h2 { "Repositories" }
        dl.facts {
            dt { "Source" } dd { code { (summary.clone_url) } }
            dt { "Configuration" } dd { code { (summary.config_clone_url) } }
        }
    };
    Ok(layout::page(Some(&caller), name.as_str(), &[("/".to_owned(), "Overview".to_owned())], &body))
}

fn release_table(releases: &[ReleaseView]) -> Markup {
    html! {
        @if releases.is_empty() { p.empty { "No release yet: a run that succeeds on the delivered branch makes one." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Releases" { table {
                thead { tr { th { "Release" } th { "Commit" } th { "Made" } @for place in &releases[0].environments { th { (place.environment) } } } }
                tbody {
                    @for release in releases {
                        tr {
                            td { a href={ "/releases/" (release.id.0.hex()) } { (if release.title.is_empty() { release.id.0.short() } else { release.title.clone() }) } }
                            td { code { (release.commit.short()) } }
                            td { (moment(release.created)) }
                            @for place in &release.environments { td { (status(&place.step)) } }
                        }
                    }
                }
            } }
        }
    }
}
