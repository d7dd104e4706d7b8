//! What a job may call under its own token: build an image, have a pinned tool run, have an image run.
//! The answer is a stream of progress, its last line the end.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use futures::TryStreamExt;
use penstock_api::{BuildQuery, CheckRequest, TestImageRequest, WorkDone, WorkLine};
use penstock_delivery::{BuildCall, CallDone, CheckCall, TestImageCall};
use penstock_model::blob::{BlobError, LogLine, LogSink};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::StreamReader;

use crate::App;
use crate::auth::JobCaller;
use crate::problem::Failure;

/// Lines of progress that may wait for a slow reader.
const WAITING_LINES: usize = 256;

/// Progress goes to whoever called.
struct Progress(mpsc::Sender<WorkLine>);

#[async_trait]
impl LogSink for Progress {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        for line in lines {
            // the job may be gone; the work goes on and is found again by its digest
            let _ = self.0.send(WorkLine::Log(line)).await;
        }
        Ok(())
    }
}

fn answer<F>(work: impl FnOnce(Arc<dyn LogSink>) -> F) -> Result<Response, Failure>
where
    F: Future<Output = CallDone> + Send + 'static,
{
    let (lines, receiver) = mpsc::channel(WAITING_LINES);
    let work = work(Arc::new(Progress(lines.clone())));
    tokio::spawn(async move {
        let done = work.await;
        let done = WorkDone { exit_code: done.exit_code, output: done.output, error: done.error };
        let _ = lines.send(WorkLine::Done(done)).await;
    });
    let body = ReceiverStream::new(receiver).map(|line| {
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(bytes))
    });
    Response::builder().header("content-type", "application/x-ndjson").body(Body::from_stream(body)).map_err(Failure::internal)
}

/// The body is the context, a tar stream; it is read while it comes.
pub(super) async fn build(
    State(app): State<App>,
    JobCaller(attempt): JobCaller,
    Query(query): Query<BuildQuery>,
    body: Body,
) -> Result<Response, Failure> {
    let args = match query.args.as_str() {
        "" => std::collections::BTreeMap::new(),
        text => serde_json::from_str(text).map_err(|error| Failure::bad(format!("`args` is not a JSON object of texts: {error}")))?,
    };
    let context = Box::pin(StreamReader::new(body.into_data_stream().map_err(std::io::Error::other)));
    let call = BuildCall { attempt, image: query.image, dockerfile: query.file, args };
    // the context is received before the answer begins: a client that sends first and reads later does not block
    let received = app.calls.receive(&app.parts, context).await.map_err(Failure::bad)?;
    answer(move |log| async move { app.calls.build(&app.parts, call, received, log).await })
}

/// A tool on the materialised commit, or on an image of this run.
pub(super) async fn check(
    State(app): State<App>,
    JobCaller(attempt): JobCaller,
    Json(request): Json<CheckRequest>,
) -> Result<Response, Failure> {
    let call = CheckCall { attempt, tool: request.tool, image: request.image, paths: request.paths };
    answer(move |log| async move { app.calls.check(&app.parts, call, log).await })
}

/// An image of this run, by digest.
pub(super) async fn test_image(
    State(app): State<App>,
    JobCaller(attempt): JobCaller,
    Json(request): Json<TestImageRequest>,
) -> Result<Response, Failure> {
    let timeout = Duration::from_secs(request.timeout_seconds.clamp(1, 3600));
    let call = TestImageCall { attempt, image: request.image, args: request.args, timeout };
    answer(move |log| async move { app.calls.test_image(&app.parts, call, log).await })
}
