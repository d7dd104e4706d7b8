//! `include`: what an entry names.
//!
//! As GitLab has it (its `external/mapper` and `external/file`): text is an address or a path; `rules` are asked first; then
//! patterns of `local` become paths, `file` may be a list, and variables are filled in, but for those of the file itself.

use std::rc::Rc;

use penstock_model::Digest;

use super::inputs::{self, Given};
use super::parts;
use super::rules::{self, Rule};
use crate::expand::{Values, expand_as_rails};
use crate::reader::{Fields, Problems, Unsupported, join, shown, text};
use crate::yaml::{At, Node, Value};

/// What an entry names one of.
const KINDS: &[&str] = &["local", "project", "remote", "template", "component", "artifact"];

/// Its keys that are text.
const TEXTS: [&str; 8] = ["local", "remote", "template", "component", "project", "ref", "artifact", "job"];

const UNSUPPORTED: &[Unsupported] = &[("with", "write `inputs`")];

/// An entry of `include`, its variables filled in.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) target: Target,
    pub(super) inputs: Vec<Given>,
    pub(super) rules: Option<Rc<[Rule]>>,
    /// Where its target stands.
    pub(super) at: At,
    pub(super) path: String,
}

/// What it names.
#[derive(Debug)]
pub(super) enum Target {
    /// A path, or a pattern with `*`.
    Local(String),
    /// A file of another project.
    Project { project: String, reference: Option<String>, file: String },
    /// An address, and what its content must hash to.
    Remote(String, Option<Digest>),
    /// What a job of the parent pipeline made.
    Artifact { path: String, job: String },
    /// One of GitLab's templates.
    Template(String),
    /// Server, project and component, and a version.
    Component { host: String, path: String, version: String },
}

/// What to do about a masked variable where its value would be seen.
pub(super) const UNMASK: &str = "set the variable without `--masked`, or write the value";

/// Reads `include`. `variables` are those that it sees.
pub(super) fn read(node: &Node, path: &str, variables: &dyn Values, problems: &mut Problems) -> Vec<Entry> {
    let items: &[Node] = match &node.value {
        Value::Seq(items) if !node.reference => items,
        _ => std::slice::from_ref(node),
    };
    let mut entries = Vec::new();
    for (place, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
        let path = if items.len() > 1 { format!("{path}[{place}]") } else { path.to_owned() };
        match &item.value {
            Value::Map(_) => entries.extend(mapping(item, &path, variables, problems)),
            _ => entries.extend(written(item, &path, variables, problems)),
        }
    }
    entries
}

/// An entry that is text.
fn written(node: &Node, path: &str, variables: &dyn Values, problems: &mut Problems) -> Option<Entry> {
    if node.reference {
        problems.add(node.at, path, "`!reference` is carried out after `include`, so that it cannot hold one", "name the files themselves");
        return None;
    }
    let location = filled_in(&text(node, path, problems)?, node.at, path, variables, problems)?;
    let target = if is_address(&location) { Target::Remote(location, None) } else { Target::Local(location) };
    valid(&target, node.at, path, problems).then(|| Entry { target, inputs: Vec::new(), rules: None, at: node.at, path: path.to_owned() })
}

/// A text with its variables, of which plans and messages speak: no masked value may be in it.
pub(super) fn filled_in(written: &str, at: At, path: &str, variables: &dyn Values, problems: &mut Problems) -> Option<String> {
    let expanded = expand_as_rails(written, variables, false);
    if expanded.secret {
        problems.add(at, path, format!("`{}` has a masked variable in it, and plans and logs show it", shown(written)), UNMASK);
        return None;
    }
    Some(expanded.text)
}

fn is_address(location: &str) -> bool {
    let address = location.strip_prefix("https://").or_else(|| location.strip_prefix("http://"));
    address.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace))
}

fn mapping(node: &Node, path: &str, variables: &dyn Values, problems: &mut Problems) -> Vec<Entry> {
    let Some(mut fields) = Fields::of(node, path, problems) else { return Vec::new() };
    let filled = |name: &'static str, fields: &mut Fields<'_>, problems: &mut Problems| {
        let node = fields.get(name)?;
        let path = join(path, name);
        Some((filled_in(&text(node, &path, problems)?, node.at, &path, variables, problems)?, node.at))
    };
    let [local, remote, template, component, project, reference, artifact, job] = TEXTS.map(|name| filled(name, &mut fields, problems));
    let files = fields.get("file").map(|node| crate::reader::texts(node, &join(path, "file"), problems)).unwrap_or_default();
    let integrity = fields.get("integrity").and_then(|node| integrity(node, &join(path, "integrity"), problems));
    let given = fields.get("inputs").map(|node| inputs::given(node, &join(path, "inputs"), problems)).unwrap_or_default();
    // what the mirror has is a copy anyway
    if let Some(node) = fields.get("cache").filter(|node| node.bool().is_none()) {
        parts::timeout(node, &join(path, "cache"), problems);
    }
    let rules = fields.get("rules").map(|node| Rc::from(rules::read(node, &join(path, "rules"), rules::Of::Include, problems)));
    if integrity.is_some() && remote.is_none() {
        problems.add(fields.key_at("integrity"), &join(path, "integrity"), "`integrity` belongs to `remote`", "remove it");
    }
    fields.finish(UNSUPPORTED, problems);
    if !one_kind(node, path, problems) {
        return Vec::new();
    }
    let mut targets = Vec::new();
    let written = node.get("local").and_then(Node::text).unwrap_or_default();
    if written.contains('*') && written.contains('$') {
        let message = "GitLab looks for paths that match before it fills variables in, so that this matches nothing";
        problems.add(node.at, &join(path, "local"), message, "write the entry as text instead of `local:`");
    }
    targets.extend(local.map(|(location, at)| (Target::Local(location), at)));
    targets.extend(artifact.zip(job).map(|((path, at), (job, _))| (Target::Artifact { path, job }, at)));
    targets.extend(remote.map(|(url, at)| (Target::Remote(url, integrity), at)));
    targets.extend(template.map(|(name, at)| (Target::Template(name), at)));
    targets.extend(component.and_then(|(address, at)| Some((self::component(&address, at, path, problems)?, at))));
    if let Some((project, at)) = project {
        if files.is_empty() {
            problems.add(at, path, "the entry names a project and no file", "write `file: PATH`, or a list");
        }
        let (project, reference) = (project.to_lowercase(), reference.as_ref().map(|(reference, _)| reference.clone()));
        for (name, at) in files {
            let file = filled_in(&name, at, &join(path, "file"), variables, problems);
            targets.extend(file.map(|file| (Target::Project { project: project.clone(), reference: reference.clone(), file }, at)));
        }
    } else if !files.is_empty() || reference.is_some() {
        problems.add(node.at, path, "`file` and `ref` belong to `project`", "write `project: GROUP/NAME`, or `local: PATH` alone");
    }
    let mut entries = Vec::new();
    for (target, at) in targets {
        if valid(&target, at, path, problems) {
            entries.push(Entry { target, inputs: given.clone(), rules: rules.clone(), at, path: path.to_owned() });
        }
    }
    entries
}

/// Looks at the form of an entry that is carried out later.
pub(super) fn check(node: &Node, path: &str, problems: &mut Problems) {
    if !matches!(node.value, Value::Map(_)) {
        text(node, path, problems);
        return;
    }
    let Some(mut fields) = Fields::of(node, path, problems) else { return };
    one_kind(node, path, problems);
    for name in TEXTS {
        // what a variable in it stands for is not known yet
        fields.get(name).map(|node| text(node, &join(path, name), problems));
    }
    fields.get("file").map(|node| crate::reader::texts(node, &join(path, "file"), problems));
    fields.get("inputs").map(|node| inputs::given(node, &join(path, "inputs"), problems));
    fields.get("rules").map(|node| rules::read(node, &join(path, "rules"), rules::Of::Include, problems));
    fields.even_null("integrity");
    fields.even_null("cache");
    fields.finish(UNSUPPORTED, problems);
}

/// Whether an entry names one thing, with what belongs to it.
fn one_kind(node: &Node, path: &str, problems: &mut Problems) -> bool {
    let has = |kind: &str| node.get(kind).is_some_and(|node| !node.is_null());
    let named: Vec<&str> = KINDS.iter().copied().filter(|kind| has(kind)).collect();
    let wrong = if named.len() != 1 {
        let found = if named.is_empty() { "nothing".to_owned() } else { named.join(" and ") };
        Some((format!("the entry names {found}"), "each entry names one of: local, project, remote, template, component, artifact"))
    } else if has("artifact") != has("job") {
        Some(("`artifact` and `job` go together".to_owned(), "write `artifact: PATH` and `job: NAME`"))
    } else {
        None
    };
    if let Some((message, help)) = &wrong {
        problems.add(node.at, path, message, *help);
    }
    wrong.is_none()
}

/// Whether a target can be a file of YAML.
fn valid(target: &Target, at: At, path: &str, problems: &mut Problems) -> bool {
    let wrong = match target {
        Target::Local(location) | Target::Project { file: location, .. } | Target::Artifact { path: location, .. }
            if !is_yaml(location) =>
        {
            Some((format!("`{}` does not end in .yml or .yaml", shown(location)), "only files of YAML can be included"))
        }
        Target::Local(location) | Target::Project { file: location, .. } | Target::Artifact { path: location, .. } if leaves(location) => {
            Some((
                format!("`{}` is not a path below the top of a repository", shown(location)),
                "write it from the top, without `.` and `..`",
            ))
        }
        Target::Project { project, .. } if project.is_empty() => {
            Some(("the entry names no project".to_owned(), "write `project: GROUP/NAME`"))
        }
        Target::Remote(url, _) if !is_address(url) => {
            Some((format!("`{}` is not an address", shown(url)), "write one that begins with https://"))
        }
        Target::Remote(url, _) if !is_yaml(url) => {
            Some((format!("`{}` does not end in .yml or .yaml", shown(url)), "only files of YAML can be included"))
        }
        Target::Template(name) if !name.ends_with(".gitlab-ci.yml") || leaves(name) => {
            Some((format!("`{}` is not the name of a template", shown(name)), "templates end in .gitlab-ci.yml"))
        }
        _ => None,
    };
    if let Some((message, help)) = &wrong {
        problems.add(at, path, message, *help);
    }
    wrong.is_none()
}

fn is_yaml(location: &str) -> bool {
    let name = location.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    [".yml", ".yaml"].iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

fn leaves(location: &str) -> bool {
    location.trim_start_matches('/').split('/').any(|part| matches!(part, "" | "." | "..")) || location.contains('\0')
}

/// `sha256-` and 44 characters of base64.
fn integrity(node: &Node, path: &str, problems: &mut Problems) -> Option<Digest> {
    let given = text(node, path, problems)?;
    let digest = given.strip_prefix("sha256-").and_then(digest_of_base64);
    if digest.is_none() {
        let help = "as `openssl dgst -sha256 -binary FILE | openssl base64 -A` prints it, after `sha256-`";
        problems.add(node.at, path, format!("`{}` is not `sha256-` and a digest in base64", shown(&given)), help);
    }
    digest
}

fn digest_of_base64(text: &str) -> Option<Digest> {
    let digits = text.strip_suffix('=').filter(|digits| digits.len() == 43)?;
    let (mut bytes, mut bits, mut held) = ([0_u8; 32], 0_u32, 0_u32);
    let mut place = 0;
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            *bytes.get_mut(place)? = u8::try_from(bits >> held & 0xff).ok()?;
            place += 1;
        }
    }
    (bits & ((1 << held) - 1) == 0).then(|| Digest::from_bytes(bytes))
}

/// `HOST/GROUP/PROJECT/NAME@VERSION`.
fn component(address: &str, at: At, path: &str, problems: &mut Problems) -> Option<Target> {
    let read = address.split_once('@').and_then(|(location, version)| {
        let (host, path) = location.split_once('/')?;
        let parts: Vec<&str> = path.split('/').collect();
        let whole = parts.len() >= 2 && !host.is_empty() && !version.is_empty() && !leaves(path) && !leaves(version);
        whole.then(|| Target::Component { host: host.to_owned(), path: path.to_owned(), version: version.to_owned() })
    });
    if read.is_none() {
        let message = format!("`{}` is not the address of a component", shown(address));
        problems.add(at, path, message, "write `HOST/GROUP/PROJECT/NAME@VERSION`, as in `$CI_SERVER_FQDN/team/ci/build@1.2`");
    }
    read
}
