//! YAML documents as cases: grown in every style, then spoilt a little.

use serde_json::{Value as Json, json};

use super::{compare::Case, oracle::Outcome, ours, random::Random, shrink};

/// A text that is read as YAML, and written again.
#[derive(Clone, Debug)]
pub struct Document(pub String);

impl Case for Document {
    fn question(&self) -> (Json, &'static str) {
        (json!({ "op": "yaml", "text": self.0 }), "*")
    }

    fn ours(&self) -> Outcome {
        ours::yaml(&self.0)
    }

    fn smaller(&self) -> Vec<Self> {
        shrink::shorter(&self.0).into_iter().map(Self).collect()
    }

    fn shown(&self) -> String {
        format!("{:?}", self.0)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

const PLAIN: &[&str] = &[
    "a",
    "b c",
    "1",
    "-1",
    "0x1f",
    "0o17",
    "017",
    "1e3",
    "1_000",
    ".5",
    "+.inf",
    ".NaN",
    "1.",
    "true",
    "Yes",
    "off",
    "null",
    "~",
    "",
    "2020-01-02",
    "2020-01-02T03:04:05Z",
    "12:30:45",
    "1:2",
    "a:b",
    "x#y",
    "-x",
    "?x",
    ":x",
    "é",
    "<<",
    "=",
    "0b11",
    "1e400",
    "12345678901234567890",
    "-0",
    "0.1e-5",
    "y",
    "n",
    "NO",
    "a'b",
    "a\"b",
    "http://x.y/z",
    "%x",
    "@x",
    "`x",
    "x: y",
    "- x",
    "[x",
    "x]",
    "{x}",
    "*a",
    "&a x",
    "!t x",
    "!!str 1",
    "!!int 0x1",
    "!!float 1",
    "!!bool yes",
    "!!null x",
    "!!binary aGk=",
    "!x",
    "| ",
    ">",
    "...",
    "---",
    "a b  c ",
    "\u{2028}",
    "0777",
    "08",
    "1e",
    "e1",
    "0x",
    "+1",
    "1__0",
    "_1",
    "190:20:30",
    "!!timestamp 2020-01-01",
];
const KEYS: &[&str] = &[
    "a",
    "b",
    "c d",
    "1",
    "true",
    "null",
    "2.5",
    "\"q\"",
    "'s'",
    "<<",
    "? e",
    "é",
    "\"\\u00e9\"",
    "~",
    "1e3",
    "[x]",
    "{y: z}",
    "a.b/c",
    "0x10",
    "!!str 1",
    "",
];

/// Grows a document; two of three are spoilt.
pub fn grow(seed: u64) -> Document {
    let mut random = Random::new(seed);
    let mut text = String::new();
    if random.percent(10) {
        text.push_str(random.word(&["---\n", "--- ", "# c\n", "%YAML 1.1\n---\n", "\u{feff}", "--- # c\n"]));
    }
    block(&mut random, 3, 0, &mut text);
    if random.percent(10) {
        text.push_str(random.word(&["...\n", "---\nmore: 1\n", "# end", "\n\n"]));
    }
    if random.percent(66) {
        for _ in 0..=random.below(3) {
            text = spoil(&mut random, &text);
        }
    }
    Document(text)
}

/// A node in the block style, from the column on, with its line's end.
fn block(random: &mut Random, depth: usize, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match if depth == 0 { 9 } else { random.below(10) } {
        0..=3 => {
            for _ in 0..=random.below(3) {
                let key = random.word(KEYS);
                text.push_str(&format!("{pad}{key}:"));
                below(random, depth, indent, text);
            }
        }
        4..=6 => {
            for _ in 0..=random.below(3) {
                text.push_str(&format!("{pad}-"));
                below(random, depth, indent, text);
            }
        }
        _ => {
            let scalar = scalar(random, indent);
            text.push_str(&format!("{pad}{scalar}\n"));
        }
    }
}

fn below(random: &mut Random, depth: usize, indent: usize, text: &mut String) {
    if random.percent(8) {
        text.push_str(random.word(&[" &x", " !!map", " !!seq", " !!str", " &y !!str", " !t"]));
    }
    match random.below(10) {
        0..=2 => {
            text.push('\n');
            let deeper = indent + *random.pick(&[0, 1, 2, 2, 4]);
            block(random, depth - 1, deeper, text);
        }
        3 => {
            text.push(' ');
            let flow = flow(random, 2);
            text.push_str(&flow);
            text.push('\n');
        }
        4 => text.push_str(random.word(&[" *x\n", " *y\n", "\n", " # c\n", " \n", "\t1\n"])),
        _ => {
            let scalar = scalar(random, indent);
            text.push_str(&format!(" {scalar}"));
            text.push_str(random.word(&["\n", "\n", "\n", " # comment\n", "\n\n", "\r\n"]));
        }
    }
}

fn flow(random: &mut Random, depth: usize) -> String {
    let count = random.below(4);
    let separator = random.word(&[", ", ",", " , ", ",\n  "]);
    match if depth == 0 { 2 } else { random.below(3) } {
        0 => {
            format!("[{}{}]", (0..count).map(|_| flow(random, depth - 1)).collect::<Vec<_>>().join(separator), random.word(&["", "", ","]))
        }
        1 => {
            let entries: Vec<String> = (0..count)
                .map(|_| match random.below(5) {
                    0 => random.word(KEYS).to_owned(),
                    _ => format!("{}{}{}", random.word(KEYS), random.word(&[": ", ": ", ":", " : "]), flow(random, depth - 1)),
                })
                .collect();
            format!("{{{}}}", entries.join(separator))
        }
        _ => scalar(random, 0),
    }
}

fn scalar(random: &mut Random, indent: usize) -> String {
    let pad = " ".repeat(indent + 2);
    match random.below(12) {
        0 => format!(
            "\"{}\"",
            random.word(&[
                "",
                "a\\nb",
                "\\x41\\u00e9\\U0001F600",
                "tab\\t",
                "a \\\n  b",
                "q\\\"q",
                "\\/",
                "\\e\\0",
                "a\n\n  b",
                "\\q",
                "1",
                " x "
            ])
        ),
        1 => format!("'{}'", random.word(&["", "it''s", "a\n  b", "1", "#", "\\n", " ", "a\n\n\n  b"])),
        2 => format!(
            "{}{}\n{pad}one\n{pad} two\n\n{pad}three{}",
            random.word(&["|", ">"]),
            random.word(&["", "-", "+", "2", "1-", "+1", "9", "0"]),
            random.word(&["", "\n", "\n\n", "\n  # c"])
        ),
        3 => format!("{}\n{pad}{}", random.word(PLAIN), random.word(&["more", "1", "x: y", "# c", "- z"])),
        _ => random.word(PLAIN).to_owned(),
    }
}

/// One letter more, less or another; or a line moved.
fn spoil(random: &mut Random, text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = random.below(letters.len() + 1);
    let other = random.word(&[
        ":", "-", " ", "\n", "'", "\"", "[", "]", "{", "}", ",", "#", "&", "*", "!", "|", ">", "%", "@", "?", "\t", "\r", "a", "1", "\\",
        "é", "\u{0}", "\u{85}", "  ", ": ", "- ", "\u{feff}", "~", ".",
    ]);
    let (before, after) = letters.split_at(at);
    let (before, after): (String, &[char]) = (before.iter().collect(), after);
    match random.below(4) {
        0 => before + other + &after.iter().collect::<String>(),
        1 => before + &after.iter().skip(1).collect::<String>(),
        2 => before + other + &after.iter().skip(1).collect::<String>(),
        _ => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (one, two) = (random.below(lines.len()), random.below(lines.len()));
            if !lines.is_empty() {
                lines.swap(one, two);
            }
            lines.concat()
        }
    }
}
