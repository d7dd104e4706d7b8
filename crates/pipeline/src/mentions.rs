//! Whether a job's part of the file names a variable.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plan::{Plan, PlannedJob};

/// True if the job, or what the whole file sets for every job, names this variable in any text: `$NAME`, `secrets.NAME`. A
/// file of the repository that the job runs is not looked into.
pub fn mentions(plan: &Plan, job: &PlannedJob, name: &str) -> bool {
    // whatever a plan will hold is found too
    let inherited: BTreeMap<_, _> = plan.inherited(job).collect();
    [serde_json::to_value(job), serde_json::to_value(&inherited)].iter().flatten().any(|value| holds(value, name))
}

fn holds(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => is_word_of(name, text),
        Value::Array(values) => values.iter().any(|value| holds(value, name)),
        Value::Object(fields) => fields.iter().any(|(key, value)| key == name || holds(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_word_of(name: &str, text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_whole_and_only_whole() {
        for text in ["$KEY", "a ${KEY}/b", "make\nKEY=x", "${{ secrets.KEY }}", "KEY-x"] {
            assert!(is_word_of("KEY", text), "{text}");
        }
        for text in ["", "$KEYS", "$A_KEY", "key", "$KEY_ID $MONKEY"] {
            assert!(!is_word_of("KEY", text), "{text}");
        }
    }
}
