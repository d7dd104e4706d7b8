//! What `uses` says in a step: a place of the repository, an action of another one, or an image.

use penstock_model::CommitId;

use super::table::{Refusal, is_file};
use crate::plan::{Action, NamedAt};
use crate::reader::shown;

/// The longest name of a tag or branch.
const MAX_REFERENCE: usize = 200;

/// The action of another repository that a `uses` names.
pub(super) fn elsewhere(uses: &str) -> Result<Action, Refusal> {
    let help = "write `OWNER/NAME@COMMIT`, `OWNER/NAME/FOLDER@COMMIT`, or `./FOLDER` for one of the repository";
    let refuse = || Refusal::new(format!("`{}` names no action", shown(uses)), help);
    let (action, reference) = uses.split_once('@').ok_or_else(refuse)?;
    let mut parts = action.splitn(3, '/');
    let (owner, name, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (repository, path) = (format!("{owner}/{name}"), path.trim_end_matches('/'));
    if !is_repository(&repository) || !is_reference(reference) || (!path.is_empty() && !is_file(path)) {
        return Err(refuse());
    }
    Ok(Action::Elsewhere { repository, reference: reference.to_owned(), path: path.to_owned(), at: NamedAt::default(), lack: None })
}

/// `owner/name`, as GitHub names repositories.
pub(in crate::github) fn is_repository(text: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.len() <= 100
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// The name of a tag or branch, or a commit.
pub(in crate::github) fn is_reference(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    text.len() <= MAX_REFERENCE
        && !text.starts_with('-')
        && !text.contains("..")
        && text.split('/').all(is_part)
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"~^:?*[\\@'\"`$".contains(&b))
}

/// The commit that a reference is, if it is one in full.
pub(super) fn commit(reference: &str) -> Option<CommitId> {
    reference.to_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_of_another_repository_is_a_repository_a_folder_and_a_reference() {
        for (uses, expected) in [
            ("a/b@v1", Some(("a/b", "v1", ""))),
            ("Org/b.c/deep/er@release/v1.2", Some(("Org/b.c", "release/v1.2", "deep/er"))),
            ("a/b/c/@main", Some(("a/b", "main", "c"))),
            ("a/b", None),
            ("a@v1", None),
            ("/b@v1", None),
            ("a/../b@v1", None),
            ("a/b/../c@v1", None),
            ("../b@v1", None),
            ("a/b@", None),
            ("a/b@../x", None),
            ("a/b@-x", None),
            ("a/b@v1@v2", None),
            ("a/b@v1 x", None),
            ("a/b@${{ x }}", None),
        ] {
            let read = elsewhere(uses);
            let read = read.as_ref().ok().and_then(|action| match action {
                Action::Elsewhere { repository, reference, path, .. } => Some((repository.as_str(), reference.as_str(), path.as_str())),
                _ => None,
            });
            assert_eq!(read, expected, "{uses}");
        }
    }
}
