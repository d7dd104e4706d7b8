//! The last snapshot on disk: written whole or not at all, read at the start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use penstock_model::gateway::GatewaySnapshot;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_MESSAGE;

const FORM: u32 = 1;

#[derive(Serialize)]
struct Kept<'a> {
    form: u32,
    snapshot: &'a GatewaySnapshot,
}

#[derive(Deserialize)]
struct Found {
    form: u32,
    snapshot: GatewaySnapshot,
}

/// Why a snapshot could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Files.
    #[error("{what} {}: {source}; see that the disk has room and the directory may be written", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Not what this program writes.
    #[error("{} cannot be read: {why}", path.display())]
    Broken {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Writes a snapshot beside the old one and puts it in its place.
pub fn save(path: &Path, snapshot: &GatewaySnapshot) -> Result<(), StateError> {
    let beside = path.with_extension("new");
    let failed = |what| {
        let path = path.to_owned();
        move |source| StateError::Io { what, path, source }
    };
    let text = serde_json::to_vec(&Kept { form: FORM, snapshot }).map_err(|error| failed("writing")(error.into()))?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(failed("creating"))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed("writing"))?;
    fs::rename(&beside, path).map_err(failed("replacing"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("syncing"))
}

/// Reads the snapshot that was kept; `None` if there is none.
pub fn load(path: &Path) -> Result<Option<GatewaySnapshot>, StateError> {
    let broken = |why: String| StateError::Broken { path: path.to_owned(), why };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Io { what: "opening", path: path.to_owned(), source }),
        Ok(file) => file,
    };
    let mut text = Vec::new();
    file.take(MAX_MESSAGE as u64 + 1).read_to_end(&mut text).map_err(|source| StateError::Io {
        what: "reading",
        path: path.to_owned(),
        source,
    })?;
    if text.len() > MAX_MESSAGE {
        return Err(broken(format!("it is longer than {MAX_MESSAGE} bytes")));
    }
    let found: Found = serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    if found.form != FORM {
        return Err(broken(format!("its form is {}, this program knows {FORM}", found.form)));
    }
    Ok(Some(found.snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_snapshot_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.json");
        assert_eq!(load(&path).unwrap(), None);
        for version in [1, 2] {
            let snapshot = GatewaySnapshot { version, ..GatewaySnapshot::default() };
            save(&path, &snapshot).unwrap();
            assert_eq!(load(&path).unwrap(), Some(snapshot));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_broken_one_is_an_error_and_no_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.json");
        for bad in ["", "{}", "{\"form\":2,\"snapshot\":{\"version\":1,\"routes\":{}}}", "\u{0}"] {
            fs::write(&path, bad).unwrap();
            assert!(matches!(load(&path), Err(StateError::Broken { .. })), "{bad}");
        }
        assert!(matches!(save(&folder.path().join("absent/x"), &GatewaySnapshot::default()), Err(StateError::Io { .. })));
    }
}
