//! Arguments: each must be of the type that is asked for, and a constant becomes it.

use super::{
    constant::{Ideal, Number},
    execute::Machine,
    frame::{Carried, wrong},
    operand::{Operand, zero},
    tree::{After, Node, NodeId, Tree},
};
use crate::value::{
    Kind, Str, Type, Value,
    types::{ANY, REFLECT},
};

impl Machine<'_, '_> {
    /// The type of the argument that comes next.
    pub(super) fn argument_type(&self) -> Option<&'static Type> {
        let call = self.calls.last()?;
        call.ty(self.stack.len().checked_sub(call.base)?)
    }

    pub(super) fn argument(&mut self) -> Carried<()> {
        let value = self.pop();
        self.finish(value, After::Argue)
    }

    pub(super) fn constant_argument(&mut self, tree: &Tree, node: NodeId) -> Carried<()> {
        self.now.mark = node;
        let Some(ty) = self.argument_type() else { return Ok(()) };
        let Some(constant) = tree.node(node) else { return Ok(()) };
        let number = if let Node::Number(number) = constant { Some(number) } else { None };
        let told = |form: &'static str| wrong(form, [Value::str(tree.wording(node))]);
        let value = match (constant, ty.kind) {
            (Node::Nil, _) if can_be_nil(ty) => zero(ty),
            (Node::Nil, _) => return wrong("cannot assign nil to %s", [Value::str(ty.name)]),
            (_, Kind::Interface) => any(tree, node, constant)?,
            (_, Kind::Struct) if ty == &REFLECT => any(tree, node, constant)?,
            (Node::Bool(it), Kind::Bool) => Value::Bool(*it),
            (_, Kind::Bool) => return told("expected bool; found %s"),
            (Node::Text(_, text), Kind::String) => Value::Str(text.clone()),
            (_, Kind::String) => return told("expected string; found %s"),
            (_, Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64) => match number.and_then(|number| number.int) {
                Some(int) => Value::Int(cut(int, ty.kind), ty),
                None => return told("expected integer; found %s"),
            },
            (_, Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64) => match number.and_then(|number| number.uint) {
                Some(uint) => Value::Uint(uint, ty),
                None => return told("expected unsigned integer; found %s"),
            },
            (_, Kind::Float32 | Kind::Float64) => match number.and_then(|number| number.float) {
                Some(float) => Value::Float(float),
                None => return told("expected float; found %s"),
            },
            (_, Kind::Complex128) => match number.and_then(|number| number.complex) {
                Some((re, im)) => Value::Complex(re, im),
                None => return told("expected complex; found %s"),
            },
            _ => return wrong("can't handle %s for arg of type %s", [Value::str(tree.wording(node)), Value::str(ty.name)]),
        };
        self.stack.push(Operand::from(value));
        Ok(())
    }

    /// A constant as a command by itself.
    pub(super) fn constant(&mut self, tree: &Tree, node: NodeId) -> Carried<()> {
        self.now.mark = node;
        let value = match tree.node(node) {
            Some(Node::Nil) => return wrong("nil is not a command", []),
            Some(constant) => Operand::from(any(tree, node, constant)?),
            None => Operand::none(),
        };
        self.stack.push(value);
        Ok(())
    }
}

/// A constant where no type is asked for.
fn any(tree: &Tree, node: NodeId, constant: &Node) -> Carried<Value> {
    Ok(match constant {
        Node::Bool(it) => Value::Bool(*it),
        Node::Text(_, text) => Value::Str(text.clone()),
        Node::Number(number) => ideal(number)?,
        _ => return wrong("can't handle assignment of %s to empty interface argument", [Value::str(tree.wording(node))]),
    })
}

fn ideal(number: &Number) -> Carried<Value> {
    Ok(match number.ideal() {
        Some(Ideal::Int(int)) => Value::int(int),
        Some(Ideal::Float(float)) => Value::Float(float),
        Some(Ideal::Complex(re, im)) => Value::Complex(re, im),
        Some(Ideal::Overflow) => return wrong("%s overflows int", [Value::Str(Str::from(number.text.as_slice()))]),
        None => Value::Nil,
    })
}

/// An integer in the bits of its kind, as `reflect.Value.SetInt` leaves it.
#[allow(clippy::cast_possible_truncation, reason = "that is what is asked for")]
fn cut(int: i64, kind: Kind) -> i64 {
    match kind {
        Kind::Int8 => i64::from(int as i8),
        Kind::Int16 => i64::from(int as i16),
        Kind::Int32 => i64::from(int as i32),
        _ => int,
    }
}

pub(super) fn can_be_nil(ty: &Type) -> bool {
    ty == &REFLECT || matches!(ty.kind, Kind::Func | Kind::Interface | Kind::Map | Kind::Pointer | Kind::Slice)
}

/// Whether a value of one type may be given where the other is asked for (`reflect.Type.AssignableTo`).
pub(super) fn assignable(from: &Type, to: &Type) -> bool {
    from == to || to == &ANY || from.elem.is_some() && from.kind == to.kind && from.elem == to.elem && !(from.named && to.named)
}

/// The value as an argument of that type.
pub(super) fn valid(operand: Operand, ty: &'static Type) -> Carried<Operand> {
    if operand.is_none() {
        if can_be_nil(ty) {
            return Ok(Operand::from(zero(ty)));
        }
        return wrong("invalid value; expected %s", [Value::str(ty.name)]);
    }
    if ty == &REFLECT || ty == &ANY {
        return Ok(operand);
    }
    let Some(from) = operand.value.ty() else {
        return wrong("wrong type for value; expected %s; got %s", [Value::str(ty.name), Value::str(ANY.name)]);
    };
    // a pointer may stand for what it points to
    let pointed = from.kind == Kind::Pointer && from.elem.is_some_and(|elem| assignable(elem, ty));
    if pointed || assignable(from, ty) {
        return Ok(operand);
    }
    wrong("wrong type for value; expected %s; got %s", [Value::str(ty.name), Value::str(from.name)])
}
