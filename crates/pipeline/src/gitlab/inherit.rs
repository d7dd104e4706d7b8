//! `inherit`: what of `default` and of the file's `variables` a job takes over.
//!
//! As GitLab has it (its `entry/inherit.rb`, `entry/processable.rb`, `variables/helpers.rb`): `true`, `false`, or a list of
//! names. `default` stands for the older keys at the top too, `variables` for those of `workflow: rules`.

use crate::reader::{Fields, Problems, choice, texts};
use crate::yaml::{Node, Value};

/// What `default` may hold in GitLab; a list may name those that are refused there, and inherits nothing by it.
const DEFAULT_KEYS: &[&str] = &[
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
    "timeout",
];

/// What a job takes over; `None` is everything.
#[derive(Debug, Default)]
pub(super) struct Inherit {
    pub(super) default: Option<Vec<&'static str>>,
    pub(super) variables: Option<Vec<String>>,
}

/// Reads `inherit`.
pub(super) fn read(node: &Node, path: &str, problems: &mut Problems) -> Inherit {
    let mut inherit = Inherit::default();
    let Some(mut fields) = Fields::of(node, path, problems) else { return inherit };
    if let Some(node) = fields.get("default") {
        let path = fields.path_of("default");
        let known: Vec<(&str, &'static str)> = DEFAULT_KEYS.iter().map(|name| (*name, *name)).collect();
        inherit.default = listed(node, &path, problems, &|item, problems| choice(item, &known, &path, problems).into_iter().collect());
    }
    if let Some(node) = fields.get("variables") {
        let path = fields.path_of("variables");
        let name = |item: &Node, problems: &mut Problems| texts(item, &path, problems).into_iter().map(|(name, _)| name).collect();
        inherit.variables = listed(node, &path, problems, &name);
    }
    fields.finish(&[], problems);
    inherit
}

/// `true`, `false`, or a list.
fn listed<T>(node: &Node, path: &str, problems: &mut Problems, read: &dyn Fn(&Node, &mut Problems) -> Vec<T>) -> Option<Vec<T>> {
    match (&node.value, node.bool()) {
        (Value::Seq(items), _) => Some(items.iter().flat_map(|item| read(item, problems)).collect()),
        (_, Some(all)) => (!all).then(Vec::new),
        _ => {
            let message = format!("`true`, `false` or a list is expected here, not {}", node.kind());
            problems.add(node.at, path, message, "write a list of what the job should inherit");
            None
        }
    }
}
