//! Files and functions that grew too long.

use std::path::Path;

use walkdir::WalkDir;

use crate::Breach;

/// Above this one asks why.
const FILE: usize = 400;
/// Above this there is no answer.
const FILE_CAP: usize = 600;
/// Above this one asks why; clippy's `too_many_lines` counts more exactly and denies.
const FUNCTION: usize = 70;

/// Every Rust file of the workspace and the sample that is too long, or has a function that is.
pub(crate) fn check(root: &Path) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for path in rust_files(root) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        breaches.extend(judge(&shown, &text));
    }
    breaches
}

/// The Rust files that people wrote.
pub(crate) fn rust_files(root: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = WalkDir::new(root)
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0
                || !matches!(entry.file_name().to_str(), Some("target" | "generated" | ".git" | ".penstock" | "node_modules"))
        })
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

fn judge(shown: &str, text: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_CAP {
        breaches.push(Breach::Error(format!("{shown} has {lines} lines, the cap is {FILE_CAP}: part it by what changes together")));
    } else if lines > FILE {
        breaches.push(Breach::Warning(format!("{shown} has {lines} lines, more than {FILE}")));
    }
    for (at, name, length) in functions(text) {
        if length > FUNCTION {
            breaches.push(Breach::Warning(format!("{shown}:{at} `{name}` has {length} lines, more than {FUNCTION}")));
        }
    }
    breaches
}

/// Line, name and length of each function, by the indentation that rustfmt gives.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String, usize)> = None;
    for (index, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if let Some((start, name, depth)) = &open {
            if indent == *depth && line.trim_end() == format!("{}}}", " ".repeat(*depth)) {
                found.push((start + 1, name.clone(), index + 1 - start));
                open = None;
            }
        } else if let Some(name) = function_name(line)
            && !line.trim_end().ends_with(['}', ';'])
        {
            open = Some((index, name, indent));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    loop {
        match words.next()? {
            "pub" | "pub(crate)" | "pub(super)" | "async" | "const" | "unsafe" => {}
            "fn" => return words.next().map(|name| name.split(['(', '<']).next().unwrap_or(name).to_owned()),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_told_with_its_line() {
        let text = format!("fn short() {{\n}}\n\n    pub async fn long(\n{}    }}\n", "        x();\n".repeat(80));
        assert_eq!(judge("a.rs", &text), vec![Breach::Warning("a.rs:4 `long` has 82 lines, more than 70".to_owned())]);
    }

    #[test]
    fn a_file_over_the_cap_is_an_error() {
        assert!(matches!(judge("a.rs", &"\n".repeat(601))[..], [Breach::Error(_)]));
        assert!(matches!(judge("a.rs", &"\n".repeat(401))[..], [Breach::Warning(_)]));
        assert!(judge("a.rs", &"\n".repeat(400)).is_empty());
    }
}
