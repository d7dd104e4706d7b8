//! Label selectors of objects as the API takes them.

use serde_json::Value;

/// A `LabelSelector` in words: `app=web,tier in (a,b),!old`. `None` for what selects nothing at all.
pub(super) fn of(selector: &Value) -> Option<String> {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut terms: Vec<String> =
        labels.into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| expression.get(key).and_then(Value::as_str);
        let values = expression.get("values").and_then(Value::as_array);
        let values = values.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        let key = text("key")?;
        terms.push(match text("operator")? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

/// A plain map of labels in words.
pub(super) fn of_labels(labels: &Value) -> Option<String> {
    let terms = labels.as_object()?.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    Some(terms.collect::<Vec<_>>().join(",")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_is_written_as_the_api_takes_it() {
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "old", "operator": "DoesNotExist"}]});
        assert_eq!(of(&selector).unwrap(), "app=web,tier in (a,b),!old");
        assert_eq!(of(&json!({})), None);
        assert_eq!(of_labels(&json!({"a": "b"})).unwrap(), "a=b");
    }
}
