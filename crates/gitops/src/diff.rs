//! What differs between what is wanted and what lives.
//!
//! Three ways: a field that is wanted and is not so; a field that was applied, is no longer wanted and is still there.
//! What only the live object has was added by the target, and is no difference. Lists whose items have names are paired
//! by name.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// One place that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where, as `spec.template.spec.containers[api].image`.
    pub path: String,
    /// What is wanted there; `None`: nothing.
    pub wanted: Option<Value>,
    /// What lives there; `None`: nothing.
    pub live: Option<Value>,
}

/// What differs. `applied` is what was applied last, if that is known.
pub fn differences(applied: Option<&Value>, wanted: &Value, live: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", applied, wanted, live, &mut found);
    found
}

pub(crate) fn join(path: &str, key: &str) -> String {
    let key = if key.contains('.') { format!("\"{key}\"") } else { key.to_owned() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

fn compare(path: &str, applied: Option<&Value>, wanted: &Value, live: &Value, found: &mut Vec<Difference>) {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => objects(path, applied.and_then(Value::as_object), wanted, live, found),
        (Value::Array(wanted), Value::Array(live)) => lists(path, applied.and_then(Value::as_array), wanted, live, found),
        _ if same(wanted, live) => {}
        _ => found.push(Difference { path: path.to_owned(), wanted: Some(wanted.clone()), live: Some(live.clone()) }),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b).is_eq()),
        _ => a == b,
    }
}

/// Nothing, an empty mapping and an empty list are one to Kubernetes.
fn nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn objects(
    path: &str,
    applied: Option<&Map<String, Value>>,
    wanted: &Map<String, Value>,
    live: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    for (key, value) in wanted {
        let path = join(path, key);
        match live.get(key) {
            Some(live) => compare(&path, applied.and_then(|applied| applied.get(key)), value, live, found),
            None if nothing(value) => {}
            None => found.push(Difference { path, wanted: Some(value.clone()), live: None }),
        }
    }
    for key in applied.into_iter().flat_map(Map::keys).filter(|key| !wanted.contains_key(*key)) {
        if let Some(left) = live.get(key).filter(|left| !nothing(left)) {
            found.push(Difference { path: join(path, key), wanted: None, live: Some(left.clone()) });
        }
    }
}

/// The names of a list's items, if each has one and none has another's.
pub(crate) fn names(list: &[Value]) -> Option<Vec<&str>> {
    let names: Option<Vec<&str>> = list.iter().map(|item| item.get("name").and_then(Value::as_str)).collect();
    names.filter(|names| names.iter().collect::<BTreeSet<_>>().len() == names.len() && !names.is_empty())
}

fn lists(path: &str, applied: Option<&Vec<Value>>, wanted: &[Value], live: &[Value], found: &mut Vec<Difference>) {
    if let (Some(wanted_names), Some(live_names)) = (names(wanted), names(live)) {
        let of = |list: &'_ [Value], name: &str| list.iter().find(|item| item["name"] == name).cloned();
        let before = |name: &str| applied.and_then(|applied| of(applied, name));
        for (name, item) in wanted_names.iter().zip(wanted) {
            let path = format!("{path}[{name}]");
            match of(live, name) {
                Some(live) => compare(&path, before(name).as_ref(), item, &live, found),
                None => found.push(Difference { path, wanted: Some(item.clone()), live: None }),
            }
        }
        for name in live_names.iter().filter(|name| !wanted_names.contains(name) && before(name).is_some()) {
            found.push(Difference { path: format!("{path}[{name}]"), wanted: None, live: of(live, name) });
        }
        // an environment variable may use those before it
        let kept: Vec<&&str> = live_names.iter().filter(|name| wanted_names.contains(name)).collect();
        let order: Vec<&&str> = wanted_names.iter().filter(|name| live_names.contains(name)).collect();
        if kept != order {
            let text = |names: Vec<&&str>| Some(Value::from(names.into_iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()));
            found.push(Difference { path: format!("{path}[]"), wanted: text(order), live: text(kept) });
        }
        return;
    }
    if wanted.len() != live.len() {
        found.push(Difference {
            path: path.to_owned(),
            wanted: Some(Value::from(wanted.to_vec())),
            live: Some(Value::from(live.to_vec())),
        });
        return;
    }
    for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
        compare(&format!("{path}[{index}]"), applied.and_then(|applied| applied.get(index)), wanted, live, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[track_caller]
    fn check(applied: &Value, wanted: &Value, live: &Value, expected: &[&str]) {
        let line = |d: Difference| format!("{}: {} -> {}", d.path, d.live.unwrap_or_default(), d.wanted.unwrap_or_default());
        let seen: Vec<String> = differences(Some(applied), wanted, live).into_iter().map(line).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_the_target_added_is_no_difference() {
        let wanted = json!({"spec": {"ports": [{"name": "http", "port": 80}], "replicas": 1, "x": {}}});
        let live = json!({"spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}], "replicas": 1.0, "strategy": {"type": "RollingUpdate"}}, "status": {}});
        check(&wanted, &wanted, &live, &[]);
    }

    #[test]
    fn a_field_that_is_no_longer_wanted_is_one() {
        let applied = json!({"data": {"a": 1, "b": 2}, "env": [{"name": "A"}, {"name": "B"}]});
        let wanted = json!({"data": {"a": 1}, "env": [{"name": "A"}]});
        check(&applied, &wanted, &applied, &["data.b: 2 -> null", "env[B]: {\"name\":\"B\"} -> null"]);
        let injected = json!({"data": {"a": 1, "z": 3}, "env": [{"name": "A"}, {"name": "Z"}]});
        check(&applied, &wanted, &injected, &[]);
    }

    #[test]
    fn changes_are_named_by_path() {
        let live =
            json!({"spec": {"containers": [{"name": "a", "image": "x", "args": ["1", "2"]}, {"name": "b"}], "labels": {"app.io/n": "1"}}});
        let wanted =
            json!({"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "y", "args": ["1"]}], "labels": {"app.io/n": "2"}}});
        check(
            &live,
            &wanted,
            &live,
            &[
                "spec.containers[a].image: \"x\" -> \"y\"",
                "spec.containers[a].args: [\"1\",\"2\"] -> [\"1\"]",
                "spec.containers[]: [\"a\",\"b\"] -> [\"b\",\"a\"]",
                "spec.labels.\"app.io/n\": \"1\" -> \"2\"",
            ],
        );
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0i64..5).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            let named = ("[a-c]", inner.clone()).prop_map(|(name, value)| json!({"name": name, "v": value}));
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(named, 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
        #[test]
        fn what_was_just_applied_has_no_difference(wanted in value()) {
            prop_assert_eq!(differences(Some(&wanted), &wanted, &wanted), vec![]);
        }
        #[test]
        fn two_that_differ_are_told_apart_unless_only_by_nothings(a in value(), b in value()) {
            let found = differences(Some(&b), &a, &b);
            if found.is_empty() {
                prop_assert_eq!(without_nothings(&a), without_nothings(&b));
            }
        }
    }

    fn without_nothings(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                Value::Object(map.iter().map(|(k, v)| (k.clone(), without_nothings(v))).filter(|(_, v)| !nothing(v)).collect())
            }
            Value::Array(list) => Value::Array(list.iter().map(without_nothings).collect()),
            other => other.clone(),
        }
    }
}
