//! Arithmetic, and its number kinds.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
