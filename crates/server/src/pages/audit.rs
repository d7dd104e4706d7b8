//! The audit trail: the log itself, newest first.

use axum::extract::{Query, State};
use maud::{Markup, html};
use penstock_api::EventView;
use serde::Deserialize;

use super::parts::{moment, prose, table};
use super::{PageFailure, Viewer, layout};
use crate::App;
use crate::problem::Failure;
use crate::routes::event_view;

/// Rows of a page.
const ROWS: u64 = 100;
/// The longest content that a page shows.
const MAX_SHOWN: usize = 4_000;
const LEAD: &str = "Every change of state is an event. Each stream is a chain of hashes, and checkpoints over all of them are signed; `penstock verify` recomputes them.";

/// Which page.
#[derive(Deserialize)]
pub(super) struct Which {
    before: Option<u64>,
}

pub(super) async fn page(State(app): State<App>, Viewer(caller): Viewer, Query(which): Query<Which>) -> Result<Markup, PageFailure> {
    let head = app.parts.journal.world().position;
    let last = which.before.map_or(head, |before| before.saturating_sub(1).min(head));
    let first = last.saturating_sub(ROWS);
    let rows = usize::try_from(last - first).unwrap_or(0);
    let events = app.parts.journal.log().after(first, rows).await.map_err(Failure::internal)?;
    let rows = html! { tbody { @for event in events.iter().rev().map(event_view) { (row(&event)) } } };
    let body = html! {
        p.lead { (prose(LEAD)) }
        (table("Events", &["#", "When", "Who", "What", "Stream", "Hash"], &rows))
        nav.pages aria-label="Pages" {
            @if which.before.is_some() { a href="/audit" { "Newest" } }
            @if first > 0 { a href={ "/audit?before=" (first + 1) } { "Older" } }
        }
    };
    Ok(layout::page(&caller, "Audit trail", &[], &body))
}

fn row(event: &EventView) -> Markup {
    html! {
        tr {
            td.number { (event.position) }
            td { (moment(event.at)) }
            td { (event.actor) }
            td.main {
                details id={ "event-" (event.position) } {
                    summary { (event.kind) @if let Some(words) = words(event) { " " span.hint { (words) } } }
                    pre { (shown(&event.data)) }
                }
            }
            td { code.cut title=(event.stream) { (event.stream) } }
            td { code title=(event.hash) { (event.hash.short()) } }
        }
    }
}

/// What happened to users and secrets, in words: whoever looks after them need not read JSON.
fn words(event: &EventView) -> Option<String> {
    let text = |key: &str| event.data.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (_, of) = event.stream.split_once('/')?;
    let said = match event.kind.as_str() {
        "user.added" => format!("{of} may log in as {}, with a new token", text("role")),
        "user.token_changed" => format!("{of} has a new token; the one before is void"),
        "user.removed" => format!("{of} may not log in any more"),
        "setting.secret_set" => {
            let every = event.data.get("all_branches") == Some(&true.into());
            let branches = if every { "of every branch" } else { "of the delivered branch alone" };
            format!("{} of {of}{}, for jobs {branches}", text("name"), placed(text("environment")))
        }
        "setting.secret_removed" => format!("{} of {of}{} is gone", text("name"), placed(text("environment"))),
        _ => return None,
    };
    Some(said)
}

fn placed(environment: &str) -> String {
    if environment.is_empty() { String::new() } else { format!(" in {environment}") }
}

fn shown(data: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(data).unwrap_or_default();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}\n… `GET /api/v1/events` has all of it", &text[..cut]),
        None => text,
    }
}
