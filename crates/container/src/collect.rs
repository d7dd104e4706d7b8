//! What nobody uses any more: leftovers of dead servers, layers of images that are gone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use penstock_model::Digest;
use penstock_model::container::ContainerError;
use rustix::fs::{FlockOperation, flock};

use crate::launch::Launch;
use crate::runtime::{Runtime, blocking, entries, name_of, runtime_error};
use crate::sweep;

impl Runtime {
    /// One-shot containers whose server has died end by themselves and starts that were cut short never end; what is
    /// left of both is removed here, and layers that were half unpacked.
    pub(crate) async fn sweep_dead(&self) -> Result<(), ContainerError> {
        let runs = entries(&self.settings.dir.join("runs"))?.into_iter().map(|run| (run, "lock"));
        let homes = self.homes()?.into_iter().filter(|home| !home.path("state.json").exists()).map(|home| (home.0, "starting"));
        let left: Vec<_> = runs.chain(homes).collect();
        let partial = entries(&self.layers.dir)?.into_iter().filter(|path| name_of(path).starts_with(".partial-"));
        let partial: Vec<_> = partial.collect();
        let instance = self.settings.instance.clone();
        let work = move || {
            for (directory, lock) in left {
                if !is_held(&directory.join(lock)) {
                    sweep::end_cgroup(&instance, &name_of(&directory));
                    sweep::remove_tree(&directory)?;
                }
            }
            partial.iter().try_for_each(|path| sweep::remove_tree(path))
        };
        blocking(work).await.map_err(|source| ContainerError::Io { what: "removing what a dead server left".to_owned(), source })
    }

    /// Removes unpacked layers but for these contents and those of containers that are there; they are unpacked again
    /// when they are needed. Gives how many went. Refused while a container is being started or an image built.
    pub async fn remove_unused_layers(&self, keep: &BTreeSet<Digest>) -> Result<usize, ContainerError> {
        let Ok(_alone) = self.using_layers.try_write() else {
            return Err(runtime_error("layers", "a container is being started or an image built: try again later"));
        };
        let mut kept: BTreeSet<String> = keep.iter().map(Digest::hex).collect();
        for home in self.homes()? {
            let launch = home.read::<Launch>("launch.json");
            let launch = launch.map_err(|source| ContainerError::Io { what: format!("reading {}", home.0.display()), source })?;
            kept.extend(launch.into_iter().flat_map(|launch| launch.layers));
        }
        let unused: Vec<_> = entries(&self.layers.dir)?.into_iter().filter(|path| !kept.contains(&name_of(path))).collect();
        let work = move || {
            for layer in &unused {
                // out of the way first, so that a half removed one is never taken for a layer
                let aside = layer.with_file_name(format!(".partial-{}", name_of(layer)));
                fs::rename(layer, &aside)?;
                sweep::remove_tree(&aside)?;
            }
            Ok(unused.len())
        };
        blocking(work).await.map_err(|source| ContainerError::Io { what: "removing layers".to_owned(), source })
    }
}

/// True if a living process holds the lock; one that is absent is held by nobody.
fn is_held(lock: &Path) -> bool {
    fs::File::open(lock).is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from).is_err())
}
