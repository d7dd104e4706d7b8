use std::collections::BTreeSet;

use super::*;

const DOCUMENT: &str = include_str!("../../../../../docs/config.md");
/// The words of JSON schema that the schemas use.
const WORDS: &str = "$schema $ref $defs title description default format pattern minimum maximum type properties required additionalProperties items anyOf oneOf";
const ALL: [(SchemaOf, &str, &str); 3] = [
    (SchemaOf::Server, "server", include_str!("../../../../../docs/schema/server.json")),
    (SchemaOf::Project, "project", include_str!("../../../../../docs/schema/project.json")),
    (SchemaOf::Delivery, "delivery", include_str!("../../../../../docs/schema/delivery.json")),
];

#[test]
fn the_committed_schemas_are_what_the_program_prints() {
    for (of, name, committed) in ALL {
        assert_eq!(text(of).unwrap(), committed, "write it anew: penstock schema {name} > docs/schema/{name}.json");
    }
}

#[test]
fn the_samples_and_what_init_writes_fit_their_schemas() {
    let delivery = [
        include_str!("../../../../../examples/oran-config/penstock.yaml"),
        include_str!("../../../../cli/templates/penstock.yaml"),
        example("environments:"),
    ];
    for text in delivery {
        DeliveryConfig::parse("penstock.yaml", &filled(text)).unwrap();
    }
    let project = [include_str!("../../../../../examples/oran/penstock.yaml"), example("project:")];
    for text in project {
        penstock_delivery::project::parse(text).unwrap();
    }
    let server: ServerFile = serde_saphyr::from_str(example("server:")).unwrap();
    assert_eq!(server.version, 1);
    let files = [(SchemaOf::Server, &[example("server:")][..]), (SchemaOf::Project, &project), (SchemaOf::Delivery, &delivery)];
    for (of, texts) in files {
        let schema = value(of);
        for text in texts {
            let file: Value = serde_saphyr::from_str(&filled(text)).unwrap();
            fits(&file, &schema, &schema, "").unwrap_or_else(|why| panic!("{of:?}: {why}\n{text}"));
        }
    }
}

#[test]
fn a_schema_refuses_what_the_program_refuses() {
    let bad =
        ["version: 1", "version: 1\nenvironments: []\nowner: x", "version: one\nenvironments: []", "version: 1\nenvironments: [{name: a}]"];
    let schema = value(SchemaOf::Delivery);
    for text in bad {
        let file: Value = serde_saphyr::from_str(text).unwrap();
        assert!(fits(&file, &schema, &schema, "").is_err() && DeliveryConfig::parse("penstock.yaml", text).is_err(), "{text}");
    }
}

#[test]
fn every_key_is_in_the_document_and_every_key_of_the_document_is_one() {
    let known: BTreeSet<String> = ALL.iter().flat_map(|(of, ..)| keys(&value(*of), &value(*of), "")).collect();
    let listed: BTreeSet<String> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(key, _)| key.to_owned()))
        .filter(|key| {
            known.contains(key) || ["server.", "project.", "environments", "notifications"].iter().any(|top| key.starts_with(top))
        })
        .collect();
    let parents: BTreeSet<&str> = known.iter().filter_map(|key| key.rsplit_once('.').map(|(parent, _)| parent)).collect();
    let leaves = known.iter().filter(|key| !parents.contains(key.as_str()) && !parents.contains(format!("{key}[]").as_str()));
    let unlisted: Vec<_> = leaves.filter(|key| !listed.contains(*key)).collect();
    let absent: Vec<_> = listed.iter().filter(|key| !known.contains(*key)).collect();
    assert!(unlisted.is_empty() && absent.is_empty(), "docs/config.md lacks {unlisted:?} and has {absent:?}");
}

/// The document's example with a section.
fn example(section: &str) -> &'static str {
    let blocks = DOCUMENT.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
    blocks.into_iter().find(|block| block.contains(&format!("\n{section}"))).expect("the document has an example of each file")
}

/// A template as `penstock init` writes it, with somebody who may approve.
fn filled(text: &str) -> String {
    text.replace("{{project}}", "shop").replace("approvers: []", "approvers: [grace]")
}

/// The keys of a schema with the way to them.
fn keys(schema: &Value, root: &Value, path: &str) -> Vec<String> {
    let schema = resolved(schema, root);
    let mut found = Vec::new();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.extend(keys(inner, root, &path));
        found.push(path);
    }
    for inner in ["anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()).flatten() {
        found.extend(keys(inner, root, path));
    }
    if schema["items"].is_object() {
        found.extend(keys(&schema["items"], root, &format!("{path}[]")));
    }
    found
}

fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    schema["$ref"].as_str().and_then(|at| root.pointer(at.trim_start_matches('#'))).unwrap_or(schema)
}

/// Whether a value fits. A word that is not among [`WORDS`] fails.
fn fits(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    let schema = resolved(schema, root);
    let words = schema.as_object().ok_or(format!("{at}: no schema"))?;
    if let Some(word) = words.keys().find(|word| !WORDS.split_whitespace().any(|known| known == *word)) {
        return Err(format!("{at}: this test does not know `{word}`"));
    }
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    let kinds: Vec<&str> = words
        .get("type")
        .into_iter()
        .flat_map(|kind| kind.as_array().map_or(vec![kind], |kinds| kinds.iter().collect()))
        .filter_map(Value::as_str)
        .collect();
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind)) {
        return Err(format!("{at}: {value} is none of {kinds:?}"));
    }
    for choice in ["anyOf", "oneOf"].iter().filter_map(|name| words.get(*name)?.as_array()) {
        if !choice.iter().any(|inner| fits(value, inner, root, at).is_ok()) {
            return Err(format!("{at}: {value} fits no alternative"));
        }
    }
    let required = words.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| value.is_object() && value.get(name).is_none()) {
        return Err(format!("{at}: `{missing}` is missing"));
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => fits(inner, schema, root, &format!("{at}.{name}"))?,
            None if schema["additionalProperties"] == false => return Err(format!("{at}: `{name}` is not known")),
            None => {}
        }
    }
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter(|_| schema["items"].is_object())
        .try_for_each(|item| fits(item, &schema["items"], root, &format!("{at}[]")))
}
