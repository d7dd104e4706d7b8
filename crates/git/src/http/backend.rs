//! One run of `git http-backend`.

use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::{HeaderMap, Method, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use penstock_model::git::MayPush;
use penstock_model::{RepositoryName, UserName};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::{GitBody, GitHttp, Service, THROUGH, cgi, split};
use crate::hookserver::Expected;

/// How long one request may take in all.
const WHOLE: Duration = Duration::from_secs(60 * 60);
/// How long nothing may come from a client.
const SILENCE: Duration = Duration::from_secs(120);
/// How long the backend may take to end after it was told to.
const GRACE: Duration = Duration::from_secs(5);
/// How many pieces of an answer wait for a slow client.
const PIECES: usize = 16;
/// How long a piece is.
const PIECE: usize = 64 * 1024;

pub(super) struct Request<'a> {
    pub service: Service,
    pub repository: &'a RepositoryName,
    pub path_and_query: &'a str,
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    pub who: &'a UserName,
    pub may: MayPush,
}

type Head = Result<Response<()>, String>;

/// Starts the backend and gives its answer as soon as its head is there.
pub(super) async fn start<S, E>(
    git: &GitHttp,
    request: &Request<'_>,
    body: S,
    turn: OwnedSemaphorePermit,
) -> Result<Response<GitBody>, String>
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let expected = git.hooks.expect(request.repository, request.who, request.may);
    let mut child = command(git, request, &expected).spawn().map_err(|e| crate::program::cannot(&e))?;
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
        return Err("it has no input".to_owned());
    };
    let (send_head, head) = oneshot::channel();
    let (pieces, mut answer) = mpsc::channel(PIECES);
    let limit = git.limit(request.may);
    let run = Run { child, service: request.service, _expected: expected, _turn: turn };
    tokio::spawn(async move {
        let feed = feed(body, stdin, limit);
        run.drive(feed, stdout, stderr, send_head, pieces).await;
    });
    let head = head.await.map_err(|_| "it ended without an answer".to_owned())??;
    let stream = futures::stream::poll_fn(move |context| answer.poll_recv(context));
    Ok(head.map(|()| StreamBody::new(stream.map(|piece| piece.map(Frame::data))).boxed_unsync()))
}

fn command(git: &GitHttp, request: &Request<'_>, expected: &Expected) -> tokio::process::Command {
    let may_push = if request.service == Service::Receive { "true" } else { "false" };
    let max_push = git.limit(request.may).to_string();
    let more = [("http.receivepack", may_push), ("http.uploadpack", "true"), ("receive.maxInputSize", &max_push)];
    let mut command = git.host.program.command(None, &more);
    let (path, query) = split(request.path_and_query);
    command.arg("http-backend").envs(expected.environment());
    command.env("GIT_PROJECT_ROOT", &git.host.root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("PATH_INFO", format!("/{}.git{path}", request.repository)).env("QUERY_STRING", query);
    // git's backend writes both into the reflog, as `USER@http.ADDR`
    command.env("REQUEST_METHOD", request.method.as_str()).env("REMOTE_USER", request.who.as_str()).env("REMOTE_ADDR", THROUGH);
    let headers = [
        (header::CONTENT_TYPE.as_str(), "CONTENT_TYPE"),
        ("content-length", "CONTENT_LENGTH"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
    ];
    for (name, variable) in headers {
        if let Some(value) = request.headers.get(name).and_then(|value| value.to_str().ok()) {
            command.env(variable, value);
        }
    }
    let fine = |value: &&str| value.len() <= 64 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"=:-".contains(&b));
    if let Some(protocol) = request.headers.get("git-protocol").and_then(|value| value.to_str().ok()).filter(fine) {
        command.env("GIT_PROTOCOL", protocol);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // its children can be ended with it
    command.process_group(0);
    command
}

/// The backend while it runs, with what it holds.
struct Run {
    child: Child,
    service: Service,
    _expected: Expected,
    _turn: OwnedSemaphorePermit,
}

impl Run {
    async fn drive(
        mut self,
        feed: impl Future<Output = ()> + Send,
        stdout: ChildStdout,
        stderr: ChildStderr,
        head: oneshot::Sender<Head>,
        pieces: mpsc::Sender<std::io::Result<Bytes>>,
    ) {
        let group = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let reader = self.service == Service::Upload;
        let whole = async {
            let wanted = async {
                pump(stdout, reader, head, pieces).await;
                // a reader who went away; a push whose answer was given ends by itself
                if reader { Ok(()) } else { self.child.wait().await.map(drop) }
            };
            let said = said(stderr);
            let mut feed = pin!(feed);
            let mut wanted = pin!(wanted);
            let mut said = pin!(said);
            let (mut fed, mut heard) = (false, false);
            loop {
                tokio::select! {
                    () = &mut feed, if !fed => fed = true,
                    text = &mut said, if !heard => {
                        heard = true;
                        if !text.is_empty() {
                            tracing::debug!(text, "git http-backend");
                        }
                    }
                    _ = &mut wanted => return,
                }
            }
        };
        if tokio::time::timeout(WHOLE, whole).await.is_err() {
            tracing::warn!("git http-backend did not end in time");
        }
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_ok() {
            return;
        }
        for signal in [Signal::TERM, Signal::KILL] {
            if let Some(group) = group {
                kill_process_group(group, signal).ok();
            }
            if tokio::time::timeout(GRACE, self.child.wait()).await.is_ok() {
                return;
            }
        }
    }
}

/// Hands the request's body on. It ends at its end, at an error, at too much, or when nothing comes: then the
/// backend sees an input that is cut, which is none.
async fn feed<S, E>(body: S, mut stdin: ChildStdin, limit: u64)
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let mut body = pin!(body);
    let mut size = 0;
    while let Ok(Some(piece)) = tokio::time::timeout(SILENCE, body.next()).await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                tracing::debug!(%error, "a Git client went away");
                return;
            }
        };
        size += piece.len() as u64;
        if size > limit || stdin.write_all(&piece).await.is_err() {
            return;
        }
    }
}

/// Hands the answer on. Without a taker, a reader's answer ends, and a push's goes nowhere: its process must not
/// die of it between moving the refs and telling of it.
async fn pump(mut stdout: ChildStdout, reader: bool, head: oneshot::Sender<Head>, pieces: mpsc::Sender<std::io::Result<Bytes>>) {
    let rest = match cgi::head(&mut stdout).await {
        Ok((response, rest)) => {
            head.send(Ok(response)).ok();
            rest
        }
        Err(why) => return drop(head.send(Err(why))),
    };
    let mut taken = rest.is_empty() || pieces.send(Ok(rest.into())).await.is_ok();
    let mut piece = BytesMut::new();
    while taken || !reader {
        piece.reserve(PIECE);
        match stdout.read_buf(&mut piece).await {
            Ok(0) => return,
            Ok(_) => {
                let piece = piece.split().freeze();
                if taken {
                    // a client that takes nothing for so long is gone
                    taken = pieces.send_timeout(Ok(piece), SILENCE).await.is_ok();
                }
            }
            Err(error) => {
                pieces.send(Err(error)).await.ok();
                return;
            }
        }
    }
}

/// What it says on its error channel, cut.
async fn said(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    (&mut stderr).take(4000).read_to_end(&mut text).await.ok();
    tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await.ok();
    String::from_utf8_lossy(&text).trim().to_owned()
}
