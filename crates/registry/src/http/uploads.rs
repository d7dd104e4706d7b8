//! Uploads: at once, in pieces, or by mounting from another repository.

use crate::error::Error;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use http::{HeaderValue, Method, StatusCode, header};
use penstock_model::Digest;
use penstock_model::release::ImageName;
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;

use super::Asked;
use super::error::{Code, Failure};
use super::manifests::{locate, name_digest};
use super::route;
use crate::auth::Action;
use crate::uploads::{Taken, UploadError};

/// `POST /v2/<name>/blobs/uploads/`.
pub(super) async fn begin(asked: &Asked<'_>, name: &ImageName, body: Body) -> Result<Response, Failure> {
    if asked.method != Method::POST {
        return Err(Failure::unsupported());
    }
    asked.must(Some(name), Action::Push).await?;
    if let Some(digest) = asked.parameter("mount")
        && let Some(response) = mount(asked, name, &digest).await?
    {
        return Ok(response);
    }
    let Some(digest) = asked.parameter("digest") else {
        let id = asked.inner().uploads.begin(name).await?;
        return Ok(progress(StatusCode::ACCEPTED, name, &id, 0));
    };
    let digest = route::digest(&digest)?;
    let stream = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
    let inner = asked.inner();
    inner.blobs.put(Box::pin(stream), Some(digest), inner.limits.blob).await.map_err(Error::from)?;
    inner.link(name, digest).await?;
    Ok(created(name, digest))
}

/// Makes a blob of another repository visible here, if whoever asks may read it there; otherwise it has to be uploaded.
async fn mount(asked: &Asked<'_>, name: &ImageName, digest: &str) -> Result<Option<Response>, Failure> {
    let digest = route::digest(digest)?;
    let Some(from) = asked.parameter("from").and_then(|from| from.parse::<ImageName>().ok()) else { return Ok(None) };
    if !asked.granted(&from, Action::Pull).await {
        return Ok(None);
    }
    // it stays there until it is linked here
    let _linking = asked.inner().linking.read().await;
    if asked.inner().blob(&from, digest).await.is_err() {
        return Ok(None);
    }
    asked.inner().link(name, digest).await?;
    Ok(Some(created(name, digest)))
}

/// `GET`, `PATCH`, `PUT` and `DELETE /v2/<name>/blobs/uploads/<id>`.
pub(super) async fn go_on(asked: &Asked<'_>, name: &ImageName, id: &str, body: Body) -> Result<Response, Failure> {
    asked.must(Some(name), Action::Push).await?;
    let mut upload = asked.inner().uploads.take(name, id).await?;
    match asked.method {
        Method::GET => Ok(progress(StatusCode::NO_CONTENT, name, id, upload.offset)),
        Method::PATCH => {
            append(asked, name, id, &mut upload, body).await?;
            Ok(progress(StatusCode::ACCEPTED, name, id, upload.offset))
        }
        Method::PUT => {
            let Some(digest) = asked.parameter("digest") else {
                return Err(Failure::new(Code::DigestInvalid, "the last request of an upload says the digest"));
            };
            let digest = route::digest(&digest)?;
            append(asked, name, id, &mut upload, body).await?;
            finish(asked, name, digest, upload).await
        }
        Method::DELETE => {
            upload.remove().await;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(Failure::unsupported()),
    }
}

async fn append(asked: &Asked<'_>, name: &ImageName, id: &str, upload: &mut Taken<'_>, body: Body) -> Result<(), Failure> {
    let range = match asked.header(header::CONTENT_RANGE) {
        None => None,
        Some(text) => {
            let read = || {
                let (start, end) = text.trim_start_matches("bytes ").split('/').next()?.split_once('-')?;
                Some((start.parse().ok()?, end.parse().ok()?))
            };
            Some(read().ok_or_else(|| Failure::new(Code::UploadInvalid, format!("`{text}` is not a content range")))?)
        }
    };
    let length = asked.header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let appended = upload.append(range, length, body.into_data_stream()).await;
    match appended {
        Err(error @ UploadError::OutOfOrder { offset }) => {
            let headers = vec![(header::RANGE, format!("0-{}", offset.saturating_sub(1))), (header::LOCATION, location(name, id))];
            Err(Failure::from(error).with(StatusCode::RANGE_NOT_SATISFIABLE, headers))
        }
        other => Ok(other?),
    }
}

async fn finish(asked: &Asked<'_>, name: &ImageName, digest: Digest, upload: Taken<'_>) -> Result<Response, Failure> {
    let inner = asked.inner();
    let opened = tokio::fs::File::open(&upload.path).await;
    let file = opened.map_err(|error| Failure::new(Code::Unavailable, error.to_string()))?;
    let stored = inner.blobs.put(Box::pin(file.take(upload.offset)), Some(digest), inner.limits.blob).await.map_err(Error::from);
    match stored {
        Ok(_) => {
            inner.link(name, digest).await?;
            upload.remove().await;
            Ok(created(name, digest))
        }
        Err(error) => {
            // bytes of another digest do not become right; after a full disk they may
            if crate::service::is_mismatch(&error) {
                upload.remove().await;
            }
            Err(error.into())
        }
    }
}

fn location(name: &ImageName, id: &str) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

fn progress(status: StatusCode, name: &ImageName, id: &str, offset: u64) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    locate(headers, &location(name, id));
    // inclusive, so that nothing yet looks like one byte: so the specification has it
    if let Ok(range) = HeaderValue::from_str(&format!("0-{}", offset.saturating_sub(1))) {
        headers.insert(header::RANGE, range);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("docker-upload-uuid", id);
    }
    response
}

fn created(name: &ImageName, digest: Digest) -> Response {
    let mut response = StatusCode::CREATED.into_response();
    locate(response.headers_mut(), &format!("/v2/{name}/blobs/{digest}"));
    name_digest(response.headers_mut(), digest);
    response
}
