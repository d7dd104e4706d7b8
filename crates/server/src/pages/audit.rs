//! The audit trail: the log itself, newest first.

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::parts::moment;
use super::{PageFailure, Viewer, layout};
use crate::App;
use crate::problem::Failure;
use crate::routes::event_view;

/// Rows of a page.
const ROWS: u64 = 100;

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
    let body = html! {
        p.lead { "Every change of state is an event. Each stream is a chain of hashes, and checkpoints over all of them are signed: " code { "penstock verify" } " recomputes them." }
        div.scroll tabindex="0" role="region" aria-label="Events" { table {
            thead { tr { th { "#" } th { "When" } th { "Who" } th { "What" } th { "Stream" } th { "Hash" } } }
            tbody {
                @for event in events.iter().rev().map(event_view) {
                    tr {
                        td.number { (event.position) }
                        td { (moment(event.at)) }
                        td { (event.actor) }
                        td { details { summary { (event.kind) } pre { (shown(&event.data)) } } }
                        td { code.cut title=(event.stream) { (event.stream) } }
                        td { code title=(event.hash) { (event.hash.short()) } }
                    }
                }
            }
        } }
        @if first > 0 { p { a href={ "/audit?before=" (first + 1) } { "Older" } } }
    };
    Ok(layout::page(Some(&caller), "Audit trail", &[], &body))
}

/// The longest content that a page shows.
const MAX_SHOWN: usize = 4_000;

fn shown(data: &serde_json::Value) -> String {
    let text = serde_json::to_string_pretty(data).unwrap_or_default();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((cut, _)) => format!("{}\n… `GET /api/v1/events` has all of it", &text[..cut]),
        None => text,
    }
}
