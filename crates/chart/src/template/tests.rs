//! Templates as Go's text/template carries them out, asked of Go.

use std::collections::BTreeMap;

use super::*;
use crate::{
    budget::{Budget, Limits},
    format::{quoted, unquoted},
    function::Random,
    value::{DURATION, Map, types},
};

struct NoRandom;

impl Random for NoRandom {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// Carries out a template within limits.
#[track_caller]
pub(super) fn carry_out(text: &[u8], data: &Value, missing: MissingKey, limits: Limits) -> String {
    let mut set = Set::default();
    let name = Str::from("c/t.yaml");
    if let Err(fault) = set.parse(&name, &Str::from(text)) {
        return format!("PARSE {}", quoted(fault.text.as_bytes()));
    }
    let scope = Scope {
        budget: &mut Budget::new(limits),
        now: &"2024-02-03T04:05:06[UTC]".parse().unwrap(),
        random: &mut NoRandom,
        lookup: None,
        hosts: None,
        lint: false,
        changed: &mut Vec::new(),
        expressions: &mut crate::functions::regex::Cache::default(),
    };
    match execute(&set, &name, data, &mut Run::new(scope, missing)) {
        Ok(text) => format!("OK {}", quoted(&text)),
        Err(Failure::Execution(text) | Failure::Missing(text)) => format!("FAIL {}", quoted(text.as_bytes())),
        Err(Failure::Limit(limit)) => format!("LIMIT {limit}"),
    }
}

fn map(entries: Vec<(&str, Value)>) -> BTreeMap<Str, Value> {
    entries.into_iter().map(|(key, value)| (Str::from(key), value)).collect()
}

fn data() -> Value {
    let deep = Value::map(map(vec![("deep", Value::str("D"))]));
    Value::map(map(vec![
        ("s", Value::str("text")),
        ("i", Value::int64(7)),
        ("f", Value::Float(2.5)),
        ("whole", Value::Float(1e6)),
        ("t", Value::Bool(true)),
        ("no", Value::Bool(false)),
        ("nil", Value::Nil),
        ("empty", Value::str("")),
        ("u", Value::Uint(65, &types::UINT8)),
        ("list", Value::list(vec![Value::str("a"), Value::Float(1.0), Value::Nil, Value::map(map(vec![("k", Value::str("v"))]))])),
        ("strs", Value::strings([Str::from("x"), Str::from("y")])),
        ("none", Value::list(vec![])),
        ("map", Value::map(map(vec![("b", Value::str("B")), ("a", Value::str("A")), ("n", Value::Nil), ("m", deep)]))),
        ("smap", Value::Map(Map::new(&types::STRING_MAP, map(vec![("k", Value::str("v"))])))),
        ("bytes", Value::Bytes(Str::from("hi"))),
        ("dur", Value::Int(90_000_000_000, &DURATION)),
        ("html", Value::str("<a href='x'>&\"</a>")),
        ("tpl", Value::str("{{ .s }}-{{ .missing }}")),
        ("self", Value::str("{{ include \"gotpl\" . }}")),
        ("zero", Value::int64(0)),
        ("nan", Value::str("é日本")),
    ]))
}

#[test]
fn every_template_gives_what_go_gives() {
    let data = data();
    let mut wrong = Vec::new();
    for line in include_str!("templates.tsv").lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [strict, template, expected] = parts.as_slice() else { panic!("{line}") };
        let text = unquoted(template.as_bytes()).unwrap();
        let expected = unquoted(expected.as_bytes()).unwrap();
        let (kind, shown) = expected.split_at(expected.iter().position(|byte| *byte == b' ').unwrap());
        let expected = format!("{} {}", String::from_utf8_lossy(kind), quoted(&shown[1..]));
        let missing = if *strict == "true" { MissingKey::Error } else { MissingKey::Zero };
        let seen = carry_out(&text, &data, missing, Limits::default());
        if seen != expected {
            wrong.push(format!("{template} strict {strict}\n  ours {seen}\n  Go's {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
