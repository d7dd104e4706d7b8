//! Which files of a checkout are as a checkout left them, so that the next one need not ask git for what is in them: a job that
//! touches a file changes its times, and one of the two it cannot set back.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

use super::tree::{Entry, Kind};

/// A file that changed a shorter time ago may change once more and have the same time, as clocks of file systems go.
const SETTLED: Duration = Duration::from_secs(2);
/// Checkouts with more files are compared whole.
const MAX_KNOWN: usize = 20_000;

/// Files by their paths.
#[derive(Default)]
pub(crate) struct Known(HashMap<Vec<u8>, (String, Stamp)>);

/// Which file it is, and what changes with its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    mode: u32,
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(found: &Stat) -> Self {
        Self {
            device: found.st_dev,
            inode: found.st_ino,
            mode: found.st_mode,
            size: found.st_size,
            modified: (found.st_mtime, nanoseconds(found.st_mtime_nsec)),
            changed: (found.st_ctime, nanoseconds(found.st_ctime_nsec)),
        }
    }
}

fn nanoseconds(part: impl TryInto<i64>) -> i64 {
    part.try_into().unwrap_or(0)
}

/// The bits of a file's mode that a checkout sets.
pub(super) fn mode(entry: &Entry) -> u32 {
    if entry.kind == Kind::Program { 0o755 } else { 0o644 }
}

impl Known {
    /// Takes in that a file has an entry's content and mode now, unless it changed just before.
    pub(super) fn take(&mut self, entry: &Entry, found: &Stat, now: SystemTime) {
        let stamp = Stamp::of(found);
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = u64::try_from(stamp.changed.0).is_ok_and(|changed| Duration::from_secs(changed + 1) + SETTLED < now);
        if settled && self.0.len() < MAX_KNOWN {
            self.0.insert(entry.path.clone(), (entry.id.clone(), stamp));
        }
    }

    /// Whether a file has an entry's content and mode still.
    pub(super) fn has(&self, entry: &Entry, found: &Stat) -> bool {
        let known = self.0.get(&entry.path).filter(|(id, _)| *id == entry.id);
        found.st_mode & 0o7777 == mode(entry) && known.is_some_and(|(_, stamp)| *stamp == Stamp::of(found))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_was_changed_is_not_known_though_its_size_and_time_are_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "one").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let look = || rustix::fs::lstat(&path).unwrap();
        let entry = Entry { kind: Kind::File, id: "1".into(), size: 3, path: b"a".to_vec() };
        let (found, now) = (look(), SystemTime::now());
        let mut known = Known::default();
        known.take(&entry, &found, now);
        assert!(!known.has(&entry, &found), "it may change within the same tick of the file system's clock");
        known.take(&entry, &found, now + Duration::from_secs(5));
        assert!(known.has(&entry, &found));
        assert!(!known.has(&Entry { id: "2".into(), ..entry.clone() }, &found), "another content is wanted");
        assert!(!known.has(&Entry { kind: Kind::Program, ..entry.clone() }, &found), "another mode is wanted");
        let before = File::open(&path).unwrap().metadata().unwrap().modified().unwrap();
        while look().st_ctime_nsec == found.st_ctime_nsec {
            let mut file = File::options().write(true).open(&path).unwrap();
            file.write_all(b"two").unwrap();
            file.set_times(FileTimes::new().set_modified(before)).unwrap();
        }
        let changed = look();
        assert_eq!((changed.st_size, changed.st_mtime_nsec), (found.st_size, found.st_mtime_nsec));
        assert!(!known.has(&entry, &changed));
    }
}
