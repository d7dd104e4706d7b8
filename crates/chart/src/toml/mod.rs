//! TOML, written and read as `BurntSushi/toml` does, which Helm's `toToml` and `fromToml` are.

mod key;
mod write;

pub use write::write;
