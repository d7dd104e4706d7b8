//! `secrets`: what a job gets from a vault (GitLab's `secrets` of Ultimate, as its YAML reference has them).

use std::collections::BTreeMap;

use super::keys;
use super::parts::variable_name;
use crate::plan::{Audience, PlannedSecret, VaultPlace};
use crate::reader::{Fields, Problems, boolean, join, text};
use crate::yaml::{Key, Node, Value};

/// The most secrets of a job.
const MAX: usize = 100;
/// The engine of a secret that names none, and where it is mounted.
const USUAL: &str = "kv-v2";

/// Reads `secrets` of a job with these ID tokens.
pub(super) fn secrets(
    node: &Node,
    path: &str,
    tokens: &BTreeMap<String, Audience>,
    problems: &mut Problems,
) -> BTreeMap<String, PlannedSecret> {
    let mut out = BTreeMap::new();
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("secrets are a mapping, not {}", node.kind()), "write `NAME: {vault: …}` below it");
        return out;
    };
    if entries.len() > MAX {
        problems.add(node.at, path, format!("a job has at most {MAX} secrets"), "remove some");
        return out;
    }
    for (key, value) in entries {
        let path = join(path, &key.text);
        let named = variable_name(key, &path, problems);
        out.extend(secret(key, value, &path, tokens, problems).filter(|_| named).map(|secret| (key.text.clone(), secret)));
    }
    out
}

fn secret(key: &Key, node: &Node, path: &str, tokens: &BTreeMap<String, Audience>, problems: &mut Problems) -> Option<PlannedSecret> {
    let mut fields = Fields::of(node, path, problems)?;
    let elsewhere = keys::SECRET.iter().any(|(name, _)| node.get(name).is_some());
    let vault = fields.get("vault").and_then(|node| place(node, &fields.path_of("vault"), problems));
    if node.get("vault").is_none() && !elsewhere {
        problems.add(key.at, path, "`vault` is missing", "say where the secret is: `vault: path/field@engine`");
    }
    let file = fields.get("file").and_then(|node| boolean(node, &fields.path_of("file"), problems)).unwrap_or(true);
    let token = match fields.get("token") {
        Some(node) => text(node, &fields.path_of("token"), problems),
        None => match tokens.keys().collect::<Vec<_>>()[..] {
            [only] => Some(format!("${only}")),
            _ if elsewhere => None,
            _ => {
                let message = "which ID token the vault is asked with is not said";
                problems.add(key.at, path, message, "give the job one in `id_tokens`, and name it if there are several: `token: $NAME`");
                None
            }
        },
    };
    fields.finish(keys::SECRET, problems);
    Some(PlannedSecret { vault: vault?, file, token: token? })
}

/// `path/field@mount`, or a mapping.
fn place(node: &Node, path: &str, problems: &mut Problems) -> Option<VaultPlace> {
    if !matches!(node.value, Value::Map(_)) {
        let given = text(node, path, problems)?;
        let (inner, mount) = given.rsplit_once('@').unwrap_or((&given, USUAL));
        let Some((place, field)) = inner.rsplit_once('/').filter(|(place, field)| !place.is_empty() && !field.is_empty()) else {
            problems.add(
                node.at,
                path,
                "a path and a field are expected here",
                "write `path/field@engine`, as in `production/db/password@ops`",
            );
            return None;
        };
        return Some(VaultPlace { engine: USUAL.to_owned(), mount: mount.to_owned(), path: place.to_owned(), field: field.to_owned() });
    }
    let mut fields = Fields::of(node, path, problems)?;
    let must = |fields: &mut Fields<'_>, name: &'static str, of: &str, problems: &mut Problems| match fields.get(name) {
        Some(node) => text(node, &join(of, name), problems),
        None => {
            problems.add(node.at, of, format!("`{name}` is missing"), "GitLab asks for `engine: {name, path}`, `path` and `field`");
            None
        }
    };
    let of_secret = must(&mut fields, "path", path, problems);
    let field = must(&mut fields, "field", path, problems);
    let engine = fields.get("engine");
    if engine.is_none() {
        problems.add(node.at, path, "`engine` is missing", "write `engine: {name: kv-v2, path: kv-v2}`");
    }
    let inner = join(path, "engine");
    let (kind, mount) = engine.and_then(|engine| Fields::of(engine, &inner, problems)).map_or((None, None), |mut engine| {
        let found = (must(&mut engine, "name", &inner, problems), must(&mut engine, "path", &inner, problems));
        engine.finish(&[], problems);
        found
    });
    fields.finish(&[], problems);
    Some(VaultPlace { engine: kind?, mount: mount?, path: of_secret?, field: field? })
}
