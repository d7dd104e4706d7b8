//! A stream of bytes as lines of bounded length.

use penstock_model::blob::LogLine;

/// Cuts a stream at line ends, and lines that are too long into pieces.
#[derive(Default)]
pub struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes the next bytes; gives pieces of text and whether each ends its line.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<(String, bool)> {
        let mut pieces = Vec::new();
        let mut parts = bytes.split(|byte| *byte == b'\n');
        // the part behind the last line end is not yet a line
        let last = parts.next_back().unwrap_or(&[]);
        for part in parts {
            self.push(part, &mut pieces);
            pieces.push((text(&std::mem::take(&mut self.pending)), true));
        }
        self.push(last, &mut pieces);
        pieces
    }

    /// What is left at the end of the stream.
    pub fn finish(&mut self) -> Vec<(String, bool)> {
        if self.pending.is_empty() { Vec::new() } else { vec![(text(&std::mem::take(&mut self.pending)), true)] }
    }

    fn push(&mut self, part: &[u8], pieces: &mut Vec<(String, bool)>) {
        self.pending.extend(part);
        while self.pending.len() > LogLine::MAX {
            let mut cut = LogLine::MAX;
            // not in the middle of a character, which is at most four bytes long
            while cut > LogLine::MAX - 4 && self.pending[cut] & 0xC0 == 0x80 {
                cut -= 1;
            }
            let rest = self.pending.split_off(cut);
            pieces.push((text(&std::mem::replace(&mut self.pending, rest)), false));
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b"a\nb"), [("a".to_owned(), true)]);
        assert_eq!(lines.feed("é\r\n\nc".as_bytes()), [("bé".to_owned(), true), (String::new(), true)]);
        assert_eq!(lines.finish(), [("c".to_owned(), true)]);
        assert_eq!(lines.finish(), []);
    }

    #[test]
    fn a_line_of_any_length_comes_in_pieces_of_whole_characters() {
        let mut lines = Lines::default();
        let long = "€".repeat(LogLine::MAX);
        let mut pieces = lines.feed(long.as_bytes());
        pieces.extend(lines.feed(b"\n"));
        assert!(pieces.len() > 2 && pieces.iter().all(|(text, _)| text.len() <= LogLine::MAX));
        assert_eq!(pieces.iter().map(|(text, _)| text.as_str()).collect::<String>(), long);
        assert_eq!(pieces.iter().filter(|(_, ends)| *ends).count(), 1);
    }
}
