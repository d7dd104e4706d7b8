//! Functions that ask what a value is.

use std::rc::Rc;

use crate::{
    budget::Exhausted,
    function::{Function, Scope},
    functions::arguments::{ANY, TEXT, any, function, text},
    value::{Str, Struct, Value},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    function("typeOf", &[ANY], |_, arguments| Ok(Value::str(type_of(&any(arguments, 0))))),
    function("kindOf", &[ANY], |_, arguments| Ok(Value::Str(kind_of(&any(arguments, 0))))),
    function("typeIs", &[TEXT, ANY], |_, arguments| Ok(Value::Bool(text(arguments, 0) == type_of(&any(arguments, 1))))),
    function("kindIs", &[TEXT, ANY], |_, arguments| Ok(Value::Bool(text(arguments, 0) == kind_of(&any(arguments, 1))))),
    function("typeIsLike", &[TEXT, ANY], |_, arguments| {
        let (target, ty) = (text(arguments, 0), type_of(&any(arguments, 1)));
        Ok(Value::Bool(target == ty || ty.strip_prefix('*').is_some_and(|pointed| target == pointed)))
    }),
    function("deepEqual", &[ANY, ANY], |scope, arguments| Ok(Value::Bool(deep_equal(scope, &any(arguments, 0), &any(arguments, 1))?))),
];

fn type_of(value: &Value) -> &'static str {
    value.ty().map_or("<nil>", |ty| ty.name)
}

/// The name of a value's kind.
pub fn kind_of(value: &Value) -> Str {
    Str::from(value.kind().map_or_else(|| "invalid".to_owned(), |kind| kind.to_string()))
}

/// `reflect.DeepEqual`: of the same type and equal all the way down. A map or slice is equal to itself, whatever it holds.
pub fn deep_equal(scope: &mut Scope<'_>, one: &Value, other: &Value) -> Result<bool, Exhausted> {
    scope.budget.step(1)?;
    if one.ty() != other.ty() {
        return Ok(false);
    }
    Ok(match (one, other) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(one, _), Value::Int(other, _)) => one == other,
        (Value::Uint(one, _), Value::Uint(other, _)) => one == other,
        #[allow(clippy::float_cmp, reason = "as Go compares")]
        (Value::Float(one), Value::Float(other)) => one == other,
        #[allow(clippy::float_cmp, reason = "as Go compares")]
        (Value::Complex(..), Value::Complex(..)) => parts(one) == parts(other),
        (Value::Str(one), Value::Str(other)) | (Value::Bytes(one), Value::Bytes(other)) => {
            scope.budget.scan(one.len())?;
            one == other
        }
        (Value::List(one), Value::List(other)) => {
            let (items, others) = (one.items(), other.items());
            if one.is_nil() != other.is_nil() || items.len() != others.len() {
                return Ok(false);
            }
            std::ptr::eq(items, others) || all_equal(scope, items.iter().zip(others))?
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.is_nil() != other.is_nil() || one.len() != other.len() {
                return Ok(false);
            }
            if one.is(other) {
                return Ok(true);
            }
            let (entries, others) = (one.entries(), other.entries());
            entries.iter().zip(&others).all(|((key, _), (other, _))| key == other)
                && all_equal(scope, entries.iter().map(|(_, value)| value).zip(others.iter().map(|(_, value)| value)))?
        }
        (Value::Struct(one), Value::Struct(other)) => Rc::ptr_eq(one, other) || structs_equal(scope, one, other)?,
        (Value::Time(one), Value::Time(other)) => one == other && one.time_zone() == other.time_zone(),
        _ => false,
    })
}

fn parts(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::Complex(real, imaginary) => Some((*real, *imaginary)),
        _ => None,
    }
}

fn structs_equal(scope: &mut Scope<'_>, one: &Struct, other: &Struct) -> Result<bool, Exhausted> {
    if one.fields.len() != other.fields.len() {
        return Ok(false);
    }
    all_equal(scope, one.fields.iter().zip(&other.fields).map(|(one, other)| (&one.value, &other.value)))
}

fn all_equal<'v>(scope: &mut Scope<'_>, pairs: impl Iterator<Item = (&'v Value, &'v Value)>) -> Result<bool, Exhausted> {
    scope.budget.enter()?;
    let mut equal = true;
    for (one, other) in pairs {
        if !deep_equal(scope, one, other)? {
            equal = false;
            break;
        }
    }
    scope.budget.leave();
    Ok(equal)
}
