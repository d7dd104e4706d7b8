//! Base64, base32.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
