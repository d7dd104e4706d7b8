//! The door: the signed decision for exactly these digests and this project's environment, verified from its bytes each time.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use penstock_delivery::Parts;
use penstock_model::admission::{Admission, Admitted, Denied};
use penstock_model::release::ImageRef;
use penstock_model::target::ApplicationScope;

/// The door before its parts exist: the target is one of them.
#[derive(Clone, Default)]
pub struct Door(Arc<OnceLock<Arc<Parts>>>);

impl Door {
    /// From now on it can tell.
    pub fn open(&self, parts: Arc<Parts>) {
        // set once, by the roof
        let _ = self.0.set(parts);
    }
}

#[async_trait]
impl Admission for Door {
    async fn admit(&self, scope: &ApplicationScope, image: &ImageRef) -> Result<Admitted, Denied> {
        let denied = |why: String| Denied { image: image.to_string(), environment: scope.environment.to_string(), why };
        let parts = self.0.get().ok_or_else(|| denied("the server is still starting: doubt denies".to_owned()))?;
        penstock_delivery::admission::admit(parts, scope, image).await.map_err(denied)
    }
}
