//! Manifests of a directory, and the revision that they make together.

use std::collections::{BTreeMap, HashMap};

use penstock_model::Digest;
use penstock_model::canonical::canonical_digest;
use penstock_model::release::Revision;
use penstock_model::target::ObjectKey;
use serde_json::{Value, json};

use crate::yaml::{self, Node};

/// Files of a directory.
pub const MAX_FILES: usize = 2000;
/// Objects of a directory.
pub const MAX_OBJECTS: usize = 5000;

/// An object as a file wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Which object.
    pub key: ObjectKey,
    /// The whole of it, its namespace filled in.
    pub value: Value,
    /// The file.
    pub file: String,
    /// Where it begins there, from 1.
    pub line: usize,
    /// Lines by path, as `spec.replicas`.
    pub lines: BTreeMap<String, usize>,
}

/// A file that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct ManifestError {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// What, and what to do.
    pub what: String,
}

impl Manifest {
    /// `FILE:LINE` of a path in it, or of the nearest one above that is written there.
    pub fn place(&self, path: &str) -> String {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return format!("{}:{line}", self.file);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return format!("{}:{}", self.file, self.line),
            }
        }
    }

    /// An annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.value.get("metadata")?.get("annotations")?.get(name)?.as_str()
    }

    fn error(&self, path: &str, what: impl Into<String>) -> ManifestError {
        let line = self.lines.get(path).copied().unwrap_or(self.line);
        ManifestError { file: self.file.clone(), line, what: what.into() }
    }
}

/// Reads all manifests of a directory's files: `.yaml`, `.yml` and `.json`; others are not manifests. All mistakes are
/// told at once. Objects are sorted by key.
pub fn parse_manifests(files: &BTreeMap<String, String>, namespace: &str) -> Result<Vec<Manifest>, Vec<ManifestError>> {
    let mut errors = Vec::new();
    let mut manifests: Vec<Manifest> = Vec::new();
    let at = |file: &str, line, what: String| ManifestError { file: file.to_owned(), line, what };
    if files.len() > MAX_FILES {
        return Err(vec![at(files.keys().next().map_or("", String::as_str), 1, format!("more than {MAX_FILES} files"))]);
    }
    for (file, text) in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        if let Some(what) = foreign(name) {
            errors.push(at(file, 1, what.to_owned()));
            continue;
        }
        if !is_manifest(file) {
            continue;
        }
        match yaml::parse(text) {
            Ok(nodes) => nodes.iter().for_each(|node| collect(file, node, namespace, &mut manifests, &mut errors)),
            Err(error) => errors.push(at(file, error.line, error.what)),
        }
    }
    together(manifests, errors)
}

/// Looks at all manifests of an Application side by side, and sorts them by key.
fn together(mut manifests: Vec<Manifest>, mut errors: Vec<ManifestError>) -> Result<Vec<Manifest>, Vec<ManifestError>> {
    if manifests.len() > MAX_OBJECTS {
        errors.push(ManifestError { file: String::new(), line: 1, what: format!("more than {MAX_OBJECTS} objects") });
    }
    let mut seen: HashMap<ObjectKey, String> = HashMap::new();
    for manifest in &manifests {
        if let Some(first) = seen.insert(manifest.key.clone(), manifest.place("")) {
            errors.push(manifest.error("", format!("{} is there already, at {first}", manifest.key)));
        }
    }
    manifests.sort_by(|a, b| a.key.cmp(&b.key));
    errors.sort();
    if errors.is_empty() { Ok(manifests) } else { Err(errors) }
}

/// A document that a chart's template made.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The template, as errors name it.
    pub file: String,
    /// The document.
    pub text: String,
    /// What it means to whoever rendered it; lines are all that is read of the text.
    pub value: Value,
}

/// The manifests that a chart renders to. Lines are those of each document. All mistakes are told at once.
pub fn rendered_manifests(documents: Vec<Rendered>, namespace: &str) -> Result<Vec<Manifest>, Vec<ManifestError>> {
    let (mut manifests, mut errors) = (Vec::new(), Vec::new());
    for Rendered { file, text, value } in documents {
        // what the strict reader refuses may mean something to Helm: then only the lines are not known
        let node = yaml::parse_loosely(&text).ok().and_then(|nodes| nodes.into_iter().next());
        let mut add = |node: Option<&Node>, value: Value| {
            let (line, lines) = node.map_or((1, BTreeMap::new()), |node| (node.line, node.lines()));
            match object(&file, line, lines, value, namespace) {
                Ok(manifest) => manifests.push(manifest),
                Err(error) => errors.push(error),
            }
        };
        match value {
            Value::Null => {}
            Value::Object(mut list)
                if list.get("kind").is_some_and(|kind| kind == "List") && list.get("apiVersion").is_some_and(|api| api == "v1") =>
            {
                let nodes = node.as_ref().and_then(|node| node.get("items")).map(Node::items).unwrap_or_default();
                let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) else { continue };
                items.into_iter().enumerate().for_each(|(index, item)| add(nodes.get(index), item));
            }
            value => add(node.as_ref(), value),
        }
    }
    together(manifests, errors)
}

/// Whether a file is read as manifests.
pub fn is_manifest(file: &str) -> bool {
    let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["yaml", "yml", "json"].contains(&ending)
}

fn foreign(name: &str) -> Option<&'static str> {
    match name {
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => {
            Some("kustomize is not carried out; keep plain manifests in this directory")
        }
        "Chart.yaml" => Some("a Helm chart lies among plain manifests; give it an Application of its own, with its folder as `path`"),
        _ if name.ends_with(".jsonnet") || name.ends_with(".libsonnet") => {
            Some("jsonnet is not carried out; keep plain manifests in this directory")
        }
        _ => None,
    }
}

fn collect(file: &str, node: &Node, namespace: &str, into: &mut Vec<Manifest>, errors: &mut Vec<ManifestError>) {
    let text = |key: &str| node.get(key).map(Node::to_value).and_then(|value| value.as_str().map(str::to_owned));
    if text("apiVersion").as_deref() == Some("v1") && text("kind").as_deref() == Some("List") {
        let items = node.get("items").map(Node::items).unwrap_or_default();
        for item in items {
            collect(file, item, namespace, into, errors);
        }
        return;
    }
    match object(file, node.line, node.lines(), node.to_value(), namespace) {
        Ok(manifest) => into.push(manifest),
        Err(error) => errors.push(error),
    }
}

fn object(file: &str, line: usize, lines: BTreeMap<String, usize>, mut value: Value, namespace: &str) -> Result<Manifest, ManifestError> {
    let error = |what: &str| ManifestError { file: file.to_owned(), line, what: what.to_owned() };
    if !value.is_object() {
        return Err(error("a mapping with `apiVersion`, `kind` and `metadata` is expected"));
    }
    if value.pointer("/metadata/generateName").is_some() {
        return Err(error("`generateName` makes another object each time; give it a `name`"));
    }
    let key = ObjectKey::of(&value, namespace).ok_or_else(|| error("`apiVersion`, `kind` and `metadata.name` are needed"))?;
    let manifest = Manifest { key, value: Value::Null, file: file.to_owned(), line, lines };
    if !is_name(&manifest.key.name) {
        return Err(manifest.error(
            "metadata.name",
            format!("`{}` is not an object's name: lower-case letters, digits, `-` and `.`, at most 253", manifest.key.name),
        ));
    }
    if !manifest.key.namespace.is_empty() && manifest.key.namespace != namespace {
        let what = format!(
            "the object is for namespace `{}`, the Application delivers to `{namespace}`; move it, or leave its namespace out",
            manifest.key.namespace
        );
        return Err(manifest.error("metadata.namespace", what));
    }
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("status"); // a live object's, copied by hand
    }
    if !manifest.key.namespace.is_empty()
        && let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), json!(manifest.key.namespace));
    }
    Ok(Manifest { value, ..manifest })
}

fn is_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

/// The revision of these manifests: the digest of their canonical form. Comments, key order, file names and the order
/// of files do not change it; an image's digest does.
pub fn revision(manifests: &[Manifest]) -> Revision {
    let mut sorted: Vec<&Manifest> = manifests.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let values: Vec<&Value> = sorted.iter().map(|manifest| &manifest.value).collect();
    // JSON values are always JSON
    Revision(canonical_digest(&values).unwrap_or_else(|_| Digest::of(b"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }
    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1', z: '2'}\n";
    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: prod}\nspec: {ports: [{port: 80}]}\n";

    #[test]
    fn comments_order_and_file_names_do_not_make_a_revision_and_content_does() {
        let of = |pairs: &[(&str, &str)]| revision(&parse_manifests(&files(pairs), "prod").unwrap());
        let first = of(&[("a.yaml", MAP), ("b.yaml", SERVICE), ("README.md", "x")]);
        let other = format!(
            "# hello\n{SERVICE}---\nkind: ConfigMap # one\napiVersion: v1\ndata:\n  z: \"2\"\n  x: \"1\"\nmetadata:\n  namespace: prod\n  name: a\n"
        );
        assert_eq!(first, of(&[("z/all.yml", &other)]));
        assert_ne!(first, of(&[("a.yaml", &MAP.replace("'2'", "'3'")), ("b.yaml", SERVICE)]));
        assert_ne!(first, of(&[("a.yaml", MAP)]));
    }

    #[test]
    fn all_mistakes_are_told_with_file_and_line() {
        let twice = format!("{MAP}---\n{MAP}");
        let errors = parse_manifests(
            &files(&[
                ("a.yaml", &twice),
                ("b.yaml", "kind: X\n"),
                ("c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  namespace: other\n"),
                ("d.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: B_\n"),
                ("e.yaml", "apiVersion: v1\nkind: Job\nmetadata:\n  generateName: b\n"),
                ("f.yaml", "a: [\n"),
                ("kustomization.yaml", "resources: []"),
                ("x/Chart.yaml", "name: x"),
                ("g.yaml", "- a\n"),
            ]),
            "prod",
        );
        let text: Vec<String> = errors.unwrap_err().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn what_a_template_made_is_a_manifest_with_the_template_and_its_lines() {
        let of = |text: &str, value: Value| Rendered { file: "web/templates/a.yaml (rendered)".to_owned(), text: text.to_owned(), value };
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: a\n  data: {x: yes}\n";
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": true}});
        let whole = of(list, json!({"apiVersion": "v1", "kind": "List", "items": [map]}));
        let found = rendered_manifests(vec![whole.clone(), of("# nothing\n", Value::Null)], "prod").unwrap();
        assert_eq!(found[0].place("metadata.name"), "web/templates/a.yaml (rendered):7");
        assert_eq!(found[0].value["data"]["x"], true, "as Helm reads it");
        let errors = rendered_manifests(vec![whole.clone(), whole, of("- a", json!(["a"]))], "prod").unwrap_err();
        let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "web/templates/a.yaml (rendered):1: a mapping with `apiVersion`, `kind` and `metadata` is expected",
                "web/templates/a.yaml (rendered):4: ConfigMap prod/a is there already, at web/templates/a.yaml (rendered):4"
            ]
        );
    }

    #[test]
    fn lists_are_taken_apart_and_places_known() {
        let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: prod}\n";
        let found = parse_manifests(&files(&[("l.yaml", list)]), "prod").unwrap();
        assert_eq!(found.iter().map(|m| m.key.to_string()).collect::<Vec<_>>(), ["ConfigMap prod/a", "Namespace /prod"]);
        assert_eq!(found[0].place("metadata.name"), "l.yaml:7");
        assert_eq!(found[0].place("metadata.labels.x"), "l.yaml:7");
        assert_eq!(found[1].value["metadata"], json!({"name": "prod"}));
    }
}
