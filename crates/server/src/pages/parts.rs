//! Small things that several pages show.

use maud::{Markup, html};
use penstock_api::{RunSummary, StatementView};
use penstock_model::{Digest, Timestamp};

/// A status as a word with a mark: colour is never the only sign.
pub(super) fn status(word: &str) -> Markup {
    let (class, mark) = tone(word);
    html! { span class={ "status " (class) } { span aria-hidden="true" { (mark) } " " (word.replace('_', " ")) } }
}

/// The same in the words of the file's dialect: GitLab's are those of the API.
pub(super) fn status_in(dialect: Option<&str>, word: &str) -> Markup {
    let (class, mark) = tone(word);
    html! { span class={ "status " (class) } { span aria-hidden="true" { (mark) } " " (word_in(dialect, word)) } }
}

/// How the dialect calls a status.
pub(super) fn word_in(dialect: Option<&str>, word: &str) -> String {
    if dialect != Some("github") {
        return word.replace('_', " ");
    }
    match word {
        "created" | "waiting_for_resource" | "scheduled" | "manual" => "waiting",
        "pending" => "queued",
        "running" => "in progress",
        "failed" => "failure",
        "failed, allowed" => "failure, allowed",
        "canceled" => "cancelled",
        other => other,
    }
    .to_owned()
}

/// The colour and the mark of a status.
pub(super) fn tone(word: &str) -> (&'static str, &'static str) {
    match word {
        "success" | "merged" | "delivered" | "healthy" | "promoted" | "passed" | "in step" | "ready" | "available" => ("good", "✓"),
        "failed" | "rejected" | "gate_refused" | "refused" | "check_failed" | "degraded" | "aborted" | "glass broken" => ("bad", "✗"),
        "running" | "rolling_out" | "checking" | "progressing" | "at_gate" | "allowed" | "pending" | "starting" | "stopping" => {
            ("busy", "●")
        }
        "awaiting_approval" | "from outside" | "not yet" | "manual" | "paused" | "success with warnings" | "failed, allowed" | "behind" => {
            ("wait", "!")
        }
        _ => ("idle", "○"),
    }
}

/// A moment in UTC: exact for machines and on hover, short for people.
pub(super) fn moment(at: Timestamp) -> Markup {
    let text = at.rfc3339();
    html! { time datetime=(text) title=(text) { (text[..10]) " " (text.get(11..19).unwrap_or_default()) } }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// From here on a date says more.
const LONG_AGO: u64 = 14 * DAY;

/// How long ago a moment was; exact on hover.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let text = at.rfc3339();
    let shown = match now.since(at).as_secs() {
        0..MINUTE => "just now".to_owned(),
        seconds @ MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        seconds @ HOUR..DAY => format!("{} h ago", seconds / HOUR),
        seconds @ DAY..LONG_AGO => format!("{} d ago", seconds / DAY),
        _ => text[..10].to_owned(),
    };
    html! { time datetime=(text) title=(text) { (shown) } }
}

/// A span of time.
pub(super) fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!("{} h {:02} min", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

/// The time between two moments; so far, if the second has not come.
pub(super) fn between(from: Timestamp, to: Option<Timestamp>, now: Timestamp) -> String {
    let whole = |to: Timestamp| u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX);
    match to {
        Some(to) => span(whole(to)),
        None => format!("{} so far", span(whole(now) / 1_000 * 1_000)),
    }
}

/// A digest: short to read, whole on hover.
pub(super) fn digest(digest: &Digest) -> Markup {
    html! { code title=(digest) { (digest.short()) } }
}

/// A text as one part of an address.
pub(super) fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A text of the program's: what stands between backticks is code.
pub(super) fn prose(text: &str) -> Markup {
    html! { @for (index, part) in text.split('`').enumerate() { @if index % 2 == 1 { code { (part) } } @else { (part) } } }
}

/// Where nothing is to be shown yet.
pub(super) fn empty(text: &str) -> Markup {
    html! { p.empty { (prose(text)) } }
}

/// A table that scrolls by itself where it is wider than the page.
pub(super) fn table(label: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                (rows)
            }
        }
    }
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

/// A button that asks once more before it posts, without script too.
pub(super) fn confirmed(action: &str, text: &str, question: &str) -> Markup {
    html! {
        details.confirm {
            summary { (text) }
            div { p { (question) } (button(action, text, "danger", &[])) }
        }
    }
}

/// A table of runs; `all` says whether they are of several projects.
pub(super) fn runs(runs: &[RunSummary], now: Timestamp, all: bool) -> Markup {
    if runs.is_empty() {
        return empty("No run yet. Push to the project's repository and one begins.");
    }
    let columns = ["Run", "Status", "Project", "Commit", "Begun", "Started", "Took"];
    let columns: Vec<&str> = columns.into_iter().filter(|column| all || *column != "Project").collect();
    let rows = html! {
        tbody {
            @for run in runs {
                tr {
                    td.main { a href={ "/runs/" (run.id) } { (title(&run.title, &format!("Push to {}", run.reference))) } }
                    td { (status(&run.status)) }
                    @if all { td { a href={ "/projects/" (run.project) } { (run.project) } } }
                    td { code { (run.commit.short()) } " " span.soft { (run.reference) } }
                    td { (begun(run)) }
                    td { (ago(run.started, now)) }
                    td.number { (between(run.started, run.ended, now)) }
                }
            }
        }
    };
    table("Runs", &columns, &rows)
}

/// What began a run; the run above it by its link.
pub(super) fn begun(run: &RunSummary) -> Markup {
    match &run.started_by {
        Some(by) => html! {
            @if by.child { "child of " } @else { "started by " }
            a href={ "/runs/" (by.run) } { "the job " strong { (by.job) } }
        },
        None => html! { (run.begun()) },
    }
}

/// A commit's title, or what else names the thing.
pub(super) fn title<'a>(title: &'a str, otherwise: &'a str) -> &'a str {
    if title.is_empty() { otherwise } else { title }
}

/// A table of statements, by what they are about.
pub(super) fn statements(statements: &[StatementView]) -> Markup {
    if statements.is_empty() {
        return empty("No statement yet.");
    }
    let mut subjects: Vec<&str> = Vec::new();
    for said in statements {
        if !subjects.contains(&said.subject.as_str()) {
            subjects.push(&said.subject);
        }
    }
    let rows = html! {
        @for subject in subjects {
            tbody {
                tr.group { th colspan="5" scope="rowgroup" { (about(subject)) } }
                @for said in statements.iter().filter(|said| said.subject == subject) {
                    tr {
                        td.main { (said.name) }
                        td.wide { (said.summary) }
                        td { span.soft { (said.witness) } }
                        td { (moment(said.at)) }
                        td { a href={ "/api/v1/statements/" (said.envelope) } { (digest(&said.envelope)) } }
                    }
                }
            }
        }
    };
    table("Statements", &["Statement", "Says", "Seen by", "Signed", "Bundle"], &rows)
}

/// What a statement is about; an image's digest is cut.
fn about(subject: &str) -> Markup {
    match subject.split_once("@sha256:") {
        Some((name, digest)) => html! { span title=(subject) { (name) " " code { (digest.get(..12).unwrap_or(digest)) } } },
        None => html! { (subject) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = Timestamp(1_767_225_600_000);
        let told = |seconds: i64| ago(Timestamp(now.0 - seconds * 1_000), now).into_string();
        for (seconds, words) in [(0, "just now"), (-5, "just now"), (60, "1 min ago"), (7_200, "2 h ago"), (200_000, "2 d ago")] {
            assert!(told(seconds).contains(words), "{seconds}: {}", told(seconds));
        }
        assert!(told(40 * 86_400).ends_with(">2025-11-22</time>"));
        let spans = [999, 1_250, 61_000, 3_660_000].map(span);
        assert_eq!(spans, ["999 ms", "1.2 s", "1 min 01 s", "1 h 01 min"]);
        assert_eq!(between(now, None, Timestamp(now.0 + 61_900)), "1 min 01 s so far");
    }

    #[test]
    fn backticks_become_code_and_nothing_becomes_markup() {
        assert_eq!(prose("see `a <b>` & go").into_string(), "see <code>a &lt;b&gt;</code> &amp; go");
    }
}
