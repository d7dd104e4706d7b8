//! One repository of one registry, asked by whoever is logged in there (distribution specification 1.1, Docker's token protocol).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use penstock_model::remote::Login;
use reqwest::{Response, Url};

use super::logins::Credential;
use super::transport::{self, Request};
use super::{ChartFetcher, ChartReference, FetchError};
use crate::client::challenge::{self, Challenge};

/// The largest manifest, list of tags and answer of a token server.
pub(super) const MAX_DOCUMENT: u64 = 4 << 20;
/// The most grants that are kept.
const MAX_GRANTS: usize = 256;
/// What Docker's own registry is called, and where it is.
const DOCKER: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// What is asked for at a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Right {
    Pull,
    Push,
}

/// A conversation about one repository.
pub(super) struct Session<'a> {
    fetcher: &'a ChartFetcher,
    reference: &'a ChartReference,
    right: Right,
    tls: bool,
    authorization: Option<HeaderValue>,
}

/// How registries let in the last time, so that the next call need not be refused first. What has expired is refused, and asked for anew.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<HashMap<(String, Right), HeaderValue>>);

impl Grants {
    fn get(&self, reference: &ChartReference, right: Right) -> Option<HeaderValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&Self::key(reference, right)).cloned()
    }

    fn keep(&self, reference: &ChartReference, right: Right, grant: HeaderValue) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_GRANTS {
            all.clear();
        }
        all.insert(Self::key(reference, right), grant);
    }

    fn key(reference: &ChartReference, right: Right) -> (String, Right) {
        (format!("{}/{}", reference.host(), reference.repository()), right)
    }
}

impl<'a> Session<'a> {
    pub(super) fn reference(&self) -> &'a ChartReference {
        self.reference
    }

    pub(super) fn new(fetcher: &'a ChartFetcher, reference: &'a ChartReference, right: Right) -> Self {
        let authorization = fetcher.grants.get(reference, right);
        Self { fetcher, reference, right, tls: !fetcher.settings.plain_http, authorization }
    }

    /// An address below the repository.
    pub(super) fn url(&self, rest: &str) -> Result<Url, FetchError> {
        let host = if self.reference.host() == DOCKER.0 { DOCKER.1 } else { self.reference.host() };
        let scheme = if self.tls { "https" } else { "http" };
        let text = format!("{scheme}://{host}/v2/{}/{rest}", self.reference.repository());
        Url::parse(&text).map_err(|error| FetchError::Reference { text: self.reference.to_string(), why: error.to_string() })
    }

    /// Where an answer says that to go on, which is this registry or another: the same host never loses its TLS by it.
    pub(super) fn onward(&self, from: &Url, to: &str) -> Result<Url, FetchError> {
        let fault = |why: &str| FetchError::Unusable { what: format!("what {} answers", self.reference.host()), why: why.to_owned() };
        let mut url = from.join(to).map_err(|error| fault(&error.to_string()))?;
        transport::forget_login(&mut url);
        if url.scheme() == "http" && self.tls {
            // a registry behind something that speaks TLS for it may not know of it
            let same = url.host_str() == from.host_str();
            if !same || url.set_scheme("https").is_err() {
                return Err(fault("it sends on to a place without TLS"));
            }
        }
        Ok(url)
    }

    /// Asks, and once more if the registry says how to be let in. Any status may be the answer.
    pub(super) async fn ask(&mut self, mut request: Request) -> Result<Response, FetchError> {
        let first = self.send(&request).await;
        let response = match first {
            Err(FetchError::NoTls { .. }) if self.tls && self.reference.is_local() => {
                self.tls = false;
                let _ = request.url.set_scheme("http");
                self.send(&request).await?
            }
            other => other?,
        };
        // who is no part of the registry is not asked where passwords go
        if response.status() != StatusCode::UNAUTHORIZED || !self.is_own(&request.url) || !self.is_own(response.url()) {
            return Ok(response);
        }
        let grant = self.authorize(&request, response).await?;
        self.fetcher.grants.keep(self.reference, self.right, grant.clone());
        self.authorization = Some(grant);
        self.send(&request).await
    }

    /// Asks for what must be there.
    pub(super) async fn succeed(&mut self, request: Request) -> Result<Response, FetchError> {
        let response = self.ask(request.clone()).await?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(&request, response).await) }
    }

    async fn send(&self, request: &Request) -> Result<Response, FetchError> {
        let authorization = self.authorization.clone().filter(|_| self.is_own(&request.url));
        self.fetcher.transport.send(&Request { authorization, ..request.clone() }).await
    }

    /// Whether an address is the registry's own, and not one that it named.
    fn is_own(&self, url: &Url) -> bool {
        self.url("").is_ok_and(|own| transport::may_see_login(&own, url))
    }

    /// What the registry said no with, and what could be done.
    pub(super) async fn refused(&self, request: &Request, response: Response) -> FetchError {
        let advice = self.advice(response.status());
        transport::refused(request, response, &advice).await
    }

    fn advice(&self, status: StatusCode) -> String {
        let host = self.reference.host();
        let logins = &self.fetcher.settings.logins;
        match (status, logins.of(host), logins.helper_of(host)) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(_), _) => {
                format!("; it was asked with the login for {host}, which may not do this")
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None, Some(program)) => {
                format!("; the login may be kept by docker-credential-{program}, which is not started: give --username and --password")
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None, None) => {
                format!("; if it is private, give --username and --password, or log in to {host} with `helm registry login`")
            }
            (StatusCode::NOT_FOUND, None, _) => "; it is not there, or is shown to those who log in alone".to_owned(),
            _ => String::new(),
        }
    }

    /// What to be let in with.
    async fn authorize(&self, request: &Request, refusal: Response) -> Result<HeaderValue, FetchError> {
        let said = refusal.headers().get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut challenges: Vec<Challenge> = said.filter_map(challenge::read).collect();
        // a token tells less than a password
        challenges.sort_by_key(|challenge| matches!(challenge, Challenge::Basic));
        let credential = self.fetcher.settings.logins.of(self.reference.host());
        match (challenges.into_iter().next(), credential) {
            (Some(Challenge::Bearer { .. }), Some(Credential::Token(token))) => secret(&format!("Bearer {}", token.expose())),
            (Some(Challenge::Bearer { realm, service }), credential) => {
                let token = self.token(request, &realm, service.as_deref(), credential).await?;
                secret(&format!("Bearer {token}"))
            }
            (Some(Challenge::Basic), Some(Credential::Password(login))) => basic(login),
            _ => Err(self.refused(request, refusal).await),
        }
    }

    /// Asks a token server: by a refresh token as OAuth 2 has it, else as Docker has it.
    async fn token(
        &self,
        request: &Request,
        realm: &str,
        service: Option<&str>,
        credential: Option<&Credential>,
    ) -> Result<String, FetchError> {
        let unusable = |why: String| FetchError::Unusable { what: format!("how {} lets in", self.reference.host()), why };
        let actions = if self.right == Right::Push { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{actions}", self.reference.repository());
        let without_tls = self.reference.is_local() && !self.tls;
        let url = challenge::token_url(realm, service, &scope, without_tls || self.fetcher.settings.plain_http).map_err(unusable)?;
        let what = format!("a token for {}", request.what);
        let mut asked = Request::new(&what, Method::GET, url);
        match credential {
            Some(Credential::Password(login)) => asked.authorization = Some(basic(login)?),
            Some(Credential::Refresh(token)) => {
                // an address for its query, which has the form of a form
                let mut form = Url::parse("form:").map_err(|error| unusable(error.to_string()))?;
                form.query_pairs_mut()
                    .append_pair("grant_type", "refresh_token")
                    .append_pair("service", service.unwrap_or_default())
                    .append_pair("client_id", "penstock")
                    .append_pair("scope", &scope)
                    .append_pair("refresh_token", token.expose());
                asked.method = Method::POST;
                asked.url.set_query(None);
                asked.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
                asked.body = Bytes::from(form.query().unwrap_or_default().to_owned());
            }
            _ => {}
        }
        let response = self.fetcher.transport.send(&asked).await?;
        if !response.status().is_success() {
            return Err(self.refused(&asked, response).await);
        }
        challenge::token(&transport::body(&what, response, MAX_DOCUMENT).await?).map_err(unusable)
    }
}

/// The header of somebody who logs in by name and password.
pub(super) fn basic(login: &Login) -> Result<HeaderValue, FetchError> {
    secret(&challenge::basic(&login.username, login.password.expose()))
}

fn secret(text: &str) -> Result<HeaderValue, FetchError> {
    let unusable = |_| FetchError::Unusable { what: "the login".to_owned(), why: "it has letters that no header can have".to_owned() };
    let mut value = HeaderValue::from_str(text).map_err(unusable)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn check(plain_http: bool, to: &str, expected: &str) {
        let fetcher = ChartFetcher::new(Settings { plain_http, ..Settings::default() }).unwrap();
        let reference = "h:8443/app".parse().unwrap();
        let session = Session::new(&fetcher, &reference, Right::Push);
        let seen = session.onward(&session.url("blobs/uploads/").unwrap(), to);
        assert_eq!(seen.map_or_else(|error| error.to_string(), |url| url.to_string()), expected, "{to}");
    }

    #[test]
    fn what_is_printed_of_a_grant_is_not_the_token() {
        let grants = Grants::default();
        grants.keep(&"h/app".parse().unwrap(), Right::Pull, secret("Bearer hunter2").unwrap());
        let shown = format!("{grants:?}");
        assert!(shown.contains("h/app") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn an_upload_goes_on_where_the_registry_says_but_not_out_of_tls() {
        check(false, "/v2/app/blobs/uploads/1?state=a", "https://h:8443/v2/app/blobs/uploads/1?state=a");
        check(false, "https://store/1", "https://store/1");
        // behind what speaks TLS for it
        check(false, "http://h:8443/v2/1", "https://h:8443/v2/1");
        check(false, "http://store/1", "what h:8443 answers cannot be used: it sends on to a place without TLS");
        check(true, "http://ada:secret@store/1", "http://store/1");
        assert_eq!(challenge::token_url("http://h/t", None, "s", false).map_err(|why| why.contains("over TLS or not at all")), Err(true));
    }
}
