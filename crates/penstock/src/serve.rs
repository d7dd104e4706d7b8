//! `penstock server`: builds, binds, runs, drains.

use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use penstock_cli::{CliError, exit};
use penstock_delivery::events::Role;
use penstock_delivery::keeper::{Keeper, keep};
use penstock_delivery::{Parts, drive, orders, recover};
use penstock_git::{GitHttp, HookServer};
use penstock_model::RunId;
use penstock_model::gateway::Gateway;
use penstock_model::ids::Actor;
use penstock_model::log::{Leases, LogError};
use penstock_server::App;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::config::{ServerSection, Tls};
use crate::hands::{GitMount, Pushes};
use crate::parts::{Built, broken, build};

/// How long requests may take to end after the signal.
const GRACE: Duration = Duration::from_secs(10);
/// How long the head of a request may take, and a connection may rest between two.
const HEAD: Duration = Duration::from_secs(75);
/// The most connections at once, however many descriptors there may be.
const MAX_CONNECTIONS: usize = 10_000;
/// How often the lease is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// For how long.
const LEASE: Duration = Duration::from_secs(30);
/// How long an address may be in use when the server starts.
const LET_GO: Duration = Duration::from_secs(2);
/// How often it is tried again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Unknown events that the log names.
const SHOWN: usize = 5;
/// A checkpoint is signed at least this often while events come.
const CHECKPOINT: Duration = Duration::from_secs(60);

/// Structured logs on standard error; `PENSTOCK_LOG` chooses what.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("PENSTOCK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn"));
    // a second start in one process keeps the first log
    let _ = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// Runs until SIGTERM or SIGINT. Workloads and the gateway go on without it.
pub async fn serve(settings: ServerSection) -> Result<ExitCode, CliError> {
    log();
    let listener = bind(settings.listen).await.map_err(|source| {
        CliError::other(
            format!("{} cannot be listened on: {source}", settings.listen),
            "choose another with --listen, or end what listens there",
            exit::FAILED,
        )
    })?;
    let tls = settings.tls.as_ref().map(acceptor).transpose()?;
    let built = build(&settings, penstock_store::Durability::PowerCut, None).await?;
    let stop = built.stop.clone();
    built.runtime.make_bridge().map_err(|error| broken("containers", &error))?;
    built.gateway.ensure().await.map_err(|error| broken("the gateway", &error))?;
    let running = start(&settings, &built, &stop).await?;
    built.target.spawn(stop.clone());
    let address = listener.local_addr().unwrap_or(settings.listen);
    println!("penstock listens on {} ({address})", settings.url());
    let tasks = TaskTracker::new();
    tasks.spawn(accept(listener, tls, running.router, stop.clone(), places()));
    tokio::select! {
        () = wait_for_signal() => {}
        // somebody else took the lease over: whoever restarts this one hears why
        () = stop.cancelled() => {}
    }
    tracing::info!("draining");
    stop.cancel();
    tasks.close();
    running.tasks.close();
    let drained = tokio::time::timeout(GRACE, async {
        tasks.wait().await;
        running.tasks.wait().await;
    });
    if drained.await.is_err() {
        tracing::warn!("some work did not end in time; the next server takes it up again");
    }
    let released = built.log.release(built.parts.journal.epoch()).await;
    released.and(built.log.close().await).map_err(|error| broken("closing the event log", &error))?;
    Ok(crate::done())
}

/// Listens. A server that was killed a moment ago may have been starting a program, which has its socket until it runs.
async fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let give_up = tokio::time::Instant::now() + LET_GO;
    loop {
        match TcpListener::bind(listen).await {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tokio::time::Instant::now() < give_up => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            bound => return bound,
        }
    }
}

/// What runs.
pub struct Running {
    /// Every loop.
    pub tasks: TaskTracker,
    /// What answers requests.
    pub router: Router,
}

/// Recovers what the last server left, then starts every loop but the target's, which delivers.
pub async fn start(settings: &ServerSection, built: &Built, stop: &CancellationToken) -> Result<Running, CliError> {
    let parts = built.parts.clone();
    let hooks = hooks(settings, built)?;
    let lost = recover(&parts).await.map_err(|error| broken("taking up what was left", &error))?;
    if lost > 0 {
        tracing::info!(lost, "jobs of a dead server are begun anew");
    }
    let unknown = parts.journal.world().unknown.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    if !unknown.is_empty() {
        tracing::error!(events = unknown.join(", "), "a newer Penstock wrote to this log: nothing is delivered until that one runs again");
    }
    first_user(settings, &parts).await?;
    let keeper = Arc::new(Keeper::default());
    let running = loops(settings, built, hooks, keeper.clone(), stop);
    running.tasks.spawn(keep(parts, keeper, stop.clone()));
    Ok(running)
}

/// The same for a run without a server: no push is answered and nothing is delivered. What an earlier run left half-done is
/// ended, unless it is the one to go on with.
pub async fn start_local(
    settings: &ServerSection,
    built: &Built,
    resumed: Option<&RunId>,
    stop: &CancellationToken,
) -> Result<Running, CliError> {
    let parts = &built.parts;
    penstock_delivery::end_lost(parts).await.map_err(|error| broken("ending what was left", &error))?;
    let who = "local".parse().map_err(|error| broken("a user", &error))?;
    let world = parts.journal.world();
    for (id, record) in &world.runs {
        let open = record.ended.is_none() && record.run.as_ref().is_some_and(|run| !run.status().is_finished());
        if open && resumed != Some(&world.root(record).id) {
            orders::order_run(parts, &who, id, orders::RunOrder::Cancel).await.map_err(|error| broken("ending an earlier run", &error))?;
        }
    }
    Ok(loops(settings, built, hooks(settings, built)?, Arc::default(), stop))
}

fn hooks(settings: &ServerSection, built: &Built) -> Result<Arc<HookServer>, CliError> {
    HookServer::start(&settings.data.join("hook.sock"), Arc::new(Pushes(built.parts.clone())))
        .map_err(|source| CliError::Io { what: "the hooks' socket".to_owned(), source })
}

/// What drives runs, and what jobs ask.
fn loops(settings: &ServerSection, built: &Built, hooks: Arc<HookServer>, keeper: Arc<Keeper>, stop: &CancellationToken) -> Running {
    let parts = built.parts.clone();
    let tasks = TaskTracker::new();
    tasks.spawn(drive(parts.clone(), stop.clone()));
    tasks.spawn(hold_lease(built.log.clone(), parts.clone(), stop.clone()));
    let app = App {
        parts: parts.clone(),
        keeper,
        calls: built.calls.clone(),
        git: Arc::new(GitMount(GitHttp::new(built.git.clone(), hooks))),
        since: parts.journal.now(),
        version: env!("CARGO_PKG_VERSION"),
        secure: settings.secure(),
    };
    let registry = penstock_registry::router((*built.registry).clone(), Arc::new(crate::hands::RegistryUsers(parts)));
    Running { tasks, router: penstock_server::router(app, registry) }
}

/// At its first start a server has one user, whose token is in a file that only the owner of the data can read.
async fn first_user(settings: &ServerSection, parts: &Parts) -> Result<(), CliError> {
    if !parts.journal.world().users.is_empty() {
        return Ok(());
    }
    let name = "admin".parse().map_err(|error| broken("the first user", &error))?;
    let token =
        orders::add_user(parts, Actor::Penstock, &name, Role::Admin, Vec::new()).await.map_err(|error| broken("the first user", &error))?;
    let path = settings.data.join("admin.token");
    let io = |source| CliError::Io { what: path.display().to_string(), source };
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).map_err(io)?;
    std::io::Write::write_all(&mut file, token.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    println!("the first user is `admin`; the token is in {}", path.display());
    Ok(())
}

/// Whoever cannot renew the lease must not go on: another server may have it.
async fn hold_lease(log: Arc<penstock_store::SqliteLog>, parts: Arc<Parts>, stop: CancellationToken) {
    let mut last_checkpoint = 0;
    let mut since = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RENEW) => {}
        }
        match log.renew(parts.journal.epoch(), LEASE).await {
            Ok(()) => {}
            Err(error @ (LogError::StaleEpoch { .. } | LogError::Held { .. })) => {
                tracing::error!(%error, "the server's lease is lost; it stops");
                stop.cancel();
                return;
            }
            // a full disk, for example. Should another server take over meanwhile, the log takes nothing from this one
            Err(error) => tracing::error!(%error, "the server's lease cannot be renewed; it is tried again"),
        }
        let position = parts.journal.world().position;
        if position != last_checkpoint && since.elapsed() >= CHECKPOINT {
            if let Err(error) = parts.journal.log().checkpoint().await {
                tracing::error!(%error, "no checkpoint could be signed");
            }
            last_checkpoint = position;
            since = tokio::time::Instant::now();
        }
    }
}

async fn wait_for_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // without signals the server runs until it is killed, which it survives
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, CliError> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let wrong = |what: &std::path::Path, error: &dyn std::fmt::Display| {
        CliError::other(format!("{}: {error}", what.display()), "PEM files are expected in `server.tls`", exit::USAGE)
    };
    let mode = std::fs::metadata(&tls.key).map_err(|error| wrong(&tls.key, &error))?.permissions().mode();
    if mode & 0o007 != 0 {
        // jobs see /etc, which is where it lies as a rule
        return Err(CliError::other(
            format!("{}: everybody may read this key (mode {:o}), jobs too", tls.key.display(), mode & 0o777),
            "`chmod o= FILE`; if others could read it, have a new one certified",
            exit::USAGE,
        ));
    }
    let chain = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&tls.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| wrong(&tls.key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken("TLS", &error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&tls.certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Connections at once: half of the descriptors that the process may have, so that whoever connects takes none from the log,
/// Git and jobs. Others wait in the kernel's queue.
fn places() -> usize {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    most.and_then(|most| usize::try_from(most / 2).ok()).map_or(MAX_CONNECTIONS, |half| half.clamp(1, MAX_CONNECTIONS))
}

/// Accepts connections until `stop`, then lets the open ones end.
async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, stop: CancellationToken, places: usize) {
    let graceful = hyper_util::server::graceful::GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(places));
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(std::io::Error::other)?;
            listener.accept().await.map(|(stream, _)| (stream, place))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        let Ok((stream, place)) = accepted else {
            // out of descriptors, for example: the next one may work
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        serve_one(stream, tls.clone(), router.clone(), &graceful, place);
    }
    graceful.shutdown().await;
}

/// HTTP/1.1, which is all that TLS offers here too. A client that never ends its head does not keep its connection.
fn connections(head: Duration) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server.http1().timer(TokioTimer::new()).header_read_timeout(head);
    server
}

fn serve_one(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    graceful: &hyper_util::server::graceful::GracefulShutdown,
    place: OwnedSemaphorePermit,
) {
    // small answers are not held back
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let watcher = graceful.watcher();
    tokio::spawn(async move {
        let _place = place;
        let server = connections(HEAD);
        match tls {
            None => {
                let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
                let _ = watcher.watch(connection).await;
            }
            Some(tls) => {
                let Ok(Ok(stream)) = tokio::time::timeout(GRACE, tls.accept(stream)).await else { return };
                let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
                let _ = watcher.watch(connection).await;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_key_that_jobs_could_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        std::fs::write(&key, "no key").unwrap();
        let refused = |mode| {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            acceptor(&Tls { certificate: folder.path().join("chain.pem"), key: key.clone() }).err().unwrap().to_string()
        };
        assert!(refused(0o644).contains("everybody may read") && refused(0o604).contains("everybody may read"));
        // a group that the administrator chose is theirs to judge: what is wrong here is the missing chain
        assert!(refused(0o640).contains("chain.pem") && refused(0o600).contains("chain.pem"));
    }

    #[tokio::test]
    async fn whoever_connects_takes_no_more_than_the_places_and_the_next_one_waits_for_one() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = Router::new().fallback(|| async { "done" });
        let serving = tokio::spawn(accept(listener, None, router, stop.clone(), 2));
        let silent = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        // the server has every chance to answer
        for _ in 0..2000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(third.try_read(&mut [0; 1]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        drop(silent);
        let mut answer = String::new();
        third.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        stop.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_does_not_keep_its_connection() {
        for begun in ["", "GET / HTTP/1.1\r\nhost: a\r\n"] {
            let (mut client, server) = tokio::io::duplex(1024);
            let service = hyper::service::service_fn(|_| async { Ok::<_, std::convert::Infallible>(hyper::Response::new(String::new())) });
            let served = tokio::spawn(connections(Duration::from_millis(50)).serve_connection(TokioIo::new(server), service).into_owned());
            client.write_all(begun.as_bytes()).await.unwrap();
            let ended = tokio::time::timeout(Duration::from_secs(30), client.read_to_end(&mut Vec::new())).await;
            assert!(ended.is_ok_and(|read| read.is_ok()), "after `{begun}`");
            drop(served.await.unwrap());
        }
    }
}
