//! A container's root file system: layers under an overlay, mounted where only its helper sees it.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Component, Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::launch::{Launch, Root};
use crate::state::Home;

/// Mount options are one page; a layer takes at most 18 bytes of it.
pub const MAX_LAYERS: usize = 120;

/// Moves the calling process into a mount namespace of its own, so that no mount of a container is seen outside
/// (while the machine's own unmounts are followed inside, and hold no disk).
pub fn leave_mount_namespace() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    Ok(())
}

/// Mounts the layers, and a place for what is written, at `rootfs` in the container's directory.
pub fn mount_overlay(home: &Home, launch: &Launch) -> io::Result<PathBuf> {
    let scaffold = home.path("scaffold");
    build_scaffold(&scaffold, launch)?;
    let written = match &launch.root {
        // what the runtime makes as mount points; the root is read-only before the program starts
        Root::ReadOnly => home.0.clone(),
        Root::Writable(directory) => directory.clone(),
    };
    let (upper, work) = (written.join("upper"), written.join("work"));
    for directory in [&upper, &work] {
        fs::create_dir_all(directory)?;
    }
    let target = home.path("rootfs");
    fs::create_dir_all(&target)?;

    // named by descriptors: short, and no path needs escaping
    let open = |path: &Path| File::open(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())));
    let mut lower = Vec::new();
    for layer in launch.layers.iter().rev() {
        lower.push(open(&launch.layers_dir.join(layer))?);
    }
    lower.push(open(&scaffold)?);
    let name = |file: &File| format!("/proc/self/fd/{}", file.as_raw_fd());
    let (upper, work) = (open(&upper)?, open(&work)?);
    let options = format!(
        "lowerdir={},upperdir={},workdir={},redirect_dir=off,metacopy=off,index=off",
        lower.iter().map(name).collect::<Vec<_>>().join(":"),
        name(&upper),
        name(&work)
    );
    mount(Some("overlay"), &target, Some("overlay"), MsFlags::MS_NODEV, Some(options.as_str())).map_err(|error| {
        io::Error::new(io::Error::from(error).kind(), format!("overlayfs over {} layers: {error}", launch.layers.len()))
    })?;
    Ok(target)
}

/// The lowest layer holds the places where things are mounted and the working directory, so that they neither have to
/// be in the image nor show up among what a build step wrote.
fn build_scaffold(scaffold: &Path, launch: &Launch) -> io::Result<()> {
    fs::create_dir_all(scaffold)?;
    for directory in ["/proc", "/sys", "/dev", &launch.cwd].into_iter().chain(launch.tmpfs.keys().map(String::as_str)) {
        fs::create_dir_all(scaffold.join(below(directory)?))?;
    }
    let files = launch.mounts.iter().map(|mount| (mount.path.as_str(), mount.source.is_dir()));
    let files = files.chain(extra_files(launch).map(|path| (path, false)));
    for (path, is_directory) in files {
        let place = scaffold.join(below(path)?);
        if is_directory {
            fs::create_dir_all(place)?;
        } else {
            fs::create_dir_all(place.parent().unwrap_or(scaffold))?;
            File::create(place)?;
        }
    }
    Ok(())
}

/// Files of the machine or the runtime that are bound in beside those that were asked for.
pub fn extra_files(launch: &Launch) -> impl Iterator<Item = &'static str> {
    use penstock_model::container::Network;
    let files: &[&str] = match launch.network {
        Network::Host => &["/etc/hosts", "/etc/resolv.conf"],
        Network::None if launch.building => &[],
        Network::None | Network::Bridge(_) | Network::Own { .. } => &["/etc/hosts"],
    };
    files.iter().copied().filter(|file| !launch.mounts.iter().any(|mount| mount.path == *file))
}

/// A path in the container as one below another directory.
pub fn below(path: &str) -> io::Result<PathBuf> {
    let path = Path::new(path);
    if !path.is_absolute() || path.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{}: an absolute path without `..` is expected", path.display())));
    }
    Ok(path.components().filter(|part| matches!(part, Component::Normal(_))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below() {
        assert_eq!(below("/a//b/./c").unwrap(), Path::new("a/b/c"));
        assert!(below("/a/../../etc").is_err());
        assert!(below("a").is_err());
    }
}
