//! Lists: repositories, tags, referrers.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, header};
use penstock_model::Digest;
use penstock_model::image::media;
use penstock_model::release::ImageName;
use serde_json::json;

use super::Asked;
use super::error::{Code, Failure};
use crate::auth::Action;

/// The most that one answer lists.
const MAX: usize = 10_000;

/// `GET /v2/_catalog`: repositories that whoever asks may read.
pub(super) async fn catalog(asked: &Asked<'_>) -> Result<Response, Failure> {
    reading(asked)?;
    asked.must(None, Action::Pull).await?;
    let mut names = Vec::new();
    for (name, _) in asked.inner().shelf.all() {
        if asked.granted(&name, Action::Pull).await {
            names.push(name.to_string());
        }
    }
    names.sort();
    let (page, more) = page(asked, names)?;
    let link = more.map(|(n, last)| format!("/v2/_catalog?n={n}&last={last}"));
    Ok(linked(axum::Json(json!({ "repositories": page })).into_response(), link))
}

/// `GET /v2/<name>/tags/list`.
pub(super) async fn tags(asked: &Asked<'_>, name: &ImageName) -> Result<Response, Failure> {
    reading(asked)?;
    asked.must(Some(name), Action::Pull).await?;
    let mut tags: Vec<String> = asked.inner().repository(name)?.tags.keys().cloned().collect();
    // the specification's order: lexical, as ASCII without case first
    tags.sort_by_cached_key(|tag| (tag.to_ascii_lowercase(), tag.clone()));
    let (page, more) = page(asked, tags)?;
    let link = more.map(|(n, last)| format!("/v2/{name}/tags/list?n={n}&last={last}"));
    Ok(linked(axum::Json(json!({ "name": name, "tags": page })).into_response(), link))
}

/// `GET /v2/<name>/referrers/<digest>`: an index, empty if nothing is attached.
pub(super) async fn referrers(asked: &Asked<'_>, name: &ImageName, subject: Digest) -> Result<Response, Failure> {
    reading(asked)?;
    asked.must(Some(name), Action::Pull).await?;
    let wanted = asked.parameter("artifactType").filter(|kind| !kind.is_empty());
    let attached = asked.inner().shelf.get(name).map(|repository| repository.referrers(subject, wanted.as_deref())).unwrap_or_default();
    let index = json!({ "schemaVersion": 2, "mediaType": media::INDEX, "manifests": attached });
    let mut response = axum::Json(index).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media::INDEX));
    if wanted.is_some() {
        response.headers_mut().insert("oci-filters-applied", HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

fn reading(asked: &Asked<'_>) -> Result<(), Failure> {
    if matches!(asked.method, Method::GET | Method::HEAD) { Ok(()) } else { Err(Failure::unsupported()) }
}

type More = Option<(usize, String)>;

/// The part of a sorted list after `last`, of at most `n`; with how to go on if there is more.
fn page(asked: &Asked<'_>, mut all: Vec<String>) -> Result<(Vec<String>, More), Failure> {
    let n = match asked.parameter("n") {
        None => MAX,
        Some(text) => text.parse::<usize>().map_err(|_| Failure::new(Code::NameInvalid, format!("n=`{text}` is not a number")))?.min(MAX),
    };
    if let Some(last) = asked.parameter("last") {
        let key = (last.to_ascii_lowercase(), last);
        all.retain(|item| (item.to_ascii_lowercase(), item.clone()) > key);
    }
    let more = all.len() > n;
    all.truncate(n);
    let next = all.last().cloned().filter(|_| more).map(|last| (n, last));
    Ok((all, next))
}

fn linked(mut response: Response, link: Option<String>) -> Response {
    if let Some(value) = link.and_then(|path| HeaderValue::from_str(&format!("<{path}>; rel=\"next\"")).ok()) {
        response.headers_mut().insert(header::LINK, value);
    }
    response
}
