//! Which lines of which files tests reached, while a coverage report is read.

use std::collections::BTreeMap;

use super::ReportError;
use super::cobertura::CoverageReport;

/// The most lines that are counted.
const MAX_LINES: usize = 5_000_000;
/// The most files, and the longest name of one, or of a part of it.
const MAX_FILES: usize = 200_000;
pub(super) const MAX_NAME: usize = 1_000;

/// What is known so far. Each line of a file counts once, and is reached if it is anywhere in the report.
pub(super) struct Reached {
    kind: &'static str,
    files: BTreeMap<String, usize>,
    /// The file whose lines are read.
    file: Option<usize>,
    lines: BTreeMap<(usize, u32), bool>,
}

impl Reached {
    /// Nothing yet, of a report of this kind.
    pub(super) fn of(kind: &'static str) -> Self {
        Self { kind, files: BTreeMap::new(), file: None, lines: BTreeMap::new() }
    }

    /// A file begins; it may have begun before.
    pub(super) fn begin(&mut self, name: String) -> Result<(), ReportError> {
        let next = self.files.len();
        if next >= MAX_FILES {
            return Err(self.too_large("files", MAX_FILES));
        }
        self.file = Some(*self.files.entry(name).or_insert(next));
        Ok(())
    }

    /// The file ends: lines that follow are of none.
    pub(super) fn end(&mut self) {
        self.file = None;
    }

    /// A line of the file, if there is one and the line has a number: only then it is asked whether it is reached.
    pub(super) fn line(&mut self, number: Option<u64>, reached: impl FnOnce() -> Result<bool, ReportError>) -> Result<(), ReportError> {
        let (Some(file), Some(number)) = (self.file, number) else { return Ok(()) };
        *self.lines.entry((file, u32::try_from(number).unwrap_or(u32::MAX))).or_insert(false) |= reached()?;
        if self.lines.len() > MAX_LINES {
            return Err(self.too_large("lines", MAX_LINES));
        }
        Ok(())
    }

    /// The sum: what the report claims counts only if it has no lines, and is never more than all.
    pub(super) fn sum(&self, claimed: CoverageReport) -> CoverageReport {
        if self.lines.is_empty() {
            return CoverageReport { lines_covered: claimed.lines_covered.min(claimed.lines_valid), ..claimed };
        }
        let covered = self.lines.values().filter(|reached| **reached).count();
        CoverageReport { lines_covered: covered as u64, lines_valid: self.lines.len() as u64 }
    }

    fn too_large(&self, what: &str, most: usize) -> ReportError {
        ReportError::TooLarge { kind: self.kind, what: format!("more than {most} {what}") }
    }
}
