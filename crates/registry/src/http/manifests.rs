//! Manifests: read, push, delete.

use crate::error::Error;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use penstock_model::Digest;
use penstock_model::release::ImageName;

use super::error::{Code, Failure};
use super::{Asked, route};
use crate::auth::Action;
use crate::forms::is_tag;

pub(super) const CONTENT_DIGEST: &str = "docker-content-digest";

pub(super) async fn answer(asked: &Asked<'_>, name: &ImageName, reference: &str, body: Body) -> Result<Response, Failure> {
    match asked.method {
        Method::GET | Method::HEAD => {
            asked.must(Some(name), Action::Pull).await?;
            read(asked, name, reference).await
        }
        Method::PUT => {
            asked.must(Some(name), Action::Push).await?;
            push(asked, name, reference, body).await
        }
        Method::DELETE => {
            asked.must(Some(name), Action::Delete).await?;
            delete(asked, name, reference).await
        }
        _ => Err(Failure::unsupported()),
    }
}

async fn read(asked: &Asked<'_>, name: &ImageName, reference: &str) -> Result<Response, Failure> {
    let inner = asked.inner();
    let (digest, facts) = inner.find(name, reference)?;
    let content = if asked.method == Method::HEAD {
        Body::empty()
    } else {
        inner.blobs.get_bytes(digest, facts.size).await.map_err(Error::from)?.into()
    };
    let mut response = content.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_str(&facts.media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, facts.size.into());
    name_digest(headers, digest);
    Ok(response)
}

async fn push(asked: &Asked<'_>, name: &ImageName, reference: &str, body: Body) -> Result<Response, Failure> {
    let inner = asked.inner();
    let by_digest = if reference.contains(':') { Some(route::digest(reference)?) } else { None };
    if by_digest.is_none() && !is_tag(reference) {
        return Err(Error::InvalidTag(reference.chars().take(80).collect()).into());
    }
    let limit = inner.limits.manifest;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let too_large = || Error::TooLarge { what: "a manifest", limit };
    if asked.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit) {
        return Err(too_large().into());
    }
    let bytes = axum::body::to_bytes(body, most).await.map_err(|_| too_large())?;
    if let Some(expected) = by_digest {
        let actual = Digest::of(&bytes);
        if actual != expected {
            return Err(Failure::new(Code::DigestInvalid, format!("the manifest is {actual}, and was pushed as {expected}")));
        }
    }
    let media_type = asked.header(header::CONTENT_TYPE).map(|kind| kind.split(';').next().unwrap_or(kind).trim());
    let tags = if by_digest.is_none() { vec![reference.to_owned()] } else { Vec::new() };
    let (digest, facts) = inner.put(name, bytes, media_type, &tags, false).await?;
    let mut response = StatusCode::CREATED.into_response();
    let headers = response.headers_mut();
    locate(headers, &format!("/v2/{name}/manifests/{digest}"));
    name_digest(headers, digest);
    if let Some(subject) = facts.subject.and_then(|subject| HeaderValue::from_str(&subject.to_string()).ok()) {
        headers.insert("oci-subject", subject);
    }
    Ok(response)
}

async fn delete(asked: &Asked<'_>, name: &ImageName, reference: &str) -> Result<Response, Failure> {
    let inner = asked.inner();
    // looked at before the change, which would make an absent repository
    let (digest, _) = inner.find(name, reference)?;
    let by_tag = !reference.contains(':');
    inner
        .shelf
        .change(name, |repository| {
            if by_tag {
                repository.tags.remove(reference);
            } else {
                repository.remove(digest, true);
            }
            Ok(())
        })
        .await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

pub(super) fn name_digest(headers: &mut http::HeaderMap, digest: Digest) {
    if let Ok(value) = HeaderValue::from_str(&digest.to_string()) {
        headers.insert(CONTENT_DIGEST, value);
    }
}

pub(super) fn locate(headers: &mut http::HeaderMap, path: &str) {
    if let Ok(value) = HeaderValue::from_str(path) {
        headers.insert(header::LOCATION, value);
    }
}
