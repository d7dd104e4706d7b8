//! Answers that go on while things happen: logs, and the sign that something changed.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use penstock_model::blob::LogPart;
use penstock_model::job::AttemptId;
use penstock_model::{JobName, RunId};
use serde::Deserialize;

use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

/// About how much of a log is read at a time.
const PART: usize = 256 * 1024;
/// Pages hear of changes at most this often.
const LIVE_PAUSE: Duration = Duration::from_millis(250);

/// Which part of a log.
#[derive(Debug, Deserialize)]
pub(super) struct LogQuery {
    /// Which attempt; the last unless given.
    attempt: Option<u32>,
    /// Where to begin.
    #[serde(default)]
    from: u64,
    /// Whether to wait for what comes.
    #[serde(default)]
    follow: bool,
}

/// A job's log, one [`LogPart`] a line. It ends with the caller's token.
pub(super) async fn log(
    State(app): State<App>,
    caller: Caller,
    Path((run, job)): Path<(RunId, JobName)>,
    Query(query): Query<LogQuery>,
) -> Result<Response, Failure> {
    let world = app.parts.journal.world();
    let record = world.runs.get(&run).ok_or_else(|| Failure::absent(format!("run {run}")))?;
    let last = record.times.get(&job).map_or(1, |times| times.attempt);
    let attempt = query.attempt.unwrap_or(last);
    let id = penstock_delivery::log_id(&AttemptId { run, job, attempt });
    let changed = app.parts.logs.changed(&id);
    let logs = app.parts.logs.clone();
    let watch = app.parts.journal.watch();
    let state = (query.from, false);
    let parts = stream::unfold(state, move |(from, ended)| {
        let (logs, id, mut changed) = (logs.clone(), id.clone(), changed.clone());
        let (caller, mut watch) = (caller.clone(), watch.clone());
        async move {
            if ended || !caller.may_stay(&watch.borrow()) {
                return None;
            }
            loop {
                changed.mark_unchanged();
                let part: LogPart = logs.read(&id, from, PART).await.ok()?;
                if part.lines.is_empty() && !part.closed && query.follow {
                    tokio::select! {
                        more = changed.changed() => more.ok()?,
                        _ = watch.wait_for(|world| !caller.may_stay(world)) => return None,
                    }
                    continue;
                }
                let ended = part.closed && part.lines.is_empty() || (part.lines.is_empty() && !query.follow);
                let next = part.next;
                let mut line = serde_json::to_vec(&part).ok()?;
                line.push(b'\n');
                return Some((Ok::<_, Infallible>(Bytes::from(line)), (next, ended)));
            }
        }
    });
    let body = Body::from_stream(parts);
    Response::builder().header("content-type", "application/x-ndjson").body(body).map_err(Failure::internal)
}

/// In which form changes are told.
#[derive(Debug, Deserialize)]
pub(super) struct LiveQuery {
    /// `lines` for one JSON value a line; server-sent events unless given.
    form: Option<String>,
}

/// The log's position, each time that it grew or something that runs changed, as long as the caller's token is good.
pub(super) async fn live(State(app): State<App>, caller: Caller, Query(query): Query<LiveQuery>) -> Response {
    let positions = changes(&app, caller);
    if query.form.as_deref() == Some("lines") {
        let lines = positions.map(|position| Ok::<_, Infallible>(Bytes::from(format!("{position}\n"))));
        return ([("content-type", "application/x-ndjson")], Body::from_stream(lines)).into_response();
    }
    let events = positions.map(|position| Ok::<_, Infallible>(Event::default().event("changed").data(position.to_string())));
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn changes(app: &App, caller: Caller) -> impl Stream<Item = u64> + Send + use<> {
    let watches = (app.parts.journal.watch(), app.keeper.changed());
    stream::unfold((watches, caller), |((mut world, mut ticks), caller)| async move {
        tokio::select! {
            changed = world.changed() => changed.ok()?,
            changed = ticks.changed() => changed.ok()?,
        }
        // several changes at once are one
        tokio::time::sleep(LIVE_PAUSE).await;
        ticks.mark_unchanged();
        let now = world.borrow_and_update().clone();
        caller.may_stay(&now).then_some((now.position, ((world, ticks), caller)))
    })
}
