//! The actions that Penstock carries out itself, and the versions that they answer to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::act::{Act, Inputs};
use super::facts::Facts;
use super::{artifacts, cache, checkout, container, docker, golangci, green, idle, metadata, reports, results, rust_cache, setup, trivy};
use crate::plan::{Action, Lack, NamedAt};
use crate::reader::shown;

/// An action that Penstock carries out itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuiltIn {
    /// `actions/checkout`.
    Checkout,
    /// `actions/cache`.
    Cache,
    /// `actions/cache/restore`.
    CacheRestore,
    /// `actions/cache/save`.
    CacheSave,
    /// `actions/upload-artifact`.
    UploadArtifact,
    /// `actions/download-artifact`.
    DownloadArtifact,
    /// `actions/setup-python`.
    SetupPython,
    /// `actions/setup-node`.
    SetupNode,
    /// `actions/setup-go`.
    SetupGo,
    /// `actions/setup-java`.
    SetupJava,
    /// `docker/login-action`.
    DockerLogin,
    /// `docker/setup-buildx-action`.
    DockerBuildx,
    /// `docker/setup-qemu-action`.
    DockerQemu,
    /// `docker/metadata-action`.
    DockerMetadata,
    /// `docker/build-push-action`.
    DockerBuild,
    /// `github/codeql-action/upload-sarif`.
    UploadSarif,
    /// `codecov/codecov-action`.
    Codecov,
    /// `aquasecurity/trivy-action`.
    Trivy,
    /// `dtolnay/rust-toolchain`.
    RustToolchain,
    /// `actions-rs/toolchain`.
    ActionsRsToolchain,
    /// `actions-rust-lang/setup-rust-toolchain`.
    SetupRust,
    /// `Swatinem/rust-cache`.
    RustCache,
    /// `astral-sh/setup-uv`.
    SetupUv,
    /// `ruby/setup-ruby`.
    SetupRuby,
    /// `pnpm/action-setup`.
    SetupPnpm,
    /// `oven-sh/setup-bun`.
    SetupBun,
    /// `denoland/setup-deno`.
    SetupDeno,
    /// `lukka/get-cmake`.
    GetCmake,
    /// `deadsnakes/action`.
    Deadsnakes,
    /// `golangci/golangci-lint-action`.
    Golangci,
    /// `re-actors/alls-green`.
    AllsGreen,
    /// `step-security/harden-runner`.
    HardenRunner,
    /// `jlumbroso/free-disk-space`.
    FreeDiskSpace,
    /// `mikepenz/action-junit-report`.
    JunitReport,
    /// `EnricoMi/publish-unit-test-result-action`.
    PublishTests,
    /// `codecov/test-results-action`.
    CodecovTests,
    /// `coverallsapp/github-action`.
    Coveralls,
}

type Begin = fn(Inputs, &Facts, &BTreeMap<String, String>) -> Result<Box<dyn Act>, String>;

/// What Penstock knows about an action that it carries out itself.
pub(super) struct Known {
    /// As a workflow names it, in lower case.
    pub(super) name: &'static str,
    pub(super) built_in: BuiltIn,
    /// The major versions whose inputs and outputs it has.
    pub(super) majors: &'static [u32],
    /// Branches that workflows name in place of a version; `*` stands for any end.
    pub(super) branches: &'static [&'static str],
    /// All inputs that it has.
    pub(super) inputs: &'static [&'static str],
    /// Why inputs that are known while planning cannot be carried out.
    pub(super) check: fn(&Inputs) -> Result<(), Refusal>,
    pub(super) begin: Begin,
}

const KNOWN: &[Known] = &[
    checkout::KNOWN,
    cache::KNOWN,
    cache::RESTORE,
    cache::SAVE,
    artifacts::UPLOAD,
    artifacts::DOWNLOAD,
    setup::PYTHON,
    setup::NODE,
    setup::GO,
    setup::JAVA,
    docker::LOGIN,
    docker::BUILDX,
    docker::QEMU,
    metadata::KNOWN,
    docker::BUILD,
    reports::SARIF,
    reports::CODECOV,
    trivy::KNOWN,
    setup::RUST_TOOLCHAIN,
    setup::ACTIONS_RS,
    setup::SETUP_RUST,
    rust_cache::KNOWN,
    setup::UV,
    setup::RUBY,
    setup::PNPM,
    setup::BUN,
    setup::DENO,
    setup::CMAKE,
    setup::DEADSNAKES,
    golangci::KNOWN,
    green::KNOWN,
    idle::HARDEN,
    idle::FREE_DISK,
    results::MIKEPENZ,
    results::ENRICOMI,
    results::CODECOV_TESTS,
    results::COVERALLS,
];

/// Actions whose copies would not do what is asked for either: one asks for a Docker daemon, the other passes over it in silence
/// that there is no wall.
const NO_COPY: &[BuiltIn] = &[BuiltIn::DockerBuild, BuiltIn::HardenRunner];

/// Why a `uses` is not carried out.
#[derive(Debug)]
pub(in crate::github) struct Refusal {
    /// The input that is at fault; otherwise the action.
    pub(in crate::github) input: Option<String>,
    pub(in crate::github) message: String,
    pub(in crate::github) help: String,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { input: None, message: message.into(), help: help.into() }
    }

    pub(super) fn input(name: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { input: Some(name.to_owned()), message: message.into(), help: help.into() }
    }
}

/// Refuses the first of some inputs that is given, unless what it is given is harmless.
pub(super) fn without(inputs: &Inputs, names: &[&str], harmless: fn(&str) -> bool, help: &str) -> Result<(), Refusal> {
    match names.iter().find(|name| inputs.get(name).is_some_and(|given| !harmless(given))) {
        Some(name) => Err(Refusal::input(name, format!("`{name}` is not carried out"), help)),
        None => Ok(()),
    }
}

/// `false`, as YAML 1.2 writes it.
pub(super) fn is_false(given: &str) -> bool {
    matches!(given, "false" | "False" | "FALSE")
}

/// True for a path that stays below where it starts.
pub(super) fn is_file(path: &str) -> bool {
    !path.starts_with('/') && !path.split('/').any(|part| part == ".." || part.contains('\0'))
}

/// Nothing is refused.
pub(super) fn anything(_: &Inputs) -> Result<(), Refusal> {
    Ok(())
}

/// What carries an action out. Inputs that hold no expression are checked; the others when the step runs.
pub(in crate::github) fn resolve(uses: &str, with: &BTreeMap<String, String>) -> Result<Action, Refusal> {
    if let Some(path) = uses.strip_prefix("./").or_else(|| (uses == ".").then_some("")) {
        let path = path.trim_end_matches('/');
        if !path.is_empty() && !is_file(path) {
            return Err(Refusal::new(format!("`{}` leaves the repository", shown(uses)), "name a folder of it"));
        }
        return Ok(Action::Unread { path: path.to_owned(), at: NamedAt::default() });
    }
    if let Some(image) = container::step(uses) {
        return image;
    }
    let builtin = uses.rsplit_once('@').and_then(|(action, version)| {
        let name = action.to_lowercase();
        Some((KNOWN.iter().find(|known| known.name == name)?, version))
    });
    let Some((known, version)) = builtin else { return super::uses::elsewhere(uses) };
    let settled = with.iter().filter(|(_, text)| !text.contains("${{"));
    let settled = Inputs::new(settled.map(|(name, text)| (name.clone(), text.clone())).collect());
    let refused = known.version_fault(version).or_else(|| (known.check)(&settled).err());
    let unknown = known.unknown(with);
    let (refusal, own) = match refused {
        Some(refusal) => (refusal, None),
        None if unknown.is_empty() => return Ok(Action::BuiltIn { name: known.built_in }),
        None => (Refusal::new(known.unknown_words(&unknown), ""), Some(known.built_in)),
    };
    if own.is_none() && NO_COPY.contains(&known.built_in) {
        return Err(refusal);
    }
    // a copy of the action may have what Penstock's own lacks
    let Ok(Action::Elsewhere { repository, reference, path, at, .. }) = super::uses::elsewhere(uses) else { return Err(refusal) };
    let Refusal { input, message: why, help } = refusal;
    let lack = Lack { why, help, line: 0, at: NamedAt { column: 0, key: input.unwrap_or_default() }, own, unknown };
    Ok(Action::Elsewhere { repository, reference, path, at, lack: Some(Box::new(lack)) })
}

/// Two lists of inputs as one.
pub(super) const fn joined<const N: usize>(first: &[&'static str], second: &[&'static str]) -> [&'static str; N] {
    let (mut all, mut at) = ([""; N], 0);
    while at < N {
        all[at] = if at < first.len() { first[at] } else { second[at - first.len()] };
        at += 1;
    }
    all
}

/// Begins an action with its inputs; `env` is the step's. An error fails the step.
pub(in crate::github) fn begin(
    action: BuiltIn,
    uses: &str,
    given: BTreeMap<String, String>,
    facts: &Facts,
    env: &BTreeMap<String, String>,
) -> Result<(Box<dyn Act>, Vec<String>), String> {
    let known = KNOWN.iter().find(|known| known.built_in == action).ok_or("this Penstock does not have the action")?;
    let unknown = known.unknown(&given);
    let mut notes = Vec::new();
    if !unknown.is_empty() {
        // as at GitHub, that is no failure
        notes.push(format!("##[warning]{}", known.unknown_words(&unknown)));
    }
    let inputs = Inputs::new(given).of_version(uses.rsplit_once('@').map_or("", |(_, version)| version));
    (known.check)(&inputs).map_err(|refusal| format!("{}\nhelp: {}", refusal.message, refusal.help))?;
    Ok(((known.begin)(inputs, facts, env)?, notes))
}

impl Known {
    /// Inputs that it does not have.
    fn unknown(&self, given: &BTreeMap<String, String>) -> Vec<String> {
        given.keys().filter(|name| !self.inputs.iter().any(|known| known.eq_ignore_ascii_case(name))).cloned().collect()
    }

    fn unknown_words(&self, unknown: &[String]) -> String {
        let unknown: Vec<String> = unknown.iter().map(|name| format!("`{}`", shown(name))).collect();
        format!("{} has no input {}; it has {}", self.name, unknown.join(", "), self.inputs.join(", "))
    }

    /// Why it does not answer to a version.
    fn version_fault(&self, version: &str) -> Option<Refusal> {
        if self.answers_to(version) {
            return None;
        }
        let majors = self.majors.iter().map(|major| format!("v{major}"));
        let names: Vec<String> = majors.chain(self.branches.iter().map(|branch| (*branch).to_owned())).collect();
        let message = format!("`{}` names no version of {} that Penstock has", shown(version), self.name);
        Some(Refusal::new(message, format!("use one of: {}", names.join(", "))))
    }

    /// True for a major version's tag, a release of it, and a full commit, which pins code that Penstock does not run.
    fn answers_to(&self, version: &str) -> bool {
        let commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        let major = version.strip_prefix('v').unwrap_or(version).split('.').next().and_then(|major| major.parse().ok());
        let of = |branch: &&str| branch.strip_suffix('*').map_or(*branch == version, |start| version.starts_with(start));
        commit || self.branches.iter().any(of) || major.is_some_and(|major: u32| self.majors.contains(&major))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../../../docs/github-actions.md");

    #[test]
    fn the_document_has_a_row_for_every_action_with_its_newest_version() {
        for known in KNOWN {
            let row = DOCUMENT.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", known.name)));
            let versions = row.and_then(|row| row.split('|').nth(2)).unwrap_or_else(|| panic!("no row for {}", known.name));
            let newest = known.majors.iter().max().map(ToString::to_string).unwrap_or_default();
            assert!(versions.contains(&newest), "{}: {newest} is not in `{versions}`", known.name);
            for branch in known.branches {
                assert!(versions.contains(&format!("`{branch}`")), "{}: {branch}", known.name);
            }
        }
    }

    #[test]
    fn an_action_answers_to_its_majors_releases_and_commits() {
        let none = BTreeMap::new();
        let commit = "8f4b7f84864484a7bf31766abe9204da3cbe65b3";
        for version in ["v4", "v4.2", "v4.2.1", "4", "main", commit] {
            assert!(resolve(&format!("Actions/Checkout@{version}"), &none).is_ok(), "{version}");
        }
        for version in ["v99", "latest", "8f4b7f8", "releases/v4"] {
            let lacks = resolve(&format!("actions/checkout@{version}"), &none);
            assert!(matches!(lacks, Ok(Action::Elsewhere { lack: Some(_), .. })), "{version}");
        }
        assert!(resolve("actions/checkout@", &none).is_err());
        // a release of the whole machine is no release of its part
        assert!(matches!(resolve("actions/checkout/sub@v4", &none), Ok(Action::Elsewhere { .. })));
    }
}
