//! The variables by which GitLab's runner is told how to check out, what to read and how long scripts may take. A value that asks for what
//! every job has anyway, or for no source at all, is fine; any other is refused.

use std::collections::BTreeMap;

use penstock_model::job::{BUILDS, Checkout, EnvValue};

use crate::input::Dialect;
use crate::reader::{Problems, shown};
use crate::yaml::At;

/// The longest path of a checkout.
const MAX_PATH: usize = 500;
/// Flags of `git fetch` that ask for nothing that is not there.
const FETCHED: &[&str] = &["--tags", "--prune", "--prune-tags", "--force", "--quiet"];

/// What a job starts in, by the variables that [`crate::job_env`] gave.
///
/// # Errors
/// A project's or an earlier job's variable that says what no pipeline file may say.
pub fn checkout(dialect: Dialect, env: &BTreeMap<String, EnvValue>) -> Result<Checkout, String> {
    let given = match env.get("GIT_STRATEGY").filter(|_| dialect == Dialect::GitlabCi) {
        None => "",
        Some(EnvValue::Plain(text)) => text,
        Some(EnvValue::Secret(secret)) => secret.expose(),
    };
    match given {
        "" | "fetch" | "clone" => Ok(Checkout::Commit),
        "none" | "empty" => Ok(Checkout::Empty),
        _ => Err(format!("the variable `GIT_STRATEGY` is given something else than {STRATEGIES}")),
    }
}

/// Where a GitLab job's checkout is to be, by the variables that [`crate::job_env`] gave, if it says so: below [`BUILDS`], as GitLab's
/// runner asks for it.
///
/// # Errors
/// A place elsewhere.
pub fn clone_path(dialect: Dialect, env: &BTreeMap<String, EnvValue>) -> Result<Option<String>, String> {
    let given = match env.get("GIT_CLONE_PATH").filter(|_| dialect == Dialect::GitlabCi) {
        None => return Ok(None),
        Some(EnvValue::Plain(text)) => text,
        Some(EnvValue::Secret(_)) => return Err("`GIT_CLONE_PATH` is made of a masked variable, and logs show where a job is".to_owned()),
    };
    if given.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&str> = given.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let path = format!("/{}", parts.join("/"));
    let inside = path.strip_prefix(BUILDS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if given.starts_with('/') && inside && path.len() <= MAX_PATH && !parts.contains(&"..") && !path.contains(char::is_control) {
        Ok(Some(path))
    } else {
        Err(format!("`GIT_CLONE_PATH` is `{}`, which is not within `$CI_BUILDS_DIR` ({BUILDS})", shown(given)))
    }
}

/// Whether a job asks for files of Git LFS, which nobody fetches here.
pub fn asks_for_lfs(dialect: Dialect, env: &BTreeMap<String, EnvValue>) -> bool {
    let given = env.get("GIT_LFS_SKIP_SMUDGE").filter(|_| dialect == Dialect::GitlabCi);
    matches!(given, Some(EnvValue::Plain(text)) if matches!(&**text, "0" | "false"))
}

/// Refuses a variable that asks for another checkout or other times than jobs have.
pub(super) fn refuse_other(name: &str, value: &str, at: At, path: &str, problems: &mut Problems) {
    if let Some(help) = instead(name, value) {
        problems.add(at, path, format!("`{name}: {}` is not carried out", shown(value)), help);
    }
}

/// Refuses a path in what every job gets anew.
pub(super) fn refuse_git(given: &str, at: At, path: &str, problems: &mut Problems) {
    if given.trim_start_matches("./").split('/').next() == Some(".git") {
        problems.add(at, path, "`.git` is not the job's to keep", "remove it");
    }
}

/// What to do instead, if it is to be refused.
fn instead(name: &str, value: &str) -> Option<&'static str> {
    let (fine, help) = match name {
        "GIT_DEPTH" => (value.bytes().all(|b| b.is_ascii_digit()), "write a whole number, or remove it: the history is whole in every job"),
        "GIT_STRATEGY" => (matches!(value, "fetch" | "clone" | "none" | "empty"), "write `fetch`, `clone`, `none` or `empty`"),
        "GIT_CHECKOUT" => (matches!(value, "true" | "1"), "remove it, and let the job itself `git checkout` what it wants"),
        "GIT_SUBMODULE_STRATEGY" => (matches!(value, "none" | "normal" | "recursive"), "write `none`, `normal` or `recursive`"),
        // what it comes to is known once the job starts
        "GIT_CLONE_PATH" => (
            (value.starts_with('$') || value.starts_with(BUILDS)) && !value.split('/').any(|part| part == ".."),
            "write a path below `$CI_BUILDS_DIR`",
        ),
        "GIT_FETCH_EXTRA_FLAGS" => (
            value.split_whitespace().all(|flag| FETCHED.contains(&flag)),
            "remove it: every branch is there as `origin/BRANCH`, and every tag",
        ),
        "RUNNER_SCRIPT_TIMEOUT" => (false, "write the job's `timeout`"),
        "RUNNER_AFTER_SCRIPT_TIMEOUT" => (value == "5m", "remove it: `after_script` has five minutes"),
        "AFTER_SCRIPT_IGNORE_ERRORS" => (matches!(value, "true" | "1"), "remove it: how `after_script` ends does not count"),
        "CI_DEBUG_TRACE" => (matches!(value, "false" | "0"), "write `set -x` in the script"),
        "GIT_LFS_SKIP_SMUDGE" => (matches!(value, "0" | "1" | "true" | "false"), LFS),
        _ if name.starts_with("GIT_LFS_") => (false, LFS),
        _ => return None,
    };
    (!fine && !value.is_empty()).then_some(help)
}

const STRATEGIES: &str = "`fetch`, `clone`, `none` and `empty`";

const LFS: &str = "remove it: files of Git LFS are not fetched, and their pointers are what the checkout has";
