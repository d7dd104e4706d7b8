//! `penstock chart repo`: repositories by their names, in Helm's own file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use penstock_chart::package::{Index, NamedRepositories, NamedRepository};
use penstock_cli::{
    CliError, Output,
    args::chart::{Credentials, Repo, RepoAdd, RepoUpdate},
    exit, terminal,
};
use serde_json::json;
use url::Url;

use super::{
    fetch::{self, Fetcher},
    helm_home, read_all,
};

/// How many repositories are asked at the same time.
const AT_ONCE: usize = 8;
/// The largest file of named repositories.
const LARGEST: u64 = 16 << 20;
/// The largest index, as where one is fetched.
const LARGEST_INDEX: u64 = 64 << 20;
/// How long another program may hold the file, as in Helm, and how often it is looked after.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// Carries one out.
pub async fn repo(command: &Repo, output: Output) -> Result<(), CliError> {
    match command {
        Repo::Add(args) => add(args, output).await,
        Repo::List => list(output),
        Repo::Remove(args) => remove(&args.names, output).await,
        Repo::Update(args) => update(args, output).await,
    }
}

/// The repositories that have names.
pub fn known() -> Result<NamedRepositories, CliError> {
    read(&helm_home::repositories()?)
}

/// The repository of that name, which has an address.
pub fn find<'a>(known: &'a NamedRepositories, name: &str) -> Result<&'a NamedRepository, CliError> {
    let absent = |message: String| {
        CliError::other(message, "`penstock chart repo list` shows the names, `penstock chart repo add` gives one", exit::ABSENT)
    };
    let one = known.get(name).ok_or_else(|| absent(format!("repo {name} not found")))?;
    if one.url.is_empty() { Err(absent(format!("no URL found for repository {name}"))) } else { Ok(one) }
}

async fn add(args: &RepoAdd, output: Output) -> Result<(), CliError> {
    let one = asked_for(args)?;
    let file = helm_home::repositories()?;
    let _held = hold(&file).await?;
    let mut known = read(&file)?;
    let existing = known.get(&one.name).filter(|_| !args.force_update);
    if existing.is_some_and(|existing| *existing != one) {
        let message = format!("repository name ({}) already exists, please specify a different name", one.name);
        return Err(CliError::other(message, "--force-update replaces it", exit::REFUSED));
    }
    let said = if existing.is_some() {
        format!("{:?} already exists with the same configuration, skipping", one.name)
    } else {
        fetch_index(&one).await.map_err(|error| {
            let message = format!("looks like {:?} is not a valid chart repository or cannot be reached: {error}", shown(&one.url));
            CliError::other(message, "", error.code())
        })?;
        let name = one.name.clone();
        known.put(one);
        write(&file, &known)?;
        format!("{name:?} has been added to your repositories")
    };
    tell(output, &json!({ "name": args.name, "url": shown(&args.url) }), &said);
    Ok(())
}

/// The repository that the flags tell of.
fn asked_for(args: &RepoAdd) -> Result<NamedRepository, CliError> {
    let usage = |message: String, hint: &str| Err(CliError::other(message, hint, exit::USAGE));
    if args.name.is_empty() || args.name.contains('/') {
        let message = format!("repository name ({}) contains '/', please specify a different name without '/'", args.name);
        return usage(message, "a name is written stable, or my-charts");
    }
    if Url::parse(&args.url).is_ok_and(|url| !url.username().is_empty() || url.password().is_some()) {
        return usage("a login in an address can be seen by others".to_owned(), "--username USER --password-stdin < FILE");
    }
    let login = fetch::login(&args.access)?;
    let path = |file: &Option<PathBuf>| match file {
        // the file is read from any folder later
        Some(file) => std::path::absolute(file).unwrap_or_else(|_| file.clone()).display().to_string(),
        None => String::new(),
    };
    Ok(NamedRepository {
        name: args.name.clone(),
        url: args.url.clone(),
        username: login.as_ref().map(|login| login.username.clone()).unwrap_or_default(),
        password: login.map(|login| login.password.expose().to_owned()).unwrap_or_default(),
        cert_file: path(&args.access.cert_file),
        key_file: path(&args.access.key_file),
        ca_file: path(&args.access.ca_file),
        insecure_skip_tls_verify: args.access.insecure_skip_tls_verify,
        pass_credentials_all: args.pass_credentials,
    })
}

fn list(output: Output) -> Result<(), CliError> {
    let known = known()?;
    if output == Output::Json {
        let all: Vec<_> = known.all().iter().map(|one| json!({ "name": one.name, "url": shown(&one.url) })).collect();
        println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(());
    }
    if known.all().is_empty() {
        return Err(CliError::other("no repositories to show", "`penstock chart repo add NAME URL` gives one a name", exit::ABSENT));
    }
    let rows: Vec<_> = known.all().iter().map(|one| vec![one.name.clone(), shown(&one.url)]).collect();
    terminal::table(&["NAME", "URL"], &rows);
    Ok(())
}

async fn remove(names: &[String], output: Output) -> Result<(), CliError> {
    let file = helm_home::repositories()?;
    let _held = hold(&file).await?;
    let mut known = read(&file)?;
    let hint = "`penstock chart repo list` shows the names";
    for name in names {
        if !known.remove(name) {
            return Err(CliError::other(format!("no repo named {name:?} found"), hint, exit::ABSENT));
        }
        write(&file, &known)?;
        for laid in laid(name)? {
            match std::fs::remove_file(&laid) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(CliError::Io { what: format!("removing {}", laid.display()), source });
                }
                _ => {}
            }
        }
        tell(output, &json!({ "removed": name }), &format!("{name:?} has been removed from your repositories"));
    }
    Ok(())
}

async fn update(args: &RepoUpdate, output: Output) -> Result<(), CliError> {
    let known = known()?;
    let absent = |message: String, hint| Err(CliError::other(message, hint, exit::ABSENT));
    if known.all().is_empty() {
        return absent("no repositories found. You must add one before updating".to_owned(), "`penstock chart repo add NAME URL`");
    }
    if let Some(name) = args.names.iter().find(|name| known.get(name).is_none()) {
        let message = format!("no repositories found matching '{name}'.  Nothing will be updated");
        return absent(message, "`penstock chart repo list` shows the names");
    }
    if output == Output::Text {
        println!("Hang tight while we grab the latest from your chart repositories...");
    }
    let asked = known.all().iter().filter(|one| args.names.is_empty() || args.names.contains(&one.name));
    let mut answers = stream::iter(asked.map(async |one| (one, fetch_index(one).await))).buffered(AT_ONCE);
    let mut failed = Vec::new();
    while let Some((one, answer)) = answers.next().await {
        let url = shown(&one.url);
        match answer {
            Ok(index) => {
                let said = format!("...Successfully got an update from the {:?} chart repository", one.name);
                tell(output, &json!({ "name": one.name, "url": url, "charts": index.entries.len() }), &said);
            }
            Err(error) => {
                let said = format!("...Unable to get an update from the {:?} chart repository ({url}):\n\t{error}", one.name);
                tell(output, &json!({ "name": one.name, "url": url, "error": error.to_string() }), &said);
                failed.push(url);
            }
        }
    }
    if !failed.is_empty() && args.fail_on_repo_update_fail {
        let message = format!("Failed to update the following repositories: [{}]", failed.join(" "));
        return Err(CliError::other(message, "", exit::NOT_GOOD));
    }
    if output == Output::Text {
        println!("Update Complete. ⎈Happy Helming!⎈");
    }
    Ok(())
}

fn tell(output: Output, value: &serde_json::Value, said: &str) {
    match output {
        Output::Json => println!("{value}"),
        Output::Text => println!("{}", said.lines().map(terminal::plain).collect::<Vec<_>>().join("\n")),
    }
}

/// Reads a repository's index, and lays it where Helm looks for it.
async fn fetch_index(one: &NamedRepository) -> Result<Index, CliError> {
    let (text, index) = Fetcher::named(one, &Credentials::default())?.index_and_text(&one.url).await?;
    let [names, whole] = laid(&one.name)?;
    let charts: String = index.entries.keys().flat_map(|name| [name, "\n"]).collect();
    put(&names, charts.as_bytes(), 0o644)?;
    put(&whole, &text, 0o644)?;
    Ok(index)
}

/// A repository's index as it was laid.
pub fn laid_index(one: &NamedRepository) -> Result<Index, CliError> {
    let [_, file] = laid(&one.name)?;
    let text = File::open(&file).and_then(|opened| read_all(opened, LARGEST_INDEX)).map_err(|source| {
        let message = format!("the index of {} was not laid yet: reading {}: {source}", one.name, file.display());
        CliError::other(message, "`penstock chart repo update` lays it", exit::ABSENT)
    })?;
    fetch::read_index(&text, &one.url)
}

/// The files in which Helm keeps the names of a repository's charts, and its index.
fn laid(name: &str) -> Result<[PathBuf; 2], CliError> {
    let folder = helm_home::indexes()?;
    // a file of Helm's may hold any name, and a name is not to lead out of the folder
    let name = name.replace('/', "-");
    Ok([folder.join(format!("{name}-charts.txt")), folder.join(format!("{name}-index.yaml"))])
}

/// An address for people: its login apart.
fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    if parsed.username().is_empty() && parsed.password().is_none() {
        return url.to_owned();
    }
    // both fail only for addresses that can have neither
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.to_string()
}

fn read(file: &Path) -> Result<NamedRepositories, CliError> {
    let failed = |source| CliError::Io { what: format!("reading {}", file.display()), source };
    let text = match File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        opened => opened.and_then(|opened| read_all(opened, LARGEST)).map_err(failed)?,
    };
    let hint = "HELM_REPOSITORY_CONFIG names another file";
    NamedRepositories::read(&text)
        .map_err(|why| CliError::other(format!("failed loading file: {}: {why}", file.display()), hint, exit::USAGE))
}

fn write(file: &Path, known: &NamedRepositories) -> Result<(), CliError> {
    let text = known.text().map_err(|fault| CliError::other(fault.to_string(), "", exit::FAILED))?;
    // the file may be a link to where it is kept
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    // passwords stand in it
    put(&file, text.as_bytes(), 0o600)
}

/// Writes a file whole or not at all.
fn put(file: &Path, bytes: &[u8], mode: u32) -> Result<(), CliError> {
    let failed = |source| CliError::Io { what: format!("writing {}", file.display()), source };
    let part = file.with_extension(format!("{}.part", std::process::id()));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&part).map_err(failed)?;
    written.write_all(bytes).and_then(|()| std::fs::rename(&part, file)).map_err(failed)
}

/// Keeps other programs from changing the file, by the lock that Helm takes, until the answer is dropped.
async fn hold(file: &Path) -> Result<File, CliError> {
    let place = file.with_extension("lock");
    let failed = |source| CliError::Io { what: format!("locking {}", place.display()), source };
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&place).map_err(failed)?;
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < until => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => {
                let message = format!("another program holds {}", place.display());
                return Err(CliError::other(message, "wait until it has ended, and try again", exit::REFUSED));
            }
        }
    }
}
