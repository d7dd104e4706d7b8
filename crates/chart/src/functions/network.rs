//! URLs, hosts, and what a cluster holds.

use crate::function::Function;

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];
