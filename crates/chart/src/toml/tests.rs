//! What `BurntSushi/toml` reads and writes, asked of Go.

use super::*;
use crate::{
    answers,
    budget::{Budget, Limits},
    format, json,
    value::Value,
};

/// A value with its types, as the table has it.
fn typed(value: &Value) -> String {
    match value {
        Value::Map(map) => {
            let shown =
                map.entries().iter().fold(String::new(), |shown, (key, value)| shown + &format::quoted(key) + ":" + &typed(value) + ",");
            format!("{{{shown}}}")
        }
        Value::List(list) => {
            let shown: String = list.items().iter().map(|item| typed(item) + ",").collect();
            format!("{}[{shown}]", if list.ty() == &TABLES { "T" } else { "" })
        }
        Value::Time(time) => format!("time {}", format::time(time)),
        Value::Str(text) => format::quoted(text),
        other => {
            let shown = format::plain(other, &mut Budget::new(Limits::default())).unwrap();
            format!("{} {shown}", other.ty().unwrap())
        }
    }
}

#[test]
fn documents_are_read_and_values_written_as_in_go() {
    answers::check(include_str!("toml.tsv"), |operation, input| match operation {
        "toml" => answers::told(write(&Value::from(&json::read(input).unwrap()), &mut Budget::new(Limits::default()))),
        "tomlread" => {
            let read = answers::scoped(|scope| read(input, scope.now, scope.budget));
            answers::told(read.map(|table| typed(&Value::map(table)).into()))
        }
        other => panic!("{other}"),
    });
}

#[test]
fn times_without_a_zone_are_written_without_one_again() {
    let text = "d = 2024-02-29\nl = 2024-02-29T01:02:03.5\nt = 01:02:03\nz = 2024-02-29T01:02:03Z\n";
    let read = answers::scoped(|scope| read(text.as_bytes(), scope.now, scope.budget)).unwrap();
    let written = write(&Value::map(read), &mut Budget::new(Limits::default())).unwrap();
    assert_eq!(written, text);
}

#[test]
fn tables_in_braces_that_are_copied_at_each_level_are_paid_for() {
    let text = format!("x = {}[{}]{}", "{a = ".repeat(100), "1,".repeat(2_000), "}".repeat(100));
    let read = |memory| answers::scoped(|scope| read(text.as_bytes(), scope.now, &mut Budget::new(Limits { memory, ..Limits::default() })));
    assert!(matches!(read(1 << 20), Err(crate::yaml::ReadError::Limit(_))));
    assert!(read(1 << 30).is_ok());
}

#[test]
fn keys_and_brackets_without_end_meet_a_limit() {
    let long_key = "a.".repeat(100_000) + "a = 1";
    for text in [long_key, format!("x = {}", "[".repeat(100_000)), format!("x = {}", "{a = ".repeat(100_000))] {
        let read = answers::scoped(|scope| read(text.as_bytes(), scope.now, scope.budget));
        assert!(matches!(read, Err(crate::yaml::ReadError::Limit(_))), "{}", &text[..20]);
    }
}

#[test]
fn a_long_name_is_charged_for_each_time_that_it_is_written_anew() {
    let limits = Limits { steps: 1_000_000, memory: 16 << 20, ..Limits::default() };
    let long = "a".repeat(100_000);
    let pairs = (0..10_000).map(|number| format!("k{number} = 1\n")).collect::<Vec<_>>().concat();
    let texts = [format!("{long}{} = 1", ".a".repeat(900)), format!("[{long}]\n{pairs}"), format!("[{long}{}]", ".a".repeat(900))];
    for text in texts {
        let read = answers::scoped(|scope| read(text.as_bytes(), scope.now, &mut Budget::new(limits)));
        assert!(matches!(read, Err(crate::yaml::ReadError::Limit(_))), "{}", &text[text.len() - 20..]);
    }
}
