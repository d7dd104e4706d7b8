//! `release`: notes and links that a job publishes about a tag (GitLab's `entry/release.rb`).

use penstock_model::Timestamp;
use penstock_model::tag_release::{AssetLink, LinkType};

use crate::plan::PlannedTagRelease;
use crate::reader::{Fields, Problems, choice, shown, text, texts};
use crate::yaml::{Node, Value};

/// The most links, and the most milestones.
const MAX: usize = 100;

/// What links lead to.
const TYPES: &[(&str, LinkType)] =
    &[("other", LinkType::Other), ("runbook", LinkType::Runbook), ("image", LinkType::Image), ("package", LinkType::Package)];

/// Reads `release`.
pub(super) fn release(node: &Node, path: &str, problems: &mut Problems) -> Option<PlannedTagRelease> {
    let mut fields = Fields::of(node, path, problems)?;
    let mut words = |name: &'static str, problems: &mut Problems| {
        let node = fields.get(name)?;
        unshelled(node, &fields.path_of(name), problems)
    };
    let (tag_name, description) = (words("tag_name", problems), words("description", problems));
    let (tag_message, name) = (words("tag_message", problems), words("name", problems));
    let reference = words("ref", problems);
    for name in ["tag_name", "description"] {
        if fields.get(name).is_none_or(|node| node.text() == Some("")) {
            problems.add(node.at, path, format!("`{name}` is missing"), format!("write `{name}: …`"));
        }
    }
    let milestones = fields.get("milestones").map(|node| texts(node, &fields.path_of("milestones"), problems)).unwrap_or_default();
    let released_at = fields.get("released_at").and_then(|node| moment(node, &fields.path_of("released_at"), problems));
    let links = fields.get("assets").map(|node| assets(node, &fields.path_of("assets"), problems)).unwrap_or_default();
    if milestones.len() > MAX || links.len() > MAX {
        problems.add(node.at, path, format!("more than {MAX} links or milestones"), "name fewer");
    }
    fields.finish(&[], problems);
    Some(PlannedTagRelease {
        tag_name: tag_name?,
        tag_message: tag_message.filter(|text| !text.is_empty()),
        name: name.filter(|text| !text.is_empty()),
        description: description?,
        reference: reference.filter(|text| !text.is_empty()),
        milestones: milestones.into_iter().map(|(name, _)| name).collect(),
        released_at,
        links,
    })
}

/// Text with variables. At GitLab a shell reads it, which would carry out what stands in `$(…)`; no shell does here.
fn unshelled(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let given = text(node, path, problems)?;
    if given.contains("$(") {
        let help = "write it into a file in `script` and name the file in `description`, or hand a variable down by a dotenv report";
        problems.add(node.at, path, "a command in `$(…)` is not carried out here: no shell reads this", help);
    }
    Some(given)
}

fn moment(node: &Node, path: &str, problems: &mut Problems) -> Option<Timestamp> {
    let given = text(node, path, problems)?;
    let moment = Timestamp::parse_rfc3339(&given);
    if moment.is_none() {
        problems.add(node.at, path, format!("`{}` is no moment", shown(&given)), "write for example `'2026-03-15T08:00:00Z'`");
    }
    moment
}

fn assets(node: &Node, path: &str, problems: &mut Problems) -> Vec<AssetLink> {
    let Some(mut fields) = Fields::of(node, path, problems) else { return Vec::new() };
    let (links, path_of_links) = (fields.get("links"), fields.path_of("links"));
    if links.is_none() {
        problems.add(node.at, path, "`links` is missing", "write `links:` with a list below it");
    }
    fields.finish(&[], problems);
    let Some(node) = links else { return Vec::new() };
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, &path_of_links, format!("links are a list, not {}", node.kind()), "write `- name: …` and `url: …` below it");
        return Vec::new();
    };
    items.iter().take(MAX + 1).filter_map(|item| link(item, &path_of_links, problems)).collect()
}

fn link(node: &Node, path: &str, problems: &mut Problems) -> Option<AssetLink> {
    let mut fields = Fields::of(node, path, problems)?;
    let mut words = |name: &'static str, problems: &mut Problems| {
        let node = fields.get(name)?;
        unshelled(node, &fields.path_of(name), problems)
    };
    let (name, url, filepath) = (words("name", problems), words("url", problems), words("filepath", problems));
    for (key, given) in [("name", &name), ("url", &url)] {
        if given.as_deref().is_none_or(str::is_empty) {
            problems.add(node.at, path, format!("`{key}` is missing"), format!("write `{key}: …`"));
        }
    }
    if filepath.as_ref().is_some_and(|path| !path.starts_with(['/', '$'])) {
        problems.add(fields.key_at("filepath"), &fields.path_of("filepath"), "`filepath` does not begin with `/`", "write `/bin/tool`");
    }
    let link_type =
        fields.get("link_type").and_then(|node| choice(node, TYPES, &fields.path_of("link_type"), problems)).unwrap_or_default();
    fields.finish(&[], problems);
    Some(AssetLink { name: name?, url: url?, filepath, link_type })
}
