//! `docker/metadata-action`: an image's tags and labels, from the ref.

use std::collections::BTreeMap;

use serde_json::json;

use super::act::{Act, Already, Done, Inputs};
use super::facts::Facts;
use super::table::{BuiltIn, Known, anything};
use super::versions::Version;
use crate::reader::shown;

pub(super) const KNOWN: Known = Known {
    name: "docker/metadata-action",
    built_in: BuiltIn::DockerMetadata,
    majors: &[3, 4, 5, 6],
    branches: &["master"],
    inputs: &[
        "context",
        "images",
        "tags",
        "flavor",
        "labels",
        "annotations",
        "sep-tags",
        "sep-labels",
        "sep-annotations",
        "bake-target",
        "github-token",
    ],
    check: anything,
    begin: |inputs, facts, _| begin(&inputs, facts),
};

/// A line `type=…,key=value` as a mapping.
fn fields(line: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (at, field) in line.split(',').map(str::trim).filter(|field| !field.is_empty()).enumerate() {
        match field.split_once('=') {
            Some((name, value)) => out.insert(name.trim().to_lowercase(), value.trim().trim_matches('"').to_owned()),
            None if at == 0 => out.insert("type".to_owned(), "raw".to_owned()).or_else(|| out.insert("value".to_owned(), field.to_owned())),
            None => None,
        };
    }
    out
}

/// A tag and how much it counts.
struct Tag {
    text: String,
    priority: i64,
    /// Whether `latest=auto` comes with it.
    brings_latest: bool,
    own_prefix: Option<String>,
    own_suffix: Option<String>,
}

fn begin(inputs: &Inputs, facts: &Facts) -> Result<Box<dyn Act>, String> {
    let mut wanted = inputs.lines("tags");
    if wanted.is_empty() {
        wanted = ["type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr"].map(str::to_owned).into();
    }
    let mut tags = Vec::new();
    for line in &wanted {
        tags.extend(tag(&fields(line), facts)?);
    }
    // of equal ones the first that was asked for
    tags.sort_by_key(|tag| std::cmp::Reverse(tag.priority));
    let flavor: BTreeMap<String, String> = inputs.lines("flavor").iter().flat_map(|line| fields(line)).collect();
    let names = named(&tags, &flavor);
    let version = names.first().cloned().unwrap_or_default();
    let images: Vec<String> = inputs
        .lines("images")
        .iter()
        .filter_map(|line| {
            let fields = fields(line);
            let on = fields.get("enable").is_none_or(|enable| enable == "true");
            let name = fields.get("name").or_else(|| fields.get("value")).cloned();
            name.filter(|_| on).map(|name| name.to_lowercase())
        })
        .collect();
    let full: Vec<String> = if images.is_empty() {
        names.clone()
    } else {
        images.iter().flat_map(|image| names.iter().map(move |name| format!("{image}:{name}"))).collect()
    };
    let labels = labels(inputs, facts, &version);
    let annotations: Vec<String> = labels.iter().map(|label| format!("manifest:{label}")).collect();
    let pairs: BTreeMap<&str, &str> = labels.iter().filter_map(|label| label.split_once('=')).collect();
    let json = json!({ "tags": full, "tag-names": names, "labels": pairs, "annotations": annotations }).to_string();
    let separator = |name: &str| inputs.or(name, "\n").replace("\\n", "\n");
    let outputs = [
        ("version", version),
        ("tags", full.join(&separator("sep-tags"))),
        ("tag-names", names.join("\n")),
        ("labels", labels.join(&separator("sep-labels"))),
        ("annotations", annotations.join(&separator("sep-annotations"))),
        ("json", json),
    ];
    let mut done = Done::well(outputs);
    for (name, value) in &done.outputs {
        done.env.insert(format!("DOCKER_METADATA_OUTPUT_{}", name.to_uppercase().replace('-', "_")), value.clone());
    }
    done.notes = full.iter().map(|tag| format!("tag: {tag}")).collect();
    Ok(Already::boxed(done))
}

/// The tags with the flavor's prefix and suffix, and `latest` if it belongs to them.
fn named(tags: &[Tag], flavor: &BTreeMap<String, String>) -> Vec<String> {
    let of_flavor = |name: &str| flavor.get(name).cloned().unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for tag in tags {
        let prefix = tag.own_prefix.clone().unwrap_or_else(|| of_flavor("prefix"));
        let suffix = tag.own_suffix.clone().unwrap_or_else(|| of_flavor("suffix"));
        let name = sane(&format!("{prefix}{}{suffix}", tag.text));
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    let latest = match flavor.get("latest").map(String::as_str) {
        Some("true") => true,
        Some("false") => false,
        // the tag that counts most decides
        _ => tags.first().is_some_and(|tag| tag.brings_latest),
    };
    if latest && !names.iter().any(|name| name == "latest") {
        names.push("latest".to_owned());
    }
    names
}

/// What can be an image's tag.
fn sane(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).collect();
    text.trim_start_matches(['.', '-']).chars().take(128).collect()
}

fn tag(fields: &BTreeMap<String, String>, facts: &Facts) -> Result<Option<Tag>, String> {
    let get = |name: &str| fields.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let fill = |text: &str| filled(text, facts, None);
    if let Some(enable) = get("enable")
        && fill(enable)? != "true"
    {
        return Ok(None);
    }
    let (branch, git_tag) = (facts.reference.strip_prefix("refs/heads/"), facts.reference.strip_prefix("refs/tags/"));
    let kind = get("type").unwrap_or("raw");
    let (text, usual, brings_latest) = match kind {
        "schedule" => (None, 1000, false),
        "semver" | "pep440" => {
            let value = get("value").map(fill).transpose()?;
            let given = value.as_deref().or(git_tag);
            let Some(version) = given.and_then(Version::read) else { return Ok(None) };
            let pattern = get("pattern").ok_or_else(|| format!("a tag of the type {kind} needs a `pattern`"))?;
            let early = version.shown().contains('-');
            // an early version stands for itself alone
            let pattern = if early && !pattern.contains("raw") { "{{version}}" } else { pattern };
            (Some(filled(pattern, facts, Some((&version, given.unwrap_or_default())))?), 900, !early)
        }
        "match" => {
            let value = get("value").map(fill).transpose()?;
            let Some(given) = value.as_deref().or(git_tag) else { return Ok(None) };
            let pattern = get("pattern").ok_or("a tag of the type match needs a `pattern`")?;
            let regex = regex::RegexBuilder::new(pattern.trim_matches('/')).size_limit(1 << 20).build();
            let regex = regex.map_err(|error| format!("`{}` is no pattern: {error}", shown(pattern)))?;
            let group = get("group").and_then(|group| group.parse().ok()).unwrap_or(0);
            (regex.captures(given).and_then(|found| found.get(group)).map(|found| found.as_str().to_owned()), 800, true)
        }
        "edge" => {
            let wanted = get("branch").unwrap_or(&facts.default_branch);
            ((branch == Some(wanted)).then(|| "edge".to_owned()), 700, false)
        }
        "ref" => match get("event") {
            Some("branch") => (branch.map(str::to_owned), 600, false),
            Some("tag") => (git_tag.map(str::to_owned), 600, true),
            Some("pr") => (facts.pull_request.as_ref().map(ToString::to_string), 600, false),
            _ => return Err("a tag of the type ref needs `event`: branch, tag or pr".to_owned()),
        },
        "raw" => (Some(fill(get("value").unwrap_or_default())?), 200, false),
        "sha" => {
            let sha = if get("format") == Some("long") { facts.commit.clone() } else { facts.commit.chars().take(7).collect() };
            (Some(sha), 100, false)
        }
        other => return Err(format!("a tag of the type `{}` is not known", shown(other))),
    };
    let own_prefix = match get("prefix").map(fill).transpose()? {
        None if kind == "sha" && !fields.contains_key("prefix") => Some("sha-".to_owned()),
        None if kind == "ref" && get("event") == Some("pr") && !fields.contains_key("prefix") => Some("pr-".to_owned()),
        None if fields.contains_key("prefix") => Some(String::new()),
        given => given,
    };
    let own_suffix = get("suffix").map(fill).transpose()?;
    let priority = get("priority").and_then(|priority| priority.parse().ok()).unwrap_or(usual);
    Ok(text.filter(|text| !text.is_empty()).map(|text| Tag { text, priority, brings_latest, own_prefix, own_suffix }))
}

/// Fills in `{{…}}`.
fn filled(text: &str, facts: &Facts, version: Option<(&Version, &str)>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or_else(|| format!("`{}` has `{{{{` without `}}}}`", shown(text)))?;
        out.push_str(before);
        let number = |at: usize| version.map(|(version, _)| version.numbers[at].to_string());
        let branch = facts.reference.strip_prefix("refs/heads/");
        let value = match name.trim() {
            "version" => version.map(|(version, _)| version.shown()),
            "raw" => version.map(|(_, raw)| raw.to_owned()),
            "major" => number(0),
            "minor" => number(1),
            "patch" => number(2),
            "branch" => Some(branch.unwrap_or_default().to_owned()),
            "tag" => Some(facts.reference.strip_prefix("refs/tags/").unwrap_or_default().to_owned()),
            "sha" => Some(facts.commit.chars().take(7).collect()),
            "base_ref" => Some(String::new()),
            "is_default_branch" => Some((branch == Some(&*facts.default_branch)).to_string()),
            "is_not_default_branch" => Some((branch != Some(&*facts.default_branch)).to_string()),
            _ => None,
        };
        out.push_str(&value.ok_or_else(|| format!("`{{{{{}}}}}` is not known here", shown(name)))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn labels(inputs: &Inputs, facts: &Facts, version: &str) -> Vec<String> {
    let source = format!("{}/{}", facts.server_url, facts.repository);
    let title = facts.repository.rsplit('/').next().unwrap_or_default();
    let own = [("revision", facts.commit.as_str()), ("source", &source), ("title", title), ("url", &source), ("version", version)];
    let mut labels: BTreeMap<String, String> =
        own.iter().map(|(name, value)| (format!("org.opencontainers.image.{name}"), (*value).to_owned())).collect();
    for line in inputs.lines("labels") {
        if let Some((name, value)) = line.split_once('=') {
            labels.insert(name.to_owned(), value.to_owned());
        }
    }
    labels.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}
