//! Functions that choose: `default`, `coalesce`, `ternary`, `required`, `fail`.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
