//! A repository for the runs of a clone on this machine: it reads the clone's objects where they lie, keeps those that the
//! working tree adds, and the clone never notices.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use penstock_model::git::{GitError, GitHost};
use penstock_model::{CommitId, RepositoryName};

use crate::checkout::{Kind, packed};
use crate::clone::LocalClone;
use crate::host::BareRepositories;
use crate::names::is_reference;
use crate::program::{LOCAL, OUTPUT, failed, finish, succeeded};

/// The link to the clone's objects, beside the repository's own.
pub(crate) const BORROWED: &str = "borrowed";
/// The same as Git wants it in `objects/info/alternates`.
const ALTERNATES: &str = "../borrowed\n";
/// The index of a snapshot, thrown away with the next one.
const INDEX: &str = "snapshot-index";

/// The working tree as a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit that is checked out if nothing was changed, otherwise one on top of it.
    pub commit: CommitId,
    /// Its tree.
    pub tree: String,
    /// Whether anything is not committed.
    pub changed: bool,
}

/// What a checkout of a commit does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotInside {
    /// Folders of submodules.
    pub submodules: Vec<String>,
    /// Whether `.gitattributes` gives files to Git LFS: a checkout has its pointers.
    pub lfs: bool,
}

impl BareRepositories {
    /// Makes a repository the clone's shadow: its branches and tags, and its objects, of which none is copied if the users of
    /// jobs may read them.
    ///
    /// # Errors
    /// When files cannot be written, or git fails.
    pub async fn shadow(&self, repository: &RepositoryName, clone: &LocalClone) -> Result<(), GitError> {
        let directory = self.root.join(format!("{repository}.git"));
        let objects = clone.objects.clone();
        let (at, refs) = (directory.clone(), packed(&clone.refs));
        let head = format!("ref: refs/heads/{}\n", clone.default_branch());
        let long = clone.head.as_ref().is_some_and(|head| head.id.as_str().len() == 64);
        let made = tokio::task::spawn_blocking(move || {
            let readable = readable(&objects)?;
            lay_out(&at, &head, &refs, long, Some(objects).filter(|_| readable)).map(|()| readable)
        });
        let made = made.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let readable = made.map_err(|error| failed(&["shadow"], format!("{}: {error}", directory.display())))?;
        if readable {
            return Ok(());
        }
        // others may not read them, or they are borrowed themselves: copied once, and later what is new
        let url = format!("file://{}", clone.root.display());
        self.fetch_mirror(repository, &url, None).await.map(drop)?;
        if clone.head.is_none() {
            return Ok(());
        }
        // which no branch may have
        let mut command = self.program.command(Some(&directory), &[("protocol.file.allow", "always")]);
        let words = ["fetch", "--quiet", "--no-write-fetch-head", "--no-tags", "--end-of-options", &url, "+HEAD:refs/penstock/head"];
        command.args(words);
        succeeded(&words, finish(command, &words, b"", OUTPUT, LOCAL).await?).map(drop)
    }

    /// The working tree as a commit of the clone's shadow: what is changed, added, removed and untracked is in it, what is
    /// ignored is not.
    ///
    /// # Errors
    /// When a file cannot be read, or git fails.
    pub async fn snapshot(&self, repository: &RepositoryName, clone: &LocalClone) -> Result<Snapshot, GitError> {
        let directory = self.directory(repository).await?;
        let (index, objects) = (directory.join(INDEX), directory.join("objects"));
        // of a snapshot that was given up
        gone(&directory.join(format!("{INDEX}.lock"))).map_err(|error| failed(&["add"], error.to_string()))?;
        let copied = match tokio::fs::copy(&clone.index, &index).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match tokio::fs::remove_file(&index).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            copied => copied.map(drop),
        };
        copied.map_err(|error| failed(&["add"], format!("the index {}: {error}", clone.index.display())))?;
        let run = async |arguments: &[&str], input: &[u8], more: &[(&str, String)]| {
            let mut command = clone.beside(&objects, &index);
            command.args(arguments).envs(more.iter().map(|(name, value)| (name, value)));
            let output = succeeded(arguments, finish(command, arguments, input, OUTPUT, LOCAL).await?)?;
            Ok::<_, GitError>(String::from_utf8_lossy(&output).trim().to_owned())
        };
        run(&["add", "--all", "--", ":/"], b"", &[]).await?;
        let tree = run(&["write-tree"], b"", &[]).await?;
        if let Some(head) = clone.head.as_ref().filter(|head| head.tree == tree) {
            return Ok(Snapshot { commit: head.id.clone(), tree, changed: false });
        }
        let (message, who, at) = match &clone.head {
            Some(head) => {
                (head.message.as_str(), (head.author.name.as_str(), head.author.email.as_str()), head.committed.at.0.div_euclid(1000))
            }
            None => ("Not committed yet", ("Penstock", "penstock@localhost"), 0),
        };
        // the same tree on the same commit is the same commit again
        let mut names = Vec::new();
        for role in ["AUTHOR", "COMMITTER"] {
            let said = [("NAME", who.0.to_owned()), ("EMAIL", who.1.to_owned()), ("DATE", format!("@{at} +0000"))];
            names.extend(said.into_iter().map(|(what, value)| (format!("GIT_{role}_{what}"), value)));
        }
        let more: Vec<(&str, String)> = names.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let parent = clone.head.as_ref().map(|head| ["-p", head.id.as_str()]);
        let words: Vec<&str> = ["commit-tree", &tree].into_iter().chain(parent.into_iter().flatten()).chain(["-F", "-"]).collect();
        let id = run(&words, message.as_bytes(), &more).await?;
        let commit = id.parse().map_err(|_| failed(&["commit-tree"], format!("it said `{id}`")))?;
        Ok(Snapshot { commit, tree, changed: true })
    }

    /// What whoever looks at a checkout of the commit will miss.
    ///
    /// # Errors
    /// When git fails.
    pub async fn not_inside(&self, repository: &RepositoryName, commit: &CommitId) -> Result<NotInside, GitError> {
        const MAX_ATTRIBUTES: u64 = 1 << 20;
        let entries = self.whole(repository, commit).await?;
        let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        let mut missed = NotInside::default();
        for entry in entries.iter() {
            match entry.kind {
                Kind::Submodule => missed.submodules.push(text(&entry.path)),
                Kind::File if entry.path == b".gitattributes" || entry.path.ends_with(b"/.gitattributes") => {
                    let attributes = self.read(repository, commit, &text(&entry.path), MAX_ATTRIBUTES).await;
                    let said = attributes.ok().flatten().unwrap_or_default();
                    missed.lfs |= String::from_utf8_lossy(&said).contains("filter=lfs");
                }
                _ => {}
            }
        }
        Ok(missed)
    }
}

impl LocalClone {
    /// The branch that others start from, as well as a clone can know it.
    pub fn default_branch(&self) -> &str {
        let known = |name: &str| self.branches().any(|branch| branch == name);
        let usual = ["main", "master"].into_iter().find(|name| known(name));
        self.main
            .as_deref()
            .or(usual)
            .or(self.branch.as_deref())
            .filter(|name| is_reference(&format!("refs/heads/{name}")))
            .unwrap_or("main")
    }
}

/// Whether everybody may read all of a clone's objects, and they are its own.
fn readable(objects: &Path) -> io::Result<bool> {
    if std::fs::metadata(objects.join("info/alternates")).is_ok_and(|found| found.len() > 0) {
        return Ok(false);
    }
    let mut folders = vec![objects.to_owned()];
    while let Some(folder) = folders.pop() {
        if std::fs::metadata(&folder)?.permissions().mode() & 0o005 != 0o005 {
            return Ok(false);
        }
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.metadata()?.permissions().mode() & 0o004 == 0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Writes what makes a folder a bare repository. What is as it should be stays.
fn lay_out(directory: &Path, head: &str, refs: &[u8], long: bool, borrowed: Option<PathBuf>) -> io::Result<()> {
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        std::fs::create_dir_all(directory.join(folder))?;
    }
    // whatever umask there is: jobs look into the objects
    for folder in ["objects", "objects/info", "objects/pack"] {
        std::fs::set_permissions(directory.join(folder), std::fs::Permissions::from_mode(0o755))?;
    }
    let format = if long {
        "[extensions]\n\tobjectFormat = sha256\n[core]\n\trepositoryFormatVersion = 1\n"
    } else {
        "[core]\n\trepositoryFormatVersion = 0\n"
    };
    put(&directory.join("config"), format!("{format}\tbare = true\n[core]\n\tsharedRepository = 0644\n").as_bytes())?;
    put(&directory.join("HEAD"), head.as_bytes())?;
    let (link, alternates) = (directory.join(BORROWED), directory.join("objects/info/alternates"));
    if borrowed.is_some() {
        for folder in ["refs/heads", "refs/tags"] {
            // what was fetched once lies before what is packed
            if std::fs::read_dir(directory.join(folder))?.next().is_some() {
                std::fs::remove_dir_all(directory.join(folder))?;
                std::fs::create_dir(directory.join(folder))?;
            }
        }
        put(&directory.join("packed-refs"), refs)?;
    }
    match borrowed {
        Some(objects) if std::fs::read_link(&link).ok().as_ref() == Some(&objects) => put(&alternates, ALTERNATES.as_bytes()),
        Some(objects) => {
            gone(&link)?;
            std::os::unix::fs::symlink(objects, &link)?;
            put(&alternates, ALTERNATES.as_bytes())
        }
        None => gone(&alternates).and_then(|()| gone(&link)),
    }
}

/// Where a repository's objects are.
pub(crate) enum Objects {
    /// Its own, all of them.
    Own,
    /// Also there: it is a shadow.
    Borrowed(PathBuf),
    /// Also where somebody else said.
    Elsewhere,
}

/// Where a repository's objects are.
pub(crate) fn objects(directory: &Path) -> Objects {
    match std::fs::read(directory.join("objects/info/alternates")) {
        Ok(said) if said == ALTERNATES.as_bytes() => {
            std::fs::read_link(directory.join(BORROWED)).map_or(Objects::Elsewhere, Objects::Borrowed)
        }
        Ok(said) if !said.is_empty() => Objects::Elsewhere,
        _ => Objects::Own,
    }
}

fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    gone(path)?;
    std::fs::write(path, content)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

fn gone(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
