//! A chart from bytes.

mod path;

pub(crate) use path::clean;
