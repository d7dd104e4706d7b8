//! Tags that Penstock makes, where there is none of the name.

use std::path::Path;

use penstock_model::git::{GitError, GitHost, NewTag};
use penstock_model::{CommitId, RepositoryName, UserName};
use tokio::io::AsyncReadExt;

use crate::host::BareRepositories;
use crate::http::THROUGH;
use crate::names::is_reference;
use crate::program::{LOCAL, OUTPUT, failed, finish};

/// The longest log of a tag that is read; one that was made once has a line.
const MAX_LOG: u64 = 64 << 10;

pub(crate) async fn create(host: &BareRepositories, repository: &RepositoryName, tag: &NewTag) -> Result<bool, GitError> {
    let directory = host.directory(repository).await?;
    let reference = format!("refs/tags/{}", tag.name);
    // git's own clients could not name one that begins like an option
    if tag.name.starts_with('-') || !is_reference(&reference) {
        return Err(failed(&["tag"], format!("`{}` is not a tag's name", tag.name)));
    }
    if host.resolve(repository, &reference).await?.is_some() {
        return Ok(false);
    }
    // a tag of what is not there would be made all the same
    host.commit(repository, &tag.commit).await?;
    let object = match &tag.message {
        Some(message) => annotated(host, &directory, tag, message).await?,
        None => tag.commit.to_string(),
    };
    // an id of zeros: there must be none
    let zeros = "0".repeat(tag.commit.as_str().len());
    let arguments = ["update-ref", "--create-reflog", "-m", "penstock", &reference, &object, &zeros];
    let mut command = host.program.command(Some(&directory), &[]);
    // as a push over HTTP leaves it in the log of the ref
    command.env("GIT_COMMITTER_NAME", tag.by.as_str()).env("GIT_COMMITTER_EMAIL", format!("{}@http.{THROUGH}", tag.by));
    command.args(arguments);
    let output = finish(command, &arguments, b"", OUTPUT, LOCAL).await?;
    if output.code == Some(0) {
        return Ok(true);
    }
    // somebody else may have been faster
    if host.resolve(repository, &reference).await?.is_some() { Ok(false) } else { Err(failed(&["update-ref"], output.stderr)) }
}

/// Who made an annotated tag of this commit, as the last line of the ref's log says it; none if it has no log, as a pushed tag has none.
pub(crate) async fn maker(
    host: &BareRepositories,
    directory: &Path,
    reference: &str,
    commit: &CommitId,
) -> Result<Option<UserName>, GitError> {
    let mut log = Vec::new();
    // a log that cannot be read says nothing
    let Ok(file) = tokio::fs::File::open(directory.join("logs").join(reference)).await else { return Ok(None) };
    if file.take(MAX_LOG).read_to_end(&mut log).await.is_err() {
        return Ok(None);
    }
    let (log, peeled) = (String::from_utf8_lossy(&log).into_owned(), format!("{reference}^{{commit}}"));
    let words = log.lines().next_back().and_then(|line| line.split('\t').next()).unwrap_or_default();
    let (Some(object), Some((_, address))) = (words.split(' ').nth(1), words.rsplit_once(" <")) else { return Ok(None) };
    let asked = ["rev-parse", reference, &peeled];
    let now: Vec<String> = match host.program.run(directory, &asked, b"").await? {
        output if output.code == Some(0) => String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let name = address.split_once(&format!("@http.{THROUGH}>")).map(|(name, _)| name);
    Ok(name.filter(|_| now == [object, commit.as_str()]).and_then(|name| name.parse().ok()))
}

/// Writes the tag object; the same tag gives the same id.
async fn annotated(host: &BareRepositories, directory: &Path, tag: &NewTag, message: &str) -> Result<String, GitError> {
    let (name, by, seconds) = (&tag.name, &tag.by, tag.at.0.div_euclid(1000));
    let text = format!(
        "object {}\ntype commit\ntag {name}\ntagger {by} <{by}@http.{THROUGH}> {seconds} +0000\n\n{}\n",
        tag.commit,
        message.trim_end()
    );
    let output = host.program.must(directory, &["mktag"], text.as_bytes()).await?;
    let id = String::from_utf8_lossy(&output).trim().to_owned();
    id.parse::<CommitId>().map(|id| id.to_string()).map_err(|_| failed(&["mktag"], format!("`{id}` is not an object's id")))
}
