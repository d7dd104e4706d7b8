//! Semantic versions and their constraints.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
