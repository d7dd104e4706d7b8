//! Flags of values as cases: `--set` and its kin, one after the other.

use serde_json::{Value as Json, json};

use super::{compare::Case, oracle::Outcome, ours, random::Random, shrink};

/// Flags over values.
#[derive(Clone, Debug)]
pub struct Flags {
    /// The values before.
    pub base: &'static str,
    /// Each flag's kind and text.
    pub flags: Vec<(&'static str, String)>,
}

/// The file that `--set-file` can read.
pub const FILE: (&str, &str) = ("f.txt", "from a file\n");

impl Case for Flags {
    fn question(&self) -> (Json, &'static str) {
        let flags: Vec<Json> = self.flags.iter().map(|(kind, text)| json!({ "kind": kind, "text": text })).collect();
        (json!({ "op": "strvals", "base": self.base, "expressions": flags, "readable": { FILE.0: FILE.1 } }), "*")
    }

    fn ours(&self) -> Outcome {
        ours::flags(self)
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for at in 0..self.flags.len() {
            let mut fewer = self.clone();
            fewer.flags.remove(at);
            found.push(fewer);
        }
        if !self.base.is_empty() {
            found.push(Self { base: "", ..self.clone() });
        }
        for (at, (_, text)) in self.flags.iter().enumerate() {
            found.extend(shrink::shorter(text).into_iter().map(|text| {
                let mut smaller = self.clone();
                smaller.flags[at].1 = text;
                smaller
            }));
        }
        found
    }

    fn shown(&self) -> String {
        format!("base {:?} {:?}", self.base, self.flags)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

const BASES: &[&str] =
    &["", "a: 1", "a: {b: {c: 1}}\nl: [1, {x: y}, [2]]", "a: null\nl: text", "l: [null, 1]\nm: {n: []}", "a: [[1, 2], [3]]"];
const KEYS: &[&str] = &[
    "a", "b", "l", "m", "a.b", "a.b.c", "l[0]", "l[1]", "l[1].x", "l[2][0]", "a\\.b", "a[0][1]", "m.n[0]", "é", "", "a b", "l[3]", "x[-1]",
    "x[0", "x]", "x[a]", "a\\,b", "\\=", "x[65537]", "x[ 1]", "x[01]", "x[]", ".a", "a.", "a..b", "[0]", "l[0].y.z", "a[1]b", "x.[0]",
    "x[0]]",
];
const VALUES: &[&str] = &[
    "1",
    "true",
    "false",
    "null",
    "text",
    "",
    "1.5",
    "0",
    "01",
    "0x10",
    "-3",
    "1e3",
    "9223372036854775808",
    "{a,b}",
    "{}",
    "{1,true,null,x}",
    "{a",
    "a}",
    "a\\,b",
    "a=b",
    "\"q\"",
    "{a\\,b,c}",
    "é",
    " x ",
    "f.txt",
    "{a,{b,c}}",
    "[1]",
    "None",
    "TRUE",
    "a\\",
    "\\n",
    "{,}",
    "{ a , b }",
    "0.0",
    "+1",
    "x[0]",
    "{\"a\":1}",
];
const JSONS: &[&str] = &[
    "1",
    "{\"a\":{\"b\":[1,2.5,null]}}",
    "[1,\"x\"]",
    "null",
    "\"t\"",
    "{",
    "",
    "true",
    "1e3",
    "{\"a\":1,\"a\":2}",
    "1 2",
    "[1],b=[2]",
    "-0",
    "12345678901234567890",
    "{\"\":1}",
];

/// Grows flags; half of them are spoilt.
pub fn grow(seed: u64) -> Flags {
    let mut random = Random::new(seed);
    let base = random.word(BASES);
    let count = 1 + random.below(3);
    let flags = (0..count)
        .map(|_| {
            let kind = random.word(&["set", "set", "set", "string", "json", "literal", "file"]);
            let text = text(&mut random, kind);
            (kind, text)
        })
        .collect();
    Flags { base, flags }
}

fn text(random: &mut Random, kind: &str) -> String {
    let pairs: Vec<String> = (0..=random.below(3))
        .map(|_| {
            // whatever is odd in one pair spoils them all
            let key = if random.percent(80) { random.word(&KEYS[..11]) } else { random.word(KEYS) };
            let value = match kind {
                "json" => random.word(JSONS),
                "file" => random.word(&["f.txt", "none.txt", "", "f.txt ", "{f.txt}", "f\\.txt"]),
                _ => random.word(VALUES),
            };
            let joint = random.word(&["=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "=", "", ",", "=="]);
            format!("{key}{joint}{value}")
        })
        .collect();
    let mut text = pairs.join(random.word(&[",", ",", ",", ",", ",", ", ", ""]));
    if random.percent(20) {
        for _ in 0..=random.below(2) {
            let letters: Vec<char> = text.chars().collect();
            let at = random.below(letters.len() + 1);
            let other = random.word(&["", ",", "=", ".", "[", "]", "{", "}", "\\", "a", "1", " ", "\"", "-", "é"]);
            text = letters[..at].iter().collect::<String>() + other + &letters[at..].iter().skip(random.below(2)).collect::<String>();
        }
    }
    text
}
