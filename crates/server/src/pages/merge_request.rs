//! Merge requests: all of a project, and one with its buttons.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use maud::{Markup, html};
use penstock_api::{AllowCommit, MergeRequestView};
use penstock_delivery::events::Role;
use penstock_delivery::merge_requests;
use penstock_model::ProjectName;

use super::forms::{Pressed, Presser};
use super::parts::{ago, button, confirmed, empty, prose, runs, status, table};
use super::{PageFailure, Viewer, layout};
use crate::auth::Caller;
use crate::problem::Failure;
use crate::{App, views};

/// How many a list shows.
const ROWS: usize = 200;

pub(super) async fn list(State(app): State<App>, Viewer(caller): Viewer, Path(name): Path<ProjectName>) -> Result<Markup, PageFailure> {
    let (requests, now) = (views::merge_requests(&app, &name, ROWS)?, app.parts.journal.now());
    let columns = ["Merge request", "State", "Pipeline", "Branches", "By", "Changed"];
    let rows = html! {
        tbody {
            @for request in &requests {
                tr {
                    td.main { a href={ "/projects/" (name) "/merge-requests/" (request.number) } { (request.number) " " (request.title) } }
                    td { (standing(request)) }
                    td { (status(&request.pipeline)) }
                    td { code { (request.source) } " → " code { (request.target) } }
                    td { (request.author) }
                    td { (ago(request.changed, now)) }
                }
            }
        }
    };
    let body = html! {
        @if requests.is_empty() {
            (empty("No merge request yet. `git push -o merge_request.create` opens one of a branch; who may not push branches pushes `HEAD:refs/for/main -o topic=NAME`."))
        } @else { (table("Merge requests", &columns, &rows)) }
    };
    Ok(layout::page(
        &caller,
        "Merge requests",
        &[("/".to_owned(), "Overview".to_owned()), (format!("/projects/{name}"), name.to_string())],
        &body,
    ))
}

/// How it stands, with what else matters at once.
fn standing(request: &MergeRequestView) -> Markup {
    html! {
        (status(&request.state))
        @if request.state == "open" && request.draft { " " (status("draft")) }
        @if is_outside(request) { " " (status("from outside")) }
    }
}

fn is_outside(request: &MergeRequestView) -> bool {
    request.outside && request.allowed_by.is_none()
}

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((name, number)): Path<(ProjectName, u64)>,
) -> Result<Markup, PageFailure> {
    let request = views::merge_request(&app, &name, number)?;
    let now = app.parts.journal.now();
    let body = html! {
        p { (standing(&request)) " " code { (request.source) } " → " code { (request.target) } }
        (buttons(&caller, &request))
        @if !request.description.is_empty() { pre { (request.description) } }
        dl.facts {
            dt { "Commit" } dd { code { (request.commit) } " by " (request.pusher) }
            dt { "Opened" } dd { (ago(request.opened, now)) " by " (request.author) }
            @if let Some(by) = &request.ended_by { dt { (if request.state == "merged" { "Merged" } else { "Closed" }) } dd { (ago(request.changed, now)) " by " (by) } }
            @if let Some(by) = &request.allowed_by { dt { "Allowed" } dd { "by " (by) } }
            dt { "To look at it" } dd { code { "git fetch origin " (request.reference) " && git log -p " (request.target) "..FETCH_HEAD" } }
        }
        h2 { "Pipelines" }
        @if request.runs.is_empty() { (empty("The pipeline file has no job for a merge request.")) } @else { (runs(&request.runs, now, false)) }
    };
    let trail = [
        ("/".to_owned(), "Overview".to_owned()),
        (format!("/projects/{name}"), name.to_string()),
        (format!("/projects/{name}/merge-requests"), "Merge requests".to_owned()),
    ];
    Ok(layout::page(&caller, &format!("{number} {}", request.title), &trail, &body))
}

fn buttons(caller: &Caller, request: &MergeRequestView) -> Markup {
    let address = |order: &str| format!("/projects/{}/merge-requests/{}/{order}", request.project, request.number);
    let (developer, own, open) = (caller.role >= Role::Developer, caller.user == request.author, request.state == "open");
    let commit = request.commit.to_string();
    html! {
        @if open && is_outside(request) {
            div.notice role="status" {
                strong { "From outside." }
                p { (prose("Its jobs have no secrets, publish nothing and deploy nothing. Look at the commit before you let its pipeline have what a developer's has: whoever wrote it can have a job print all of that.")) }
                @if developer && caller.user != request.pusher { (button(&address("allow"), &format!("Allow {}", request.commit.short()), "main", &[("commit", commit.as_str())])) }
            }
        }
        div.actions {
            @if open && developer && !request.draft { (button(&address("merge"), "Merge", "main", &[])) }
            @if open && developer && request.draft { (button(&address("ready"), "Mark as ready", "", &[])) }
            @if open && (developer || own) { (confirmed(&address("close"), "Close", "It is closed without being merged.")) }
            @if request.state == "closed" && (developer || own) { (button(&address("reopen"), "Reopen", "", &[])) }
        }
    }
}

fn back(project: &ProjectName, number: u64) -> Redirect {
    Redirect::to(&format!("/projects/{project}/merge-requests/{number}"))
}

pub(super) async fn allow(
    State(app): State<App>,
    Presser(caller): Presser,
    Path((project, number)): Path<(ProjectName, u64)>,
    Form(seen): Form<AllowCommit>,
) -> Pressed {
    merge_requests::allow(&app.parts, &caller.user, &project, number, &seen.commit).await.map_err(Failure::from)?;
    Ok(back(&project, number))
}

pub(super) async fn merge(State(app): State<App>, Presser(caller): Presser, Path((project, number)): Path<(ProjectName, u64)>) -> Pressed {
    merge_requests::merge(&app.parts, &caller.user, &project, number, false).await.map_err(Failure::from)?;
    Ok(back(&project, number))
}

pub(super) async fn ready(State(app): State<App>, Presser(caller): Presser, Path((project, number)): Path<(ProjectName, u64)>) -> Pressed {
    merge_requests::ready(&app.parts, &caller.user, &project, number).await.map_err(Failure::from)?;
    Ok(back(&project, number))
}

pub(super) async fn close(State(app): State<App>, Viewer(caller): Viewer, Path((project, number)): Path<(ProjectName, u64)>) -> Pressed {
    merge_requests::close(&app.parts, &caller.user, &project, number).await.map_err(Failure::from)?;
    Ok(back(&project, number))
}

pub(super) async fn reopen(State(app): State<App>, Viewer(caller): Viewer, Path((project, number)): Path<(ProjectName, u64)>) -> Pressed {
    merge_requests::reopen(&app.parts, &caller.user, &project, number).await.map_err(Failure::from)?;
    Ok(back(&project, number))
}
