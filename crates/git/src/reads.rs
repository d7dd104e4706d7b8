//! What is asked of repositories again and again: the list of a commit's files, which never changes, refs, and objects, from a
//! git that stays for the next question. Starting one costs more than most answers.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use penstock_model::{CommitId, RepositoryName};

use crate::checkout::tree::Entry;
use crate::checkout::{Known, Refs};
use crate::program::Program;
use crate::refs::Written;

/// Lists that are kept; the one that was not asked for the longest goes first.
const MAX_LISTS: usize = 16;
/// A longer list is not kept: it is made anew where all of it is wanted, and asked for one path where that is.
const MAX_LISTED: usize = 20_000;
/// Gits that wait for a question.
const MAX_IDLE: usize = 4;
/// One that nobody asked for so long is ended when another is asked: repositories are packed anew, and it has the old packs open.
const IDLE: Duration = Duration::from_secs(60);

/// The files of a commit.
#[derive(Clone, Debug)]
pub(crate) enum Listed {
    /// All of them, as git sorts them: by the bytes of their paths.
    Whole(Arc<[Entry]>),
    /// More than are kept.
    Large,
}

type Key = (RepositoryName, CommitId);

/// What is kept between questions. Nothing of it has to be right after a restart.
#[derive(Default)]
pub(crate) struct Reads {
    /// The latest last.
    lists: Mutex<Vec<(Key, Listed)>>,
    idle: Mutex<Vec<Reader>>,
    /// What git told of a repository's refs, and what they were written in then. The latest last.
    refs: Mutex<Vec<(PathBuf, Written, Arc<Refs>)>>,
    /// Which files of a checkout are as they were written. The latest last.
    known: Mutex<Vec<(PathBuf, Arc<Known>)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Reads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reads").finish_non_exhaustive()
    }
}

impl Reads {
    /// The list of a commit's files, if it was made before.
    pub fn listed(&self, key: &Key) -> Option<Listed> {
        let mut lists = lock(&self.lists);
        let at = lists.iter().position(|(kept, _)| kept == key)?;
        let found = lists.remove(at);
        let listed = found.1.clone();
        lists.push(found);
        Some(listed)
    }

    /// Keeps a list, or that it is a long one.
    pub fn keep(&self, key: Key, entries: &Arc<[Entry]>) {
        let listed = if entries.len() > MAX_LISTED { Listed::Large } else { Listed::Whole(Arc::clone(entries)) };
        let mut lists = lock(&self.lists);
        lists.retain(|(kept, _)| *kept != key);
        if lists.len() >= MAX_LISTS {
            lists.remove(0);
        }
        lists.push((key, listed));
    }

    /// A repository's refs, if they are written as they were when git was asked.
    pub fn refs(&self, directory: &Path, written: &Written) -> Option<Arc<Refs>> {
        let kept = lock(&self.refs);
        kept.iter().find(|(of, then, _)| of == directory && then == written).map(|(.., refs)| Arc::clone(refs))
    }

    /// Keeps what git told.
    pub fn keep_refs(&self, directory: &Path, written: Written, refs: Arc<Refs>) {
        let mut kept = lock(&self.refs);
        kept.retain(|(of, ..)| of != directory);
        if kept.len() >= MAX_LISTS {
            kept.remove(0);
        }
        kept.push((directory.to_owned(), written, refs));
    }

    /// What is known of a checkout's files.
    pub fn known(&self, into: &Path) -> Arc<Known> {
        let kept = lock(&self.known);
        kept.iter().find(|(of, _)| of == into).map(|(_, known)| Arc::clone(known)).unwrap_or_default()
    }

    /// Keeps what is known of a checkout's files now.
    pub fn keep_known(&self, into: &Path, known: Known) {
        let mut kept = lock(&self.known);
        kept.retain(|(of, _)| of != into);
        if kept.len() >= MAX_LISTS {
            kept.remove(0);
        }
        kept.push((into.to_owned(), Arc::new(known)));
    }

    /// A git that gives a repository's objects: one that waits, or a new one.
    pub fn reader(&self, program: &Program, directory: &Path) -> io::Result<Reader> {
        let waiting = {
            let mut idle = lock(&self.idle);
            idle.retain_mut(Reader::waits);
            let at = idle.iter().position(|reader| reader.directory == directory);
            at.map(|at| idle.swap_remove(at))
        };
        waiting.map_or_else(|| Reader::start(program, directory), Ok)
    }

    /// Has a git wait for the next question. Only one whose last answer was read to its end may come here.
    pub fn give_back(&self, mut reader: Reader) {
        reader.since = Instant::now();
        let mut idle = lock(&self.idle);
        idle.retain_mut(Reader::waits);
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push(reader);
    }
}

/// `git cat-file --batch` in one repository. Dropped, it is ended; it also ends with its server, whatever ends that one.
pub(crate) struct Reader {
    directory: PathBuf,
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    since: Instant,
}

impl Reader {
    fn start(program: &Program, directory: &Path) -> io::Result<Self> {
        let mut command = program.plain(Some(directory), &[]);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (Some(asks), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("git cat-file has no input"));
        };
        let answers = BufReader::with_capacity(128 * 1024, stdout);
        Ok(Self { directory: directory.to_owned(), child, asks, answers, since: Instant::now() })
    }

    /// Whether it may be asked once more.
    fn waits(&mut self) -> bool {
        self.since.elapsed() < IDLE && matches!(self.child.try_wait(), Ok(None))
    }

    /// The bytes of an object whose size is known.
    pub fn whole(&mut self, id: &str, size: u64) -> io::Result<Vec<u8>> {
        writeln!(self.asks, "{id}")?;
        let mut content = Vec::new();
        answer(&mut self.answers, id, size, |error| error, |bytes| bytes.read_to_end(&mut content).map(drop))?;
        Ok(content)
    }

    /// Streams objects in order; asks for the next ones while the first are being read.
    pub fn each<E: Send>(
        &mut self,
        wanted: &[&Entry],
        broken: impl Fn(&Entry, io::Error) -> E,
        mut take: impl FnMut(&Entry, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let (asks, answers, child) = (&mut self.asks, &mut self.answers, &mut self.child);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // ends early when the reader below gave up and git was ended
                wanted.iter().try_for_each(|entry| writeln!(asks, "{}", entry.id)).ok();
            });
            let read = wanted
                .iter()
                .try_for_each(|entry| answer(answers, &entry.id, entry.size, |e| broken(entry, e), |content| take(entry, content)));
            if read.is_err() {
                child.kill().ok();
            }
            read
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads one answer to its end, whatever its taker leaves of it.
fn answer<E>(
    answers: &mut BufReader<ChildStdout>,
    id: &str,
    size: u64,
    broken: impl Fn(io::Error) -> E,
    take: impl FnOnce(&mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let mut header = String::new();
    answers.by_ref().take(200).read_line(&mut header).map_err(&broken)?;
    if header.trim_end() != format!("{id} blob {size}") {
        return Err(broken(io::Error::other(format!("git cat-file answered `{}`", header.trim_end()))));
    }
    let mut content = answers.by_ref().take(size);
    take(&mut content)?;
    io::copy(&mut content, &mut io::sink()).map_err(&broken)?;
    answers.read_exact(&mut [0]).map_err(broken)
}
