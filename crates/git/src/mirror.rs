//! Fetching an existing repository from elsewhere.

use std::time::Duration;

use penstock_model::git::{GitError, GitHost};
use penstock_model::{RepositoryName, Secret};

use crate::hook::RefUpdate;
use crate::host::BareRepositories;
use crate::program::{failed, finish, succeeded};

/// How long a fetch may take.
const FETCH: Duration = Duration::from_secs(30 * 60);

impl BareRepositories {
    /// Makes a repository's branches and tags those of another one, wherever that lies: `https`, `http`, `ssh`, or
    /// `file` for a directory of this machine. What is gone there goes here. `header` is an HTTP header with the
    /// credentials (`Authorization: …`), which no process list shows. Gives what changed.
    pub async fn fetch_mirror(&self, repository: &RepositoryName, url: &str, header: Option<&Secret>) -> Result<Vec<RefUpdate>, GitError> {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        let arguments = ["fetch", "mirror"];
        let Some(scheme @ ("https" | "http" | "ssh" | "file")) = scheme else {
            let why = "a URL that begins with https://, http://, ssh:// or file:// is expected";
            return Err(failed(&arguments, why.to_owned()));
        };
        if url.len() > 2000 || url.bytes().any(|b| b.is_ascii_control() || b == b' ') {
            return Err(failed(&arguments, "the URL has spaces or control characters, or is too long".to_owned()));
        }
        if url
            .split_once("://")
            .is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains(':') && host.contains('@')))
        {
            return Err(failed(&arguments, "the URL holds a password: set it as a secret instead".to_owned()));
        }
        self.create(repository).await?;
        let before = self.refs(repository).await?;
        let directory = self.directory(repository).await?;
        let allowed = format!("protocol.{scheme}.allow");
        let mut more = vec![
            (allowed.as_str(), "always"),
            ("http.followRedirects", "initial"),
            ("http.lowSpeedLimit", "1"),
            ("http.lowSpeedTime", "60"),
        ];
        more.extend(header.map(|header| ("http.extraHeader", header.expose())));
        let mut command = self.program.command(Some(&directory), &more);
        command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        let words = [
            "fetch",
            "--quiet",
            "--prune",
            "--no-write-fetch-head",
            "--no-tags",
            "--end-of-options",
            url,
            "+refs/heads/*:refs/heads/*",
            "+refs/tags/*:refs/tags/*",
        ];
        command.args(words);
        let output = finish(command, &arguments, b"", 1024 * 1024, FETCH).await?;
        succeeded(&arguments, output)?;
        let after = self.refs(repository).await?;
        let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let updates = names.into_iter().map(|name| RefUpdate {
            reference: name.clone(),
            old: before.get(name).cloned(),
            new: after.get(name).cloned(),
            forced: false,
        });
        Ok(updates.filter(|update| update.old != update.new).collect())
    }
}
