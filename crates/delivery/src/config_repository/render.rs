//! A chart to manifests, and a release's digests into its files of values. What comes out is decided by files of the commit alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_chart::budget::{Budget, Limits, RENDER_TIME, TimeLimit};
use penstock_chart::chart::{Chart, File};
use penstock_chart::json;
use penstock_chart::random::Seeded;
use penstock_chart::release::{self, Composed, Request};
use penstock_chart::render::{Capabilities, KubeVersion, Release, Surroundings};
use penstock_chart::value::{Data, Str};
use penstock_chart::values::{self, Given, ValuesFile};
use penstock_gate::Environment;
use penstock_gitops::application::{FileParameter, NotThere};
use penstock_gitops::{Application, Helm, Manifest, Rendered};
use penstock_model::clock::over_after;
use penstock_model::release::ImageName;
use penstock_model::{CommitId, Digest, RepositoryName, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::annotations;
use super::chart::{self, Charts, Read};
use super::environment::{WithDigests, within};
use super::{MAX_FILE, all};
use crate::effects::{EffectError, RELEASE_TRAILER};
use crate::parts::Parts;

/// How far back the last commit of a person is looked for.
const LOOK_BACK: usize = 500;
/// What charts are told of this machine besides what Helm knows by itself.
const API_VERSIONS: [&str; 3] = ["argoproj.io/v1alpha1", "argoproj.io/v1alpha1/AnalysisTemplate", "argoproj.io/v1alpha1/Rollout"];

/// A chart with everything that it is rendered with.
#[derive(Clone, Debug)]
pub(super) struct ChartSource {
    charts: Arc<Charts>,
    read: Arc<Read>,
    folder: String,
    helm: Helm,
    release: Release,
    /// The namespace that objects go to.
    namespace: String,
    /// Files of values in their order: path and text.
    values: Vec<(String, Str)>,
    /// What files of `fileParameters` hold, by path.
    held: BTreeMap<String, Str>,
    now: Timestamp,
    seed: Digest,
    /// When nobody waits for it any more.
    until: CancellationToken,
}

/// What a chart renders to.
struct Rendering {
    manifests: Vec<Manifest>,
    /// The values that its templates saw.
    values: Value,
}

impl ChartSource {
    /// Reads all of it.
    pub(super) async fn read(
        parts: &Parts,
        repository: &RepositoryName,
        commit: &CommitId,
        environment: &Environment,
        application: &Application,
    ) -> Result<Self, EffectError> {
        let (file, helm) = (&environment.application, application.helm.clone().unwrap_or_default());
        let bytes = async |path: &str| Ok::<_, EffectError>(parts.git.read(repository, commit, path, MAX_FILE).await?.map(Str::from));
        let absent = |line: usize, path: &str, help: &str| {
            let what = format!("{file}:{line}: `{path}` of `spec.source.helm` is not in {repository} at {}", commit.short());
            EffectError::Other(format!("{what}\nhelp: commit it, or correct its path{help}"))
        };
        let absent_values = |line, path: &str| absent(line, path, "; `ignoreMissingValueFiles: true` passes over what is not there");
        let (mut values, mut held) = (Vec::new(), BTreeMap::new());
        let all = if helm.value_files.is_empty() { Vec::new() } else { parts.git.files(repository, commit, "").await? };
        for path in helm.files_of(&all).map_err(|NotThere(named)| absent_values(named.line, &named.path))? {
            let text = bytes(&path).await?.ok_or_else(|| absent_values(1, &path))?;
            values.push((path, text));
        }
        for FileParameter { path, line, .. } in &helm.file_parameters {
            let text = bytes(path).await?.ok_or_else(|| absent(*line, path, ""))?;
            held.insert(path.clone(), text);
        }
        let name = helm.release_name.clone().unwrap_or_else(|| application.name.clone());
        release::check_name(&name).map_err(|why| {
            let key = if helm.release_name.is_some() { "spec.source.helm.releaseName" } else { "metadata.name" };
            EffectError::Other(format!("{file}: `{key}` is `{name}`, which names no release: {why}"))
        })?;
        let namespace = helm.namespace.clone().unwrap_or_else(|| application.namespace.clone());
        // known to this server alone, and the same from release to release: a password stays what it is
        let seed = Digest::of(parts.key.sign_bytes(format!("randomness of a chart\n{}\n{name}\n", application.name).as_bytes()));
        Ok(Self {
            charts: parts.charts.clone(),
            read: chart::read(parts, repository, commit, &application.path).await?,
            folder: application.path.clone(),
            helm,
            release: Release { name, namespace, revision: 1, is_upgrade: false },
            namespace: application.namespace.clone(),
            values,
            held,
            now: written(parts, repository, commit).await?,
            seed,
            until: parts.charts.stop(),
        })
    }

    /// The same, and given up when `until` comes.
    pub(super) fn until(self, until: CancellationToken) -> Self {
        Self { until, ..self }
    }

    /// How long a render that begins now may go on.
    fn time_limit(&self) -> TimeLimit {
        let until = self.until.clone();
        TimeLimit::new(RENDER_TIME, over_after).unless_given_up(Arc::new(move || until.is_cancelled()))
    }

    /// What putting values together may cost.
    fn budget(&self) -> Budget {
        Budget::new(Limits::default()).within(Some(self.time_limit()))
    }

    /// Renders it.
    pub(super) async fn manifests(self) -> Result<Vec<Manifest>, EffectError> {
        aside(move || self.render().map(|rendering| rendering.manifests)).await
    }

    /// Writes digests into its files of values, renders it, and looks whether every container got its own.
    pub(super) async fn with_digests(
        self,
        images: BTreeMap<ImageName, Digest>,
        shared: BTreeMap<String, String>,
    ) -> Result<WithDigests, EffectError> {
        aside(move || {
            let (edited, changed) = self.edited(&images, &shared)?;
            let Rendering { manifests, values } = edited.render()?;
            let files = self.editable();
            let file = files.iter().rev().find(|file| !shared.contains_key(*file));
            let unset = penstock_gitops::unset_images(&manifests, &images, &values, file.map(String::as_str));
            if unset.is_empty() {
                return Ok(WithDigests { changed, manifests });
            }
            let left =
                files.iter().filter_map(|file| shared.get(file).map(|who| format!("note: {file} is not edited: {who} reads it, too")));
            let told: Vec<String> = unset.iter().map(ToString::to_string).chain(left).collect();
            Err(EffectError::Other(told.join("\n")))
        })
        .await
    }

    /// Files that digests may be written into: those that the Application names, or the chart's own where it names none.
    fn editable(&self) -> Vec<String> {
        let named: Vec<String> = self.values.iter().map(|(path, _)| path.clone()).collect();
        if named.is_empty() { vec![within(&self.folder, "values.yaml")] } else { named }
    }

    fn edited(
        &self,
        images: &BTreeMap<ImageName, Digest>,
        shared: &BTreeMap<String, String>,
    ) -> Result<(Self, BTreeMap<String, String>), EffectError> {
        let (mut edited, mut changed) = (self.clone(), BTreeMap::new());
        for (index, path) in self.editable().into_iter().enumerate().filter(|(_, path)| !shared.contains_key(path)) {
            let own = |file: &File| within(&self.folder, &file.name.lossy()) == path;
            let named = self.values.get(index).map(|(_, text)| text);
            let Some(text) = named.or_else(|| self.read.files.iter().find(|file| own(file)).map(|file| &file.data)) else { continue };
            let text = std::str::from_utf8(text).map_err(|_| EffectError::Other(format!("{path} is not UTF-8")))?;
            let below = edited.values_below(index)?;
            let after =
                penstock_gitops::set_value_images(&path, text, images, &below).map_err(|error| EffectError::Other(error.to_string()))?;
            if after == text {
                continue;
            }
            if let Some((_, text)) = edited.values.get_mut(index) {
                *text = after.as_str().into();
            }
            // a file of values in the chart's folder is one of the chart's files, too
            if edited.read.files.iter().any(own) {
                let data = |file: &File| if own(file) { after.as_str().into() } else { file.data.clone() };
                let files = edited.read.files.iter().map(|file| File { name: file.name.clone(), data: data(file) }).collect();
                edited.read = Arc::new(Read::of(files).map_err(|error| self.error(&error))?);
            }
            changed.insert(path, after);
        }
        Ok((edited, changed))
    }

    /// The values that a file goes over: the chart's, and those of the files before it.
    fn values_below(&self, index: usize) -> Result<Value, EffectError> {
        let given = Given { files: self.files(index), ..Given::default() };
        self.seen(&given)
    }

    /// The values that templates see with what is given.
    fn seen(&self, given: &Given) -> Result<Value, EffectError> {
        let mut budget = self.budget();
        let table = self.merged(given, &mut budget)?;
        let (map, _) = values::coalesce(&self.read.chart, &table, &mut budget).map_err(|fault| self.error(&fault))?;
        let table = values::table_of(&map, &mut budget).map_err(|fault| self.error(&fault))?;
        Ok(json::value(&Data::Map(table)))
    }

    fn merged(&self, given: &Given, budget: &mut Budget) -> Result<penstock_chart::value::Table, EffectError> {
        let mut read = |path: &str| self.held.get(path).cloned().ok_or_else(|| format!("open {path}: no such file or directory"));
        given.merge(&mut read, budget).map_err(|fault| self.error(&fault))
    }

    fn files(&self, count: usize) -> Vec<ValuesFile> {
        self.values.iter().take(count).map(|(name, text)| ValuesFile { name: name.clone(), text: text.clone() }).collect()
    }

    /// Everything that the Application gives, in Argo CD's order.
    fn given(&self) -> Given {
        let mut files = self.files(self.values.len());
        let inline =
            self.helm.values.iter().map(|text| ValuesFile { name: "spec.source.helm.values".to_owned(), text: text.as_str().into() });
        files.extend(inline);
        let mut given = Given { files, ..Given::default() };
        for parameter in &self.helm.parameters {
            let into = if parameter.force_string { &mut given.text } else { &mut given.typed };
            into.push(format!("{}={}", parameter.name, escaped(&parameter.value)));
        }
        given.file = self.helm.file_parameters.iter().map(|file| format!("{}={}", file.name, escaped(&file.path))).collect();
        given
    }

    fn capabilities(&self) -> Result<Capabilities, EffectError> {
        let mut capabilities = Capabilities::default();
        if let Some(version) = &self.helm.kube_version {
            capabilities.kube_version =
                KubeVersion::parse(version).map_err(|error| self.error(&format!("`spec.source.helm.kubeVersion`: {error}")))?;
        }
        let besides = API_VERSIONS.into_iter().map(str::to_owned).chain(self.helm.api_versions.iter().cloned());
        capabilities.api_versions.extend(besides);
        Ok(capabilities)
    }

    fn render(&self) -> Result<Rendering, EffectError> {
        installable(&self.read.chart).map_err(|error| self.error(&error))?;
        let given = self.given();
        let request = Request {
            values: self.merged(&given, &mut self.budget())?,
            release: self.release.clone(),
            capabilities: self.capabilities()?,
            check_schema: !self.helm.skip_schema_validation,
            ..Request::default()
        };
        let now = jiff::Timestamp::from_millisecond(self.now.0).unwrap_or_default().to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let mut random = Seeded::new(*self.seed.as_bytes());
        let mut around =
            Surroundings { cache: Some(&self.charts.templates), time: Some(self.time_limit()), ..Surroundings::new(&now, &mut random) };
        let composed = release::compose(&self.read.chart, &request, &mut around).map_err(|error| self.error(&error))?;
        let documents = self.documents(composed).map_err(|error| self.error(&error))?;
        let manifests = penstock_gitops::rendered_manifests(documents, &self.namespace).map_err(|errors| all(&errors))?;
        Ok(Rendering { manifests, values: self.seen(&given)? })
    }

    /// What goes to the target: definitions, manifests, and hooks as Argo CD carries them out.
    fn documents(&self, composed: Composed) -> Result<Vec<Rendered>, String> {
        if let Some(annotation) = composed.unknown_hooks.first() {
            return Err(format!(
                "the hook `{annotation}` is not carried out: Helm 3 knows no such hook, and leaves its object out; remove the annotation, or put a definition into crds/"
            ));
        }
        let mut documents = Vec::new();
        for crd in composed.chart.crds().iter().filter(|_| !self.helm.skip_crds) {
            for text in release::documents(crd.file.data.as_bytes()) {
                documents.push(rendered(&crd.path.lossy(), &text)?);
            }
        }
        for manifest in &composed.manifests {
            documents.push(rendered(&manifest.source, &manifest.content)?);
        }
        for hook in &composed.hooks {
            let mut document = rendered(&hook.manifest.source, &hook.manifest.content)?;
            let Some(annotations) = annotations::of_hook(hook, &document.value)? else { continue };
            annotations::annotate(&mut document.value, annotations);
            documents.push(document);
        }
        documents.iter_mut().for_each(|document| annotations::keep(&mut document.value));
        Ok(documents)
    }

    fn error(&self, what: &dyn std::fmt::Display) -> EffectError {
        EffectError::Other(format!("{}: {what}", chart::shown(&self.folder)).trim_end().to_owned())
    }
}

/// Rendering is work for a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, EffectError> + Send + 'static) -> Result<T, EffectError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EffectError::Other(format!("rendering a chart ended early: {error}")))?
}

/// When a person last wrote to the repository: what `now` gives. Penstock's own commits do not count, so that a release renders the same
/// before its commit is made and after.
async fn written(parts: &Parts, repository: &RepositoryName, commit: &CommitId) -> Result<Timestamp, EffectError> {
    let history = parts.git.history(repository, None, commit, LOOK_BACK).await?;
    let is_own = |message: &str| message.lines().any(|line| line.starts_with(RELEASE_TRAILER));
    Ok(history.iter().find(|commit| !is_own(&commit.message)).map_or(Timestamp(0), |commit| commit.committed.at))
}

fn rendered(file: &str, text: &Str) -> Result<Rendered, String> {
    let data = penstock_chart::yaml::read(text.as_bytes()).map_err(|error| format!("YAML parse error on {file}: {error}"))?;
    Ok(Rendered { file: format!("{file} (rendered)"), text: text.lossy().into_owned(), value: json::value(&data) })
}

/// Whether a chart is one that is delivered, and whole.
fn installable(chart: &Chart) -> Result<(), String> {
    chart.check_installable()?;
    chart.check_dependencies().map_err(|missing| {
        format!(
            "{missing}\nhelp: `penstock chart dependency build` fetches them; commit what it puts into charts/, nothing is fetched while a release is delivered"
        )
    })
}

/// A parameter's value in the syntax of `--set`: commas are its own, unless it is a list.
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = None;
    for c in value.chars() {
        if c == ',' && before != Some('\\') {
            escaped.push('\\');
        }
        escaped.push(c);
        before = Some(c);
    }
    escaped
}
