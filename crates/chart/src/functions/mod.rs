//! The functions that Helm gives to templates: Sprig's, without those that see the environment, and Helm's own.

mod arguments;
mod cast;
pub(crate) mod crypto;
pub mod dates;
pub(crate) mod defaults;
pub(crate) mod dicts;
pub(crate) mod documents;
pub(crate) mod encoding;
pub(crate) mod lists;
pub(crate) mod math;
pub(crate) mod network;
pub(crate) mod paths;
pub(crate) mod reflection;
pub mod regex;
pub(crate) mod runes;
pub mod semver;
pub(crate) mod strings;
#[cfg(test)]
mod tests;

use crate::function::Function;

/// The names of all functions that a template may call, text/template's own among them.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name).chain(crate::template::names().iter().copied())
}

/// Every function, by the file that it stands in. `include`, `tpl` and text/template's own are the engine's.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    [
        crypto::FUNCTIONS,
        dates::FUNCTIONS,
        defaults::FUNCTIONS,
        dicts::FUNCTIONS,
        documents::FUNCTIONS,
        encoding::FUNCTIONS,
        lists::FUNCTIONS,
        math::FUNCTIONS,
        network::FUNCTIONS,
        paths::FUNCTIONS,
        reflection::FUNCTIONS,
        regex::FUNCTIONS,
        semver::FUNCTIONS,
        strings::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}
