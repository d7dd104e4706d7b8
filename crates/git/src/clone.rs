//! A clone of this machine, as its own git sees it: with the configuration of whoever works in it, and changed in nothing.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use penstock_model::CommitId;
use penstock_model::git::{Commit, GitError, Signature};
use tokio::process::Command;

use crate::checkout::Refs;
use crate::commit::moment;
use crate::names::is_reference;
use crate::program::{LOCAL, OUTPUT, Output, failed, finish, succeeded};
use crate::tags;

/// What `git log` is asked for; NUL between the fields.
const HEAD: &str = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B";
/// What `git for-each-ref` is asked for.
const REFS: &str = "--format=%(HEAD)%00%(objectname)%00%(*objectname)%00%(refname)%00%(symref)%00%(upstream)";

/// A clone with a working tree.
#[derive(Clone, Debug)]
pub struct LocalClone {
    /// The git program.
    git: PathBuf,
    /// The working tree's root.
    pub root: PathBuf,
    /// Where its objects are.
    pub objects: PathBuf,
    /// Its index, which may not be there.
    pub index: PathBuf,
    /// What is checked out; `None` before the first commit.
    pub head: Option<Commit>,
    /// The branch that is checked out, without `refs/heads/`.
    pub branch: Option<String>,
    /// Where the branch was when it was last pushed or fetched: the commit of what it tracks.
    pub pushed: Option<CommitId>,
    /// The branch that the remote has checked out, if that is known.
    pub main: Option<String>,
    pub(crate) refs: Refs,
}

impl LocalClone {
    /// Looks at the clone that a folder belongs to; `None` if it belongs to none.
    ///
    /// # Errors
    /// When git is missing or refuses.
    pub async fn open(git: &Path, folder: &Path) -> Result<Option<Self>, GitError> {
        let paths = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-path", "objects", "--git-path", "index"];
        let head = ["log", "-1", "--no-show-signature", "--no-color", "--date=raw", HEAD];
        let refs = ["for-each-ref", REFS, "refs/heads", "refs/tags", "refs/remotes"];
        let (paths, log, listed) = tokio::try_join!(ask(git, folder, &paths), ask(git, folder, &head), ask(git, folder, &refs))?;
        if paths.stderr.contains("not a git repository") || paths.stderr.contains("must be run in a work tree") {
            return Ok(None);
        }
        let text =
            String::from_utf8(succeeded(&["rev-parse"], paths)?).map_err(|_| failed(&["rev-parse"], "the path is not UTF-8".into()))?;
        let mut lines = text.lines().map(PathBuf::from);
        let (Some(root), Some(objects), Some(index)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(failed(&["rev-parse"], "its answer cannot be read".to_owned()));
        };
        let head = if log.code == Some(0) { Some(read_head(&log.stdout)?) } else { born(&log.stderr)? };
        let mut clone = Self { git: git.to_owned(), root, objects, index, head, branch: None, pushed: None, main: None, refs: Refs::new() };
        clone.read_refs(&succeeded(&["for-each-ref"], listed)?);
        if clone.branch.is_none() && clone.head.is_none() {
            let branch = ask(git, folder, &["symbolic-ref", "--short", "HEAD"]).await?;
            clone.branch = Some(String::from_utf8_lossy(&branch.stdout).trim().to_owned()).filter(|branch| !branch.is_empty());
        }
        Ok(Some(clone))
    }

    fn read_refs(&mut self, listed: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let lines: Vec<Vec<&[u8]>> = listed.split(|b| *b == b'\n').map(|line| line.split(|b| *b == 0).collect()).collect();
        let mut tracked = None;
        for line in &lines {
            let [head, id, peeled, name, symref, upstream] = line[..] else { continue };
            if head == b"*" {
                self.branch = name.strip_prefix(b"refs/heads/").map(text);
                tracked = Some(upstream).filter(|upstream| !upstream.is_empty());
            }
            if name == b"refs/remotes/origin/HEAD" {
                self.main = symref.strip_prefix(b"refs/remotes/origin/").map(text);
            } else if name.starts_with(b"refs/heads/") || name.starts_with(b"refs/tags/") {
                self.refs.insert(name.to_vec(), crate::checkout::id(id, peeled));
            }
        }
        self.pushed = tracked.and_then(|tracked| {
            let line = lines.iter().find(|line| line.get(3) == Some(&tracked))?;
            text(line[1]).parse().ok()
        });
    }

    /// The branches that there are, without `refs/heads/`.
    pub fn branches(&self) -> impl Iterator<Item = &str> {
        self.refs.keys().filter_map(|name| std::str::from_utf8(name).ok()?.strip_prefix("refs/heads/"))
    }

    /// The commit that a name of the clone stands for.
    ///
    /// # Errors
    /// When there is none.
    pub async fn resolve(&self, name: &str) -> Result<CommitId, GitError> {
        let wanted = format!("{name}^{{commit}}");
        let output = ask(&self.git, &self.root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted]).await?;
        let id = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
        id.ok_or_else(|| failed(&["rev-parse"], format!("`{name}` is no commit of this clone")))
    }

    /// Commits that are in what is checked out and not in another one, the newest first, at most `limit`.
    ///
    /// # Errors
    /// When git fails.
    pub async fn history(&self, since: &CommitId, limit: usize) -> Result<Vec<Commit>, GitError> {
        let (count, without) = (format!("--max-count={limit}"), format!("^{since}"));
        let log = ["log", "-z", "--no-show-signature", "--no-color", "--date=raw", HEAD, &count, "HEAD", &without, "--"];
        read_commits(&self.must(&log).await?)
    }

    /// The address under which whoever works in the clone commits; empty if Git was not told.
    ///
    /// # Errors
    /// When git fails.
    pub async fn user_email(&self) -> Result<String, GitError> {
        let output = ask(&self.git, &self.root, &["config", "--get", "user.email"]).await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// What an annotated tag of the clone says, without the line breaks at its end; `None` if there is no such tag.
    ///
    /// # Errors
    /// When git fails.
    pub async fn tag_message(&self, tag: &str) -> Result<Option<String>, GitError> {
        let reference = format!("refs/tags/{tag}");
        if !is_reference(&reference) {
            return Ok(None);
        }
        // whatever it stands for: what is planned is as if it were of the working tree
        Ok(tags::message(&self.must(&["for-each-ref", tags::ASKED, &reference]).await?, None))
    }

    /// A file's content at a branch, tag or commit; `None` if there is none, or it is larger than anything that is asked for.
    ///
    /// # Errors
    /// When git fails.
    pub async fn read(&self, reference: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        for name in [reference.to_owned(), format!("origin/{reference}")] {
            if let Ok(commit) = self.resolve(&name).await {
                let named = format!("{commit}:{path}");
                let output = ask(&self.git, &self.root, &["cat-file", "blob", &named]).await?;
                return Ok((output.code == Some(0)).then_some(output.stdout));
            }
        }
        Ok(None)
    }

    /// Where two commits parted.
    ///
    /// # Errors
    /// When they have nothing in common.
    pub async fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<CommitId, GitError> {
        let output = ask(&self.git, &self.root, &["merge-base", one.as_str(), other.as_str()]).await?;
        let id = String::from_utf8_lossy(&output.stdout).trim().parse().ok();
        id.ok_or_else(|| failed(&["merge-base"], format!("{} and {} have no commit in common", one.short(), other.short())))
    }

    /// The paths of all files that are there and not ignored, tracked or not.
    ///
    /// # Errors
    /// When git fails.
    pub async fn files(&self) -> Result<Vec<String>, GitError> {
        let all = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
        let gone = ["ls-files", "-z", "--deleted"];
        let (all, gone) = tokio::try_join!(self.must(&all), self.must(&gone))?;
        let gone: std::collections::BTreeSet<String> = paths(&gone).collect();
        Ok(paths(&all).filter(|path| !gone.contains(path)).collect())
    }

    /// The paths that differ between a commit and the working tree, untracked files included.
    ///
    /// # Errors
    /// When git fails.
    pub async fn changed_since(&self, commit: &CommitId) -> Result<Vec<String>, GitError> {
        let tracked = ["diff", "--name-only", "--no-renames", "-z", "--no-ext-diff", "--end-of-options", commit.as_str(), "--"];
        let untracked = ["ls-files", "-z", "--others", "--exclude-standard"];
        let (tracked, untracked) = tokio::try_join!(self.must(&tracked), self.must(&untracked))?;
        let all: std::collections::BTreeSet<String> = paths(&tracked).chain(paths(&untracked)).collect();
        Ok(all.into_iter().collect())
    }

    async fn must(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        succeeded(arguments, ask(&self.git, &self.root, arguments).await?)
    }

    /// A command in the working tree, whose new objects go elsewhere and whose index is another one.
    pub(crate) fn beside(&self, objects: &Path, index: &Path) -> Command {
        let mut command = command(&self.git, &self.root);
        command.env("GIT_OBJECT_DIRECTORY", objects).env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.objects).env("GIT_INDEX_FILE", index);
        // whatever umask there is: jobs are other users. And nothing is kept beside the index, which is thrown away
        for setting in ["core.sharedRepository=0644", "core.splitIndex=false", "core.fsmonitor=false", "core.safecrlf=false"] {
            command.args(["-c", setting]);
        }
        command.args(["-c", "advice.addEmbeddedRepo=false"]);
        command
    }
}

/// Paths as `-z` gives them; those that are not UTF-8 as well as it goes, since nothing matches them.
fn paths(output: &[u8]) -> impl Iterator<Item = String> {
    output.split(|b| *b == 0).filter(|path| !path.is_empty()).map(|path| String::from_utf8_lossy(path).into_owned())
}

fn unreadable() -> GitError {
    failed(&["log"], "its answer cannot be read".to_owned())
}

fn read_head(log: &[u8]) -> Result<Commit, GitError> {
    read_commits(log)?.pop().ok_or_else(unreadable)
}

/// Commits with NUL between their fields and between each other.
fn read_commits(log: &[u8]) -> Result<Vec<Commit>, GitError> {
    let text = String::from_utf8_lossy(log);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let fields: Vec<&str> = text.strip_suffix('\0').unwrap_or(&text).split('\0').collect();
    fields.chunks(10).map(read_commit).collect()
}

fn read_commit(fields: &[&str]) -> Result<Commit, GitError> {
    let [id, tree, parents, author, author_email, authored, committer, committer_email, committed, message] = *fields else {
        return Err(unreadable());
    };
    let person = |name: &str, email: &str| Signature { name: name.to_owned(), email: email.to_owned() };
    Ok(Commit {
        id: id.parse().map_err(|_| unreadable())?,
        tree: tree.to_owned(),
        parents: parents.split(' ').filter_map(|id| id.parse().ok()).collect(),
        author: person(author, author_email),
        authored: moment(authored),
        committer: person(committer, committer_email),
        committed: moment(committed),
        message: message.trim_end().to_owned(),
    })
}

/// A clone without a commit has no `HEAD` to show; anything else is a failure.
fn born(stderr: &str) -> Result<Option<Commit>, GitError> {
    if stderr.contains("does not have any commits yet") || stderr.contains("bad default revision") {
        return Ok(None);
    }
    Err(failed(&["log"], stderr.to_owned()))
}

/// Git as its user has it, but with messages that can be read here.
fn command(git: &Path, folder: &Path) -> Command {
    let mut command = Command::new(git);
    command.arg("-C").arg(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn ask(git: &Path, folder: &Path, arguments: &[&str]) -> Result<Output, GitError> {
    let mut command = command(git, folder);
    command.args(arguments);
    finish(command, arguments, b"", OUTPUT, LOCAL).await
}
