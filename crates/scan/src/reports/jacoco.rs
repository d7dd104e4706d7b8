//! `JaCoCo` reports (its `report.dtd` 1.1): which lines of which source file tests reached.

use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};

use super::cobertura::CoverageReport;
use super::markup::tags;
use super::reached::{MAX_NAME, Reached};
use super::{MAX_DEPTH, ReportError, attribute};
use crate::finding::shorten;

const KIND: &str = "JaCoCo";

/// What is known while a report is read.
struct Reading {
    /// The names of groups, package and source file that are open, each with its depth.
    open: Vec<(usize, String)>,
    reached: Reached,
    /// The report's own sum.
    claimed: CoverageReport,
}

/// Reads a report. Lines are counted, each once a file; one is reached if an instruction of it is. What the report claims as its
/// sum counts only if it has no lines. The report is never held as a whole.
pub fn read_jacoco(input: impl BufRead) -> Result<CoverageReport, ReportError> {
    let (mut reader, mut buffer) = (tags(input), Vec::new());
    let mut reading = Reading { open: Vec::new(), reached: Reached::of(KIND), claimed: CoverageReport::default() };
    let (mut depth, mut root) = (0_usize, false);
    loop {
        buffer.clear();
        let (element, opens) = match reader.read_event_into(&mut buffer).map_err(|error| ReportError::form(KIND, &error))? {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                reading.open.retain(|(of, _)| *of < depth);
                if element.local_name().as_ref() == "sourcefile" {
                    reading.reached.end();
                }
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        root |= depth == 0 && element.local_name().as_ref() == "report";
        reading.take(&element, opens, depth)?;
        depth += usize::from(opens);
        if depth > MAX_DEPTH {
            return Err(ReportError::TooLarge { kind: KIND, what: format!("elements nested deeper than {MAX_DEPTH}") });
        }
    }
    if !root || depth > 0 {
        let what = if root { "it ends in the middle" } else { "its root is not `report`" };
        return Err(ReportError::form(KIND, &what));
    }
    Ok(reading.reached.sum(reading.claimed))
}

impl Reading {
    fn take(&mut self, element: &BytesStart<'_>, opens: bool, depth: usize) -> Result<(), ReportError> {
        let text = |name: &str| attribute(KIND, element, name);
        let number = |name: &str| -> Result<Option<u64>, ReportError> { Ok(text(name)?.and_then(|n| n.parse().ok())) };
        match element.local_name().as_ref() {
            "group" | "package" | "sourcefile" if opens => {
                self.open.push((depth, shorten(&text("name")?.unwrap_or_default(), MAX_NAME)));
                if element.local_name().as_ref() == "sourcefile" {
                    let name = self.open.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join("/");
                    self.reached.begin(name)?;
                }
            }
            "line" => self.reached.line(number("nr")?, || Ok(number("ci")?.unwrap_or(0) > 0))?,
            "counter" if depth == 1 && text("type")?.as_deref() == Some("LINE") => {
                let (missed, covered) = (number("missed")?.unwrap_or(0), number("covered")?.unwrap_or(0));
                self.claimed = CoverageReport { lines_covered: covered, lines_valid: covered.saturating_add(missed) };
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
<report name="app"><sessioninfo id="x" start="1" dump="2"/>
<group name="core"><package name="org/example">
  <class name="org/example/A" sourcefilename="A.java"><method name="run" desc="()V" line="3"><counter type="LINE" missed="0" covered="9"/></method></class>
  <sourcefile name="A.java"><line nr="3" mi="0" ci="2" mb="0" cb="0"/><line nr="4" mi="2" ci="0" mb="1" cb="0"/><counter type="LINE" missed="1" covered="1"/></sourcefile>
  <sourcefile name="B.java"><line nr="3" mi="1" ci="1" mb="0" cb="0"/></sourcefile>
</package></group>
<group name="other"><package name="org/example"><sourcefile name="A.java"><line nr="3" mi="1" ci="0"/></sourcefile></package></group>
<counter type="INSTRUCTION" missed="4" covered="3"/><counter type="LINE" missed="7" covered="1"/>
</report>"#;

    #[test]
    fn lines_are_counted_once_a_source_file() {
        assert_eq!(read_jacoco(REPORT.as_bytes()), Ok(CoverageReport { lines_covered: 2, lines_valid: 4 }));
    }

    #[test]
    fn a_sum_alone_is_taken_and_what_is_no_report_is_refused() {
        let sum =
            r#"<report name="a"><counter type="BRANCH" missed="9" covered="9"/><counter type="LINE" missed="3" covered="5"/></report>"#;
        assert_eq!(read_jacoco(sum.as_bytes()), Ok(CoverageReport { lines_covered: 5, lines_valid: 8 }));
        for bad in ["", "<coverage/>", "<report>", "<report", &"<report>".repeat(80)] {
            assert!(read_jacoco(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
