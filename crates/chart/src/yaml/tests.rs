//! What Go's libraries read and write, asked of Go, and what no document may do.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    answers, json,
    value::{Map, Str, Value, types},
};

fn budget() -> Budget {
    Budget::new(Limits::default())
}

fn ask(operation: &str, input: &[u8]) -> Vec<u8> {
    let shown = |data: &Data| json::raw(&Value::from(data), &mut budget());
    match operation {
        "yread" => {
            heads_agree(input);
            answers::told(read(input).map(|data| shown(&data).unwrap()))
        }
        "ystrict" => answers::told(read_strict(input).map(|data| shown(&data).unwrap())),
        "ywrite" => answers::told(write(&Value::str(input), &mut budget())),
        "round" => answers::told(write_data(&json::read(input).unwrap(), &mut budget())),
        "pretty" => answers::told(write_pretty(&Value::from(&json::read(input).unwrap()), &mut budget())),
        other => panic!("{other}"),
    }
}

/// What is kept of a head is what the whole has there, and what is wrong anywhere is told with the same words.
fn heads_agree(input: &[u8]) {
    match (read(input), read_head(input, &mut budget())) {
        (Ok(Data::Map(whole)), Ok(Data::Map(head))) => {
            for key in ["apiVersion", "kind", "metadata", "Metadata", "KIND"] {
                assert_eq!(whole.get(key.as_bytes()), head.get(key.as_bytes()));
            }
        }
        (whole, head) => assert_eq!(whole, head),
    }
}

#[test]
fn a_head_is_kept_of_a_manifest_and_the_rest_is_looked_at() {
    let read =
        read_head(b"kind: 1\nMetadata: {name: x, labels: [{a: b}]}\nspec: {deep: [1]}\nlist: [1]\ntext: long", &mut budget()).unwrap();
    assert_eq!(read, super::read(b"kind: 1\nMetadata: {name: x, labels: [{a: b}]}").unwrap());
    for wrong in [
        "kind: A\nspec: {a: [.inf]}",
        "kind: A\nspec: {a: .inf, a: 1}",
        "kind: A\nspec: {~: 1}",
        "kind: A\nspec: [{18446744073709551615: 1}]",
        "kind: A\nspec: !!int text",
        "kind: A\nspec: {[a]: 1}",
        "kind: A\nspec: &a {<<: *a}",
        "kind: A\nspec: &a [*a]",
        "spec: &a {kind: A}\n<<: *a",
    ] {
        heads_agree(wrong.as_bytes());
    }
}

#[test]
fn scalars_are_read_and_written_as_in_go() {
    answers::check(include_str!("scalars.tsv"), ask);
}

#[test]
fn documents_are_read_or_refused_as_in_go() {
    answers::check(include_str!("documents.tsv"), ask);
}

#[test]
fn values_are_written_as_in_go() {
    answers::check(include_str!("values.tsv"), ask);
}

#[test]
fn whole_numbers_stay_what_they_are_where_that_is_asked_for() {
    let rules = Rules { integers: true, ..Rules::default() };
    let read = read_by(rules, b"[1, 1.0, 0x10, 1e3, 18446744073709551615]", &mut budget()).unwrap();
    let large = Data::Text("18446744073709551615".into());
    assert_eq!(read, Data::List(vec![Data::Int(1), Data::Float(1.0), Data::Int(16), Data::Float(1000.0), large]));
}

#[test]
fn a_document_that_is_no_mapping_is_refused_in_helms_words() {
    let error = read_table(b"- a").unwrap_err().to_string();
    assert_eq!(
        error,
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"
    );
    assert_eq!(read_table(b"# nothing").unwrap(), BTreeMap::new());
}

#[test]
fn brackets_and_dashes_without_end_meet_a_limit() {
    for open in ["[", "{a: ", "- ", "? ", "[{a: "] {
        for count in [2_000, 200_000] {
            assert!(read(open.repeat(count).as_bytes()).is_err(), "{count} of {open}");
        }
    }
    let deep = "[".repeat(1_500) + &"]".repeat(1_500);
    assert_eq!(read(deep.as_bytes()), Err(ReadError::Limit(Exhausted::Depth(1_000))));
}

#[test]
fn a_limit_that_was_met_leaves_the_depth_as_it_was() {
    let mut budget = budget();
    let deep = "[".repeat(1_500) + &"]".repeat(1_500);
    for _ in 0..5 {
        assert!(read_by(Rules::default(), deep.as_bytes(), &mut budget).is_err());
    }
    assert!(read_by(Rules::default(), b"[[[a]]]", &mut budget).is_ok());
}

#[test]
fn aliases_of_aliases_are_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ('b'..='k').zip('a'..) {
        bomb += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(", "));
    }
    let error = read(bomb.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "error converting YAML to JSON: yaml: document contains excessive aliasing");
    let error = read(b"a: &a [*a]").unwrap_err().to_string();
    assert_eq!(error, "error converting YAML to JSON: yaml: anchor 'a' value contains itself");
}

#[test]
fn a_map_that_holds_itself_meets_the_limit_of_depth() {
    let map = Map::new(&types::MAP, BTreeMap::new());
    map.insert("self".into(), Value::Map(map.clone()));
    let value = Value::Map(map.clone());
    for write in [write, write_pretty, json::write, json::pretty, crate::toml::write] {
        let mut budget = budget();
        assert!(matches!(write(&value, &mut budget), Err(Fault::Limit(Exhausted::Depth(_)))));
        assert!(write(&Value::list(vec![Value::int(1)]), &mut budget).is_ok());
    }
    map.clear();
}

#[test]
fn keys_that_stand_in_a_circle_end_in_some_order() {
    let keys = (0..200).flat_map(|number| [format!("{number}"), format!("{number}a"), format!("{number}-")]);
    let map = Value::map(keys.map(|key| (Str::from(key), Value::Nil)).collect());
    let text = write(&map, &mut budget()).unwrap();
    assert_eq!(read_table(&text).unwrap().len(), 600);
}

/// Data that JSON can have, with texts of the letters that YAML finds hard.
fn data() -> impl Strategy<Value = Data> {
    let text = proptest::collection::vec(
        prop_oneof![
            proptest::sample::select(" \n\t:-#'\"\\{}[],&*!|>%@`?_.~=<0123456789eExXyYnNtTfFoO\r\u{2028}é😀".chars().collect::<Vec<_>>()),
            proptest::char::range(' ', '~'),
        ],
        0..24,
    )
    .prop_map(|letters| Str::from(letters.into_iter().collect::<String>()));
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        proptest::num::f64::NORMAL.prop_map(Data::Float),
        any::<i32>().prop_map(|number| Data::Float(number.into())),
        text.clone().prop_map(Data::Text),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Data::List),
            proptest::collection::btree_map(text.clone(), inner, 0..6).prop_map(Data::Map),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn what_was_written_is_read_back(data in data()) {
        let text = write_data(&data, &mut budget()).unwrap();
        prop_assert_eq!(read(&text).unwrap(), data.clone());
        // what `toYamlPretty` writes cannot always be read again: a block that begins with a tab, for one
        let _ = write_pretty(&Value::from(&data), &mut budget()).unwrap();
        let text = json::write_data(&data, &mut budget()).unwrap();
        prop_assert_eq!(json::read(&text).unwrap(), data.clone());
        prop_assert_eq!(read(&text).unwrap(), data);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        text in "(a|b: |- |\\? |: |[-:\\[\\]{},&*!|>'\"#%@\\\\\n \t~<]|<<: |&x |\\*x |!!int |--- |\u{85}|é|\r\n|\u{FEFF}){0,40}",
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = text.into_bytes();
        let _ = read(&bytes);
        let at = cut.index(bytes.len() + 1);
        bytes.insert(at, byte);
        let _ = read_strict(&bytes);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = (read(&bytes), json::read(&bytes));
        answers::scoped(|scope| { let _ = crate::toml::read(&bytes, scope.now, scope.budget); });
        let _ = write(&Value::str(bytes.as_slice()), &mut budget());
        let _ = write_pretty(&Value::str(bytes.as_slice()), &mut budget());
    }
}

#[test]
fn deep_values_go_through_everything_within_a_threads_stack() {
    let nest = |open: &str, close: &str| open.repeat(990) + "1" + &close.repeat(990);
    for text in [nest("[", "]"), nest("{a: ", "}")] {
        let data = read(text.as_bytes()).unwrap();
        let value = Value::from(&data);
        for write in [write, write_pretty, json::write, json::pretty, crate::toml::write] {
            let _ = write(&value, &mut budget());
        }
        let text = json::write_data(&data, &mut budget()).unwrap();
        assert_eq!(json::read(&text).unwrap(), data);
        assert_eq!(json::data(&json::value(&data)), data);
    }
    let mut aliases = "a0: &a0 1\n".to_owned();
    for number in 1..900 {
        aliases += &format!("a{number}: &a{number} [*a{}]\n", number - 1);
    }
    let _ = read(aliases.as_bytes());
    let _ = read(format!("? {}\n: 1", nest("[", "]")).as_bytes());
}

fn read_strict(text: &[u8]) -> Result<Data, ReadError> {
    read_by(Rules { strict: true, ..Rules::default() }, text, &mut budget())
}

#[test]
fn what_is_said_of_a_long_key_that_comes_again_and_again_is_charged_for() {
    let keys = format!("a: &a {}\nb:\n{}", "a".repeat(10_000), "  ? *a\n  : y\n".repeat(200));
    let read = |memory| {
        read_by(Rules { strict: true, ..Rules::default() }, keys.as_bytes(), &mut Budget::new(Limits { memory, ..Limits::default() }))
    };
    // the key itself is read 200 times
    assert!(matches!(read(4 << 20), Err(ReadError::Limit(Exhausted::Memory(_)))));
    assert!(matches!(read(16 << 20), Err(ReadError::Said(_))));
}

#[test]
fn a_long_prefix_of_tags_or_a_long_key_is_charged_for_each_time_it_is_used() {
    let limits = Limits { memory: 16 << 20, ..Limits::default() };
    let long = "a".repeat(100_000);
    let tags = format!("%TAG !a! {long}\n---\n{}", "- !a!x y\n".repeat(1_000));
    let lists = format!("%TAG !a! {long}\n---\n{}", "- !a!x []\n".repeat(1_000));
    let keys = format!("- &a {long}\n{}", "- ? *a\n  : y\n".repeat(1_000));
    for text in [tags, lists, keys] {
        let read = read_by(Rules::default(), text.as_bytes(), &mut Budget::new(limits));
        assert_eq!(read, Err(ReadError::Limit(Exhausted::Memory(limits.memory))), "{}", text.get(text.len() - 20..).unwrap());
    }
}
