//! Functions that choose: `default`, `coalesce`, `ternary`, `required`, `fail`.

use crate::{
    function::{Fault, Function, Scope},
    functions::arguments::{ANY, BOOL, TEXT, any, function, text, truth, variadic},
    value::{Str, Value},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    variadic("default", &[ANY], ANY, |_, arguments| {
        let given = any(arguments, 1);
        Ok(if given.is_true() { given } else { any(arguments, 0) })
    }),
    function("empty", &[ANY], |_, arguments| Ok(Value::Bool(!any(arguments, 0).is_true()))),
    variadic("coalesce", &[], ANY, |_, arguments| Ok(arguments.iter().find(|value| value.is_true()).cloned().unwrap_or(Value::Nil))),
    variadic("all", &[], ANY, |_, arguments| Ok(Value::Bool(arguments.iter().all(Value::is_true)))),
    variadic("any", &[], ANY, |_, arguments| Ok(Value::Bool(arguments.iter().any(Value::is_true)))),
    function("ternary", &[ANY, ANY, BOOL], |_, arguments| Ok(any(arguments, usize::from(!truth(arguments, 2))))),
    function("fail", &[TEXT], fail),
    function("required", &[TEXT, ANY], required),
];

/// A message between Helm's marks, by which it is found again in the error that text/template makes of it.
fn marked(message: &Str) -> Fault {
    Fault::said([b"HELM_ERR_START", message.as_bytes(), b"HELM_ERR_END"].concat())
}

fn fail(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    if scope.lint { Ok(Value::str("")) } else { Err(marked(&text(arguments, 0))) }
}

fn required(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let value = any(arguments, 1);
    let missing = match &value {
        Value::Nil => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    match (missing, scope.lint) {
        (false, _) => Ok(value),
        (true, true) => Ok(Value::str("")),
        (true, false) => Err(marked(&text(arguments, 0))),
    }
}
