//! What nobody uses any more: leftovers of dead servers, layers of images that are gone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::container::ContainerError;
use rustix::fs::{FlockOperation, flock};

use crate::launch::Launch;
use crate::monitor::ALIVE;
use crate::runtime::{Runtime, blocking, entries, name_of, runtime_error};
use crate::state::Home;
use crate::sweep;

/// How long containers that are being started are waited for.
const STARTS_END: Duration = Duration::from_secs(20);

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
                // a start that came to its end meanwhile has let go of the lock, and its container runs
                if is_held(&directory.join(lock)) || (lock == "starting" && directory.join("state.json").exists()) {
                    continue;
                }
                sweep::end_cgroup(&instance, &name_of(&directory));
                // a monitor sees that its server is gone, ends its container, and writes down how; one that begins only now
                // finds the lock taken or the directory gone
                let _ended = if lock == "lock" { Some(wait_for(&directory.join(ALIVE))?) } else { None };
                sweep::end_cgroup(&instance, &name_of(&directory));
                sweep::remove_tree(&directory)?;
            }
            partial.iter().try_for_each(|path| sweep::remove_tree(path))
        };
        blocking(work).await.map_err(|source| ContainerError::Io { what: "removing what a dead server left".to_owned(), source })
    }

    /// What [`ContainerRuntime::remove_unused_layers`] promises. Waits for containers that are being started, and for nothing
    /// that runs: a container's layers are written down before it does.
    ///
    /// [`ContainerRuntime::remove_unused_layers`]: penstock_model::container::ContainerRuntime::remove_unused_layers
    pub(crate) async fn unused_layers(&self, keep: &BTreeSet<Digest>, dry_run: bool) -> Result<Vec<(Digest, u64)>, ContainerError> {
        let alone = tokio::time::timeout(STARTS_END, Arc::clone(&self.using_layers).write_owned()).await;
        let alone = alone.map_err(|_| runtime_error("layers", "a container has been starting for long: try again later"))?;
        let mut kept: BTreeSet<String> = keep.iter().map(Digest::hex).collect();
        let runs = entries(&self.settings.dir.join("runs"))?.into_iter().map(Home);
        for home in self.homes()?.into_iter().chain(runs) {
            let launch = home.read::<Launch>("launch.json");
            let launch = launch.map_err(|source| ContainerError::Io { what: format!("reading {}", home.0.display()), source })?;
            kept.extend(launch.into_iter().flat_map(|launch| launch.layers));
        }
        let named = entries(&self.layers.dir)?.into_iter().filter_map(|path| {
            let digest: Digest = format!("sha256:{}", name_of(&path)).parse().ok()?;
            (!kept.contains(&digest.hex())).then_some((digest, path))
        });
        let unused: Vec<_> = named.collect();
        let work = move || {
            // nobody starts anything until this is done, whether its end is waited for or not
            let _alone = alone;
            let mut gone = Vec::new();
            for (digest, layer) in unused {
                gone.push((digest, sweep::size(&layer)));
                if !dry_run {
                    // out of the way first, so that a half removed one is never taken for a layer
                    let aside = layer.with_file_name(format!(".partial-{}", digest.hex()));
                    fs::rename(&layer, &aside)?;
                    sweep::remove_tree(&aside)?;
                }
            }
            Ok(gone)
        };
        blocking(work).await.map_err(|source| ContainerError::Io { what: "removing layers".to_owned(), source })
    }
}

/// Waits until nobody holds a lock, and holds it.
fn wait_for(lock: &Path) -> io::Result<fs::File> {
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(lock)?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

/// True if a living process holds the lock; one that is absent is held by nobody.
fn is_held(lock: &Path) -> bool {
    fs::File::open(lock).is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from).is_err())
}
