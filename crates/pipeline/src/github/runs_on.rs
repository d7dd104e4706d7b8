//! `runs-on`: this machine is the only runner.

use serde_json::Value as Json;

use crate::reader::{Problems, join, shown};
use crate::yaml::At;

/// Groups that this machine is in: GitHub's own name for the one that every runner is in at first.
const GROUPS: &[&str] = &["default", "penstock"];

/// Checks what a job asks of its runner.
pub(super) fn check(asked: &Json, at: At, path: &str, problems: &mut Problems) {
    match asked {
        Json::Object(entries) => {
            for (key, value) in entries {
                let path = join(path, key);
                match key.as_str() {
                    "group" => group(value, at, &path, problems),
                    "labels" => labels(value, at, &path, problems),
                    other => {
                        let message = format!("`{}` is not a key of this place", shown(other));
                        problems.add(at, &path, message, "known here: group, labels");
                    }
                }
            }
            if entries.is_empty() {
                problems.add(at, path, "it asks for no runner", "write `runs-on: ubuntu-latest`");
            }
        }
        other => labels(other, at, path, problems),
    }
}

fn group(value: &Json, at: At, path: &str, problems: &mut Problems) {
    let name = value.as_str().unwrap_or_default();
    if !GROUPS.contains(&&*name.to_lowercase()) {
        let message = format!("there is no group of runners `{}`", shown(name));
        problems.add(at, path, message, "jobs run on this machine: remove `group`, and write `labels: ubuntu-latest`");
    }
}

fn labels(value: &Json, at: At, path: &str, problems: &mut Problems) {
    match value {
        Json::Array(items) if items.is_empty() => problems.add(at, path, "it names no label", "write `ubuntu-latest`"),
        Json::Array(items) => items.iter().for_each(|item| label(item, at, path, problems)),
        other => label(other, at, path, problems),
    }
}

fn label(value: &Json, at: At, path: &str, problems: &mut Problems) {
    let Json::String(label) = value else {
        problems.add(at, path, "a runner is named by text", "write `runs-on: ubuntu-latest`");
        return;
    };
    let lower = label.trim().to_lowercase();
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    // without a processor in its name, an image is of either
    let image = lower.starts_with("ubuntu-") && (cfg!(target_arch = "aarch64") || !lower.ends_with("-arm"));
    if !(image || ["self-hosted", "linux", "penstock", own].contains(&&*lower)) {
        let help = "jobs run on this machine: write `ubuntu-latest` or `self-hosted`";
        problems.add(at, path, format!("there is no runner `{}`", shown(label)), help);
    }
}
