//! Charts fetched from repositories and registries, and pushed.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr as _;
use std::sync::OnceLock;

use bytes::Bytes;
use penstock_chart::{
    functions::semver::{Constraints, Version},
    load,
    package::{self, NamedRepository},
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Access, ChartSource, Credentials, Pull, Push},
    exit, terminal,
};
use penstock_model::{Secret, remote::Login};
use penstock_registry::charts::{
    ChartFetcher, ChartReference, ChartToPush, FetchError, FetchedFile, Logins, Repository, Settings, annotations,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{helm_home, package as packed, repo, show, source};

/// An archive, as it was fetched.
pub struct Fetched {
    /// What its file is called.
    pub file_name: String,
    /// The archive.
    pub archive: Bytes,
    /// Its provenance file, where it was asked for or came along.
    pub provenance: Option<Bytes>,
}

/// Fetches archives by one user's credentials.
pub struct Fetcher {
    fetcher: ChartFetcher,
    login: Option<Login>,
    /// Whether the login is shown to whichever host an index names.
    pass_credentials: bool,
}

impl Fetcher {
    /// One that shows these credentials, and those of Helm's and Docker's own files.
    pub fn new(credentials: &Credentials, host: Option<&str>) -> Result<Self, CliError> {
        let login = login(&credentials.access)?;
        let logins = logins(login.as_ref().zip(host))?;
        let fetcher = ChartFetcher::new(Settings { logins, ..settings(credentials) }).map_err(refused)?;
        Ok(Self { fetcher, login, pass_credentials: false })
    }

    /// One that asks a repository that has a name as the user has said that it is asked; what is not said there is as the flags say.
    pub fn named(one: &NamedRepository, credentials: &Credentials) -> Result<Self, CliError> {
        let mut settings = Settings { logins: logins(None)?, ..settings(credentials) };
        let file = |path: &String| (!path.is_empty()).then(|| PathBuf::from(path));
        let (ca, certificate, key) = (file(&one.ca_file), file(&one.cert_file), file(&one.key_file));
        if certificate.is_some() != key.is_some() {
            let message = format!("the repository {} has a certFile or a keyFile, and not both", one.name);
            return Err(CliError::other(message, "`penstock chart repo add --force-update` with both, or with none", exit::USAGE));
        }
        if ca.is_some() || certificate.is_some() {
            settings.ca_file = ca;
            settings.identity_files = certificate.zip(key);
        }
        settings.insecure_skip_tls_verify |= one.insecure_skip_tls_verify;
        let login = if one.username.is_empty() || one.password.is_empty() {
            login(&credentials.access)?
        } else {
            Some(Login { username: one.username.clone(), password: Secret::new(one.password.as_str()) })
        };
        let fetcher = ChartFetcher::new(settings).map_err(refused)?;
        Ok(Self { fetcher, login, pass_credentials: one.pass_credentials_all })
    }

    /// Shows the login to whichever host an index names, if that is said (`--pass-credentials`).
    #[must_use]
    pub fn passing(self, pass_credentials: bool) -> Self {
        Self { pass_credentials: self.pass_credentials || pass_credentials, ..self }
    }

    /// The versions that a registry has of a chart, the newest first.
    pub async fn tags(&self, reference: &ChartReference) -> Result<Vec<String>, CliError> {
        let mut tags = self.fetcher.oci_tags(reference).await.map_err(refused)?;
        tags.retain(|tag| Version::parse(tag).is_ok());
        let version = |tag: &String| Version::parse(tag).ok();
        tags.sort_by(|one, two| match (version(one), version(two)) {
            (Some(one), Some(two)) => two.compare(&one),
            _ => std::cmp::Ordering::Equal,
        });
        Ok(tags)
    }

    /// A chart of a registry: of the version that its reference names, or the newest that fits.
    pub async fn pull_registry(&self, reference: &str, version: Option<&str>, devel: bool) -> Result<Fetched, CliError> {
        let mut reference = ChartReference::from_str(reference).map_err(refused)?;
        if reference.tag().is_none() && reference.digest().is_none() {
            let wanted = self.registry_version(&reference, version, devel).await?;
            reference = reference.at_version(&wanted).map_err(refused)?;
        }
        let pulled = self.fetcher.oci_pull(&reference).await.map_err(refused)?;
        eprintln!("{}", terminal::dim(&format!("pulled {} ({})", pulled.reference, pulled.digest)));
        let version = reference.version().unwrap_or_else(|| pulled.digest.to_string().replace(':', "-"));
        Ok(Fetched { file_name: format!("{}-{version}.tgz", reference.name()), archive: pulled.archive, provenance: pulled.provenance })
    }

    async fn registry_version(&self, reference: &ChartReference, version: Option<&str>, devel: bool) -> Result<String, CliError> {
        if let Some(exact) = version.filter(|version| Version::parse_strict(version).is_ok()) {
            return Ok(exact.to_owned());
        }
        let range = constraint(version, devel)?;
        let tags = self.tags(reference).await?;
        package::choose(&range, tags.iter().map(String::as_str)).map(str::to_owned).ok_or_else(|| {
            let message = format!("could not locate a version of {reference} that fits {}", version.unwrap_or("any"));
            CliError::other(message, "--devel takes versions that are not finished", exit::ABSENT)
        })
    }

    /// The index of a repository.
    pub async fn index(&self, url: &str) -> Result<package::Index, CliError> {
        Ok(self.index_and_text(url).await?.1)
    }

    /// The index of a repository, as it came and as it was read.
    pub async fn index_and_text(&self, url: &str) -> Result<(Bytes, package::Index), CliError> {
        let bytes = self.fetcher.index(&self.repository(url)?).await.map_err(refused)?;
        let index = read_index(&bytes, url)?;
        Ok((bytes, index))
    }

    /// A chart of a repository that has an index.
    pub async fn pull_repository(&self, url: &str, name: &str, source: &ChartSource, provenance: bool) -> Result<Fetched, CliError> {
        let index = self.index(url).await?;
        let version = match (&source.version, source.devel) {
            (Some(version), _) => version.as_str(),
            (None, true) => ">0.0.0-0",
            (None, false) => "",
        };
        let entry = index.get(name, version).map_err(|error| CliError::other(format!("{name} in {url}: {error}"), "", exit::ABSENT))?;
        self.entry(url, entry, provenance).await
    }

    /// The archive of an index's entry. One that is not what the index says is refused.
    pub async fn entry(&self, url: &str, entry: &package::Entry, provenance: bool) -> Result<Fetched, CliError> {
        let name = format!("{}-{}", entry.metadata.name, entry.metadata.version);
        let repository = self.repository(url)?;
        let named =
            entry.urls.first().ok_or_else(|| CliError::other(format!("chart {name} has no downloadable URLs"), "", exit::ABSENT))?;
        let address = repository.resolve(named).map_err(refused)?;
        if address.starts_with("oci://") {
            return self.pull_registry(&address, Some(&entry.metadata.version), false).await;
        }
        let fetched = self.address(&repository, &address, provenance).await?;
        let digest = hex::encode(Sha256::digest(&fetched.archive));
        let wanted = entry.digest.strip_prefix("sha256:").unwrap_or(&entry.digest);
        if !wanted.is_empty() && !wanted.eq_ignore_ascii_case(&digest) {
            let message = format!("{address} is sha256:{digest}, but the index of {url} says {wanted}");
            return Err(CliError::other(message, "somebody has changed one of them: ask the repository's keeper", exit::NOT_GOOD));
        }
        Ok(Fetched { file_name: format!("{name}.tgz"), ..fetched })
    }

    async fn address(&self, repository: &Repository, address: &str, provenance: bool) -> Result<Fetched, CliError> {
        eprintln!("{}", terminal::dim(&format!("fetching {address}")));
        let archive = self.fetcher.archive(repository, address).await.map_err(refused)?;
        let provenance = if provenance { Some(self.fetcher.provenance(repository, address).await.map_err(refused)?) } else { None };
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let file_name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("chart.tgz").to_owned();
        Ok(Fetched { file_name, archive, provenance })
    }

    fn repository(&self, url: &str) -> Result<Repository, CliError> {
        let repository = Repository::new(url).map_err(refused)?;
        let repository = match &self.login {
            Some(login) => repository.with_login(login.clone()),
            None => repository,
        };
        Ok(if self.pass_credentials { repository.pass_credentials() } else { repository })
    }
}

/// Reads the index of the repository at this address, and tells what is odd about it.
pub fn read_index(text: &[u8], url: &str) -> Result<package::Index, CliError> {
    let (index, warnings) =
        package::Index::read(text, url).map_err(|error| CliError::other(format!("{url}: {error}"), "", exit::NOT_GOOD))?;
    warnings.iter().for_each(|warning| eprintln!("{} {warning}", terminal::yellow("warning:")));
    Ok(index)
}

/// A file of values by its address.
pub async fn file(address: &str, credentials: &Credentials) -> Result<FetchedFile, CliError> {
    ChartFetcher::new(settings(credentials)).map_err(refused)?.file(address).await.map_err(refused)
}

/// Fetches a chart by how it was named, and checks it where that is asked for.
pub async fn archive(reference: &str, source: &ChartSource) -> Result<Fetched, CliError> {
    let fetched = unchecked(reference, source, source.verify).await?;
    if source.verify {
        let provenance = fetched
            .provenance
            .as_ref()
            .ok_or_else(|| CliError::other(format!("{reference} has no provenance file"), "", exit::NOT_GOOD))?;
        packed::check(&fetched.file_name, &fetched.archive, provenance, source.keyring.as_deref())?;
    }
    Ok(fetched)
}

/// Fetches a chart by how it was named, with its provenance file if that is wanted, and checks nothing.
async fn unchecked(reference: &str, source: &ChartSource, provenance: bool) -> Result<Fetched, CliError> {
    let host = reference.strip_prefix("oci://").and_then(|rest| rest.split('/').next());
    let by_flags = || Ok::<_, CliError>(Fetcher::new(&source.credentials, host)?.passing(source.pass_credentials));
    if reference.starts_with("oci://") {
        by_flags()?.pull_registry(reference, source.version.as_deref(), source.devel).await
    } else if reference.starts_with("https://") || reference.starts_with("http://") {
        let fetcher = by_flags()?;
        fetcher.address(&fetcher.repository(reference)?, reference, provenance).await
    } else if let Some(repository) = &source.repo {
        by_flags()?.pull_repository(repository, reference, source, provenance).await
    } else if let Some((name, chart)) = reference.split_once('/').filter(|_| !reference.starts_with(['.', '/'])) {
        let known = repo::known()?;
        let one = repo::find(&known, name)?;
        let fetcher = Fetcher::named(one, &source.credentials)?.passing(source.pass_credentials);
        fetcher.pull_repository(&one.url, chart, source, provenance).await
    } else {
        Err(CliError::other(
            format!("{reference} is no folder, no archive and no address"),
            "name its repository by --repo URL or as REPOSITORY/CHART, or write oci://HOST/PATH",
            exit::ABSENT,
        ))
    }
}

fn constraint(version: Option<&str>, devel: bool) -> Result<Constraints, CliError> {
    let text = version.unwrap_or(if devel { ">0.0.0-0" } else { "*" });
    Constraints::parse(text).map_err(|why| CliError::other(format!("{text:?}: {why}"), "a range is written ^1.2, or >=1.2 <2", exit::USAGE))
}

/// TLS as the flags say.
fn settings(credentials: &Credentials) -> Settings {
    let access = &credentials.access;
    Settings {
        plain_http: credentials.plain_http,
        insecure_skip_tls_verify: access.insecure_skip_tls_verify,
        ca_file: access.ca_file.clone(),
        identity_files: access.cert_file.clone().zip(access.key_file.clone()),
        ..Settings::default()
    }
}

/// Logins to registries: the one that is given for a host, then those in Helm's and Docker's files.
fn logins(given: Option<(&Login, &str)>) -> Result<Logins, CliError> {
    let mut logins = Logins::none();
    if let Some((login, host)) = given {
        logins.add(host, login.clone());
    }
    for file in login_files() {
        logins.add_file(&file).map_err(refused)?;
    }
    Ok(logins)
}

/// The login that the flags tell of.
pub fn login(access: &Access) -> Result<Option<Login>, CliError> {
    // standard input is read once, however many fetchers ask
    static PASSWORD: OnceLock<Secret> = OnceLock::new();
    let Some(user) = &access.username else { return Ok(None) };
    if !access.password_stdin {
        return Err(CliError::other("a user's password is wanted", "hand it in: --password-stdin < FILE", exit::USAGE));
    }
    if let Some(password) = PASSWORD.get() {
        return Ok(Some(Login { username: user.clone(), password: password.clone() }));
    }
    let mut password = String::new();
    let read = std::io::stdin().take(64 << 10).read_to_string(&mut password);
    read.map_err(|source| CliError::Io { what: "the password".to_owned(), source })?;
    let password = PASSWORD.get_or_init(|| Secret::new(password.trim_end_matches(['\r', '\n'])));
    Ok(Some(Login { username: user.clone(), password: password.clone() }))
}

/// The files in which Helm and Docker keep logins.
fn login_files() -> Vec<PathBuf> {
    let docker = match std::env::var_os("DOCKER_CONFIG") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".docker")),
    };
    helm_home::logins().into_iter().chain(docker.map(|folder| folder.join("config.json"))).collect()
}

/// Fetches charts into a folder.
pub async fn pull(args: &Pull, output: Output) -> Result<(), CliError> {
    let mut written = Vec::new();
    for reference in &args.charts {
        let fetched = if args.source.verify {
            archive(reference, &args.source).await?
        } else {
            unchecked(reference, &args.source, args.prov).await?
        };
        if args.untar {
            let refused = |error: load::LoadError| CliError::other(format!("{reference}: {error}"), "", exit::NOT_GOOD);
            // the folder is called as the chart is; a name that would lead elsewhere is refused there
            let chart = load::archive(&fetched.archive).map_err(refused)?.chart;
            for file in load::unpack(&fetched.archive).map_err(refused)? {
                let name = format!("{}/{}", chart.name(), file.name);
                written.push(put(&args.destination.join(&args.untardir), &name, file.data.as_bytes())?);
            }
            continue;
        }
        written.push(put(&args.destination, &fetched.file_name, &fetched.archive)?);
        if let (true, Some(provenance)) = (args.source.verify || args.prov, &fetched.provenance) {
            written.push(put(&args.destination, &format!("{}.prov", fetched.file_name), provenance)?);
        }
    }
    let shown: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&json!({ "files": shown })).unwrap_or_default()),
        Output::Text => shown.iter().for_each(|path| println!("{path}")),
    }
    Ok(())
}

/// Writes a file below a folder, never outside of it.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, CliError> {
    let path = Path::new(name);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(CliError::other(format!("{name} would be written outside of {}", folder.display()), "", exit::NOT_GOOD));
    }
    let place = folder.join(path);
    let failed = |source| CliError::Io { what: format!("writing {}", place.display()), source };
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(&place, bytes).map_err(failed)?;
    Ok(place)
}

/// Pushes a packed chart.
pub async fn push(args: &Push, output: Output) -> Result<(), CliError> {
    let archive = source::archive(&args.archive)?;
    let loaded =
        load::archive(&archive).map_err(|error| CliError::other(format!("{}: {error}", args.archive.display()), "", exit::USAGE))?;
    let metadata = &loaded.chart.metadata;
    let reference = ChartReference::to_push(&args.registry, &metadata.name, &metadata.version).map_err(refused)?;
    let fetcher = Fetcher::new(&args.credentials, Some(reference.host()))?;
    let provenance = std::fs::read(args.archive.with_extension("tgz.prov")).ok().map(Bytes::from);
    let config = Bytes::from(show::config(metadata)?);
    let modified = std::fs::metadata(&args.archive).and_then(|file| file.modified()).ok();
    let created = modified.and_then(|at| jiff::Timestamp::try_from(at).ok()).unwrap_or_default();
    let annotations = annotations(&config, &created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).map_err(refused)?;
    let chart = ChartToPush { archive: archive.into(), provenance, config, annotations };
    let digest = fetcher.fetcher.oci_push(&chart, &reference).await.map_err(refused)?;
    match output {
        Output::Json => {
            println!("{}", serde_json::to_string_pretty(&json!({ "pushed": reference.to_string(), "digest": digest })).unwrap_or_default());
        }
        Output::Text => println!("Pushed: {reference}\nDigest: {digest}"),
    }
    Ok(())
}

fn refused(error: FetchError) -> CliError {
    let code = if error.is_absent() { exit::ABSENT } else { exit::NOT_GOOD };
    CliError::other(error.to_string(), "", code)
}
