//! The files by which a workflow's step speaks to the steps after it.

use std::io;
use std::path::Path;

use crate::scratch::Scratch;

/// The variables that name them.
pub(super) const NAMES: [&str; 5] = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

/// One of each, made for one step. Most steps write into none of them: as long as nobody did, and nobody is left who could, they
/// are as good as new for the next step.
pub(super) struct StepFiles(Vec<One>);

struct One {
    name: &'static str,
    file: String,
    made: Mark,
}

/// What changes with whatever is done to a file, be it its content, its mode or its attributes.
#[derive(PartialEq, Eq)]
struct Mark {
    inode: u64,
    mode: u32,
    owner: u32,
    size: i64,
    changed: (i64, u64),
}

impl StepFiles {
    /// Empty ones, for a step by its number.
    pub(super) fn make(scratch: &Scratch, index: usize) -> io::Result<Self> {
        let folder = scratch.files()?;
        let make = |name: &'static str| {
            let file = format!("{name}-{index}");
            let made = Mark::of(&rustix::fs::fstat(scratch.file(&folder, Path::new(&file))?)?);
            Ok(One { name, file, made })
        };
        NAMES.into_iter().map(make).collect::<io::Result<_>>().map(Self)
    }

    /// The variables, and where the step sees the files.
    pub(super) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|one| (one.name.to_owned(), Scratch::seen(&one.file)))
    }

    /// What was written into one of them.
    pub(super) fn read(&self, scratch: &Scratch, name: &str) -> io::Result<String> {
        match self.0.iter().find(|one| one.name == name) {
            Some(one) if !one.is_untouched(scratch)? => scratch.written(&one.file),
            _ => Ok(String::new()),
        }
    }

    /// Whether nothing was done to any of them.
    pub(super) fn are_untouched(&self, scratch: &Scratch) -> io::Result<bool> {
        for one in &self.0 {
            if !one.is_untouched(scratch)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl One {
    fn is_untouched(&self, scratch: &Scratch) -> io::Result<bool> {
        Ok(Mark::of(&rustix::fs::lstat(scratch.path("files").join(&self.file))?) == self.made)
    }
}

impl Mark {
    fn of(found: &rustix::fs::Stat) -> Self {
        let changed = (found.st_ctime, found.st_ctime_nsec);
        Self { inode: found.st_ino, mode: found.st_mode, owner: found.st_uid, size: found.st_size, changed }
    }
}
