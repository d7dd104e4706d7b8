//! What a terminal shows: colour only where there is one, tables, times.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use penstock_model::Timestamp;

/// Colour is for terminals, unless `NO_COLOR` says otherwise (<https://no-color.org>).
fn coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
}

fn paint(code: &str, text: &str) -> String {
    if coloured() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// For what is bad.
pub fn red(text: &str) -> String {
    paint("31", text)
}
/// For what is good.
pub fn green(text: &str) -> String {
    paint("32", text)
}
/// For what goes on.
pub fn yellow(text: &str) -> String {
    paint("33", text)
}
/// For what is beside the point.
pub fn dim(text: &str) -> String {
    paint("2", text)
}
/// For headings.
pub fn bold(text: &str) -> String {
    paint("1", text)
}

/// A status word in its colour.
pub fn status(word: &str) -> String {
    match word {
        "success" | "delivered" | "healthy" | "promoted" | "in step" | "passed" => green(word),
        "failed" | "rejected" | "gate_refused" | "refused" | "check_failed" | "degraded" | "aborted" => red(word),
        "running" | "rolling_out" | "checking" | "progressing" | "awaiting_approval" | "manual" | "paused" => yellow(word),
        other => other.to_owned(),
    }
}

/// Removes what could move a terminal's cursor or change its state: text of others is shown, never obeyed.
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

/// Tells on standard error what is no failure; text of others may call itself a warning already.
pub fn warn(text: &str) {
    eprintln!("{} {}", yellow("warning:"), plain(text.strip_prefix("warning: ").unwrap_or(text)));
}

/// The lines of a text, each [`plain`] and so far from the margin.
pub fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{}", "", plain(line))).collect::<Vec<_>>().join("\n")
}

/// Prints rows under headings, if there are any, each column as wide as its widest cell.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |text: &str| visible(text);
    let mut widths: Vec<usize> = headings.iter().map(|heading| width(heading)).collect();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (known, cell) in widths.iter_mut().zip(row) {
            *known = (*known).max(width(cell));
        }
    }
    let mut out = std::io::stdout().lock();
    let mut line = |cells: Vec<String>| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < cells.len() {
                let pad = widths.get(column).copied().unwrap_or(0).saturating_sub(width(cell)) + 2;
                text.push_str(&" ".repeat(pad));
            }
        }
        // a closed pipe ends the program elsewhere
        let _ = writeln!(out, "{}", text.trim_end());
    };
    if !headings.is_empty() {
        line(headings.iter().map(|heading| dim(heading)).collect());
    }
    for row in rows {
        line(row.clone());
    }
}

/// The width of a text without its colours.
fn visible(text: &str) -> usize {
    let mut width = 0;
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => in_code = true,
            'm' if in_code => in_code = false,
            _ if in_code => {}
            _ => width += 1,
        }
    }
    width
}

/// A span of time for people: `1.2 s`, `3 min 04 s`.
pub fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// The time between two moments for people.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    span(u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_drive_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\rc"), "a[2Jbc");
    }

    #[test]
    fn lines_of_others_stay_lines_and_drive_nothing() {
        assert_eq!(indented("web:\n- replicas\u{1b}[2J\n", 2), "  web:\n  - replicas[2J");
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(visible("\u{1b}[31mred\u{1b}[0m"), 3);
    }

    #[test]
    fn times_are_short() {
        assert_eq!([span(5), span(1_234), span(184_000)], ["5 ms", "1.2 s", "3 min 04 s"]);
    }
}
