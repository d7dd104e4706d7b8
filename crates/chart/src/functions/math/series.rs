//! Series of whole numbers.

use std::fmt::Write as _;

use crate::{
    function::{Fault, Scope},
    functions::arguments::{int, spend_items},
    value::{List, Value, types},
};

/// The numbers from `start` on, `stop` left out.
fn steps(start: i64, stop: i64, step: i64) -> impl Iterator<Item = i64> {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    let count = if step > 0 && start < stop {
        (stop - start + step - 1) / step
    } else if step < 0 && start > stop {
        (start - stop - step - 1) / -step
    } else {
        0
    };
    (0..count).map_while(move |at| i64::try_from(start + at * step).ok())
}

fn listed(scope: &mut Scope<'_>, start: i64, stop: i64, step: i64) -> Result<Value, Fault> {
    let mut numbers = Vec::new();
    for number in steps(start, stop, step) {
        spend_items(scope, 0, 1)?;
        numbers.push(Value::int(number));
    }
    Ok(Value::List(List::grown(&types::INTS, numbers)))
}

pub fn until(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let stop = int(arguments, 0);
    listed(scope, 0, stop, if stop < 0 { -1 } else { 1 })
}

pub fn until_step(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    listed(scope, int(arguments, 0), int(arguments, 1), int(arguments, 2))
}

/// As the command of that name: up to the last number, which is counted in.
pub fn seq(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (start, step, end) = match arguments.len() {
        1 => (1, None, int(arguments, 0)),
        2 => (int(arguments, 0), None, int(arguments, 1)),
        3 => (int(arguments, 0), Some(int(arguments, 1)), int(arguments, 2)),
        _ => return Ok(Value::str("")),
    };
    let towards = if end < start { -1 } else { 1 };
    if towards < 0 && step.is_some_and(|step| step > 0) {
        return Ok(Value::str(""));
    }
    let mut text = String::new();
    for number in steps(start, end.wrapping_add(towards), step.unwrap_or(towards)) {
        let before = text.len();
        let separator = if text.is_empty() { "" } else { " " };
        scope.budget.step(1)?;
        // a String takes every number
        let _ = write!(text, "{separator}{number}");
        scope.budget.make(text.len() - before)?;
    }
    Ok(Value::str(text))
}
