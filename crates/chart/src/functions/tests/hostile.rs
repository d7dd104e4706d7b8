//! Whatever a function is given, it ends: with an answer, with an error, or with the limit that it met. Every function of templates is
//! called with each of these values in each of its places.

use std::{collections::BTreeMap, rc::Rc};

use super::{Zeros, limits::on_a_small_stack};
use crate::{
    budget::{Budget, Limits},
    render::{Surroundings, carried_out},
    template::{Failure, MissingKey, Set, execute, names},
    value::{List, Map, Str, Type, Value, types},
};

/// Texts of this many bytes, and lists of a part of it.
const SIZE: usize = 400;

/// Less than the first key or password that is calculated: those have tests of their own, and take their time.
const LIMITS: Limits = Limits { steps: 100_000, output: 1 << 20, memory: 8 << 20, depth: 1_000 };

/// What the texts are made of, each by being repeated.
const PIECES: &str = r#"a|0|1.|-|e9|0x|é|中|aB|a-|(|[|[a|{|}|{{1}}|%|%s|%[1]*d|%99999d|$|${a}|\|"|`|/|../|:|a:|@|?|&a |*a |- |a: |,|a=|[[|'''|{a=|
{"a":|>1 |1 - 2 |v1.|*|x|2006-01-02|1h|Z07:00|-----BEGIN A-----|QUFB|====|<<: |!!|%YAML|---|(a)*|(?i)|a{1000}|\pL|(?P<a>|http://[|::1"#;

fn texts(put: &mut impl FnMut(String, Value)) {
    let spaces = [" ", "\n", "\t", "\r\n", "\0", "|\n", "[a]\n", "a=1\n", "a: 1\n", "---\n", "- a\n"];
    let pieces = PIECES.split('|').map(|piece| piece.trim_start_matches('\n')).chain(spaces).chain(["|", "||"]);
    for (place, piece) in pieces.filter(|piece| !piece.is_empty()).enumerate() {
        put(format!("text{place}"), Value::str(piece.repeat(SIZE / piece.len())));
    }
    put("textEmpty".to_owned(), Value::str(""));
    put("textBroken".to_owned(), Value::str([0xff].repeat(SIZE)));
    put("textHalf".to_owned(), Value::str(b"\xe4\xb8".repeat(SIZE / 2)));
}

fn numbers(put: &mut impl FnMut(String, Value)) {
    let whole = [0, 1, -1, 2, 255, 1_000_000_000, i64::from(i32::MIN), i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1];
    for (place, number) in whole.into_iter().enumerate() {
        put(format!("int{place}"), Value::int(number));
    }
    put("long".to_owned(), Value::int64(i64::MIN));
    let others = [0.0, -0.0, 0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, f64::MAX, 1e300, 9.3e18, -1e19];
    for (place, number) in others.into_iter().enumerate() {
        put(format!("float{place}"), Value::Float(number));
    }
    put("complex".to_owned(), Value::Complex(f64::NAN, 1.0));
    put("unsigned".to_owned(), Value::Uint(u64::MAX, &types::UINT64));
    put("duration".to_owned(), Value::Int(i64::MIN, &crate::value::DURATION));
    put("true".to_owned(), Value::Bool(true));
    put("nil".to_owned(), Value::Nil);
}

fn collections(put: &mut impl FnMut(String, Value)) {
    let many = SIZE / 4;
    let long = "a".repeat(SIZE);
    put("listMany".to_owned(), Value::list((0..1_000).map(Value::int).collect()));
    put("listSame".to_owned(), Value::list(vec![Value::str(long.as_str()); many]));
    put("listStrings".to_owned(), Value::strings(vec![Str::from(long.as_str()); many]));
    put("listNil".to_owned(), Value::List(List::nil(&types::LIST)));
    put("listDeep".to_owned(), (0..SIZE).fold(Value::Nil, |deep, _| Value::list(vec![deep])));
    put("bytes".to_owned(), Value::Bytes(Str::from([0xff].repeat(SIZE))));
    put("dictMany".to_owned(), Value::map((0..many).map(|at| (Str::from(format!("k{at}")), Value::Nil)).collect()));
    put("dictLong".to_owned(), Value::map((0..16).map(|at| (Str::from(format!("{long}{at}")), Value::str("v"))).collect()));
    put("dictDeep".to_owned(), (0..SIZE).fold(Value::str("x"), |deep, _| Value::map([(Str::from("a"), deep)].into())));
    put("dictNil".to_owned(), Value::Map(Map::nil(&types::MAP)));
    let own = Map::new(&types::MAP, BTreeMap::new());
    own.insert(Str::from("a"), Value::Map(own.clone()));
    put("dictOfItself".to_owned(), Value::Map(own));
    put("now".to_owned(), Value::Time(Rc::new("2024-02-03T04:05:06[UTC]".parse().unwrap())));
    put("long ago".to_owned(), Value::Time(Rc::new("-009999-01-02T01:59:59[UTC]".parse().unwrap())));
}

fn hostile() -> BTreeMap<Str, Value> {
    let mut all = BTreeMap::new();
    let mut put = |name: String, value: Value| drop(all.insert(Str::from(name), value));
    texts(&mut put);
    numbers(&mut put);
    collections(&mut put);
    all
}

/// Whether such a value may be given; the engine refuses all others. What takes anything does not look into a text as what takes one.
fn fits(value: &Value, ty: &Type) -> bool {
    match (ty.name, value) {
        ("interface {}", Value::Str(text)) => text.starts_with(b"a") || text.starts_with(b"0") || text.starts_with(b"1"),
        ("interface {}", _) => true,
        (name, _) => value.ty().is_some_and(|own| own.name == name),
    }
}

/// What stands in the other places.
fn friendly(ty: &Type) -> &'static str {
    match ty.name {
        "string" => "\"a\"",
        "int" | "uint32" => "3",
        "map[string]interface {}" => "(dict \"a\" (dict \"b\" 1))",
        "[]interface {}" => "(list \"a\" 1)",
        _ => "(list 1 \"a\")",
    }
}

/// What a function takes: of any number of arguments two.
fn takes(name: &str) -> Vec<&'static Type> {
    let function = crate::functions::all().find(|function| function.name == name);
    let (mut takes, rest) = function.map_or((Vec::new(), Some(&types::ANY)), |function| (function.takes.to_vec(), function.rest));
    takes.extend(rest.into_iter().flat_map(|rest| [rest; 2]));
    takes
}

/// Calls of a function with the value `$.it` in one place after the other, and in all of them.
fn calls(name: &str, takes: &[&'static Type], value: &Value) -> Vec<String> {
    let mut calls = Vec::new();
    for place in (0..takes.len()).filter(|place| fits(value, takes[*place])) {
        let word = |(at, ty): (usize, &&Type)| if at == place { "$.it" } else { friendly(ty) };
        let words: Vec<&str> = takes.iter().enumerate().map(word).collect();
        calls.push(format!("{name} {}", words.join(" ")));
    }
    if takes.len() > 1 && takes.iter().all(|ty| fits(value, ty)) {
        calls.push(format!("{name}{}", " $.it".repeat(takes.len())));
    }
    calls
}

fn carry_out(call: &str, data: &Value, now: &jiff::ZonedDateTime) -> Result<Vec<u8>, Failure> {
    let name = Str::from("t");
    let mut set = Set::default();
    set.parse(&name, &Str::from(format!("{{{{ $x := {call} }}}}{{{{ printf \"%v\" $x }}}}"))).unwrap();
    let mut random = Zeros;
    carried_out(&mut Surroundings::new(now, &mut random), &mut Budget::new(LIMITS), false, MissingKey::Zero, |run| {
        execute(&set, &name, data, run)
    })
}

#[test]
fn whatever_a_function_is_given_it_ends() {
    on_a_small_stack(|| {
        let now = "2024-02-03T04:05:06[UTC]".parse().unwrap();
        let functions: Vec<_> = names().iter().map(|name| (name, takes(name))).collect();
        for (_, value) in hostile() {
            let data = Value::map([(Str::from("it"), value.clone())].into());
            for call in functions.iter().flat_map(|(name, takes)| calls(name, takes, &value)) {
                // not what comes of it, which `cases.tsv` tells: that something does
                let _ = carry_out(&call, &data, &now);
            }
        }
    });
}
