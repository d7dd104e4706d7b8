//! `id_tokens`: what a job proves who it is with, and to whom (GitLab's `entry/id_token.rb`).

use std::collections::BTreeMap;

use super::parts::variable_name;
use crate::plan::Audience;
use crate::reader::{Fields, Problems, join, text, texts};
use crate::yaml::{Node, Value};

/// The most tokens of a job, and the most audiences of one.
const MAX: usize = 50;

/// Reads `id_tokens`: the variables' names, and for whom each token is.
pub(super) fn id_tokens(node: &Node, path: &str, problems: &mut Problems) -> BTreeMap<String, Audience> {
    let mut out = BTreeMap::new();
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("ID tokens are a mapping, not {}", node.kind()), "write `NAME: {aud: …}` below it");
        return out;
    };
    if entries.len() > MAX {
        problems.add(node.at, path, format!("a job has at most {MAX} ID tokens"), "remove some");
        return out;
    }
    for (key, value) in entries {
        let path = join(path, &key.text);
        let Some(mut fields) = Fields::of(value, &path, problems) else { continue };
        let named = variable_name(key, &path, problems);
        let audience = match fields.get("aud") {
            Some(node) => audience(node, &fields.path_of("aud"), problems),
            None => {
                problems.add(key.at, &path, "`aud` is missing", "write for whom the token is: `aud: https://vault.example.com`");
                None
            }
        };
        fields.finish(&[], problems);
        out.extend(audience.filter(|_| named).map(|audience| (key.text.clone(), audience)));
    }
    out
}

fn audience(node: &Node, path: &str, problems: &mut Problems) -> Option<Audience> {
    let Value::Seq(_) = node.value else { return text(node, path, problems).map(Audience::One) };
    let several: Vec<String> = texts(node, path, problems).into_iter().map(|(text, _)| text).collect();
    if several.is_empty() || several.len() > MAX {
        problems.add(node.at, path, format!("a token is for 1 to {MAX}"), "write for whom it is");
        return None;
    }
    Some(Audience::Several(several))
}
