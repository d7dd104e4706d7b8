//! The target's door.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::release::{ImageRef, ReleaseId};
use crate::target::ApplicationScope;

/// What let an image in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The release whose signed decision covers exactly these digests and this environment; `None` for an import statement.
    pub release: Option<ReleaseId>,
    /// What to tell people although it was let in, such as an advisory that came later.
    pub warnings: Vec<String>,
}

/// Why an image stays out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{image} may not run in {environment}: {why}")]
pub struct Denied {
    /// The image, as the manifest names it.
    pub image: String,
    /// The environment.
    pub environment: String,
    /// Why, and what to do.
    pub why: String,
}

/// Verifies the signed decision for an image in a project's environment. Asked by the target before a container starts.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Lets the image in or says why not. Doubt denies.
    async fn admit(&self, scope: &ApplicationScope, image: &ImageRef) -> Result<Admitted, Denied>;
}
