//! Actions that Penstock carries out itself, and how a `uses` finds what carries it out.

mod checkout;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::Action;
use crate::reader::shown;

/// An action that Penstock carries out itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuiltIn {
    /// `actions/checkout`.
    Checkout,
}

/// What Penstock knows about an action that it carries out itself.
struct Known {
    /// As a workflow names it, in lower case.
    name: &'static str,
    built_in: BuiltIn,
    /// The major versions whose inputs and outputs it has.
    majors: &'static [u32],
    /// Branches that workflows name in place of a version.
    branches: &'static [&'static str],
    /// Why inputs cannot be carried out.
    check: fn(&BTreeMap<String, String>) -> Result<(), Refusal>,
}

const KNOWN: &[Known] = &[Known {
    name: "actions/checkout",
    built_in: BuiltIn::Checkout,
    majors: &[1, 2, 3, 4, 5, 6],
    branches: &["main", "master"],
    check: checkout::check,
}];

/// Why a `uses` is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The input that is at fault; otherwise the action.
    pub(super) input: Option<String>,
    pub(super) message: String,
    pub(super) help: String,
}

impl Refusal {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { input: None, message: message.into(), help: help.into() }
    }

    fn input(name: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { input: Some(name.to_owned()), message: message.into(), help: help.into() }
    }
}

/// What carries an action out. Inputs that hold no expression are checked; the others when the step runs.
pub(super) fn resolve(uses: &str, with: &BTreeMap<String, String>) -> Result<Action, Refusal> {
    let Some((action, version)) = uses.rsplit_once('@').filter(|(action, _)| !action.starts_with("./")) else {
        return Err(Refusal::new(
            format!("the action `{}` is not carried out", shown(uses)),
            "write what it does as `run`; actions of the repository and images are not carried out yet",
        ));
    };
    let name = action.to_lowercase();
    let Some(known) = KNOWN.iter().find(|known| known.name == name) else {
        return Err(Refusal::new(
            format!("the action `{}` is not carried out", shown(uses)),
            "write what it does as `run`; the machine's toolchains are on the PATH",
        ));
    };
    if !known.answers_to(version) {
        let majors: Vec<String> = known.majors.iter().map(|major| format!("v{major}")).collect();
        return Err(Refusal::new(
            format!("`{}` names no version of {} that Penstock has", shown(version), known.name),
            format!("use one of: {}", majors.join(", ")),
        ));
    }
    (known.check)(with)?;
    Ok(Action::BuiltIn { name: known.built_in })
}

impl Known {
    /// True for a major version's tag, a release of it, and a full commit (which pins what Penstock does not run).
    fn answers_to(&self, version: &str) -> bool {
        let commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        let major = version.strip_prefix('v').unwrap_or(version).split('.').next().and_then(|major| major.parse().ok());
        commit || self.branches.contains(&version) || major.is_some_and(|major: u32| self.majors.contains(&major))
    }
}

/// The text of an input that is known while planning.
fn settled<'w>(with: &'w BTreeMap<String, String>, name: &str) -> Option<&'w str> {
    with.get(name).map(String::as_str).filter(|text| !text.is_empty() && !text.contains("${{"))
}
