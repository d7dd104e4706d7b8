//! Inputs, secrets and outputs of workflows that a person starts or another workflow calls.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::Given;
use crate::github::checked::{as_written, checked_text, literal};
use crate::github::contexts::{CALL_DEFAULT, CALL_OUTPUT, CALL_WITH};
use crate::github::expression::Contexts;
use crate::github::late::Late;
use crate::github::matrix::json;
use crate::plan::{CallInput, InputKind};
use crate::reader::{Fields, Problems, boolean, choice, closest, join, shown, strings};
use crate::yaml::{At, Node, Value};

/// The most inputs that `workflow_dispatch` may have (GitHub's own bound).
const MAX_DISPATCH: usize = 25;
/// The most inputs, secrets or outputs of a call.
const MAX_CALL: usize = 500;

/// What kind of value an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Boolean,
    Number,
    Choice,
    Environment,
}

/// An input.
struct Input<'n> {
    name: String,
    at: At,
    kind: Kind,
    required: bool,
    default: Option<&'n Node>,
    options: Vec<String>,
}

/// The inputs of a workflow.
#[derive(Default)]
pub(in crate::github) struct Inputs<'n>(Vec<Input<'n>>);

/// What a workflow gets and gives that others call.
#[derive(Default)]
pub(in crate::github) struct Call<'n> {
    pub(in crate::github) inputs: Inputs<'n>,
    /// The secrets that it takes by name, and whether it must get them.
    pub(in crate::github) secrets: Vec<(String, bool)>,
    /// Its outputs: expressions over its jobs.
    pub(in crate::github) outputs: Vec<(String, &'n Node)>,
}

/// Reads `workflow_dispatch`.
pub(super) fn dispatch<'n>(node: &'n Node, problems: &mut Problems) -> Inputs<'n> {
    let Some(mut fields) = Fields::of(node, "on.workflow_dispatch", problems) else { return Inputs::default() };
    let inputs = fields.get("inputs").map(|node| {
        let inputs = read(node, &fields.path_of("inputs"), true, problems);
        if inputs.0.len() > MAX_DISPATCH {
            problems.add(node.at, &fields.path_of("inputs"), format!("more than {MAX_DISPATCH} inputs"), "GitHub takes no more");
        }
        inputs
    });
    fields.finish(&[], problems);
    inputs.unwrap_or_default()
}

/// Reads `workflow_call`.
pub(super) fn call<'n>(node: &'n Node, problems: &mut Problems) -> Call<'n> {
    let Some(mut fields) = Fields::of(node, "on.workflow_call", problems) else { return Call::default() };
    let inputs = fields.get("inputs").map(|node| read(node, &fields.path_of("inputs"), false, problems)).unwrap_or_default();
    let secrets_path = fields.path_of("secrets");
    let mut secrets = Vec::new();
    for (name, at, node) in fields.get("secrets").map(|node| named(node, &secrets_path, problems)).unwrap_or_default() {
        let path = join(&secrets_path, &name);
        if name.eq_ignore_ascii_case("GITHUB_TOKEN") {
            problems.add(at, &path, "every workflow has `GITHUB_TOKEN`", "remove it");
        }
        let mut required = false;
        if !node.is_null()
            && let Some(mut inner) = Fields::of(node, &path, problems)
        {
            description(&mut inner, problems);
            required = inner.get("required").and_then(|node| boolean(node, &inner.path_of("required"), problems)).unwrap_or(false);
            inner.finish(&[], problems);
        }
        secrets.push((name, required));
    }
    let outputs_path = fields.path_of("outputs");
    let mut outputs = Vec::new();
    for (name, at, node) in fields.get("outputs").map(|node| named(node, &outputs_path, problems)).unwrap_or_default() {
        let path = join(&outputs_path, &name);
        let Some(mut inner) = Fields::of(node, &path, problems) else { continue };
        description(&mut inner, problems);
        match inner.get("value") {
            Some(value) if checked_text(value, &inner.path_of("value"), &CALL_OUTPUT, problems).is_some() => outputs.push((name, value)),
            Some(_) => {}
            None => problems.add(at, &path, "the output has no `value`", "write `value: ${{ jobs.JOB.outputs.NAME }}`"),
        }
        inner.finish(&[], problems);
    }
    fields.finish(&[], problems);
    Call { inputs, secrets, outputs }
}

fn description(fields: &mut Fields<'_>, problems: &mut Problems) {
    if let Some(node) = fields.get("description") {
        literal(node, &fields.path_of("description"), problems);
    }
}

/// The entries of a mapping of names.
fn named<'n>(node: &'n Node, path: &str, problems: &mut Problems) -> Vec<(String, At, &'n Node)> {
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("a mapping is expected here, not {}", node.kind()), "write `NAME:` lines below it");
        return Vec::new();
    };
    if entries.len() > MAX_CALL {
        problems.add(node.at, path, format!("more than {MAX_CALL} names"), "leave some out");
    }
    let mut out: Vec<(String, At, &Node)> = Vec::new();
    for (key, value) in entries.iter().take(MAX_CALL) {
        let path = join(path, &key.text);
        let sound = key.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && key.text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !sound {
            let help = "use letters, digits, `_` and `-`, starting with a letter or `_`";
            problems.add(key.at, &path, format!("`{}` cannot be a name here", shown(&key.text)), help);
        }
        out.push((key.text.clone(), key.at, value));
    }
    out
}

fn read<'n>(node: &'n Node, path: &str, dispatch: bool, problems: &mut Problems) -> Inputs<'n> {
    let mut inputs = Vec::new();
    for (name, at, node) in named(node, path, problems) {
        let path = join(path, &name);
        let mut input = Input { name, at, kind: Kind::Text, required: false, default: None, options: Vec::new() };
        // without anything, an input of a person is a text
        if !(dispatch && node.is_null())
            && let Some(mut fields) = Fields::of(node, &path, problems)
        {
            input.read(&mut fields, dispatch, problems);
            fields.finish(&[], problems);
        }
        inputs.push(input);
    }
    Inputs(inputs)
}

impl<'n> Input<'n> {
    fn read(&mut self, fields: &mut Fields<'n>, dispatch: bool, problems: &mut Problems) {
        description(fields, problems);
        if let Some(node) = fields.get("deprecationMessage") {
            literal(node, &fields.path_of("deprecationMessage"), problems);
        }
        self.required = fields.get("required").and_then(|node| boolean(node, &fields.path_of("required"), problems)).unwrap_or(false);
        let mut kinds = vec![("string", Kind::Text), ("boolean", Kind::Boolean), ("number", Kind::Number)];
        if dispatch {
            kinds.extend([("choice", Kind::Choice), ("environment", Kind::Environment)]);
        }
        match fields.get("type") {
            Some(node) => self.kind = choice(node, &kinds, &fields.path_of("type"), problems).unwrap_or(Kind::Text),
            None if !dispatch => problems.add(self.at, &fields.path_of("type"), "the input has no `type`", "write `type: string`"),
            None => {}
        }
        let options = if dispatch { fields.get("options") } else { None };
        let path = fields.path_of("options");
        self.options = options.map(|node| strings(node, &path, problems)).unwrap_or_default();
        if self.kind == Kind::Choice && self.options.is_empty() {
            problems.add(self.at, &path, "a choice has no `options`", "write `options: [a, b]`");
        } else if let Some(node) = options.filter(|_| self.kind != Kind::Choice) {
            problems.add(node.at, &path, "only a choice has `options`", "write `type: choice`");
        }
        self.default = fields.get("default");
        let path = fields.path_of("default");
        let Some(node) = self.default else { return };
        // what another workflow gives by default may be an expression
        if !dispatch && node.text().is_some_and(|text| text.contains("${{")) {
            checked_text(node, &path, &CALL_DEFAULT, problems);
        } else if literal(node, &path, problems).is_some() {
            as_written(node, &path, problems);
            if let Err(why) = self.value(&scalar(node), dispatch) {
                problems.add(node.at, &path, why, "give one that fits its `type`");
            }
        }
    }

    /// A value as this input takes it. What a person fills in is text, and read as what is asked for.
    fn value(&self, given: &Json, filled_in: bool) -> Result<Json, String> {
        let wrong = |what: &str| Err(format!("`{}` is {what}, and this is {}", shown(&self.name), words(given)));
        match (self.kind, given) {
            (Kind::Boolean, Json::Bool(_)) | (Kind::Number, Json::Number(_)) => Ok(given.clone()),
            (Kind::Boolean, Json::String(text)) if filled_in && (text == "true" || text == "false") => Ok(Json::Bool(text == "true")),
            (Kind::Boolean, _) => wrong("`true` or `false`"),
            (Kind::Number, Json::String(text)) if filled_in => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(crate::github::value::Value::Number(number).to_json()),
                _ => wrong("a number"),
            },
            (Kind::Number, _) => wrong("a number"),
            (_, Json::Array(_) | Json::Object(_)) => wrong("text"),
            (kind, given) => {
                let text = crate::github::value::Value::from(given).to_text();
                if kind == Kind::Choice && !self.options.contains(&text) {
                    let options = self.options.iter().map(|option| shown(option)).collect::<Vec<_>>().join(", ");
                    return Err(format!("`{}` is one of {options}, and not `{}`", shown(&self.name), shown(&text)));
                }
                Ok(Json::String(text))
            }
        }
    }

    /// What it is worth if nobody says anything.
    fn nothing(&self) -> Json {
        match self.kind {
            Kind::Boolean => Json::Bool(false),
            Kind::Number => Json::from(0),
            Kind::Text | Kind::Choice | Kind::Environment => Json::String(String::new()),
        }
    }
}

fn words(given: &Json) -> String {
    match given {
        Json::Null => "nothing".to_owned(),
        Json::Bool(value) => format!("`{value}`"),
        Json::Number(value) => format!("the number {value}"),
        Json::String(text) => format!("the text `{}`", shown(text)),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "a mapping".to_owned(),
    }
}

/// A scalar as YAML's core schema reads it.
fn scalar(node: &Node) -> Json {
    match (node.bool(), node.number()) {
        (Some(value), _) => Json::Bool(value),
        (None, Some(number)) => crate::github::value::Value::Number(number).to_json(),
        (None, None) => Json::String(node.text().unwrap_or_default().to_owned()),
    }
}

impl Inputs<'_> {
    /// The values that a person gave, with the defaults of the rest.
    pub(super) fn given(&self, given: &Given, at: At, problems: &mut Problems) -> Map<String, Json> {
        let path = "on.workflow_dispatch.inputs";
        let names: Vec<&str> = self.0.iter().map(|input| input.name.as_str()).collect();
        for name in given.keys().filter(|name| !names.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            problems.add(at, path, format!("the workflow has no input `{}`", shown(name)), closest(name, &names));
        }
        let mut out = Map::new();
        for input in &self.0 {
            let path = join(path, &input.name);
            let value = given.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name)).map(|(_, value)| value);
            let value = match (value, input.default) {
                (Some(value), _) => input.value(value, true),
                (None, Some(node)) => input.value(&scalar(node), true),
                (None, None) if input.required => Err(format!("the input `{}` is required, and was not given", shown(&input.name))),
                (None, None) => Ok(input.nothing()),
            };
            match value {
                Ok(value) => drop(out.insert(input.name.clone(), value)),
                Err(why) => problems.add(input.at, &path, why, "give the input when you start the workflow"),
            }
        }
        out
    }
}

/// Whoever calls a workflow, and with what.
pub(in crate::github) struct Caller<'a> {
    pub(in crate::github) with: Option<&'a Node>,
    pub(in crate::github) at: At,
    pub(in crate::github) path: String,
    /// What is known where it stands.
    pub(in crate::github) contexts: &'a Contexts,
    pub(in crate::github) late: &'a Late,
}

impl Inputs<'_> {
    /// What a called workflow gets: what its caller gives, and the defaults of the rest. `own` is what is known to its defaults.
    pub(in crate::github) fn called(&self, caller: &Caller<'_>, own: &Contexts, problems: &mut Problems) -> BTreeMap<String, CallInput> {
        let path = &caller.path;
        let given = caller.with.map(|node| named(node, path, problems)).unwrap_or_default();
        let names: Vec<&str> = self.0.iter().map(|input| input.name.as_str()).collect();
        for (name, at, _) in given.iter().filter(|(name, ..)| !names.iter().any(|known| known.eq_ignore_ascii_case(name))) {
            problems.add(*at, &join(path, name), format!("the called workflow has no input `{}`", shown(name)), closest(name, &names));
        }
        let mut out = BTreeMap::new();
        for input in &self.0 {
            let value = match given.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&input.name)) {
                Some((name, _, node)) => input.given(node, &join(path, name), caller, problems),
                None => input.left_out(caller, own, problems).map(|value| CallInput::Value { value }),
            };
            out.extend(value.map(|value| (input.name.clone(), value)));
        }
        out
    }
}

impl Input<'_> {
    /// The value that a caller gives.
    fn given(&self, node: &Node, path: &str, caller: &Caller<'_>, problems: &mut Problems) -> Option<CallInput> {
        if caller.late.asks_in(node) {
            let text = checked_text(node, path, &CALL_WITH, problems)?;
            let kind = match self.kind {
                Kind::Boolean => InputKind::Boolean,
                Kind::Number => InputKind::Number,
                Kind::Text | Kind::Choice | Kind::Environment => InputKind::String,
            };
            return Some(CallInput::Expression { text, kind });
        }
        let value = json(node, path, &CALL_WITH, caller.contexts, problems)?;
        let value = self.value(&value, false).map_err(|why| problems.add(node.at, path, why, "give one that fits its `type`")).ok()?;
        Some(CallInput::Value { value })
    }

    /// What it is worth if the caller does not say.
    fn left_out(&self, caller: &Caller<'_>, own: &Contexts, problems: &mut Problems) -> Option<Json> {
        let Some(node) = self.default else {
            if self.required {
                let message = format!("the called workflow must get the input `{}`", shown(&self.name));
                problems.add(caller.at, &caller.path, message, format!("write `with: {{{}: …}}`", self.name));
                return None;
            }
            return Some(self.nothing());
        };
        let path = join("on.workflow_call.inputs", &self.name);
        let value = if node.text().is_some_and(|text| text.contains("${{")) {
            json(node, &path, &CALL_DEFAULT, own, problems)?
        } else {
            scalar(node)
        };
        self.value(&value, false).map_err(|why| problems.add(node.at, &path, why, "give one that fits its `type`")).ok()
    }
}
