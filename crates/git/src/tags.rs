//! What annotated tags say.

use penstock_model::CommitId;

/// What `git for-each-ref` is asked of one tag; NUL between the fields.
pub(crate) const ASKED: &str = "--format=%(objecttype)%00%(*objecttype)%00%(*objectname)%00%(contents)";

/// The message of an annotated tag, if it stands for this commit. What a tag of a tag stands for is not looked at.
pub(crate) fn message(told: &[u8], commit: Option<&CommitId>) -> Option<String> {
    let text = String::from_utf8_lossy(told);
    let fields: Vec<&str> = text.splitn(4, '\0').collect();
    let [kind, of, id, message] = fields[..] else { return None };
    let is_of = of == "tag" || commit.is_none_or(|commit| id == commit.as_str());
    (kind == "tag" && is_of).then(|| message.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_says_something_if_it_is_annotated_and_of_that_commit() {
        let one: CommitId = "1".repeat(40).parse().unwrap();
        let of =
            |kind: &str, peeled: &str, id: &str| message(format!("{kind}\0{peeled}\0{id}\0First\n\nrelease\n\n").as_bytes(), Some(&one));
        assert_eq!(of("tag", "commit", one.as_str()).as_deref(), Some("First\n\nrelease"));
        assert_eq!(of("tag", "tag", "").as_deref(), Some("First\n\nrelease"));
        assert_eq!(of("commit", "", ""), None);
        assert_eq!(of("tag", "commit", &"2".repeat(40)), None);
        assert_eq!(message(b"", None), None);
    }
}
