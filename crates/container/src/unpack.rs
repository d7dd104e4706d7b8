//! A tar archive onto disk, with nothing outside the directory touched whatever the archive says.
//!
//! Every entry's directory is opened by the kernel with the target as its root (`openat2`, `RESOLVE_IN_ROOT`), so
//! that neither `..` nor a symlink that an earlier entry made leads out. For image layers, whiteouts become what
//! overlayfs understands (OCI image specification 1.1, "layers").

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags, chownat, fchmod, fchown, fsetxattr,
    linkat, mkdirat, mknodat, openat, openat2, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};

/// How much an archive may unpack to.
#[derive(Clone, Copy, Debug)]
pub struct UnpackLimits {
    /// Bytes of files in all.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
    /// True for an image layer: whiteouts, owners and extended attributes mean something.
    pub layer: bool,
}

impl UnpackLimits {
    /// For layers of images.
    pub const LAYER: Self = Self { bytes: 16 << 30, entries: 1_000_000, layer: true };
    /// For build contexts: what people write, owned by whoever unpacks.
    pub const CONTEXT: Self = Self { bytes: 4 << 30, entries: 200_000, layer: false };

    /// How long an archive within the limits may be: its bytes, and a head with its padding for each entry.
    pub(crate) fn most(&self) -> u64 {
        self.bytes + self.entries * 4096
    }
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Too much of something.
    #[error("the archive holds more than {limit} {what}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// An entry that leads out, is of a kind that is not taken, or makes no sense.
    #[error("archive entry `{path}`: {why}")]
    Entry {
        /// Its path.
        path: String,
        /// Why.
        why: String,
    },
    /// The archive is broken, or the disk is full.
    #[error("unpacking `{path}`")]
    Io {
        /// The entry, or empty.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// What stands before an entry's content, names and attributes of any length among it, is read into memory: no further than this.
const MAX_HEAD: u64 = 1024 * 1024;

/// An archive that is read no further than it may be while heads are read.
struct Bounded<R> {
    archive: R,
    /// `None`: content is read.
    left: Rc<Cell<Option<u64>>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left.get() else { return self.archive.read(buffer) };
        if left == 0 {
            let why = format!("names and attributes of more than {MAX_HEAD} bytes before one entry");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.archive.read(&mut buffer[..most])?;
        self.left.set(Some(left - read as u64));
        Ok(read)
    }
}

/// Unpacks into an existing, empty directory. Gives the bytes of files written.
pub fn unpack(archive: impl Read, target: &Path, limits: UnpackLimits) -> Result<u64, UnpackError> {
    let at = |path: &Path, source: io::Error| UnpackError::Io { path: path.display().to_string(), source };
    let root = openat(CWD, target, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| at(target, error.into()))?;
    let mut work = Unpacking { root, limits, bytes: 0, directories: Vec::new() };
    let left = Rc::new(Cell::new(None));
    let mut archive = Archive::new(Bounded { archive, left: Rc::clone(&left) });
    let mut all = archive.entries().map_err(|error| at(Path::new(""), error))?;
    let mut entries = 0;
    loop {
        left.set(Some(MAX_HEAD));
        let Some(entry) = all.next() else { break };
        left.set(None);
        let mut entry = entry.map_err(|error| at(Path::new(""), error))?;
        entries += 1;
        if entries > limits.entries {
            return Err(UnpackError::TooLarge { what: "entries", limit: limits.entries });
        }
        let path = entry.path().map_err(|error| at(Path::new(""), error))?.into_owned();
        work.entry(&path, &mut entry)?;
        work.skip(&path, &mut entry)?;
    }
    // last, since what is put into a directory changes its time
    for (path, time) in std::mem::take(&mut work.directories).into_iter().rev() {
        if let Ok(directory) = work.open_directory(&path) {
            let times = Timestamps { last_access: time, last_modification: time };
            utimensat(&directory, ".", &times, AtFlags::empty()).map_err(|error| at(&path, error.into()))?;
        }
    }
    Ok(work.bytes)
}

struct Unpacking {
    root: OwnedFd,
    limits: UnpackLimits,
    bytes: u64,
    directories: Vec<(PathBuf, Timespec)>,
}

/// What an entry says about itself.
struct Meta {
    mode: Mode,
    uid: u32,
    gid: u32,
    time: Timespec,
    xattrs: Vec<(String, Vec<u8>)>,
}

impl Unpacking {
    fn entry(&mut self, path: &Path, entry: &mut Entry<'_, impl Read>) -> Result<(), UnpackError> {
        let refuse = |why: &str| UnpackError::Entry { path: path.display().to_string(), why: why.to_owned() };
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            return Ok(());
        }
        let inside = normal(path).ok_or_else(|| refuse("it leads out of the archive"))?;
        let meta = self.meta(entry).map_err(|why| refuse(&why))?;
        let Some(name) = inside.file_name() else {
            return self.finish_directory(Path::new(""), &meta).map_err(|source| io_at(path, source));
        };
        let parent = inside.parent().unwrap_or(Path::new(""));
        let directory = self.open_or_make(parent).map_err(|source| io_at(path, source))?;
        if self.limits.layer && name.as_bytes().starts_with(b".wh.") {
            return whiteout(&directory, name.as_bytes()).map_err(|source| io_at(path, source));
        }
        let kind = entry.header().entry_type();
        if kind != EntryType::Directory {
            remove(&directory, name).map_err(|source| io_at(path, source))?;
        }
        let result = match kind {
            EntryType::Directory => self.directory(&inside, &directory, name, &meta),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => return self.file(path, &directory, name, &meta, entry),
            EntryType::Symlink => {
                let target = entry.link_name_bytes().ok_or_else(|| refuse("a symlink to nothing"))?;
                symlinkat(target.as_ref(), &directory, name)
                    .map_err(io::Error::from)
                    .and_then(|()| self.finish(&directory, name, &meta, true))
            }
            EntryType::Link => {
                let target = entry.link_name().ok().flatten().ok_or_else(|| refuse("a link to nothing"))?;
                let target = normal(&target).ok_or_else(|| refuse("a link that leads out of the archive"))?;
                self.link(&target, &directory, name)
            }
            EntryType::Fifo if self.limits.layer => mknodat(&directory, name, FileType::Fifo, meta.mode, 0)
                .map_err(io::Error::from)
                .and_then(|()| self.finish(&directory, name, &meta, false)),
            // `/dev` is made anew for each container, so these are never seen
            EntryType::Char | EntryType::Block if self.limits.layer && inside.starts_with("dev") => Ok(()),
            _ => return Err(refuse("only files, directories, symlinks and links are taken; leave it out")),
        };
        result.map_err(|source| io_at(path, source))
    }

    /// Content that nothing was made of counts too.
    fn skip(&mut self, path: &Path, entry: &mut Entry<'_, impl Read>) -> Result<(), UnpackError> {
        let left = self.limits.bytes - self.bytes;
        let skipped = io::copy(&mut entry.take(left + 1), &mut io::sink()).map_err(|source| io_at(path, source))?;
        if skipped > left {
            return Err(UnpackError::TooLarge { what: "bytes", limit: self.limits.bytes });
        }
        self.bytes += skipped;
        Ok(())
    }

    fn meta(&self, entry: &mut Entry<'_, impl Read>) -> Result<Meta, String> {
        let mut xattrs = Vec::new();
        if self.limits.layer
            && let Some(extensions) = entry.pax_extensions().map_err(|error| error.to_string())?
        {
            for extension in extensions {
                let extension = extension.map_err(|error| error.to_string())?;
                let Some(name) = extension.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) else { continue };
                match name {
                    "security.capability" => {}
                    name if name.starts_with("user.") => {}
                    // would change how overlayfs reads the layer
                    name if name.starts_with("trusted.") => return Err(format!("the extended attribute `{name}` is not taken")),
                    // labels of another machine's policy mean nothing here
                    _ => continue,
                }
                xattrs.push((name.to_owned(), extension.value_bytes().to_vec()));
            }
        }
        let header = entry.header();
        let number = |value: io::Result<u64>| value.ok().and_then(|value| u32::try_from(value).ok()).ok_or("an owner that is no number");
        let seconds = header.mtime().ok().and_then(|time| i64::try_from(time).ok()).unwrap_or(0);
        Ok(Meta {
            mode: Mode::from_raw_mode(header.mode().map_err(|error| error.to_string())? & 0o7777),
            uid: number(header.uid())?,
            gid: number(header.gid())?,
            time: Timespec { tv_sec: seconds, tv_nsec: 0 },
            xattrs,
        })
    }

    fn open_directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        openat2(&self.root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
    }

    fn open_or_make(&self, path: &Path) -> io::Result<OwnedFd> {
        match self.open_directory(path) {
            Err(Errno::NOENT) => {}
            other => return Ok(other?),
        }
        let mut so_far = PathBuf::new();
        let mut directory = self.open_directory(&so_far)?;
        for part in path.components() {
            so_far.push(part);
            directory = match self.open_directory(&so_far) {
                Err(Errno::NOENT) => {
                    mkdirat(&directory, part.as_os_str(), Mode::from_raw_mode(0o755))?;
                    self.open_directory(&so_far)?
                }
                other => other?,
            };
        }
        Ok(directory)
    }

    fn directory(&mut self, path: &Path, parent: &OwnedFd, name: &std::ffi::OsStr, meta: &Meta) -> io::Result<()> {
        match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {}
            Ok(_) => {
                remove(parent, name)?;
                mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
            }
            Err(Errno::NOENT) => mkdirat(parent, name, Mode::from_raw_mode(0o755))?,
            Err(error) => return Err(error.into()),
        }
        self.finish_directory(path, meta)
    }

    fn finish_directory(&mut self, path: &Path, meta: &Meta) -> io::Result<()> {
        let directory = self.open_directory(path)?;
        self.own(&directory, meta)?;
        self.directories.push((path.to_owned(), meta.time));
        Ok(())
    }

    fn own(&self, file: &OwnedFd, meta: &Meta) -> io::Result<()> {
        if self.limits.layer {
            fchown(file, Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)))?;
            for (name, value) in &meta.xattrs {
                fsetxattr(file, name.as_str(), value, XattrFlags::empty())?;
            }
            fchmod(file, meta.mode)?;
        } else {
            fchmod(file, meta.mode & Mode::from_raw_mode(0o777))?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        path: &Path,
        directory: &OwnedFd,
        name: &std::ffi::OsStr,
        meta: &Meta,
        entry: &mut Entry<'_, impl Read>,
    ) -> Result<(), UnpackError> {
        let left = self.limits.bytes - self.bytes;
        if entry.size() > left {
            return Err(UnpackError::TooLarge { what: "bytes", limit: self.limits.bytes });
        }
        let mut write = || -> io::Result<u64> {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(openat(directory, name, flags, Mode::from_raw_mode(0o600))?);
            let length = io::copy(&mut entry.take(left), &mut file)?;
            let file = OwnedFd::from(file);
            self.own(&file, meta)?;
            let times = Timestamps { last_access: meta.time, last_modification: meta.time };
            rustix::fs::futimens(&file, &times)?;
            Ok(length)
        };
        self.bytes += write().map_err(|source| io_at(path, source))?;
        Ok(())
    }

    fn finish(&self, directory: &OwnedFd, name: &std::ffi::OsStr, meta: &Meta, symlink: bool) -> io::Result<()> {
        if self.limits.layer {
            chownat(directory, name, Some(Uid::from_raw(meta.uid)), Some(Gid::from_raw(meta.gid)), AtFlags::SYMLINK_NOFOLLOW)?;
            if !symlink {
                rustix::fs::chmodat(directory, name, meta.mode, AtFlags::empty())?;
            }
        }
        let times = Timestamps { last_access: meta.time, last_modification: meta.time };
        Ok(utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn link(&self, target: &Path, directory: &OwnedFd, name: &std::ffi::OsStr) -> io::Result<()> {
        let from = target.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let parent = self.open_directory(target.parent().unwrap_or(Path::new("")))?;
        Ok(linkat(&parent, from, directory, name, AtFlags::empty())?)
    }
}

fn io_at(path: &Path, source: io::Error) -> UnpackError {
    UnpackError::Io { path: path.display().to_string(), source }
}

/// The path without `.` and a leading `/`; `None` if it holds `..`.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

/// Makes place for an entry: a later one replaces an earlier.
fn remove(directory: &OwnedFd, name: &std::ffi::OsStr) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => match unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn whiteout(directory: &OwnedFd, name: &[u8]) -> io::Result<()> {
    if name == b".wh..wh..opq" {
        return Ok(fsetxattr(directory, "trusted.overlay.opaque", b"y", XattrFlags::empty())?);
    }
    let hidden = std::ffi::OsStr::from_bytes(&name[4..]);
    if hidden.is_empty() || hidden == "." || hidden == ".." || name.starts_with(b".wh..wh.") {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a whiteout of nothing"));
    }
    remove(directory, hidden)?;
    Ok(mknodat(directory, hidden, FileType::CharacterDevice, Mode::empty(), 0)?)
}
