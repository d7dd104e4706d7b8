//! What may be the name of a ref or of a file.

use std::path::Path;

use crate::checkout::tree;

/// A full ref: nothing that git would read as more than a name.
pub(crate) fn is_reference(name: &str) -> bool {
    let odd = |b: u8| b.is_ascii_control() || matches!(b, b' ' | b'~' | b'^' | b':' | b'?' | b'*' | b'[' | b'\\');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !has_lock(part);
    name == "HEAD"
        || (name.starts_with("refs/")
            && name.len() <= 500
            && !name.ends_with('.')
            && !name.contains("..")
            && !name.contains("@{")
            && !name.bytes().any(odd)
            && name.split('/').all(part))
}

fn has_lock(part: &str) -> bool {
    Path::new(part).extension().is_some_and(|extension| extension == "lock")
}

/// A path of a file within a tree.
pub(crate) fn is_path(path: &str) -> bool {
    tree::refusal(path.as_bytes()).is_none()
}

/// A file's path as text, or why it is none.
pub(crate) fn text(path: Vec<u8>) -> Result<String, String> {
    String::from_utf8(path).map_err(|e| format!("the path `{}` is not UTF-8; rename it", String::from_utf8_lossy(e.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_that_git_would_read_otherwise_are_not_references() {
        for bad in [
            "main",
            "-x",
            "refs/heads/../x",
            "refs/heads/a^",
            "refs/heads/a b",
            "refs/heads/a@{1}",
            "refs//x",
            "refs/heads/.a",
            "refs/heads/a.lock",
            "refs/heads/a.",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
        assert!(is_reference("refs/heads/feature/é") && is_reference("refs/tags/v1.0"));
    }
}
