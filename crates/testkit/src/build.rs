//! A build's runtime where nothing is built.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use penstock_model::blob::LogSink;
use penstock_model::container::{BuildRuntime, BuildStep, ContainerError, LayerRef};

/// Refuses every build, for tests that do not come to one.
pub struct NoBuilds;

fn refused() -> ContainerError {
    ContainerError::Runtime { id: "build".to_owned(), why: "nothing is built in this test".to_owned() }
}

#[async_trait]
impl BuildRuntime for NoBuilds {
    async fn run_step(&self, _: &BuildStep, _: Arc<dyn LogSink>) -> Result<i32, ContainerError> {
        Err(refused())
    }
    async fn unpacked(&self, _: &[LayerRef]) -> Result<Vec<PathBuf>, ContainerError> {
        Err(refused())
    }
}
