//! `repositories.yaml`: the repositories that a user has given names, as Helm keeps them.

use std::fmt;

use serde::Serialize;

use super::{KnownRepository, resolve::is_same_address, written};
use crate::{
    budget::{Budget, Limits},
    function::Fault,
    load::read_named,
    yaml,
};

/// A repository that the user has given a name, and how it is asked.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct NamedRepository {
    /// The name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Who asks it.
    pub username: String,
    /// Their password: it stands in the file, and is not printed.
    pub password: String,
    /// The certificate that is shown to it, a file.
    #[serde(rename = "certFile")]
    pub cert_file: String,
    /// The certificate's key, a file.
    #[serde(rename = "keyFile")]
    pub key_file: String,
    /// The certificates that vouch for it, a file.
    #[serde(rename = "caFile")]
    pub ca_file: String,
    /// Whether whatever certificate it shows is taken.
    pub insecure_skip_tls_verify: bool,
    /// Whether other hosts that its index names are shown the password too.
    pub pass_credentials_all: bool,
}

impl fmt::Debug for NamedRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedRepository").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

/// The repositories that a user has given names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedRepositories {
    api_version: String,
    generated: String,
    repositories: Vec<NamedRepository>,
}

impl NamedRepositories {
    /// Reads the file, of which there may be nothing yet. The fault is in Helm's words.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let document = yaml::read_by(yaml::Rules { integers: true, ..yaml::Rules::default() }, text, &mut Budget::new(Limits::default()));
        let named = read_named(&document.map_err(|why| why.to_string())?);
        let named = named.map_err(|why| format!("error unmarshaling JSON: while decoding JSON: {why}"))?;
        Ok(Self { api_version: named.api_version, generated: named.generated, repositories: named.repositories })
    }

    /// The file as Helm writes it.
    pub fn text(&self) -> Result<String, Fault> {
        written(self)
    }

    /// All of them, in the order of the file.
    pub fn all(&self) -> &[NamedRepository] {
        &self.repositories
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<&NamedRepository> {
        self.repositories.iter().find(|one| one.name == name)
    }

    /// The one at that address, if it has a name.
    pub fn at(&self, url: &str) -> Option<&NamedRepository> {
        self.repositories.iter().find(|one| is_same_address(&one.url, url))
    }

    /// Puts one in the place of the one of its name, or behind the others.
    pub fn put(&mut self, one: NamedRepository) {
        match self.repositories.iter_mut().find(|other| other.name == one.name) {
            Some(place) => *place = one,
            None => self.repositories.push(one),
        }
    }

    /// Takes out those of that name; whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.repositories.len();
        self.repositories.retain(|one| one.name != name);
        self.repositories.len() < before
    }

    /// Names and addresses alone, for [`name_repositories`](super::name_repositories).
    pub fn known(&self) -> Vec<KnownRepository> {
        self.repositories.iter().map(|one| KnownRepository { name: one.name.clone(), url: one.url.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `helm repo add` 3.18.4 wrote it.
    const FILE: &str = "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories:\n- caFile: \"\"\n  certFile: \"\"\n  insecure_skip_tls_verify: false\n  keyFile: \"\"\n  name: a\n  pass_credentials_all: false\n  password: \"\"\n  url: http://127.0.0.1:18977\n  username: \"\"\n- caFile: \"\"\n  certFile: \"\"\n  insecure_skip_tls_verify: false\n  keyFile: \"\"\n  name: b\n  pass_credentials_all: true\n  password: hunter2\n  url: http://127.0.0.1:18977/\n  username: u\n";

    #[test]
    fn the_file_is_written_as_helm_writes_it_and_read_again() {
        let one = |name: &str, url: &str| NamedRepository { name: name.to_owned(), url: url.to_owned(), ..NamedRepository::default() };
        let mut named = NamedRepositories::read(b"").unwrap();
        named.put(one("b", "http://old"));
        named.put(one("a", "http://127.0.0.1:18977"));
        assert!(named.remove("b") && !named.remove("b"));
        let login = NamedRepository { username: "u".to_owned(), password: "hunter2".to_owned(), ..one("b", "http://127.0.0.1:18977/") };
        named.put(NamedRepository { pass_credentials_all: true, ..login });
        assert_eq!(named.text().unwrap(), FILE);
        assert_eq!(NamedRepositories::read(FILE.as_bytes()), Ok(named.clone()));
        assert_eq!(named.at("http://127.0.0.1:18977/").map(|one| one.name.as_str()), Some("a"), "slashes do not count");
        assert!(!format!("{named:?}").contains("hunter2"));
    }

    #[test]
    fn what_helm_reads_is_read_and_what_does_not_fit_is_refused_in_its_words() {
        let read = |text: &str| NamedRepositories::read(text.as_bytes());
        let named =
            read("generated: 2026-01-02T03:04:05Z\nother: 1\nrepositories:\n- null\n- NAME: 5\n  url: https://h\n  other: 1\n").unwrap();
        assert_eq!((named.all().len(), named.get("5").map(|one| one.url.as_str())), (1, Some("https://h")));
        assert!(named.text().unwrap().contains("2026-01-02T03:04:05Z"));
        for (text, expected) in [
            ("[]", "cannot unmarshal array into Go value of type repo.File"),
            ("repositories: 1", "cannot unmarshal number into Go struct field File.repositories of type []*repo.Entry"),
            ("repositories: [{name: []}]", "cannot unmarshal array into Go struct field Entry.repositories.name of type string"),
            ("repositories: [", "yaml: "),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
