//! A chart's folder, read: what `.helmignore` leaves, in the order of names, links followed as Helm follows them.

use std::path::{Path, PathBuf};

use penstock_chart::{
    chart::File,
    load::{IGNORE_FILE, MAX_CHART, MAX_FILE, MAX_FILES, Rules},
    value::Str,
};
use penstock_cli::{CliError, exit};

/// How deep folders may stand in one another: links may go in circles.
const DEEPEST: usize = 64;

/// Reads the files of a chart's folder.
pub fn read(folder: &Path) -> Result<Vec<File>, CliError> {
    let rules = match std::fs::read(folder.join(IGNORE_FILE)) {
        Ok(text) => Rules::parse(&text).map_err(|rule| {
            let place = folder.join(IGNORE_FILE);
            CliError::other(format!("{}: {rule}", place.display()), "take the rule out, or put it otherwise", exit::USAGE)
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Rules::default(),
        Err(source) => return Err(CliError::Io { what: format!("reading {}", folder.join(IGNORE_FILE).display()), source }),
    };
    let mut walk = Walk { folder, rules: rules.with_defaults(), files: Vec::new(), bytes: 0 };
    walk.below("", DEEPEST)?;
    Ok(walk.files)
}

struct Walk<'a> {
    folder: &'a Path,
    rules: Rules,
    files: Vec<File>,
    bytes: u64,
}

impl Walk<'_> {
    fn below(&mut self, below: &str, deeper: usize) -> Result<(), CliError> {
        let place = self.folder.join(below);
        let failed = |source| CliError::Io { what: format!("reading {}", place.display()), source };
        if deeper == 0 {
            return Err(too_much(&place, &format!("stands more than {DEEPEST} folders deep: does a link go in a circle?")));
        }
        let mut entries: Vec<PathBuf> = std::fs::read_dir(&place)
            .map_err(failed)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        entries.sort();
        for entry in entries {
            let Some(name) = entry.file_name().and_then(|name| name.to_str()) else {
                return Err(too_much(&entry, "has a name that is not UTF-8"));
            };
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let kind = std::fs::metadata(&entry).map_err(|source| CliError::Io { what: format!("reading {}", entry.display()), source })?;
            if self.rules.ignores(path.as_bytes(), kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.below(&path, deeper - 1)?;
            } else if kind.is_file() {
                self.file(&entry, path, kind.len())?;
            } else {
                return Err(too_much(&entry, "cannot be loaded as a chart's file: it is no regular file"));
            }
        }
        Ok(())
    }

    fn file(&mut self, place: &Path, path: String, length: u64) -> Result<(), CliError> {
        self.bytes += length;
        if length > MAX_FILE {
            return Err(too_much(place, &format!("has more than the {MAX_FILE} bytes that a chart's file may have")));
        }
        if self.bytes > MAX_CHART || self.files.len() >= MAX_FILES {
            return Err(too_much(self.folder, &format!("has more than {MAX_FILES} files or {MAX_CHART} bytes")));
        }
        let data = std::fs::read(place).map_err(|source| CliError::Io { what: format!("reading {}", place.display()), source })?;
        self.files.push(File { name: Str::from(path), data: Str::from(data) });
        Ok(())
    }
}

fn too_much(place: &Path, why: &str) -> CliError {
    CliError::other(format!("{} {why}", place.display()), "name what does not belong to the chart in .helmignore", exit::USAGE)
}
