//! Chart repositories over HTTP: an index, and what it names; and single files by their address.

use std::fmt;

use bytes::Bytes;
use http::Method;
use penstock_model::Secret;
use penstock_model::remote::Login;
use reqwest::Url;

use super::session::{MAX_DOCUMENT, basic};
use super::transport::{self, Request};
use super::{ChartFetcher, FetchError};

/// The longest address.
const MAX_ADDRESS: usize = 4096;
/// What Helm takes as an archive.
const ARCHIVES: &str = "application/gzip,application/octet-stream";

/// A file that was fetched by its address.
#[derive(Clone)]
pub struct FetchedFile {
    /// Its address for people, without what may be secret in it.
    pub shown: String,
    /// What it holds.
    pub bytes: Bytes,
}

/// Where it is from, not what it holds.
impl fmt::Debug for FetchedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FetchedFile").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// A chart repository: its address, and by whom it is asked.
#[derive(Clone)]
pub struct Repository {
    url: Url,
    login: Option<Login>,
    pass_credentials: bool,
}

/// Its address without the query, in which a token may stand.
impl fmt::Debug for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Repository");
        shown.field("url", &transport::shown(&self.url)).field("login", &self.login).finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository at this address. A chart that is named by its whole address is its own repository. Name and password may
    /// stand in the address.
    ///
    /// # Errors
    /// When it is not `http://` or `https://`.
    pub fn new(address: &str) -> Result<Self, FetchError> {
        let (url, login) = read(address)?;
        Ok(Self { url, login, pass_credentials: false })
    }

    /// Asked by this login. It is shown to the repository's own host.
    #[must_use]
    pub fn with_login(self, login: Login) -> Self {
        Self { login: Some(login), ..self }
    }

    /// Whichever host its index names is shown the login too (`--pass-credentials`).
    #[must_use]
    pub fn pass_credentials(self) -> Self {
        Self { pass_credentials: true, ..self }
    }

    /// The whole address of what an index names: that itself, or below the repository with the query of the repository's own.
    /// It may be one of a registry (`oci://`), which is pulled and not fetched.
    ///
    /// # Errors
    /// When it is no address.
    pub fn resolve(&self, named: &str) -> Result<String, FetchError> {
        Ok(match absolute(named) {
            Some(_) => named.to_owned(),
            None => self.below(named)?.to_string(),
        })
    }

    fn below(&self, named: &str) -> Result<Url, FetchError> {
        let fault = |why: &str| FetchError::Address { text: cut(named), why: why.to_owned() };
        let mut base = self.url.clone();
        base.set_path(&format!("{}/", base.path().strip_suffix('/').unwrap_or(base.path())));
        // a path has no backslash; left as it is it would part one
        let mut url = base.join(&named.replace('\\', "%5C")).map_err(|error| fault(&error.to_string()))?;
        url.set_query(self.url.query());
        Ok(url)
    }

    /// Whether the login is for this address too.
    fn trusts(&self, url: &Url) -> bool {
        self.pass_credentials || transport::may_see_login(&self.url, url)
    }
}

impl ChartFetcher {
    /// The `index.yaml` of a repository.
    ///
    /// # Errors
    /// When it is not there, is too large or takes too long.
    pub async fn index(&self, repository: &Repository) -> Result<Bytes, FetchError> {
        let url = repository.below("index.yaml")?;
        let what = format!("the index {}", transport::shown(&url));
        self.fetch(&what, repository, url, None, "*/*", self.settings.max_index).await
    }

    /// An archive by the address that the index has for it, whole or below the repository's.
    ///
    /// # Errors
    /// When it is not there, is too large or takes too long.
    pub async fn archive(&self, repository: &Repository, named: &str) -> Result<Bytes, FetchError> {
        let (url, login) = self.address(repository, named)?;
        let what = format!("the chart {}", transport::shown(&url));
        self.fetch(&what, repository, url, login, ARCHIVES, self.settings.max_archive).await
    }

    /// The provenance file of an archive: the same address with `.prov` behind it. One that is not there is
    /// [absent](FetchError::is_absent).
    ///
    /// # Errors
    /// When it is not there, is too large or takes too long.
    pub async fn provenance(&self, repository: &Repository, named: &str) -> Result<Bytes, FetchError> {
        let (url, login) = self.address(repository, named)?;
        let url = Url::parse(&format!("{url}.prov")).map_err(|error| FetchError::Address { text: cut(named), why: error.to_string() })?;
        let what = format!("the provenance {}", transport::shown(&url));
        self.fetch(&what, repository, url, login, ARCHIVES, MAX_DOCUMENT).await
    }

    fn address(&self, repository: &Repository, named: &str) -> Result<(Url, Option<Login>), FetchError> {
        if absolute(named).is_some() { read(named) } else { Ok((repository.below(named)?, None)) }
    }

    /// A file of a user's by its whole address: a values file. It is shown the login that stands in the address and no other.
    ///
    /// # Errors
    /// When it is not there, is too large or takes too long.
    pub async fn file(&self, address: &str) -> Result<FetchedFile, FetchError> {
        let (url, login) = read(address)?;
        let shown = transport::shown(&url);
        let mut request = Request::new(&shown, Method::GET, url);
        request.authorization = login.as_ref().map(basic).transpose()?;
        let bytes = self.take(request, self.settings.max_file, file_advice).await?;
        Ok(FetchedFile { shown, bytes })
    }

    async fn fetch(
        &self,
        what: &str,
        repository: &Repository,
        url: Url,
        own: Option<Login>,
        accept: &'static str,
        limit: u64,
    ) -> Result<Bytes, FetchError> {
        let login = repository.login.as_ref().filter(|_| repository.trusts(&url)).or(own.as_ref());
        let mut request = Request::new(what, Method::GET, url).accept(accept);
        request.authorization = login.map(basic).transpose()?;
        self.take(request, limit, advice).await
    }

    /// What the answer to a request holds; `advice` says what to do about a refusal, by its status and whether a login was shown.
    async fn take(&self, request: Request, limit: u64, advice: fn(u16, bool) -> &'static str) -> Result<Bytes, FetchError> {
        let work = async {
            let response = self.transport.send(&request).await?;
            if response.status() != http::StatusCode::OK {
                let advice = advice(response.status().as_u16(), request.authorization.is_some());
                return Err(transport::refused(&request, response, advice).await);
            }
            transport::body(&request.what, response, limit).await
        };
        self.in_time(&request.what, work).await
    }
}

fn file_advice(status: u16, shown: bool) -> &'static str {
    match (status, shown) {
        (401 | 403, true) => "; it was shown the login that stands in the address",
        (401 | 403, false) => "; it was shown no login: a login is for charts alone; fetch the file yourself and name it",
        _ => "",
    }
}

fn advice(status: u16, shown: bool) -> &'static str {
    match (status, shown) {
        (401 | 403, true) => "; it was shown the login that the repository has",
        (401 | 403, false) => {
            "; it was shown no login: give --username and --password, and --pass-credentials if it is not the repository's own host"
        }
        _ => "",
    }
}

/// What has a scheme is a whole address.
fn absolute(named: &str) -> Option<&str> {
    let (scheme, _) = named.split_once(':')?;
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(letter)).then_some(scheme)
}

/// An address without the login that stands in it, and that.
fn read(address: &str) -> Result<(Url, Option<Login>), FetchError> {
    let fault = |why: &str| FetchError::Address { text: cut(address), why: why.to_owned() };
    if address.len() > MAX_ADDRESS {
        return Err(fault("it is too long"));
    }
    let mut url = Url::parse(address).map_err(|error| fault(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => {}
        "oci" => return Err(fault("it is a registry's: pull it")),
        "file" => return Err(fault("files are not fetched")),
        _ => return Err(fault("`http://` or `https://` is expected")),
    }
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (username, password) => Some(Login { username: decoded(username), password: Secret::new(decoded(password.unwrap_or_default())) }),
    };
    transport::forget_login(&mut url);
    Ok((url, login))
}

/// What an address writes with `%`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok()?.first().copied());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An address for an error: without what may be a password.
fn cut(address: &str) -> String {
    let text: String = address.chars().filter(|c| !c.is_control()).take(200).collect();
    match (text.split_once("//"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}//…@{rest}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_index_names_is_found_as_helm_finds_it() {
        for (repository, named, expected) in [
            ("https://h/charts", "app-1.0.0.tgz", "https://h/charts/app-1.0.0.tgz"),
            ("https://h/charts/", "charts/app-1.0.0+x.tgz", "https://h/charts/charts/app-1.0.0+x.tgz"),
            ("https://h", "app.tgz", "https://h/app.tgz"),
            ("https://h/a/b", "../app.tgz", "https://h/a/app.tgz"),
            ("https://h/a/b", "/app.tgz", "https://h/app.tgz"),
            ("https://h/a?token=1", "app.tgz", "https://h/a/app.tgz?token=1"),
            ("https://h/a%2Fb", "app.tgz", "https://h/a%2Fb/app.tgz"),
            ("https://h/a", "https://other/app.tgz?x", "https://other/app.tgz?x"),
            ("https://h/a//", "./app x.tgz", "https://h/a//app%20x.tgz"),
            ("https://h/a", "../../app\\x.tgz?x=1", "https://h/app%5Cx.tgz"),
            ("https://h/a", "app-{x}\u{e4}.tgz", "https://h/a/app-%7Bx%7D%C3%A4.tgz"),
            ("https://h/a", "1.0.0/app:1.tgz", "https://h/a/1.0.0/app:1.tgz"),
            ("https://h/a", "a:b.tgz", "a:b.tgz"),
            ("https://h/a", "", "https://h/a/"),
            ("https://h/a", "//other/app.tgz", "https://other/app.tgz"),
            ("https://h/a", "oci://other/app:1.0.0", "oci://other/app:1.0.0"),
        ] {
            assert_eq!(Repository::new(repository).unwrap().resolve(named).unwrap(), expected, "{repository} {named}");
        }
    }

    #[test]
    fn an_address_gives_its_login_away_to_nobody() {
        let repository = Repository::new("https://ada:p%40ss@h/charts").unwrap();
        assert_eq!(repository.login, Some(Login { username: "ada".to_owned(), password: Secret::new("p@ss") }));
        assert_eq!(repository.resolve("app.tgz").unwrap(), "https://h/charts/app.tgz");
        let error = Repository::new("ftp://ada:hunter2@h/x").unwrap_err().to_string();
        assert!(error.starts_with("`ftp://…@h/x` is no address") && !error.contains("hunter2"), "{error}");
        for address in ["file:///etc", "oci://h/a", "h/charts", "", "https://", "repo"] {
            assert!(Repository::new(address).is_err(), "{address}");
        }
    }

    #[test]
    fn what_is_printed_of_a_repository_and_a_file_has_no_secret_in_it() {
        let repository = Repository::new("https://ada:hunter2@h/charts?token=hunter2").unwrap();
        let file = FetchedFile { shown: "https://h/values.yaml".to_owned(), bytes: Bytes::from_static(b"password: hunter2") };
        for (shown, named) in [(format!("{repository:?}"), "https://h/charts"), (format!("{file:?}"), "https://h/values.yaml")] {
            assert!(shown.contains(named) && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn a_login_is_for_the_repository_s_own_host() {
        let repository = Repository::new("https://h:8443/charts").unwrap();
        let trusts = |repository: &Repository, url: &str| repository.trusts(&Url::parse(url).unwrap());
        for (url, trusted) in [
            ("https://h:8443/other/app.tgz", true),
            ("https://h/charts/app.tgz", false),
            ("http://h:8443/charts/app.tgz", false),
            ("https://a.h:8443/charts/app.tgz", false),
        ] {
            assert_eq!(trusts(&repository, url), trusted, "{url}");
        }
        assert!(trusts(&repository.pass_credentials(), "https://other/app.tgz"));
        let upgraded = Repository::new("http://h/charts").unwrap();
        assert!(trusts(&upgraded, "https://h/charts") && !trusts(&Repository::new("https://h").unwrap(), "http://h/"));
    }
}
