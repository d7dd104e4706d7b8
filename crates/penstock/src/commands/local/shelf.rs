//! The files that a pipeline file names, on this machine.

use std::path::{Component, Path};

use async_trait::async_trait;
use penstock_cli::CliError;
use penstock_delivery::library::{self, Shelf};
use penstock_pipeline::{FileRef, Found, Source};

/// The files of a repository on the disk, as they are now.
pub struct WorkingTree<'r>(pub &'r Path);

#[async_trait]
impl Shelf for WorkingTree<'_> {
    type Fault = CliError;

    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, CliError> {
        let FileRef::Local { path } = file else {
            return Ok(Err("only files of the project itself are read\nhelp: copy it into the repository".to_owned()));
        };
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let whole = std::fs::canonicalize(self.0.join(path))
            .ok()
            .filter(|whole| inside && whole.is_file() && std::fs::canonicalize(self.0).is_ok_and(|root| whole.starts_with(root)));
        let Some(whole) = whole else {
            return Ok(Err(format!("the repository has no such file\nhelp: add {path}, or look at its spelling")));
        };
        let size = std::fs::metadata(&whole).map_or(0, |data| data.len());
        if size > u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX) {
            return Ok(Err(format!("it has {size} bytes; at most {} are read\nhelp: split it", Source::MAX_BYTES)));
        }
        let bytes = std::fs::read(&whole).map_err(|source| CliError::Io { what: whole.display().to_string(), source })?;
        Ok(library::text(bytes))
    }
}
