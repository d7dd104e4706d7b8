//! `table.tsv` holds what gojsonschema 1.2.0 answered: a schema, a document, and its answers, one for each order in which it may have
//! walked its maps; all in hexadecimal.

use super::{Unfit, check, check_one, compile, node::Node};
use crate::{
    budget::{Budget, Exhausted, Limits},
    chart::{Chart, Metadata},
    json,
    value::{Data, Table},
};

fn budget() -> Budget {
    Budget::new(Limits::default())
}

fn few() -> Budget {
    Budget::new(Limits { steps: 1_000_000, ..Limits::default() })
}

/// `ok`, what is wrong with the document (in the order of the alphabet), or what is wrong with the schema.
fn answer(schema: &[u8], document: &[u8]) -> String {
    let checked = compile::compile(schema, &mut budget()).and_then(|schema| {
        let document = Node::read(document, &mut budget())?;
        check::check(&schema, &document, &mut budget())
    });
    match checked {
        Ok(problems) if problems.is_empty() => "ok".to_owned(),
        Ok(mut problems) => {
            problems.sort();
            format!("invalid\n{}", problems.join("\n"))
        }
        Err(unfit) => format!("error\n{unfit}"),
    }
}

#[test]
fn documents_are_judged_and_schemas_refused_in_the_peers_words() {
    let mut differences = Vec::new();
    for line in include_str!("table.tsv").lines() {
        let cells: Vec<String> = line.split('\t').map(|cell| String::from_utf8(hex::decode(cell).unwrap()).unwrap()).collect();
        let [schema, document, expected @ ..] = cells.as_slice() else { panic!("not a line of the table: {line}") };
        let seen = answer(schema.as_bytes(), document.as_bytes());
        if !expected.contains(&seen) {
            differences.push(format!("{schema}\n{document}\n  seen {seen}\n  not {expected:?}"));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

fn table(text: &str) -> Table {
    match json::read(text.as_bytes()).unwrap() {
        Data::Map(table) => table,
        other => panic!("no mapping: {other:?}"),
    }
}

fn chart(name: &str, schema: Option<&str>, dependencies: Vec<Chart>) -> Chart {
    let metadata = Metadata { name: name.to_owned(), ..Metadata::default() };
    Chart { metadata, schema: schema.map(Into::into), dependencies, ..Chart::default() }
}

#[test]
fn each_chart_is_held_against_its_own_schema_and_named() {
    let inner = chart("inner", Some(r#"{"properties":{"a":{"type":"string"}},"required":["b"]}"#), vec![]);
    let outer = chart("outer", Some(r#"{"required":["x"]}"#), vec![chart("free", None, vec![inner])]);
    let values = table(r#"{"free":{"inner":{"a":1}}}"#);
    let refused = check(&outer, &values, &mut budget()).unwrap_err().to_string();
    assert_eq!(
        refused,
        "values don't meet the specifications of the schema(s) in the following chart(s):\nouter:\n- (root): x is required\n\
         inner:\n- (root): b is required\n- a: Invalid type. Expected: string, given: integer\n"
    );
    assert_eq!(check(&outer, &table(r#"{"x":1,"free":{"inner":{"b":1}}}"#), &mut budget()), Ok(()));
}

#[test]
fn a_number_of_a_flag_is_as_good_as_one_of_a_file() {
    let schema = br#"{"properties":{"a":{"type":"integer","maximum":3}}}"#;
    for number in [Data::Int(4), Data::Float(4.0)] {
        let values = Table::from([("a".into(), number)]);
        let refused = check_one(&values, schema, &mut budget()).unwrap_err();
        assert_eq!(refused.to_string(), "- a: Must be less than or equal to 3\n");
    }
}

#[test]
fn nothing_but_the_schema_is_read() {
    for reference in ["https://example.org/schema.json", "file:///etc/passwd", "http://json-schema.org/schema#"] {
        let schema = format!(r#"{{"$ref":"{reference}"}}"#);
        let refused = check_one(&Table::new(), schema.as_bytes(), &mut budget()).unwrap_err().to_string();
        assert!(refused.contains("are not read"), "{refused}");
    }
}

#[test]
fn schemas_that_go_round_or_multiply_meet_a_limit() {
    let round = r##"{"$ref":"#"}"##;
    let mut multiplied = r#"{"definitions":{"a0":{"type":"string"}"#.to_owned();
    for level in 1..40 {
        let below = level - 1;
        multiplied += &format!(r##","a{level}":{{"allOf":[{{"$ref":"#/definitions/a{below}"}},{{"$ref":"#/definitions/a{below}"}}]}}"##);
    }
    multiplied += r##"},"$ref":"#/definitions/a39"}"##;
    let deep = format!("{}{}", r#"{"not":"#.repeat(5000), "{}") + &"}".repeat(5000);
    let judged = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || [round, &multiplied, &deep].map(|schema| check_one(&Table::new(), schema.as_bytes(), &mut few())))
        .unwrap()
        .join()
        .unwrap();
    for judged in judged {
        assert!(matches!(judged, Err(Unfit::Limit(_))), "{judged:?}");
    }
}

#[test]
fn values_as_deep_as_they_may_be_are_judged_on_a_small_stack() {
    let schema = br##"{"properties":{"a":{"$ref":"#"},"b":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"##;
    let judged = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let mut values = table(r#"{"b":"x"}"#);
            for _ in 0..300 {
                values = Table::from([("a".into(), Data::Map(values))]);
            }
            let judged = check_one(&values, schema, &mut budget());
            for _ in 0..600 {
                values = Table::from([("a".into(), Data::Map(values))]);
            }
            (judged, check_one(&values, schema, &mut budget()))
        })
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(judged.0, Ok(()));
    assert!(matches!(judged.1, Err(Unfit::Limit(_))), "{:?}", judged.1);
}

#[test]
fn a_schema_as_deep_as_it_may_be_is_read_on_a_small_stack() {
    let judged = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(|| {
            [(r#"{"not":"#, "}"), (r#"{"properties":{"a":"#, "}}"), (r#"{"enum":[["#, "]]}"), (r#"{"items":["#, "]}")].map(
                |(open, close)| {
                    let depth = if open.contains("enum") { 330 } else { 240 };
                    let schema = open.repeat(depth) + "{}" + &close.repeat(depth);
                    check_one(&Table::new(), schema.as_bytes(), &mut budget())
                },
            )
        })
        .unwrap()
        .join()
        .unwrap();
    let limits = judged.iter().filter(|judged| matches!(judged, Err(Unfit::Limit(_)))).count();
    assert_eq!(limits, 0, "{judged:?}");
}

#[test]
fn schemas_that_go_round_in_every_way_end_on_a_small_stack() {
    let again = r##"{"$ref":"#"}"##;
    let schemas = [
        format!(r#"{{"anyOf":[{{"type":"string"}},{again}]}}"#),
        format!(r#"{{"oneOf":[{again}]}}"#),
        format!(r#"{{"allOf":[{{"not":{again}}}]}}"#),
        format!(r#"{{"if":{again},"then":{again}}}"#),
        format!(r#"{{"dependencies":{{"a":{again}}}}}"#),
        format!(r#"{{"propertyNames":{again}}}"#),
        format!(r#"{{"items":{again},"properties":{{"a":{again}}}}}"#),
        format!(r#"{{"items":[{again}],"additionalProperties":{again}}}"#),
        format!(r#"{{"contains":{again},"patternProperties":{{"a":{again}}}}}"#),
    ];
    let ends = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let mut list = Data::List(Vec::new());
            for _ in 0..480 {
                list = Data::List(vec![Data::Map(Table::from([("a".into(), list)]))]);
            }
            let values = Table::from([("a".into(), list)]);
            schemas.iter().filter(|schema| !matches!(check_one(&values, schema.as_bytes(), &mut budget()), Err(Unfit::Said(_)))).count()
        })
        .unwrap()
        .join()
        .unwrap();
    assert!(ends > 0);
}

#[test]
fn what_a_schema_looks_at_again_for_each_value_is_paid_for() {
    let many = |text: &str| (0..2_000).map(|number| text.replace('#', &number.to_string())).collect::<String>();
    let maps = table(&format!(r#"{{"l":[{}{{}}]}}"#, "{},".repeat(2_000)));
    let of_items = |keywords: String| format!(r#"{{"properties":{{"l":{{"items":{{{keywords}}}}}}}}}"#);
    let wide = table(&format!(r#"{{{}"z":1}}"#, many(r##""#":1,"##)));
    for (schema, values) in [
        (of_items(format!(r#""dependencies":{{{}"z":[]}}"#, many(r##""#":[],"##))), &maps),
        (format!(r#"{{"anyOf":[{}{{}}]}}"#, r#"{"maxProperties":1},"#.repeat(2_000)), &wide),
        (format!(r#"{{"anyOf":[{}{{}}]}}"#, r#"{"dependencies":{"z":["1"]},"not":{}},"#.repeat(2_000)), &wide),
    ] {
        let judged = check_one(values, schema.as_bytes(), &mut few());
        assert!(matches!(judged, Err(Unfit::Limit(Exhausted::Steps(_)))), "{schema:.60}: {judged:?}");
    }
}

#[test]
fn a_long_name_that_short_references_are_relative_to_is_paid_for() {
    let references = (0..1_000).map(|number| format!(r##"{{"$ref":"#/x{number}"}},"##)).collect::<Vec<_>>().concat();
    let schema = format!(r#"{{"$id":"http://h/{}","anyOf":[{references}{{}}]}}"#, "a".repeat(10_000));
    let mut little = Budget::new(Limits { memory: 8 << 20, ..Limits::default() });
    let judged = check_one(&Table::new(), schema.as_bytes(), &mut little);
    assert!(matches!(judged, Err(Unfit::Limit(Exhausted::Memory(_)))), "{judged:?}");
}

#[test]
fn properties_are_judged_alike_whether_the_schema_or_the_values_have_more() {
    let schema = br#"{"properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}}}"#;
    let both = "- a: Invalid type. Expected: string, given: integer\n- c: Invalid type. Expected: string, given: integer\n";
    for values in [r#"{"c":1,"a":1}"#, r#"{"c":1,"a":1,"d":1,"e":1,"b":"x"}"#] {
        assert_eq!(check_one(&table(values), schema, &mut budget()).unwrap_err().to_string(), both);
    }
}

#[test]
fn a_refused_schema_leaves_the_budget_as_deep_as_it_was() {
    let mut budget = Budget::new(Limits { depth: 30, ..Limits::default() });
    for schema in [r#"{"not":{"not":{"type":1}}}"#, r#"{"not":{"not":{"not":["#, r##"{"properties":{"a":{"$ref":"#/x"}}}"##] {
        for _ in 0..20 {
            assert!(matches!(check_one(&Table::new(), schema.as_bytes(), &mut budget), Err(Unfit::Said(_))), "{schema}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_schema_and_no_document_make_it_panic(schema in r#"[{}\[\]",:0-9a$#/.refd-]{0,60}"#, document in r#"[{}\[\]",:0-9a.e-]{0,30}"#) {
        let _ = answer(schema.as_bytes(), document.as_bytes());
    }
}
