//! How Go prints: the verbs of `fmt`, quoting and numbers of `strconv`.

mod clock;
mod directive;
mod float;
mod integer;
mod measure;
mod number;
mod printer;
mod quote;
#[cfg(test)]
mod tests;
pub mod unicode;

use printer::Printer;
pub(crate) use printer::pointed;

pub(crate) use quote::unescaped;
pub use {
    clock::{duration, time, time_in_go},
    directive::sprintf,
    float::float,
    number::{NumberError, parse_float, parse_int, parse_uint},
    quote::{can_backquote, letter, quoted, quoted_letter, unquoted},
};

use crate::{
    budget::{Budget, Exhausted},
    value::{Kind, Shown, Str, Value},
};

/// `fmt.Sprint` of one value: what `%v` prints.
pub fn plain(value: &Value, budget: &mut Budget) -> Result<Str, Exhausted> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        _ => sprint(std::slice::from_ref(value), budget),
    }
}

/// What a template prints of a value by `{{ . }}`: what a pointer points to instead of the pointer, and by its `String` method
/// where it lies in place.
pub fn printed(value: &Value, in_place: bool, budget: &mut Budget) -> Result<Str, Exhausted> {
    let Value::Struct(it) = value else { return plain(value, budget) };
    let pointer = it.ty.kind == Kind::Pointer;
    match &it.shown {
        Shown::TextInPlace(text) if in_place || pointer => Ok(text.clone()),
        Shown::Text(text) => Ok(text.clone()),
        _ if !pointer => plain(value, budget),
        _ => {
            // `&{…}` without what says that it is a pointer
            let shown = plain(value, budget)?;
            Ok(Str::from(shown.as_bytes().strip_prefix(b"&").unwrap_or(shown.as_bytes())))
        }
    }
}

/// `fmt.Sprint`: a space only between two operands that are no texts.
pub fn sprint(values: &[Value], budget: &mut Budget) -> Result<Str, Exhausted> {
    let mut printer = Printer::new(Vec::new(), budget);
    let mut text_before = true;
    for value in values {
        let text = value.kind() == Some(Kind::String);
        if !text && !text_before {
            printer.put(" ")?;
        }
        printer.argument(value, 'v')?;
        text_before = text;
    }
    Ok(Str::from(printer.out))
}

/// `fmt.Sprintln`: a space between any two operands, and a line end.
pub fn sprintln(values: &[Value], budget: &mut Budget) -> Result<Str, Exhausted> {
    let mut printer = Printer::new(Vec::new(), budget);
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            printer.put(" ")?;
        }
        printer.argument(value, 'v')?;
    }
    printer.put("\n")?;
    Ok(Str::from(printer.out))
}
