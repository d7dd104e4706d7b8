//! `image` and `services`.

use std::collections::BTreeMap;

use penstock_model::service::PullPolicy;

use super::{keys, parts};
use crate::container::{PlannedContainer, PlannedService};
use crate::reader::{Fields, Problems, choice, shown, text, texts};
use crate::yaml::{Node, Value};

/// The most services of a job.
const MAX_SERVICES: usize = 20;
/// The longest host name.
const MAX_HOST: usize = 253;

const PULL_POLICIES: &[(&str, PullPolicy)] =
    &[("always", PullPolicy::Always), ("if-not-present", PullPolicy::IfNotPresent), ("never", PullPolicy::Never)];

/// `image`: its name, or a mapping.
pub(super) fn image(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedContainer> {
    if !matches!(node.value, Value::Map(_)) {
        return text(node, path, problems).map(|name| PlannedContainer::named(name, node.at.line));
    }
    let mut fields = Fields::of(node, path, problems)?;
    let container = container(&mut fields, node, path, "image", problems);
    fields.finish(keys::IMAGE, problems);
    container
}

/// `services`: a list of names and mappings.
pub(super) fn services(node: &Node, path: &str, problems: &mut Problems) -> Vec<PlannedService> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("services are a list, not {}", node.kind()), "start each with `- `");
        return Vec::new();
    };
    let mut out = Vec::new();
    gather(items, path, &mut out, problems);
    if out.len() > MAX_SERVICES {
        problems.add(node.at, path, format!("a job may have at most {MAX_SERVICES} services"), "start fewer");
        out.truncate(MAX_SERVICES);
    }
    out
}

/// The items of a list; an anchor of a list within the list is flattened.
fn gather(items: &[Node], path: &str, out: &mut Vec<PlannedService>, problems: &mut Problems) {
    for item in items {
        match &item.value {
            Value::Seq(inner) => gather(inner, path, out, problems),
            _ => out.extend(service(item, path, problems)),
        }
    }
}

fn service(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedService> {
    if !matches!(node.value, Value::Map(_)) {
        let container = PlannedContainer::named(text(node, path, problems)?, node.at.line);
        return Some(PlannedService { key: None, aliases: Vec::new(), container });
    }
    let mut fields = Fields::of(node, path, problems)?;
    let container = container(&mut fields, node, path, "service", problems);
    let alias = fields.get("alias").and_then(|node| Some((text(node, &fields.path_of("alias"), problems)?, node.at)));
    let mut aliases = Vec::new();
    if let Some((given, at)) = alias {
        for alias in given.split([' ', ',']).filter(|alias| !alias.is_empty()) {
            if !is_host(alias) && !alias.contains('$') {
                let help = "use letters, digits, `-`, `_` and dots";
                problems.add(at, &fields.path_of("alias"), format!("`{}` cannot be a host name", shown(alias)), help);
            }
            aliases.push(alias.to_owned());
        }
    }
    let command = fields.get("command").map(|node| words(node, &fields.path_of("command"), problems));
    let variables = fields.get("variables").map(|node| parts::variables(node, &fields.path_of("variables"), problems)).unwrap_or_default();
    fields.finish(keys::SERVICE, problems);
    Some(PlannedService { key: None, aliases, container: PlannedContainer { command, variables, ..container? } })
}

/// What images and services share.
fn container(fields: &mut Fields<'_>, node: &Node, path: &str, what: &str, problems: &mut Problems) -> Option<PlannedContainer> {
    let image = fields.get("name").and_then(|node| text(node, &fields.path_of("name"), problems));
    if image.is_none() {
        problems.add(node.at, path, "`name` is missing", format!("name the {what}'s image: `name: IMAGE`"));
    }
    let entrypoint = fields.get("entrypoint").map(|node| words(node, &fields.path_of("entrypoint"), problems));
    // `[""]` is how people write that there is none
    let entrypoint = entrypoint.map(|words| words.into_iter().skip_while(String::is_empty).collect());
    let pull_policy = fields.get("pull_policy").map(|node| pull_policy(node, &fields.path_of("pull_policy"), problems));
    let (mut user, mut platform) = (None, None);
    if let Some(node) = fields.get("docker")
        && let Some(mut inner) = Fields::of(node, &fields.path_of("docker"), problems)
    {
        user = inner.get("user").and_then(|node| text(node, &inner.path_of("user"), problems));
        platform = inner.get("platform").and_then(|node| text(node, &inner.path_of("platform"), problems));
        inner.finish(&[], problems);
    }
    Some(PlannedContainer {
        line: node.at.line,
        image: image?,
        entrypoint,
        user,
        platform,
        pull_policy: pull_policy.unwrap_or_default(),
        variables: BTreeMap::new(),
        ..PlannedContainer::default()
    })
}

/// A list of words.
fn words(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    if !matches!(node.value, Value::Seq(_)) {
        problems.add(
            node.at,
            path,
            format!("a list of texts is expected here, not {}", node.kind()),
            "write `[\"PROGRAM\", \"ARGUMENT\"]`",
        );
        return Vec::new();
    }
    texts(node, path, problems).into_iter().map(|(text, _)| text).collect()
}

/// One policy, or several that are tried in order.
fn pull_policy(node: &Node, path: &str, problems: &mut Problems) -> Vec<PullPolicy> {
    let items: Vec<&Node> = match &node.value {
        Value::Seq(items) => items.iter().collect(),
        _ => vec![node],
    };
    items.into_iter().filter_map(|item| choice(item, PULL_POLICIES, path, problems)).collect()
}

/// Whether a text can stand in a hosts file.
pub(crate) fn is_host(text: &str) -> bool {
    let byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= MAX_HOST && text.bytes().all(byte) && !text.starts_with(['-', '.'])
}
