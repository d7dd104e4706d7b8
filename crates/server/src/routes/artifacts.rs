//! Artifacts for download: an archive, or one file of it. Pages and programs get the same.

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use penstock_delivery::artifacts::{self, NoDownload, Wanted};
use penstock_model::{JobName, RunId};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

/// What of a job's artifacts.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    /// The name of an artifact that a step kept by itself.
    name: Option<String>,
    /// One file of it.
    path: Option<String>,
}

pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Path((run, job)): Path<(RunId, JobName)>,
    Query(part): Query<Part>,
) -> Result<Response, Failure> {
    download(&app, &caller, &run, &job, part).await
}

/// A download, if the caller may have it. Nothing of it is shown by a browser, since jobs wrote it: it is saved.
pub(crate) async fn download(app: &App, caller: &Caller, run: &RunId, job: &JobName, part: Part) -> Result<Response, Failure> {
    let wanted = Wanted { name: part.name, path: part.path };
    let download = artifacts::open(&app.parts, caller.role, run, job, &wanted).await.map_err(|error| match error {
        NoDownload::Forbidden(why) => Failure::forbidden(why),
        NoDownload::Order(error) => error.into(),
    })?;
    let kind = if wanted.path.is_none() { "application/x-tar" } else { "application/octet-stream" };
    let name: String = download.file_name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) { c } else { '-' }).collect();
    let mut response = (StatusCode::OK, Body::from_stream(ReaderStream::new(download.bytes))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, no-store"));
    if let Ok(value) = format!("attachment; filename=\"{name}\"").parse() {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    if let Some(size) = download.size {
        headers.insert(header::CONTENT_LENGTH, size.into());
    }
    Ok(response)
}
