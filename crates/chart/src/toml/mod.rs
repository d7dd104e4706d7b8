//! TOML, written and read as `BurntSushi/toml` does, which Helm's `toToml` and `fromToml` are.

mod context;
mod cursor;
mod key;
mod read;
mod scalar;
mod value;
mod write;

pub use read::{TABLES, read};
pub use write::write;
