//! Where the dependencies of a chart come from, and at which versions.
//!
//! In three steps, since looking is for the hands: [`name_repositories`] puts addresses for the names of repositories, [`resolve()`] says what
//! must be looked at, [`locked`] chooses among what was found.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    chart::Dependency,
    format::quoted,
    functions::semver::{Constraints, Version},
    load::{clean, whole_address},
};

/// A repository that the user has given a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRepository {
    /// The name.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// Repositories that nobody knows.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no repository definition for {}. Please add them via 'helm repo add'{}", .0.join(", "), advice(.0))]
pub struct Unknown(pub Vec<String>);

/// People like to write `stable` where an address should be.
fn advice(missing: &[String]) -> &'static str {
    let is_name = |name: &String| !name.contains("//") && !name.starts_with('@') && !name.starts_with("alias:");
    if missing.iter().any(is_name) {
        "\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too ('helm repo add')."
    } else {
        ""
    }
}

/// Puts addresses where dependencies name a repository (`@name`, `alias:name`), and says which known repository each dependency is in. A
/// dependency in an address that nobody named is in none of them.
pub fn name_repositories(asked: &mut [Dependency], known: &[KnownRepository]) -> Result<BTreeMap<String, String>, Unknown> {
    let (mut names, mut missing) = (BTreeMap::new(), Vec::new());
    for dependency in asked {
        let repository = dependency.repository.clone();
        if matches!(source(&repository), Source::Inside | Source::Directory(_) | Source::Oci(_)) {
            continue;
        }
        let alias = repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"));
        let found = known.iter().find(|it| alias == Some(it.name.as_str()) || is_same_address(&it.url, &repository));
        match found {
            Some(found) => {
                if alias == Some(found.name.as_str()) {
                    dependency.repository.clone_from(&found.url);
                }
                names.insert(dependency.name.clone(), found.name.clone());
            }
            None if whole_address(&repository).is_some() => {}
            None => missing.push(repository),
        }
    }
    if missing.is_empty() { Ok(names) } else { Err(Unknown(missing)) }
}

/// Whether two addresses are the same but for slashes and dots in their paths.
pub(super) fn is_same_address(one: &str, two: &str) -> bool {
    let parts = |url: &str| {
        let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        (scheme.to_ascii_lowercase(), host.to_owned(), clean(path.as_bytes()), query.to_owned())
    };
    parts(one) == parts(two)
}

/// Where a dependency comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It stands in `charts/` already.
    Inside,
    /// A directory, by its path from the chart's own or from the root.
    Directory(String),
    /// A repository with an index, by its address.
    Repository(String),
    /// A registry: what comes in front of the chart's name, without `oci://`.
    Oci(String),
}

fn source(repository: &str) -> Source {
    if repository.is_empty() {
        Source::Inside
    } else if let Some(path) = repository.strip_prefix("file://") {
        Source::Directory(path.to_owned())
    } else if let Some(reference) = repository.strip_prefix("oci://") {
        Source::Oci(reference.to_owned())
    } else {
        Source::Repository(repository.to_owned())
    }
}

/// What must be looked at to choose the version of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The chart.
    pub name: String,
    /// The constraint on its version.
    pub version: String,
    /// Where it comes from.
    pub source: Source,
    /// Whether the version is one already, so that a registry need not be asked for its tags.
    pub is_exact: bool,
}

/// What was found where a dependency comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing had to be looked at.
    AsAsked,
    /// These versions, the newest first: of the index's entry, or the registry's tags.
    Versions(Vec<String>),
    /// The index has no such chart.
    NoEntry,
}

/// Why there is no version. Each text is Helm's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResolveError {
    /// A constraint that is none.
    #[error("dependency {} has an invalid version/constraint format: {why}", quoted(name.as_bytes()))]
    Constraint {
        /// The dependency.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A repository does not have the chart.
    #[error("{name} chart not found in repo {repository}")]
    NoEntry {
        /// The chart.
        name: String,
        /// The repository.
        repository: String,
    },
    /// No version fits.
    #[error(
        "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
        .0.len(),
        .0.join(", ")
    )]
    NoVersion(Vec<String>),
}

/// What must be looked at for these dependencies, in their order.
pub fn resolve(asked: &[Dependency]) -> Result<Vec<Needed>, ResolveError> {
    let each = |it: &Dependency| {
        constraint(it)?;
        Ok(Needed {
            name: it.name.clone(),
            version: it.version.clone(),
            source: source(&it.repository),
            is_exact: Version::parse(&it.version).is_ok(),
        })
    };
    asked.iter().map(each).collect()
}

fn constraint(dependency: &Dependency) -> Result<Constraints, ResolveError> {
    Constraints::parse(&dependency.version).map_err(|why| ResolveError::Constraint { name: dependency.name.clone(), why: why.to_string() })
}

/// The first of these versions that a constraint takes.
pub fn choose<'a>(constraint: &Constraints, versions: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    versions.into_iter().find(|version| Version::parse(version).is_ok_and(|version| constraint.check(&version)))
}

/// The dependencies as a lock has them, from what was found for each.
pub fn locked(asked: &[Dependency], found: &[Found]) -> Result<Vec<Dependency>, ResolveError> {
    let (mut chosen, mut missing) = (Vec::new(), Vec::new());
    for (asked, found) in asked.iter().zip(found) {
        let constraint = constraint(asked)?;
        let version = match found {
            Found::AsAsked => Some(asked.version.as_str()),
            Found::Versions(versions) => choose(&constraint, versions.iter().map(String::as_str)),
            Found::NoEntry => {
                let (name, repository) = (asked.name.clone(), asked.repository.clone());
                return Err(ResolveError::NoEntry { name, repository });
            }
        };
        let shown = |text: &str| quoted(text.as_bytes());
        match version {
            Some(version) => chosen.push(Dependency {
                name: asked.name.clone(),
                version: version.to_owned(),
                repository: asked.repository.clone(),
                ..Dependency::default()
            }),
            None => {
                missing.push(format!(
                    "{} (repository {}, version {})",
                    shown(&asked.name),
                    shown(&asked.repository),
                    shown(&asked.version)
                ));
            }
        }
    }
    if missing.is_empty() { Ok(chosen) } else { Err(ResolveError::NoVersion(missing)) }
}
