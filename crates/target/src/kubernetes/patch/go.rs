//! JSON values as Go sees them: their types, how `%v` writes them, and how its sorts treat what compares equal.

use serde_json::Value;

/// Go's dynamic type of a decoded value. A whole number and one with a point are not of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Nil,
    Bool,
    Integer,
    Float,
    Text,
    List,
    Map,
}

impl Type {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_i64() => Self::Integer,
            Value::Number(_) => Self::Float,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Map,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nil => "%!s(<nil>)",
            Self::Bool => "bool",
            Self::Integer => "int64",
            Self::Float => "float64",
            Self::Text => "string",
            Self::List => "[]interface {}",
            Self::Map => "map[string]interface {}",
        }
    }
}

/// The one type of all elements of some lists. An element that is null makes Go panic; here it is refused.
pub(super) fn element_type(lists: &[&[Value]]) -> Result<Type, String> {
    let mut of = None;
    for value in lists.iter().copied().flatten() {
        let this = Type::of(value);
        match of {
            None if this == Type::List => return Err("lists of lists are not supported".into()),
            None if this == Type::Nil => return Err("a list that is merged has an element that is null".into()),
            None => of = Some(this),
            Some(other) if other != this => {
                let shown: Vec<String> = lists.iter().map(|list| format!("[{}]", joined(list))).collect();
                return Err(format!("list element types are not identical: [{}]", shown.join(" ")));
            }
            Some(_) => {}
        }
    }
    of.ok_or_else(|| "no elements in any of the given slices".into())
}

fn joined(list: &[Value]) -> String {
    list.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// A value as `%v` writes it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) if number.is_i64() => number.to_string(),
        Value::Number(number) => float(number.as_f64().unwrap_or_default()),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", joined(list)),
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let pairs = keys.into_iter().filter_map(|key| Some(format!("{key}:{}", text(map.get(key)?))));
            format!("map[{}]", pairs.collect::<Vec<_>>().join(" "))
        }
    }
}

/// The shortest digits that are the number, with an exponent below -4 and from 21 on.
fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        _ => number.to_string(),
    }
}

/// Sorts as Go sorts up to a dozen elements by a comparison that also holds between equals: those end in reverse.
///
/// Above a dozen Go's order of equals follows from its choice of pivots; here it stays the same as below.
pub(super) fn sort_by_text<T>(items: &mut Vec<T>, text: impl Fn(&T) -> String) {
    let mut keyed: Vec<(String, T)> = items.drain(..).map(|item| (text(&item), item)).collect();
    keyed.reverse();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

/// Drops what was there before, filling each gap with the last one.
pub(super) fn deduplicate(list: &mut Vec<Value>) {
    let mut at = 0;
    while at < list.len() {
        let mut other = at + 1;
        while other < list.len() {
            if list.get(at) == list.get(other) {
                list.swap_remove(other);
            } else {
                other += 1;
            }
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_go_writes_them() {
        let value = json!({"b": [1, 2.5, null, "x"], "a": {"c": true}, "d": 1e21, "e": 1e-5, "f": 2500.0});
        assert_eq!(text(&value), "map[a:map[c:true] b:[1 2.5 <nil> x] d:1e+21 e:1e-05 f:2500]");
    }

    #[test]
    fn gaps_are_filled_with_the_last() {
        let mut list = vec![json!("a"), json!("a"), json!("b"), json!("c")];
        deduplicate(&mut list);
        assert_eq!(list, [json!("a"), json!("c"), json!("b")]);
    }

    #[test]
    fn what_compares_equal_ends_in_reverse() {
        let mut list = vec![("b", 1), ("a", 2), ("b", 3)];
        sort_by_text(&mut list, |(key, _)| (*key).to_owned());
        assert_eq!(list, [("a", 2), ("b", 3), ("b", 1)]);
    }
}
