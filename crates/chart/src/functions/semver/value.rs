//! A version as templates meet it: `*semver.Version` of `semver`, `semver.Version` of its `Inc…` and `Set…` methods.

use std::{cmp::Ordering, rc::Rc};

use super::{Version, said};
use crate::{
    function::{Fault, Scope},
    value::{Field, Kind, Method, Shown, Struct, Type, Value, types},
};

// statics, so that a type and its methods may name each other
static VERSIONS: [&Type; 1] = [&POINTER];
const TEXTS: &[&Type] = &[&types::STRING];

type Call = fn(&mut Scope<'_>, &Value, &[Value]) -> Result<Value, Fault>;

/// `semver.Version`. It cannot be addressed, so that it lacks the methods of the pointer.
pub static VERSION: Type = Type { name: "semver.Version", kind: Kind::Struct, elem: None, methods: VALUE_METHODS, named: true };
/// `*semver.Version`.
pub static POINTER: Type =
    Type { name: "*semver.Version", kind: Kind::Pointer, elem: Some(&VERSION), methods: &POINTER_METHODS, named: false };

const fn plain(name: &'static str, call: Call) -> Method {
    Method { name, takes: &[], rest: None, call }
}

const fn comparing(name: &'static str, call: Call) -> Method {
    Method { name, takes: &VERSIONS, rest: None, call }
}

const fn setting(name: &'static str, call: Call) -> Method {
    Method { name, takes: TEXTS, rest: None, call }
}

const VALUE_METHODS: &[Method] = &[
    plain("IncMajor", |_, this, _| Ok(of_value(&read(this)?.next_major()))),
    plain("IncMinor", |_, this, _| Ok(of_value(&read(this)?.next_minor()))),
    plain("IncPatch", |_, this, _| Ok(of_value(&read(this)?.next_patch()))),
    plain("Major", |_, this, _| Ok(Value::Uint(read(this)?.major, &types::UINT64))),
    plain("MarshalJSON", |_, this, _| Ok(Value::Bytes(format!("\"{}\"", read(this)?).into()))),
    plain("MarshalText", |_, this, _| Ok(Value::Bytes(read(this)?.to_string().into()))),
    plain("Metadata", |_, this, _| Ok(Value::str(read(this)?.metadata))),
    plain("Minor", |_, this, _| Ok(Value::Uint(read(this)?.minor, &types::UINT64))),
    plain("Patch", |_, this, _| Ok(Value::Uint(read(this)?.patch, &types::UINT64))),
    plain("Prerelease", |_, this, _| Ok(Value::str(read(this)?.prerelease))),
    setting("SetMetadata", |_, this, to| Ok(of_value(&read(this)?.with_metadata(first_text(to)).map_err(said)?))),
    setting("SetPrerelease", |_, this, to| Ok(of_value(&read(this)?.with_prerelease(first_text(to)).map_err(said)?))),
    plain("String", |_, this, _| Ok(Value::str(read(this)?.to_string()))),
    plain("Value", |_, this, _| Ok(Value::str(read(this)?.to_string()))),
];

/// Those that only the pointer has.
static POINTER_METHODS: [Method; 7] = [
    plain("Original", |_, this, _| Ok(Value::str(read(this)?.original))),
    comparing("Compare", |_, this, other| Ok(Value::int(compare(this, other)? as i64))),
    comparing("Equal", |_, this, other| match other {
        [Value::Nil] => Ok(Value::Bool(false)),
        _ => Ok(Value::Bool(compare(this, other)?.is_eq())),
    }),
    comparing("GreaterThan", |_, this, other| Ok(Value::Bool(compare(this, other)?.is_gt()))),
    comparing("GreaterThanEqual", |_, this, other| Ok(Value::Bool(compare(this, other)?.is_ge()))),
    comparing("LessThan", |_, this, other| Ok(Value::Bool(compare(this, other)?.is_lt()))),
    comparing("LessThanEqual", |_, this, other| Ok(Value::Bool(compare(this, other)?.is_le()))),
];

/// The version as `*semver.Version`.
pub(super) fn of_pointer(version: &Version) -> Value {
    of_type(version, &POINTER)
}

/// What a deep copy makes of a version of one of both types: one without numbers, since its fields are not to be seen.
pub(in crate::functions) fn blank(ty: &'static Type) -> Option<Value> {
    let text = String::new;
    let none = Version { major: 0, minor: 0, patch: 0, prerelease: text(), metadata: text(), original: text() };
    (*ty == VERSION || *ty == POINTER).then(|| of_type(&none, ty))
}

fn of_value(version: &Version) -> Value {
    of_type(version, &VERSION)
}

/// Its fields have small letters as Go's do: no template sees them, and JSON does not write them.
fn of_type(version: &Version, ty: &'static Type) -> Value {
    let field = |name, value| Field { name, key: None, omit_empty: false, embedded: false, value };
    let number = |number| Value::Uint(number, &types::UINT64);
    let fields = vec![
        field("major", number(version.major)),
        field("minor", number(version.minor)),
        field("patch", number(version.patch)),
        field("pre", Value::str(version.prerelease.as_str())),
        field("metadata", Value::str(version.metadata.as_str())),
        field("original", Value::str(version.original.as_str())),
    ];
    Value::Struct(Rc::new(Struct { ty, fields, shown: Shown::Text(version.to_string().into()) }))
}

/// The version that a value of one of both types is.
fn read(value: &Value) -> Result<Version, Fault> {
    let Value::Struct(it) = value else { return Err(nil_pointer()) };
    let number = |name| match it.field(name) {
        Some(Value::Uint(number, _)) => *number,
        _ => 0,
    };
    let text = |name| match it.field(name) {
        Some(Value::Str(text)) => text.lossy().into_owned(),
        _ => String::new(),
    };
    Ok(Version {
        major: number("major"),
        minor: number("minor"),
        patch: number("patch"),
        prerelease: text("pre"),
        metadata: text("metadata"),
        original: text("original"),
    })
}

fn compare(this: &Value, other: &[Value]) -> Result<Ordering, Fault> {
    let other = other.first().ok_or_else(nil_pointer)?;
    Ok(read(this)?.compare(&read(other)?))
}

fn nil_pointer() -> Fault {
    Fault::said("runtime error: invalid memory address or nil pointer dereference")
}

fn first_text(arguments: &[Value]) -> &[u8] {
    match arguments {
        [Value::Str(text), ..] => text.as_bytes(),
        _ => b"",
    }
}
