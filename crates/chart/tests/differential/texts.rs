//! Functions of texts as cases: each is called with texts that were spoilt, so that both sides must agree on what is right at all.

use serde_json::{Value as Json, json};

use super::{
    atoms,
    compare::Case,
    oracle::Outcome,
    random::Random,
    render, shrink,
    signatures::{Form, Kind, Signature, Times},
};

/// A call of a function: texts come from the values, other arguments stand in the template.
#[derive(Clone, Debug)]
pub struct Call {
    name: &'static str,
    arguments: Vec<Argument>,
    shown: &'static str,
}

#[derive(Clone, Debug)]
enum Argument {
    Text(String),
    Literal(String),
}

impl Call {
    fn template(&self) -> String {
        let mut template = format!("{{{{ {}", self.name);
        for (at, argument) in self.arguments.iter().enumerate() {
            match argument {
                Argument::Text(_) => template.push_str(&format!(" .Values.t{at}")),
                Argument::Literal(text) => template.push_str(&format!(" {text}")),
            }
        }
        template + self.shown + " }}"
    }

    fn values(&self) -> String {
        let texts: serde_json::Map<String, Json> = self
            .arguments
            .iter()
            .enumerate()
            .filter_map(|(at, argument)| match argument {
                Argument::Text(text) => Some((format!("t{at}"), json!(text))),
                Argument::Literal(_) => None,
            })
            .collect();
        Json::Object(texts).to_string()
    }
}

impl Case for Call {
    fn question(&self) -> (Json, &'static str) {
        (
            json!({ "op": "template", "goVersion": "go1.24.4", "template": self.template(), "values": [self.values()], "files": { "f.txt": super::templates::FILE } }),
            "text",
        )
    }

    fn ours(&self) -> Outcome {
        render::template(&self.template(), "", &self.values())
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for (at, argument) in self.arguments.iter().enumerate() {
            if let Argument::Text(text) = argument {
                found.extend(shrink::shorter(text).into_iter().map(|text| {
                    let mut smaller = self.clone();
                    smaller.arguments[at] = Argument::Text(text);
                    smaller
                }));
            }
        }
        found
    }

    fn shown(&self) -> String {
        format!("{} with {}", self.template(), self.values())
    }

    fn functions(&self) -> Vec<&'static str> {
        vec![self.name]
    }
}

/// The signatures that take texts of a kind of their own, or texts at all.
pub fn fitting(signatures: &[Signature]) -> Vec<&Signature> {
    let texts = |form: &Form| match form {
        Form::Call(arguments) => {
            !arguments.is_empty()
                && arguments.iter().all(|(kind, times)| *times != Times::Any && (atoms::pool(kind).is_some() || is_literal(kind)))
        }
        Form::Written(_) => false,
    };
    signatures.iter().filter(|it| !it.costly && texts(&it.form)).collect()
}

fn is_literal(kind: Kind) -> bool {
    matches!(kind, "small" | "positive" | "zero" | "time" | "num")
}

/// Grows a call.
pub fn grow(seed: u64, fitting: &[&Signature]) -> Call {
    let mut random = Random::new(seed);
    let at = usize::try_from(seed).unwrap_or_default() % fitting.len();
    let signature = fitting[at];
    let mut arguments = Vec::new();
    if let Form::Call(kinds) = &signature.form {
        for (kind, times) in kinds {
            if *times == Times::Maybe && random.percent(50) {
                continue;
            }
            arguments.push(match atoms::pool(kind) {
                Some(pool) => Argument::Text(text(&mut random, kind, pool)),
                None => Argument::Literal(atoms::literal(&mut random, kind).unwrap_or_default()),
            });
        }
    }
    let shown = if signature.result == "text" { "" } else { random.word(&[" | toJson", " | printf \"%v\"", " | toYaml"]) };
    Call { name: signature.name, arguments, shown }
}

fn text(random: &mut Random, kind: Kind, pool: &[&'static str]) -> String {
    let mut text = match kind {
        "regex" if random.percent(70) => expression(random, 3),
        "layout" | "datetext" | "constraint" | "version" | "duration" if random.percent(60) => {
            (0..=random.below(5)).map(|_| random.word(pieces(kind))).collect()
        }
        _ => random.word(pool).to_owned(),
    };
    if random.percent(20) {
        text.push_str(random.word(pool));
    }
    for _ in 0..random.below(3) {
        let letters: Vec<char> = text.chars().collect();
        let at = random.below(letters.len() + 1);
        let other = random.word(&[
            "",
            "a",
            "0",
            ".",
            "-",
            "+",
            " ",
            "é",
            ":",
            "/",
            "%",
            "\n",
            "\"",
            "[",
            "(",
            "*",
            "?",
            "{",
            "=",
            ",",
            "\\",
            "z",
            "9",
            "_",
            "T",
            "Z",
            "x",
            "^",
            "~",
            ">",
            "<",
            "|",
            "#",
            "\u{1F600}",
        ]);
        text = letters[..at].iter().collect::<String>() + other + &letters[at..].iter().skip(random.below(2)).collect::<String>();
    }
    text
}

const LAYOUT: &[&str] = &[
    "2006",
    "01",
    "02",
    "15",
    "04",
    "05",
    "Jan",
    "January",
    "Mon",
    "Monday",
    "_2",
    "2",
    "1",
    "3",
    "03",
    "4",
    "5",
    "PM",
    "pm",
    "MST",
    "Z07:00",
    "-0700",
    "-07:00",
    "Z0700",
    "-07",
    "Z07",
    "-07:00:00",
    ".000",
    ".999",
    ",000",
    ".000000000",
    "002",
    "__2",
    "06",
    "-",
    "/",
    " ",
    ":",
    "T",
    "th",
    "_2006",
    "Janx",
    "é",
];
const DATE: &[&str] = &[
    "2021",
    "03",
    "4",
    "5",
    "12",
    "29",
    "Feb",
    "March",
    "Tue",
    "Wednesday",
    "PM",
    "am",
    "UTC",
    "CEST",
    "+02:00",
    "-0700",
    "Z",
    ".123",
    ",5",
    ":",
    "-",
    "/",
    " ",
    "T",
    "366",
    "99",
    "00",
    "GMT+3",
];
const DURATION: &[&str] = &["1", "h", "1.5", "m", "ms", "-", "s", "10", "µs", "us", "ns", "+", ".", "0", "99999999999", "d"];
const VERSION: &[&str] = &["1", ".", "2", "0", "-", "alpha", "+", "v", "10", ".", "rc", "beta.1", "00", "x"];
const CONSTRAINT: &[&str] = &[
    "1.2",
    ">=",
    "<",
    ">",
    "=",
    "!=",
    "~",
    "^",
    "1",
    ".x",
    "*",
    " ",
    ",",
    "||",
    " - ",
    "2.0.0",
    "-0",
    "1.2.3-alpha",
    "<=",
    "~>",
    "=>",
    "v1",
    "0.0.1",
    "X",
];

/// What texts of a kind are made of.
fn pieces(kind: Kind) -> &'static [&'static str] {
    match kind {
        "layout" => LAYOUT,
        "datetext" => DATE,
        "duration" => DURATION,
        "version" => VERSION,
        _ => CONSTRAINT,
    }
}

/// An expression of RE2's language, mostly a good one.
fn expression(random: &mut Random, depth: usize) -> String {
    let atom = match random.below(if depth == 0 { 6 } else { 10 }) {
        0..=1 => random.word(&["a", "b", "ab", "é", "0", "x", " ", "Ä"]).to_owned(),
        2 => random
            .word(&[
                ".",
                "\\d",
                "\\w",
                "\\s",
                "\\W",
                "\\D",
                "\\S",
                "\\b",
                "\\B",
                "^",
                "$",
                "\\A",
                "\\z",
                "\\pL",
                "\\p{Lu}",
                "\\PN",
                "\\p{Greek}",
                "\\n",
                "\\x41",
                "\\x{1F600}",
                "\\Qa.b\\E",
                "\\.",
                "\\101",
                "\\a",
                "\\Z",
            ])
            .to_owned(),
        3..=4 => {
            let inner: String = (0..=random.below(3))
                .map(|_| {
                    random.word(&[
                        "a",
                        "b-d",
                        "0-9",
                        "\\d",
                        "\\w",
                        "[:alpha:]",
                        "[:^digit:]",
                        "é",
                        "^",
                        "-",
                        "]",
                        "\\pL",
                        "x",
                        "\\]",
                        "[:word:]",
                        "Z-A",
                        "\\s",
                        ".",
                    ])
                })
                .collect();
            format!("[{}{inner}]", random.word(&["", "", "^"]))
        }
        5 => random.word(&["(?i)", "(?s)", "(?m)", "(?U)", "(?-i)", "(?i:a)", "", "(?im-s:b.)"]).to_owned(),
        6..=7 => format!("({}{})", random.word(&["", "", "?:", "?P<n>", "?<m>", "?i:"]), expression(random, depth - 1)),
        8 => format!("{}|{}", expression(random, depth - 1), expression(random, depth - 1)),
        _ => expression(random, depth - 1) + &expression(random, depth - 1),
    };
    let times = random.word(&["", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{,3}", "{2,1}", "{1,2}?"]);
    atom + times
}
