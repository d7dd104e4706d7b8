//! Functions that read and write JSON, YAML and TOML.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
