//! The server's `penstock.yaml`. Everything has a default that works on one machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use penstock_cli::{CliError, exit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The server.
    #[serde(default)]
    pub server: ServerSection,
}

/// The server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSection {
    /// Where everything is kept.
    pub data: PathBuf,
    /// Where to listen. Off loopback, TLS must be set.
    pub listen: SocketAddr,
    /// How people and jobs reach it; made of `listen` unless given.
    pub url: Option<String>,
    /// Where the pinned tools are: `bin/` and `tools.lock`.
    pub tools: PathBuf,
    /// Directories that jobs may read: toolchains.
    pub toolchains: Vec<PathBuf>,
    /// Put before a job's `PATH`, before the tools.
    pub path: Vec<PathBuf>,
    /// The first of 64 user ids for jobs.
    pub job_uid: u32,
    /// Names this instance on the machine; made of the data directory's path unless given.
    pub instance: Option<String>,
    /// Certificate chain and key, PEM.
    pub tls: Option<Tls>,
    /// A mail server.
    pub smtp: Option<Smtp>,
    /// Copies of what pipeline files name and lies elsewhere; `mirror` in the data directory unless given.
    pub mirror: Option<PathBuf>,
    /// Advisories in the config repository, as OSV's per-ecosystem archives.
    pub advisories: Vec<String>,
    /// Tags of GitLab jobs that this machine has; every one that names no other system unless given.
    pub tags: Option<Vec<String>>,
}

/// TLS.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A mail server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The sender's address.
    pub from: String,
    /// Whether STARTTLS is asked for.
    #[serde(default = "yes")]
    pub tls: bool,
}

fn yes() -> bool {
    true
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            data: PathBuf::from("/var/lib/penstock"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7420)),
            url: None,
            tools: PathBuf::from("/opt/penstock/tools"),
            toolchains: Vec::new(),
            path: Vec::new(),
            job_uid: 64_000,
            instance: None,
            tls: None,
            smtp: None,
            mirror: None,
            advisories: vec!["advisories/PyPI.zip".to_owned(), "advisories/rust-crates.zip".to_owned()],
            tags: None,
        }
    }
}

impl ServerSection {
    /// Where copies of what lies elsewhere are.
    pub fn mirror(&self) -> PathBuf {
        self.mirror.clone().unwrap_or_else(|| self.data.join("mirror"))
    }

    /// Reads the file, if one is named, and puts arguments over it.
    ///
    /// # Errors
    /// What is wrong in the file, or with what it asks for.
    pub fn load(file: Option<&Path>, data: Option<PathBuf>, listen: Option<SocketAddr>) -> Result<Self, CliError> {
        let mut section = match file {
            Some(path) => read(path)?,
            None => Self::default(),
        };
        if let Some(data) = data {
            section.data = data;
        }
        if let Some(listen) = listen {
            section.listen = listen;
        }
        if !section.listen.ip().is_loopback() && section.tls.is_none() {
            return Err(CliError::other(
                format!("{} is not a loopback address and TLS is not set", section.listen),
                "set `server.tls` to a certificate and its key, or listen on 127.0.0.1",
                exit::USAGE,
            ));
        }
        section.data =
            std::path::absolute(&section.data).map_err(|source| CliError::Io { what: section.data.display().to_string(), source })?;
        Ok(section)
    }

    /// How it is reached.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.url.clone().map_or_else(|| format!("{scheme}://{}", self.listen), |url| url.trim_end_matches('/').to_owned())
    }

    /// Whether people reach it by TLS, its own or that of a proxy before it: then a session travels in no other way.
    pub fn secure(&self) -> bool {
        self.tls.is_some() || self.url().starts_with("https://")
    }

    /// Its name on the machine: short, and different for each data directory.
    pub fn instance(&self) -> String {
        self.instance.clone().unwrap_or_else(|| format!("ps{}", &penstock_model::Digest::of(self.data.display().to_string()).hex()[..8]))
    }
}

fn read(path: &Path) -> Result<ServerSection, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::Io { what: path.display().to_string(), source })?;
    let file: ServerFile = serde_saphyr::from_str(&text).map_err(|error| {
        CliError::other(
            format!("{}: {error}", path.display()),
            "a server's file has `version: 1` and a `server:` section; docs/config.md lists its keys",
            exit::USAGE,
        )
    })?;
    if file.version != 1 {
        return Err(CliError::other(
            format!("{}: version {} is not known", path.display(), file.version),
            "this Penstock reads version 1",
            exit::USAGE,
        ));
    }
    Ok(file.server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_the_server_wants_tls() {
        let open = ServerSection::load(None, None, Some(SocketAddr::from(([0, 0, 0, 0], 80))));
        assert!(open.unwrap_err().to_string().contains("TLS"));
    }

    #[test]
    fn a_session_travels_by_tls_alone_where_a_proxy_ends_it_too() {
        let reached = |url: Option<&str>| ServerSection { url: url.map(str::to_owned), ..ServerSection::default() }.secure();
        assert!(reached(Some("https://penstock.example.org/")));
        assert!(!reached(None) && !reached(Some("http://127.0.0.1:7420")));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let folder = std::env::temp_dir().join(format!("penstock-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("penstock.yaml");
        std::fs::write(&file, "version: 1\nserver:\n  lisen: 1\n").unwrap();
        let error = ServerSection::load(Some(&file), None, None).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(error.contains("lisen") && error.contains('3'), "{error}");
    }
}
