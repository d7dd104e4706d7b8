//! The versions that a registry has of a chart.

use http::{Method, header};
use reqwest::{Response, Url};
use serde::Deserialize;

use super::reference::version_of;
use super::session::{MAX_DOCUMENT, Right, Session};
use super::transport::{self, Request};
use super::{ChartFetcher, ChartReference, FetchError};

/// The most pages of a list.
const MAX_PAGES: usize = 1000;
/// The most tags.
const MAX_TAGS: usize = 100_000;

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

impl ChartFetcher {
    /// The tags of a chart in the registry's order, each as the version that it stands for (`+` where the tag has `_`). Which of
    /// them are versions at all is for the caller to say.
    ///
    /// # Errors
    /// When there is no such chart, or too many tags of it.
    pub async fn oci_tags(&self, reference: &ChartReference) -> Result<Vec<String>, FetchError> {
        let what = format!("the tags of {}/{}", reference.host(), reference.repository());
        self.in_time(&what, self.tags(reference, &what)).await
    }

    async fn tags(&self, reference: &ChartReference, what: &str) -> Result<Vec<String>, FetchError> {
        let unusable = |why: String| FetchError::Unusable { what: what.to_owned(), why };
        let mut session = Session::new(self, reference, Right::Pull);
        let mut versions = Vec::new();
        let mut url = session.url("tags/list")?;
        for _ in 0..MAX_PAGES {
            let response = session.succeed(Request::new(what, Method::GET, url)).await?;
            let next = next_page(&session, &response)?;
            let page: Tags = serde_json::from_slice(&transport::body(what, response, MAX_DOCUMENT).await?)
                .map_err(|error| unusable(error.to_string()))?;
            let tags = page.tags.unwrap_or_default();
            if versions.len() + tags.len() > MAX_TAGS {
                return Err(unusable(format!("there are more than {MAX_TAGS}")));
            }
            versions.extend(tags.iter().map(|tag| version_of(tag)));
            match next {
                Some(next) => url = next,
                None => return Ok(versions),
            }
        }
        Err(unusable(format!("there are more than {MAX_PAGES} pages")))
    }
}

/// Where the list goes on (RFC 8288). It does so at the same registry or not at all.
fn next_page(session: &Session<'_>, response: &Response) -> Result<Option<Url>, FetchError> {
    let links = response.headers().get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    let Some(next) = links.flat_map(|links| links.split(',')).find_map(next_of) else { return Ok(None) };
    let url = session.onward(response.url(), next)?;
    if url.host_str() != response.url().host_str() {
        let why = format!("the list goes on at another place ({})", transport::host(&url));
        return Err(FetchError::Unusable { what: format!("the tags of {}", session.reference()), why });
    }
    Ok(Some(url))
}

/// The address of a link to the next page.
fn next_of(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = |parameter: &str| {
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
    };
    parameters.split(';').any(is_next).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_as_registries_write_it() {
        for (link, expected) in [
            ("</v2/a/tags/list?last=b&n=1>; rel=\"next\"", Some("/v2/a/tags/list?last=b&n=1")),
            ("<x>;type=a; REL=next", Some("x")),
            ("<x>; rel=prev", None),
            ("<x>", None),
            ("x; rel=next", None),
            ("<x; rel=next", None),
        ] {
            assert_eq!(next_of(link), expected, "{link}");
        }
    }
}
