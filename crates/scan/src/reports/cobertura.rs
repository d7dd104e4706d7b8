//! Cobertura reports: which lines tests reached.

use std::io::BufRead;

use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

use super::markup::tags;
use super::reached::{MAX_NAME, Reached};
use super::{MAX_DEPTH, ReportError, attribute};
use crate::finding::shorten;

const KIND: &str = "Cobertura";

/// Lines reached and lines there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageReport {
    /// Lines that tests reached.
    pub lines_covered: u64,
    /// Lines there are.
    pub lines_valid: u64,
}

/// Reads a report. Lines are counted, each once a file; what the report claims as its sum counts only if it has no lines.
/// The report is never held as a whole.
pub fn read_cobertura(input: impl BufRead) -> Result<CoverageReport, ReportError> {
    let (mut reader, mut buffer) = (tags(input), Vec::new());
    let mut reached = Reached::of(KIND);
    let mut claimed = CoverageReport::default();
    let (mut depth, mut root) = (0_usize, false);
    loop {
        buffer.clear();
        let (element, opens) = match reader.read_event_into(&mut buffer).map_err(|error| ReportError::form(KIND, &error))? {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                if element.local_name().as_ref() == "class" {
                    reached.end();
                }
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let number = |name: &str| -> Result<Option<u64>, ReportError> { Ok(attribute(KIND, &element, name)?.and_then(|n| n.parse().ok())) };
        match element.local_name().as_ref() {
            "coverage" if depth == 0 => {
                root = true;
                claimed = CoverageReport {
                    lines_covered: number("lines-covered")?.unwrap_or(0),
                    lines_valid: number("lines-valid")?.unwrap_or(0),
                };
            }
            "class" if opens => reached.begin(shorten(&attribute(KIND, &element, "filename")?.unwrap_or_default(), MAX_NAME))?,
            "line" => {
                if let (line, Some(hits)) = (number("number")?, number("hits")?) {
                    reached.line(line, || Ok(hits > 0))?;
                }
            }
            _ => {}
        }
        depth += usize::from(opens);
        if depth > MAX_DEPTH {
            return Err(ReportError::TooLarge { kind: KIND, what: format!("elements nested deeper than {MAX_DEPTH}") });
        }
    }
    if !root || depth > 0 {
        let what = if root { "it ends in the middle" } else { "its root is not `coverage`" };
        return Err(ReportError::form(KIND, &what));
    }
    Ok(reached.sum(claimed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_once_a_file() {
        let report = read_cobertura(
            &br#"<coverage lines-valid="1" lines-covered="1"><packages><package><classes>
            <class filename="a.py"><methods><method><lines><line number="1" hits="1"/></lines></method></methods>
              <lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class>
            <class filename="b.py"><lines><line number="1" hits="0"/></lines></class>
            </classes></package></packages></coverage>"#[..],
        );
        assert_eq!(report, Ok(CoverageReport { lines_covered: 1, lines_valid: 3 }));
    }

    #[test]
    fn a_sum_alone_is_taken_but_never_above_all() {
        let report = read_cobertura(&br#"<coverage lines-valid="10" lines-covered="12"/>"#[..]);
        assert_eq!(report, Ok(CoverageReport { lines_covered: 10, lines_valid: 10 }));
        for bad in ["", "<x/>", "<coverage>", "<coverage"] {
            assert!(read_cobertura(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
