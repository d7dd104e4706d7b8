//! Job logs: append-only files of JSON lines.
//!
//! `run/job/attempt` is the file `run/job/attempt.jsonl`; an offset is a byte's place in it, always a line's start.
//! A file beside it, `….closed`, says that nothing will follow. A line reaches the kernel before `write` returns,
//! so it survives the end of the process; closing brings the file to the disk. A line that a dying process
//! left without its end is cut off when the log is opened again, and is never given to a reader.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use penstock_model::blob::{BlobError, LogId, LogLine, LogPart, LogSink, LogStore};
use tokio::sync::watch;

use crate::Durability;
use crate::blobs::io_error;

/// The longest a line of the file can be: a piece whose every byte needs `\u00XX`, and the rest of the object.
const MAX_LINE: usize = LogLine::MAX * 6 + 256;
/// The most that one read gives, whatever was asked for.
const MAX_PART: usize = 8 * 1024 * 1024;
/// So little text is written at once: a thread that may wait takes longer to wake up than the page cache to take it.
const LITTLE: usize = 4 * 1024;
/// The longest name of a log, in bytes.
const MAX_ID: usize = 500;
/// Above so many watched logs, those that nobody watches or writes are forgotten.
const WATCHED: usize = 512;

/// A directory of job logs.
pub struct DirLogs {
    root: PathBuf,
    /// Sizes, for those who wait. Made when somebody asks, from the file.
    sizes: Mutex<HashMap<LogId, Arc<watch::Sender<u64>>>>,
    /// Logs open for appending; one file has one writer.
    open: Mutex<HashMap<LogId, Weak<Sink>>>,
    durability: Durability,
}

impl DirLogs {
    /// Opens a directory, making it if it is absent.
    pub fn open(root: &Path, durability: Durability) -> Result<Self, BlobError> {
        fs::create_dir_all(root).map_err(|e| io_error(format!("making {}", root.display()), e))?;
        Ok(Self { root: root.to_owned(), sizes: Mutex::default(), open: Mutex::default(), durability })
    }

    fn size(&self, log: &LogId) -> Arc<watch::Sender<u64>> {
        let mut sizes = locked(&self.sizes);
        if sizes.len() >= WATCHED {
            // a sink holds its sender too
            sizes.retain(|_, size| size.receiver_count() > 0 || Arc::strong_count(size) > 1);
        }
        let on_disk = || self.file(log).ok().and_then(|file| fs::metadata(file).ok()).map_or(0, |metadata| metadata.len());
        Arc::clone(sizes.entry(log.clone()).or_insert_with(|| Arc::new(watch::Sender::new(on_disk()))))
    }

    /// Where a log lies. Refused is whatever could leave the directory or meet another log's files.
    fn file(&self, log: &LogId) -> Result<PathBuf, BlobError> {
        let fine = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.len() <= 200
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
                && !Path::new(part).extension().is_some_and(|e| e == "jsonl" || e == "closed")
        };
        if log.0.len() > MAX_ID || !log.0.split('/').all(fine) {
            let name: String = log.0.chars().take(80).collect();
            let what = format!("`{name}` is not a log's name: parts of letters, digits, `.`, `_` and `-` joined by `/` are expected");
            return Err(BlobError::Io { what, source: io::ErrorKind::InvalidInput.into() });
        }
        Ok(self.root.join(format!("{}.jsonl", log.0)))
    }
}

#[async_trait]
impl LogStore for DirLogs {
    async fn open(&self, log: &LogId) -> Result<Arc<dyn LogSink>, BlobError> {
        let path = self.file(log)?;
        let mut open = locked(&self.open);
        open.retain(|_, sink| sink.strong_count() > 0);
        if let Some(sink) = open.get(log).and_then(Weak::upgrade) {
            return Ok(sink);
        }
        let (file, end) = append_to(&path).map_err(|e| io_error(format!("opening {}", path.display()), e))?;
        let size = self.size(log);
        size.send_replace(end);
        let sink = Arc::new(Sink { file: Arc::new(Mutex::new(Tail { file, end })), path, size });
        open.insert(log.clone(), Arc::downgrade(&sink));
        Ok(sink)
    }

    async fn close(&self, log: &LogId) -> Result<(), BlobError> {
        let path = self.file(log)?;
        locked(&self.open).remove(log);
        let syncs = self.durability == Durability::PowerCut;
        blocking(move || {
            let closing = |e| io_error(format!("closing {}", path.display()), e);
            append_to(&path).and_then(|(file, _)| if syncs { file.sync_all() } else { Ok(()) }).map_err(closing)?;
            // an empty file has nothing that could be lost, and its name is as safe as the folder's others
            File::create(path.with_extension("closed")).map(drop).map_err(closing)
        })
        .await?;
        self.size(log).send_modify(|_| ());
        Ok(())
    }

    async fn read(&self, log: &LogId, from: u64, max_bytes: usize) -> Result<LogPart, BlobError> {
        let path = self.file(log)?;
        blocking(move || part(&path, from, max_bytes.min(MAX_PART)).map_err(|e| io_error(format!("reading {}", path.display()), e))).await
    }

    fn changed(&self, log: &LogId) -> watch::Receiver<u64> {
        self.size(log).subscribe()
    }

    async fn list(&self) -> Result<Vec<(LogId, u64)>, BlobError> {
        let root = self.root.clone();
        blocking(move || {
            let mut found = Vec::new();
            collect(&root, &root, &mut found).map_err(|e| io_error(format!("listing {}", root.display()), e))?;
            found.sort();
            Ok(found)
        })
        .await
    }

    async fn remove(&self, log: &LogId) -> Result<bool, BlobError> {
        let path = self.file(log)?;
        // nobody opens it meanwhile
        let mut open = locked(&self.open);
        open.retain(|_, sink| sink.strong_count() > 0);
        if open.contains_key(log) {
            return Ok(false);
        }
        locked(&self.sizes).remove(log);
        remove(&self.root, &path).map_err(|e| io_error(format!("removing {}", path.display()), e))
    }
}

/// Logs below a directory, with their sizes.
fn collect(root: &Path, directory: &Path, found: &mut Vec<(LogId, u64)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "jsonl")
            && let Some(name) = path.strip_prefix(root).ok().and_then(|below| below.with_extension("").to_str().map(str::to_owned))
        {
            found.push((LogId(name), entry.metadata()?.len()));
        }
    }
    Ok(())
}

/// Removes a log's files, and the directories that hold nothing else. True if there was one.
fn remove(root: &Path, path: &Path) -> io::Result<bool> {
    let gone = |path: &Path| match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    };
    // the mark last: a log without it is one that goes on
    let was_there = gone(path)?;
    gone(&path.with_extension("closed"))?;
    for directory in path.ancestors().skip(1).take_while(|directory| *directory != root) {
        // one that holds more is not empty
        if fs::remove_dir(directory).is_err() {
            break;
        }
    }
    Ok(was_there)
}

struct Tail {
    file: File,
    end: u64,
}

/// The one writer of a log.
struct Sink {
    file: Arc<Mutex<Tail>>,
    path: PathBuf,
    size: Arc<watch::Sender<u64>>,
}

#[async_trait]
impl LogSink for Sink {
    async fn write(&self, lines: Vec<LogLine>) -> Result<(), BlobError> {
        if lines.iter().map(|line| line.text.len()).sum::<usize>() <= LITTLE {
            return append(&self.file, &self.path, &self.size, &lines);
        }
        let (file, path, size) = (Arc::clone(&self.file), self.path.clone(), Arc::clone(&self.size));
        blocking(move || append(&file, &path, &size, &lines)).await
    }
}

fn append(file: &Mutex<Tail>, path: &Path, size: &watch::Sender<u64>, lines: &[LogLine]) -> Result<(), BlobError> {
    let mut tail = locked(file);
    for piece in lines.iter().flat_map(pieces) {
        tail.append(&piece).map_err(|e| io_error(format!("writing {}", path.display()), e))?;
    }
    size.send_replace(tail.end);
    Ok(())
}

impl Tail {
    /// Appends a whole line, or nothing.
    fn append(&mut self, line: &LogLine) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            self.file.set_len(self.end)?;
            return Err(error);
        }
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// Opens a log for appending: cuts off a line without an end, takes the closing mark away.
fn append_to(path: &Path) -> io::Result<(File, u64)> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    match fs::remove_file(path.with_extension("closed")) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let size = file.metadata()?.len();
    let back = size.min(MAX_LINE as u64);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(size - back))?;
    (&file).take(back).read_to_end(&mut end)?;
    let whole = size - back + end.iter().rposition(|b| *b == b'\n').map_or(0, |at| at as u64 + 1);
    if whole < size {
        file.set_len(whole)?;
    }
    Ok((file, whole))
}

/// Reads whole lines from an offset on; at least one, if there is one.
fn part(path: &Path, from: u64, max_bytes: usize) -> io::Result<LogPart> {
    // looked at first: what is there after the mark was seen is all there will be
    let marked = path.with_extension("closed").exists();
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(LogPart { lines: Vec::new(), next: 0, closed: marked }),
        Err(e) => return Err(e),
    };
    let size = file.metadata()?.len();
    let from = from.min(size);
    // an offset that we did not give falls into a line: that line is left out
    let start = from.saturating_sub(1);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    (&file).take((max_bytes.max(MAX_LINE) as u64) + (from - start)).read_to_end(&mut bytes)?;
    let mut at = if from == 0 { 0 } else { bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1) };
    let first = at;
    let mut lines = Vec::new();
    while let Some(length) = bytes[at..].iter().position(|b| *b == b'\n') {
        if at > first && at - first + length > max_bytes {
            break;
        }
        lines.push(serde_json::from_slice(&bytes[at..at + length])?);
        at += length + 1;
    }
    let next = start + at as u64;
    Ok(LogPart { lines, next, closed: marked && next >= size })
}

/// Splits a line that is longer than a piece may be, between characters.
fn pieces(line: &LogLine) -> impl Iterator<Item = LogLine> + '_ {
    let mut rest = Some(line.text.as_str());
    std::iter::from_fn(move || {
        let text = rest?;
        let cut = text.floor_char_boundary(LogLine::MAX);
        let (piece, after) = text.split_at(cut);
        rest = (!after.is_empty()).then_some(after);
        let ends = rest.is_none() && line.ends;
        Some(LogLine { at: line.at, channel: line.channel, text: piece.to_owned(), ends })
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, BlobError> + Send + 'static) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(io_error("job logs".to_owned(), io::Error::other(e))))
}

/// What the lock guards is whole between any two statements, so a panic elsewhere does not spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
