//! Blobs: read whole or in part, unlink.

use crate::error::Error;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use penstock_model::Digest;
use penstock_model::release::ImageName;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::Asked;
use super::error::{Code, Failure};
use super::manifests::name_digest;
use crate::auth::Action;

/// How much is read at once.
const PIECE: usize = 128 * 1024;

pub(super) async fn answer(asked: &Asked<'_>, name: &ImageName, digest: Digest) -> Result<Response, Failure> {
    match asked.method {
        Method::GET | Method::HEAD => {
            asked.must(Some(name), Action::Pull).await?;
            read(asked, name, digest).await
        }
        Method::DELETE => {
            asked.must(Some(name), Action::Delete).await?;
            unlink(asked, name, digest).await
        }
        _ => Err(Failure::unsupported()),
    }
}

async fn read(asked: &Asked<'_>, name: &ImageName, digest: Digest) -> Result<Response, Failure> {
    let inner = asked.inner();
    // who only asks whether it is there is about to leave out its upload
    let size = if asked.method == Method::HEAD { inner.count_on(name, digest).await? } else { inner.blob(name, digest).await? };
    let range = asked.header(header::RANGE).and_then(|text| range(text, size));
    let (start, length) = match range {
        Some(None) => {
            let whole = vec![(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Err(Failure::new(Code::SizeInvalid, "the blob has no such bytes").with(StatusCode::RANGE_NOT_SATISFIABLE, whole));
        }
        Some(Some((start, end))) => (start, end - start + 1),
        None => (0, size),
    };
    let mut response = if asked.method == Method::HEAD {
        Body::empty().into_response()
    } else {
        let mut bytes = inner.blobs.get(digest).await.map_err(Error::from)?;
        if start > 0 {
            let skipped = tokio::io::copy(&mut (&mut bytes).take(start), &mut tokio::io::sink()).await;
            skipped.map_err(|error| Failure::new(Code::Unavailable, error.to_string()))?;
        }
        // one byte more than the whole: the store verifies when it is asked for the end
        let asked_for = if length == size { length + 1 } else { length };
        Body::from_stream(ReaderStream::with_capacity(bytes.take(asked_for), PIECE)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    name_digest(headers, digest);
    if range.is_some() {
        if let Ok(value) = HeaderValue::from_str(&format!("bytes {start}-{}/{size}", start + length - 1)) {
            headers.insert(header::CONTENT_RANGE, value);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// The first and last byte of `bytes=a-b`, `bytes=a-` and `bytes=-n`; `Some(None)` if the blob has none of them, `None` for
/// what is not one range (then the whole is given, as RFC 9110 allows).
fn range(text: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let last = last.trim();
    let (start, end) = match (first.trim(), last) {
        ("", last) => (size.saturating_sub(last.parse().ok()?), size.checked_sub(1)),
        (first, "") => (first.parse().ok()?, size.checked_sub(1)),
        (first, last) => {
            (first.parse().ok()?, size.checked_sub(1).map(|end| last.parse::<u64>().map(|last| last.min(end))).transpose().ok()?)
        }
    };
    Some(end.filter(|end| start <= *end).map(|end| (start, end)))
}

/// The blob is not visible here any more. What a manifest names stays.
async fn unlink(asked: &Asked<'_>, name: &ImageName, digest: Digest) -> Result<Response, Failure> {
    asked.inner().blob(name, digest).await?;
    let change = asked.inner().shelf.change(name, |repository| {
        let needed = repository.needs(digest);
        if !needed {
            repository.blobs.remove(&digest);
        }
        Ok(needed)
    });
    if change.await? {
        return Err(Failure::new(Code::Denied, format!("a manifest of {name} names {digest}: delete that first"))
            .with(StatusCode::CONFLICT, Vec::new()));
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        for (text, expected) in [
            ("bytes=0-3", Some(Some((0, 3)))),
            ("bytes=4-", Some(Some((4, 9)))),
            ("bytes=-3", Some(Some((7, 9)))),
            ("bytes=-30", Some(Some((0, 9)))),
            ("bytes=8-99", Some(Some((8, 9)))),
            ("bytes=10-", Some(None)),
            ("bytes=5-4", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=x-", None),
        ] {
            assert_eq!(range(text, 10), expected, "{text}");
        }
        assert_eq!(range("bytes=0-3", 0), Some(None));
    }
}
