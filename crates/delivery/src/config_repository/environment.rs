//! What an environment is made of at a commit: its Application, and plain manifests or a chart.

use std::collections::{BTreeMap, BTreeSet};

use penstock_gate::Environment;
use penstock_gitops::{Application, Helm, Home, Manifest};
use penstock_model::release::ImageName;
use penstock_model::{CommitId, Digest, RepositoryName};
use tokio_util::sync::CancellationToken;

use super::render::ChartSource;
use super::{BRANCH, MAX_FILES, all, text};
use crate::effects::EffectError;
use crate::parts::Parts;

/// What an environment is made of at a commit.
#[derive(Debug)]
pub struct EnvironmentFiles {
    /// The Application.
    pub application: Application,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Manifests: path → text.
    Plain(BTreeMap<String, String>),
    /// A chart, with everything that it is rendered with.
    Chart(Box<ChartSource>),
}

/// An environment's files with a release's digests in them.
pub(crate) struct WithDigests {
    /// Paths whose text differs from what the commit has.
    pub changed: BTreeMap<String, String>,
    /// What they come to.
    pub manifests: Vec<Manifest>,
}

/// Reads an environment's Application.
pub async fn application(
    parts: &Parts,
    repository: &RepositoryName,
    commit: &CommitId,
    environment: &Environment,
) -> Result<Application, EffectError> {
    let path = &environment.application;
    let application = text(parts, repository, commit, path).await?;
    let home = Home { repository, branch: BRANCH };
    penstock_gitops::parse_application(path, &application, home).map_err(|error| EffectError::Other(error.to_string()))
}

/// Files that decide the values of an Application's chart, of all those of the repository: its own, then those that the Application names.
pub fn value_files(application: &Application, all: &[String]) -> BTreeSet<String> {
    let helm = Helm { ignore_missing_value_files: true, ..application.helm.clone().unwrap_or_default() };
    // what is not there stops nobody here
    let named = helm.files_of(all).unwrap_or_default();
    named.into_iter().chain([within(&application.path, "values.yaml")]).collect()
}

/// A path below a folder of the repository.
pub(super) fn within(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// Reads an environment's Application and what it delivers.
pub async fn environment_files(
    parts: &Parts,
    repository: &RepositoryName,
    commit: &CommitId,
    environment: &Environment,
) -> Result<EnvironmentFiles, EffectError> {
    let application = application(parts, repository, commit, environment).await?;
    let folder = application.path.clone();
    let files = parts.git.files(repository, commit, &folder).await?;
    let is_chart = files.contains(&within(&folder, "Chart.yaml"));
    if application.helm.is_some() && !is_chart {
        let what =
            format!("{}: `spec.source.helm` is there, and `{folder}` has no Chart.yaml at {}", environment.application, commit.short());
        return Err(EffectError::Other(what));
    }
    if is_chart && !application.is_directory {
        let chart = ChartSource::read(parts, repository, commit, environment, &application).await?;
        return Ok(EnvironmentFiles { application, source: Source::Chart(Box::new(chart)) });
    }
    let mut manifests = BTreeMap::new();
    for path in files {
        let counts = application.has(&path);
        if counts && manifests.len() >= MAX_FILES {
            return Err(EffectError::Other(format!("{folder} has more than {MAX_FILES} manifests: split the environment into several")));
        }
        if counts {
            manifests.insert(path.clone(), text(parts, repository, commit, &path).await?);
        }
    }
    Ok(EnvironmentFiles { application, source: Source::Plain(manifests) })
}

impl EnvironmentFiles {
    /// The same; what is rendered of it is given up when `until` comes.
    #[must_use]
    pub fn until(self, until: CancellationToken) -> Self {
        let source = match self.source {
            Source::Chart(chart) => Source::Chart(Box::new(chart.until(until))),
            plain @ Source::Plain(_) => plain,
        };
        Self { source, ..self }
    }

    /// The manifests that the environment is to have.
    pub async fn manifests(self) -> Result<(Application, Vec<Manifest>), EffectError> {
        let manifests = match self.source {
            Source::Plain(files) => penstock_gitops::parse_manifests(&files, &self.application.namespace).map_err(|errors| all(&errors))?,
            Source::Chart(chart) => chart.manifests().await?,
        };
        Ok((self.application, manifests))
    }

    /// The same with a release's digests. `shared` names files that another environment reads, too, and who: they are left alone.
    pub(crate) async fn with_digests(
        self,
        images: &BTreeMap<ImageName, Digest>,
        shared: BTreeMap<String, String>,
    ) -> Result<WithDigests, EffectError> {
        let before = match self.source {
            Source::Plain(files) => files,
            Source::Chart(chart) => return chart.with_digests(images.clone(), shared).await,
        };
        let after = penstock_gitops::set_images(before.clone(), images);
        // what else is wrong with the files says more than the first that cannot be edited
        let after = after.map_err(|error| match penstock_gitops::parse_manifests(&before, &self.application.namespace) {
            Err(errors) => all(&errors),
            Ok(_) => EffectError::Other(error.to_string()),
        })?;
        let manifests = penstock_gitops::parse_manifests(&after, &self.application.namespace).map_err(|errors| all(&errors))?;
        let changed = after.into_iter().filter(|(path, text)| before.get(path) != Some(text)).collect();
        Ok(WithDigests { changed, manifests })
    }
}
