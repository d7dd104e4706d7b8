//! What jobs published about tags: the list on a project's page, and one of them whole.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::TagReleaseView;
use penstock_model::tag_release::{AssetLink, LinkType};
use penstock_model::{ProjectName, Timestamp};

use super::markdown::markdown;
use super::parts::{ago, moment, table, title};
use super::{PageFailure, Viewer, layout};
use crate::problem::Failure;
use crate::{App, views};

/// How many of them a project's page shows.
const ROWS: usize = 20;

pub(super) async fn page(
    State(app): State<App>,
    Viewer(caller): Viewer,
    Path((project, tag)): Path<(ProjectName, String)>,
) -> Result<Markup, PageFailure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let view = views::tag_releases(record).into_iter().find(|view| view.release.tag == tag);
    let view = view.ok_or_else(|| Failure::absent(format!("tag release `{tag}` in project `{project}`")))?;
    let (description, whole) = markdown(&view.release.description);
    let body = html! {
        ul.lead {
            li { "tag " code { (view.release.tag) } " " code { (view.commit.short()) } }
            li { "made by " a href={ "/runs/" (view.run) } { (view.job) } " for " (view.by) ", " (moment(view.made)) }
            @if let Some(at) = view.release.released_at { li { "out " (moment(at)) } }
            @for milestone in &view.release.milestones { li { "milestone " (milestone) } }
        }
        section.card { (description) @if !whole { p.hint { "The end is left out." } } }
        @if !view.release.links.is_empty() { h2 { "Links" } ul { @for link in &view.release.links { li { (led(link)) } } } }
    };
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project.to_string())];
    Ok(layout::page(&caller, &view.release.name, &trail, &body))
}

fn led(link: &AssetLink) -> Markup {
    let kind = match link.link_type {
        LinkType::Other => "",
        LinkType::Runbook => "runbook",
        LinkType::Image => "image",
        LinkType::Package => "package",
    };
    html! {
        a href=(link.url) rel="external nofollow" { (link.name) }
        @if !kind.is_empty() { " " span.soft { (kind) } }
        @if let Some(path) = &link.filepath { " " code { (path) } }
    }
}

/// Those of a project, if there are any.
pub(super) fn listed(project: &ProjectName, all: &[TagReleaseView], now: Timestamp) -> Markup {
    let rows = html! {
        tbody {
            @for view in all.iter().take(ROWS) {
                tr {
                    td.main { a href={ "/projects/" (project) "/tag-releases/" (segment(&view.release.tag)) } { (title(&view.release.name, &view.release.tag)) } }
                    td { code { (view.release.tag) } }
                    td { code { (view.commit.short()) } }
                    td { (view.by) }
                    td { (ago(view.made, now)) }
                }
            }
        }
    };
    html! {
        @if !all.is_empty() {
            h2 id="tag-releases" { "Tag releases" }
            (table("Tag releases", &["Name", "Tag", "Commit", "By", "Made"], &rows))
        }
    }
}

/// One segment of an address: a tag may have a `/`.
pub(super) fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
