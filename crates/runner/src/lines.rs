//! A stream of bytes as the pieces of a log.

use penstock_model::Timestamp;
use penstock_model::blob::{Channel, LogLine};

/// Cuts a stream into lines, and lines into pieces; holds at most one piece.
pub(crate) struct Splitter {
    channel: Channel,
    buffer: Vec<u8>,
    /// A piece of the line in hand is already out.
    open: bool,
    /// The last byte was a carriage return, which ended a line.
    after_return: bool,
}

impl Splitter {
    /// A stream that has not begun.
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, buffer: Vec::new(), open: false, after_return: false }
    }

    /// Takes in bytes. A line ends with `\n`, `\r\n` or a `\r` alone (as progress bars write), so that nothing is lost.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], at: Timestamp, out: &mut Vec<LogLine>) {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let room = LogLine::MAX - self.buffer.len();
            let window = &bytes[..bytes.len().min(room)];
            if let Some(end) = window.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                self.buffer.extend_from_slice(&window[..end]);
                self.after_return = window[end] == b'\r';
                self.emit(at, true, out);
                bytes = &bytes[end + 1..];
            } else {
                self.buffer.extend_from_slice(window);
                bytes = &bytes[window.len()..];
                if self.buffer.len() == LogLine::MAX {
                    self.flush(at, out);
                }
            }
        }
    }

    /// Whether part of a line waits for its end.
    pub(crate) fn waits(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Gives out what there is of the line in hand, up to the last whole character.
    pub(crate) fn flush(&mut self, at: Timestamp, out: &mut Vec<LogLine>) {
        let tail = self.buffer.split_off(whole_characters(&self.buffer));
        if !self.buffer.is_empty() {
            self.emit(at, false, out);
        }
        self.buffer = tail;
    }

    /// The stream, or a step's part of it, is over: the line in hand ends here.
    pub(crate) fn finish(&mut self, at: Timestamp, out: &mut Vec<LogLine>) {
        self.after_return = false;
        if self.open || !self.buffer.is_empty() {
            self.emit(at, true, out);
        }
    }

    fn emit(&mut self, at: Timestamp, ends: bool, out: &mut Vec<LogLine>) {
        let text = String::from_utf8_lossy(&self.buffer).into_owned();
        self.buffer.clear();
        self.open = !ends;
        // replaced bytes make text longer
        let mut rest = text.as_str();
        while rest.len() > LogLine::MAX {
            let cut = rest.floor_char_boundary(LogLine::MAX);
            out.push(LogLine { at, channel: self.channel, text: rest[..cut].to_owned(), ends: false });
            rest = &rest[cut..];
        }
        out.push(LogLine { at, channel: self.channel, text: rest.to_owned(), ends });
    }
}

/// How many bytes there are up to a character that is cut off at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            0x80..=0xbf => continue,
            _ => break,
        };
        if length > back {
            return bytes.len() - back;
        }
        break;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<(String, bool)> {
        let (mut splitter, mut out) = (Splitter::new(Channel::Out), Vec::new());
        for piece in pieces {
            splitter.feed(piece, Timestamp(0), &mut out);
        }
        splitter.finish(Timestamp(0), &mut out);
        out.into_iter().map(|line| (line.text, line.ends)).collect()
    }

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut whole, mut open) = (Vec::new(), String::new());
        for (text, ends) in split(pieces) {
            open.push_str(&text);
            if ends {
                whole.push(std::mem::take(&mut open));
            }
        }
        whole
    }

    #[test]
    fn each_way_to_end_a_line_ends_it_once() {
        assert_eq!(lines(&[b"a\nb\r", b"\nc\r50%\r100%\n\nend"]), ["a", "b", "c", "50%", "100%", "", "end"]);
    }

    #[test]
    fn a_long_line_comes_in_pieces_that_say_so() {
        let long = vec![b'x'; LogLine::MAX * 2 + 5];
        let pieces = split(&[&long, b"\n"]);
        assert_eq!(
            pieces.iter().map(|(text, ends)| (text.len(), *ends)).collect::<Vec<_>>(),
            [(LogLine::MAX, false), (LogLine::MAX, false), (5, true)]
        );
    }

    #[test]
    fn a_line_of_exactly_one_piece_still_ends() {
        let long = vec![b'x'; LogLine::MAX];
        assert_eq!(
            split(&[&long, b"\nnext\n"]).iter().map(|(text, ends)| (text.len(), *ends)).collect::<Vec<_>>(),
            [(LogLine::MAX, false), (0, true), (4, true)]
        );
    }

    #[test]
    fn a_character_is_never_cut_and_bad_bytes_are_replaced() {
        let mut text = vec![b'x'; LogLine::MAX - 1];
        text.extend_from_slice("é€".as_bytes());
        assert_eq!(lines(&[&text, b"\n"])[0], String::from_utf8(text).unwrap());
        assert_eq!(lines(&[b"a\xff\xfeb\n"]), ["a\u{fffd}\u{fffd}b"]);
        assert!(split(&[&vec![0xff; LogLine::MAX]]).iter().all(|(text, _)| text.len() <= LogLine::MAX));
    }

    proptest! {
        #[test]
        fn the_cuts_make_no_difference(text in "[a\r\né]{0,40}", cuts in proptest::collection::vec(0usize..80, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(lines(&pieces), lines(&[bytes]));
        }
    }
}
