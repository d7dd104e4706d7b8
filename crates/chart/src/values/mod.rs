//! Values: how files, flags, parents and subcharts are merged.

mod coalesce;
mod dependencies;
mod flags;
mod imports;
mod path;
mod runes;
mod set;
#[cfg(test)]
mod tests;

pub use coalesce::{GLOBAL, Nulls, coalesce, lay_over, table_of};
pub use dependencies::{Settled, settle};
pub use flags::{Given, ValuesFile};
pub(crate) use imports::Import;
pub(crate) use path::{at_path, table};
pub(crate) use runes::fold;
pub use set::{Taken, set};
