//! JSON schemas as cases, and values that mostly do not pass.

use serde_json::{Map, Value as Json, json};

use super::{charts::less, compare::Case, oracle::Outcome, ours, random::Random};

/// A schema and values.
#[derive(Clone, Debug)]
pub struct Held {
    schema: Json,
    values: Json,
}

impl Case for Held {
    fn question(&self) -> (Json, &'static str) {
        (json!({ "op": "schema", "schema": self.schema.to_string(), "base": self.values.to_string() }), "*")
    }

    fn ours(&self) -> Outcome {
        ours::schema(&self.schema.to_string(), &self.values.to_string())
    }

    fn smaller(&self) -> Vec<Self> {
        let schemas = less(&self.schema).into_iter().map(|schema| Self { schema, ..self.clone() });
        schemas.chain(less(&self.values).into_iter().filter(Json::is_object).map(|values| Self { values, ..self.clone() })).collect()
    }

    fn shown(&self) -> String {
        format!("schema {}\nvalues {}", self.schema, self.values)
    }

    fn any_will_do(&self, ours: &[u8], helm: &[u8]) -> bool {
        // values that do not pass are told in lines; a schema that is none by its first fault
        !ours.starts_with(b"- ") && !helm.starts_with(b"- ")
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

const NAMES: &[&str] = &["a", "b", "c", "x_y", "é"];
const TYPES: &[&str] = &["string", "integer", "number", "object", "array", "boolean", "null"];
const FORMATS: &[&str] = &[
    "uri",
    "email",
    "date",
    "date-time",
    "ipv4",
    "ipv6",
    "hostname",
    "regex",
    "uuid",
    "time",
    "uri-reference",
    "json-pointer",
    "unknown",
    "idn-email",
    "iri",
];
const PATTERNS: &[&str] = &["^a", "b$", "[0-9]+", "^[a-z]{2,}$", "é"];
const TEXTS: &[&str] = &[
    "a",
    "",
    "abc",
    "a@b.c",
    "2020-01-02",
    "2020-01-02T03:04:05Z",
    "1.2.3.4",
    "::1",
    "http://a.b/c",
    "é",
    "10:20:30",
    "/a/b",
    "550e8400-e29b-41d4-a716-446655440000",
    "not one",
    "a.b-c",
];

/// Grows a schema with values.
pub fn grow(seed: u64) -> Held {
    let mut random = Random::new(seed);
    let mut root = schema(&mut random, 3);
    if let Json::Object(root) = &mut root {
        root.insert("type".to_owned(), json!("object"));
        if random.percent(40) {
            root.insert(
                "$schema".to_owned(),
                json!(random.word(&[
                    "http://json-schema.org/draft-07/schema#",
                    "http://json-schema.org/draft-04/schema#",
                    "http://json-schema.org/draft-06/schema#",
                    "https://json-schema.org/draft/2020-12/schema",
                    "http://json-schema.org/schema#",
                    "nonsense"
                ])),
            );
        }
        root.insert("definitions".to_owned(), json!({ "d": keyword_only(&mut random), "e": keyword_only(&mut random) }));
        root.entry("properties").or_insert_with(|| properties(&mut random, 2));
    }
    // which fault of a schema is found first hangs on the order of a Go map: there is one at most
    if root.is_object() && random.percent(10) {
        let (key, fault) = random
            .pick(&[
                ("pattern", json!("(")),
                ("multipleOf", json!(0)),
                ("$ref", json!("#/definitions/none")),
                ("$ref", json!("other.json")),
                ("required", json!(["a", "a"])),
                ("type", json!(["string", "string"])),
                ("type", json!("nothing")),
                ("minLength", json!(-1)),
                ("minLength", json!("x")),
                ("enum", json!([])),
                ("enum", json!([1, 1])),
                ("properties", json!([])),
                ("items", json!(1)),
                ("allOf", json!([])),
                ("required", json!("a")),
                ("patternProperties", json!({ "(": {} })),
                ("exclusiveMinimum", json!(true)),
                ("dependencies", json!({ "a": 1 })),
                ("$id", json!("::")),
            ])
            .clone();
        root["properties"]["a"] = json!({ key: fault });
    }
    Held { schema: root, values: object(&mut random, 3) }
}

/// A definition that refers to none: a circle would end Go.
fn keyword_only(random: &mut Random) -> Json {
    let (key, value) = keyword(random, 0);
    json!({ key: value })
}

fn schema(random: &mut Random, depth: usize) -> Json {
    if random.percent(4) {
        return json!(random.percent(50));
    }
    if random.percent(6) {
        return json!({ "$ref": random.word(&["#/definitions/d", "#/definitions/e"]) });
    }
    let mut it = Map::new();
    for _ in 0..=random.below(3) {
        let (key, value) = keyword(random, depth);
        it.insert(key.to_owned(), value);
    }
    Json::Object(it)
}

fn keyword(random: &mut Random, depth: usize) -> (&'static str, Json) {
    let number = json!(*random.pick(&[1.0, 2.0, 1.5, 3.0, 10.0]));
    let count = json!(random.below(4));
    match if depth == 0 { random.below(16) } else { random.below(32) } {
        0..=3 => ("type", json!(random.word(TYPES))),
        4 => ("type", json!([random.word(&TYPES[..3]), random.word(&TYPES[3..])])),
        5 => ("minLength", count),
        6 => ("maxLength", count),
        7 => ("pattern", json!(random.word(PATTERNS))),
        8 => ("format", json!(random.word(FORMATS))),
        9 => (random.word(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), number),
        10 => ("multipleOf", number),
        11 => ("enum", json!([value(random, 1), value(random, 0)])),
        12 => ("const", value(random, 1)),
        13 => (random.word(&["minItems", "maxItems", "minProperties", "maxProperties"]), count),
        14 => ("uniqueItems", json!(true)),
        15 => ("required", json!([random.word(&NAMES[..2]), random.word(&NAMES[2..])])),
        16..=20 => ("properties", properties(random, depth - 1)),
        21..=22 => ("items", schema(random, depth - 1)),
        23 => ("items", json!([schema(random, depth - 1), schema(random, depth - 1)])),
        24 => ("additionalProperties", schema(random, depth - 1)),
        25 => ("additionalProperties", json!(false)),
        26 => (random.word(&["allOf", "anyOf", "oneOf"]), json!([schema(random, depth - 1), schema(random, depth - 1)])),
        27 => ("not", schema(random, depth - 1)),
        28 => ("patternProperties", json!({ random.word(PATTERNS): schema(random, depth - 1) })),
        29 => ("dependencies", json!({ random.word(NAMES): [random.word(NAMES)], random.word(NAMES): schema(random, depth - 1) })),
        30 => (random.word(&["if", "then", "else", "contains", "propertyNames", "additionalItems"]), schema(random, depth - 1)),
        _ => (random.word(&["title", "default", "$id", "id", "readOnly", "description"]), json!(random.word(TEXTS))),
    }
}

fn properties(random: &mut Random, depth: usize) -> Json {
    let mut it = Map::new();
    for _ in 0..=random.below(3) {
        it.insert(random.word(NAMES).to_owned(), schema(random, depth));
    }
    Json::Object(it)
}

fn object(random: &mut Random, depth: usize) -> Json {
    let mut it = Map::new();
    for _ in 0..random.below(5) {
        it.insert(random.word(NAMES).to_owned(), value(random, depth));
    }
    Json::Object(it)
}

fn value(random: &mut Random, depth: usize) -> Json {
    match if depth == 0 { random.below(8) } else { random.below(14) } {
        0 => Json::Null,
        1 => json!(random.percent(50)),
        2 => json!(random.below(5)),
        3 => json!(*random.pick(&[1.5, -2.0, 1e20, 0.1, 1e-7, 123_456_789_012.0])),
        4..=7 => json!(random.word(TEXTS)),
        8..=10 => Json::Array((0..random.below(4)).map(|_| value(random, depth - 1)).collect()),
        _ => object(random, depth - 1),
    }
}
