//! Workflow commands: lines of a step's output that say something to whoever runs it.
//!
//! `::name key=value,key=value::data` at a line's beginning, or `##[name key=value;key=value]data` (GitHub's runner reads both).

use std::collections::BTreeMap;

/// What a step may say.
const NAMES: &[&str] = &[
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// A command that a line gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// In lower case.
    pub(crate) name: String,
    /// By names in lower case, unescaped.
    pub(crate) properties: BTreeMap<String, String>,
    /// What follows, unescaped.
    pub(crate) data: String,
}

/// True for the name of a command.
pub(crate) fn is_name(name: &str) -> bool {
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The command of a line; `None` for any other line. `also` is a name that counts besides the known ones.
pub(crate) fn read(line: &str, also: Option<&str>) -> Option<Command> {
    let known = |name: &str| is_name(name) || also.is_some_and(|also| also.eq_ignore_ascii_case(name));
    let line = line.trim_start();
    let (head, data, separator, escapes): (_, _, _, &[(&str, &str)]) = if let Some(rest) = line.strip_prefix("::") {
        let (head, data) = rest.split_once("::")?;
        (head, data, ',', &[("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")])
    } else {
        let (head, data) = line.strip_prefix("##[")?.split_once(']')?;
        (head, data, ';', &[("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%")])
    };
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    if !known(name) {
        return None;
    }
    let pairs = properties.trim().split(separator).filter_map(|pair| pair.split_once('='));
    let properties = pairs
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
        .map(|(key, value)| (key.to_lowercase(), unescaped(value, escapes)))
        .collect();
    let data_escapes: &[(&str, &str)] = if separator == ',' { &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")] } else { escapes };
    Some(Command { name: name.to_lowercase(), properties, data: unescaped(data, data_escapes) })
}

fn unescaped(text: &str, escapes: &[(&str, &str)]) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    // `%` comes last, so that `%250A` is `%0A`
    escapes.iter().fold(text.to_owned(), |text, (escape, letter)| text.replace(escape, letter))
}

/// A piece of a step's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// No command.
    Through(Vec<u8>),
    /// A line that may be one, without its end; and whether it had one.
    Line(Vec<u8>, bool),
    /// A line that has gone through, for whoever looks at whole lines.
    Whole(Vec<u8>),
}

/// The longest line that may be a command.
const MAX_COMMAND: usize = 1 << 20;
/// The longest beginning of a whole line.
const MAX_WHOLE: usize = 16 << 10;
/// Blanks before a command.
const MAX_BLANKS: usize = 256;

/// Finds lines that may be commands in a stream, wherever its pieces are cut. It holds back only these.
#[derive(Default)]
pub(crate) struct Ear {
    held: Vec<u8>,
    whole: Vec<u8>,
    mode: Mode,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// At a line's beginning.
    #[default]
    Start,
    /// In a line that may be a command.
    Held,
    /// In a line that is none.
    Plain,
}

enum Begins {
    Command,
    Maybe,
    Other,
}

fn begins(line: &[u8]) -> Begins {
    let text = line.trim_ascii_start();
    let prefixes: [&[u8]; 2] = [b"::", b"##["];
    if prefixes.iter().any(|prefix| text.starts_with(prefix)) {
        Begins::Command
    } else if line.len() - text.len() < MAX_BLANKS && prefixes.iter().any(|prefix| prefix.starts_with(text)) {
        Begins::Maybe
    } else {
        Begins::Other
    }
}

impl Ear {
    /// Takes in the next bytes. `watched`: somebody looks at whole lines.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], watched: bool, out: &mut Vec<Part>) {
        while let Some(first) = bytes.first() {
            match self.mode {
                Mode::Start => {
                    self.held.push(*first);
                    bytes = &bytes[1..];
                    match begins(&self.held) {
                        _ if matches!(first, b'\n' | b'\r') => self.pass(watched, out),
                        Begins::Maybe => {}
                        Begins::Command => self.mode = Mode::Held,
                        Begins::Other => self.pass(watched, out),
                    }
                }
                Mode::Held => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    self.held.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
                    bytes = end.map_or(&[], |end| &bytes[end + 1..]);
                    if end.is_some() {
                        self.mode = Mode::Start;
                        let mut line = std::mem::take(&mut self.held);
                        if line.last() == Some(&b'\r') {
                            line.pop();
                        }
                        out.push(Part::Line(line, true));
                    } else if self.held.len() > MAX_COMMAND {
                        self.pass(watched, out);
                    }
                }
                Mode::Plain => {
                    let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    let (line, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
                    through(line, out);
                    self.watch(line, watched, out);
                    bytes = rest;
                }
            }
        }
    }

    /// The step is over: the line in hand ends here.
    pub(crate) fn finish(&mut self, out: &mut Vec<Part>) {
        let held = std::mem::take(&mut self.held);
        if self.mode == Mode::Held {
            out.push(Part::Line(held, false));
        } else if !held.is_empty() {
            through(&held, out);
        }
        if !self.whole.is_empty() {
            out.push(Part::Whole(std::mem::take(&mut self.whole)));
        }
        self.mode = Mode::Start;
    }

    fn pass(&mut self, watched: bool, out: &mut Vec<Part>) {
        let held = std::mem::take(&mut self.held);
        self.mode = Mode::Plain;
        through(&held, out);
        self.watch(&held, watched, out);
    }

    /// Whether the line that goes through has ended, and what it was.
    fn watch(&mut self, line: &[u8], watched: bool, out: &mut Vec<Part>) {
        let ended = line.last().is_some_and(|last| matches!(last, b'\n' | b'\r'));
        if watched {
            let text = line.strip_suffix(b"\n").or_else(|| line.strip_suffix(b"\r")).unwrap_or(line);
            let room = MAX_WHOLE.saturating_sub(self.whole.len());
            self.whole.extend_from_slice(&text[..text.len().min(room)]);
        }
        if ended {
            self.mode = Mode::Start;
            if !self.whole.is_empty() {
                out.push(Part::Whole(std::mem::take(&mut self.whole)));
            }
        }
    }
}

fn through(bytes: &[u8], out: &mut Vec<Part>) {
    if let Some(Part::Through(before)) = out.last_mut() {
        before.extend_from_slice(bytes);
    } else {
        out.push(Part::Through(bytes.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let seen = match read(line, Some("t0ken")) {
            Some(command) => format!("{} {:?} {:?}", command.name, command.properties, command.data),
            None => "text".to_owned(),
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn commands_are_read_as_the_runner_reads_them() {
        check(
            "::error file=a.rs,line=1,endLine=2,title=T%3A%2C::it%0Ais 50%25",
            r#"error {"endline": "2", "file": "a.rs", "line": "1", "title": "T:,"} "it\nis 50%""#,
        );
        check("  ::WARNING::x", r#"warning {} "x""#);
        check("::group::a::b", r#"group {} "a::b""#);
        check("::endgroup::", r#"endgroup {} """#);
        check("::set-output name=a::%250A", r#"set-output {"name": "a"} "%0A""#);
        check("::set-output name=,x::v", r#"set-output {} "v""#);
        check("##[error file=a;line=3]no%5D%3B", r#"error {"file": "a", "line": "3"} "no];""#);
        check("::T0KEN::", r#"t0ken {} """#);
        for text in ["x ::error::y", "::error", "::unknown::x", ":: error::x", "##[section]x", "", "::"] {
            check(text, "text");
        }
    }

    fn parts(pieces: &[&[u8]], watched: bool) -> (String, Vec<String>, Vec<String>) {
        let (mut ear, mut out) = (Ear::default(), Vec::new());
        for piece in pieces {
            ear.feed(piece, watched, &mut out);
        }
        ear.finish(&mut out);
        let (mut text, mut lines, mut whole) = (String::new(), Vec::new(), Vec::new());
        for part in out {
            match part {
                Part::Through(bytes) => text.push_str(&String::from_utf8(bytes).unwrap()),
                Part::Line(line, _) => lines.push(String::from_utf8(line).unwrap()),
                Part::Whole(line) => whole.push(String::from_utf8(line).unwrap()),
            }
        }
        (text, lines, whole)
    }

    #[test]
    fn lines_that_may_be_commands_are_taken_out_and_nothing_else() {
        let (text, lines, whole) = parts(&[b"a\n  ::x::1\r\n:b\n::", b"y\r\nc ::z\n  \n##[e]"], true);
        assert_eq!((text.as_str(), lines), ("a\n:b\nc ::z\n  \n", vec!["  ::x::1".to_owned(), "::y".to_owned(), "##[e]".to_owned()]));
        assert_eq!(whole, ["a", ":b", "c ::z", "  "]);
    }

    proptest! {
        #[test]
        fn the_cuts_make_no_difference(text in "[a:# \n\\[]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(parts(&pieces, true), parts(&[bytes], true));
        }
    }
}
