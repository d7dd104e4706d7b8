//! Functions that ask what a value is.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
