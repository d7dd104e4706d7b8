//! The server's end of the hooks.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::git::MayPush;
use penstock_model::{RepositoryName, UserName};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::hook::{AFTER, Answer, BEFORE, MAX_LINE, OFFERED, Offered, Question, RefUpdate, SOCKET, TICKET, ticket};

/// How long the listener may take to look at a push.
const LISTENER: Duration = Duration::from_secs(20);
/// How long a hook may take to say what it wants.
const QUESTION: Duration = Duration::from_secs(10);
/// Where people offer commits for a branch that they may not push; the branch follows.
pub const FOR: &str = "refs/for/";
/// Refs that the server keeps itself ([`penstock_model::git::GitHost::keep`]).
const OWN: &str = "refs/merge-requests/";

/// What happens at a push. Whoever pushes waits for each call.
#[async_trait]
pub trait PushListener: Send + Sync {
    /// Before anything is kept: `Err` refuses the whole push, with lines for the pusher. The commits cannot be read yet.
    /// `options` are those of the push (`git push -o`).
    async fn allowed(
        &self,
        repository: &RepositoryName,
        who: &UserName,
        updates: &[RefUpdate],
        options: &[String],
    ) -> Result<(), Vec<String>>;
    /// What was pushed to `refs/for/BRANCH`, whose commits are kept and can be read: what becomes of each, and lines for the pusher.
    async fn offered(
        &self,
        repository: &RepositoryName,
        who: &UserName,
        updates: Vec<RefUpdate>,
        options: Vec<String>,
    ) -> (Vec<Offered>, Vec<String>);
    /// After the refs moved: lines for the pusher. It only wakes: a push whose call was lost is found by its refs.
    async fn pushed(&self, repository: &RepositoryName, who: &UserName, updates: Vec<RefUpdate>) -> Vec<String>;
    /// Refs moved by a push that a server let in and did not outlive: they are to be looked at as at a start.
    async fn found(&self);
}

#[derive(Clone)]
struct Push {
    repository: RepositoryName,
    who: UserName,
    may: MayPush,
}

/// Listens on a Unix socket for the hooks of pushes that it gave a ticket to.
pub struct HookServer {
    socket: PathBuf,
    listener: Arc<dyn PushListener>,
    pushes: Mutex<HashMap<String, Push>>,
    stop: CancellationToken,
}

impl HookServer {
    /// Binds the socket (a stale one is replaced: lock the data directory first) and listens until it is dropped.
    pub fn start(socket: &Path, listener: Arc<dyn PushListener>) -> io::Result<Arc<Self>> {
        // the hook runs in another directory
        let socket = std::path::absolute(socket)?;
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let bound = UnixListener::bind(&socket)?;
        let server = Arc::new(Self { socket, listener, pushes: Mutex::default(), stop: CancellationToken::new() });
        let (stop, weak) = (server.stop.clone(), Arc::downgrade(&server));
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = bound.accept() => accepted,
                };
                match (stream, weak.upgrade()) {
                    (_, None) => return,
                    (Ok((stream, _)), Some(server)) => drop(tokio::spawn(async move { server.one(stream).await })),
                    (Err(error), _) => {
                        tracing::warn!(%error, "a hook could not connect");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Ok(server)
    }

    /// Announces a push; its hooks are known by this until it is dropped.
    pub(crate) fn expect(self: &Arc<Self>, repository: &RepositoryName, who: &UserName, may: MayPush) -> Expected {
        let ticket = ticket();
        self.pushes().insert(ticket.clone(), Push { repository: repository.clone(), who: who.clone(), may });
        Expected { server: Arc::clone(self), ticket }
    }

    fn pushes(&self) -> MutexGuard<'_, HashMap<String, Push>> {
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn one(&self, stream: UnixStream) {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        let read = (&mut stream).take(MAX_LINE);
        let mut read = BufReader::new(read);
        let asked = tokio::time::timeout(QUESTION, read.read_until(b'\n', &mut line)).await;
        let question = match asked {
            Ok(Ok(_)) => serde_json::from_slice::<Question>(&line).ok(),
            _ => None,
        };
        let Some(question) = question else { return };
        let answer = self.answer(question).await;
        let mut line = serde_json::to_vec(&answer).unwrap_or_default();
        line.push(b'\n');
        if let Err(error) = stream.write_all(&line).await {
            tracing::debug!(%error, "a hook went away before its answer");
        }
    }

    async fn answer(&self, question: Question) -> Answer {
        let refuse = |line: &str| Answer { say: vec![line.to_owned()], refuse: true, ..Answer::default() };
        let push = self.pushes().get(&question.ticket).cloned();
        let Some(Push { repository, who, may }) = push else {
            if question.hook != AFTER {
                return refuse("penstock: this push did not come through this server");
            }
            // git outlives the server that started it. What is said here is not believed: the refs are looked at
            let _ = tokio::time::timeout(LISTENER, self.listener.found()).await;
            return Answer {
                say: vec!["penstock: the push is kept; the server has started anew meanwhile".to_owned()],
                ..Answer::default()
            };
        };
        match question.hook.as_str() {
            BEFORE => {
                if let Some(why) = question.updates.iter().find_map(|update| barred(may, &repository, &who, update)) {
                    return refuse(&why);
                }
                let allowed = self.listener.allowed(&repository, &who, &question.updates, &question.options);
                match tokio::time::timeout(LISTENER, allowed).await {
                    Ok(Ok(())) => Answer::default(),
                    Ok(Err(say)) => Answer { say, refuse: true, ..Answer::default() },
                    Err(_) => refuse("penstock: the server is too busy to look at this push; push again later"),
                }
            }
            OFFERED => {
                let offered = self.listener.offered(&repository, &who, question.updates, question.options);
                match tokio::time::timeout(LISTENER, offered).await {
                    Ok((offers, say)) => Answer { say, refuse: false, offers },
                    Err(_) => refuse("penstock: the server is too busy to take this; push again later"),
                }
            }
            AFTER => {
                let pushed = self.listener.pushed(&repository, &who, question.updates);
                let late = || vec!["penstock: the push is kept; the server is busy and will start its run later".to_owned()];
                Answer { say: tokio::time::timeout(LISTENER, pushed).await.unwrap_or_else(|_| late()), ..Answer::default() }
            }
            _ => refuse("penstock: no such hook"),
        }
    }
}

/// What nobody may move, and what this one may not.
fn barred(may: MayPush, repository: &RepositoryName, who: &UserName, update: &RefUpdate) -> Option<String> {
    let reference = &update.reference;
    if reference.starts_with(OWN) {
        return Some(format!("penstock: {reference} is the server's own: push the merge request's source branch, or `refs/for/BRANCH`"));
    }
    if reference.starts_with(FOR) {
        return update.new.is_none().then(|| format!("penstock: there is no {reference} to remove"));
    }
    let offers = may != MayPush::Everything;
    offers.then(|| {
        format!(
            "penstock: {who} may not push {reference} of {repository}; offer it instead: `git push origin HEAD:refs/for/BRANCH -o topic=NAME`"
        )
    })
}

impl Drop for HookServer {
    fn drop(&mut self) {
        self.stop.cancel();
        drop(std::fs::remove_file(&self.socket));
    }
}

/// A push that is under way.
pub(crate) struct Expected {
    server: Arc<HookServer>,
    ticket: String,
}

impl Expected {
    /// What the hooks need in their environment.
    pub fn environment(&self) -> [(&'static str, std::ffi::OsString); 2] {
        [(SOCKET, self.server.socket.clone().into_os_string()), (TICKET, self.ticket.clone().into())]
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.server.pushes().remove(&self.ticket);
    }
}
