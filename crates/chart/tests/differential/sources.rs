//! The sources of templates as cases: grown, then spoilt, so that both sides must agree on what a template is, and where it is none.

use serde_json::{Value as Json, json};

use super::{compare::Case, oracle::Outcome, random::Random, render, shrink, signatures::Signature, statements};

/// A template's text.
#[derive(Clone, Debug)]
pub struct Source(pub String);

impl Case for Source {
    fn question(&self) -> (Json, &'static str) {
        (json!({ "op": "template", "goVersion": "go1.24.4", "template": self.0, "files": { "f.txt": super::templates::FILE } }), "text")
    }

    fn ours(&self) -> Outcome {
        render::template(&self.0, "", "{}")
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

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ ",
    " }}",
    "{{/*",
    "*/}}",
    "/* */",
    "if",
    "else",
    "end",
    "range",
    "with",
    "define",
    "template",
    "block",
    "break",
    "continue",
    "\"a\"",
    "`b`",
    "'c'",
    "1",
    "1.5",
    "0x",
    "1e",
    "-1",
    "+",
    "1i",
    ".",
    ".a",
    ".a.b",
    "$",
    "$x",
    "$x.y",
    ":=",
    "=",
    ",",
    "|",
    "(",
    ")",
    " ",
    "\n",
    "\t",
    "nil",
    "true",
    "print",
    "nofunc",
    "len",
    "and",
    "or",
    "..",
    "\"",
    "`",
    "'",
    "\\",
    "-",
    "é",
    "\u{0}",
    "[",
    "#",
    "/",
    "*",
    "{",
    "}",
    "{{ end }}",
    "{{ else }}",
    "{{ if 1 }}",
    "{{ range $i, $e := list 1 2 }}",
    "{{ with 1 }}",
    "else if 1",
    "else with 1",
    "{{ define \"x\" }}",
    "{{ template \"x\" . }}",
    "'\\n'",
    "\"\\u00e9\"",
    "\"\\q\"",
    "1_000",
    "0b1",
    "'ab'",
    "9223372036854775808",
    ".5",
    "5.",
    "\r\n",
    "text",
];

/// Grows a source: tokens in a row, or a template of the other kind, spoilt.
pub fn grow(seed: u64, signatures: &[Signature]) -> Source {
    let mut random = Random::new(seed);
    let mut text = if random.percent(50) {
        let inside: String = (0..=random.below(8))
            .map(|_| if random.percent(60) { format!("{} ", random.word(PIECES)) } else { random.word(PIECES).to_owned() })
            .collect();
        if random.percent(60) { format!("{{{{ {inside} }}}}") } else { inside }
    } else {
        statements::single(random.next() >> 1, signatures).template.to_string()
    };
    for _ in 0..random.below(4) {
        let letters: Vec<char> = text.chars().collect();
        let at = random.below(letters.len() + 1);
        let skip = random.below(3);
        let other = if random.percent(30) { "" } else { random.word(PIECES) };
        text = letters[..at].iter().collect::<String>() + other + &letters[at..].iter().skip(skip).collect::<String>();
    }
    Source(text)
}
