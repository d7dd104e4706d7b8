//! Functions of time.

use crate::{function::Function, value::Method};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[];

/// The methods of `time.Time`.
pub const TIME_METHODS: &[Method] = &[];

/// The methods of `time.Duration`.
pub const DURATION_METHODS: &[Method] = &[];
