//! `container` and `services` of a workflow's job.

use std::collections::BTreeMap;

use super::checked::{checked_text, named_texts};
use super::contexts::{CONTAINER, CONTAINER_ENV, CREDENTIALS};
use crate::container::{self, PlannedContainer, PlannedCredentials, PlannedService};
use crate::plan::Variable;
use crate::reader::{Fields, Problems, join, shown};
use crate::yaml::{Node, Value};

/// The most services of a job.
const MAX_SERVICES: usize = 50;

/// Reads `container`.
pub(super) fn container(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedContainer> {
    read(node, path, false, problems)
}

/// Reads `services`.
pub(super) fn services(node: &Node, path: &str, problems: &mut Problems) -> Vec<PlannedService> {
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("services are a mapping, not {}", node.kind()), "write `NAME: {image: …}` lines below it");
        return Vec::new();
    };
    if entries.len() > MAX_SERVICES {
        problems.add(node.at, path, format!("more than {MAX_SERVICES} services"), "leave some out");
    }
    let mut out = Vec::new();
    for (key, value) in entries.iter().take(MAX_SERVICES) {
        let path = join(path, &key.text);
        if !super::job::is_id(&key.text) {
            let help = "use letters, digits, `_` and `-`, starting with a letter or `_`";
            problems.add(key.at, &path, format!("`{}` cannot be a service's name", shown(&key.text)), help);
        }
        let container = read(value, &path, true, problems);
        out.extend(container.map(|container| PlannedService { key: Some(key.text.clone()), aliases: Vec::new(), container }));
    }
    out
}

fn read(node: &Node, path: &str, service: bool, problems: &mut Problems) -> Option<PlannedContainer> {
    let line = node.at.line;
    if !matches!(node.value, Value::Map(_)) {
        return checked_text(node, path, &CONTAINER, problems).map(|image| PlannedContainer::named(image, line));
    }
    let mut fields = Fields::of(node, path, problems)?;
    let mut out = PlannedContainer { line, ..PlannedContainer::default() };
    match fields.get("image") {
        Some(node) => out.image = checked_text(node, &fields.path_of("image"), &CONTAINER, problems)?,
        None => problems.add(node.at, path, "the container has no `image`", "write `image: NAME`"),
    }
    let env = fields.get("env").map(|node| named_texts(node, &fields.path_of("env"), &CONTAINER_ENV, problems)).unwrap_or_default();
    out.variables = env.into_iter().map(|(name, value)| (name, Variable { value, expand: true })).collect();
    if let Some(node) = fields.get("ports").filter(|node| !is_empty(node)) {
        let path = fields.path_of("ports");
        if service {
            out.ports = list(node, &path, problems, container::check_port);
        } else {
            problems.add(node.at, &path, "`ports` of a job's container is not carried out", "remove it; only services publish ports");
        }
    }
    if let Some(node) = fields.get("volumes").filter(|node| !is_empty(node)) {
        let help = "remove it; a job has its checkout and `/tmp`, and what it keeps belongs into a cache";
        problems.add(node.at, &fields.path_of("volumes"), "`volumes` is not carried out", help);
    }
    if let Some(node) = fields.get("options") {
        let path = fields.path_of("options");
        out.options = checked_text(node, &path, &CONTAINER, problems);
        tell(node, &path, out.options.as_deref(), container::check_options, problems);
    }
    if let Some(node) = fields.get("credentials") {
        out.credentials = credentials(node, &fields.path_of("credentials"), problems);
    }
    if service {
        let mut words = |name: &'static str| {
            let node = fields.get(name)?;
            let text = checked_text(node, &fields.path_of(name), &CONTAINER, problems)?;
            Some(text).filter(|text| !text.trim().is_empty())
        };
        out.entrypoint = words("entrypoint").map(|text| vec![text]);
        out.command = words("command").map(|text| vec![text]);
    }
    fields.finish(&[], problems);
    Some(out)
}

fn is_empty(node: &Node) -> bool {
    matches!(&node.value, Value::Seq(items) if items.is_empty())
}

/// Tells what is wrong with a text, if it is known while planning.
fn tell(node: &Node, path: &str, text: Option<&str>, check: fn(&str) -> Result<(), String>, problems: &mut Problems) {
    let Some(Err(why)) = text.filter(|text| !text.contains("${{")).map(check) else { return };
    let (message, help) = why.split_once(": ").unwrap_or((&why, "look at its spelling"));
    problems.add(node.at, path, message, help);
}

fn list(node: &Node, path: &str, problems: &mut Problems, check: fn(&str) -> Result<(), String>) -> Vec<String> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("a list is expected here, not {}", node.kind()), "put it in brackets");
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        let text = checked_text(item, path, &CONTAINER, problems);
        tell(item, path, text.as_deref(), check, problems);
        out.extend(text);
    }
    out
}

fn credentials(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedCredentials> {
    let mut fields = Fields::of(node, path, problems)?;
    let mut given = BTreeMap::new();
    for name in ["username", "password"] {
        match fields.get(name) {
            Some(node) => given.insert(name, checked_text(node, &fields.path_of(name), &CREDENTIALS, problems)),
            None => {
                problems.add(node.at, path, format!("`credentials` has no `{name}`"), "write both `username` and `password`");
                None
            }
        };
    }
    if let Some(node) = fields.get("password").filter(|node| node.text().is_some_and(|text| !text.contains("${{"))) {
        let help = "keep it with `penstock secret set`, and write `${{ secrets.NAME }}`";
        problems.add(node.at, &fields.path_of("password"), "a password in the file is no secret", help);
    }
    fields.finish(&[], problems);
    let username = given.remove("username")??;
    Some(PlannedCredentials { username, password: given.remove("password")?? })
}
