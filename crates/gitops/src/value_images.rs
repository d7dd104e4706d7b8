//! Images in a chart's files of values: edited in place without touching another byte, and looked for in what the chart renders to.

use std::collections::BTreeMap;
use std::ops::Range;

use penstock_model::Digest;
use penstock_model::release::ImageName;
use serde_json::{Map, Value};

use crate::images::{ImageUse, images_of, name_of};
use crate::manifest::{Manifest, ManifestError};
use crate::yaml::{self, Kind, Node, Style};

/// Writes digests into a file of values: comments, order, quotes and every other byte stay. What is written is
///
/// - `digest`, and the digest in a `tag: TAG@sha256:…`, in a mapping whose `repository` (or `image`), after its `registry`, is
///   among `images`. Only the digest need stand in this file: the rest may come from `below`, the values that the file goes over;
/// - any other `image: NAME[:TAG][@DIGEST]`, unless a `tag` beside it is put behind it by the template.
pub fn set_value_images(file: &str, text: &str, images: &BTreeMap<ImageName, Digest>, below: &Value) -> Result<String, ManifestError> {
    let error = |line, what: String| ManifestError { file: file.to_owned(), line, what };
    let documents = yaml::parse_loosely(text).map_err(|broken| error(broken.line, broken.what))?;
    // Helm reads the first document and no other
    let Some(document) = documents.first() else { return Ok(text.to_owned()) };
    let mut editor = Editor { text, images, edits: BTreeMap::new() };
    let expected = editor.values(document, Some(below)).map_err(|(line, what)| error(line, what))?;
    let mut edited = text.to_owned();
    for (start, edit) in editor.edits.iter().rev() {
        edited.replace_range(*start..edit.end, &edit.text);
    }
    let read = yaml::parse_loosely(&edited).ok().and_then(|documents| documents.first().map(Node::to_value));
    if read.as_ref() != Some(&expected) {
        let line = editor.edits.values().next().map_or(1, |edit| edit.line);
        return Err(error(
            line,
            "a digest cannot be written here without changing another value; write it out instead of sharing it by an anchor".to_owned(),
        ));
    }
    Ok(edited)
}

struct Edit {
    end: usize,
    text: String,
    line: usize,
}

struct Editor<'a> {
    text: &'a str,
    images: &'a BTreeMap<ImageName, Digest>,
    /// By where they begin.
    edits: BTreeMap<usize, Edit>,
}

type Edited<T> = Result<T, (usize, String)>;

impl Editor<'_> {
    /// Finds the edits of a node. Gives what it is once they are made.
    fn values(&mut self, node: &Node, below: Option<&Value>) -> Edited<Value> {
        Ok(match &node.kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::Sequence(items) => Value::Array(items.iter().map(|item| self.values(item, None)).collect::<Edited<_>>()?),
            Kind::Mapping(entries) => {
                let wanted = self.wanted(node, below)?;
                let mut values = Map::new();
                for (key, child) in entries {
                    let value = match wanted.get(key.as_str()) {
                        Some(text) => {
                            self.edit(child, key, text)?;
                            Value::String(text.clone())
                        }
                        None => self.values(child, below.and_then(|below| below.get(key)))?,
                    };
                    values.insert(key.clone(), value);
                }
                Value::Object(values)
            }
        })
    }

    /// Which entries of a mapping get which text.
    fn wanted(&self, node: &Node, below: Option<&Value>) -> Edited<BTreeMap<&'static str, String>> {
        let mut wanted = BTreeMap::new();
        let Some((key, name, digest)) = image_of(&|key| text(node, below, key), self.images) else { return Ok(wanted) };
        if let Some(place) = node.get("digest") {
            if !is_text(place) {
                return Err((place.line, "`digest` must be text".to_owned()));
            }
            wanted.insert("digest", digest.to_string());
        }
        if let Some((tag, _)) = node.get("tag").and_then(string).as_deref().and_then(|tag| tag.split_once('@')) {
            wanted.insert("tag", format!("{tag}@{digest}"));
        }
        let is_whole = key == "image" && text(node, below, "tag").is_none_or(|tag| tag.is_empty()) && text(node, below, "digest").is_none();
        if is_whole && node.get("image").is_some() {
            wanted.insert("image", format!("{name}@{digest}"));
        }
        Ok(wanted)
    }

    fn edit(&mut self, node: &Node, key: &str, text: &str) -> Edited<()> {
        let Kind::Scalar { value, style, bytes } = &node.kind else { return Err((node.line, format!("`{key}` must be text"))) };
        let (bytes, text) = match style {
            Style::Plain if value.is_null() && bytes.is_empty() => self.empty(bytes, key, text).map_err(|what| (node.line, what))?,
            Style::Plain => (bytes.clone(), text.to_owned()),
            Style::Single => (bytes.clone(), format!("'{text}'")),
            Style::Double => (bytes.clone(), format!("\"{text}\"")),
            Style::Block => return Err((node.line, format!("`{key}` as a block (`|` or `>`) is not edited; write it on one line"))),
        };
        let edit = Edit { end: bytes.end, text, line: node.line };
        match self.edits.insert(bytes.start, edit) {
            Some(earlier) if self.edits.get(&bytes.start).is_none_or(|edit| edit.text != earlier.text) => {
                Err((node.line, format!("`{key}` is written once, by an anchor, for two images; write it out")))
            }
            _ => Ok(()),
        }
    }

    /// Where nothing is written after a key, text goes right behind its colon. The parser has nothing begin at the colon, or behind it.
    fn empty(&self, bytes: &Range<usize>, key: &str, text: &str) -> Result<(Range<usize>, String), String> {
        let (before, behind) = self.text.split_at_checked(bytes.start).unwrap_or_default();
        let colon = if behind.starts_with(':') { Some(bytes.start) } else { before.trim_end().strip_suffix(':').map(str::len) };
        let at = colon.ok_or_else(|| format!("nothing stands after `{key}:`; write `{key}: \"\"`"))? + 1;
        Ok((at..at, format!(" {text}")))
    }
}

/// The release's image that a mapping of values names: by which key, under which name there, and its digest.
fn image_of<'i>(
    text: &dyn Fn(&str) -> Option<String>,
    images: &'i BTreeMap<ImageName, Digest>,
) -> Option<(&'static str, String, &'i Digest)> {
    let registry = text("registry").filter(|registry| !registry.is_empty());
    ["repository", "image"].into_iter().find_map(|key| {
        let written = text(key)?;
        let name = name_of(&written);
        let whole = registry.as_ref().map_or_else(|| name.to_owned(), |registry| format!("{}/{name}", registry.trim_end_matches('/')));
        let (_, digest) = images.iter().find(|(known, _)| known.as_str() == whole)?;
        Some((key, name.to_owned(), digest))
    })
}

fn is_text(node: &Node) -> bool {
    node.is_null() || string(node).is_some()
}

fn string(node: &Node) -> Option<String> {
    node.to_value().as_str().map(str::to_owned)
}

/// A text of a mapping, or of the one that it goes over.
fn text(node: &Node, below: Option<&Value>, key: &str) -> Option<String> {
    match node.get(key) {
        Some(node) => string(node),
        None => below.and_then(|below| below.get(key)).and_then(Value::as_str).map(str::to_owned),
    }
}

/// A container that does not get the digest of the release, whose image it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsetImage {
    /// The container.
    pub image: ImageUse,
    /// Where it stands.
    pub place: String,
    /// What it should run.
    pub wanted: String,
    /// What to write, as far as the values tell.
    pub help: String,
}

impl std::fmt::Display for UnsetImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { image, place, wanted, help } = self;
        write!(
            f,
            "{place}: container `{}` of {} has the image `{}` where `{wanted}` is wanted\nhelp: {help}",
            image.container, image.object, image.image
        )
    }
}

/// Containers of rendered manifests whose image is among the release's, without its digest. `values` are those that the templates saw,
/// `file` is where digests are written to.
pub fn unset_images(manifests: &[Manifest], images: &BTreeMap<ImageName, Digest>, values: &Value, file: Option<&str>) -> Vec<UnsetImage> {
    let unset = |image: ImageUse| {
        let (name, digest) = images.iter().find(|(name, _)| name.as_str() == image.name())?;
        if image.image.split_once('@').is_some_and(|(_, found)| found == digest.to_string()) {
            return None;
        }
        let place = manifests.iter().find(|manifest| manifest.key == image.object).map(|manifest| manifest.place(&image.path));
        let help = help(name, digest, values, file);
        Some(UnsetImage { place: place.unwrap_or_default(), wanted: format!("{name}@{digest}"), image, help })
    };
    images_of(manifests).into_iter().filter_map(unset).collect()
}

fn help(name: &ImageName, digest: &Digest, values: &Value, file: Option<&str>) -> String {
    let file = file.unwrap_or("a file of values that no other environment reads, and name it under `spec.source.helm.valueFiles`");
    let image = BTreeMap::from([(name.clone(), *digest)]);
    let mut found = Vec::new();
    find(values, &mut String::new(), &image, &mut found);
    let is_written = |found: &&Named| found.digest.as_deref() == Some(digest.to_string().as_str());
    let Some(Named { path, key, digest }) = found.iter().find(is_written).or_else(|| found.first()) else {
        return format!(
            "no value names it; write `image: {{repository: {name}, digest: \"\"}}` into {file}, and have the template use both"
        );
    };
    let used = format!("`{{{{ .Values.{path}.{key} }}}}@{{{{ .Values.{path}.digest }}}}`");
    match digest {
        Some(_) if found.iter().any(|found| is_written(&found)) => {
            format!("its digest is the value `{path}.digest`, which the template does not use; write {used} there")
        }
        Some(_) => format!("its digest is the value `{path}.digest`; write it as `digest: \"\"` for `{path}` into {file}"),
        None => {
            format!("its name is the value `{path}.{key}`; write `digest: \"\"` for `{path}` into {file}, and {used} into the template")
        }
    }
}

/// A mapping of values that names an image.
struct Named {
    path: String,
    /// By which key.
    key: &'static str,
    digest: Option<String>,
}

fn find(values: &Value, path: &mut String, image: &BTreeMap<ImageName, Digest>, found: &mut Vec<Named>) {
    let Value::Object(fields) = values else { return };
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some((key, _, _)) = image_of(&text, image) {
        let digest = fields.get("digest").map(|digest| digest.as_str().unwrap_or_default().to_owned());
        found.push(Named { path: path.clone(), key, digest });
    }
    let length = path.len();
    for (key, value) in fields {
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        find(value, path, image, found);
        path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn images() -> BTreeMap<ImageName, Digest> {
        BTreeMap::from([
            ("oran/api".parse().unwrap(), Digest::of(b"api")),
            ("oran/e2".parse().unwrap(), Digest::of(b"e2")),
            ("registry.example.org/oran/db".parse().unwrap(), Digest::of(b"db")),
        ])
    }

    fn one(text: &str) -> Result<String, String> {
        let below = json!({"services": {"e2": {"image": {"repository": "oran/e2", "digest": null}}}});
        set_value_images("values.yaml", text, &images(), &below).map_err(|error| error.to_string())
    }

    /// `<NAME>` is the digest that is written, and nothing in the text that is given.
    #[track_caller]
    fn check(text: &str) {
        let mut expected = text.to_owned();
        for name in ["api", "e2", "db"] {
            expected = expected.replace(&format!("<{name}>"), &Digest::of(name).to_string());
        }
        for old in ["", &Digest::of(b"old").to_string()] {
            let before = text.replace("<api>", old).replace("<e2>", old).replace("<db>", old);
            assert_eq!(one(&before).as_deref(), Ok(expected.as_str()), "{before}");
        }
        assert_eq!(one(&expected).as_deref(), Ok(expected.as_str()), "and once is enough");
    }

    #[test]
    fn digests_are_written_where_values_name_an_image() {
        check("# é: the door\nimage:\n  repository: oran/api # ours\n  digest:   \"<api>\"   # by the machine\n  pullPolicy: Always\n");
        check("a: {registry: registry.example.org, repository: oran/db, digest: '<db>'}\n");
        check("image: {repository: oran/api, tag: \"1.2@<api>\"}\nother: {repository: oran/other, digest: \"\"}\n");
        check("services:\n  e2:\n    image: {digest: \"<e2>\"}\n");
        check("list:\r\n- repository: oran/api\r\n  digest: \"<api>\"\r\n- image: oran/e2\r\n  tag: '1'\r\n");
        check("\u{feff}--- # first\nimage:\t{repository: oran/api,\"digest\":\"<api>\"}\nb:\tc\n...\n---\nrepository: oran/e2\ndigest: ''");
        check("repository: oran/api\rdigest:\t'<api>'\t# mac\rother: \"\u{2028}\u{85}\"\r");
        check("a: {\n  \"repository\": \"oran/api\",\n  ? digest\n  : \"<api>\"\n}\n'b': [\n  *c\n]\n".replace("*c", "c").as_str());
        check("digest: first\nrepository: oran/api\n\"digest\" : '<api>'\n");
        check("x: &x {image: oran/api, digest: \"<api>\"}\ny: *x\nz:\n  <<: *x\n  on: yes\n");
    }

    #[test]
    fn whole_images_and_empty_places_are_written_too() {
        let api = format!("oran/api@{}", Digest::of(b"api"));
        let digest = Digest::of(b"api");
        for (before, after) in [
            ("a:\n  image: oran/api:1.0 # x\n  b: 1\n", format!("a:\n  image: {api} # x\n  b: 1\n")),
            ("image: 'oran/api'\n", format!("image: '{api}'\n")),
            ("image: oran/api\ntag: ''\n", format!("image: {api}\ntag: ''\n")),
            ("image: oran/api\ntag: '1'\n", "image: oran/api\ntag: '1'\n".to_owned()),
            ("repository: oran/api\ndigest:\nx: 1\n", format!("repository: oran/api\ndigest: {digest}\nx: 1\n")),
            ("repository: oran/api\ndigest:   # none yet\nx: 1\n", format!("repository: oran/api\ndigest: {digest}   # none yet\nx: 1\n")),
            ("a: {repository: oran/api, digest: }\n", format!("a: {{repository: oran/api, digest: {digest} }}\n")),
            ("repository: oran/api\ndigest: ~\n", format!("repository: oran/api\ndigest: {digest}\n")),
            ("repository: oran/api\ndigest: &d \"\"\n", format!("repository: oran/api\ndigest: &d \"{digest}\"\n")),
            ("repository: oran/api\ndigest:", format!("repository: oran/api\ndigest: {digest}")),
            ("", String::new()),
        ] {
            assert_eq!(one(before), Ok(after), "{before}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused_with_its_line() {
        let refused = [
            "repository: oran/api\ndigest: |\n  x\n",
            "repository: oran/api\ndigest: 1\n",
            "d: &d ''\na: {repository: oran/api, digest: *d}\n",
            "a: {repository: oran/api, digest: &d ''}\nb: {repository: oran/e2, digest: *d}\n",
            "a: [\n",
        ];
        let text: Vec<String> = refused.iter().map(|text| one(text).unwrap_err()).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn a_container_without_its_digest_is_told_with_what_to_write() {
        let pod = |image: &str| {
            let value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": image}]}});
            let rendered = crate::Rendered { file: "web/templates/pod.yaml (rendered)".to_owned(), text: String::new(), value };
            crate::rendered_manifests(vec![rendered], "prod").unwrap()
        };
        let told = |image: &str, values: Value, file| {
            unset_images(&pod(image), &images(), &values, file).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        let digest = Digest::of(b"api");
        assert_eq!(told(&format!("oran/api:1.0@{digest}"), json!({}), None), "");
        assert_eq!(told("oran/other", json!({}), None), "");
        let text = [
            told("oran/api", json!({}), Some("chart/values-prod.yaml")),
            told("oran/api:1.0", json!({"a": {"b": {"repository": "oran/api", "tag": "1.0"}}}), None),
            told("oran/api:1.0", json!({"a": {"repository": "oran/api", "digest": digest.to_string()}}), Some("values.yaml")),
            told("oran/api", json!({"a": {"repository": "oran/api", "digest": ""}}), Some("values.yaml")),
        ];
        insta::assert_snapshot!(text.join("\n\n"));
    }

    proptest! {
        #[test]
        fn whatever_stands_around_it_only_digests_change(
            comment in "[ -~é→]{0,20}", indent in 1usize..5, quote in prop::sample::select(vec!["", "'", "\""]), old in prop::sample::select(vec!["x", "sha256:00"]),
            key in prop::sample::select(vec!["repository", "image"]), before in 0usize..3, space in 1usize..4, flow in any::<bool>(), is_split in any::<bool>(),
        ) {
            let pad = " ".repeat(indent);
            let gap = " ".repeat(space);
            let mut text = format!("# {comment}\n");
            for n in 0..before {
                text += &format!("other{n}: # {comment}\n{pad}repository: oran/other\n{pad}digest: {quote}{old}{quote}\n");
            }
            let name = if is_split { String::new() } else { format!("{key}: oran/api") };
            text += &if flow {
                let comma = if is_split { "" } else { ", " };
                format!("app: {{{name}{comma}digest:{gap}{quote}{old}{quote}}} # {comment}\n")
            } else {
                let line = if is_split { String::new() } else { format!("{pad}{name} # {comment}\n") };
                format!("app:\n{line}{pad}digest:{gap}{quote}{old}{quote} # {comment}\n{pad}last: true\n")
            };
            let below = json!({"app": {key: "oran/api"}});
            let edited = set_value_images("v.yaml", &text, &images(), &below).unwrap();
            let mark = format!("digest:{gap}{quote}{old}{quote}");
            let at = text.rfind(&mark).unwrap();
            let wanted = format!("{}digest:{gap}{quote}{}{quote}{}", &text[..at], Digest::of(b"api"), &text[at + mark.len()..]);
            prop_assert_eq!(edited, wanted);
        }
    }
}
