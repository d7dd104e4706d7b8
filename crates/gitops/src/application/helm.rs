//! `spec.source.helm`: how a chart is rendered, as Argo CD has it.

use serde::{Deserialize, Serialize};

use super::source::Place;
use super::value_files::{self, ValueFile};
use super::{Read, Reader};
use crate::manifest::ManifestError;
use crate::yaml::Node;

/// How a chart is rendered. Values go over each other in this order: the chart's, those of files, those that stand here, parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of Argo CD's, independent of the others")]
pub struct Helm {
    /// The release's name; the Application's without it.
    pub release_name: Option<String>,
    /// Files of values, a later one over an earlier one.
    pub value_files: Vec<ValueFile>,
    /// Files of values that are not there are passed over.
    pub ignore_missing_value_files: bool,
    /// Values that stand in the Application, as YAML.
    pub values: Option<String>,
    /// Single values, as `--set` and `--set-string` take them.
    pub parameters: Vec<Parameter>,
    /// Values that are what files hold, as `--set-file` takes them.
    pub file_parameters: Vec<FileParameter>,
    /// Leave out what stands below `crds/`.
    pub skip_crds: bool,
    /// Do not hold the values against the chart's schema.
    pub skip_schema_validation: bool,
    /// The version of Kubernetes that templates see.
    pub kube_version: Option<String>,
    /// API versions that templates see besides.
    pub api_versions: Vec<String>,
    /// The namespace that templates see; the destination's without it.
    pub namespace: Option<String>,
}

/// A single value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Where it goes, in the syntax of `--set`.
    pub name: String,
    /// The value, likewise; commas need no backslash.
    pub value: String,
    /// It stays text whatever it looks like.
    pub force_string: bool,
}

/// A value that is what a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileParameter {
    /// Where it goes, in the syntax of `--set`.
    pub name: String,
    /// The file's path in the repository.
    pub path: String,
    /// Its line in the Application's file.
    pub line: usize,
}

const KNOWN: [&str; 15] = [
    "releaseName",
    "valueFiles",
    "ignoreMissingValueFiles",
    "values",
    "valuesObject",
    "parameters",
    "fileParameters",
    "passCredentials",
    "skipCrds",
    "skipTests",
    "skipSchemaValidation",
    "version",
    "kubeVersion",
    "apiVersions",
    "namespace",
];

/// The key while it is read.
struct Key<'a> {
    read: &'a Reader<'a>,
    /// As `spec.source.helm`.
    path: String,
    /// How other sources are named: all of them are this repository.
    references: &'a [String],
    /// Where the chart lies.
    folder: &'a str,
}

/// Reads the key. `folder` is where the chart lies.
pub(super) fn read(read: &Reader<'_>, node: &Node, place: &Place<'_>, folder: &str) -> Read<Helm> {
    let key = Key { read, path: format!("{}.helm", place.path), references: place.references, folder };
    let path = key.path.as_str();
    read.only(node, path, &KNOWN, |_| "Argo CD has no such key; remove it")?;
    if let Some(version) = read.text(node, path, "version")?.filter(|version| !matches!(version.as_str(), "" | "v3")) {
        return read.error(
            node.get("version").unwrap_or(node),
            format!("`{path}.version` is `{version}`; charts are rendered as Helm 3 does, write `v3`"),
        );
    }
    // nothing is fetched, so that nobody is given credentials; tests are no part of what is delivered
    for flag in ["passCredentials", "skipTests"] {
        read.flag(node, path, flag)?;
    }
    let value_files = read.texts(node, path, "valueFiles")?;
    let value_files: Vec<ValueFile> = value_files.iter().map(|(place, written)| key.value_file(place, written)).collect::<Read<_>>()?;
    let twice = value_files.iter().enumerate().find(|(index, file)| value_files.iter().take(*index).any(|other| other.path == file.path));
    if let Some((_, ValueFile { path: file, line })) = twice {
        let what =
            format!("`{path}.valueFiles` names `{file}` twice, where versions of Argo CD differ in which place counts; name it once");
        return Err(ManifestError { file: read.file.to_owned(), line: *line, what });
    }
    let text = |name| Ok(read.text(node, path, name)?.filter(|text| !text.is_empty()));
    Ok(Helm {
        release_name: text("releaseName")?,
        value_files,
        ignore_missing_value_files: read.flag(node, path, "ignoreMissingValueFiles")?,
        values: key.values(node)?,
        parameters: read.list(node, path, "parameters")?.iter().map(|item| key.parameter(item)).collect::<Read<_>>()?,
        file_parameters: read.list(node, path, "fileParameters")?.iter().map(|item| key.file_parameter(item)).collect::<Read<_>>()?,
        skip_crds: read.flag(node, path, "skipCrds")?,
        skip_schema_validation: read.flag(node, path, "skipSchemaValidation")?,
        kube_version: text("kubeVersion")?,
        api_versions: read.texts(node, path, "apiVersions")?.into_iter().map(|(_, version)| version).collect(),
        namespace: text("namespace")?,
    })
}

impl Key<'_> {
    fn values(&self, node: &Node) -> Read<Option<String>> {
        let Self { read, path, .. } = self;
        let text = read.text(node, path, "values")?.filter(|text| !text.is_empty());
        let Some(object) = node.get("valuesObject").filter(|object| !object.is_null()) else { return Ok(text) };
        let value = object.to_value();
        if !value.is_object() {
            return read.error(object, format!("`{path}.valuesObject` must be a mapping"));
        }
        if text.is_some() {
            let what = format!("`{path}` has both `values` and `valuesObject`, of which Argo CD takes the second alone; write one");
            return read.error(object, what);
        }
        Ok(Some(value.to_string())) // JSON is YAML
    }

    fn parameter(&self, node: &Node) -> Read<Parameter> {
        let (read, path) = (self.read, format!("{}.parameters[]", self.path));
        read.only(node, &path, &["name", "value", "forceString"], |_| "remove it")?;
        let value = read.text(node, &path, "value")?.unwrap_or_default();
        no_build_variable(read, node.get("value").unwrap_or(node), &value, "write what is meant (a value with a `$` into `values`)")?;
        Ok(Parameter { name: read.want(node, &path, "name")?, value, force_string: read.flag(node, &path, "forceString")? })
    }

    fn file_parameter(&self, node: &Node) -> Read<FileParameter> {
        let (read, path) = (self.read, format!("{}.fileParameters[]", self.path));
        read.only(node, &path, &["name", "path"], |_| "remove it")?;
        let written = read.want(node, &path, "path")?;
        let place = node.get("path").unwrap_or(node);
        let path = self.in_repository(place, "fileParameters[].path", &written)?;
        Ok(FileParameter { name: read.want(node, &format!("{}.fileParameters[]", self.path), "name")?, path, line: place.line })
    }

    fn value_file(&self, node: &Node, written: &str) -> Read<ValueFile> {
        let path = self.in_repository(node, "valueFiles", written)?;
        if let Err(why) = value_files::check(&path) {
            return self.read.error(node, format!("`{}.valueFiles` is `{written}`, {why}", self.path));
        }
        Ok(ValueFile { path, line: node.line })
    }

    /// A file's path in the repository: from its root if it begins with `/` or with another source's name, otherwise from the chart's folder.
    fn in_repository(&self, node: &Node, key: &str, written: &str) -> Read<String> {
        let Self { read, path, references, folder } = self;
        let refused = |why: &str| read.error(node, format!("`{path}.{key}` is `{written}`, {why}"));
        let of_source = written
            .strip_prefix('$')
            .and_then(|rest| rest.split_once('/'))
            .filter(|(name, _)| references.iter().any(|known| known == name));
        let named = of_source.map_or(written, |(_, file)| file);
        no_build_variable(read, node, named, "write the path out, from the root of this repository with `/` before it")?;
        if written.contains("://") {
            return refused("which is elsewhere; only files of the repository are read");
        }
        let whole = match (of_source, named.strip_prefix('/')) {
            (Some(_), _) => named.to_owned(),
            (None, Some(from_root)) => from_root.to_owned(),
            (None, None) => format!("{folder}/{named}"),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in whole.split('/').filter(|part| !matches!(*part, "" | ".")) {
            if part != ".." {
                parts.push(part);
            } else if parts.pop().is_none() {
                return refused("which leaves the repository");
            }
        }
        if parts.is_empty() { refused("which names no file") } else { Ok(parts.join("/")) }
    }
}

/// Argo CD puts variables of its own, or nothing, where a `$` stands.
fn no_build_variable(read: &Reader<'_>, node: &Node, text: &str, instead: &str) -> Read<()> {
    if text.contains('$') {
        let what = format!(
            "`{text}` has a `$`, where Argo CD puts a build variable or another source's files; that is not carried out, {instead}"
        );
        return read.error(node, what);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::{Home, parse_application};

    fn of(helm: &str) -> Result<Helm, String> {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec:\n  source:\n    repoURL: c\n    targetRevision: main\n    path: charts/web\n    helm:\n{helm}  destination: {{namespace: web}}\n"
        );
        read_in(&text)
    }

    fn read_in(text: &str) -> Result<Helm, String> {
        let home = Home { repository: &"c".parse().unwrap(), branch: "main" };
        parse_application("a.yaml", text, home).map(|application| application.helm.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_of_argo_cd_is_read() {
        let helm = of(
            "      releaseName: web\n      valueFiles: [values-a.yaml, ../../shared/./b.yaml, /c.yaml]\n      ignoreMissingValueFiles: true\n      valuesObject: {replicas: 2}\n      parameters:\n        - {name: a.b, value: '1'}\n        - {name: c, value: 'true', forceString: true}\n      fileParameters: [{name: d, path: files/d.txt}]\n      passCredentials: true\n      skipCrds: true\n      skipTests: true\n      skipSchemaValidation: true\n      version: v3\n      kubeVersion: 1.30.0\n      apiVersions: [example.org/v1]\n      namespace: other\n",
        );
        insta::assert_debug_snapshot!(helm.unwrap());
        assert_eq!(of("      values: 'a: 1'\n").unwrap().values.as_deref(), Some("a: 1"));
    }

    #[test]
    fn files_of_another_source_are_files_of_the_repository() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  sources:\n    - {repoURL: c, targetRevision: main, ref: values}\n    - repoURL: c\n      targetRevision: main\n      path: charts/web\n      helm:\n        valueFiles: [$values/envs/prod.yaml, own.yaml]\n        fileParameters: [{name: a, path: $values/a.txt}]\n  destination: {namespace: web}\n";
        let helm = read_in(text).unwrap();
        let paths: Vec<&str> = helm.value_files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["envs/prod.yaml", "charts/web/own.yaml"]);
        assert_eq!(helm.file_parameters[0].path, "a.txt");
        let refused =
            [("$values/envs", "$other/envs"), ("$values/envs/prod.yaml", "$values/../prod.yaml"), ("own.yaml", "$values/$x/own.yaml")];
        let told: Vec<String> = refused.iter().map(|(from, to)| read_in(&text.replace(from, to)).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_is_not_carried_out_is_refused_with_its_line() {
        let refused = [
            "      valueFiles: [../../../x.yaml]\n",
            "      valueFiles:\n        - values.yaml\n        - https://example.org/values.yaml\n",
            "      valueFiles: [$values/x.yaml]\n",
            "      valueFiles: values.yaml\n",
            "      valueFiles:\n        - a.yaml\n        - b.yaml\n        - ./a.yaml\n",
            "      valueFiles: ['envs/{a,b}*.yaml']\n",
            "      valueFiles: ['envs/[a.yaml']\n",
            "      valueFiles: ['envs/a**.yaml']\n",
            "      fileParameters: [{name: a, path: /../x}]\n",
            "      fileParameters: [{name: a}]\n",
            "      parameters:\n        - name: a\n          value: $ARGOCD_APP_NAME\n",
            "      parameters:\n        - name: a\n          value: 1\n",
            "      version: v2\n",
            "      values: 'a: 1'\n      valuesObject: {a: 2}\n",
            "      valuesObject: [a]\n",
            "      skipCrds: maybe\n",
            "      apiVersions: [1]\n",
            "      postRenderers: []\n",
        ];
        let text: Vec<String> = refused.iter().map(|helm| of(helm).unwrap_err()).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
