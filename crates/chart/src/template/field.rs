//! Fields: of maps and structs, and methods without and with arguments.

use super::{
    MissingKey,
    execute::Machine,
    frame::{Call, Carried, Target, wrong},
    operand::{Held, Operand, zero},
    tree::{At, Given, NameId, NodeId, Tree},
};
use crate::value::{Map, Str, Value, types::Method};

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
];

impl Machine<'_, '_> {
    /// A field without arguments.
    pub(super) fn field(&mut self, tree: &Tree, name: NameId, node: NodeId) -> Carried<()> {
        let receiver = self.pop();
        let value = match self.look(&receiver, tree.name_of(name), false)? {
            Found::Value(value) => value,
            Found::Method(method) => {
                super::call::arity(method.name, method.takes, method.rest, Given::default())?;
                let given = (method.call)(&mut self.run.scope, &receiver.value, &[]);
                self.answer(given, method.name, node)?
            }
        };
        self.stack.push(value);
        Ok(())
    }

    /// A field with arguments: the call of a method, or an error.
    pub(super) fn method(&mut self, tree: &Tree, name: NameId, node: NodeId, given: Given, past: At) -> Carried<()> {
        // the value that is handed on lies below
        let receiver = self.pop();
        match self.look(&receiver, tree.name_of(name), given.any())? {
            Found::Value(value) => {
                if given.piped {
                    self.pop();
                }
                self.stack.push(value);
                self.now.at = past;
            }
            Found::Method(method) => {
                super::call::arity(method.name, method.takes, method.rest, given)?;
                let target = Target::Method(method, receiver.value);
                self.calls.push(Call { target, takes: method.takes, rest: method.rest, given, base: self.stack.len(), node });
            }
        }
        Ok(())
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
        let methods = receiver.value.ty().map_or(&[] as &[Method], |ty| ty.methods);
        if let Some(method) = methods.iter().find(|method| method.name.as_bytes() == name) {
            return Ok(Found::Method(method));
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
