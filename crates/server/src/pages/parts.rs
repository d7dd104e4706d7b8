//! Small things that several pages show.

use maud::{Markup, html};
use penstock_api::{RunSummary, StatementView};
use penstock_model::{Digest, Timestamp};

/// A status as a word with a mark: colour is never the only sign.
pub(super) fn status(word: &str) -> Markup {
    let (class, mark) = match word {
        "success" | "delivered" | "healthy" | "promoted" | "passed" | "in step" => ("good", "✓"),
        "failed" | "rejected" | "gate_refused" | "refused" | "check_failed" | "degraded" | "aborted" | "glass broken" => ("bad", "✗"),
        "running" | "rolling_out" | "checking" | "progressing" | "at_gate" | "allowed" | "pending" => ("busy", "●"),
        "awaiting_approval" | "manual" | "paused" | "success with warnings" | "failed, allowed" | "behind" => ("wait", "!"),
        _ => ("idle", "○"),
    };
    html! { span class={ "status " (class) } { span aria-hidden="true" { (mark) } " " (word.replace('_', " ")) } }
}

/// A moment: exact for machines and on hover, short for people.
pub(super) fn moment(at: Timestamp) -> Markup {
    let text = at.rfc3339();
    html! { time datetime=(text) title=(text) { (text[..10]) " " (text.get(11..19).unwrap_or_default()) } }
}

/// A span of time.
pub(super) fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// The time between two moments; so far, if the second has not come.
pub(super) fn between(from: Timestamp, to: Option<Timestamp>) -> String {
    to.map_or_else(|| "…".to_owned(), |to| span(u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)))
}

/// A digest: short to read, whole on hover.
pub(super) fn digest(digest: &Digest) -> Markup {
    html! { code title=(digest) { (digest.short()) } }
}

/// A button that posts.
pub(super) fn button(action: &str, text: &str, class: &str, fields: &[(&str, &str)]) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) type="submit" { (text) }
        }
    }
}

/// A table of runs.
pub(super) fn runs(runs: &[RunSummary]) -> Markup {
    html! {
        @if runs.is_empty() { p.empty { "No run yet. Push to the project's repository and one begins." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Runs" { table {
                thead { tr { th { "Run" } th { "Status" } th { "Project" } th { "Ref" } th { "Commit" } th { "Pushed by" } th { "Started" } th { "Took" } } }
                tbody {
                    @for run in runs {
                        tr {
                            td { a href={ "/runs/" (run.id) } { (if run.title.is_empty() { run.id.to_string() } else { run.title.clone() }) } }
                            td { (status(&run.status)) }
                            td { a href={ "/projects/" (run.project) } { (run.project) } }
                            td { (run.reference) }
                            td { code { (run.commit.short()) } }
                            td { (run.pusher) }
                            td { (moment(run.started)) }
                            td.number { (between(run.started, run.ended)) }
                        }
                    }
                }
            } }
        }
    }
}

/// A table of statements.
pub(super) fn statements(statements: &[StatementView]) -> Markup {
    html! {
        @if statements.is_empty() { p.empty { "No statement yet." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="Statements" { table {
                thead { tr { th { "Statement" } th { "Says" } th { "About" } th { "Seen by" } th { "Signed" } th { "Bundle" } } }
                tbody {
                    @for said in statements {
                        tr {
                            td { (said.name) }
                            td { (said.summary) }
                            td { code.cut title=(said.subject) { (said.subject) } }
                            td { (said.witness) }
                            td { (moment(said.at)) }
                            td { a href={ "/api/v1/statements/" (said.envelope) } { (digest(&said.envelope)) } }
                        }
                    }
                }
            } }
        }
    }
}
