//! Called workflows while a run goes on: what they get, what they give, what their jobs may see.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::contexts;
use super::expression::Contexts;
use super::template::{Template, fill};
use super::value::Value;
use crate::env::JobContext;
use crate::plan::{CallInput, CallSecrets, InputKind, Plan, PlannedCall};
use crate::run::{CallState, NeedResult};

/// Inputs by name.
pub(crate) type Inputs = Map<String, Json>;

/// The inputs of the workflow in which a job or a call stands.
pub(super) fn inputs_of<'p>(plan: &'p Plan, call: Option<&str>, calls: &'p BTreeMap<String, CallState>) -> &'p Inputs {
    call.and_then(|call| calls.get(call)).map_or(&plan.inputs, |state| &state.inputs)
}

/// What the keys of a call may see: the inputs of the workflow that it stands in, what it needs, its place in a matrix.
fn contexts_of(plan: &Plan, call: &PlannedCall, calls: &BTreeMap<String, CallState>, needs: &BTreeMap<String, NeedResult>) -> Contexts {
    let mut contexts = contexts::of_scope(plan, inputs_of(plan, call.within.as_deref(), calls), needs);
    contexts.values.insert("strategy", contexts::strategy(call.matrix.as_ref()));
    let values = call.matrix.as_ref().map(|matrix| matrix.values.clone()).unwrap_or_default();
    contexts.values.insert("matrix", Value::from(&Json::Object(values)));
    contexts
}

/// What a called workflow gets, once what its call needs is done. `calls` are those that it stands in.
pub(crate) fn call_inputs(
    plan: &Plan,
    call: &PlannedCall,
    calls: &BTreeMap<String, CallState>,
    needs: &BTreeMap<String, NeedResult>,
) -> Result<Inputs, String> {
    let contexts = contexts_of(plan, call, calls, needs);
    let mut out = Map::new();
    for (name, input) in &call.inputs {
        let value = match input {
            CallInput::Value { value } => value.clone(),
            CallInput::Expression { text, kind } => {
                let template = Template::read(text).map_err(|invalid| invalid.message)?;
                let value = template.value(&contexts).map_err(|why| format!("its input `{name}` cannot be evaluated: {why}"))?;
                as_input(name, *kind, &value)?
            }
        };
        out.insert(name.clone(), value);
    }
    Ok(out)
}

fn as_input(name: &str, kind: InputKind, value: &Value) -> Result<Json, String> {
    match (kind, value) {
        (InputKind::Boolean, Value::Bool(_)) | (InputKind::Number, Value::Number(_)) => Ok(value.to_json()),
        (InputKind::String, Value::Array(_) | Value::Object(_)) => {
            Err(format!("its input `{name}` is text, and this is {}", value.to_text()))
        }
        (InputKind::String, value) => Ok(Json::String(value.to_text())),
        (InputKind::Boolean, _) => Err(format!("its input `{name}` is `true` or `false`, and this is `{}`", value.to_text())),
        (InputKind::Number, _) => Err(format!("its input `{name}` is a number, and this is `{}`", value.to_text())),
    }
}

/// What a called workflow gives, once its jobs are done.
pub(crate) fn call_outputs(
    plan: &Plan,
    call: &PlannedCall,
    inputs: &Inputs,
    jobs: &BTreeMap<String, NeedResult>,
) -> BTreeMap<String, String> {
    let mut contexts = contexts::of_scope(plan, inputs, &BTreeMap::new());
    contexts.values.insert("jobs", contexts::needs_value(jobs));
    // what cannot be told is empty, as an output is whose job did not run
    call.outputs.iter().map(|(name, text)| (name.clone(), fill(text, &contexts).unwrap_or_default())).collect()
}

/// The `secrets` of a job: all of the project's, or those that the calls hand on by which its workflow is called. An error is why
/// one that is handed on cannot be told.
pub(super) fn secrets(plan: &Plan, call: Option<&str>, context: &JobContext) -> Result<Vec<(String, Value)>, String> {
    let mut secrets: Vec<(String, Value)> =
        context.secrets.iter().chain(&context.files).map(|(name, secret)| (name.clone(), Value::text(secret.expose()))).collect();
    let mut chain: Vec<&PlannedCall> = plan.chain(call).collect();
    chain.reverse();
    let none = BTreeMap::new();
    for call in chain {
        let CallSecrets::Named(named) = &call.secrets else { continue };
        let needs = context.inputs.calls.get(&call.name).map_or(&none, |state| &state.needs);
        let mut contexts = contexts_of(plan, call, &context.inputs.calls, needs);
        contexts.values.insert("secrets", Value::object(secrets.into_iter().chain(token(context))));
        let tell = |(name, text): (&String, &String)| match fill(text, &contexts) {
            Ok(value) => Ok((name.clone(), Value::text(value))),
            Err(why) => Err(format!("the secret `{name}` of the call `{}` cannot be evaluated: {why}", call.name)),
        };
        secrets = named.iter().map(tell).collect::<Result<_, String>>()?;
    }
    secrets.extend(token(context));
    Ok(secrets)
}

fn token(context: &JobContext) -> Option<(String, Value)> {
    context.token.as_ref().map(|token| ("GITHUB_TOKEN".to_owned(), Value::text(token.expose())))
}
