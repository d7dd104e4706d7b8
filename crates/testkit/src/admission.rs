//! A door.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use penstock_model::EnvironmentName;
use penstock_model::admission::{Admission, Admitted, Denied};
use penstock_model::release::ImageRef;
use penstock_model::target::ApplicationScope;

use crate::held;

/// A door that is open but for what it is told to keep out.
#[derive(Debug, Default)]
pub struct FakeAdmission {
    kept_out: Mutex<BTreeMap<ImageRef, String>>,
    warnings: Mutex<Vec<String>>,
    asked: Mutex<Vec<(EnvironmentName, ImageRef)>>,
}

impl FakeAdmission {
    /// Keeps an image out from now on.
    pub fn keep_out(&self, image: &ImageRef, why: &str) {
        held(&self.kept_out).insert(image.clone(), why.to_owned());
    }

    /// Lets it in again.
    pub fn let_in(&self, image: &ImageRef) {
        held(&self.kept_out).remove(image);
    }

    /// What it says beside letting an image in.
    pub fn warn(&self, warnings: &[&str]) {
        *held(&self.warnings) = warnings.iter().map(|text| (*text).to_owned()).collect();
    }

    /// Everything that it was asked, in order.
    pub fn asked(&self) -> Vec<(EnvironmentName, ImageRef)> {
        held(&self.asked).clone()
    }

    /// The different images that it was asked about.
    pub fn images(&self) -> BTreeSet<ImageRef> {
        held(&self.asked).iter().map(|(_, image)| image.clone()).collect()
    }
}

#[async_trait]
impl Admission for FakeAdmission {
    async fn admit(&self, scope: &ApplicationScope, image: &ImageRef) -> Result<Admitted, Denied> {
        held(&self.asked).push((scope.environment.clone(), image.clone()));
        match held(&self.kept_out).get(image) {
            Some(why) => Err(Denied { image: image.to_string(), environment: scope.environment.to_string(), why: why.clone() }),
            None => Ok(Admitted { release: None, warnings: held(&self.warnings).clone() }),
        }
    }
}
