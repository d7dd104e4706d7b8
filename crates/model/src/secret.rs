//! Values that must not be seen.

use std::fmt;

use async_trait::async_trait;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ProjectName;

/// Text that does not print, does not serialise and is wiped when dropped. [`Secret::expose`] is the one way to it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for the call that needs it, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Equality takes the same time wherever the texts differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}
impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a secret could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The name or the value does not have the form that is taken.
    #[error("`{name}` is not taken as secret: {why}")]
    Invalid {
        /// The name.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// What lies there cannot be opened with the key: another key, or changed bytes.
    #[error("secret `{name}` of {project} cannot be opened: it was sealed with another key, or was changed; set it again")]
    Unreadable {
        /// The project.
        project: ProjectName,
        /// The name.
        name: String,
    },
    /// The disk failed, or a permission is wrong.
    #[error("secrets: {what}")]
    Io {
        /// What was tried and what to do.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// Secrets of projects, encrypted where they lie.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Keeps a secret, in place of an earlier one of the same name.
    async fn set(&self, project: &ProjectName, name: &str, value: &Secret) -> Result<(), SecretError>;
    /// A secret, or `None` if it is absent.
    async fn get(&self, project: &ProjectName, name: &str) -> Result<Option<Secret>, SecretError>;
    /// Removes a secret; fine if it is absent.
    async fn remove(&self, project: &ProjectName, name: &str) -> Result<(), SecretError>;
    /// The names of a project's secrets, sorted.
    async fn names(&self, project: &ProjectName) -> Result<Vec<String>, SecretError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
    }
}
