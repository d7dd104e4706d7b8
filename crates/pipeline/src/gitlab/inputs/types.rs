//! Types of inputs, and values as they have them.

use crate::yaml::{At, Node, Value};

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    Text,
    Number,
    Boolean,
    List,
}

impl Kind {
    pub(super) const NAMES: &[(&str, Self)] =
        &[("string", Self::Text), ("number", Self::Number), ("boolean", Self::Boolean), ("array", Self::List)];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
        }
    }

    /// A value as this type has it, or what it is instead. Text that is JSON of the type is taken for it, as it comes from
    /// whoever starts a pipeline.
    pub(super) fn read(self, value: &Node) -> Result<Node, &'static str> {
        match (self, &value.value) {
            (Self::List, Value::Seq(_)) => Ok(value.clone()),
            (_, Value::Seq(_) | Value::Map(_)) => Err(value.kind()),
            (Self::Text, Value::Scalar { text, .. }) => {
                let written = if value.is_null() { String::new() } else { as_ruby(value).unwrap_or_else(|| text.to_string()) };
                Ok(Node::made(&written, false, value.at))
            }
            _ if value.is_null() => Ok(Node::made("", true, value.at)),
            (Self::Boolean, Value::Scalar { text, .. }) => match &**text {
                "true" | "false" => Ok(Node::made(text, true, value.at)),
                _ => value.bool().map(|truth| Node::made(&truth.to_string(), true, value.at)).ok_or(value.kind()),
            },
            (Self::Number, Value::Scalar { text, .. }) => {
                let plain = Node::made(text, true, value.at);
                as_ruby(&plain).filter(|_| plain.number().is_some()).map(|text| Node::made(&text, true, value.at)).ok_or(value.kind())
            }
            (Self::List, Value::Scalar { text, .. }) => match serde_json::from_str(text) {
                Ok(json @ serde_json::Value::Array(_)) => Ok(of_json(&json, value.at)),
                _ => Err(value.kind()),
            },
        }
    }
}

/// A number as Ruby writes it once it has read it: `1.10` is 1.1, `010` is 8. `None` for whatever is no number.
fn as_ruby(value: &Node) -> Option<String> {
    let text = value.plain()?;
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.strip_prefix('+').unwrap_or(text)), |rest| ("-", rest));
    let integer = if let Some(octal) = digits.strip_prefix('0').filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    {
        u64::from_str_radix(octal, 8).ok()
    } else if let Some(hex) = digits.strip_prefix("0x") {
        u64::from_str_radix(hex, 16).ok()
    } else {
        None
    };
    if let Some(integer) = integer {
        return Some(format!("{sign}{integer}"));
    }
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(format!("{sign}{digits}"));
    }
    value.number().map(|number| if number.fract() == 0.0 && number.abs() < 1e16 { format!("{number:.1}") } else { number.to_string() })
}

/// JSON as a value of a file.
pub(in super::super) fn of_json(json: &serde_json::Value, at: At) -> Node {
    match json {
        serde_json::Value::Null => Node::made("", true, at),
        serde_json::Value::Bool(value) => Node::made(&value.to_string(), true, at),
        serde_json::Value::Number(value) => Node::made(&value.to_string(), true, at),
        serde_json::Value::String(value) => Node::made(value, false, at),
        serde_json::Value::Array(items) => Node::seq(items.iter().map(|item| of_json(item, at)).collect(), at),
        serde_json::Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (crate::yaml::Key { text: name.clone(), at }, of_json(value, at)));
            Node::map(entries.collect(), at)
        }
    }
}

/// A value's text, if it is one.
pub(super) fn as_text(value: &Node) -> Option<&str> {
    match &value.value {
        Value::Scalar { text, plain: false, .. } => Some(text),
        _ => None,
    }
}

/// What of a value is not among the options.
pub(super) fn outside(value: &Node, options: &[Node], kind: Kind) -> Option<String> {
    let of = if kind == Kind::List { Kind::Text } else { kind };
    let written = |node: &Node| match of.read(node).map(|node| node.value) {
        Ok(Value::Scalar { text, .. }) => Some(text.to_string()),
        _ => None,
    };
    let allowed: Vec<String> = options.iter().filter_map(&written).collect();
    let items = match &value.value {
        Value::Seq(items) => items,
        _ => std::slice::from_ref(value),
    };
    items.iter().map(|item| written(item).unwrap_or_else(|| item.kind().to_owned())).find(|text| !allowed.contains(text))
}
