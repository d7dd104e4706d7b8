//! Requests over HTTP: bounded in redirects, tries, time and bytes, and careful about whom they show a login.
//!
//! Redirects are followed here and not by the HTTP client, which knows neither where a login belongs nor that one does not go
//! back from TLS to plain text.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use penstock_model::digest::Hasher;
use reqwest::{Client, ClientBuilder, Identity, Response, Url};

use super::{FetchError, Settings, authorities};

/// How long a server may take to be connected to.
const CONNECT: Duration = Duration::from_secs(20);
/// How long it may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// The most redirects, as Go has it.
const MAX_REDIRECTS: usize = 10;
/// How often a request is sent that changes nothing.
const TRIES: u32 = 4;
/// How long is waited before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest that a server may ask to wait.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// The beginning of what a server says when it refuses.
const MAX_SAID: usize = 300;
/// The room that is made before a body comes, whatever is said about its length.
const FIRST_ROOM: u64 = 1 << 20;

/// One request.
#[derive(Clone)]
pub(super) struct Request {
    /// What it is for, in the words of errors.
    pub(super) what: String,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Shown to the host of `url` alone.
    pub(super) authorization: Option<HeaderValue>,
}

/// What is asked where. Tokens stand in queries, headers and bodies.
impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown_request = formatter.debug_struct("Request");
        shown_request.field("what", &self.what).field("method", &self.method).field("url", &shown(&self.url)).finish_non_exhaustive()
    }
}

impl Request {
    pub(super) fn new(what: &str, method: Method, url: Url) -> Self {
        Self { what: what.to_owned(), method, url, headers: HeaderMap::new(), body: Bytes::new(), authorization: None }
    }

    /// What is taken as an answer.
    pub(super) fn accept(mut self, kinds: &'static str) -> Self {
        self.headers.insert(header::ACCEPT, HeaderValue::from_static(kinds));
        self
    }
}

/// The HTTP client.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    http: Client,
}

impl Transport {
    pub(super) fn new(settings: &Settings) -> Result<Self, FetchError> {
        // a second installation in the same process is fine
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("penstock/", env!("CARGO_PKG_VERSION")));
        let http = with_tls(builder, settings)?.build();
        Ok(Self { http: http.map_err(|error| FetchError::Tls(chain(&error)))? })
    }

    /// Sends, follows redirects, and gives the last answer, whatever its status.
    pub(super) async fn send(&self, request: &Request) -> Result<Response, FetchError> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_patiently(request, &url).await?;
            match redirect(request, &url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        let why = format!("it was sent on more than {MAX_REDIRECTS} times");
        Err(FetchError::Unreachable { host: host(&request.url), what: request.what.clone(), why })
    }

    /// Tries again after a while what a busy server refused, if nothing can have changed by it.
    async fn send_patiently(&self, request: &Request, url: &Url) -> Result<Response, FetchError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let response = self.send_once(request, url).await?;
            if !matches!(request.method, Method::GET | Method::HEAD) || !is_passing(response.status()) {
                return Ok(response);
            }
            tokio::time::sleep(asked_pause(&response).unwrap_or(pause).min(MAX_PAUSE)).await;
            pause *= 2;
        }
        self.send_once(request, url).await
    }

    async fn send_once(&self, request: &Request, url: &Url) -> Result<Response, FetchError> {
        let mut sent = self.http.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        if let Some(authorization) = request.authorization.clone().filter(|_| may_see_login(&request.url, url)) {
            sent = sent.header(header::AUTHORIZATION, authorization);
        }
        if matches!(request.method, Method::POST | Method::PUT) {
            sent = sent.body(request.body.clone());
        }
        sent.send().await.map_err(|error| unreachable(&request.what, url, error))
    }
}

fn with_tls(builder: ClientBuilder, settings: &Settings) -> Result<ClientBuilder, FetchError> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| FetchError::File { path: path.to_owned(), why: error.to_string() });
    let identity = match &settings.identity_files {
        Some((certificate, key)) => Some([read(certificate)?, read(key)?].join(&b'\n')),
        None => None,
    };
    if let Some(path) = &settings.ca_file {
        let tls = authorities::tls(&read(path)?, identity.as_deref());
        let tls = tls.map_err(|why| FetchError::File { path: path.clone(), why })?;
        if !settings.insecure_skip_tls_verify {
            return Ok(builder.tls_backend_preconfigured(tls));
        }
    }
    let builder = builder.tls_danger_accept_invalid_certs(settings.insecure_skip_tls_verify);
    match identity {
        Some(text) => Ok(builder.identity(Identity::from_pem(&text).map_err(|error| FetchError::Tls(chain(&error)))?)),
        None => Ok(builder),
    }
}

/// Where an answer sends on to. Only what can be asked again is.
fn redirect(request: &Request, from: &Url, response: &Response) -> Result<Option<Url>, FetchError> {
    let follows = match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => matches!(request.method, Method::GET | Method::HEAD),
        _ => false,
    };
    let Some(to) = response.headers().get(header::LOCATION).filter(|_| follows) else { return Ok(None) };
    let fault = |why: &str| FetchError::Unreachable { host: host(from), what: request.what.clone(), why: why.to_owned() };
    let mut next = to.to_str().ok().and_then(|to| from.join(to).ok()).ok_or_else(|| fault("it sends on to what is no address"))?;
    if !matches!(next.scheme(), "http" | "https") || !next.has_host() {
        return Err(fault("it sends on to what is neither http:// nor https://"));
    }
    if from.scheme() == "https" && next.scheme() == "http" {
        return Err(fault(&format!("it sends on to {} without TLS, where anybody could answer", host(&next))));
    }
    if !request.body.is_empty() && !may_see_login(&request.url, &next) {
        return Err(fault(&format!("it wants what is sent to it sent to {}", host(&next))));
    }
    forget_login(&mut next);
    Ok(Some(next))
}

/// Whether what is meant for one address may be shown to another: the same scheme, host and port, or the same host behind TLS.
pub(super) fn may_see_login(meant: &Url, asked: &Url) -> bool {
    if meant.host_str() != asked.host_str() {
        return false;
    }
    let to = (asked.scheme(), asked.port_or_known_default());
    let from = (meant.scheme(), meant.port_or_known_default());
    from == to || (from == ("http", Some(80)) && to == ("https", Some(443)))
}

/// An address without name and password.
pub(super) fn forget_login(url: &mut Url) {
    // both fail only for addresses that can have neither
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

/// An address for people: name, password and query may be secret.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    forget_login(&mut url);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The host of an address, with the port if one is given.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long a server asks to wait, in seconds; a date is not looked at.
fn asked_pause(response: &Response) -> Option<Duration> {
    response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Why the other side said no, with the beginning of what it said.
pub(super) async fn refused(request: &Request, response: Response, advice: &str) -> FetchError {
    let (status, host) = (response.status(), host(response.url()));
    let mut said = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(piece)) = stream.next().await {
        said.extend_from_slice(&piece);
        if said.len() > MAX_SAID * 4 {
            break;
        }
    }
    let said: String = String::from_utf8_lossy(&said).chars().filter(|c| !c.is_control()).take(MAX_SAID).collect();
    let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
    FetchError::Refused { host, what: request.what.clone(), status: status.as_u16(), why: format!("{status}{said}{advice}") }
}

/// The body of an answer, as far as it is taken.
pub(super) async fn body(what: &str, response: Response, limit: u64) -> Result<Bytes, FetchError> {
    let (bytes, _) = hashed(what, response, limit).await?;
    Ok(bytes)
}

/// The body, hashed as it comes.
pub(super) async fn hashed(what: &str, response: Response, limit: u64) -> Result<(Bytes, penstock_model::Digest), FetchError> {
    let too_large = || FetchError::TooLarge { what: what.to_owned(), limit };
    let said = response.content_length().unwrap_or(0);
    if said > limit {
        return Err(too_large());
    }
    let url = response.url().clone();
    let mut all = BytesMut::with_capacity(usize::try_from(said.min(FIRST_ROOM)).unwrap_or_default());
    let mut hasher = Hasher::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| unreachable(what, &url, error))?;
        if (all.len() + piece.len()) as u64 > limit {
            return Err(too_large());
        }
        hasher.update(&piece);
        all.extend_from_slice(&piece);
    }
    Ok((all.freeze(), hasher.finish()))
}

/// Why nobody answered. The address may have a secret in it and is left out.
fn unreachable(what: &str, url: &Url, error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let (host, what) = (host(url), what.to_owned());
    if is_without_tls(&error) {
        return FetchError::NoTls { host, what };
    }
    FetchError::Unreachable { host, what, why: chain(&error) }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(why, ": {error}");
        cause = error.source();
    }
    why
}

/// Whether TLS was greeted by something that is not TLS, as a server without it does.
fn is_without_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    use rustls::{Error, InvalidMessage};
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) = error.downcast_ref() {
            return true;
        }
        // what an I/O error holds is not its source but itself
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = held.map_or_else(|| error.source(), |held| Some(held));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_a_request_has_no_token_in_it() {
        let mut request = Request::new("a token", Method::POST, Url::parse("https://ada:hunter2@h/token?sig=hunter2").unwrap());
        request.headers.insert(header::COOKIE, HeaderValue::from_static("hunter2"));
        request.body = Bytes::from_static(b"refresh_token=hunter2");
        request.authorization = Some(HeaderValue::from_static("Bearer hunter2"));
        let shown = format!("{request:?}");
        assert!(shown.contains("https://h/token") && !shown.contains("hunter2"), "{shown}");
    }
}
