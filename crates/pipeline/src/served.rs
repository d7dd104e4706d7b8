//! Which jobs this machine takes: it is the only runner.
//!
//! A job that asks for another one is no fault of the file: with GitHub and GitLab it waits for such a runner until it is given
//! up. Here it fails at once, so that nobody waits for what cannot come.

use serde_json::Value as Json;

use crate::input::Dialect;
use crate::plan::PlannedJob;
use crate::reader::shown;

/// Groups that this machine is in: GitHub's own name for the one that every runner is in at first.
const GROUPS: &[&str] = &["default", "penstock"];

/// How words of a tag begin that ask for another system or processor.
const SYSTEMS: &[&str] = &["windows", "macos", "osx", "darwin", "freebsd", "openbsd", "netbsd", "ppc64", "s390x", "riscv", "mips"];

/// Why no runner here takes a job; `None` if this machine does. `tags` are those that it has, where somebody says so: then it has
/// no other.
pub fn unserved(dialect: Dialect, job: &PlannedJob, tags: Option<&[String]>) -> Option<String> {
    let (word, asked) = match dialect {
        Dialect::GithubWorkflow => ("label", labels(&job.runs_on).find(|label| !has_label(label))),
        Dialect::GitlabCi => ("tag", labels(&job.runs_on).find(|tag| lacks(tag, tags))),
    };
    let group = job.runs_on.get("group").and_then(Json::as_str).filter(|group| !GROUPS.contains(&&*group.to_lowercase()));
    match (asked, group) {
        (Some(asked), _) => Some(format!("no runner here has the {word} `{}`", shown(asked))),
        (None, Some(group)) => Some(format!("no runner here is in the group `{}`", shown(group))),
        (None, None) => None,
    }
}

/// The labels or tags that a job asks for.
fn labels(asked: &Json) -> impl Iterator<Item = &str> {
    let asked = asked.get("labels").unwrap_or(asked);
    let list = asked.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Json::as_str).chain(asked.as_str())
}

/// A label that this machine has.
fn has_label(label: &str) -> bool {
    let lower = label.trim().to_lowercase();
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    // without a processor in its name, an image is of either
    let image = lower.starts_with("ubuntu-") && (cfg!(target_arch = "aarch64") || !lower.ends_with("-arm"));
    image || ["self-hosted", "linux", "penstock", own].contains(&&*lower)
}

fn lacks(tag: &str, tags: Option<&[String]>) -> bool {
    tags.map_or_else(|| is_foreign(tag), |own| !own.iter().any(|own| own == tag))
}

/// A tag that names what this machine is not. Every other one it has, as a runner that was given all of them.
fn is_foreign(tag: &str) -> bool {
    let lower = tag.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| SYSTEMS.iter().any(|system| word.starts_with(system)) || is_foreign_processor(word))
}

fn is_foreign_processor(word: &str) -> bool {
    let arm = word.starts_with("aarch64") || word.starts_with("arm") && (word.len() == 3 || word[3..].starts_with(['6', 'v', 'h', 'e']));
    arm && cfg!(not(target_arch = "aarch64"))
}
