//! The files that a pipeline file names, on this machine.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use penstock_cli::CliError;
use penstock_delivery::library::{Mirror, Shelf, read_text};
use penstock_git::{Copies, LocalClone};
use penstock_pipeline::{FileRef, Found};

use super::{NOWHERE, Place, git_failed};
use crate::parts::find_program;

/// Names the mirror, unless it is `.penstock/mirror` in the repository.
const MIRROR: &str = "PENSTOCK_MIRROR";

/// The files of a repository on the disk, as they are now, and copies of others in the mirror.
pub struct WorkingTree<'p> {
    place: &'p Place,
    mirror: Mirror,
}

impl<'p> WorkingTree<'p> {
    /// That of a place; `server_url` is the server whose components have no host before them in the mirror.
    pub fn of(place: &'p Place, server_url: Option<&str>) -> Self {
        let mirror = Mirror::new(Self::mirror_of(place), server_url.unwrap_or(NOWHERE));
        let mirror = match find_program("git") {
            Some(git) => mirror.with_copies(Arc::new(Copies::new(git))),
            None => mirror,
        };
        Self { place, mirror }
    }

    /// Where the copies of a place are.
    pub fn mirror_of(place: &Place) -> PathBuf {
        std::env::var_os(MIRROR).map_or_else(|| place.root.join(".penstock/mirror"), Into::into)
    }

    /// The copies.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    fn local(&self, path: &str) -> Result<Found, String> {
        let root = &self.place.root;
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let whole = std::fs::canonicalize(root.join(path))
            .ok()
            .filter(|whole| inside && whole.is_file() && std::fs::canonicalize(root).is_ok_and(|root| whole.starts_with(root)));
        match whole {
            Some(whole) => read_text(&whole),
            None => Err(format!("the repository has no such file\nhelp: add {path}, or look at its spelling")),
        }
    }
}

#[async_trait]
impl Shelf for WorkingTree<'_> {
    type Fault = CliError;

    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, CliError> {
        Ok(match file {
            FileRef::Local { path } => self.local(path),
            // the repository itself, by its name: as it is now, or as a branch, tag or commit has it
            FileRef::Project { project, reference, path } if project == self.place.name.as_str() => match (reference, &self.place.clone) {
                (None, _) => self.local(path),
                (Some(reference), Some(clone)) => match clone.read(reference, path).await.map_err(|error| git_failed(&error))? {
                    Some(bytes) => penstock_delivery::library::text(bytes),
                    None => Err(format!("`{reference}` has no such file\nhelp: fetch it, or look at its spelling")),
                },
                (Some(_), None) => self.mirror.find(file),
            },
            // likewise, as actions name it
            FileRef::Action { repository, reference, path } if *repository == format!("{0}/{0}", self.place.name) => {
                match &self.place.clone {
                    Some(clone) => match clone.read(reference, path).await.map_err(|error| git_failed(&error))? {
                        Some(bytes) => penstock_delivery::library::text(bytes),
                        None => self.mirror.look(file).await,
                    },
                    None => self.mirror.look(file).await,
                }
            }
            FileRef::Changes { since } => match &self.place.clone {
                Some(clone) => changed_since(clone, since).await,
                None => self.mirror.find(file),
            },
            _ => self.mirror.look(file).await,
        })
    }
}

/// What is here and is not as it was where another commit and the one that is checked out parted.
async fn changed_since(clone: &LocalClone, since: &str) -> Result<Found, String> {
    let absent = |_| format!("the clone has no branch, tag or commit `{since}`\nhelp: fetch it, or look at its spelling");
    let head = clone.head.as_ref().ok_or("there is no commit yet\nhelp: commit something")?;
    let other = match clone.resolve(since).await {
        Ok(other) => other,
        Err(_) => clone.resolve(&format!("origin/{since}")).await.map_err(absent)?,
    };
    let base = clone.merge_base(&other, &head.id).await.map_err(absent)?;
    let paths = clone.changed_since(&base).await.map_err(absent)?;
    Ok(Found::new(paths.iter().flat_map(|path| [path.as_str(), "\0"]).collect::<String>()))
}
