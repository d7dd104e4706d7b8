//! Releases and their revisions, looked at.

use std::collections::BTreeMap;

use penstock_chart::release::{Record, Status};

use crate::{HelmError, Releases};

/// Which releases are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statuses {
    /// Those that are deployed or have failed, as `helm list` shows.
    #[default]
    Usual,
    /// All of them.
    All,
}

/// The newest revision of each release.
pub type Listed = Vec<Record>;

impl Releases<'_> {
    /// The newest revision of each release of the namespace, or of all when its name is empty, by name.
    pub async fn list(&self, statuses: Statuses) -> Result<Listed, HelmError> {
        let mut newest: BTreeMap<(String, String), Record> = BTreeMap::new();
        for record in self.storage().query("owner=helm").await? {
            let key = (record.name.clone(), record.namespace.clone());
            if newest.get(&key).is_none_or(|known| known.revision < record.revision) {
                newest.insert(key, record);
            }
        }
        let shown = |record: &Record| statuses == Statuses::All || matches!(record.info.status, Status::Deployed | Status::Failed);
        Ok(newest.into_values().filter(shown).collect())
    }

    /// Whether `upgrade --install` upgrades: there is a release, and it was not uninstalled.
    pub async fn is_installed(&self, name: &str) -> Result<bool, HelmError> {
        match self.storage().last(name).await {
            Err(HelmError::NotFound) => Ok(false),
            Err(error) => Err(error),
            Ok(last) => Ok(last.info.status != Status::Uninstalled),
        }
    }

    /// Every revision of a release, oldest first.
    pub async fn history(&self, name: &str) -> Result<Vec<Record>, HelmError> {
        self.storage().history(name).await
    }

    /// A revision; the newest unless given.
    pub async fn revision(&self, name: &str, revision: Option<u32>) -> Result<Record, HelmError> {
        match revision {
            None => self.storage().last(name).await,
            Some(revision) => self.storage().get(name, revision).await,
        }
    }
}
