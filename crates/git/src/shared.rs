//! Objects that the users of jobs may read, whatever umask the server has: what keeps everybody else out is the data
//! directory above, which is the server's alone.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Tells Git that everybody may read what it writes. Not by `init --shared`, which would also refuse forced pushes.
const SHARED: &str = "[core]\n\tsharedRepository = 0644\n";

/// Makes a repository's objects readable, those that are there and those that come.
pub(crate) async fn share(repository: PathBuf) -> io::Result<()> {
    run(move || share_now(&repository)).await
}

/// The same for each repository below a directory that is not shared yet.
pub(crate) async fn share_all(root: PathBuf) -> io::Result<()> {
    run(move || {
        for entry in std::fs::read_dir(&root)? {
            let path = entry?.path();
            if path.extension() == Some(OsStr::new("git")) && path.join("config").is_file() {
                share_now(&path)?;
            }
        }
        Ok(())
    })
    .await
}

async fn run(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn share_now(repository: &Path) -> io::Result<()> {
    let path = repository.join("config");
    let config = std::fs::read_to_string(&path)?;
    if config.contains(SHARED) {
        return Ok(());
    }
    open(&repository.join("objects"))?;
    // last, so that what was cut short is done again
    let new = path.with_extension("new");
    std::fs::write(&new, format!("{}\n{SHARED}", config.trim_end()))?;
    std::fs::rename(new, path)
}

/// Lets everybody read a folder and all below it.
fn open(folder: &Path) -> io::Result<()> {
    allow(folder, 0o055)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open(&entry.path())?;
        } else if kind.is_file() {
            allow(&entry.path(), 0o044)?;
        }
    }
    Ok(())
}

fn allow(path: &Path, bits: u32) -> io::Result<()> {
    let mode = std::fs::symlink_metadata(path)?.permissions().mode();
    if mode & bits == bits { Ok(()) } else { std::fs::set_permissions(path, Permissions::from_mode(mode | bits)) }
}
