//! Semantic versions and their constraints, as Masterminds' `semver` 3.3 reads them: what `semver` and `semverCompare` answer, and what a
//! chart's dependencies and its `kubeVersion` are held against.

mod constraint;
#[cfg(test)]
mod tests;
mod value;
mod version;

pub use constraint::Constraints;
pub(super) use value::blank;
pub use version::Version;

use crate::{
    function::{Fault, Function, Scope},
    value::{Str, Value, types},
};

/// The functions of this file.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "semver", takes: &[&types::STRING], rest: None, call: semver },
    Function { name: "semverCompare", takes: &[&types::STRING, &types::STRING], rest: None, call: semver_compare },
];

/// Why a text is no version, or no constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is not of a version's form.
    #[error("Invalid Semantic Version")]
    Version,
    /// A part of a strict version has another letter than its own.
    #[error("Invalid characters in version")]
    Characters,
    /// There is nothing.
    #[error("Version string empty")]
    Empty,
    /// A number starts with 0.
    #[error("Version segment starts with 0")]
    LeadingZero,
    /// What follows the `-` is not letters, digits, hyphens and dots.
    #[error("Invalid Prerelease string")]
    Prerelease,
    /// What follows the `+` is not letters, digits, hyphens and dots.
    #[error("Invalid Metadata string")]
    Metadata,
    /// A number is too large.
    #[error("Error parsing version segment: strconv.ParseUint: parsing \"{0}\": value out of range")]
    Number(String),
    /// A number of a strict version is too large.
    #[error("strconv.ParseUint: parsing \"{0}\": value out of range")]
    StrictNumber(String),
    /// A number of a strict version is not there.
    #[error("strconv.ParseUint: parsing \"\": invalid syntax")]
    StrictEmpty,
    /// It is not of a constraint's form.
    #[error("improper constraint: {0}")]
    Constraint(Str),
    /// A constraint's version is none.
    #[error("constraint Parser Error")]
    ConstraintVersion,
}

/// Whether the version is one that the constraint takes.
///
/// ```
/// use penstock_chart::functions::semver::satisfies;
/// assert_eq!(satisfies(">=1.19.0-0 <2-0", "v1.33.1-gke.5"), Ok(true));
/// ```
pub fn satisfies(constraint: impl AsRef<[u8]>, version: impl AsRef<[u8]>) -> Result<bool, Invalid> {
    let constraints = Constraints::parse(constraint)?;
    Ok(constraints.check(&Version::parse(version)?))
}

fn semver(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(text)] = arguments else { return Ok(Value::Nil) };
    scope.budget.scan(text.len())?;
    scope.budget.make(2 * text.len())?;
    Ok(value::of_pointer(&Version::parse(text).map_err(said)?))
}

fn semver_compare(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(constraint), Value::Str(version)] = arguments else { return Ok(Value::Nil) };
    // each byte of a constraint is looked at by several expressions
    scope.budget.scan(8 * constraint.len() + version.len())?;
    Ok(Value::Bool(satisfies(constraint, version).map_err(said)?))
}

fn said(invalid: Invalid) -> Fault {
    match invalid {
        // by bytes: the text shows as it came
        Invalid::Constraint(text) => Fault::said([b"improper constraint: ", text.as_bytes()].concat()),
        other => Fault::said(other.to_string()),
    }
}
