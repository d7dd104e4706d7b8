//! One address where users come in. Its connections outlive snapshots; each request asks anew where to go.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use penstock_model::gateway::Protocol;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counters::Registry;
use crate::table::RouteState;
use crate::{limits, proxy, tcp};

/// What an address serves now.
pub struct Slot {
    route: RwLock<Option<Arc<RouteState>>>,
    /// Counters of the whole process.
    pub registry: Arc<Registry>,
    /// What must end before the process does.
    pub tasks: TaskTracker,
}

impl Slot {
    /// The route in force.
    pub fn route(&self) -> Option<Arc<RouteState>> {
        self.route.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another route in force for requests from now on.
    pub fn set(&self, route: Option<Arc<RouteState>>) {
        *self.route.write().unwrap_or_else(PoisonError::into_inner) = route;
    }
}

/// An address that is bound.
pub struct Listener {
    /// What it serves.
    pub slot: Arc<Slot>,
    stop: CancellationToken,
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::BACKLOG)
}

impl Listener {
    /// Binds an address and serves it.
    pub fn start(address: SocketAddr, route: Arc<RouteState>, registry: &Arc<Registry>, tasks: &TaskTracker) -> io::Result<Self> {
        let socket = bind(address)?;
        let slot = Arc::new(Slot { route: RwLock::new(Some(route)), registry: Arc::clone(registry), tasks: tasks.clone() });
        let stop = CancellationToken::new();
        tasks.spawn(accept(socket, Arc::clone(&slot), stop.clone()));
        Ok(Self { slot, stop })
    }

    /// Stops listening; connections end after the request they are at.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

async fn accept(socket: TcpListener, slot: Arc<Slot>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(limits::MAX_CONNECTIONS));
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                let (slot, stop) = (Arc::clone(&slot), stop.clone());
                slot.tasks.clone().spawn(async move {
                    connection(&slot, stream, peer, &stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Runs a connection to its end; when told to stop, to the end of the request it is at.
macro_rules! until_stopped {
    ($connection:expr, $stop:expr) => {{
        let mut connection = pin!($connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = $stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a user's connection ended");
        }
    }};
}

async fn connection(slot: &Arc<Slot>, stream: TcpStream, peer: SocketAddr, stop: &CancellationToken) {
    let protocol = slot.route().map_or(Protocol::Http, |route| route.protocol);
    let service = service_fn(|request| async move { Ok::<_, Infallible>(proxy::answer(slot, protocol, peer, request).await) });
    match protocol {
        Protocol::Http => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits::HEAD_TIMEOUT)
                .max_headers(limits::MAX_HEADERS)
                .max_header_size(limits::MAX_HEAD)
                .max_buf_size(limits::MAX_BUFFER)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            until_stopped!(connection, stop);
        }
        Protocol::H2c => {
            let shared = Arc::clone(slot);
            let service = service_fn(move |request| {
                let slot = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(proxy::answer(&slot, protocol, peer, request).await) }
            });
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(limits::MAX_STREAMS)
                .max_header_list_size(u32::try_from(limits::MAX_HEAD).unwrap_or(u32::MAX))
                .initial_stream_window_size(limits::H2_STREAM_WINDOW)
                .initial_connection_window_size(limits::H2_CONNECTION_WINDOW)
                .keep_alive_interval(limits::H2_PING)
                .keep_alive_timeout(limits::H2_PING_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            until_stopped!(connection, stop);
        }
        Protocol::Tcp => tcp::serve(slot, stream).await,
    }
}
