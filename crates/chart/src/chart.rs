//! A chart as it is kept once it is read.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    load,
    schema::ValuesSchema,
    value::{Str, Table},
    values::fold,
};

/// A chart and the charts inside it.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// `Chart.yaml`, with the dependencies of `requirements.yaml` for a chart of API version v1.
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<Lock>,
    /// `values.yaml`, merged with nothing yet.
    pub values: Table,
    /// `values.schema.json`, as it was written.
    pub schema: Option<ValuesSchema>,
    /// What stands below `templates/`, in the archive's order.
    pub templates: Vec<File>,
    /// Every other file, what `.Files` gives, `crds/` among them.
    pub files: Vec<File>,
    /// Every file as it was read, `Chart.yaml` and `values.yaml` among them, those of the charts inside apart: what `show` and `package` need.
    pub raw: Vec<File>,
    /// The charts below `charts/`.
    pub dependencies: Vec<Chart>,
    /// Where it stands among the charts around it, as names of its templates begin: `parent/charts/name`. Not always what one would make of
    /// the names: a chart inside one that goes by an alias can stand where it stood without the alias.
    pub path: String,
}

/// A file with definitions of custom resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crd {
    /// Its path with that of its chart.
    pub path: Str,
    /// The file.
    pub file: File,
}

impl Chart {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it only brings definitions for other charts.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// Whether it can be installed; if not, why, in Helm's words.
    pub fn check_installable(&self) -> Result<(), String> {
        match self.metadata.kind.as_str() {
            "" | "application" => Ok(()),
            kind => Err(format!("{kind} charts are not installable")),
        }
    }

    /// Whether all that it declares to depend on is inside it; if not, what is missing, in Helm's words.
    pub fn check_dependencies(&self) -> Result<(), String> {
        let inside: BTreeSet<&str> = self.dependencies.iter().map(Self::name).collect();
        let is_missing = |name: &&str| !inside.contains(name);
        let missing: Vec<&str> = self.metadata.dependencies.iter().map(|needed| needed.name.as_str()).filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", ")))
    }

    /// The text of its `values.yaml`: the one that counts where there are several.
    pub fn values_text(&self) -> Option<&Str> {
        self.raw.iter().rfind(|file| file.name == "values.yaml").map(|file| &file.data)
    }

    /// The files below `crds/`, then those of the charts inside.
    pub fn crds(&self) -> Vec<Crd> {
        let own = self.files.iter().filter(|file| is_definition(&file.name));
        let mut crds: Vec<Crd> = own
            .map(|file| Crd { path: Str::from(load::clean(&[self.path.as_bytes(), b"/", &file.name].concat())), file: file.clone() })
            .collect();
        crds.extend(self.dependencies.iter().flat_map(Self::crds));
        crds
    }
}

impl Dependency {
    /// The name that it goes by in the chart that declares it, and in its values.
    pub fn goes_by(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

impl File {
    /// What its name ends in, from its last dot on (Go's `filepath.Ext`); empty without one.
    pub fn extension(&self) -> &[u8] {
        extension(&self.name)
    }
}

fn extension(name: &Str) -> &[u8] {
    let base = name.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    base.iter().rposition(|byte| *byte == b'.').and_then(|dot| base.get(dot..)).unwrap_or_default()
}

/// Whether a file of this name holds definitions of custom resources.
pub(crate) fn is_definition(name: &Str) -> bool {
    let extension = String::from_utf8_lossy(extension(name));
    name.starts_with(b"crds/") && [".yaml", ".yml", ".json"].iter().any(|known| fold(&extension, known))
}

/// A file of a chart.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its path inside its chart, with `/`.
    pub name: Str,
    /// Its bytes.
    pub data: Str,
}

/// Not what it holds: it may be `values.yaml`.
impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} of {} bytes", self.name, self.data.len())
    }
}

/// `Chart.yaml`. Fields and their JSON names are those of Helm's `chart.Metadata`, in its order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "each is documented at https://helm.sh/docs/topics/charts/#the-chartyaml-file")]
pub struct Metadata {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub annotations: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// Whether `dependencies` is there and empty. Helm then looks into the dependencies of the charts inside, which it does not when it is missing.
    #[serde(skip)]
    pub has_empty_dependencies: bool,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Who keeps a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "each is what it says")]
pub struct Maintainer {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that a chart needs. Fields and their JSON names are those of Helm's `chart.Dependency`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[allow(missing_docs, reason = "each is documented at https://helm.sh/docs/topics/charts/#chart-dependencies")]
pub struct Dependency {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    pub repository: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

/// `Chart.lock`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    /// When it was written.
    pub generated: String,
    /// Of the dependencies it was made from and those it found.
    pub digest: String,
    /// What was found.
    pub dependencies: Vec<Dependency>,
}
