//! Where Helm keeps what it keeps for its user, so that either program sees what the other wrote.

use std::path::PathBuf;

use penstock_cli::{CliError, exit};

/// The file of named repositories.
pub fn repositories() -> Result<PathBuf, CliError> {
    named("HELM_REPOSITORY_CONFIG").or_else(|| config("repositories.yaml")).ok_or_else(homeless)
}

/// The folder in which the indexes of named repositories lie.
pub fn indexes() -> Result<PathBuf, CliError> {
    let cache = || below("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache", "repository");
    named("HELM_REPOSITORY_CACHE").or_else(cache).ok_or_else(homeless)
}

/// The file of logins to registries.
pub fn logins() -> Option<PathBuf> {
    named("HELM_REGISTRY_CONFIG").or_else(|| config("registry/config.json"))
}

fn config(name: &str) -> Option<PathBuf> {
    below("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config", name)
}

/// Below Helm's own folder, or below `helm` in the one for all programs, or in the home's.
fn below(own: &str, shared: &str, otherwise: &str, name: &str) -> Option<PathBuf> {
    let shared = || named(shared).or_else(|| Some(named("HOME")?.join(otherwise))).map(|folder| folder.join("helm"));
    Some(named(own).or_else(shared)?.join(name))
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn homeless() -> CliError {
    CliError::other(
        "it is not known where named repositories are kept: HOME is not set",
        "HELM_REPOSITORY_CONFIG names the file",
        exit::USAGE,
    )
}
