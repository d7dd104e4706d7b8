//! `spec.source` and `spec.sources`: a folder of the config repository.

use super::{Helm, Read, Reader, helm};
use crate::yaml::Node;

/// What is delivered.
pub(super) struct Source {
    pub path: String,
    pub recurse: bool,
    pub is_directory: bool,
    pub helm: Option<Helm>,
}

/// Where a source stands, and how other sources are named there.
pub(super) struct Place<'a> {
    /// As `spec.source`.
    pub path: &'a str,
    /// What `ref`s name, all of them the config repository.
    pub references: &'a [String],
}

/// Reads the one source, or the one of several that is more than a name for the config repository.
pub(super) fn of(read: &Reader<'_>, spec: &Node) -> Read<Source> {
    let several = read.list(spec, "spec", "sources")?;
    let Some(first) = several.first() else {
        return source(read, read.mapping(spec, "spec", "source")?, &Place { path: "spec.source", references: &[] });
    };
    if let Some(one) = spec.get("source").filter(|one| !one.is_null()) {
        return read.error(one, "`spec` has both `source` and `sources`, of which Argo CD takes the second alone; write one");
    }
    let mut references = Vec::new();
    let mut delivered: Option<(usize, &Node)> = None;
    for (index, node) in several.iter().enumerate() {
        let path = format!("spec.sources[{index}]");
        let name = read.text(node, &path, "ref")?.filter(|name| !name.is_empty());
        let is_name = name.is_some() && !["path", "chart", "helm", "directory"].iter().any(|key| node.get(key).is_some());
        references.extend(name);
        if is_name {
            read.only(node, &path, &["repoURL", "targetRevision", "ref", "name"], |_| "a source with a `ref` alone is a name for files")?;
            home(read, node, &path)?;
        } else if let Some((earlier, _)) = delivered.replace((index, node)) {
            let what =
                format!("`{path}` is delivered besides `spec.sources[{earlier}]`; an environment is one folder, put both into one chart");
            return read.error(node, what);
        }
    }
    let Some((index, node)) = delivered else {
        return read.error(first, "of `spec.sources` none has a `path`, so that nothing is delivered; add the chart's folder");
    };
    source(read, node, &Place { path: &format!("spec.sources[{index}]"), references: &references })
}

/// A source is the config repository at the branch that counts: nothing else is looked at when a release is delivered.
fn home(read: &Reader<'_>, node: &Node, path: &str) -> Read<()> {
    let (url, branch) = (read.want(node, path, "repoURL")?, read.want(node, path, "targetRevision")?);
    let (repository, wanted) = (read.home.repository.as_str(), read.home.branch);
    let named = url.trim_end_matches('/').trim_end_matches(".git");
    if named != repository && !named.strip_suffix(repository).is_some_and(|before| before.ends_with(['/', ':'])) {
        let what = format!(
            "`{path}.repoURL` is `{url}`; an environment is delivered from the config repository of its project alone, write `{repository}` \
             and keep there what comes from elsewhere"
        );
        return read.error(node.get("repoURL").unwrap_or(node), what);
    }
    if branch != wanted {
        let what = format!("`{path}.targetRevision` is `{branch}`; what is delivered is the branch `{wanted}`, write that");
        return read.error(node.get("targetRevision").unwrap_or(node), what);
    }
    Ok(())
}

fn hint(key: &str) -> &'static str {
    match key {
        "kustomize" | "plugin" | "jsonnet" => {
            "a directory of plain manifests or a Helm chart is delivered; commit what it makes as plain manifests"
        }
        "include" | "exclude" => "every manifest of the directory is delivered; keep others in another one",
        "tagPrefix" => "what is delivered is a branch; remove it",
        "ref" => "it is a name for files of `sources`; remove it",
        _ => "remove it",
    }
}

fn source(read: &Reader<'_>, node: &Node, place: &Place<'_>) -> Read<Source> {
    let at = place.path;
    if let Some(chart) = node.get("chart").filter(|chart| !chart.is_null()) {
        let what = format!(
            "`{at}.chart` is not carried out: a chart is not fetched while a release is delivered; keep it in the repository \
             (`penstock chart pull --untar`) and name its folder as `path`"
        );
        return read.error(chart, what);
    }
    let known: &[&str] = match place.references {
        [] => &["repoURL", "path", "targetRevision", "directory", "helm", "name"],
        _ => &["repoURL", "path", "targetRevision", "directory", "helm", "name", "ref"],
    };
    read.only(node, at, known, hint)?;
    home(read, node, at)?;
    let written = read.text(node, at, "path")?.unwrap_or_default();
    let parts: Vec<&str> = written.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        let what = format!("`{at}.path` is `{written}`, which leaves the repository");
        return read.error(node.get("path").unwrap_or(node), what);
    }
    let path = parts.join("/");
    let directory = node.get("directory").filter(|directory| !directory.is_null());
    let recurse = match directory {
        None => false,
        Some(directory) => {
            read.only(directory, &format!("{at}.directory"), &["recurse"], hint)?;
            read.flag(directory, &format!("{at}.directory"), "recurse")?
        }
    };
    let helm = match node.get("helm").filter(|helm| !helm.is_null()) {
        None => None,
        Some(helm) if directory.is_some() => {
            return read.error(helm, format!("`{at}` has both `directory` and `helm`; a folder is one or the other"));
        }
        Some(helm) => Some(helm::read(read, helm, place, &path)?),
    };
    Ok(Source { path, recurse, is_directory: directory.is_some(), helm })
}
