//! Every bound of the gateway, by name and with its reason.

use std::time::Duration;

/// A backend on the same machine or link answers a connect in well under a second; a black hole must not hold a user longer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// From the last byte of a small request to the head of its answer; as nginx's `proxy_read_timeout`.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The same where the request's body is large or of unknown length, since sending it takes its time.
pub const LONG_ANSWER_TIMEOUT: Duration = Duration::from_secs(600);
/// Bodies up to this length fall under [`ANSWER_TIMEOUT`].
pub const SMALL_BODY: u64 = 1 << 20;
/// To send a whole request head; also how long a user's connection may idle; as nginx's `keepalive_timeout`.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// An idle connection to a backend is kept less long than servers keep theirs (uvicorn and Node: 5 s), so that a request
/// seldom meets one that is just being closed.
pub const IDLE_UPSTREAM: Duration = Duration::from_secs(4);
/// Idle connections kept for each backend.
pub const MAX_IDLE_UPSTREAM: usize = 256;
/// How long a connection may take from the end of its answer until it is ready for the next request.
pub const READY_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle connections that turn out closed are passed over this often before a fresh one is opened.
pub const MAX_STALE: u32 = 8;
/// Size of a request's or answer's head.
pub const MAX_HEAD: usize = 64 << 10;
/// Header fields in one head.
pub const MAX_HEADERS: usize = 128;
/// Read buffer of a connection; no smaller than a head.
pub const MAX_BUFFER: usize = 128 << 10;
/// Requests at once on one HTTP/2 connection of a user.
pub const MAX_STREAMS: u32 = 1000;
/// HTTP/2 flow control windows, so that a stream is not held up by round trips.
pub const H2_STREAM_WINDOW: u32 = 1 << 20;
/// The same for a whole connection.
pub const H2_CONNECTION_WINDOW: u32 = 4 << 20;
/// A ping this often finds a dead HTTP/2 peer under streams that are silent by nature.
pub const H2_PING: Duration = Duration::from_secs(20);
/// A ping's answer is waited for this long.
pub const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections of users at once, for each address; more wait in the kernel's queue.
pub const MAX_CONNECTIONS: usize = 10_000;
/// The kernel's queue of connections not yet accepted.
pub const BACKLOG: u32 = 1024;
/// After `accept` failed (no file descriptors left, for example).
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// At the end, requests under way have this long to finish.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// An address that could not be bound is tried again this often.
pub const REBIND_EVERY: Duration = Duration::from_secs(1);
/// Idle connections are looked through this often.
pub const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// One message on the control socket: a snapshot of [`MAX_ROUTES`] routes fits.
pub const MAX_MESSAGE: usize = 16 << 20;
/// A message must have come whole after this time.
pub const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections on the control socket at once.
pub const MAX_CONTROL: usize = 64;
/// Routes in a snapshot.
pub const MAX_ROUTES: usize = 10_000;
/// Groups in a route.
pub const MAX_GROUPS: usize = 64;
/// Backends in a group.
pub const MAX_BACKENDS: usize = 1000;
/// Weight of a group; the sum of all stays far below overflow.
pub const MAX_WEIGHT: u32 = 1_000_000;
/// Groups of a route whose counters are kept after they left the snapshot; the oldest go first.
pub const MAX_RETIRED_GROUPS: usize = 256;
/// A starting gateway answers on its socket within this time.
pub const START_TIMEOUT: Duration = Duration::from_secs(10);
/// A log file longer than this is put aside at the next start.
pub const MAX_LOG: u64 = 8 << 20;
/// A request whose group was taken out between the look and the choice looks again this often.
pub const MAX_TURNS: usize = 8;
