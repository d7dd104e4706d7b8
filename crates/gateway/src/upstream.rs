//! One backend and the connections to it. Taken out, it closes what idles and finishes what is under way.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::counters::{Registry, Visit};
use crate::limits;

type Sender1 = http1::SendRequest<Incoming>;
type Sender2 = http2::SendRequest<Incoming>;

/// Why no connection came about. Nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody listens there: another backend of the group may be asked.
    #[error("refused the connection")]
    Refused,
    /// No answer in time.
    #[error("did not answer a connect within {} s", limits::CONNECT_TIMEOUT.as_secs())]
    TimedOut,
    /// Anything else.
    #[error("cannot be connected to: {0}")]
    Failed(String),
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection; the request comes back untouched.
    #[error("{0}")]
    Open(OpenError, Box<Request<Incoming>>),
    /// The request may have reached it: it is not sent again.
    #[error("gave no answer: {0}")]
    Broken(hyper::Error),
    /// The head of the answer did not come in time.
    #[error("gave no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

struct Idle {
    sender: Sender1,
    since: Instant,
}

/// A backend of a route.
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    retired: AtomicBool,
    idle: Mutex<Vec<Idle>>,
    shared: Mutex<Option<Sender2>>,
    /// One connects at a time; the others wait for its outcome.
    opening: tokio::sync::Mutex<Option<(Instant, OpenError)>>,
    registry: Arc<Registry>,
    visits: Arc<AtomicU64>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    /// A backend to which no connection is open yet.
    pub fn new(pod: &str, address: SocketAddr, registry: Arc<Registry>) -> Self {
        Self {
            address,
            visits: registry.pod(pod),
            registry,
            retired: AtomicBool::new(false),
            idle: Mutex::new(Vec::new()),
            shared: Mutex::new(None),
            opening: tokio::sync::Mutex::new(None),
        }
    }

    /// It was taken out: idle connections close now, busy ones when their answer ends.
    pub fn retire(&self) {
        let mut idle = lock(&self.idle);
        self.retired.store(true, Ordering::SeqCst);
        idle.clear();
        drop(idle);
        lock(&self.shared).take();
    }

    /// A request is about to go there; `None` if it was taken out. Counted before the look, so that whoever took it out
    /// and then sees no visit can rely on it that none comes.
    pub fn visit(&self) -> Option<Visit> {
        let visit = Visit::begin(&self.visits);
        if self.retired.load(Ordering::SeqCst) { None } else { Some(visit) }
    }

    /// Closes connections that have idled long enough.
    pub fn sweep(&self, now: Instant) {
        lock(&self.idle).retain(|idle| now.duration_since(idle.since) < limits::IDLE_UPSTREAM && !idle.sender.is_closed());
    }

    /// Connects.
    pub async fn connect(&self) -> Result<TcpStream, OpenError> {
        let stream = match tokio::time::timeout(limits::CONNECT_TIMEOUT, TcpStream::connect(self.address)).await {
            Err(_) => return Err(OpenError::TimedOut),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Err(OpenError::Refused),
            Ok(Err(error)) => return Err(OpenError::Failed(error.to_string())),
            Ok(Ok(stream)) => stream,
        };
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn take_idle(&self) -> Option<Sender1> {
        let mut idle = lock(&self.idle);
        while let Some(last) = idle.pop() {
            if last.since.elapsed() >= limits::IDLE_UPSTREAM {
                idle.clear(); // the rest is older
                return None;
            }
            if last.sender.is_ready() {
                return Some(last.sender);
            }
        }
        None
    }

    fn keep(&self, sender: Sender1) {
        let mut idle = lock(&self.idle);
        if !self.retired.load(Ordering::Acquire) && idle.len() < limits::MAX_IDLE_UPSTREAM && !sender.is_closed() {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    async fn open1(&self) -> Result<Sender1, OpenError> {
        let stream = self.connect().await?;
        let (sender, connection) = http1::Builder::new()
            .max_headers(limits::MAX_HEADERS)
            .max_buf_size(limits::MAX_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| OpenError::Failed(error.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "connection to a backend ended");
            }
        });
        Ok(sender)
    }

    async fn open2(&self) -> Result<Sender2, OpenError> {
        let asked = Instant::now();
        let mut last = self.opening.lock().await;
        if let Some(sender) = self.open_shared() {
            return Ok(sender);
        }
        // somebody tried while we waited: the outcome is ours too
        if let Some((at, error)) = &*last
            && *at > asked
        {
            return Err(error.clone());
        }
        match self.handshake2().await {
            Ok(sender) => {
                let mut shared = lock(&self.shared);
                if !self.retired.load(Ordering::Acquire) {
                    *shared = Some(sender.clone());
                }
                Ok(sender)
            }
            Err(error) => {
                *last = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn handshake2(&self) -> Result<Sender2, OpenError> {
        let stream = self.connect().await?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(limits::H2_STREAM_WINDOW)
            .initial_connection_window_size(limits::H2_CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(limits::MAX_HEAD).unwrap_or(u32::MAX))
            .keep_alive_interval(limits::H2_PING)
            .keep_alive_timeout(limits::H2_PING_TIMEOUT)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| OpenError::Failed(error.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP/2 connection to a backend ended");
            }
        });
        Ok(sender)
    }

    fn open_shared(&self) -> Option<Sender2> {
        lock(&self.shared).as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    /// Sends a request over HTTP/1.1. A connection that turns out closed before anything was written is replaced.
    pub async fn send1(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        limit: Duration,
    ) -> Result<(Response<Incoming>, Lease), SendError> {
        let mut stale = 0;
        loop {
            let kept = if stale < limits::MAX_STALE { self.take_idle() } else { None };
            let fresh = kept.is_none();
            let mut sender = match kept {
                Some(sender) => sender,
                None => match self.open1().await {
                    Ok(sender) => sender,
                    Err(error) => return Err(SendError::Open(error, Box::new(request))),
                },
            };
            match tokio::time::timeout(limit, sender.try_send_request(request)).await {
                Err(_) => return Err(SendError::TimedOut(limit)),
                Ok(Ok(response)) => return Ok((response, Lease { backend: Arc::clone(self), sender: Some(sender) })),
                Ok(Err(mut error)) => match error.take_message() {
                    Some(unsent) if !fresh => {
                        self.registry.stale.fetch_add(1, Ordering::Relaxed);
                        stale += 1;
                        request = unsent;
                    }
                    _ => return Err(SendError::Broken(error.into_error())),
                },
            }
        }
    }

    /// Sends a request over the backend's one HTTP/2 connection.
    pub async fn send2(self: &Arc<Self>, mut request: Request<Incoming>) -> Result<Response<Incoming>, SendError> {
        let mut stale = 0;
        loop {
            let kept = self.open_shared();
            let fresh = kept.is_none();
            let mut sender = match kept {
                Some(sender) => sender,
                None => match self.open2().await {
                    Ok(sender) => sender,
                    Err(error) => return Err(SendError::Open(error, Box::new(request))),
                },
            };
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh && stale < limits::MAX_STALE => {
                        self.registry.stale.fetch_add(1, Ordering::Relaxed);
                        stale += 1;
                        request = unsent;
                        lock(&self.shared).take_if(|sender| sender.is_closed());
                    }
                    _ => return Err(SendError::Broken(error.into_error())),
                },
            }
        }
    }
}

/// A connection lent for one request; it returns to its backend when the answer has ended well.
pub struct Lease {
    backend: Arc<Backend>,
    sender: Option<Sender1>,
}

impl Lease {
    /// The answer ended: the connection is kept for the next request, as soon as it is ready.
    pub fn give_back(mut self) {
        let Some(mut sender) = self.sender.take() else { return };
        if sender.is_ready() {
            self.backend.keep(sender);
        } else if !sender.is_closed() {
            tokio::spawn(async move {
                if let Ok(Ok(())) = tokio::time::timeout(limits::READY_TIMEOUT, sender.ready()).await {
                    self.backend.keep(sender);
                }
            });
        }
    }
}
