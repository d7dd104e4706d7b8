//! Which repository holds what, kept in one JSON file for each repository.
//!
//! `repositories/oran+api-gateway.json` is written beside and renamed, so a reader finds the old or the new one.
//! In memory each is a snapshot that readers share; writers of one repository take turns.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use penstock_model::release::ImageName;

use crate::repository::Repository;

/// The longest name, so that it is a file's name.
const MAX_NAME: usize = 200;

struct Cell {
    now: Mutex<Arc<Repository>>,
    turn: tokio::sync::Mutex<()>,
}

/// All repositories.
pub(crate) struct Shelf {
    root: PathBuf,
    cells: Mutex<BTreeMap<ImageName, Arc<Cell>>>,
}

impl Shelf {
    pub fn open(root: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&root).map_err(|e| io_error(format!("making {}", root.display()), e))?;
        let mut cells = BTreeMap::new();
        for entry in fs::read_dir(&root).map_err(|e| io_error(format!("reading {}", root.display()), e))? {
            let path = entry.map_err(|e| io_error(format!("reading {}", root.display()), e))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
            let Some(name) = name.and_then(|name| name.replace('+', "/").parse::<ImageName>().ok()) else {
                continue; // what a writer that died left half-written
            };
            let repository = load(&path).map_err(|e| io_error(format!("reading {}", path.display()), e))?;
            cells.insert(name, Arc::new(Cell::new(repository)));
        }
        Ok(Self { root, cells: Mutex::new(cells) })
    }

    /// A repository as it is now.
    pub fn get(&self, name: &ImageName) -> Option<Arc<Repository>> {
        let cell = locked(&self.cells).get(name).cloned()?;
        let now = Arc::clone(&locked(&cell.now));
        (!now.is_empty()).then_some(now)
    }

    pub fn all(&self) -> Vec<(ImageName, Arc<Repository>)> {
        let cells = locked(&self.cells);
        let now = cells.iter().map(|(name, cell)| (name.clone(), Arc::clone(&locked(&cell.now))));
        now.filter(|(_, repository)| !repository.is_empty()).collect()
    }

    /// Changes a repository, making it if it is absent: on the disk first, then for readers. Nothing changes if the change is refused.
    pub async fn change<T>(&self, name: &ImageName, change: impl FnOnce(&mut Repository) -> Result<T, Error>) -> Result<T, Error> {
        if name.as_str().len() > MAX_NAME {
            return Err(Error::InvalidName(name.clone()));
        }
        let cell = Arc::clone(locked(&self.cells).entry(name.clone()).or_insert_with(|| Arc::new(Cell::new(Repository::default()))));
        let _turn = cell.turn.lock().await;
        let before = Arc::clone(&locked(&cell.now));
        let mut after = Repository::clone(&before);
        let result = change(&mut after)?;
        if after != *before {
            let after = Arc::new(after);
            let (path, kept) = (self.root.join(format!("{}.json", name.as_str().replace('/', "+"))), Arc::clone(&after));
            let saved = tokio::task::spawn_blocking(move || save(&path, &kept)).await;
            saved.unwrap_or_else(|e| Err(io::Error::other(e))).map_err(|e| io_error(format!("writing what {name} holds"), e))?;
            *locked(&cell.now) = after;
        }
        Ok(result)
    }
}

impl Cell {
    fn new(repository: Repository) -> Self {
        Self { now: Mutex::new(Arc::new(repository)), turn: tokio::sync::Mutex::default() }
    }
}

fn load(path: &Path) -> io::Result<Repository> {
    let bytes = fs::read(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("it is damaged ({e}): restore it from a backup")))
}

fn save(path: &Path, repository: &Repository) -> io::Result<()> {
    let half = path.with_extension("half");
    let mut file = File::create(&half)?;
    file.write_all(&serde_json::to_vec(repository)?)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// An error of the disk, with what to do.
pub(crate) fn io_error(doing: String, source: io::Error) -> Error {
    let advice = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the disk is full: free some space (`penstock gc` removes what nothing needs) and try again"
        }
        io::ErrorKind::PermissionDenied => "; give the server's user the right to write there",
        _ => "",
    };
    Error::Io { what: format!("{doing}: {source}{advice}"), source }
}

/// What the lock guards is whole between any two statements, so a panic elsewhere does not spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
