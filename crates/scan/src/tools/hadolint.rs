//! hadolint on the Dockerfiles of the tree, its JSON.

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};
use serde::Deserialize;

use super::{ReadError, call as make, place, read_json};
use crate::finding::{Draft, Level};
use crate::judged::Judged;

/// `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`, `Containerfile` and the like.
fn is_dockerfile(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let lower = name.to_ascii_lowercase();
    ["dockerfile", "containerfile"].iter().any(|kind| {
        lower == *kind
            || lower.strip_suffix(kind).is_some_and(|rest| rest.ends_with('.'))
            || lower.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.') && !rest.ends_with("ignore"))
    })
}

pub(super) fn call(judged: &Judged<'_>) -> Option<ToolCall> {
    let named = |file: &&str| judged.paths.iter().any(|path| path == file);
    let files: Vec<_> = judged.files().filter(|file| is_dockerfile(file) || named(file)).map(|file| format!("{{input}}/{file}")).collect();
    let config = judged.tree.first_of(&[".hadolint.yaml", ".hadolint.yml"]).map(|name| format!("{{input}}/{name}"));
    let mut args = vec!["--no-color", "--no-fail", "--format", "json"];
    if let Some(config) = &config {
        args.extend(["--config", config]);
    }
    (!files.is_empty()).then(|| make("hadolint", &args, files, judged, ToolResult::Stdout, &[0]))
}

#[derive(Deserialize)]
struct Item {
    code: String,
    level: String,
    message: String,
    file: String,
    line: u64,
    column: u64,
}

pub(super) fn read(output: &ToolOutput, judged: &Judged<'_>) -> Result<Vec<Draft>, ReadError> {
    let items: Vec<Item> = read_json("hadolint", &output.result)?;
    let draft = |item: Item| {
        let level = match item.level.as_str() {
            "error" => Level::Error,
            "warning" => Level::Warning,
            _ => Level::Note,
        };
        Draft::new(&item.code, level, &item.message, place(judged, &item.file, item.line, item.column))
    };
    Ok(items.into_iter().map(draft).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockerfiles_are_known_by_their_names() {
        for yes in ["Dockerfile", "a/Dockerfile", "a/Dockerfile.dev", "dev.Dockerfile", "Containerfile", "x/app.dockerfile"] {
            assert!(is_dockerfile(yes), "{yes}");
        }
        for no in ["Dockerfiles", "Dockerfile.dockerignore", ".dockerignore", "MyDockerfile", "dockerfile/x"] {
            assert!(!is_dockerfile(no), "{no}");
        }
    }
}
