//! Fields: of maps and structs, and methods without and with arguments.

use super::{
    MissingKey,
    execute::Machine,
    frame::{Call, Carried, Target, wrong},
    operand::{Held, Operand, zero},
    tree::{After, At, Given, NameId, Node, NodeId, Tree},
};
use crate::{
    functions::dates::uncallable,
    value::{Map, Method, Str, Value},
};

/// What a name is on a value.
enum Found {
    /// A field, an entry, or none.
    Value(Operand),
    Method(&'static Method),
}

/// The fields of structs that Go does not export: a template that names one is told so.
const UNEXPORTED: &[(&str, &[&str])] = &[
    ("time.Time", &["wall", "ext", "loc"]),
    ("*semver.Version", &["major", "minor", "patch", "pre", "metadata", "original"]),
    ("semver.Version", &["major", "minor", "patch", "pre", "metadata", "original"]),
    ("*semver.Constraints", &["constraints"]),
    ("*chart.Chart", &["parent", "dependencies"]),
];

impl Machine<'_, '_> {
    /// What a way begins with, and the fields on it.
    fn begin<'t>(&mut self, tree: &'t Tree, node: NodeId) -> Carried<(Operand, &'t [NameId])> {
        match tree.node(node) {
            Some(Node::Field(names)) => {
                self.now.mark = node;
                Ok((self.now.dot.clone(), names))
            }
            Some(Node::Variable(names)) => {
                self.now.mark = node;
                let (variable, fields) = names.split_first().map_or((0, names.as_slice()), |(first, rest)| (*first, rest));
                Ok((self.variable(variable)?.1.clone(), fields))
            }
            // its errors are told where those of what it begins with would be
            Some(Node::Chain(_, names)) => Ok((self.pop(), names)),
            _ => Ok((self.pop(), &[])),
        }
    }

    /// A way without arguments.
    pub(super) fn way(&mut self, tree: &Tree, node: NodeId, after: After) -> Carried<()> {
        let (mut value, names) = self.begin(tree, node)?;
        self.run.scope.budget.step(names.len() as u64)?;
        for name in names {
            value = self.field(value, tree.name_of(*name), node)?;
        }
        self.finish(value, after)
    }

    fn field(&mut self, receiver: Operand, name: &[u8], node: NodeId) -> Carried<Operand> {
        self.run.scope.budget.step(name.len() as u64 / 64)?;
        match self.look(&receiver, name, false)? {
            Found::Value(value) => Ok(value),
            Found::Method(method) => {
                super::call::arity(method.name, method.takes, method.rest, Given::default())?;
                let given = (method.call)(&mut self.run.scope, &receiver.value, &[]);
                self.answer(given, method.name, node)
            }
        }
    }

    /// A way whose last field has arguments: the call of a method, or an error.
    pub(super) fn method(&mut self, tree: &Tree, node: NodeId, given: Given, past: At) -> Carried<()> {
        let (mut receiver, names) = self.begin(tree, node)?;
        let Some((last, names)) = names.split_last() else { return Ok(()) };
        self.run.scope.budget.step(names.len() as u64)?;
        for name in names {
            receiver = self.field(receiver, tree.name_of(*name), node)?;
        }
        match self.look(&receiver, tree.name_of(*last), given.any())? {
            Found::Value(value) => {
                if given.piped {
                    // what was handed on lies below
                    self.pop();
                }
                self.now.at = past;
                self.finish(value, After::Settle)
            }
            Found::Method(method) => {
                super::call::arity(method.name, method.takes, method.rest, given)?;
                let target = Target::Method(method, receiver.value);
                self.calls.push(Call { target, takes: method.takes, rest: method.rest, given, base: self.stack.len(), node });
                Ok(())
            }
        }
    }

    fn look(&self, receiver: &Operand, name: &[u8], arguments: bool) -> Carried<Found> {
        let told = || Value::str(name);
        if receiver.is_none() {
            return match self.run.missing {
                MissingKey::Error => wrong("nil data; no entry for key %q", [told()]),
                MissingKey::Nothing | MissingKey::Zero => Ok(Found::Value(Operand::none())),
            };
        }
        if receiver.is_nil() {
            return wrong("nil pointer evaluating %s.%s", [Value::str(receiver.type_name()), told()]);
        }
        if let Some(method) = receiver.value.ty().and_then(|ty| ty.method(name)) {
            return Ok(Found::Method(method));
        }
        if matches!(receiver.value, Value::Time(_))
            && let Some(why) = uncallable(name)
        {
            return wrong("%s", [Value::str(why)]);
        }
        match &receiver.value {
            Value::Map(_) if arguments => wrong("%s is not a method but has arguments", [told()]),
            Value::Map(map) => self.entry(map, name).map(Found::Value),
            Value::Struct(it) => {
                // a small letter begins what is not exported
                let exported = name.first().is_some_and(|letter| !letter.is_ascii_lowercase());
                let field = std::str::from_utf8(name).ok().filter(|_| exported).and_then(|name| it.field(name));
                match field {
                    Some(_) if arguments => wrong("%s has arguments but cannot be invoked as function", [told()]),
                    Some(value) => Ok(Found::Value(Operand { value: value.clone(), held: Held::Place })),
                    None => unknown(receiver, name),
                }
            }
            _ => unknown(receiver, name),
        }
    }

    fn entry(&self, map: &Map, name: &[u8]) -> Carried<Operand> {
        let elem = map.ty().elem;
        if let Some(value) = map.get(name) {
            return Ok(Operand::element(value, elem));
        }
        match self.run.missing {
            MissingKey::Nothing => Ok(Operand::none()),
            MissingKey::Zero => Ok(Operand::element(elem.map_or(Value::Nil, zero), elem)),
            MissingKey::Error => wrong("map has no entry for key %q", [Value::Str(Str::from(name))]),
        }
    }
}

fn unknown<T>(receiver: &Operand, name: &[u8]) -> Carried<T> {
    let ty = receiver.value.ty().map_or("", |ty| ty.name);
    let hidden = UNEXPORTED.iter().any(|(known, names)| *known == ty && names.iter().any(|hidden| hidden.as_bytes() == name));
    let (name, ty) = (Value::str(name), Value::str(receiver.type_name()));
    if hidden {
        return wrong("%s is an unexported field of struct type %s", [name, ty]);
    }
    wrong("can't evaluate field %s in type %s", [name, ty])
}
