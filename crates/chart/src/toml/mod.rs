//! TOML, written and read as `BurntSushi/toml` does, which Helm's `toToml` and `fromToml` are.

mod cursor;
mod key;
mod read;
mod scalar;
mod write;

pub use read::{TABLES, read};
pub use write::write;
