//! Layers as bytes: a tar archive that depends on its entries alone, and one compressor with one setting.
//!
//! POSIX ustar, with PAX records only where ustar cannot say it. Entries come in the order of their paths, so that
//! a directory is before what is in it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use penstock_model::Digest;
use penstock_model::digest::Hasher;

/// 1980-01-02T00:00:00Z. No entry is later: whatever a build writes is "now", which says nothing about the content,
/// and would give every commit layers of its own. Not 1970, since zip archives cannot say it.
pub const LAYER_TIME: i64 = 315_619_200;

/// The compressor's one setting, part of every layer's digest.
const LEVEL: u32 = 4;
const BLOCK: usize = 512;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file of this many bytes.
    File(u64),
    /// A symlink.
    Symlink(String),
    /// Another name of an earlier entry.
    Link(String),
    /// A named pipe.
    Fifo,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the root, no leading or trailing `/`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds; never later than [`LAYER_TIME`] in the archive.
    pub mtime: i64,
    /// Extended attributes, such as `security.capability`.
    pub xattrs: BTreeMap<String, Vec<u8>>,
}

impl Entry {
    /// A directory of root's, as one that has to be there is made.
    pub fn directory(path: &str) -> Self {
        Self { path: path.to_owned(), kind: Kind::Directory, mode: 0o755, uid: 0, gid: 0, mtime: LAYER_TIME, xattrs: BTreeMap::new() }
    }

    /// The mark that a lower layer's entry is gone (OCI image specification 1.1, "whiteouts").
    pub fn whiteout(path: &str) -> Self {
        let (directory, name) = path.rsplit_once('/').map_or(("", path), |(directory, name)| (directory, name));
        let path = if directory.is_empty() { format!(".wh.{name}") } else { format!("{directory}/.wh.{name}") };
        Self { kind: Kind::File(0), mode: 0o600, ..Self::directory(&path) }
    }

    /// The mark that nothing of a lower layer's directory is seen.
    pub fn opaque(directory: &str) -> Self {
        let path = if directory.is_empty() { ".wh..wh..opq".to_owned() } else { format!("{directory}/.wh..wh..opq") };
        Self { kind: Kind::File(0), mode: 0o600, ..Self::directory(&path) }
    }
}

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The digest of the archive, not compressed.
    pub diff_id: Digest,
    /// The digest of the compressed bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
}

/// Writes a layer.
pub struct LayerWriter<W: Write> {
    tar: Counting<GzEncoder<Counting<W>>>,
    last: Option<String>,
}

impl<W: Write> LayerWriter<W> {
    /// Writes compressed bytes into `out`.
    pub fn new(out: W) -> Self {
        // neither a name nor a time, and no operating system
        let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Counting::new(out), Compression::new(LEVEL));
        Self { tar: Counting::new(gzip), last: None }
    }

    /// The next entry, in the order of paths; a file's bytes must be as many as it says.
    pub fn entry(&mut self, entry: &Entry, content: impl Read) -> io::Result<()> {
        if self.last.as_ref().is_some_and(|last| order(last) >= order(&entry.path)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` is not behind the entry before it", entry.path)));
        }
        self.last = Some(entry.path.clone());
        let (header, records) = headers(entry);
        if !records.is_empty() {
            let mut extended = Header::new("PaxHeaders/entry", b'x', records.len() as u64);
            extended.number(100, 8, 0o644);
            self.tar.write_all(&extended.finish())?;
            self.padded(&records)?;
        }
        self.tar.write_all(&header.finish())?;
        if let Kind::File(size) = entry.kind {
            let written = io::copy(&mut content.take(size), &mut self.tar)?;
            if written != size {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("`{}` became shorter while it was read", entry.path)));
            }
            self.pad(size)?;
        }
        Ok(())
    }

    /// The end of the archive.
    pub fn finish(mut self) -> io::Result<(W, Finished)> {
        self.tar.write_all(&[0; 2 * BLOCK])?;
        let diff_id = self.tar.hasher.finish();
        let blob = self.tar.inner.finish()?;
        Ok((blob.inner, Finished { diff_id, digest: blob.hasher.finish(), size: blob.count }))
    }

    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tar.write_all(bytes)?;
        self.pad(bytes.len() as u64)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        if over == 0 { Ok(()) } else { self.tar.write_all(&[0; BLOCK][over..]) }
    }
}

/// Paths in the order of their parts, so that `a/b` comes before `a-b`.
pub fn order(path: &str) -> impl Ord + use<'_> {
    path.split('/').collect::<Vec<_>>()
}

struct Counting<W> {
    inner: W,
    hasher: Hasher,
    count: u64,
}

impl<W> Counting<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new(), count: 0 }
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        self.count += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A header block under construction.
struct Header([u8; BLOCK]);

impl Header {
    fn new(name: &str, kind: u8, size: u64) -> Self {
        let mut header = Self([0; BLOCK]);
        header.text(0, 100, name);
        header.number(108, 8, 0);
        header.number(116, 8, 0);
        header.number(124, 12, size);
        header.number(136, 12, u64::try_from(LAYER_TIME).unwrap_or(0));
        header.0[156] = kind;
        header.text(257, 8, "ustar\u{0}00");
        header
    }

    fn text(&mut self, at: usize, most: usize, text: &str) {
        let length = text.len().min(most);
        self.0[at..at + length].copy_from_slice(&text.as_bytes()[..length]);
    }

    /// Octal digits and a zero byte.
    fn number(&mut self, at: usize, width: usize, number: u64) {
        let digits = format!("{number:0>width$o}", width = width - 1);
        self.text(at, width - 1, &digits);
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.0[148..156].fill(b' ');
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        let digits = format!("{sum:06o}\u{0}");
        self.text(148, 8, &digits);
        self.0
    }
}

/// The largest number in eight octal digits less one, and in twelve less one.
const MAX_ID: u64 = 0o777_7777;
const MAX_SIZE: u64 = 0o777_7777_7777;

/// The header, and PAX records for what it cannot say.
fn headers(entry: &Entry) -> (Header, Vec<u8>) {
    let mut records = BTreeMap::<String, Vec<u8>>::new();
    let directory = matches!(entry.kind, Kind::Directory);
    let path = if directory { format!("{}/", entry.path) } else { entry.path.clone() };
    let (kind, size, target) = match &entry.kind {
        Kind::Directory => (b'5', 0, ""),
        Kind::File(size) => (b'0', *size, ""),
        Kind::Symlink(target) => (b'2', 0, target.as_str()),
        Kind::Link(target) => (b'1', 0, target.as_str()),
        Kind::Fifo => (b'6', 0, ""),
    };
    let (prefix, name) = split(&path).unwrap_or_else(|| {
        records.insert("path".to_owned(), path.clone().into_bytes());
        ("", "entry")
    });
    let mut fits = |name: &str, value: u64, most: u64| {
        if value > most {
            records.insert(name.to_owned(), value.to_string().into_bytes());
            0
        } else {
            value
        }
    };
    let (size, uid, gid) = (fits("size", size, MAX_SIZE), fits("uid", entry.uid.into(), MAX_ID), fits("gid", entry.gid.into(), MAX_ID));
    let mut header = Header::new(name, kind, size);
    header.text(345, 155, prefix);
    header.number(100, 8, u64::from(entry.mode & 0o7777));
    header.number(108, 8, uid);
    header.number(116, 8, gid);
    header.number(136, 12, u64::try_from(entry.mtime.clamp(0, LAYER_TIME)).unwrap_or(0));
    if target.len() > 100 || !target.is_ascii() {
        records.insert("linkpath".to_owned(), target.as_bytes().to_vec());
    } else {
        header.text(157, 100, target);
    }
    for (name, value) in &entry.xattrs {
        records.insert(format!("SCHILY.xattr.{name}"), value.clone());
    }
    (header, records.into_iter().flat_map(|(name, value)| record(&name, &value)).collect())
}

/// Cuts a path into ustar's prefix and name; `None` if it does not fit.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    let bytes = path.as_bytes();
    // the last byte may be a directory's slash, which stays with the name
    let cut = (path.len().saturating_sub(101)..path.len() - 1).find(|at| bytes[*at] == b'/')?;
    (cut <= 155 && cut > 0).then(|| (&path[..cut], &path[cut + 1..]))
}

/// `LENGTH NAME=VALUE\n`, the length counting itself.
fn record(name: &str, value: &[u8]) -> Vec<u8> {
    let rest = name.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} {name}=").into_bytes();
    record.extend(value);
    record.push(b'\n');
    record
}

#[cfg(test)]
mod tests;
