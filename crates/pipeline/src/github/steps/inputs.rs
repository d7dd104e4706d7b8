//! What an action of the repository is given.

use std::collections::BTreeMap;

use super::evaluate::StepEnv;
use crate::github::actions::{Act, InContainer, words};
use crate::github::contexts::is_fixed;
use crate::github::expression::Contexts;
use crate::github::template::fill;
use crate::github::value::Value;
use crate::plan::{ActionInput, ContainerAction};
use crate::steps::container_action::OF_CONTAINERS;

/// The inputs by the names that the action writes, with its own defaults; and what the log has to say of them. `also` are inputs
/// that the action has without saying so.
pub(super) fn filled(
    inputs: &BTreeMap<String, ActionInput>,
    given: &BTreeMap<String, String>,
    contexts: &Contexts,
    also: &[&str],
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
    let unknown: Vec<String> =
        given.keys().filter(|name| !inputs.contains_key(*name) && !also.contains(&name.as_str())).map(|name| format!("`{name}`")).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = inputs.values().map(|input| input.name.as_str()).collect();
        notes.push(format!("##[warning]the action has no input {}; it has {}", unknown.join(", "), known.join(", ")));
    }
    Ok((out, notes))
}

/// A container of an action with this program, its inputs, and what the log has to say of them.
pub(super) fn in_container(
    action: &ContainerAction,
    program: Option<&String>,
    given: BTreeMap<String, String>,
    env: &StepEnv,
    contexts: &Contexts,
) -> Result<(Box<dyn Act>, BTreeMap<String, String>, Vec<String>), String> {
    let (mut all, notes) = match &action.inputs {
        Some(known) => filled(known, &given, contexts, OF_CONTAINERS)?,
        None => (given.clone(), Vec::new()),
    };
    let asked = |name: &str| given.get(name).filter(|text| !text.is_empty()).cloned();
    for name in OF_CONTAINERS {
        if let Some(text) = asked(name)
            && !all.keys().any(|known| known.eq_ignore_ascii_case(name))
        {
            all.insert((*name).to_owned(), text);
        }
    }
    let mut contexts = contexts.clone();
    contexts.values.insert("inputs", context(&all));
    let args = match &action.args {
        Some(args) => {
            let filled = args.iter().enumerate().map(|(index, arg)| {
                fill(arg, &contexts).map_err(|why| format!("the argument {} of the action cannot be evaluated: {why}", index + 1))
            });
            filled.collect::<Result<Vec<_>, String>>()?
        }
        None => asked("args").map(|text| words(&text)).unwrap_or_default(),
    };
    let mut own = BTreeMap::new();
    for (name, text) in action.env.iter().filter(|(name, _)| !env.all.contains_key(*name) && !is_fixed(name)) {
        let value = fill(text, &contexts).map_err(|why| format!("the variable `{name}` of the action cannot be evaluated: {why}"))?;
        own.insert(name.clone(), value);
    }
    let program = program.cloned().or_else(|| asked("entrypoint"));
    let act = InContainer::boxed(action, program, Some(args).filter(|args| !args.is_empty()), own);
    Ok((act, all, notes))
}

/// The `inputs` context.
pub(super) fn context(inputs: &BTreeMap<String, String>) -> Value {
    Value::texts(inputs)
}

/// The variable by which a script finds an input.
pub(super) fn variable(name: &str) -> String {
    format!("INPUT_{}", name.replace(' ', "_").to_uppercase())
}
