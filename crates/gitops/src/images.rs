//! Images in manifests: read, and edited in place without touching another byte.

use std::collections::BTreeMap;
use std::ops::Range;

use penstock_model::Digest;
use penstock_model::release::ImageName;
use penstock_model::target::ObjectKey;
use serde_json::Value;

use crate::manifest::{Manifest, ManifestError, is_manifest};
use crate::yaml::{self, Kind, Node, Style};

/// A container's image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// The object.
    pub object: ObjectKey,
    /// The container's name.
    pub container: String,
    /// Its path, as `spec.template.spec.containers[0].image`.
    pub path: String,
    /// The image as it is written.
    pub image: String,
}

impl ImageUse {
    /// Its name, without tag and digest.
    pub fn name(&self) -> &str {
        name_of(&self.image)
    }
}

/// Where the pod is in an object of each kind that has one.
const PODS: [(&str, &[&str]); 8] = [
    ("Pod", &["spec"]),
    ("Deployment", &["spec", "template", "spec"]),
    ("StatefulSet", &["spec", "template", "spec"]),
    ("DaemonSet", &["spec", "template", "spec"]),
    ("ReplicaSet", &["spec", "template", "spec"]),
    ("Job", &["spec", "template", "spec"]),
    ("Rollout", &["spec", "template", "spec"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
];
const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

fn pod_path(kind: &str) -> Option<&'static [&'static str]> {
    PODS.iter().find(|(name, _)| *name == kind).map(|(_, path)| *path)
}

/// An image's name, without tag and digest.
pub fn name_of(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

/// All images of all containers, in the order of the manifests.
pub fn images_of(manifests: &[Manifest]) -> Vec<ImageUse> {
    let mut uses = Vec::new();
    for manifest in manifests {
        let Some(path) = pod_path(&manifest.key.kind) else { continue };
        let Some(pod) = path.iter().try_fold(&manifest.value, |value, key| value.get(key)) else { continue };
        for list in CONTAINERS {
            for (index, container) in pod.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
                let text = |key: &str| container.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                let path = format!("{}.{list}[{index}].image", path.join("."));
                uses.push(ImageUse { object: manifest.key.clone(), container: text("name"), path, image: text("image") });
            }
        }
    }
    uses
}

struct Edit {
    bytes: Range<usize>,
    text: String,
}

/// Writes digests into the images of all containers whose name is among `images`, in place: comments, order, quotes and
/// every other byte stay. All files come back, changed or not; files that are no manifests are untouched.
pub fn set_images(
    files: BTreeMap<String, String>,
    images: &BTreeMap<ImageName, Digest>,
) -> Result<BTreeMap<String, String>, ManifestError> {
    let edited = files.into_iter().map(|(file, text)| {
        let text = if is_manifest(&file) { edit(&file, text, images)? } else { text };
        Ok((file, text))
    });
    edited.collect()
}

fn edit(file: &str, text: String, images: &BTreeMap<ImageName, Digest>) -> Result<String, ManifestError> {
    let error = |line, what: String| ManifestError { file: file.to_owned(), line, what };
    let documents = yaml::parse(&text).map_err(|broken| error(broken.line, broken.what))?;
    let mut edits = Vec::new();
    for document in &documents {
        find(document, images, &mut edits).map_err(|(line, what)| error(line, what))?;
    }
    // an alias stands for text that is written once
    edits.sort_by_key(|edit: &Edit| edit.bytes.start);
    edits.dedup_by_key(|edit| edit.bytes.start);
    let mut out = text;
    for edit in edits.iter().rev() {
        out.replace_range(edit.bytes.clone(), &edit.text);
    }
    Ok(out)
}

fn find(node: &Node, images: &BTreeMap<ImageName, Digest>, edits: &mut Vec<Edit>) -> Result<(), (usize, String)> {
    let kind = node.get("kind").map(Node::to_value);
    let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
    if kind == "List" {
        return node.get("items").map(Node::items).unwrap_or_default().iter().try_for_each(|item| find(item, images, edits));
    }
    let Some(pod) = pod_path(kind).and_then(|path| path.iter().try_fold(node, |node, key| node.get(key))) else { return Ok(()) };
    for container in CONTAINERS.iter().filter_map(|list| pod.get(list)).flat_map(Node::items) {
        let Some(image) = container.get("image") else { continue };
        let Kind::Scalar { value: Value::String(written), style, bytes } = &image.kind else {
            return Err((image.line, "an image must be text".to_owned()));
        };
        let Some((name, digest)) = images.iter().find(|(name, _)| name.as_str() == name_of(written)) else { continue };
        let reference = format!("{name}@{digest}");
        let text = match style {
            Style::Plain => reference,
            Style::Single => format!("'{reference}'"),
            Style::Double => format!("\"{reference}\""),
            Style::Block => return Err((image.line, "an image as a block (`|` or `>`) is not edited; write it on one line".to_owned())),
        };
        edits.push(Edit { bytes: bytes.clone(), text });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{parse_manifests, revision};
    use proptest::prelude::*;

    fn images() -> BTreeMap<ImageName, Digest> {
        BTreeMap::from([("oran/api-gateway".parse().unwrap(), Digest::of(b"api")), ("oran/e2-server".parse().unwrap(), Digest::of(b"e2"))])
    }

    fn one(text: &str) -> String {
        set_images(BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]), &images()).unwrap().remove("a.yaml").unwrap()
    }

    #[test]
    fn only_the_images_change() {
        let text = "# the front door: é\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    metadata:\n      annotations: {image: oran/api-gateway}\n    spec:\n      initContainers:\n        - {name: i, image: 'oran/e2-server:1.0'}   # once\n      containers:\n        - name: a\n          image:   oran/api-gateway   # edited by the machine\n        - image: \"oran/api-gateway@sha256:0000000000000000000000000000000000000000000000000000000000000000\"\n          name: b\n        - image: postgres:16\n          env: [{name: image, value: oran/api-gateway}]\n---\nkind: ConfigMap\nimage: oran/api-gateway\n";
        let api = format!("oran/api-gateway@{}", Digest::of(b"api"));
        let expected = text
            .replace("'oran/e2-server:1.0'", &format!("'oran/e2-server@{}'", Digest::of(b"e2")))
            .replace("image:   oran/api-gateway ", &format!("image:   {api} "))
            .replace("\"oran/api-gateway@sha256:0000000000000000000000000000000000000000000000000000000000000000\"", &format!("\"{api}\""));
        assert_eq!(one(text), expected);
        assert_eq!(one(&one(text)), expected, "and once is enough");
    }

    #[test]
    fn aliases_lists_cronjobs_and_windows_line_ends_are_edited_too() {
        let text = "kind: List\r\nitems:\r\n- kind: CronJob\r\n  spec: {jobTemplate: {spec: {template: {spec: {containers: [&c {image: oran/e2-server}, *c]}}}}}\r\n";
        let expected = text.replace("oran/e2-server", &format!("oran/e2-server@{}", Digest::of(b"e2")));
        assert_eq!(one(text), expected);
    }

    #[test]
    fn an_anchor_before_an_image_stays() {
        let text = "kind: Pod\nspec:\n  containers: [{image: &i oran/e2-server}, {image: *i}, {image: &j !!str 'oran/e2-server:1'}]\n";
        let e2 = format!("oran/e2-server@{}", Digest::of(b"e2"));
        assert_eq!(one(text), text.replace("oran/e2-server:1", &e2).replace("&i oran/e2-server", &format!("&i {e2}")));
    }

    #[test]
    fn a_block_is_refused_with_its_line() {
        let text = "kind: Pod\nspec:\n  containers:\n  - image: |-\n      oran/e2-server\n";
        let error = set_images(BTreeMap::from([("p.yaml".to_owned(), text.to_owned())]), &images()).unwrap_err();
        assert!(error.to_string().starts_with("p.yaml:5: an image as a block"), "{error}");
    }

    #[test]
    fn names_are_told_from_tags_digests_and_ports() {
        for (image, name) in [
            ("a", "a"),
            ("a:1", "a"),
            ("a/b:1@sha256:x", "a/b"),
            ("localhost:5000/a/b", "localhost:5000/a/b"),
            ("localhost:5000/a:2", "localhost:5000/a"),
        ] {
            assert_eq!(name_of(image), name);
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_around_it_only_images_change(
            comment in "[ -~é→]{0,20}", indent in 1usize..6, quote in prop::sample::select(vec!["", "'", "\""]), tag in prop::sample::select(vec!["", ":latest", ":1.2"]),
            before in 0usize..4, space in 1usize..4,
        ) {
            let pad = " ".repeat(indent);
            let mut text = format!("# {comment}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n{pad}name: a\nspec:\n{pad}template:\n{pad}{pad}spec:\n{pad}{pad}{pad}containers:\n");
            for n in 0..before {
                text += &format!("{pad}{pad}{pad}- name: c{n} # {comment}\n{pad}{pad}{pad}  image: other/c{n}\n");
            }
            let gap = " ".repeat(space);
            let image = format!("{quote}oran/api-gateway{tag}{quote}");
            text += &format!("{pad}{pad}{pad}- image:{gap}{image} # {comment}\n{pad}{pad}{pad}  name: x\n");
            let edited = one(&text);
            let wanted = format!("{quote}oran/api-gateway@{}{quote}", Digest::of(b"api"));
            prop_assert_eq!(&edited, &text.replace(&format!("{gap}{image} #"), &format!("{gap}{wanted} #")));
            let files = |text: &str| BTreeMap::from([("a.yaml".to_owned(), text.to_owned())]);
            let (a, b) = (parse_manifests(&files(&text), "n").unwrap(), parse_manifests(&files(&edited), "n").unwrap());
            prop_assert_ne!(revision(&a), revision(&b));
            prop_assert_eq!(images_of(&b).last().unwrap().image.clone(), wanted.trim_matches(['\'', '"']));
        }
    }
}
