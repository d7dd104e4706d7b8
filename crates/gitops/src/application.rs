//! `argoproj.io/v1alpha1` Application, as users of Argo CD write it. What is not carried out is refused by file and line.

mod helm;
mod policy;
mod source;
mod value_files;

use penstock_model::RepositoryName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use helm::{FileParameter, Helm, Parameter};
pub use value_files::{NotThere, ValueFile};

use crate::manifest::ManifestError;
use crate::yaml::{self, Kind, Node};

/// What is kept in step, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// The directory in the config repository, without slashes at its ends; empty for the root.
    pub path: String,
    /// Directories below it, too.
    pub recurse: bool,
    /// It says `directory`: a chart there is none to it.
    #[serde(default)]
    pub is_directory: bool,
    /// How its chart is rendered. A folder with a `Chart.yaml` is a chart without it, too, unless [`Self::is_directory`].
    #[serde(default)]
    pub helm: Option<Helm>,
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

/// Where an environment is delivered from, which its Application has to name.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// The config repository.
    pub repository: &'a RepositoryName,
    /// The branch that counts.
    pub branch: &'a str,
}

struct Reader<'a> {
    file: &'a str,
    home: Home<'a>,
}

type Read<T> = Result<T, ManifestError>;

impl Reader<'_> {
    fn error<T>(&self, node: &Node, what: impl Into<String>) -> Read<T> {
        Err(ManifestError { file: self.file.to_owned(), line: node.line, what: what.into() })
    }

    fn only(&self, node: &Node, path: &str, known: &[&str], hint: impl Fn(&str) -> &'static str) -> Read<()> {
        let Kind::Mapping(entries) = &node.kind else { return self.error(node, format!("`{path}` must be a mapping")) };
        for (key, value) in entries {
            if !known.contains(&key.as_str()) {
                return self.error(value, format!("`{path}.{key}` is not carried out; {}", hint(key)));
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
pub fn parse_application(file: &str, text: &str, home: Home<'_>) -> Result<Application, ManifestError> {
    let read = Reader { file, home };
    let documents = yaml::parse(text).map_err(|error| ManifestError { file: file.to_owned(), line: error.line, what: error.what })?;
    let [root] = documents.as_slice() else {
        let line = documents.get(1).map_or(1, |second| second.line);
        return Err(ManifestError { file: file.to_owned(), line, what: "exactly one Application is expected in the file".to_owned() });
    };
    read.only(root, "Application", &["apiVersion", "kind", "metadata", "spec"], |_| "remove it")?;
    let (api, kind) = (read.want(root, "Application", "apiVersion")?, read.want(root, "Application", "kind")?);
    if (api.as_str(), kind.as_str()) == ("argoproj.io/v1alpha1", "ApplicationSet") {
        return read
            .error(root, "an ApplicationSet is not carried out: write an Application for each environment, and name it in penstock.yaml");
    }
    if (api.as_str(), kind.as_str()) != ("argoproj.io/v1alpha1", "Application") {
        return read.error(root, format!("`{api} {kind}` is no `argoproj.io/v1alpha1 Application`"));
    }
    let metadata = read.mapping(root, "Application", "metadata")?;
    read.only(metadata, "metadata", &["name", "namespace", "labels", "annotations", "finalizers"], |_| "remove it")?;
    let name = read.want(metadata, "metadata", "name")?;
    let spec = read.mapping(root, "Application", "spec")?;
    let known = ["project", "source", "sources", "destination", "syncPolicy", "revisionHistoryLimit"];
    read.only(spec, "spec", &known, |key| match key {
        "ignoreDifferences" => "of an object only what its manifest says is compared, so that there is nothing to ignore; remove it",
        "sourceHydrator" => "a chart is rendered where it lies; write `source`",
        _ => "remove it",
    })?;
    if let Some(project) = read.text(spec, "spec", "project")?.filter(|project| !matches!(project.as_str(), "" | "default")) {
        let node = spec.get("project").unwrap_or(spec);
        return read.error(node, format!("`spec.project` is `{project}`; projects are not carried out, write `default`"));
    }
    let source::Source { path, recurse, is_directory, helm } = source::of(&read, spec)?;
    let namespace = destination(&read, read.mapping(spec, "spec", "destination")?)?;
    let (automated, create_namespace) = match spec.get("syncPolicy").filter(|policy| !policy.is_null()) {
        None => (None, false),
        Some(policy) => policy::read(&read, policy)?,
    };
    Ok(Application { name, path, recurse, is_directory, helm, namespace, automated, create_namespace })
}

/// Reads where it goes to: a namespace of this machine.
fn destination(read: &Reader<'_>, node: &Node) -> Read<String> {
    let path = "spec.destination";
    read.only(node, path, &["server", "name", "namespace"], |_| "name a server and a namespace")?;
    let (name, server) = (read.text(node, path, "name")?, read.text(node, path, "server")?);
    if name.is_some() && server.is_some() {
        return read.error(node, "`spec.destination` has both `name` and `server`; write one");
    }
    for (key, written) in [("name", name), ("server", server)] {
        let is_elsewhere = |written: &String| !matches!(written.as_str(), "" | "in-cluster" | "https://kubernetes.default.svc");
        if let Some(other) = written.filter(is_elsewhere) {
            let what = format!("`{path}.{key}` is `{other}`; what is delivered runs on this machine alone, write `name: in-cluster`");
            return read.error(node.get(key).unwrap_or(node), what);
        }
    }
    read.want(node, path, "namespace")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGING: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: sdr-staging\n  namespace: argocd\nspec:\n  project: default\n  source:\n    repoURL: oran-config\n    targetRevision: main\n    path: staging\n  destination:\n    name: in-cluster\n    namespace: sdr-staging\n  syncPolicy:\n    automated:\n      prune: true\n      selfHeal: true\n";

    fn of(text: &str) -> Result<Application, ManifestError> {
        let repository = "oran-config".parse().unwrap();
        parse_application("a.yaml", text, Home { repository: &repository, branch: "main" })
    }

    #[test]
    fn the_example_is_read() {
        let application = of(STAGING).unwrap();
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
        let deep = of(&STAGING.replace("path: staging", "path: ./\n    directory: {recurse: true}")).unwrap();
        assert!(deep.has("x/y.yaml"));
    }

    #[test]
    fn what_is_not_carried_out_is_refused_with_its_line() {
        let source = "  source:\n    repoURL: oran-config\n    targetRevision: main\n    path: staging\n";
        let named = "{repoURL: oran-config, targetRevision: main, ref: values}";
        let chart = "{repoURL: oran-config, targetRevision: main, path: a}";
        let sources = |list: &[&str]| format!("  sources:\n    - {}\n", list.join("\n    - "));
        let changed: [(&str, &str); 31] = [
            ("    path: staging", "    path: staging\n    plugin: {}"),
            ("    path: staging", "    path: staging\n    chart: redis"),
            ("    path: staging", "    path: staging\n    ref: values"),
            ("    path: staging", "    path: staging\n    helm: {}\n    directory: {recurse: true}"),
            ("path: staging", "path: ../x"),
            ("targetRevision: main", "targetRevision: HEAD"),
            ("targetRevision: main", "targetRevision: develop"),
            ("repoURL: oran-config", "repoURL: https://git.example.org/oran/other-oran-config"),
            ("    path: staging", "    path: staging\n    directory:\n      jsonnet: {}"),
            ("    path: staging", "    path: staging\n    directory:\n      exclude: '*.yaml'"),
            ("project: default", "project: oran"),
            ("project: default", "sources: [{path: a}]"),
            (source, &sources(&[named])),
            (source, &sources(&[chart, "{repoURL: oran-config, targetRevision: main, path: b}"])),
            (source, &sources(&["{repoURL: https://charts.example.org, targetRevision: 1.0.0, chart: redis}", named])),
            (source, &sources(&["{repoURL: other, targetRevision: main, ref: values}", chart])),
            (source, "  sources: []\n"),
            ("  project: default", "  ignoreDifferences: []"),
            ("name: in-cluster", "name: a\n    server: b"),
            ("name: in-cluster", "name: edge"),
            ("name: in-cluster", "server: https://10.0.0.1:6443"),
            ("    namespace: sdr-staging", "    x: 'y'"),
            ("      prune: true", "      prune: maybe"),
            ("    automated:", "    retry: {limit: 3}\n    automated:"),
            ("    automated:", "    managedNamespaceMetadata: {}\n    automated:"),
            ("    automated:", "    syncOptions: [CreateNamespace=true, Replace=true]\n    automated:"),
            ("    automated:", "    syncOptions: CreateNamespace=true\n    automated:"),
            ("kind: Application", "kind: ApplicationSet"),
            ("kind: Application", "kind: AppProject"),
            ("metadata:", "operation: {}\nmetadata:"),
            ("    repoURL: oran-config\n", ""),
        ];
        let text: Vec<String> = changed.iter().map(|(from, to)| of(&STAGING.replacen(from, to, 1)).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(text.join("\n"));
        assert!(of(&format!("{STAGING}---\n{STAGING}")).is_err());
    }

    #[test]
    fn what_says_the_same_in_other_words_is_the_same() {
        let wanted = of(STAGING).unwrap();
        let source = "  source:\n    repoURL: oran-config\n    targetRevision: main\n    path: staging\n";
        for (from, to) in [
            ("repoURL: oran-config", "repoURL: https://git.example.org/oran/oran-config.git/"),
            ("repoURL: oran-config", "repoURL: git@example.org:oran-config.git"),
            ("path: staging", "path: ./staging//."),
            ("path: staging", "path: staging\n    name: staging"),
            ("project: default", "project: ''"),
            ("name: in-cluster", "server: https://kubernetes.default.svc"),
            ("    automated:\n", "    syncOptions: [PruneLast=true]\n    automated:\n      enabled: true\n"),
            (source, "  sources:\n    - {repoURL: oran-config, targetRevision: main, path: staging}\n"),
        ] {
            assert_eq!(of(&STAGING.replacen(from, to, 1)), Ok(wanted.clone()), "{to}");
        }
        let off = of(&STAGING.replace("    automated:\n", "    automated:\n      enabled: false\n")).unwrap();
        assert_eq!(off, Application { automated: None, ..wanted });
    }
}
