//! Go's types, as far as a template can tell them apart: by `typeOf`, by `kindOf`, by which function takes what, by their methods.

use std::fmt;

use super::Value;
use crate::function::{Fault, Scope};

/// `reflect.Kind`. `Display` gives Go's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is Go's kind of that name")]
pub enum Kind {
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Float32,
    Float64,
    Complex128,
    Array,
    Func,
    Interface,
    Map,
    Pointer,
    Slice,
    String,
    Struct,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::Array => "array",
            Self::Func => "func",
            Self::Interface => "interface",
            Self::Map => "map",
            Self::Pointer => "ptr",
            Self::Slice => "slice",
            Self::String => "string",
            Self::Struct => "struct",
        })
    }
}

/// A method that a template may call on a value of a named type: `.Capabilities.APIVersions.Has "v1"`.
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments, the receiver apart.
    pub takes: &'static [&'static Type],
    /// The type of any number of arguments after those.
    pub rest: Option<&'static Type>,
    /// What it does: the receiver, then the arguments, each already of its type.
    pub(crate) call: fn(&mut Scope<'_>, &Value, &[Value]) -> Result<Value, Fault>,
}

/// A type of Go. Each is a `static`; two are the same when they are the same `static`.
pub struct Type {
    /// As Go's `%T` prints it: `map[string]interface {}`, `chartutil.Values`, `*semver.Version`.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What a slice, an array, a map or a pointer holds.
    pub elem: Option<&'static Type>,
    /// What may be called on it; on a pointer, what may be called on that to which it points, besides: see [`Type::method`].
    pub methods: &'static [Method],
    /// Whether it has a name of its own (`chartutil.Values`). A value of an unnamed map or slice type may be given where a named
    /// type with the same elements is wanted, and the other way round; one of another named type may not.
    pub named: bool,
}

impl PartialEq for Type {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Type {}

impl fmt::Debug for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl Type {
    /// A type without methods that holds nothing.
    pub const fn plain(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, elem: None, methods: &[], named: true }
    }

    /// What may be called on a value of this type by that name.
    pub fn method(&self, name: &[u8]) -> Option<&'static Method> {
        let named = |methods: &'static [Method]| methods.iter().find(|method| method.name.as_bytes() == name);
        let pointed = || self.elem.filter(|_| self.kind == Kind::Pointer);
        named(self.methods).or_else(|| named(pointed()?.methods))
    }

    /// An unnamed type that holds others.
    pub const fn of(name: &'static str, kind: Kind, elem: &'static Type) -> Self {
        Self { name, kind, elem: Some(elem), methods: &[], named: false }
    }
}

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $type:expr;)*) => { $($(#[$doc])* pub static $name: Type = $type;)* };
}

types! {
    /// What takes any value: `interface{}`.
    ANY = Type::plain("interface {}", Kind::Interface);
    /// What takes any value as it is, even none: the builtin functions' `reflect.Value`.
    REFLECT = Type::plain("reflect.Value", Kind::Struct);
    /// `bool`
    BOOL = Type::plain("bool", Kind::Bool);
    /// `int`
    INT = Type::plain("int", Kind::Int);
    /// `int32`, Go's `rune` too
    INT32 = Type::plain("int32", Kind::Int32);
    /// `int64`
    INT64 = Type::plain("int64", Kind::Int64);
    /// `uint8`, Go's `byte` too
    UINT8 = Type::plain("uint8", Kind::Uint8);
    /// `uint32`
    UINT32 = Type::plain("uint32", Kind::Uint32);
    /// `uint64`
    UINT64 = Type::plain("uint64", Kind::Uint64);
    /// `float64`
    FLOAT64 = Type::plain("float64", Kind::Float64);
    /// `complex128`
    COMPLEX128 = Type::plain("complex128", Kind::Complex128);
    /// `string`
    STRING = Type::plain("string", Kind::String);
    /// `[]interface{}`
    LIST = Type::of("[]interface {}", Kind::Slice, &ANY);
    /// `[]string`
    STRINGS = Type::of("[]string", Kind::Slice, &STRING);
    /// `[]int`
    INTS = Type::of("[]int", Kind::Slice, &INT);
    /// `[]byte`
    BYTES = Type::of("[]uint8", Kind::Slice, &UINT8);
    /// `[][]interface{}`, of `chunk`
    LISTS = Type::of("[][]interface {}", Kind::Slice, &LIST);
    /// `map[string]interface{}`
    MAP = Type::of("map[string]interface {}", Kind::Map, &ANY);
    /// `map[string]string`
    STRING_MAP = Type::of("map[string]string", Kind::Map, &STRING);
}
