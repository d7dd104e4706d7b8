//! What Go's `fmt` prints, asked of Go.

use std::rc::Rc;

use super::*;
use crate::{
    budget::Limits,
    value::{DURATION, List, Map, types},
};

fn value(name: &str) -> Value {
    let map = |entries: Vec<(&str, Value)>| entries.into_iter().map(|(key, value)| (Str::from(key), value)).collect();
    match name {
        "true" => Value::Bool(true),
        "int0" => Value::int(0),
        "int42" => Value::int(42),
        "intneg" => Value::int(-7),
        "intmin" => Value::int64(i64::MIN),
        "rune" => Value::int(0x263a),
        "u8" => Value::Uint(200, &types::UINT8),
        "f0" => Value::Float(0.0),
        "fneg0" => Value::Float(-0.0),
        "f1" => Value::Float(1.0),
        "f1e6" => Value::Float(1e6),
        "fpi" => Value::Float("3.14159265358979".parse().unwrap()),
        "fsmall" => Value::Float(0.000_012_345),
        "fbig" => Value::Float(1.5e300),
        "f123456789" => Value::Float(123_456_789.0),
        "finf" => Value::Float(f64::INFINITY),
        "fninf" => Value::Float(f64::NEG_INFINITY),
        "fnan" => Value::Float(f64::NAN),
        "c" => Value::Complex(1.5, -2.0),
        "s" => Value::str("héllo"),
        "sempty" => Value::str(""),
        "squote" => Value::str(b"a\"b`c\n\x01\xff\xe2\x80\xa8".as_slice()),
        "sraw" => Value::str("plain"),
        "bytes" => Value::Bytes(Str::from(b"ab\xfe".as_slice())),
        "list" => Value::list(vec![Value::int(1), Value::str("a"), Value::Nil, Value::Float(2.5), Value::list(vec![Value::Bool(true)])]),
        "strings" => Value::strings([Str::from("x"), Str::from("y")]),
        "empty" => Value::list(vec![]),
        "nillist" => Value::List(List::nil(&types::LIST)),
        "map" => Value::map(map(vec![("b", Value::Float(1.0)), ("a", Value::str("x")), ("n", Value::Nil), ("m", Value::map(map(vec![])))])),
        "smap" => Value::Map(Map::new(&types::STRING_MAP, map(vec![("k", Value::str("v"))]))),
        "nilmap" => Value::Map(Map::nil(&types::MAP)),
        "dur" => Value::Int(3_723_004_000_000, &DURATION),
        "durms" => Value::Int(-1_500_000, &DURATION),
        "time" => Value::Time(Rc::new("2024-02-03T04:05:06.000007[UTC]".parse().unwrap())),
        _ => Value::Nil,
    }
}

#[test]
fn every_verb_prints_every_value_as_go_does() {
    let mut wrong = Vec::new();
    for line in include_str!("printf.tsv").lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [format, name, expected] = parts.as_slice() else { panic!("{line}") };
        let (format, expected) = (unquoted(format.as_bytes()).unwrap(), unquoted(expected.as_bytes()).unwrap());
        let mut budget = Budget::new(Limits::default());
        let seen = sprintf(&format, &[value(name)], &mut budget).unwrap();
        if seen.as_bytes() != expected {
            wrong.push(format!("{} of {name}: {} is not Go's {}", quoted(&format), quoted(&seen), quoted(&expected)));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_join_without_spaces_and_other_operands_with() {
    let mut budget = Budget::new(Limits::default());
    let operands = [Value::int(1), Value::int(2), Value::str("a"), Value::str("b"), Value::Nil, Value::Bool(true)];
    assert_eq!(sprint(&operands, &mut budget).unwrap(), "1 2ab<nil> true");
    assert_eq!(sprintln(&operands, &mut budget).unwrap(), "1 2 a b <nil> true\n");
}

#[test]
fn numbers_are_read_in_gos_syntax() {
    for (text, expected) in [
        ("1_000.5", Ok(1000.5)),
        ("0x1p-2", Ok(0.25)),
        ("0x1.8P1", Ok(3.0)),
        ("0x1", Err(NumberError::Syntax)),
        ("1e400", Err(NumberError::Range)),
        ("-Inf", Ok(f64::NEG_INFINITY)),
        ("infinity", Ok(f64::INFINITY)),
        ("infinit", Err(NumberError::Syntax)),
        (".5", Ok(0.5)),
        ("5.", Ok(5.0)),
        (".", Err(NumberError::Syntax)),
        ("1__0", Err(NumberError::Syntax)),
        ("+-1", Err(NumberError::Syntax)),
        ("0x.8p-1074", Ok(0.0)),
        ("0x1p-1074", Ok(5e-324)),
        ("0x1.00000000000008p0", Ok(1.0)),
        ("0x1.00000000000018p0", Ok(1.000_000_000_000_000_4)),
    ] {
        assert_eq!(parse_float(text.as_bytes()), expected, "{text}");
    }
    for (text, base, expected) in [
        ("0x_1f", 0, Ok(31)),
        ("017", 0, Ok(15)),
        ("0b11", 0, Ok(3)),
        ("-0o7", 0, Ok(-7)),
        ("1_0", 10, Err(NumberError::Syntax)),
        ("9223372036854775808", 10, Err(NumberError::Range)),
        ("-9223372036854775808", 10, Ok(i64::MIN)),
        ("08", 0, Err(NumberError::Syntax)),
        ("08", 10, Ok(8)),
        ("", 0, Err(NumberError::Syntax)),
    ] {
        assert_eq!(parse_int(text.as_bytes(), base), expected, "{text}");
    }
}

#[test]
fn what_is_quoted_reads_back() {
    for text in [b"".as_slice(), b"a\"\\\n\x07\x00\xff", "\u{2028}é\u{10ffff}\u{ad}".as_bytes()] {
        assert_eq!(unquoted(quoted(text).as_bytes()).unwrap(), text);
        assert_eq!(unquoted(quote::quoted_ascii(text).as_bytes()).unwrap(), text);
    }
}

#[test]
fn a_map_in_itself_ends_with_the_depth() {
    let map = Map::new(&types::MAP, std::collections::BTreeMap::new());
    map.insert(Str::from("me"), Value::Map(map.clone()));
    let mut budget = Budget::new(Limits::default());
    let seen = plain(&Value::Map(map.clone()), &mut budget);
    assert_eq!(seen, Err(Exhausted::Depth(Limits::default().depth)));
    map.clear();
}
