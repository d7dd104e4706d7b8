//! `runs-on`: whether it can be read. Whether this machine serves it is for [`crate::unserved`].

use serde_json::Value as Json;

use crate::reader::{Problems, join, shown};
use crate::yaml::At;

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
    if value.as_str().is_none_or(str::is_empty) {
        problems.add(at, path, "a group of runners is named by text", "remove `group`, and write `labels: ubuntu-latest`");
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
    if !matches!(value, Json::String(label) if !label.trim().is_empty()) {
        problems.add(at, path, "a runner is named by text", "write `runs-on: ubuntu-latest`");
    }
}
