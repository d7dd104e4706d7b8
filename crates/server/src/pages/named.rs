//! Environments that jobs name: a project's, and what was deployed to one.

use axum::extract::{Path, State};
use axum::response::Redirect;
use maud::{Markup, html};
use penstock_api::{DeployedView, NamedEnvironmentView};
use penstock_delivery::environments;
use penstock_delivery::events::Role;
use penstock_model::ids::Actor;
use penstock_model::{ProjectName, Timestamp};

use super::forms::Presser;
use super::parts::{ago, confirmed, empty, encoded, moment, prose, status, table};
use super::{PageFailure, Viewer, layout};
use crate::auth::Caller;
use crate::problem::Failure;
use crate::{App, views};

/// How many deployments the page of an environment shows.
const SHOWN: usize = 30;

/// The page of an environment.
pub(super) fn address(project: &ProjectName, name: &str) -> String {
    format!("/projects/{project}/named-environments/{}", encoded(name))
}

/// All of a project: what is there first.
pub(super) async fn list(State(app): State<App>, Viewer(caller): Viewer, Path(project): Path<ProjectName>) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let (stopped, there): (Vec<_>, Vec<_>) = views::named_environments(&world, record).into_iter().partition(|one| one.state == "stopped");
    let now = app.parts.journal.now();
    let body = html! {
        p.hint { "What jobs of pipeline files deploy to. What Penstock itself delivers to is on the " a href={ "/projects/" (project) } { "project's page" } "." }
        @if there.is_empty() { (empty("None is there. A job with `environment` makes one when it succeeds.")) } @else { (rows("Environments", &caller, &project, &there, now)) }
        @if !stopped.is_empty() {
            details { summary { (stopped.len()) " stopped" } (rows("Stopped environments", &caller, &project, &stopped, now)) }
        }
    };
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project.to_string())];
    Ok(layout::page(&caller, &format!("Environments of jobs of {project}"), &trail, &body))
}

fn rows(label: &str, caller: &Caller, project: &ProjectName, environments: &[NamedEnvironmentView], now: Timestamp) -> Markup {
    let rows = html! {
        tbody {
            @for one in environments {
                tr {
                    td.main { a href=(address(project, &one.name)) { (one.name) } }
                    td { (status(&one.state)) }
                    td { (one.tier) }
                    td { (link(one.url.as_deref())) }
                    td { @if let Some(of) = &one.deployed { (deployed(of)) " " (ago(of.at, now)) } }
                    td { @if let Some(at) = one.stops_at { (moment(at)) } }
                    td { (stop_button(caller, project, one)) }
                }
            }
        }
    };
    table(label, &["Environment", "State", "Tier", "Address", "Last deployment", "Stops at", "Action"], &rows)
}

/// An address that a job gave: a link if it is one of the web.
fn link(url: Option<&str>) -> Markup {
    let is_web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    match (url.filter(is_web), url) {
        (Some(url), _) => html! { a href=(url) rel="noreferrer noopener" { (url) } },
        (None, Some(text)) => html! { code { (text) } },
        (None, None) => html! {},
    }
}

fn deployed(of: &DeployedView) -> Markup {
    html! { span { code { (of.commit.short()) } " by " a href={ "/runs/" (of.run) "/jobs/" (encoded(of.job.as_str())) } { (of.job) } } }
}

fn stop_button(caller: &Caller, project: &ProjectName, one: &NamedEnvironmentView) -> Markup {
    if one.state != "available" || caller.role < Role::Developer {
        return html! {};
    }
    let question = match &one.on_stop[..] {
        [] => "Nothing is run: it is only said to be stopped.".to_owned(),
        jobs => format!("This starts {}.", jobs.iter().map(|job| format!("`{job}`")).collect::<Vec<_>>().join(" and ")),
    };
    confirmed(&format!("{}/stop", address(project, &one.name)), "Stop", &question)
}

/// One, and what kept runs did to it.
pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((project, name)): Path<(ProjectName, String)>,
) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let absent = || Failure::absent(format!("environment `{name}` that jobs of `{project}` have deployed to"));
    let record = world.projects.get(&project).ok_or_else(absent)?;
    let one = views::named_environment(&world, &name, record.environments.get(&name).ok_or_else(absent)?);
    let (done, now) = (views::deployments(&world, record, &name, SHOWN), app.parts.journal.now());
    let body = html! {
        ul.lead {
            li { (status(&one.state)) }
            li { (one.tier) }
            @if one.url.is_some() { li { (link(one.url.as_deref())) } }
            @if let Some(at) = one.stops_at { li { "stops at " (moment(at)) } }
            @for job in &one.on_stop { li { "stopped by the job " strong { (job) } } }
        }
        @let button = stop_button(&caller, &project, &one);
        div.actions { (button) }
        h2 { "Deployments" }
        @if done.is_empty() { (empty("No kept run deployed to it.")) } @else { (history(&done, now)) }
        p.hint { (prose("Runs that `penstock gc` removed are not listed.")) }
    };
    let trail = [
        ("/".to_owned(), "Overview".to_owned()),
        (format!("/projects/{project}"), project.to_string()),
        (format!("/projects/{project}/named-environments"), "Environments of jobs".to_owned()),
    ];
    Ok(layout::page(&caller, &name, &trail, &body))
}

fn history(done: &[(&'static str, DeployedView)], now: Timestamp) -> Markup {
    let rows = html! {
        tbody {
            @for (what, of) in done {
                tr {
                    td.main { a href={ "/runs/" (of.run) } { (what) } }
                    td { (deployed(of)) }
                    td { (of.reference.trim_start_matches("refs/heads/")) }
                    td { (ago(of.at, now)) }
                }
            }
        }
    };
    table("Deployments", &["What", "Commit", "Ref", "When"], &rows)
}

/// The button.
pub(super) async fn stop(
    State(app): State<App>,
    Presser(caller): Presser,
    Path((project, name)): Path<(ProjectName, String)>,
) -> Result<Redirect, PageFailure> {
    let to = address(&project, &name);
    environments::stop(&app.parts, Actor::User(caller.user), &project, &name).await.map_err(Failure::from)?;
    Ok(Redirect::to(&to))
}
