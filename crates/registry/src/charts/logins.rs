//! By whom registries are asked: what is given, then what Helm and Docker keep in their files, which are read and never written.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use penstock_model::Secret;
use penstock_model::remote::Login;
use serde::Deserialize;

use super::FetchError;

/// The largest file of logins.
const MAX_FILE: u64 = 1 << 20;
/// Docker's own registry by all of its names; files have the last.
const DOCKER: &[&str] = &["docker.io", "registry-1.docker.io", "index.docker.io"];

/// What a registry is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// A name and a password.
    Password(Login),
    /// What a token server gives tokens for (`identitytoken`).
    Refresh(Secret),
    /// A token (`registrytoken`).
    Token(Secret),
}

/// Logins by registry. What was added first is shown first.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    known: Vec<(String, Credential)>,
    /// Hosts whose logins a program keeps; under `*` the program that keeps all others.
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: Option<BTreeMap<String, Entry>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl Logins {
    /// Nobody is logged in to.
    pub fn none() -> Self {
        Self::default()
    }

    /// Shows this registry (a host, with its port if it has one) that login.
    pub fn add(&mut self, host: &str, login: Login) {
        self.known.push((host_of(host), Credential::Password(login)));
    }

    /// Adds what a file in Docker's form has (`$DOCKER_CONFIG/config.json`, Helm's `registry/config.json`). A file that is not
    /// there, or is empty, adds nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_file(&mut self, path: &Path) -> Result<(), FetchError> {
        let fault = |why: String| FetchError::File { path: path.to_owned(), why };
        let size = match std::fs::metadata(path) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(fault(error.to_string())),
        };
        if size > MAX_FILE {
            return Err(fault("a file of logins is not as large as that".to_owned()));
        }
        let text = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
        self.add_text(&text).map_err(|why| fault(format!("it is not a file of logins as Docker and Helm write them: {why}")))
    }

    /// What is given is taken whole or not at all. The fault never has the text.
    fn add_text(&mut self, text: &[u8]) -> Result<(), String> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        // serde's own message may quote what it met, a password among it
        let place = |error: serde_json::Error| format!("line {}, column {}", error.line(), error.column());
        let file: File = serde_json::from_slice(text).map_err(place)?;
        let mut known = Vec::new();
        let mut entries: Vec<_> = file.auths.unwrap_or_default().into_iter().collect();
        // where a file has a host in several forms, the one that is written today counts
        entries.sort_by_key(|(key, _)| !is_todays(key));
        for (host, entry) in entries {
            if let Some(credential) = entry.credential().ok_or_else(|| format!("the login for {host}"))? {
                known.push((host_of(&host), credential));
            }
        }
        self.known.append(&mut known);
        for (host, program) in file.cred_helpers.unwrap_or_default() {
            self.helpers.entry(host_of(&host)).or_insert(program);
        }
        if let Some(program) = file.creds_store.filter(|program| !program.is_empty()) {
            self.helpers.entry("*".to_owned()).or_insert(program);
        }
        Ok(())
    }

    /// What a registry is shown.
    pub(super) fn of(&self, host: &str) -> Option<&Credential> {
        let host = host_of(host);
        self.known.iter().find(|(known, _)| *known == host).map(|(_, credential)| credential)
    }

    /// The program that may keep the login for a registry. Hands of this house start no programs but their own.
    pub(super) fn helper_of(&self, host: &str) -> Option<&str> {
        self.helpers.get(&host_of(host)).or_else(|| self.helpers.get("*")).map(String::as_str)
    }
}

impl Entry {
    /// `None` for what cannot be read, nothing for an empty entry (a program keeps it then).
    fn credential(self) -> Option<Option<Credential>> {
        if !self.registrytoken.is_empty() {
            return Some(Some(Credential::Token(Secret::new(self.registrytoken))));
        }
        if !self.identitytoken.is_empty() {
            return Some(Some(Credential::Refresh(Secret::new(self.identitytoken))));
        }
        let (username, password) = if self.auth.is_empty() {
            (self.username, self.password)
        } else {
            let plain = base64::engine::general_purpose::STANDARD.decode(&self.auth).ok()?;
            let (username, password) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
            (username.to_owned(), password.to_owned())
        };
        if username.is_empty() && password.is_empty() {
            return Some(None);
        }
        Some(Some(Credential::Password(Login { username, password: Secret::new(password) })))
    }
}

/// Whether a key has the form in which programs write it today: a host, but for Docker's own registry.
fn is_todays(key: &str) -> bool {
    if host_of(key) == "docker.io" { key == "https://index.docker.io/v1/" } else { host_of(key) == key }
}

/// Old files have addresses where new ones have hosts.
fn host_of(key: &str) -> String {
    let bare = key.trim_start_matches("https://").trim_start_matches("http://");
    let host = bare.split('/').next().unwrap_or_default().to_ascii_lowercase();
    if DOCKER.contains(&&*host) { "docker.io".to_owned() } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(username: &str, password: &str) -> Credential {
        Credential::Password(Login { username: username.to_owned(), password: Secret::new(password) })
    }

    #[test]
    fn logins_are_found_under_every_form_of_a_host() {
        let mut logins = Logins::none();
        // "ada:s3:cret"
        let text = br#"{
            "auths": {
                "ghcr.io": {"auth": "YWRhOnMzOmNyZXQ="},
                "https://old.example.com/v1/": {"username": "bob", "password": "p"},
                "https://index.docker.io/v1/": {"identitytoken": "refresh"},
                "tokens.example.com:5000": {"registrytoken": "token"},
                "kept.example.com": {}
            },
            "credHelpers": {"aws.example.com": "ecr-login"},
            "credsStore": "desktop"
        }"#;
        logins.add_text(text).unwrap();
        assert_eq!(logins.of("GHCR.io"), Some(&login("ada", "s3:cret")));
        assert_eq!(logins.of("old.example.com"), Some(&login("bob", "p")));
        assert_eq!(logins.of("registry-1.docker.io"), Some(&Credential::Refresh(Secret::new("refresh"))));
        assert_eq!(logins.of("tokens.example.com:5000"), Some(&Credential::Token(Secret::new("token"))));
        assert_eq!(logins.of("tokens.example.com"), None);
        assert_eq!(logins.of("kept.example.com"), None);
        assert_eq!(logins.helper_of("kept.example.com"), Some("desktop"));
        assert_eq!(logins.helper_of("aws.example.com"), Some("ecr-login"));
    }

    #[test]
    fn what_is_given_goes_before_files_and_earlier_files_before_later_ones() {
        let mut logins = Logins::none();
        logins.add("a.example.com", Login { username: "given".to_owned(), password: Secret::new("p") });
        logins.add_text(br#"{"auths": {"a.example.com": {"username": "x"}, "b.example.com": {"username": "helm"}}}"#).unwrap();
        logins.add_text(br#"{"auths": {"b.example.com": {"username": "docker"}}}"#).unwrap();
        assert_eq!(logins.of("a.example.com"), Some(&login("given", "p")));
        assert_eq!(logins.of("b.example.com"), Some(&login("helm", "")));
    }

    #[test]
    fn the_form_of_today_goes_before_older_ones() {
        let mut logins = Logins::none();
        let text = br#"{"auths": {"https://quay.io/v1": {"username": "old"}, "quay.io": {"username": "new"},
            "docker.io": {"username": "odd"}, "https://index.docker.io/v1/": {"username": "usual"}}}"#;
        logins.add_text(text).unwrap();
        assert_eq!(logins.of("quay.io"), Some(&login("new", "")));
        assert_eq!(logins.of("docker.io"), Some(&login("usual", "")));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_without_its_words() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        let mut logins = Logins::none();
        logins.add_file(&path).unwrap();
        std::fs::write(&path, " \n").unwrap();
        logins.add_file(&path).unwrap();
        for text in ["{\"auths\": {\"a\": \"hunter2\"}}", "{\"auths\": {\"a\": {\"auth\": \"aHVudGVyMg==\"}}}", "hunter2"] {
            std::fs::write(&path, text).unwrap();
            let error = logins.add_file(&path).unwrap_err().to_string();
            assert!(error.contains("config.json: it is not a file of logins") && !error.contains("hunter2"), "{error}");
        }
        assert!(logins.of("a").is_none());
    }
}
