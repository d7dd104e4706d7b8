//! The functions of the language itself.

use super::{
    callee::Builtin,
    compare, escape, index,
    operand::{Held, Operand},
};
use crate::{
    budget::Budget,
    format,
    function::Fault,
    value::{Str, Value},
};

/// Calls one. The name is that of what `call` is to call.
pub(super) fn call(it: Builtin, given: &[Operand], budget: &mut Budget, name: impl Fn() -> Vec<u8>) -> Result<Operand, Fault> {
    let value = match it {
        // their arguments have told already
        Builtin::And | Builtin::Or => Value::Nil,
        Builtin::Not => Value::Bool(!given.first().is_some_and(|operand| operand.value.is_true())),
        Builtin::Len => index::len(given)?,
        Builtin::Index => return index::index(given),
        Builtin::Slice => index::slice(given, budget)?,
        Builtin::Call => return Err(not_a_function(given, name)),
        Builtin::Html => escape::html(&joined(given, budget)?, budget)?,
        Builtin::Js => escape::js(&joined(given, budget)?, budget)?,
        Builtin::UrlQuery => escape::url_query(&joined(given, budget)?, budget)?,
        Builtin::Print => Value::Str(format::sprint(&values(given), budget)?),
        Builtin::Println => Value::Str(format::sprintln(&values(given), budget)?),
        Builtin::Printf => {
            let values = values(given);
            let (form, shown) = values.split_first().ok_or_else(|| Fault::said("no format"))?;
            let form = if let Value::Str(form) = form { form.clone() } else { Str::default() };
            Value::Str(format::sprintf(form.as_bytes(), shown, budget)?)
        }
        Builtin::Eq => Value::Bool(compare::equal(given, budget)?),
        Builtin::Ne => Value::Bool(!compare::equal(given, budget)?),
        Builtin::Lt => Value::Bool(compare::less(given, budget)?),
        Builtin::Le => Value::Bool(compare::less(given, budget)? || compare::equal(given, budget)?),
        Builtin::Gt => Value::Bool(!compare::less(given, budget)? && !compare::equal(given, budget)?),
        Builtin::Ge => Value::Bool(!compare::less(given, budget)?),
    };
    Ok(Operand { value, held: Held::Itself })
}

fn values(given: &[Operand]) -> Vec<Value> {
    given.iter().map(|operand| operand.value.clone()).collect()
}

/// The arguments as `print` shows them, what pointers point to instead of the pointers.
fn joined(given: &[Operand], budget: &mut Budget) -> Result<Str, Fault> {
    if let [Operand { value: Value::Str(text), .. }] = given {
        return Ok(text.clone());
    }
    let mut shown = Vec::with_capacity(given.len());
    for operand in given {
        shown.push(match &operand.value {
            Value::Nil => Value::str("<no value>"),
            Value::Struct(_) => {
                // a text would be joined without spaces: one of another type prints the same
                Value::Struct(std::rc::Rc::new(crate::value::Struct {
                    ty: &crate::value::types::REFLECT,
                    fields: Vec::new(),
                    shown: crate::value::Shown::Text(format::printed(&operand.value, false, budget)?),
                }))
            }
            value => value.clone(),
        });
    }
    Ok(format::sprint(&shown, budget)?)
}

/// No value of a template is a function.
fn not_a_function(given: &[Operand], name: impl Fn() -> Vec<u8>) -> Fault {
    match given.first().and_then(|operand| operand.value.ty()) {
        None => Fault::said("call of nil"),
        Some(ty) => Fault::said([b"non-function ".as_slice(), &name(), b" of type ", ty.name.as_bytes()].concat()),
    }
}
