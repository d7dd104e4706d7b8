//! TOML as `BurntSushi`'s library for Go writes it.
