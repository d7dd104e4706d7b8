//! Making a directory equal a tree.

use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::SystemTime;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::known::{self, Known};
use super::tree::{Entry, Kind, Tree, refusal};
use super::{Checkout, Fault, MAX_LINK};

/// A file up to this size is compared in memory; a larger one is written beside and then compared.
const IN_MEMORY: u64 = 8 * 1024 * 1024;
/// The name of a file that is being written.
const FRESH: &str = ".penstock-fresh";

impl Fault {
    pub(super) fn at(path: &[u8], error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let advice = match error.kind() {
            io::ErrorKind::StorageFull => "; the disk is full: free some space and try again",
            io::ErrorKind::PermissionDenied => "; give the server's user the right to write there",
            _ => "",
        };
        Self::Failed(format!("{}: {error}{advice}", String::from_utf8_lossy(path)))
    }
}

impl Checkout {
    /// Writes the tree of these entries; gives it back.
    pub fn write(&self, entries: Vec<Entry>) -> Result<Tree, Fault> {
        let mut tree = Tree::new(entries).map_err(Fault::Refused)?;
        tree.folders.extend(self.emptied.iter().map(|path| path.as_bytes().to_vec()));
        let stays = Stays { kept: self.kept()?, left: self.left };
        let targets = self.targets(&tree)?;
        tree.check_links(&targets).map_err(Fault::Refused)?;
        let place = self.into.as_os_str().as_bytes();
        std::fs::create_dir_all(&self.into).map_err(|e| Fault::at(place, e))?;
        let root = open_folder(rustix::fs::CWD, self.into.as_os_str()).map_err(|e| Fault::at(place, e))?;
        clean(root.as_fd(), b"", &tree, &stays)?;
        let mut folders = Folders::new(root);
        for entry in tree.entries.iter().filter(|entry| entry.kind == Kind::Link) {
            let folder = folders.of(&entry.path)?;
            link(folder, entry, targets.get(&entry.path).map_or(&b""[..], Vec::as_slice)).map_err(|e| Fault::at(&entry.path, e))?;
        }
        self.files(&tree, folders)?;
        Ok(tree)
    }

    /// Writes the files that are not known to be there.
    fn files(&self, tree: &Tree, mut folders: Folders) -> Result<(), Fault> {
        let (known, mut next, now) = (self.reads.known(&self.into), Known::default(), SystemTime::now());
        let mut asked = Vec::new();
        for entry in tree.entries.iter().filter(|entry| entry.kind != Kind::Link) {
            match found(folders.of(&entry.path)?, entry) {
                Some(found) if known.has(entry, &found) => next.take(entry, &found, now),
                _ => asked.push(entry),
            }
        }
        self.objects(&asked, |entry, content| {
            let folder = folders.of(&entry.path)?;
            file(folder, entry, content).map_err(|e| Fault::at(&entry.path, e))?;
            if let Some(found) = found(folder, entry) {
                next.take(entry, &found, now);
            }
            Ok(())
        })?;
        self.reads.keep_known(&self.into, next);
        Ok(())
    }

    /// The paths that stay, in the tree's form.
    fn kept(&self) -> Result<Vec<Vec<u8>>, Fault> {
        let plain = self.keep.iter().map(|path| path.trim_start_matches("./").trim_end_matches('/'));
        plain
            .map(|path| match refusal(path.as_bytes()) {
                None => Ok(path.as_bytes().to_vec()),
                Some(why) => Err(Fault::Failed(format!("`{path}` cannot be kept: {why}"))),
            })
            .collect()
    }

    /// Every link's target.
    fn targets(&self, tree: &Tree) -> Result<HashMap<Vec<u8>, Vec<u8>>, Fault> {
        let links: Vec<&Entry> = tree.entries.iter().filter(|entry| entry.kind == Kind::Link).collect();
        if let Some(long) = links.iter().find(|entry| entry.size > MAX_LINK) {
            return Err(Fault::Refused(format!("the link `{}` has a target of {} bytes", String::from_utf8_lossy(&long.path), long.size)));
        }
        let mut targets = HashMap::new();
        self.objects(&links, |entry, content| {
            let mut target = Vec::new();
            content.read_to_end(&mut target).map_err(|e| Fault::at(&entry.path, e))?;
            targets.insert(entry.path.clone(), target);
            Ok(())
        })?;
        Ok(targets)
    }

    /// Streams each entry's content, in order, from one git.
    fn objects(&self, wanted: &[&Entry], each: impl FnMut(&Entry, &mut dyn Read) -> Result<(), Fault>) -> Result<(), Fault> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut git = self.reads.reader(&self.program, &self.directory).map_err(|e| Fault::Failed(crate::program::cannot(&e)))?;
        git.each(wanted, |entry, e| Fault::at(&entry.path, e), each)?;
        self.reads.give_back(git);
        Ok(())
    }
}

/// Handles of the folders down to the one that is being filled. Entries come sorted, so each folder is opened once.
pub(super) struct Folders {
    root: OwnedFd,
    open: Vec<(Vec<u8>, OwnedFd)>,
}

impl Folders {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self { root, open: Vec::new() }
    }

    /// The folder of a path, made if it is absent; what is there and is no folder goes.
    pub(super) fn of(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Fault> {
        let parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
        let parents = &parts[..parts.len() - 1];
        let same = self.open.iter().zip(parents).take_while(|((name, _), part)| name == *part).count();
        self.open.truncate(same);
        for part in &parents[same..] {
            let parent = self.open.last().map_or(self.root.as_fd(), |(_, folder)| folder.as_fd());
            let folder = make_folder(parent, OsStr::from_bytes(part)).map_err(|e| Fault::at(path, e))?;
            self.open.push((part.to_vec(), folder));
        }
        Ok(self.open.last().map_or(self.root.as_fd(), |(_, folder)| folder.as_fd()))
    }
}

pub(super) fn open_folder(parent: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(parent, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn make_folder(parent: BorrowedFd<'_>, name: &OsStr) -> io::Result<OwnedFd> {
    match open_folder(parent, name) {
        Err(Errno::NOENT) => {}
        Err(Errno::NOTDIR | Errno::LOOP) => rustix::fs::unlinkat(parent, name, AtFlags::empty())?,
        other => return Ok(other?),
    }
    rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
    let folder = open_folder(parent, name)?;
    rustix::fs::fchmod(&folder, Mode::from_raw_mode(0o755))?;
    Ok(folder)
}

/// What stays although the tree does not have it.
struct Stays {
    /// Paths, with whatever is below them.
    kept: Vec<Vec<u8>>,
    /// Files.
    left: &'static [&'static str],
}

/// Removes what the tree does not have and nobody keeps, and folders where the tree has files.
fn clean(folder: BorrowedFd<'_>, path: &[u8], tree: &Tree, stays: &Stays) -> Result<(), Fault> {
    let here = |e: Errno| Fault::at(path, e);
    for (name, kind) in names(folder).map_err(here)? {
        let path = if path.is_empty() { name.as_bytes().to_vec() } else { [path, b"/", name.as_bytes()].concat() };
        let at = |e: io::Error| Fault::at(&path, e);
        let is_folder = kind == FileType::Directory;
        let leads_to_kept = || stays.kept.iter().any(|kept| kept.starts_with(&[&path[..], b"/"].concat()));
        if tree.files.contains_key(&path) || stays.left.iter().any(|left| left.as_bytes() == path) {
            if is_folder {
                remove(folder, &name, true).map_err(at)?;
            }
        } else if stays.kept.contains(&path) {
            // whatever is there; files of the tree below it are written all the same
        } else if is_folder && (tree.folders.contains(&path) || leads_to_kept()) {
            let inner = open_folder(folder, &name).map_err(|e| Fault::at(&path, e))?;
            clean(inner.as_fd(), &path, tree, stays)?;
        } else {
            remove(folder, &name, is_folder).map_err(at)?;
        }
    }
    Ok(())
}

fn names(folder: BorrowedFd<'_>) -> Result<Vec<(OsString, FileType)>, Errno> {
    let mut all = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => FileType::from_raw_mode(rustix::fs::statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode),
            kind => kind,
        };
        all.push((name, kind));
    }
    Ok(all)
}

fn remove(folder: BorrowedFd<'_>, name: &OsStr, is_folder: bool) -> io::Result<()> {
    if !is_folder {
        return Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?);
    }
    // the standard library goes down by handles too; the first step goes by ours
    let mut path = OsString::from(format!("/proc/self/fd/{}/", folder.as_raw_fd()));
    path.push(name);
    std::fs::remove_dir_all(path)
}

fn link(folder: BorrowedFd<'_>, entry: &Entry, target: &[u8]) -> io::Result<()> {
    let name = name(entry)?;
    match rustix::fs::readlinkat(folder, &name, Vec::new()) {
        Ok(there) if there.as_bytes() == target => return Ok(()),
        Err(Errno::NOENT) => {}
        _ => rustix::fs::unlinkat(folder, &name, AtFlags::empty())?,
    }
    Ok(rustix::fs::symlinkat(CString::new(target)?, folder, &name)?)
}

/// The last part of an entry's path.
pub(super) fn name(entry: &Entry) -> io::Result<CString> {
    let last = entry.path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    Ok(CString::new(last)?)
}

/// What is there in an entry's place.
fn found(folder: BorrowedFd<'_>, entry: &Entry) -> Option<Stat> {
    rustix::fs::statat(folder, name(entry).ok()?, AtFlags::SYMLINK_NOFOLLOW).ok()
}

/// Writes a file, unless it is there with the same content: then it keeps its time. A file that changes is a new
/// file: what else names the old one (a hard link) is not written through.
fn file(folder: BorrowedFd<'_>, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
    let name = name(entry)?;
    let mode = Mode::from_raw_mode(known::mode(entry));
    let Some(mut there) = there(folder, &name, entry.size) else { return fresh(folder, &name, mode, content) };
    if entry.size <= IN_MEMORY {
        let mut new = Vec::new();
        content.read_to_end(&mut new)?;
        if same(&mut there, &mut new.as_slice())? {
            return settle(&there, mode);
        }
        return fresh(folder, &name, mode, &mut new.as_slice());
    }
    let beside = CString::new(FRESH)?;
    fresh(folder, &beside, mode, content)?;
    let mut new = File::from(rustix::fs::openat(folder, &beside, READING, Mode::empty())?);
    if same(&mut there, &mut new)? {
        rustix::fs::unlinkat(folder, &beside, AtFlags::empty())?;
        return settle(&there, mode);
    }
    Ok(rustix::fs::renameat(folder, &beside, folder, &name)?)
}

/// How files are opened that a job may have put there.
const READING: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The file that is there, if it is one of this size.
fn there(folder: BorrowedFd<'_>, name: &CStr, size: u64) -> Option<File> {
    let there = File::from(rustix::fs::openat(folder, name, READING, Mode::empty()).ok()?);
    Some(there).filter(|there| there.metadata().is_ok_and(|found| found.is_file() && found.len() == size))
}

/// Makes a small file what it mostly is already. A new file costs more than a look, and file systems are slow to give a file's
/// place to another one that takes it at once.
pub(super) fn put_small(folder: BorrowedFd<'_>, name: &CStr, mode: Mode, content: &[u8]) -> io::Result<()> {
    if let Some(mut there) = there(folder, name, content.len() as u64)
        && same(&mut there, &mut &content[..])?
    {
        return settle(&there, mode);
    }
    fresh(folder, name, mode, &mut &content[..])
}

/// The mode of a file that stays, without touching the time of its content.
fn settle(file: &File, mode: Mode) -> io::Result<()> {
    if rustix::fs::fstat(file)?.st_mode & 0o7777 != mode.as_raw_mode() {
        rustix::fs::fchmod(file, mode)?;
    }
    Ok(())
}

fn fresh(folder: BorrowedFd<'_>, name: &CStr, mode: Mode, content: &mut dyn Read) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(folder, name, flags, mode)?);
    // whatever umask this process has
    rustix::fs::fchmod(&file, mode)?;
    io::copy(content, &mut file)?;
    Ok(())
}

fn same(one: &mut dyn Read, two: &mut dyn Read) -> io::Result<bool> {
    let (mut a, mut b) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let read = fill(one, &mut a)?;
        if read != fill(two, &mut b)? || a[..read] != b[..read] {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
