//! What Go's `encoding/json` reads and writes, asked of Go.

use super::*;
use crate::{
    answers,
    budget::{Budget, Limits},
    function::Fault,
    value::Value,
};

fn budget() -> Budget {
    Budget::new(Limits::default())
}

#[test]
fn texts_are_read_and_values_written_as_in_go() {
    answers::check(include_str!("json.tsv"), |operation, input| match operation {
        "jread" => answers::told(read(input).map(|data| raw(&Value::from(&data), &mut budget()).unwrap())),
        "jwrite" => answers::told(write(&Value::str(input), &mut budget())),
        "jpretty" => answers::told(pretty(&Value::from(&read(input).unwrap()), &mut budget())),
        other => panic!("{other}"),
    });
}

#[test]
fn what_json_cannot_have_is_an_error_in_gos_words() {
    let error = |value| write(&value, &mut budget()).unwrap_err().to_string();
    assert_eq!(error(Value::Float(f64::NAN)), "json: unsupported value: NaN");
    assert_eq!(error(Value::Float(f64::NEG_INFINITY)), "json: unsupported value: -Inf");
    assert_eq!(error(Value::Complex(1.0, 0.0)), "json: unsupported type: complex128");
}

#[test]
fn templates_get_nothing_where_json_cannot_be_written_but_from_must() {
    let nan = [Value::Float(f64::NAN)];
    for name in ["toJson", "toPrettyJson", "toYaml"] {
        assert!(matches!(answers::call(name, &nan), Ok(Value::Str(text)) if text.is_empty()), "{name}");
    }
    for name in ["mustToJson", "mustToPrettyJson", "mustToRawJson", "toRawJson"] {
        assert!(matches!(answers::call(name, &nan), Err(Fault::Said(_))), "{name}");
    }
}

#[test]
fn numbers_too_large_are_told_beside_what_could_be_read() {
    let Ok(Value::Map(map)) = answers::call("fromJson", &[Value::str(r#"{"a": 1e999, "b": 2}"#)]) else { panic!() };
    assert!(matches!(map.get("a"), Some(Value::Nil)));
    assert!(matches!(map.get("b"), Some(Value::Float(2.0))));
    let Some(Value::Str(error)) = map.get("Error") else { panic!() };
    assert_eq!(error, "json: cannot unmarshal number 1e999 into Go value of type float64");
}

#[test]
fn whole_floats_are_whole_numbers_to_serde() {
    let read = read(br#"{"a": [1.0, 1e6, 0.5, -0.0, 9007199254740993], "b": null, "c": "x", "d": true}"#).unwrap();
    let text = value(&read).to_string();
    assert_eq!(text, r#"{"a":[1,1000000,0.5,-0.0,9007199254740992],"b":null,"c":"x","d":true}"#);
    assert_eq!(data(&value(&read)), read);
}
