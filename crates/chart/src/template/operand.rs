//! Values while a template is carried out: with what Go's reflection knows of them beside what they hold.

use crate::value::{Kind, Type, Value, types::ANY};

/// Where a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// By itself. [`Value::Nil`] by itself is no value at all.
    Itself,
    /// In an `interface{}`: an element of a list or a map. [`Value::Nil`] in one is a nil.
    Interface,
    /// In a struct that a pointer points to, so that it has the methods of a pointer.
    Place,
}

/// A value, and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) value: Value,
    pub(super) held: Held,
}

impl From<Value> for Operand {
    fn from(value: Value) -> Self {
        Self { value, held: Held::Itself }
    }
}

impl Operand {
    /// No value: what a missing key is, or `nil` once it was taken out of its interface.
    pub(super) fn none() -> Self {
        Self::from(Value::Nil)
    }

    /// An element of what holds such elements.
    pub(super) fn element(value: Value, ty: Option<&'static Type>) -> Self {
        let held = if ty.is_none_or(|ty| ty == &ANY) { Held::Interface } else { Held::Itself };
        Self { value, held }
    }

    /// Whether there is none, not even a nil.
    pub(super) fn is_none(&self) -> bool {
        matches!(self.value, Value::Nil) && self.held != Held::Interface
    }

    /// Whether it is a nil in an interface.
    pub(super) fn is_nil(&self) -> bool {
        matches!(self.value, Value::Nil) && self.held == Held::Interface
    }

    /// Takes it out of its interface.
    pub(super) fn settle(&mut self) {
        if self.held == Held::Interface {
            self.held = Held::Itself;
        }
    }

    /// The name of its type, as an error text about its fields tells it.
    pub(super) fn type_name(&self) -> &'static str {
        match self.held {
            Held::Interface => ANY.name,
            Held::Itself | Held::Place => self.value.ty().map_or("<nil>", |ty| ty.name),
        }
    }
}

/// The zero of a type (`reflect.Zero`), as far as one can be met.
pub(super) fn zero(ty: &'static Type) -> Value {
    use crate::value::{List, Map, Str};
    match ty.kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => Value::Int(0, ty),
        Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 => Value::Uint(0, ty),
        Kind::Float32 | Kind::Float64 => Value::Float(0.0),
        Kind::Complex128 => Value::Complex(0.0, 0.0),
        Kind::String => Value::Str(Str::default()),
        Kind::Map => Value::Map(Map::nil(ty)),
        Kind::Slice if ty.elem.is_some_and(|elem| elem.kind == Kind::Uint8) => Value::Bytes(Str::default()),
        Kind::Slice | Kind::Array => Value::List(List::nil(ty)),
        Kind::Func | Kind::Interface | Kind::Pointer | Kind::Struct => Value::Nil,
    }
}
