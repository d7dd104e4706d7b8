//! Secrets in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use penstock_model::secret::{SecretError, SecretStore};
use penstock_model::{ProjectName, Secret};

use crate::held;

/// Secrets as the store has them, but open.
#[derive(Default)]
pub struct MemorySecrets(Mutex<BTreeMap<(ProjectName, String), Secret>>);

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn set(&self, project: &ProjectName, name: &str, value: &Secret) -> Result<(), SecretError> {
        held(&self.0).insert((project.clone(), name.to_owned()), value.clone());
        Ok(())
    }
    async fn get(&self, project: &ProjectName, name: &str) -> Result<Option<Secret>, SecretError> {
        Ok(held(&self.0).get(&(project.clone(), name.to_owned())).cloned())
    }
    async fn remove(&self, project: &ProjectName, name: &str) -> Result<(), SecretError> {
        held(&self.0).remove(&(project.clone(), name.to_owned()));
        Ok(())
    }
    async fn names(&self, project: &ProjectName) -> Result<Vec<String>, SecretError> {
        Ok(held(&self.0).keys().filter(|(of, _)| of == project).map(|(_, name)| name.clone()).collect())
    }
}
