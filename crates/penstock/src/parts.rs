//! Builds every part from the settings; binds and runs nothing yet.

use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use penstock_cli::{CliError, exit};
use penstock_container::{Runtime, RuntimeSettings, Subnet, UnpackLimits};
use penstock_delivery::config_repository::Charts;
use penstock_delivery::library::Mirror;
use penstock_delivery::{JobCalls, JobTokens, Journal, Parts, Settings, Troubles};
use penstock_gateway::GatewayClient;
use penstock_git::{BareRepositories, Copies, HostSettings};
use penstock_model::blob::BlobStore;
use penstock_model::container::ContainerRuntime;
use penstock_model::gateway::Gateway;
use penstock_model::git::GitHost;
use penstock_model::job::RunnerSettings;
use penstock_model::log::{EventLog, Leases};
use penstock_model::terminal::Terminal;
use penstock_model::{Clock, Secret, clock::SystemClock};
use penstock_registry::{Limits, Registry, Remote};
use penstock_runner::{Hands, Runner};
use penstock_store::{DataLock, DirBlobs, DirLogs, Durability, SealedSecrets, SqliteLog};
use penstock_target::{AddressRange, LocalSettings, LocalTarget};
use penstock_trust::{Keyring, PublicKey, SigningKey, TokenIssuer};
use tokio_util::sync::CancellationToken;

use crate::admission::Door;
use crate::config::ServerSection;
use crate::hands::OwnImages;
use crate::messenger::Post;
use crate::random::{KernelRandom, entropy};
use crate::vault::VaultClient;

/// How long the server's lease lasts without being renewed.
const LEASE: Duration = Duration::from_secs(30);
/// The lease of whoever drives deliveries.
const LEASE_NAME: &str = "delivery";

/// Everything that a server is made of.
pub struct Built {
    /// The spine's parts.
    pub parts: Arc<Parts>,
    /// What jobs may call.
    pub calls: Arc<JobCalls>,
    /// The target, whose loop is to be started.
    pub target: Arc<LocalTarget>,
    /// The containers.
    pub runtime: Arc<Runtime>,
    /// The gateway.
    pub gateway: Arc<GatewayClient>,
    /// The repositories.
    pub git: BareRepositories,
    /// The registry.
    pub registry: Arc<Registry>,
    /// Ends the server. Charts that are being rendered then are given up.
    pub stop: CancellationToken,
    /// The log, to be closed in the end.
    pub log: Arc<SqliteLog>,
    /// Held while this lives.
    pub _lock: DataLock,
}

/// A part that cannot be built, in words.
pub fn broken(what: &str, error: &dyn std::error::Error) -> CliError {
    CliError::other(
        format!("{what}: {}", penstock_delivery::chain(error)),
        "`penstock doctor` looks at everything that is needed",
        exit::FAILED,
    )
}

/// Makes the data directory, readable by its owner alone. What another user made, or made lead elsewhere, is no place for keys
/// and repositories: whoever made it would say what Git runs there.
fn data_directory(data: &Path) -> Result<(), CliError> {
    let io = |source| CliError::Io { what: format!("{} (the data directory)", data.display()), source };
    std::fs::create_dir_all(data).map_err(io)?;
    let own = nix::unistd::geteuid().as_raw();
    let owners = [std::fs::symlink_metadata(data).map_err(io)?.uid(), std::fs::metadata(data).map_err(io)?.uid()];
    if let Some(other) = owners.into_iter().find(|owner| *owner != own) {
        return Err(CliError::other(
            format!("the data directory {} belongs to user {other}, not to {own}", data.display()),
            "name one that the server makes itself; `chown` it only if you know everything that is in it",
            exit::USAGE,
        ));
    }
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).map_err(io)
}

/// The server's key, made at its first start.
fn signing_key(path: &Path) -> Result<SigningKey, CliError> {
    let io = |source| CliError::Io { what: path.display().to_string(), source };
    match std::fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            let what = format!("others may read {} (mode {:o})", path.display(), found.permissions().mode() & 0o777);
            return Err(CliError::other(what, "`chmod 600` it; if others could read it, whatever it signed proves nothing", exit::FAILED));
        }
        // a key that is there and cannot be read is not replaced: nothing that it signed would verify any more
        Ok(_) => {
            let text = std::fs::read_to_string(path).map(Secret::new).map_err(io)?;
            return SigningKey::from_pem(text.expose()).map_err(|error| broken(&path.display().to_string(), &error));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let key = SigningKey::generate(entropy()).map_err(|error| broken("making a key", &error))?;
    let pem = key.to_pem().map_err(|error| broken("writing a key", &error))?;
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(io)?;
    std::io::Write::write_all(&mut file, pem.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&new, path).map_err(io)?;
    let public = key.public().to_pem().map_err(|error| broken("writing a key", &error))?;
    std::fs::write(path.with_extension("pub"), public).map_err(io)?;
    Ok(key)
}

/// What signs identity tokens of jobs: a key of its own, and the public halves of those that did before, `identity-*.pub`.
fn token_issuer(data: &Path) -> Result<TokenIssuer, CliError> {
    let io = |source| CliError::Io { what: format!("{} (the data directory)", data.display()), source };
    let mut former = Vec::new();
    for entry in std::fs::read_dir(data).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("identity-") && path.extension().is_some_and(|extension| extension == "pub") {
            let text = std::fs::read_to_string(&path).map_err(|source| CliError::Io { what: path.display().to_string(), source })?;
            former.push(PublicKey::from_pem(&text).map_err(|error| broken(&path.display().to_string(), &error))?);
        }
    }
    let key = signing_key(&data.join("identity.pem"))?;
    TokenIssuer::new(key, former).map_err(|error| broken("the keys of identity tokens", &error))
}

/// Builds everything. A server delivers, so what it wrote has to survive a power cut.
/// A failed step of a job opens a shell at `terminal`, if there is one.
pub async fn build(settings: &ServerSection, durability: Durability, terminal: Option<Arc<dyn Terminal>>) -> Result<Built, CliError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(CliError::other(
            "containers and the sandboxes of jobs need root, and this is another user",
            "start it as root; jobs run as users of their own",
            exit::FAILED,
        ));
    }
    let data = &settings.data;
    data_directory(data)?;
    let lock = DataLock::acquire(data).map_err(|error| broken("the data directory", &error))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let program = std::env::current_exe().map_err(|source| CliError::Io { what: "finding this program".to_owned(), source })?;
    let (key, issuer) = (signing_key(&data.join("signing.pem"))?, token_issuer(data)?);
    let ring = Keyring::new(key.clone(), []).map_err(|error| broken("the signing key", &error))?;
    let trusted = ring.trusted().clone();
    let log = Arc::new(
        SqliteLog::open(&data.join("log.sqlite"), Arc::new(ring), clock.clone(), durability)
            .await
            .map_err(|error| broken("the event log", &error))?,
    );
    let blobs: Arc<dyn BlobStore> = Arc::new(DirBlobs::open(&data.join("blobs")).await.map_err(|error| broken("the blob store", &error))?);
    let git = repositories(data, &program).await?;
    let git_host: Arc<dyn GitHost> = Arc::new(git.clone());
    let runtime = containers(settings, &program, blobs.clone()).await?;
    let gateway = Arc::new(gateway(&program, &data.join("gateway"))?);
    let door = Door::default();
    let target = Arc::new(local_target(settings, &runtime, &gateway, &door, clock.clone())?);
    let runner = Arc::new(runner(settings, program, git_host.clone(), blobs.clone(), runtime.clone(), clock.clone(), terminal)?);
    let registry = Registry::open(&data.join("registry"), blobs.clone(), clock.clone(), Limits::default());
    let registry = Arc::new(registry.map_err(|error| broken("the registry", &error))?);
    let host = settings.url().split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default();
    let bases = Arc::new(OwnImages { registry: registry.clone(), blobs: blobs.clone(), host: host.clone() });
    let builder = penstock_builder::Builder::new(data.join("builds"), blobs.clone(), runtime.clone(), bases)
        .map_err(|error| broken("the builder", &error))?;
    let epoch = log.acquire(LEASE_NAME, &settings.instance(), LEASE, true).await.map_err(|error| broken("the server's lease", &error))?;
    let journal =
        Journal::open(log.clone() as Arc<dyn EventLog>, epoch, clock).await.map_err(|error| broken("reading the event log", &error))?;
    let calls =
        JobCalls::open(data.join("calls")).map_err(|source| CliError::Io { what: data.join("calls").display().to_string(), source })?;
    let secrets = SealedSecrets::open(&data.join("secrets"), &data.join("secrets.key")).map_err(|error| broken("the secrets", &error))?;
    let stop = CancellationToken::new();
    let parts = Arc::new(Parts {
        journal,
        remote: Arc::new(remote(blobs.clone(), registry.clone())?),
        blobs,
        logs: Arc::new(DirLogs::open(&data.join("logs"), durability).map_err(|error| broken("the logs", &error))?),
        git: git_host,
        registry: registry.clone(),
        runtime: runtime.clone(),
        builder: Arc::new(builder),
        unpack: Arc::new(unpack),
        target: target.clone(),
        runner: runner.clone(),
        tools: runner,
        secrets: Arc::new(secrets),
        messenger: Arc::new(Post::new(settings.smtp.clone())),
        random: Arc::new(KernelRandom),
        key,
        trusted,
        issuer,
        vaults: Arc::new(VaultClient::default()),
        tokens: JobTokens::default(),
        charts: Arc::new(Charts::until(stop.clone())),
        troubles: Troubles::default(),
        settings: spine_settings(settings, host),
    });
    door.open(parts.clone());
    Ok(Built { parts, calls: Arc::new(calls), target, runtime, gateway, git, registry, stop, log, _lock: lock })
}

/// What the spine is told.
fn spine_settings(settings: &ServerSection, registry: String) -> Settings {
    let (url, advisories, tags) = (settings.url(), settings.advisories.clone(), settings.tags.clone());
    let mirror = Mirror::new(settings.mirror(), &url);
    let mirror = match find_program("git") {
        Some(git) => mirror.with_copies(Arc::new(Copies::new(git))),
        None => mirror,
    };
    Settings { dir: settings.data.join("calls"), mirror, url, registry, advisories, tags }
}

/// What fetches images of other registries.
fn remote(blobs: Arc<dyn BlobStore>, registry: Arc<Registry>) -> Result<Remote, CliError> {
    Remote::new(blobs, registry).map_err(|why| CliError::other(format!("asking other registries: {why}"), "", exit::FAILED))
}

/// A context that a job sends.
fn unpack(stream: Box<dyn Read + Send>, folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    penstock_container::unpack(stream, folder, UnpackLimits::CONTEXT).map(drop).map_err(|error| penstock_delivery::chain(&error))
}

async fn repositories(data: &Path, program: &Path) -> Result<BareRepositories, CliError> {
    let git = find_program("git").ok_or_else(|| CliError::other("git is missing", "apt-get install git", exit::FAILED))?;
    let settings = HostSettings { root: data.join("git"), git, hook: program.to_owned() };
    BareRepositories::open(settings).await.map_err(|error| broken("the Git host", &error))
}

/// A program on `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Where an instance's containers live.
pub fn runtime_settings(settings: &ServerSection, program: &Path) -> RuntimeSettings {
    let instance = settings.instance();
    RuntimeSettings {
        dir: settings.data.join("containers"),
        program: program.to_owned(),
        subnet: Subnet::for_instance(&instance),
        instance,
    }
}

async fn containers(settings: &ServerSection, program: &Path, blobs: Arc<dyn BlobStore>) -> Result<Arc<Runtime>, CliError> {
    let runtime = Runtime::open(runtime_settings(settings, program), blobs).await;
    runtime.map(Arc::new).map_err(|error| broken("containers", &error))
}

fn gateway(program: &Path, folder: &Path) -> Result<GatewayClient, CliError> {
    std::fs::create_dir_all(folder).map_err(|source| CliError::Io { what: "the gateway's directory".to_owned(), source })?;
    Ok(GatewayClient::new(program, folder))
}

fn local_target(
    settings: &ServerSection,
    runtime: &Arc<Runtime>,
    gateway: &Arc<GatewayClient>,
    door: &Door,
    clock: Arc<dyn Clock>,
) -> Result<LocalTarget, CliError> {
    let (pods, services) = AddressRange::split(runtime.subnet().bridge(), 24)
        .ok_or_else(|| CliError::other("the instance's subnet cannot be split", "this is a fault of Penstock", exit::FAILED))?;
    let local = LocalSettings { dir: settings.data.join("target"), pods, services };
    let (runtime, gateway) = (runtime.clone() as Arc<dyn ContainerRuntime>, gateway.clone() as Arc<dyn Gateway>);
    LocalTarget::open(&local, runtime, gateway, Arc::new(door.clone()), clock).map_err(|error| broken("this machine as target", &error))
}

fn runner(
    settings: &ServerSection,
    program: PathBuf,
    git: Arc<dyn GitHost>,
    blobs: Arc<dyn BlobStore>,
    containers: Arc<Runtime>,
    clock: Arc<dyn Clock>,
    terminal: Option<Arc<dyn Terminal>>,
) -> Result<Runner, CliError> {
    let mut path = settings.path.clone();
    path.push(settings.tools.join("bin"));
    let runner = RunnerSettings {
        dir: settings.data.join("runner"),
        hidden: vec![settings.data.clone()],
        toolchains: settings.toolchains.iter().cloned().chain([settings.tools.clone()]).collect(),
        path,
        program,
        first_uid: settings.job_uid,
        instance: settings.instance(),
    };
    let hands = Hands { git, blobs, containers: Some(containers as Arc<dyn ContainerRuntime>), clock };
    let runner = Runner::new(runner, hands, settings.tools.clone(), penstock_runner::handed_on());
    runner.map(|runner| runner.with_terminal(terminal)).map_err(|error| broken("the runner", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_that_another_made_or_made_lead_elsewhere_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (own, link) = (folder.path().join("a/own"), folder.path().join("link"));
        data_directory(&own).unwrap();
        data_directory(&own).unwrap();
        std::os::unix::fs::symlink(&own, &link).unwrap();
        data_directory(&link).unwrap();
        if !nix::unistd::geteuid().is_root() {
            return; // nobody else can be made an owner
        }
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = |path: &Path| data_directory(path).unwrap_err().to_string().contains("belongs to user 1000");
        std::os::unix::fs::lchown(&link, Some(1000), Some(1000)).unwrap();
        assert!(refused(&link));
        std::os::unix::fs::chown(&own, Some(1000), Some(1000)).unwrap();
        assert!(refused(&own));
        assert_eq!(std::fs::metadata(&own).unwrap().mode() & 0o777, 0o755, "and nothing was changed there");
    }

    #[test]
    fn tokens_of_a_key_that_was_put_aside_are_still_verified() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let kids = || {
            let keys = token_issuer(folder.path()).unwrap().keys();
            keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let first = kids();
        assert_eq!((first.len(), kids()), (1, first.clone()), "made once");
        std::fs::rename(place("identity.pub"), place("identity-2026.pub")).unwrap();
        std::fs::remove_file(place("identity.pem")).unwrap();
        let second = kids();
        assert_eq!((second.len(), &second[1]), (2, &first[0]));
        assert_ne!(second[0], first[0]);
        std::fs::write(place("identity-old.pub"), "no key").unwrap();
        assert!(token_issuer(folder.path()).unwrap_err().to_string().contains("identity-old.pub"));
    }

    #[test]
    fn a_key_that_others_may_read_or_that_cannot_be_read_is_neither_used_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing.pem");
        let made = signing_key(&path).unwrap();
        assert_eq!(signing_key(&path).unwrap().public(), made.public());
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o640);
        assert!(signing_key(&path).unwrap_err().to_string().contains("others may read"));
        mode(0o600);
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        signing_key(&path).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), [0xff, 0xfe]);
    }
}
