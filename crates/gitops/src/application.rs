//! `argoproj.io/v1alpha1` Application, as users of Argo CD write it. What is not carried out is refused by file and line.

mod helm;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use helm::{FileParameter, Helm, Parameter};

use crate::manifest::ManifestError;
use crate::yaml::{self, Kind, Node};

/// What is kept in step, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// The config repository.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The directory in it, without slashes at its ends; empty for the root.
    pub path: String,
    /// Directories below it, too.
    pub recurse: bool,
    /// It says `directory`: a chart there is none to it.
    #[serde(default)]
    pub is_directory: bool,
    /// How its chart is rendered. A folder with a `Chart.yaml` is a chart without it, too, unless [`Self::is_directory`].
    #[serde(default)]
    pub helm: Option<Helm>,
    /// The target: `in-cluster`, or the server that the file names.
    pub server: String,
    /// The namespace.
    pub namespace: String,
    /// Without a person.
    pub automated: Option<Automated>,
    /// Make the namespace if no manifest does.
    pub create_namespace: bool,
}

/// What is done without a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Automated {
    /// Remove what the directory no longer has.
    pub prune: bool,
    /// Undo what was changed at the target.
    pub self_heal: bool,
    /// Even if that is everything.
    pub allow_empty: bool,
}

impl Application {
    /// Whether a file of the repository belongs to it.
    pub fn has(&self, file: &str) -> bool {
        let below =
            if self.path.is_empty() { Some(file) } else { file.strip_prefix(self.path.as_str()).and_then(|rest| rest.strip_prefix('/')) };
        below.is_some_and(|below| self.recurse || !below.contains('/'))
    }
}

struct Reader<'a> {
    file: &'a str,
}

type Read<T> = Result<T, ManifestError>;

impl Reader<'_> {
    fn error<T>(&self, node: &Node, what: impl Into<String>) -> Read<T> {
        Err(ManifestError { file: self.file.to_owned(), line: node.line, what: what.into() })
    }

    fn only(&self, node: &Node, path: &str, known: &[&str], hint: &str) -> Read<()> {
        let Kind::Mapping(entries) = &node.kind else { return self.error(node, format!("`{path}` must be a mapping")) };
        for (key, value) in entries {
            if !known.contains(&key.as_str()) {
                return self.error(value, format!("`{path}.{key}` is not carried out; {hint}"));
            }
        }
        Ok(())
    }

    fn text(&self, node: &Node, path: &str, key: &str) -> Read<Option<String>> {
        match node.get(key) {
            None => Ok(None),
            Some(found) => match found.to_value() {
                Value::String(text) => Ok(Some(text)),
                Value::Null => Ok(None),
                _ => self.error(found, format!("`{path}.{key}` must be text")),
            },
        }
    }

    fn want(&self, node: &Node, path: &str, key: &str) -> Read<String> {
        match self.text(node, path, key)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => self.error(node, format!("`{path}.{key}` is missing")),
        }
    }

    fn flag(&self, node: &Node, path: &str, key: &str) -> Read<bool> {
        match node.get(key) {
            None => Ok(false),
            Some(found) => match found.to_value() {
                Value::Bool(flag) => Ok(flag),
                Value::Null => Ok(false),
                _ => self.error(found, format!("`{path}.{key}` must be true or false")),
            },
        }
    }

    fn texts<'n>(&self, node: &'n Node, path: &str, key: &str) -> Read<Vec<(&'n Node, String)>> {
        let item = |item: &'n Node| match item.to_value() {
            Value::String(text) => Ok((item, text)),
            _ => self.error(item, format!("`{path}.{key}` must be a list of texts")),
        };
        self.list(node, path, key)?.iter().map(item).collect()
    }

    fn list<'n>(&self, node: &'n Node, path: &str, key: &str) -> Read<&'n [Node]> {
        match node.get(key) {
            None => Ok(&[]),
            Some(Node { kind: Kind::Sequence(items), .. }) => Ok(items),
            Some(found) if found.is_null() => Ok(&[]),
            Some(found) => self.error(found, format!("`{path}.{key}` must be a list")),
        }
    }

    fn mapping<'n>(&self, node: &'n Node, path: &str, key: &str) -> Read<&'n Node> {
        match node.get(key) {
            Some(found) if !found.is_null() => Ok(found),
            _ => self.error(node, format!("`{path}.{key}` is missing")),
        }
    }
}

/// Reads an Application from its file, which holds nothing else.
pub fn parse_application(file: &str, text: &str) -> Result<Application, ManifestError> {
    let read = Reader { file };
    let documents = yaml::parse(text).map_err(|error| ManifestError { file: file.to_owned(), line: error.line, what: error.what })?;
    let [root] = documents.as_slice() else {
        let line = documents.get(1).map_or(1, |second| second.line);
        return Err(ManifestError { file: file.to_owned(), line, what: "exactly one Application is expected in the file".to_owned() });
    };
    read.only(root, "Application", &["apiVersion", "kind", "metadata", "spec"], "remove it")?;
    let (api, kind) = (read.want(root, "Application", "apiVersion")?, read.want(root, "Application", "kind")?);
    if (api.as_str(), kind.as_str()) != ("argoproj.io/v1alpha1", "Application") {
        return read.error(root, format!("`{api} {kind}` is no `argoproj.io/v1alpha1 Application`"));
    }
    let metadata = read.mapping(root, "Application", "metadata")?;
    read.only(metadata, "metadata", &["name", "namespace", "labels", "annotations", "finalizers"], "remove it")?;
    let name = read.want(metadata, "metadata", "name")?;
    let spec = read.mapping(root, "Application", "spec")?;
    read.only(
        spec,
        "spec",
        &["project", "source", "destination", "syncPolicy", "revisionHistoryLimit"],
        "one `source` directory goes to one `destination`",
    )?;
    if let Some(project) = read.text(spec, "spec", "project")?.filter(|project| project != "default") {
        return read.error(spec, format!("`spec.project` is `{project}`; projects are not carried out, write `default`"));
    }
    let source = source(&read, read.mapping(spec, "spec", "source")?)?;
    let destination = read.mapping(spec, "spec", "destination")?;
    read.only(destination, "spec.destination", &["server", "name", "namespace"], "name a server and a namespace")?;
    let (by_name, by_server) = (read.text(destination, "spec.destination", "name")?, read.text(destination, "spec.destination", "server")?);
    let server = match (by_name, by_server) {
        (Some(_), Some(_)) => return read.error(destination, "`spec.destination` has both `name` and `server`; write one"),
        (Some(server), None) | (None, Some(server)) => server,
        (None, None) => "in-cluster".to_owned(),
    };
    let namespace = read.want(destination, "spec.destination", "namespace")?;
    let (automated, create_namespace) = match spec.get("syncPolicy").filter(|policy| !policy.is_null()) {
        None => (None, false),
        Some(policy) => sync_policy(&read, policy)?,
    };
    let Source { repository, branch, path, recurse, is_directory, helm } = source;
    Ok(Application { name, repository, branch, path, recurse, is_directory, helm, server, namespace, automated, create_namespace })
}

struct Source {
    repository: String,
    branch: String,
    path: String,
    recurse: bool,
    is_directory: bool,
    helm: Option<Helm>,
}

fn source(read: &Reader<'_>, node: &Node) -> Read<Source> {
    if let Some(chart) = node.get("chart") {
        let what = "`spec.source.chart` is not carried out: a chart is not fetched while a release is delivered; keep it in the repository \
                    (`penstock chart pull --untar`) and name its folder as `path`";
        return read.error(chart, what);
    }
    let hint = "a directory of plain manifests or a Helm chart is delivered; Kustomize, jsonnet and plugins are not carried out";
    read.only(node, "spec.source", &["repoURL", "path", "targetRevision", "directory", "helm"], hint)?;
    let repository = read.want(node, "spec.source", "repoURL")?;
    let branch = read.want(node, "spec.source", "targetRevision")?;
    if branch == "HEAD" || branch.starts_with("refs/") || branch.contains(['*', '^', '~', ':', ' ']) {
        return read.error(node, format!("`spec.source.targetRevision` is `{branch}`; name the protected branch, such as `main`"));
    }
    let path = read.text(node, "spec.source", "path")?.unwrap_or_default();
    let path = path.trim_start_matches("./").trim_matches('/').to_owned();
    if path.split('/').any(|part| part == "..") {
        return read.error(node, format!("`spec.source.path` is `{path}`, which leaves the repository"));
    }
    let path = if path == "." { String::new() } else { path };
    let directory = node.get("directory").filter(|directory| !directory.is_null());
    let recurse = match directory {
        None => false,
        Some(directory) => {
            read.only(directory, "spec.source.directory", &["recurse"], hint)?;
            read.flag(directory, "spec.source.directory", "recurse")?
        }
    };
    let helm = match node.get("helm").filter(|helm| !helm.is_null()) {
        None => None,
        Some(helm) if directory.is_some() => {
            return read.error(helm, "`spec.source` has both `directory` and `helm`; a folder is one or the other");
        }
        Some(helm) => Some(helm::read(read, helm, &path)?),
    };
    Ok(Source { repository, branch, path, recurse, is_directory: directory.is_some(), helm })
}

fn sync_policy(read: &Reader<'_>, node: &Node) -> Read<(Option<Automated>, bool)> {
    read.only(node, "spec.syncPolicy", &["automated", "syncOptions"], "a sync that failed is tried again by itself, within bounds")?;
    let automated = match node.get("automated").filter(|automated| !automated.is_null()) {
        None => None,
        Some(automated) => {
            let path = "spec.syncPolicy.automated";
            read.only(automated, path, &["prune", "selfHeal", "allowEmpty"], "remove it")?;
            let flag = |key| read.flag(automated, path, key);
            Some(Automated { prune: flag("prune")?, self_heal: flag("selfHeal")?, allow_empty: flag("allowEmpty")? })
        }
    };
    let mut create_namespace = false;
    if let Some(options) = node.get("syncOptions") {
        for option in options.items() {
            match option.to_value().as_str() {
                Some("CreateNamespace=true") => create_namespace = true,
                Some("CreateNamespace=false") => create_namespace = false,
                other => return read.error(option, format!("the sync option `{}` is not carried out; remove it", other.unwrap_or("?"))),
            }
        }
    }
    Ok((automated, create_namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGING: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: sdr-staging\n  namespace: argocd\nspec:\n  project: default\n  source:\n    repoURL: oran-config\n    targetRevision: main\n    path: staging\n  destination:\n    name: in-cluster\n    namespace: sdr-staging\n  syncPolicy:\n    automated:\n      prune: true\n      selfHeal: true\n";

    #[test]
    fn the_example_is_read() {
        let application = parse_application("applications/staging.yaml", STAGING).unwrap();
        assert_eq!(
            (application.name.as_str(), application.path.as_str(), application.namespace.as_str()),
            ("sdr-staging", "staging", "sdr-staging")
        );
        assert_eq!(application.automated, Some(Automated { prune: true, self_heal: true, allow_empty: false }));
        assert!(
            application.has("staging/a.yaml")
                && !application.has("staging/b/a.yaml")
                && !application.has("staging-2/a.yaml")
                && !application.has("a.yaml")
        );
        let deep = parse_application("a", &STAGING.replace("path: staging", "path: ./\n    directory: {recurse: true}")).unwrap();
        assert!(deep.has("x/y.yaml"));
    }

    #[test]
    fn what_is_not_carried_out_is_refused_with_its_line() {
        let changed = [
            ("path: staging", "path: staging\n    plugin: {}"),
            ("path: staging", "path: staging\n    chart: redis"),
            ("path: staging", "path: staging\n    helm: {}\n    directory: {recurse: true}"),
            ("path: staging", "path: ../x"),
            ("targetRevision: main", "targetRevision: HEAD"),
            ("    path: staging", "    path: staging\n    directory:\n      jsonnet: {}"),
            ("project: default", "project: oran"),
            ("project: default", "sources: []"),
            ("name: in-cluster", "name: a\n    server: b"),
            ("    namespace: sdr-staging", "    x: y"),
            ("      prune: true", "      prune: maybe"),
            ("    automated:", "    retry: {limit: 3}\n    automated:"),
            ("    automated:", "    syncOptions: [CreateNamespace=true, Replace=true]\n    automated:"),
            ("kind: Application", "kind: ApplicationSet"),
            ("metadata:", "operation: {}\nmetadata:"),
            ("    repoURL: oran-config\n", ""),
        ];
        let text: Vec<String> =
            changed.iter().map(|(from, to)| parse_application("a.yaml", &STAGING.replacen(from, to, 1)).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(text.join("\n"));
        assert!(parse_application("a.yaml", &format!("{STAGING}---\n{STAGING}")).is_err());
    }
}
