//! Words that have no place in the tree.

use std::path::Path;

use crate::{Breach, sizes};

/// What is not carried out yet is refused with a clear error, never with a panic; ignored tests promise nothing.
const BANNED: &[(&str, &str)] = &[
    ("unimplemented!(", "refuse with an error that says what to do"),
    ("todo!(", "refuse with an error that says what to do"),
    ("#[ignore", "a test runs or is not there"),
];
/// Names that say nothing about what a module is for.
const NAMES: &[&str] = &["utils.rs", "util.rs", "common.rs", "helpers.rs", "manager.rs", "misc.rs"];

/// Every use of a banned word in Rust files, and every module named for nothing.
pub(crate) fn check(root: &Path) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for path in sizes::rust_files(&root.join("crates")) {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(|name| NAMES.contains(&name)) {
            breaches.push(Breach::Error(format!("{shown}: name the module for what it does")));
        }
        // this file names them all
        if shown.ends_with("xtask/src/words.rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        breaches.extend(judge(&shown, &text));
    }
    breaches
}

fn judge(shown: &str, text: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // comments and texts may speak of them
        let code = line.split("//").next().unwrap_or(line);
        for (word, instead) in BANNED {
            if code.contains(word) && !code.contains(&format!("\"{word}")) {
                breaches.push(Breach::Error(format!("{shown}:{} has `{word}`: {instead}", index + 1)));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_word_in_code_is_told_and_in_a_comment_is_not() {
        let word = BANNED[1].0;
        assert_eq!(judge("a.rs", &format!("fn a() {{ {word}) }}")).len(), 1);
        assert!(judge("a.rs", &format!("// {word})")).is_empty());
    }
}
