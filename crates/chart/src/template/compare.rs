//! `eq`, `lt` and their kin: which kinds may be compared, and how.

use std::rc::Rc;

use super::operand::Operand;
use crate::{
    budget::Budget,
    format,
    function::Fault,
    value::{Kind, Struct, Type, Value},
};

/// The kinds that Go compares in templates; integers with one another.
#[derive(Clone, Copy)]
enum Basic<'a> {
    Bool(bool),
    Complex(f64, f64),
    Int(i64),
    Float(f64),
    Text(&'a [u8]),
    Uint(u64),
}

fn basic(value: &Value) -> Option<Basic<'_>> {
    Some(match value {
        Value::Bool(it) => Basic::Bool(*it),
        Value::Int(it, _) => Basic::Int(*it),
        Value::Uint(it, _) => Basic::Uint(*it),
        Value::Float(it) => Basic::Float(*it),
        Value::Complex(re, im) => Basic::Complex(*re, *im),
        Value::Str(it) => Basic::Text(it.as_bytes()),
        _ => return None,
    })
}

fn type_name(value: &Value) -> &'static str {
    value.ty().map_or("<nil>", |ty| ty.name)
}

fn incompatible<T>(one: &Value, other: &Value) -> Result<T, Fault> {
    Err(Fault::said(format!("incompatible types for comparison: {} and {}", type_name(one), type_name(other))))
}

/// Whether the first is equal to any of the others.
#[allow(clippy::float_cmp, reason = "Go's == is asked for")]
pub(super) fn equal(given: &[Operand], budget: &mut Budget) -> Result<bool, Fault> {
    let Some((Operand { value: one, .. }, others)) = given.split_first() else { return Ok(false) };
    if others.is_empty() {
        return Err(Fault::said("missing argument for comparison"));
    }
    for Operand { value: other, .. } in others {
        let same = match (basic(one), basic(other)) {
            (Some(Basic::Bool(one)), Some(Basic::Bool(other))) => one == other,
            (Some(Basic::Complex(re, im)), Some(Basic::Complex(other_re, other_im))) => re == other_re && im == other_im,
            (Some(Basic::Float(one)), Some(Basic::Float(other))) => one == other,
            (Some(Basic::Int(one)), Some(Basic::Int(other))) => one == other,
            (Some(Basic::Uint(one)), Some(Basic::Uint(other))) => one == other,
            (Some(Basic::Int(int)), Some(Basic::Uint(uint))) | (Some(Basic::Uint(uint)), Some(Basic::Int(int))) => {
                u64::try_from(int) == Ok(uint)
            }
            (Some(Basic::Text(one)), Some(Basic::Text(other))) => {
                budget.scan(one.len().min(other.len()))?;
                one == other
            }
            (None, None) => equal_others(one, other, budget)?,
            _ if matches!(one, Value::Nil) || matches!(other, Value::Nil) => false,
            _ => return incompatible(one, other),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(it) => it.is_nil(),
        Value::Map(it) => it.is_nil(),
        // a file that is not there has no bytes; ours do not tell none from nil
        Value::Bytes(it) => it.is_empty(),
        _ => false,
    }
}

/// Values of kinds that are compared only with nil, or by being the same.
fn equal_others(one: &Value, other: &Value, budget: &mut Budget) -> Result<bool, Fault> {
    let said = |form: &str, shown: &[Value], budget: &mut Budget| match format::sprintf(form.as_bytes(), shown, budget) {
        Ok(text) => Fault::Said(text),
        Err(limit) => Fault::Limit(limit),
    };
    let kind = |value: &Value| value.kind();
    if kind(one) != kind(other) && !matches!(one, Value::Nil) && !matches!(other, Value::Nil) {
        // Go shows the values and the types in this order
        let shown = [one.clone(), Value::str(type_name(one)), Value::str(type_name(other)), other.clone()];
        return Err(said("non-comparable types %s: %v, %s: %v", &shown, budget));
    }
    if is_nil(one) || is_nil(other) {
        return Ok(is_nil(one) == is_nil(other));
    }
    if !comparable(other) {
        return Err(said("non-comparable type %s: %v", &[other.clone(), Value::str(type_name(other))], budget));
    }
    Ok(match (one, other) {
        (Value::Time(one), Value::Time(other)) => one.timestamp() == other.timestamp() && one.time_zone() == other.time_zone(),
        (Value::Struct(one), Value::Struct(other)) => same_struct(one, other, budget)?,
        _ => false,
    })
}

/// Whether Go's `==` takes values of this type.
fn comparable(value: &Value) -> bool {
    let plain = |ty: &Type| !matches!(ty.kind, Kind::Map | Kind::Slice | Kind::Func);
    match value {
        Value::List(_) | Value::Map(_) | Value::Bytes(_) => false,
        Value::Struct(it) if it.ty.kind != Kind::Pointer => it.fields.iter().all(|field| field.value.ty().is_none_or(plain)),
        _ => true,
    }
}

fn same_struct(one: &Rc<Struct>, other: &Rc<Struct>, budget: &mut Budget) -> Result<bool, Fault> {
    if one.ty != other.ty {
        return Ok(false);
    }
    if one.ty.kind == Kind::Pointer {
        return Ok(Rc::ptr_eq(one, other));
    }
    for (one, other) in one.fields.iter().zip(&other.fields) {
        if !equal(&[Operand::from(one.value.clone()), Operand::from(other.value.clone())], budget)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the first is less than the second.
pub(super) fn less(given: &[Operand], budget: &mut Budget) -> Result<bool, Fault> {
    let [Operand { value: one, .. }, Operand { value: other, .. }] = given else { return Ok(false) };
    let bad = || Fault::said("invalid type for comparison");
    let (first, second) = (basic(one).ok_or_else(bad)?, basic(other).ok_or_else(bad)?);
    Ok(match (first, second) {
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => return Err(bad()),
        (Basic::Float(one), Basic::Float(other)) => one < other,
        (Basic::Int(one), Basic::Int(other)) => one < other,
        (Basic::Uint(one), Basic::Uint(other)) => one < other,
        (Basic::Int(one), Basic::Uint(other)) => u64::try_from(one).is_ok_and(|one| one < other) || one < 0,
        (Basic::Uint(one), Basic::Int(other)) => u64::try_from(other).is_ok_and(|other| one < other),
        (Basic::Text(one), Basic::Text(other)) => {
            budget.scan(one.len().min(other.len()))?;
            one < other
        }
        _ => return incompatible(one, other),
    })
}
