//! Regular expressions in Go's dialect (RE2).

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];

/// Expressions that this render has compiled.
#[derive(Debug, Default)]
pub struct Cache {}
