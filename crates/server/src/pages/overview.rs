//! All projects, and one.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{EnvironmentSummary, ProjectSummary, ReleaseView, Trouble};
use penstock_model::{ProjectName, Timestamp, counted};

use super::parts::{ago, begun, empty, moment, runs, status, table, title};
use super::{PageFailure, Viewer, layout, tag_release};
use crate::problem::Failure;
use crate::{App, views};

/// How many runs and releases a project's page shows.
const ROWS: usize = 20;

pub(super) async fn page(State(app): State<App>, Viewer(caller): Viewer) -> Markup {
    let view = views::status(&app, Some(caller.user.clone()));
    let now = app.parts.journal.now();
    let body = html! {
        @for trouble in &view.troubles { (failing(trouble)) }
        @if view.projects.is_empty() {
            (empty("No project yet. `penstock project create NAME` makes one, and a push starts its first run."))
        }
        div.cards { @for project in &view.projects { (card(project, now)) } }
    };
    layout::page(&caller, "Overview", &[], &body)
}

fn failing(trouble: &Trouble) -> Markup {
    html! {
        div.notice role="status" {
            strong { "Failing: " } (trouble.effect)
            pre { (trouble.error) }
            p.hint { "Tried " (counted(trouble.tries, "time")) "; again at " (moment(trouble.again)) }
        }
    }
}

fn card(project: &ProjectSummary, now: Timestamp) -> Markup {
    html! {
        section.card {
            h2 { a href={ "/projects/" (project.name) } { (project.name) } }
            @if let Some(run) = &project.last_run {
                p.last { a href={ "/runs/" (run.id) } { (title(&run.title, "Last run")) } (status(&run.status)) }
                p.hint { code { (run.commit.short()) } " " (begun(run)) ", " (ago(run.started, now)) }
            } @else { p.hint { "No run yet" } }
            (way(project))
        }
    }
}

/// The environments in order, as the water runs.
fn way(project: &ProjectSummary) -> Markup {
    html! {
        @if !project.environments.is_empty() {
            ol.way aria-label="Environments" {
                @for environment in &project.environments { li { (place(&project.name, environment)) } }
            }
        }
    }
}

fn place(project: &ProjectName, environment: &EnvironmentSummary) -> Markup {
    html! {
        a.place href={ "/projects/" (project) "/environments/" (environment.name) } {
            strong { (environment.name) }
            @match &environment.commit {
                Some(commit) => { code { (commit.short()) } (status(&environment.health)) }
                None => { span.soft { "nothing yet" } }
            }
        }
    }
}

pub(super) async fn project(State(app): State<App>, Viewer(caller): Viewer, Path(name): Path<ProjectName>) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&name).ok_or_else(|| Failure::absent(format!("project `{name}`")))?;
    let summary = views::project_summary(&app, record);
    let releases = views::releases(&app, &name, ROWS);
    let now = app.parts.journal.now();
    let open = record.merge_requests.values().filter(|request| request.is_open()).count();
    let body = html! {
        @if let Some(error) = &summary.config_error { div.notice role="status" { strong { "The config repository cannot be read." } pre { (error) } } }
        @if summary.environments.is_empty() && summary.config_error.is_none() {
            (empty("No environment yet. Push a `penstock.yaml` that names one to the config repository below."))
        }
        (way(&summary))
        h2 { "Releases" }
        (release_table(&releases, now))
        h2 { "Runs" }
        p {
            a href={ "/projects/" (name) "/tests" } { "Tests over the last runs" }
            " · "
            a href={ "/projects/" (name) "/merge-requests" } { "Merge requests" }
            @if open > 0 { " (" (open) " open)" }
            @if !record.environments.is_empty() { " · " a href={ "/projects/" (name) "/named-environments" } { "Environments of jobs" } }
        }
        (runs(&views::runs(&app, Some(&name), ROWS), now, false))
        (tag_release::listed(&name, &views::tag_releases(record), now))
        h2 { "Repositories" }
        dl.facts {
            dt { "Source" } dd { code { (summary.clone_url) } }
            dt { "Configuration" } dd { code { (summary.config_clone_url) } }
        }
    };
    Ok(layout::page(&caller, name.as_str(), &[("/".to_owned(), "Overview".to_owned())], &body))
}

fn release_table(releases: &[ReleaseView], now: Timestamp) -> Markup {
    let Some(first) = releases.first() else {
        return empty("No release yet: a run that succeeds on the delivered branch makes one.");
    };
    let columns: Vec<&str> = ["Release", "Commit"]
        .into_iter()
        .chain(first.environments.iter().map(|place| place.environment.as_str()))
        .chain(["Made"])
        .collect();
    let rows = html! {
        tbody {
            @for release in releases {
                tr {
                    td.main { a href={ "/releases/" (release.id.0.hex()) } { (title(&release.title, &release.id.0.short())) } }
                    td { code { (release.commit.short()) } }
                    @for place in &release.environments { td { (status(&place.step)) } }
                    td { (ago(release.created, now)) }
                }
            }
        }
    };
    table("Releases", &columns, &rows)
}
