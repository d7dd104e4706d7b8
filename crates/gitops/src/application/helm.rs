//! `spec.source.helm`: how a chart is rendered, as Argo CD has it.

use serde::{Deserialize, Serialize};

use super::{Read, Reader};
use crate::yaml::Node;

/// How a chart is rendered. Values go over each other in this order: the chart's, those of files, those that stand here, parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of Argo CD's, independent of the others")]
pub struct Helm {
    /// The release's name; the Application's without it.
    pub release_name: Option<String>,
    /// Files of values by their paths in the repository, a later one over an earlier one.
    pub value_files: Vec<String>,
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
}

const PATH: &str = "spec.source.helm";
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

/// Reads the key. `folder` is where the chart lies.
pub(super) fn read(read: &Reader<'_>, node: &Node, folder: &str) -> Read<Helm> {
    read.only(node, PATH, &KNOWN, "Argo CD has no such key; remove it")?;
    if let Some(version) = read.text(node, PATH, "version")?.filter(|version| version != "v3") {
        return read.error(
            node.get("version").unwrap_or(node),
            format!("`{PATH}.version` is `{version}`; charts are rendered as Helm 3 does, write `v3`"),
        );
    }
    // nothing is fetched, so that nobody is given credentials; tests are no part of what is delivered
    for key in ["passCredentials", "skipTests"] {
        read.flag(node, PATH, key)?;
    }
    let value_files = read.texts(node, PATH, "valueFiles")?;
    let value_files =
        value_files.iter().map(|(place, written)| in_repository(read, place, "valueFiles", folder, written)).collect::<Read<_>>()?;
    Ok(Helm {
        release_name: read.text(node, PATH, "releaseName")?.filter(|name| !name.is_empty()),
        value_files,
        ignore_missing_value_files: read.flag(node, PATH, "ignoreMissingValueFiles")?,
        values: values(read, node)?,
        parameters: read.list(node, PATH, "parameters")?.iter().map(|item| parameter(read, item)).collect::<Read<_>>()?,
        file_parameters: read
            .list(node, PATH, "fileParameters")?
            .iter()
            .map(|item| file_parameter(read, item, folder))
            .collect::<Read<_>>()?,
        skip_crds: read.flag(node, PATH, "skipCrds")?,
        skip_schema_validation: read.flag(node, PATH, "skipSchemaValidation")?,
        kube_version: read.text(node, PATH, "kubeVersion")?.filter(|version| !version.is_empty()),
        api_versions: read.texts(node, PATH, "apiVersions")?.into_iter().map(|(_, version)| version).collect(),
        namespace: read.text(node, PATH, "namespace")?.filter(|namespace| !namespace.is_empty()),
    })
}

fn values(read: &Reader<'_>, node: &Node) -> Read<Option<String>> {
    let text = read.text(node, PATH, "values")?.filter(|text| !text.is_empty());
    let Some(object) = node.get("valuesObject").filter(|object| !object.is_null()) else { return Ok(text) };
    let value = object.to_value();
    if !value.is_object() {
        return read.error(object, format!("`{PATH}.valuesObject` must be a mapping"));
    }
    if text.is_some() {
        return read
            .error(object, format!("`{PATH}` has both `values` and `valuesObject`, of which Argo CD takes the second alone; write one"));
    }
    Ok(Some(value.to_string())) // JSON is YAML
}

fn parameter(read: &Reader<'_>, node: &Node) -> Read<Parameter> {
    let path = format!("{PATH}.parameters[]");
    read.only(node, &path, &["name", "value", "forceString"], "remove it")?;
    let value = read.text(node, &path, "value")?.unwrap_or_default();
    no_build_variable(read, node.get("value").unwrap_or(node), &value)?;
    Ok(Parameter { name: read.want(node, &path, "name")?, value, force_string: read.flag(node, &path, "forceString")? })
}

fn file_parameter(read: &Reader<'_>, node: &Node, folder: &str) -> Read<FileParameter> {
    let path = format!("{PATH}.fileParameters[]");
    read.only(node, &path, &["name", "path"], "remove it")?;
    let written = read.want(node, &path, "path")?;
    let place = node.get("path").unwrap_or(node);
    Ok(FileParameter {
        name: read.want(node, &path, "name")?,
        path: in_repository(read, place, "fileParameters[].path", folder, &written)?,
    })
}

/// Argo CD puts variables of its own, or nothing, where a `$` stands.
fn no_build_variable(read: &Reader<'_>, node: &Node, text: &str) -> Read<()> {
    if text.contains('$') {
        let what = format!(
            "`{text}` has a `$`, where Argo CD puts a build variable or another source's files; that is not carried out, write what is meant (a value with a `$` into `values`)"
        );
        return read.error(node, what);
    }
    Ok(())
}

/// A file's path in the repository: from its root if it begins with `/`, otherwise from the chart's folder.
fn in_repository(read: &Reader<'_>, node: &Node, key: &str, folder: &str, written: &str) -> Read<String> {
    no_build_variable(read, node, written)?;
    if written.contains("://") {
        return read.error(node, format!("`{PATH}.{key}` is `{written}`; only files of the repository are read"));
    }
    let whole = match written.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None => format!("{folder}/{written}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            return read.error(node, format!("`{PATH}.{key}` is `{written}`, which leaves the repository"));
        }
    }
    if parts.is_empty() {
        return read.error(node, format!("`{PATH}.{key}` is `{written}`, which names no file"));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::parse_application;

    fn of(helm: &str) -> Result<Helm, String> {
        let text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: a}}\nspec:\n  source:\n    repoURL: c\n    targetRevision: main\n    path: charts/web\n    helm:\n{helm}  destination: {{namespace: web}}\n"
        );
        parse_application("a.yaml", &text).map(|application| application.helm.unwrap()).map_err(|error| error.to_string())
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
    fn what_is_not_carried_out_is_refused_with_its_line() {
        let refused = [
            "      valueFiles: [../../../x.yaml]\n",
            "      valueFiles:\n        - values.yaml\n        - https://example.org/values.yaml\n",
            "      valueFiles: [$values/x.yaml]\n",
            "      valueFiles: values.yaml\n",
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
