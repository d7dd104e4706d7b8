//! Functions that ask what a value is.

use std::rc::Rc;

use crate::{
    budget::Exhausted,
    function::{Function, Scope},
    functions::arguments::{ANY, ITEM, TEXT, any, function, text},
    value::{List, Map, Str, Value},
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

/// `reflect.DeepEqual`: of the same type and equal all the way down. A map or slice is equal to itself, whatever it holds. What is
/// being compared lies on the heap, not on the thread's stack.
pub fn deep_equal(scope: &mut Scope<'_>, one: &Value, other: &Value) -> Result<bool, Exhausted> {
    let mut comparing: Vec<std::vec::IntoIter<(Value, Value)>> = Vec::new();
    let mut next = Some((one.clone(), other.clone()));
    let mut equal = true;
    loop {
        if let Some((one, other)) = next {
            match compared(scope, &one, &other)? {
                Compared::Equal => {}
                Compared::Different => equal = false,
                Compared::If(pairs) => {
                    scope.budget.enter()?;
                    scope.budget.make(pairs.len().saturating_mul(2 * ITEM))?;
                    comparing.push(pairs.into_iter());
                }
            }
        }
        let Some(pairs) = comparing.last_mut() else { return Ok(equal) };
        next = if equal { pairs.next() } else { None };
        if next.is_none() {
            scope.budget.leave();
            comparing.pop();
        }
    }
}

enum Compared {
    Equal,
    Different,
    /// Where all of these are equal.
    If(Vec<(Value, Value)>),
}

fn compared(scope: &mut Scope<'_>, one: &Value, other: &Value) -> Result<Compared, Exhausted> {
    scope.budget.step(1)?;
    if one.ty() != other.ty() {
        return Ok(Compared::Different);
    }
    let equal = match (one, other) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(one, _), Value::Int(other, _)) => one == other,
        (Value::Uint(one, _), Value::Uint(other, _)) => one == other,
        #[allow(clippy::float_cmp, reason = "as Go compares")]
        (Value::Float(one), Value::Float(other)) => one == other,
        #[allow(clippy::float_cmp, reason = "as Go compares")]
        (Value::Complex(one, i), Value::Complex(other, j)) => (one, i) == (other, j),
        (Value::Str(one), Value::Str(other)) | (Value::Bytes(one), Value::Bytes(other)) => {
            scope.budget.scan(one.len())?;
            one == other
        }
        (Value::List(one), Value::List(other)) => return Ok(lists(one, other)),
        (Value::Map(one), Value::Map(other)) => return Ok(maps(one, other)),
        (Value::Struct(one), Value::Struct(other)) => {
            if !Rc::ptr_eq(one, other) && one.fields.len() == other.fields.len() {
                let pairs = one.fields.iter().zip(&other.fields).map(|(one, other)| (one.value.clone(), other.value.clone()));
                return Ok(Compared::If(pairs.collect()));
            }
            Rc::ptr_eq(one, other)
        }
        (Value::Time(one), Value::Time(other)) => one == other && one.time_zone() == other.time_zone(),
        _ => false,
    };
    Ok(if equal { Compared::Equal } else { Compared::Different })
}

fn lists(one: &List, other: &List) -> Compared {
    let (items, others) = (one.items(), other.items());
    if one.is_nil() != other.is_nil() || items.len() != others.len() {
        Compared::Different
    } else if std::ptr::eq(items, others) {
        Compared::Equal
    } else {
        Compared::If(items.iter().cloned().zip(others.iter().cloned()).collect())
    }
}

fn maps(one: &Map, other: &Map) -> Compared {
    if one.is_nil() != other.is_nil() || one.len() != other.len() {
        return Compared::Different;
    }
    if one.is(other) {
        return Compared::Equal;
    }
    let (entries, others) = (one.entries(), other.entries());
    if entries.iter().zip(&others).any(|((key, _), (other, _))| key != other) {
        return Compared::Different;
    }
    Compared::If(entries.into_iter().zip(others).map(|((_, value), (_, other))| (value, other)).collect())
}
