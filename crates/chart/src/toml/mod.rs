//! TOML, written and read as `BurntSushi/toml` does, which Helm's `toToml` and `fromToml` are.

mod context;
mod cursor;
mod heading;
mod key;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod value;
mod write;

#[cfg(test)]
use read::TABLES;
pub use read::read;
pub use write::write;
