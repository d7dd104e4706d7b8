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

#[test]
fn a_template_that_includes_itself_is_told_at_every_level() {
    let text = "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}\nx: {{ include \"a\" . }}";
    let seen = carry_out(text.as_bytes(), &data(), MissingKey::Zero, Limits::default());
    assert_eq!(seen.matches("error calling include").count(), 1002);
    assert!(seen.ends_with("error calling include: rendering template has a nested reference name: a: unable to execute template\""));
}

#[test]
fn a_template_that_calls_itself_ends_where_gos_does() {
    let text = "{{ define \"a\" }}{{ template \"a\" . }}{{ end }}\nx: {{ include \"a\" . }}";
    let expected = "FAIL \"template: c/t.yaml:2:6: executing \\\"c/t.yaml\\\" at <include \\\"a\\\" .>: error calling include: template: c/t.yaml:1:28: executing \\\"a\\\" at <{{template \\\"a\\\" .}}>: exceeded maximum template depth (100000)\"";
    assert_eq!(carry_out(text.as_bytes(), &data(), MissingKey::Zero, Limits::default()), expected);
}

#[test]
fn a_text_that_renders_itself_meets_a_limit() {
    let data = Value::map(map(vec![("x", Value::str("{{ tpl .x . }}"))]));
    let seen = carry_out(b"{{ tpl .x . }}", &data, MissingKey::Zero, Limits { memory: 10 << 20, ..Limits::default() });
    assert!(seen.starts_with("LIMIT"), "{seen}");
}

#[test]
fn no_depth_of_parentheses_or_blocks_takes_the_stack() {
    let deep = |open: &str, inner: &str, close: &str, count: usize| [&open.repeat(count), inner, &close.repeat(count)].concat();
    let data = data();
    let give = |text: String| carry_out(text.as_bytes(), &data, MissingKey::Zero, Limits::default());
    assert_eq!(give(format!("{{{{ {} }}}}", deep("(", ".s", ")", 10_000))), "OK \"text\"");
    assert_eq!(
        give(format!("{{{{ {} }}}}", deep("(", ".s", ")", 10_001))),
        "PARSE \"template: c/t.yaml:1: max expression depth exceeded\""
    );
    assert_eq!(give(deep("{{ if .t }}", "x", "{{ end }}", 50_000)), "OK \"x\"");
    assert_eq!(give(deep("{{ if .no }}{{ else if .t }}", "x", "{{ end }}", 10_000)), "OK \"x\"");
    let wrong = give(format!("{{{{ {} }}}}", deep("(print ", ".s.x", ")", 9_000)));
    assert!(wrong.ends_with("at <.s.x>: can't evaluate field x in type interface {}\""), "{wrong}");
    let wrong = give(format!("{{{{ len {} 2 }}}}", deep("(print ", "1", ")", 9_000)));
    assert!(wrong.ends_with("at <len>: wrong number of args for len: want 1 got 2\""), "{wrong}");
}

#[test]
fn a_render_ends_with_the_limit_that_it_meets() {
    let give = |text: &str, limits: Limits| carry_out(text.as_bytes(), &data(), MissingKey::Zero, limits);
    let few = Limits { steps: 10_000, ..Limits::default() };
    assert!(give("{{ range 1000000000 }}{{ end }}", few).contains("more than 10000 steps"));
    let small = Limits { output: 1_000, ..Limits::default() };
    assert!(give("{{ range 1000 }}xx{{ end }}", small).contains("more than 1000 bytes"));
    let small = Limits { memory: 100_000, ..Limits::default() };
    assert!(give("{{ printf \"%1000000d\" 1 }}", small).contains("values of more than 100000 bytes"));
    assert!(give("{{ $x := \"abc\" }}{{ range 1000 }}{{ $x = print $x $x }}{{ end }}", small).contains("values of more than"));
    assert!(
        give("{{ define \"a\" }}{{ range 1000 }}xxxxx{{ end }}{{ end }}{{ range 100 }}{{ $x := include \"a\" . }}{{ end }}", small)
            .contains("values of more than")
    );
}

#[test]
fn a_parsed_text_may_be_kept_and_shared() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let parsed = Parsed::new(&Str::from("a"), &Str::from("{{ define \"b\" }}B{{ end }}A{{ template \"b\" }}")).unwrap();
    shared(&parsed);
    let mut set = Set::default();
    set.add(&parsed);
    shared(&set);
    let before = set.clone();
    set.parse(&Str::from("c"), &Str::from("{{ define \"b\" }}other{{ end }}")).unwrap();
    set.parse(&Str::from("d"), &Str::from("{{ define \"b\" }}  {{ end }}")).unwrap();
    let has = |set: &Set, name: &str| set.find(name.as_bytes()).is_some();
    assert!(has(&before, "b") && !has(&before, "c") && has(&set, "c"));
    assert_eq!(parsed.trees.iter().map(|tree| tree.name.to_string()).collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn a_percent_in_the_name_of_a_file_garbles_errors_as_gos_does() {
    let fault = Parsed::new(&Str::from("a%d.yaml"), &Str::from("{{ foo }}")).unwrap_err();
    assert_eq!(fault.text, "template: a%!d(string=foo).yaml:1: function %!q(MISSING) not defined");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = Parsed::new(&Str::from("a"), &Str::from(text));
    }

    #[test]
    fn no_heap_of_words_makes_the_parser_or_the_render_panic(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)) {
        let few = Limits { steps: 20_000, output: 100_000, memory: 1_000_000, depth: 100 };
        carry_out(words.concat().as_bytes(), &data(), MissingKey::Zero, few);
    }
}

const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "{{/*",
    "*/}}",
    " ",
    "\n",
    "text",
    ".",
    ".s",
    ".map",
    ".list",
    ".nil",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    "|",
    "(",
    ")",
    "{{ if .s }}",
    "{{ end }}",
    "{{ else }}",
    "{{ range .list }}",
    "{{ range $i, $e := .map }}",
    "{{ with .s }}",
    "{{ define \"a\" }}",
    "{{ block \"b\" . }}",
    "{{ template \"a\" . }}",
    "{{ break }}",
    "{{ continue }}",
    "{{ include \"a\" . }}",
    "{{ tpl .tpl . }}",
    "if",
    "else",
    "end",
    "range",
    "nil",
    "true",
    "print ",
    "index ",
    "and ",
    "or ",
    "len ",
    "printf ",
    "\"%v\"",
    "'a'",
    "1",
    "1.5",
    "2i",
    "0x",
    "`raw`",
    "\\",
    "é",
    "\u{ff}",
    ":",
    "{{ $x := .list }}",
    "{{ $x }}",
    "{{ (index .list 3).k }}",
    " | print",
];
