//! `penstock chart dependency`: what a chart asks for, found and fetched into `charts/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use penstock_chart::{
    chart::{Chart, Dependency as Wanted, Lock},
    functions::semver::{self, Version},
    load,
    package::{Found, Index, NamedRepositories, Source, check_lock, digest, lock_text, locked, name_repositories, pack, resolve},
};
use penstock_cli::{
    CliError, Output,
    args::chart::{ChartSource, Credentials, Dependency, DependencyFetched, DependencyOf},
    exit, terminal,
};
use penstock_registry::charts::ChartReference;
use serde_json::json;

use super::{
    fetch::{Fetched, Fetcher},
    package, repo,
};

/// Carries one out.
pub async fn dependency(command: &Dependency, output: Output) -> Result<(), CliError> {
    match command {
        Dependency::List(args) => list(args, output),
        Dependency::Update(args) => Hands::of(args)?.update().await,
        Dependency::Build(args) => Hands::of(args)?.build().await,
    }
}

/// Fetches what a chart's folder asks for and lacks: `--dependency-update`.
pub async fn update_if_missing(reference: &str, source: &ChartSource) -> Result<(), CliError> {
    let place = Path::new(reference);
    if !place.is_dir() {
        return Ok(());
    }
    let chart = package::read(place)?;
    if chart.check_dependencies().is_ok() {
        return Ok(());
    }
    let keyring = source.keyring.as_deref();
    Hands { verify: source.verify, keyring, ..Hands::new(place, &source.credentials)? }.update().await
}

/// Fetches what a chart's folder asks for, found anew: `package --dependency-update`.
pub async fn update(place: &Path, credentials: &Credentials) -> Result<(), CliError> {
    Hands::new(place, credentials)?.update().await
}

fn list(args: &DependencyOf, output: Output) -> Result<(), CliError> {
    let chart = package::read(&args.chart)?;
    let rows: Vec<Vec<String>> = chart
        .metadata
        .dependencies
        .iter()
        .map(|wanted| {
            let unpacked = args.chart.join("charts").join(&wanted.name).is_dir();
            let standing = standing(&chart, wanted, unpacked).to_owned();
            vec![wanted.name.clone(), wanted.version.clone(), wanted.repository.clone(), standing]
        })
        .collect();
    if rows.is_empty() {
        terminal::warn(&format!("no dependencies at {}", args.chart.display()));
    }
    let unasked = chart.dependencies.iter().filter(|one| chart.metadata.dependencies.iter().all(|wanted| wanted.name != one.name()));
    unasked.for_each(|one| terminal::warn(&format!("{} is in charts/ and not in Chart.yaml", one.name())));
    match output {
        Output::Json => {
            let all: Vec<_> =
                rows.iter().map(|row| json!({ "name": row[0], "version": row[1], "repository": row[2], "status": row[3] })).collect();
            println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        }
        Output::Text => terminal::table(&["NAME", "VERSION", "REPOSITORY", "STATUS"], &rows),
    }
    Ok(())
}

fn standing(chart: &Chart, wanted: &Wanted, unpacked: bool) -> &'static str {
    let found = chart.dependencies.iter().find(|one| one.name() == wanted.name);
    match found {
        None => "missing",
        Some(found) => match semver::satisfies(&wanted.version, &found.metadata.version) {
            Ok(true) if unpacked => "unpacked",
            Ok(true) => "ok",
            Ok(false) => "wrong version",
            Err(_) => "invalid version",
        },
    }
}

fn inside(place: &Path, name: &str) -> Result<Found, CliError> {
    let there = place.join("charts").join(name);
    if there.is_dir() {
        return Ok(Found::Versions(vec![package::read(&there)?.metadata.version]));
    }
    Err(CliError::other(format!("directory {} not found", there.display()), "put the chart there, or name its repository", exit::ABSENT))
}

/// The dependencies with the addresses of their repositories for the names (`@name`, `alias:name`).
fn named(chart: &Chart, known: &NamedRepositories) -> Result<Vec<Wanted>, CliError> {
    let mut asked = chart.metadata.dependencies.clone();
    let hint = "`penstock chart repo add NAME URL` gives a repository a name; its address in Chart.yaml does as well";
    name_repositories(&mut asked, &known.known()).map_err(|unknown| CliError::other(unknown.to_string(), hint, exit::USAGE))?;
    Ok(asked)
}

fn write_lock(place: &Path, chart: &Chart, asked: &[Wanted], dependencies: Vec<Wanted>) -> Result<(), CliError> {
    let digest = digest(asked, &dependencies).map_err(refused)?;
    let unchanged = chart.lock.as_ref().is_some_and(|lock| lock.digest == digest);
    if unchanged || dependencies.is_empty() {
        return Ok(());
    }
    let generated = super::now().timestamp().to_string();
    let text = lock_text(&Lock { generated, digest, dependencies }).map_err(refused)?;
    let name = if chart.metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" };
    let path = place.join(name);
    std::fs::write(&path, text).map_err(|source| CliError::Io { what: format!("writing {}", path.display()), source })?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Fetches for one chart's folder; each repository's index is read once.
struct Hands<'a> {
    place: &'a Path,
    credentials: &'a Credentials,
    verify: bool,
    keyring: Option<&'a Path>,
    /// Whether the indexes of repositories that have names are taken as they were laid.
    laid: bool,
    known: NamedRepositories,
    indexes: BTreeMap<String, Index>,
}

impl<'a> Hands<'a> {
    fn new(place: &'a Path, credentials: &'a Credentials) -> Result<Self, CliError> {
        Ok(Self { place, credentials, verify: false, keyring: None, laid: false, known: repo::known()?, indexes: BTreeMap::new() })
    }

    fn of(args: &'a DependencyFetched) -> Result<Self, CliError> {
        let of = &args.of;
        let keyring = of.keyring.as_deref();
        Ok(Self { verify: of.verify, keyring, laid: args.skip_refresh, ..Self::new(&of.chart, &of.credentials)? })
    }

    /// What `Chart.lock` says, fetched; without one, what `Chart.yaml` asks for.
    async fn build(mut self) -> Result<(), CliError> {
        let chart = package::read(self.place)?;
        let asked = named(&chart, &self.known)?;
        let Some(lock) = chart.lock.clone() else { return self.update().await };
        check_lock(&chart, &asked)
            .map_err(|stale| CliError::other(stale.to_string(), "`penstock chart dependency update`", exit::REFUSED))?;
        self.fetch_all(&lock.dependencies).await
    }

    /// What `Chart.yaml` asks for, found anew, locked and fetched.
    async fn update(mut self) -> Result<(), CliError> {
        let chart = package::read(self.place)?;
        if chart.metadata.dependencies.is_empty() {
            return Ok(());
        }
        let asked = named(&chart, &self.known)?;
        let mut found = Vec::new();
        for needed in resolve(&asked).map_err(refused)? {
            let looked = match &needed.source {
                Source::Inside => inside(self.place, &needed.name)?,
                Source::Directory(path) => Found::Versions(vec![package::read(&self.place.join(path))?.metadata.version]),
                Source::Repository(url) => match self.index(url).await?.versions(&needed.name) {
                    Some(versions) => Found::Versions(versions),
                    None => Found::NoEntry,
                },
                Source::Oci(_) if needed.is_exact => Found::AsAsked,
                Source::Oci(base) => {
                    let reference: ChartReference = format!("oci://{base}/{}", needed.name).parse().map_err(refused)?;
                    Found::Versions(self.fetcher(Some(reference.host()))?.tags(&reference).await?)
                }
            };
            found.push(looked);
        }
        let dependencies = locked(&asked, &found).map_err(refused)?;
        self.fetch_all(&dependencies).await?;
        write_lock(self.place, &chart, &asked, dependencies)
    }

    /// Asks a repository: as is said of it where it has a name, though it be called by its address.
    fn repository(&self, url: &str) -> Result<Fetcher, CliError> {
        self.known.at(url).map_or_else(|| self.fetcher(None), |one| Fetcher::named(one, self.credentials))
    }

    fn fetcher(&self, host: Option<&str>) -> Result<Fetcher, CliError> {
        Fetcher::new(self.credentials, host)
    }

    async fn index(&mut self, url: &str) -> Result<&Index, CliError> {
        if !self.indexes.contains_key(url) {
            let index = match self.known.at(url).filter(|_| self.laid) {
                Some(one) => repo::laid_index(one)?,
                None => {
                    eprintln!("{}", terminal::dim(&format!("reading the index of {url}")));
                    self.repository(url)?.index(url).await?
                }
            };
            self.indexes.insert(url.to_owned(), index);
        }
        self.indexes.get(url).ok_or_else(|| CliError::other(format!("{url} has no index"), "", exit::ABSENT))
    }

    /// Fetches all into a folder beside `charts/`, and puts them there when all have come; older archives of theirs go.
    async fn fetch_all(&mut self, dependencies: &[Wanted]) -> Result<(), CliError> {
        let mut fetched = Vec::new();
        for wanted in dependencies {
            if let Some(archive) = self.fetch(wanted).await? {
                fetched.push((wanted.name.clone(), archive));
            }
        }
        let charts = self.place.join("charts");
        let failed = |source| CliError::Io { what: format!("writing {}", charts.display()), source };
        std::fs::create_dir_all(&charts).map_err(failed)?;
        for (_, archive) in &fetched {
            // under another name until it is whole, so that a chart is never half there
            let part = charts.join(format!(".{}.part", archive.file_name));
            std::fs::write(&part, &archive.archive).map_err(failed)?;
            std::fs::rename(&part, charts.join(&archive.file_name)).map_err(failed)?;
            println!("{}", charts.join(&archive.file_name).display());
        }
        remove_older(&charts, &fetched)
    }

    async fn fetch(&mut self, wanted: &Wanted) -> Result<Option<Fetched>, CliError> {
        let one = resolve(std::slice::from_ref(wanted)).map_err(refused)?;
        let Some(needed) = one.into_iter().next() else { return Ok(None) };
        let fetched = match needed.source {
            Source::Inside => return Ok(None),
            Source::Directory(path) => self.pack_directory(&self.place.join(path))?,
            Source::Oci(base) => {
                let reference = format!("oci://{base}/{}", needed.name);
                let host = base.split('/').next();
                self.fetcher(host)?.pull_registry(&reference, Some(&needed.version), false).await?
            }
            Source::Repository(url) => {
                let entry = self.index(&url).await?.get(&needed.name, &needed.version).cloned();
                let entry = entry.map_err(|error| CliError::other(format!("{} in {url}: {error}", needed.name), "", exit::ABSENT))?;
                self.repository(&url)?.entry(&url, &entry, self.verify).await?
            }
        };
        if let (true, Some(provenance)) = (self.verify, &fetched.provenance) {
            package::check(&fetched.file_name, &fetched.archive, provenance, self.keyring)?;
        }
        Ok(Some(fetched))
    }

    fn pack_directory(&self, place: &Path) -> Result<Fetched, CliError> {
        let chart = package::read(place)?;
        let modified = u64::try_from(super::now().timestamp().as_second()).unwrap_or_default();
        let packed = pack(&chart, modified).map_err(refused)?;
        Ok(Fetched { file_name: packed.file_name, archive: packed.bytes.into(), provenance: None })
    }
}

/// Removes archives of the same charts in other versions.
fn remove_older(charts: &Path, fetched: &[(String, Fetched)]) -> Result<(), CliError> {
    let failed = |source| CliError::Io { what: format!("reading {}", charts.display()), source };
    for entry in std::fs::read_dir(charts).map_err(failed)? {
        let path: PathBuf = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let new = fetched.iter().any(|(_, archive)| archive.file_name == name);
        if new || !name.ends_with(".tgz") {
            continue;
        }
        let replaced = fetched.iter().any(|(chart, _)| {
            let version =
                name.strip_prefix(chart.as_str()).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.strip_suffix(".tgz"));
            version.is_some_and(|version| Version::parse_strict(version).is_ok()) && is_chart(&path, chart)
        });
        if replaced {
            std::fs::remove_file(&path).map_err(|source| CliError::Io { what: format!("removing {}", path.display()), source })?;
        }
    }
    Ok(())
}

fn is_chart(path: &Path, name: &str) -> bool {
    let Ok(bytes) = super::source::archive(path) else { return false };
    load::archive(&bytes).is_ok_and(|loaded| loaded.chart.name() == name)
}

fn refused(error: impl std::fmt::Display) -> CliError {
    CliError::other(error.to_string(), "", exit::NOT_GOOD)
}
