//! A chart from its files.

use std::collections::BTreeMap;

use super::{
    LoadError,
    archive::{Allowance, unpack_within},
    draft::{self, Draft},
    trimmed,
    validate::validate,
};
use crate::{
    budget::{Budget, Limits},
    chart::{Chart, File, Lock, Metadata},
    value::{Data, Str, Table},
    yaml,
};

/// How deep charts may stand in one another. Helm has no such limit.
pub const MAX_NESTED: usize = 64;

/// A chart that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The chart.
    pub chart: Chart,
    /// What Helm would warn of.
    pub warnings: Vec<String>,
}

/// Reads a chart from the files of its directory, in the order of the walk.
pub fn files(files: Vec<File>) -> Result<Loaded, LoadError> {
    let files = files
        .into_iter()
        .map(|file| {
            let text = trimmed(&file.data);
            let data = if text.len() == file.data.len() { file.data.clone() } else { Str::new(text) };
            File { data, ..file }
        })
        .collect();
    finish(files, &mut Allowance::default())
}

/// Reads a chart from its archive.
pub fn archive(bytes: &[u8]) -> Result<Loaded, LoadError> {
    archive_within(bytes, &mut Allowance::default())
}

pub(super) fn archive_within(bytes: &[u8], allowance: &mut Allowance) -> Result<Loaded, LoadError> {
    let files = unpack_within(bytes, allowance)?;
    finish(files, allowance)
}

fn finish(files: Vec<File>, allowance: &mut Allowance) -> Result<Loaded, LoadError> {
    let mut warnings = Vec::new();
    let mut chart = assemble(files, allowance, MAX_NESTED, &mut warnings)?;
    place(&mut chart, "");
    Ok(Loaded { chart, warnings })
}

/// Tells every chart where it stands.
fn place(chart: &mut Chart, around: &str) {
    chart.path = if around.is_empty() { chart.metadata.name.clone() } else { format!("{around}/charts/{}", chart.metadata.name) };
    for inside in &mut chart.dependencies {
        place(inside, &chart.path);
    }
}

/// Reads `Chart.yaml` by itself, without looking at what it says.
pub fn metadata(text: &[u8]) -> Result<Metadata, LoadError> {
    let mut draft = Draft::default();
    read(text).and_then(|document| draft.read(&document).map_err(unmarshalled))?;
    Ok(taken(draft))
}

pub(super) fn taken(draft: Draft) -> Metadata {
    let Draft { mut metadata, maintainers, dependencies } = draft;
    metadata.has_empty_dependencies = dependencies.as_ref().is_some_and(Vec::is_empty);
    metadata.maintainers = maintainers.into_iter().flatten().collect();
    metadata.dependencies = dependencies.into_iter().flatten().flatten().collect();
    metadata
}

fn read(text: &[u8]) -> Result<Data, LoadError> {
    let rules = yaml::Rules { integers: true, ..yaml::Rules::default() };
    Ok(yaml::read_by(rules, text, &mut Budget::new(Limits::default()))?)
}

fn unmarshalled(why: String) -> LoadError {
    LoadError::said(format!("error unmarshaling JSON: while decoding JSON: {why}"))
}

fn values(text: &[u8]) -> Result<Table, LoadError> {
    Ok(yaml::read_table(text)?)
}

fn lock(text: &[u8]) -> Result<Option<Lock>, LoadError> {
    draft::lock(&read(text)?).map_err(unmarshalled)
}

const V1: &str = "v1";

/// A chart that is being put together.
#[derive(Default)]
struct Assembly {
    chart: Chart,
    /// None as long as no file said anything of the chart.
    draft: Option<Draft>,
    /// Files below `charts/`, by the name that follows, without `charts/`.
    inside: BTreeMap<Str, Vec<File>>,
    warnings: Vec<String>,
}

fn assemble(files: Vec<File>, allowance: &mut Allowance, deep: usize, warnings: &mut Vec<String>) -> Result<Chart, LoadError> {
    let deeper = deep.checked_sub(1).ok_or(LoadError::Depth)?;
    let mut assembly = Assembly::default();
    // first, wherever it stands: what other files mean hangs on it
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let draft = assembly.draft.get_or_insert_default();
        let document = read(&file.data).map_err(|why| why.during("cannot load Chart.yaml"))?;
        draft.read(&document).map_err(|why| unmarshalled(why).during("cannot load Chart.yaml"))?;
        if draft.metadata.api_version.is_empty() {
            V1.clone_into(&mut draft.metadata.api_version);
        }
    }
    for file in files {
        assembly.add(file)?;
    }
    let mut draft = assembly.draft.ok_or_else(|| LoadError::said("Chart.yaml file is missing"))?;
    let needed = draft.dependencies.as_deref_mut().unwrap_or_default();
    validate(&mut draft.metadata, &mut draft.maintainers, needed).map_err(LoadError::Said)?;
    let mut chart = Chart { metadata: taken(draft), ..assembly.chart };
    warnings.append(&mut assembly.warnings);
    for (name, files) in assembly.inside {
        if name.starts_with(b"_") || name.starts_with(b".") {
            continue;
        }
        let inside = subchart(&name, files, chart.name(), allowance, deeper, warnings)?;
        chart.dependencies.push(inside);
    }
    Ok(chart)
}

fn subchart(
    name: &Str,
    files: Vec<File>,
    parent: &str,
    allowance: &mut Allowance,
    deep: usize,
    warnings: &mut Vec<String>,
) -> Result<Chart, LoadError> {
    let during = |why: LoadError| why.during(&format!("error unpacking subchart {name} in {parent}"));
    let is_archive = File { name: name.clone(), data: Str::default() }.extension() == b".tgz";
    if !is_archive {
        let files = files
            .into_iter()
            .filter_map(|file| {
                let (_, inside) = bstr::ByteSlice::split_once_str(file.name.as_bytes(), "/")?;
                Some(File { name: Str::new(inside), data: file.data })
            })
            .collect();
        return assemble(files, allowance, deep, warnings).map_err(during);
    }
    let Some(first) = files.first().filter(|file| file.name == *name) else {
        let first = files.first().map(|file| file.name.to_string()).unwrap_or_default();
        let text = format!("error unpacking subchart tar in {parent}: expected {name}, got {first}");
        return Err(LoadError::Said(text));
    };
    let files = unpack_within(&first.data, allowance).map_err(during)?;
    assemble(files, allowance, deep, warnings).map_err(during)
}

impl Assembly {
    fn add(&mut self, file: File) -> Result<(), LoadError> {
        let name = file.name.clone();
        if !name.starts_with(b"charts/") {
            self.chart.raw.push(file.clone());
        }
        match name.as_bytes() {
            b"Chart.yaml" => {}
            b"Chart.lock" => self.chart.lock = lock(&file.data).map_err(|why| why.during("cannot load Chart.lock"))?,
            b"values.yaml" => {
                self.chart.values = values(&file.data).map_err(|why| why.during("cannot load values.yaml"))?;
            }
            b"values.schema.json" => self.chart.schema = Some(file.data.into()),
            b"requirements.yaml" => {
                if !self.is_v1() {
                    self.warn("Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.");
                }
                let draft = self.draft.get_or_insert_default();
                let document = read(&file.data).map_err(|why| why.during("cannot load requirements.yaml"))?;
                draft.read(&document).map_err(|why| unmarshalled(why).during("cannot load requirements.yaml"))?;
                self.keep_of_v1(file);
            }
            b"requirements.lock" => {
                self.chart.lock = lock(&file.data).map_err(|why| why.during("cannot load requirements.lock"))?;
                self.draft.get_or_insert_default();
                if !self.is_v1() {
                    self.warn("Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.");
                }
                self.keep_of_v1(file);
            }
            path if path.starts_with(b"templates/") => self.chart.templates.push(file),
            path if path.starts_with(b"charts/") && file.extension() != b".prov" => {
                let inside = Str::new(path.get(b"charts/".len()..).unwrap_or_default());
                let chart = Str::new(inside.split(|byte| *byte == b'/').next().unwrap_or_default());
                self.inside.entry(chart).or_default().push(File { name: inside, data: file.data });
            }
            _ => self.chart.files.push(file),
        }
        Ok(())
    }

    fn is_v1(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.metadata.api_version == V1)
    }

    fn keep_of_v1(&mut self, file: File) {
        if self.is_v1() {
            self.chart.files.push(file);
        }
    }

    fn warn(&mut self, text: &str) {
        self.warnings.push(format!("Warning: {text}"));
    }
}
