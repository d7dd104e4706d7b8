//! The stored login: one file, readable by its owner alone.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use penstock_model::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

/// Why there is no login.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody logged in.
    #[error("nobody is logged in to a server")]
    Absent,
    /// The file cannot be read or written.
    #[error("the stored login {path} cannot be used: {why}")]
    Unusable {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Stored {
    url: Url,
    token: String,
}

/// A server and a token for it.
pub struct Login {
    /// The server.
    pub url: Url,
    /// The token.
    pub token: Secret,
}

/// `$XDG_CONFIG_HOME/penstock/login.json`, or below `~/.config`.
fn path() -> Result<PathBuf, LoginError> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = config.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    Ok(config.ok_or(LoginError::Absent)?.join("penstock/login.json"))
}

impl Login {
    /// Reads it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn load() -> Result<Self, LoginError> {
        let path = path()?;
        let unusable = |why: String| LoginError::Unusable { path: path.display().to_string(), why };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(LoginError::Absent),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { url: stored.url, token: Secret::new(stored.token) })
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self) -> Result<PathBuf, LoginError> {
        let path = path()?;
        let unusable = |why: String| LoginError::Unusable { path: path.display().to_string(), why };
        let folder = path.parent().ok_or(LoginError::Absent)?;
        std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
        let new = path.with_extension("new");
        let stored = Stored { url: self.url.clone(), token: self.token.expose().to_owned() };
        let bytes = serde_json::to_vec_pretty(&stored).map_err(|error| unusable(error.to_string()))?;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(|error| unusable(error.to_string()))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|error| unusable(error.to_string()))?;
        std::fs::rename(&new, &path).map_err(|error| unusable(error.to_string()))?;
        Ok(path)
    }
}
