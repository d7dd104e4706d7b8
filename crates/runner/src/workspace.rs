//! Where jobs work: a stable checkout for each set of caches, and for jobs without any as many as run at the same time.
//!
//! Jobs that name the same caches share one checkout, one after the other. Build tools judge by file times, so a cache
//! is only right beside the very files it was made from; two checkouts with one cache would mix up old and new.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use penstock_model::job::{CachePolicy, CacheSpec, Checkout};
use penstock_model::{Digest, JobName, ProjectName};
use tokio::sync::OwnedMutexGuard;
use walkdir::WalkDir;

use crate::beneath::{Dir, plain};
use crate::globs::leaves;
use crate::joblog::JobLog;

/// Users that jobs have; the last is the tools'.
pub(crate) const USERS: u32 = 64;
/// Checkouts of one project that are kept; above it the one that was not used for longest goes.
const MAX_KEPT: usize = 64;
/// Jobs of one project without caches at the same time.
const MAX_COPIES: usize = 64;

/// A cache that is refused, or a workspace that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkspaceError {
    /// A folder that leaves the checkout, or a pattern.
    #[error("the cache path `{path}` is refused: {why}")]
    Cache {
        /// As the file has it.
        path: String,
        /// What to do.
        why: &'static str,
    },
    /// Files.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

fn tried(what: impl Into<String>) -> impl FnOnce(io::Error) -> WorkspaceError {
    let what = what.into();
    move |source| WorkspaceError::Io { what, source }
}

type Lock = Arc<tokio::sync::Mutex<()>>;

/// All workspaces of a runner.
pub(crate) struct Workspaces {
    dir: PathBuf,
    first_uid: u32,
    locks: Mutex<HashMap<PathBuf, Lock>>,
    users: Mutex<()>,
}

/// A checkout that one attempt has to itself.
pub(crate) struct Workspace {
    /// The checkout.
    pub(crate) tree: PathBuf,
    /// What the checkout's `.git` is as if cloned from.
    pub(crate) origin: PathBuf,
    /// Its user.
    pub(crate) uid: u32,
    /// Folders that stay between attempts.
    pub(crate) keep: Vec<String>,
    /// Folders whose changes are thrown away.
    pub(crate) read_only: Vec<PathBuf>,
    _lock: OwnedMutexGuard<()>,
}

impl Workspaces {
    /// Workspaces below a directory of the runner's own.
    pub(crate) fn new(dir: PathBuf, first_uid: u32) -> Self {
        Self { dir, first_uid, locks: Mutex::default(), users: Mutex::default() }
    }

    /// The user of the tools.
    pub(crate) fn tools_uid(&self) -> u32 {
        self.first_uid + USERS - 1
    }

    /// Takes a workspace for one attempt; waits, and says so, while another attempt uses the same caches.
    pub(crate) async fn enter(
        &self,
        project: &ProjectName,
        job: &JobName,
        caches: &[CacheSpec],
        checkout: Checkout,
        log: &JobLog,
    ) -> Result<Workspace, WorkspaceError> {
        let caches: Vec<&CacheSpec> = caches.iter().filter(|cache| cache.archive.is_none()).collect();
        let mut keep = Vec::new();
        for cache in &caches {
            for path in &cache.paths {
                keep.push((cache_path(path)?, cache.policy));
            }
        }
        let project_dir = self.dir.join("work").join(project.as_str());
        let (place, lock) = if caches.is_empty() {
            // whatever is not in the commit goes before a job starts: any job's checkout is as good as another's
            let name = match checkout {
                Checkout::Commit => "plain",
                // so that no other has to write all files anew
                Checkout::Empty => "empty",
            };
            self.free_copy(&project_dir.join(name)).await
        } else {
            let mut parts: Vec<String> = caches.iter().map(|cache| format!("{}\0{}", cache.key, cache.paths.join("\0"))).collect();
            parts.sort();
            let place = project_dir.join(format!("cache-{}", folder_name(&caches[0].key, &parts.join("\0\0"))));
            let lock = self.lock(&place);
            let lock = if let Ok(lock) = Arc::clone(&lock).try_lock_owned() {
                lock
            } else {
                let keys: Vec<&str> = caches.iter().map(|cache| cache.key.as_str()).collect();
                log.note(&format!("waiting for the cache `{}`, which another job uses", keys.join("`, `"))).await;
                lock.lock_owned().await
            };
            (place, lock)
        };
        let uid = self.user(project).map_err(tried(format!("finding a user for the jobs of {project}")))?;
        if !place.exists() {
            self.prune(&project_dir);
        }
        let tree = place.join("tree");
        std::fs::create_dir_all(&tree).map_err(tried(format!("making {}", tree.display())))?;
        mark(&place.join("used"), job.as_str()).map_err(tried(format!("writing to {}", place.display())))?;
        let read_only = keep.iter().filter(|(_, policy)| *policy == CachePolicy::Pull).map(|(path, _)| path.clone()).collect();
        for (path, policy) in &keep {
            if *policy == CachePolicy::Push {
                empty(&tree, path).map_err(tried(format!("emptying the cache {}", path.display())))?;
            }
        }
        let keep = keep.iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect();
        Ok(Workspace { tree, origin: place.join("origin"), uid, keep, read_only, _lock: lock })
    }

    fn lock(&self, place: &Path) -> Lock {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(place.to_path_buf()).or_default())
    }

    /// The first copy of a workspace that no other attempt uses.
    async fn free_copy(&self, place: &Path) -> (PathBuf, OwnedMutexGuard<()>) {
        for copy in 0..MAX_COPIES {
            let place = if copy == 0 { place.to_path_buf() } else { place.with_extension(copy.to_string()) };
            if let Ok(lock) = self.lock(&place).try_lock_owned() {
                return (place, lock);
            }
        }
        (place.to_path_buf(), self.lock(place).lock_owned().await)
    }

    /// A project's user: the same one always, so that files need no new owner. Above 63 projects, some share.
    fn user(&self, project: &ProjectName) -> io::Result<u32> {
        let _one = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = self.dir.join("users");
        std::fs::create_dir_all(&dir)?;
        for slot in 0..USERS - 1 {
            match std::fs::read_to_string(dir.join(slot.to_string())) {
                Ok(name) if name == project.as_str() => return Ok(self.first_uid + slot),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::fs::write(dir.join(slot.to_string()), project.as_str())?;
                    return Ok(self.first_uid + slot);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.first_uid + u32::from(Digest::of(project.as_str()).as_bytes()[0]) % (USERS - 1))
    }

    /// The project's checkouts that no attempt used since a moment, and when none uses them now, what holds others off.
    pub(crate) fn unused(&self, since: SystemTime) -> io::Result<Vec<(PathBuf, OwnedMutexGuard<()>)>> {
        let mut unused = Vec::new();
        for project in std::fs::read_dir(self.dir.join("work"))? {
            for place in std::fs::read_dir(project?.path())? {
                let place = place?.path();
                // one without the mark was cut short when it was made
                let mark = Some(place.join("used")).filter(|mark| mark.exists()).unwrap_or_else(|| place.clone());
                let old = mark.metadata()?.modified()? < since;
                if old && let Ok(lock) = self.lock(&place).try_lock_owned() {
                    unused.push((place, lock));
                }
            }
        }
        unused.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(unused)
    }

    /// Makes room for one more workspace. What cannot be removed is only told: it costs disk, not correctness.
    fn prune(&self, project_dir: &Path) {
        let Ok(entries) = std::fs::read_dir(project_dir) else { return };
        let mut places: Vec<_> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .map(|place| (place.join("used").metadata().and_then(|found| found.modified()).ok(), place))
            .collect();
        places.sort();
        let surplus = (places.len() + 1).saturating_sub(MAX_KEPT);
        for (_, place) in places.into_iter().take(surplus) {
            let lock = self.lock(&place);
            if let Ok(_free) = lock.try_lock()
                && let Err(error) = std::fs::remove_dir_all(&place)
            {
                tracing::warn!(%error, place = %place.display(), "an old workspace cannot be removed");
            }
        }
    }
}

impl Workspace {
    /// Removes what an earlier job left that could lead a writer astray: links that leave the checkout. Call it before
    /// the checkout. Kept folders are left alone.
    pub(crate) fn disarm(&self) -> io::Result<()> {
        for entry in self.walk() {
            let entry = entry?;
            if entry.file_type().is_symlink() {
                let path = entry.path().strip_prefix(&self.tree).unwrap_or(entry.path());
                if leaves(path, &std::fs::read_link(entry.path())?) {
                    std::fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Removes everything but the kept folders.
    pub(crate) fn clear(&self) -> io::Result<()> {
        clear(&self.tree, Path::new(""), &self.keep)
    }

    /// Gives everything to the workspace's user, and makes the folders that are kept. Call it after the checkout.
    pub(crate) fn hand_over(&self) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
        let root = std::fs::symlink_metadata(&self.tree)?;
        if root.permissions().mode() & 0o777 != 0o755 {
            std::fs::set_permissions(&self.tree, std::fs::Permissions::from_mode(0o755))?;
        }
        // Git trusts only what is its own user's; the job is shown the origin read-only all the same
        let origin = Some(&self.origin).filter(|origin| origin.is_dir()).into_iter().flat_map(WalkDir::new);
        for entry in self.walk().chain(origin) {
            let entry = entry?;
            if entry.metadata()?.uid() != self.uid {
                lchown(entry.path(), Some(self.uid), Some(self.uid))?;
            }
        }
        let tree = Dir::open(&self.tree)?;
        for path in &self.keep {
            let owner = tree.make(Path::new(path), self.uid)?.owner()?;
            // a project's user changes only when its place among users was lost
            if owner != self.uid {
                for entry in WalkDir::new(self.tree.join(path)) {
                    lchown(entry?.path(), Some(self.uid), Some(self.uid))?;
                }
            }
        }
        Ok(())
    }

    fn walk(&self) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> + '_ {
        WalkDir::new(&self.tree).follow_root_links(false).into_iter().filter_entry(|entry| {
            let path = entry.path().strip_prefix(&self.tree).unwrap_or(entry.path());
            !self.keep.iter().any(|kept| Path::new(kept) == path)
        })
    }
}

/// Says who uses a place now, and so when it was used last. Without emptying the file first: file systems wait for the disk then.
fn mark(path: &Path, user: &str) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(user.as_bytes())?;
    file.set_len(user.len() as u64)
}

fn clear(tree: &Path, folder: &Path, keep: &[String]) -> io::Result<()> {
    for entry in std::fs::read_dir(tree.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        // of a link the kind is its own, so that none is followed
        if !entry.file_type()?.is_dir() {
            std::fs::remove_file(entry.path())?;
        } else if !keep.iter().any(|kept| Path::new(kept).starts_with(&path)) {
            std::fs::remove_dir_all(entry.path())?;
        } else if !keep.iter().any(|kept| Path::new(kept) == path) {
            clear(tree, &path, keep)?;
        }
    }
    Ok(())
}

fn cache_path(path: &str) -> Result<PathBuf, WorkspaceError> {
    let refused = |why| WorkspaceError::Cache { path: path.to_owned(), why };
    if path.contains(['*', '?', '[', '{']) {
        return Err(refused("a cache in place has folders alone"));
    }
    let clean = plain(path).ok_or_else(|| refused("it must be relative to the checkout, without `..`"))?;
    if clean.starts_with(".git") {
        return Err(refused("`.git` is not the job's"));
    }
    Ok(clean)
}

fn empty(tree: &Path, path: &Path) -> io::Result<()> {
    if path.ancestors().any(|above| tree.join(above).is_symlink()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is a link on the way"));
    }
    match std::fs::remove_dir_all(tree.join(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A name for people that is safe as a folder's, and a digest that tells apart what looks the same.
pub(crate) fn folder_name(shown: &str, whole: &str) -> String {
    let mut name: String = shown.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).take(40).collect();
    name.push('-');
    name.push_str(&Digest::of(whole).short());
    name
}
