//! `pages` and `publish`: a job that leaves a folder for people to look at. Nobody publishes it here; it is kept as the job's artifact.

use super::artifacts::expire_in;
use crate::reader::{Fields, Problems, boolean, text};
use crate::yaml::Value;

/// The folder that is published unless another one is named.
const USUAL: &str = "public";

/// The folder that a job leaves for pages; `None` if it leaves none.
pub(super) fn folder(fields: &mut Fields<'_>, name: &str, problems: &mut Problems) -> Option<String> {
    let old = fields.get("publish").and_then(|node| text(node, &fields.path_of("publish"), problems));
    let given = fields.get("pages");
    let path = fields.path_of("pages");
    let (is_for_pages, named) = match given {
        None => (name == "pages", None),
        Some(node) if matches!(node.value, Value::Map(_)) => {
            let mut inner = Fields::of(node, &path, problems)?;
            let named = inner.get("publish").and_then(|node| text(node, &inner.path_of("publish"), problems));
            inner.get("path_prefix").and_then(|node| text(node, &inner.path_of("path_prefix"), problems));
            inner.get("expire_in").and_then(|node| expire_in(node, &inner.path_of("expire_in"), problems));
            inner.finish(&[], problems);
            (true, named)
        }
        Some(node) => (boolean(node, &path, problems) == Some(true), None),
    };
    if old.is_some() && named.is_some() {
        problems.add(
            fields.key_at("publish"),
            &fields.path_of("publish"),
            "`publish` is given here and in `pages`",
            "keep the one in `pages`",
        );
    }
    is_for_pages.then(|| named.or(old).unwrap_or_else(|| USUAL.to_owned()))
}
