//! How Go prints: the verbs of `fmt`, quoting and numbers of `strconv`.

use crate::{
    budget::{Budget, Exhausted},
    value::{Str, Value},
};

/// `fmt.Sprint` of one value: what `%v` prints.
pub fn plain(_value: &Value, _budget: &mut Budget) -> Result<Str, Exhausted> {
    Ok(Str::default())
}

/// `strconv.Quote`: `%q` of a text.
pub fn quoted(_text: &[u8]) -> String {
    String::new()
}

/// How a float is written (`strconv.FormatFloat`): `form` is one of `e`, `E`, `f`, `g`, `G`; no `precision` is the fewest digits that read back as the same number.
pub fn float(_number: f64, _form: char, _precision: Option<usize>) -> String {
    String::new()
}
