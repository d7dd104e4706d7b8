//! A file system of several layers, read without mounting it: unpacked layers as overlayfs has them, or one directory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use penstock_image::layer::{Entry, Kind};

/// As many symlinks are followed in one path as the kernel follows.
const MAX_LINKS: usize = 40;

/// A view on layers.
pub struct Tree {
    /// The topmost first.
    layers: Vec<PathBuf>,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its path in the view, without a leading `/`.
    pub path: String,
    /// Where it is on disk.
    pub real: PathBuf,
    /// What the disk says about it.
    pub meta: Metadata,
}

impl Found {
    /// True for a directory, not for a symlink to one.
    pub fn is_dir(&self) -> bool {
        self.meta.is_dir()
    }
}

impl Tree {
    /// A view on these directories, the lowest first.
    pub fn new(mut layers: Vec<PathBuf>) -> Self {
        layers.reverse();
        Self { layers }
    }

    /// What is at this path, whose directories must be no symlinks.
    pub fn at(&self, path: &str) -> io::Result<Option<Found>> {
        for layer in &self.layers {
            let mut real = layer.clone();
            let mut opaque = false;
            let mut found = Some(fs::symlink_metadata(&real)?);
            for part in parts(path) {
                if !found.as_ref().is_some_and(Metadata::is_dir) {
                    // a file or a whiteout where a directory was: nothing below is seen
                    return Ok(None);
                }
                real.push(part);
                found = match fs::symlink_metadata(&real) {
                    Ok(meta) => Some(meta),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(error) => return Err(error),
                };
                let Some(meta) = &found else { break };
                opaque |= meta.is_dir() && is_opaque(&real);
            }
            match found {
                Some(meta) if is_whiteout(&meta) => return Ok(None),
                Some(meta) => return Ok(Some(Found { path: parts(path).collect::<Vec<_>>().join("/"), real, meta })),
                None if opaque => return Ok(None),
                None => {}
            }
        }
        Ok(None)
    }

    /// The path with symlinks followed inside the view, the last one too if asked. What does not exist stays as it is.
    pub fn resolve(&self, path: &str, last: bool) -> io::Result<String> {
        let mut rest: Vec<String> = parts(path).map(str::to_owned).collect();
        rest.reverse();
        let mut resolved: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = rest.pop() {
            if part == ".." {
                resolved.pop();
                continue;
            }
            resolved.push(part);
            if rest.is_empty() && !last {
                break;
            }
            let Some(found) = self.at(&resolved.join("/"))? else { continue };
            if found.meta.file_type().is_symlink() {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other(format!("`{path}`: too many symlinks")));
                }
                let target = target_of(&found)?;
                if target.starts_with('/') {
                    resolved.clear();
                } else {
                    resolved.pop();
                }
                let target: Vec<String> = parts(&target).map(str::to_owned).collect();
                rest.extend(target.into_iter().rev());
            }
        }
        Ok(resolved.join("/"))
    }

    /// What is in a directory, by name.
    fn children(&self, path: &str) -> io::Result<BTreeMap<String, Found>> {
        let mut names = BTreeMap::<String, Option<Found>>::new();
        for layer in &self.layers {
            let mut real = layer.clone();
            let mut masks = false;
            let mut present = true;
            for part in parts(path) {
                real.push(part);
                match fs::symlink_metadata(&real) {
                    Ok(meta) if meta.is_dir() => masks |= is_opaque(&real),
                    Ok(_) => {
                        (masks, present) = (true, false);
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        present = false;
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
            if present {
                for entry in fs::read_dir(&real)? {
                    let entry = entry?;
                    let name = text(&entry.file_name())?;
                    if names.contains_key(&name) {
                        continue;
                    }
                    let meta = entry.metadata()?;
                    let inside = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    let found = (!is_whiteout(&meta)).then(|| Found { path: inside, real: entry.path(), meta });
                    names.insert(name, found);
                }
            }
            if masks {
                break;
            }
        }
        Ok(names.into_iter().filter_map(|(name, found)| Some((name, found?))).collect())
    }

    /// Everything below a directory, the directory's own content first, in the order of paths. `enter` says which
    /// directories are looked into.
    pub fn walk(&self, path: &str, enter: &mut dyn FnMut(&Found) -> bool, each: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        let mut open: Vec<Found> = self.children(path)?.into_values().rev().collect();
        while let Some(found) = open.pop() {
            let inside = found.path.clone();
            let into = found.is_dir() && enter(&found);
            each(found)?;
            if into {
                open.extend(self.children(&inside)?.into_values().rev());
            }
        }
        Ok(())
    }

    /// A small file's text, symlinks followed.
    pub fn text(&self, path: &str, most: u64) -> io::Result<Option<String>> {
        let Some(found) = self.at(&self.resolve(path, true)?)? else { return Ok(None) };
        if !found.meta.is_file() || found.meta.len() > most {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&fs::read(found.real)?).into_owned()))
    }
}

/// An entry of a layer as the disk has it, at another path; `None` for what no layer holds (sockets, devices).
pub fn entry_of(found: &Found, path: &str) -> io::Result<Option<Entry>> {
    let meta = &found.meta;
    let kind = if meta.is_dir() {
        Kind::Directory
    } else if meta.is_file() {
        Kind::File(meta.len())
    } else if meta.file_type().is_symlink() {
        Kind::Symlink(target_of(found)?)
    } else if meta.file_type().is_fifo() {
        Kind::Fifo
    } else {
        return Ok(None);
    };
    let xattrs = if matches!(kind, Kind::Symlink(_)) { BTreeMap::new() } else { xattrs(&found.real)? };
    Ok(Some(Entry {
        path: path.to_owned(),
        kind,
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        mtime: meta.mtime(),
        xattrs,
    }))
}

/// Extended attributes that belong to an image.
fn xattrs(path: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut list = vec![0; 64 * 1024];
    let length = match rustix::fs::llistxattr(path, &mut list) {
        Ok(length) => length,
        Err(rustix::io::Errno::NOTSUP) => 0,
        Err(error) => return Err(error.into()),
    };
    let mut found = BTreeMap::new();
    for name in list[..length].split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()) {
        if name == "security.capability" || name.starts_with("user.") {
            let mut value = vec![0; 64 * 1024];
            let length = rustix::fs::lgetxattr(path, name, &mut value)?;
            value.truncate(length);
            found.insert(name.to_owned(), value);
        }
    }
    Ok(found)
}

/// The mark of overlayfs that something of a lower layer is gone.
pub fn is_whiteout(meta: &Metadata) -> bool {
    meta.file_type().is_char_device() && meta.rdev() == 0
}

/// The mark of overlayfs that nothing of lower layers is seen in a directory.
pub fn is_opaque(directory: &Path) -> bool {
    let mut value = [0; 8];
    rustix::fs::lgetxattr(directory, "trusted.overlay.opaque", &mut value).is_ok_and(|length| &value[..length] == b"y")
}

fn target_of(found: &Found) -> io::Result<String> {
    text(fs::read_link(&found.real)?.as_os_str())
}

/// Paths that are no UTF-8 cannot be told from each other in logs and documents.
pub fn text(name: &OsStr) -> io::Result<String> {
    name.to_str()
        .map(str::to_owned)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is not UTF-8: rename it", name.display())))
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}
