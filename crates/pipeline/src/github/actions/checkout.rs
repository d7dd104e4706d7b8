//! `actions/checkout`: every job starts in a checkout of the commit, with the whole history and all tags.

use std::collections::BTreeMap;

use super::{Refusal, settled};
use crate::reader::shown;

/// Inputs with one value that changes nothing here, and none that does something else.
const ONLY: &[(&str, &str)] = &[("clean", "true"), ("persist-credentials", "false"), ("submodules", "false"), ("lfs", "false")];
/// Inputs that ask for another checkout.
const OTHER: &[&str] = &["ref", "repository", "path", "token", "ssh-key", "sparse-checkout"];

/// Why these inputs cannot be carried out.
pub(super) fn check(with: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (name, same) in ONLY {
        if let Some(given) = with.get(*name).filter(|given| given.as_str() != *same) {
            let help = format!("remove it; the job starts in a checkout of the commit alone, as with `{name}: {same}`");
            return Err(Refusal::input(name, format!("`{name}: {}` is not carried out", shown(given)), help));
        }
    }
    if let Some(name) = OTHER.iter().find(|name| with.contains_key(**name)) {
        let help = "remove it; the job starts in a checkout of the pushed commit";
        return Err(Refusal::input(name, format!("`{name}` is not carried out"), help));
    }
    if settled(with, "fetch-depth").is_some_and(|depth| depth.parse::<u32>().is_err()) {
        let help = "write `0`, or remove it: the history is whole whatever it says";
        return Err(Refusal::input("fetch-depth", "`fetch-depth` is a whole number", help));
    }
    Ok(())
}
