//! A container's output on disk, bounded: the current file and the one before it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The size at which a file is put aside; at most twice this is kept.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Takes output.
pub struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogFile {
    /// Opens it for appending.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size })
    }

    /// Appends. A full disk loses output, never the container.
    pub fn write(&mut self, bytes: &[u8]) {
        if self.size > 0 && self.size + bytes.len() as u64 > MAX_FILE {
            let aside = self.path.with_extension("1");
            if fs::rename(&self.path, aside).is_ok()
                && let Ok(file) = OpenOptions::new().create(true).append(true).open(&self.path)
            {
                self.file = file;
                self.size = 0;
            }
        }
        if self.file.write_all(bytes).is_ok() {
            self.size += bytes.len() as u64;
        }
    }
}

/// The end of what was written, at most `max` bytes, beginning at a line if possible.
pub fn tail(path: &Path, max: usize) -> io::Result<String> {
    let mut bytes = read_end(path, max)?;
    if bytes.len() < max {
        let mut earlier = read_end(&path.with_extension("1"), max - bytes.len())?;
        earlier.append(&mut bytes);
        bytes = earlier;
    }
    let cut = bytes.len() == max;
    let start = if cut { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
    Ok(String::from_utf8_lossy(&bytes[start..]).into_owned())
}

fn read_end(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => {
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(max as u64)))?;
            file.take(max as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(bytes),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_bounded_and_its_end_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = LogFile::open(path.clone()).unwrap();
        for line in 0..700_000 {
            log.write(format!("line number {line:08}\n").as_bytes());
        }
        let kept: u64 = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(kept <= 2 * MAX_FILE, "{kept}");
        let end = tail(&path, 50).unwrap();
        assert!(end.ends_with("line number 00699999\n") && end.starts_with("line"), "{end}");
        assert!(tail(&path, usize::try_from(MAX_FILE).unwrap() + 1000).unwrap().len() > usize::try_from(MAX_FILE).unwrap());
    }

    #[test]
    fn no_log_is_an_empty_one() {
        assert_eq!(tail(Path::new("/nonexistent/log"), 10).unwrap(), "");
    }
}
