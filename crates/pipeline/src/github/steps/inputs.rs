//! What an action of the repository is given.

use std::collections::BTreeMap;

use crate::github::expression::Contexts;
use crate::github::template::fill;
use crate::github::value::Value;
use crate::plan::ActionInput;

/// The inputs by the names that the action writes, with its own defaults; and what the log has to say of them.
pub(super) fn filled(
    inputs: &BTreeMap<String, ActionInput>,
    given: &BTreeMap<String, String>,
    contexts: &Contexts,
) -> Result<(BTreeMap<String, String>, Vec<String>), String> {
    let (mut out, mut notes) = (BTreeMap::new(), Vec::new());
    for (key, input) in inputs {
        let value = match (given.get(key), &input.default) {
            (Some(given), _) => {
                if let Some(why) = &input.deprecated {
                    notes.push(format!("##[warning]the input `{}` should not be given any more: {why}", input.name));
                }
                given.clone()
            }
            (None, Some(default)) => {
                fill(default, contexts).map_err(|why| format!("the input `{}` cannot be evaluated: {why}", input.name))?
            }
            (None, None) => {
                if input.required {
                    notes.push(format!("##[warning]the action wants the input `{}`, which is not given", input.name));
                }
                String::new()
            }
        };
        out.insert(input.name.clone(), value);
    }
    let unknown: Vec<String> = given.keys().filter(|name| !inputs.contains_key(*name)).map(|name| format!("`{name}`")).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = inputs.values().map(|input| input.name.as_str()).collect();
        notes.push(format!("##[warning]the action has no input {}; it has {}", unknown.join(", "), known.join(", ")));
    }
    Ok((out, notes))
}

/// The `inputs` context.
pub(super) fn context(inputs: &BTreeMap<String, String>) -> Value {
    Value::texts(inputs)
}

/// The variable by which a script finds an input.
pub(super) fn variable(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}
