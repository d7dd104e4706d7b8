//! Git over HTTP: the smart protocol, answered by git's own backend.
//!
//! The caller has authenticated who asks and decided what they may do, for each request. Both directions are
//! streamed. A reader who goes away ends the backend; a push goes on to its end without its pusher once it was
//! received, so that whoever listens hears of every push that was kept.

mod backend;
mod cgi;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use penstock_model::git::MayPush;
use penstock_model::{RepositoryName, UserName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::hookserver::HookServer;
use crate::host::BareRepositories;

/// A response's body.
pub type GitBody = http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;

/// How many backends run at once.
const BACKENDS: usize = 32;
/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(30);
/// The most bytes of one push, unless the caller says otherwise.
const MAX_PUSH: u64 = 2 * 1024 * 1024 * 1024;
/// What pushes come through, for git's backend. Whoever moved a ref stands in its log as `USER@http.` and this.
pub(crate) const THROUGH: &str = "penstock";

/// The most bytes of a push of somebody who may only offer.
const MAX_OFFER: u64 = 256 * 1024 * 1024;

/// The address of somebody in a ref's log, as git's backend makes it.
pub(crate) fn through(who: &UserName) -> String {
    format!("{who}@http.{THROUGH}")
}

/// Which half of the protocol a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Upload,
    Receive,
}

/// Answers Git's clients.
#[derive(Clone)]
pub struct GitHttp {
    host: BareRepositories,
    hooks: Arc<HookServer>,
    turns: Arc<Semaphore>,
    max_push: u64,
}

impl GitHttp {
    /// Over the repositories of a host; pushes are told to the hook server's listener.
    pub fn new(host: BareRepositories, hooks: Arc<HookServer>) -> Self {
        Self { host, hooks, turns: Arc::new(Semaphore::new(BACKENDS)), max_push: MAX_PUSH }
    }

    /// Takes no more than so many bytes in one push.
    #[must_use]
    pub fn max_push(mut self, bytes: u64) -> Self {
        self.max_push = bytes;
        self
    }

    /// True if a request wants to write: the caller asks for that right before it calls [`Self::serve`].
    pub fn is_write(path_and_query: &str) -> bool {
        let (path, query) = split(path_and_query);
        path == "/git-receive-pack" || query.split('&').any(|pair| pair == "service=git-receive-pack")
    }

    /// Answers one request. `path_and_query` is what follows the repository: `/info/refs?service=git-upload-pack`.
    #[allow(clippy::too_many_arguments, reason = "a request has as many parts")]
    pub async fn serve<S, E>(
        &self,
        repository: &RepositoryName,
        path_and_query: &str,
        method: &Method,
        headers: &HeaderMap,
        body: S,
        who: &UserName,
        may: MayPush,
    ) -> Response<GitBody>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let service = match endpoint(path_and_query, method) {
            Ok(service) => service,
            Err((status, why)) => return refusal(status, why),
        };
        if service == Service::Receive && may == MayPush::Nothing {
            return refusal(StatusCode::FORBIDDEN, &format!("{who} may not push to {repository}"));
        }
        if self.host.directory(repository).await.is_err() {
            return refusal(StatusCode::NOT_FOUND, &format!("there is no repository `{repository}`"));
        }
        if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "gzip" && encoding != "x-gzip") {
            return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "only gzip is taken as content encoding");
        }
        let Some(turn) = self.turn().await else {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; try again");
        };
        let request = backend::Request { service, repository, path_and_query, method, headers, who, may };
        match backend::start(self, &request, body, turn).await {
            Ok(response) => response,
            Err(why) => {
                tracing::warn!(%repository, %why, "git http-backend failed");
                refusal(StatusCode::INTERNAL_SERVER_ERROR, &why)
            }
        }
    }

    fn limit(&self, may: MayPush) -> u64 {
        if may == MayPush::Everything { self.max_push } else { self.max_push.min(MAX_OFFER) }
    }

    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await.ok()?.ok()
    }
}

fn split(path_and_query: &str) -> (&str, &str) {
    path_and_query.split_once('?').unwrap_or((path_and_query, ""))
}

/// What is asked for, of the few things that there are.
fn endpoint(path_and_query: &str, method: &Method) -> Result<Service, (StatusCode, &'static str)> {
    let (path, query) = split(path_and_query);
    let wanted = match path {
        "/info/refs" => &Method::GET,
        "/git-upload-pack" | "/git-receive-pack" => &Method::POST,
        _ => return Err((StatusCode::NOT_FOUND, "there is no such thing in a repository")),
    };
    if method != wanted {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "another method is expected"));
    }
    // the path decides where it can: a query must not make a push look like a fetch
    match (path, query) {
        ("/git-upload-pack", _) | ("/info/refs", "service=git-upload-pack") => Ok(Service::Upload),
        ("/git-receive-pack", _) | ("/info/refs", "service=git-receive-pack") => Ok(Service::Receive),
        _ => Err((StatusCode::FORBIDDEN, "the dumb protocol is not spoken here; use Git 1.6.6 or later")),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response<GitBody> {
    let body = Full::new(Bytes::from(format!("{why}\n"))).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_smart_protocol_is_answered() {
        assert_eq!(endpoint("/info/refs?service=git-upload-pack", &Method::GET), Ok(Service::Upload));
        assert_eq!(endpoint("/git-receive-pack", &Method::POST), Ok(Service::Receive));
        assert_eq!(endpoint("/git-receive-pack?service=git-upload-pack", &Method::POST), Ok(Service::Receive));
        for (path, method) in [
            ("/info/refs", Method::GET),
            ("/HEAD", Method::GET),
            ("/git-upload-pack", Method::GET),
            ("/../x.git/git-upload-pack", Method::POST),
            ("/info/refs?service=git-x", Method::GET),
        ] {
            assert!(endpoint(path, &method).is_err(), "{path}");
        }
    }

    #[test]
    fn both_requests_of_a_push_are_writes() {
        assert!(GitHttp::is_write("/info/refs?service=git-receive-pack") && GitHttp::is_write("/git-receive-pack"));
        assert!(!GitHttp::is_write("/info/refs?service=git-upload-pack") && !GitHttp::is_write("/git-upload-pack"));
    }
}
