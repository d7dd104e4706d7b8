//! The tags of an XML document as they stream by. All that our readers want is in names and attributes; text, comments and
//! declarations may be as long as they like and are never held.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::Reader;

/// The longest tag with its attributes: a test's message is one of these.
const MAX_TAG: usize = 4 << 20;

/// Reads tags alone.
pub(super) fn tags<R: BufRead>(input: R) -> Reader<BufReader<Tags<R>>> {
    Reader::from_reader(BufReader::new(Tags { input, tag: Vec::new(), given: 0, done: false }))
}

/// What is left of a document without all that is not a tag.
pub(super) struct Tags<R> {
    input: R,
    /// The tag that is being handed out.
    tag: Vec<u8>,
    given: usize,
    done: bool,
}

impl<R: BufRead> Read for Tags<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.tag.len() && !self.done {
            self.given = 0;
            self.done = !self.next_tag()?;
        }
        let left = &self.tag[self.given..];
        let count = left.len().min(out.len());
        out[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

impl<R: BufRead> Tags<R> {
    /// Puts the next tag in `tag`; false at the end.
    fn next_tag(&mut self) -> io::Result<bool> {
        self.tag.clear();
        loop {
            if !self.pass(b'<')? {
                return Ok(false);
            }
            match self.peek()? {
                Some(b'!') => self.declaration()?,
                Some(b'?') => self.pass_all(b"?>")?,
                _ => break,
            }
        }
        self.tag.push(b'<');
        let mut quote = None;
        loop {
            let Some(byte) = self.byte()? else { return Ok(true) };
            if self.tag.len() >= MAX_TAG {
                return Err(io::Error::other(format!("a tag is longer than {} MiB", MAX_TAG >> 20)));
            }
            self.tag.push(byte);
            match (quote, byte) {
                (None, b'>') => return Ok(true),
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), _) if open == byte => quote = None,
                _ => {}
            }
        }
    }

    /// Passes a comment, a CDATA section or a document type, whose own markup is in brackets.
    fn declaration(&mut self) -> io::Result<()> {
        let mut begun = Vec::new();
        while let Some(byte) = self.byte()? {
            begun.push(byte);
            if begun == b"!--" {
                return self.pass_all(b"-->");
            }
            if begun == b"![CDATA[" {
                return self.pass_all(b"]]>");
            }
            if !b"!--".starts_with(&begun) && !b"![CDATA[".starts_with(&begun) {
                break;
            }
        }
        let (mut depth, mut quote, mut byte) = (0_i64, None, begun.last().copied());
        while let Some(seen) = byte {
            match (quote, seen) {
                (None, b'>') if depth <= 0 => return Ok(()),
                (None, b'[' | b'<') => depth += 1,
                (None, b']' | b'>') => depth -= 1,
                (None, b'"' | b'\'') => quote = Some(seen),
                (Some(open), _) if open == seen => quote = None,
                _ => {}
            }
            byte = self.byte()?;
        }
        Ok(())
    }

    /// Passes everything up to an end, whose last byte is `>`.
    fn pass_all(&mut self, end: &[u8]) -> io::Result<()> {
        let mut last = Vec::with_capacity(2 * end.len());
        while last != end {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            let passed = chunk.iter().position(|byte| *byte == b'>').map_or(chunk.len(), |at| at + 1);
            last.extend_from_slice(&chunk[passed.saturating_sub(end.len())..passed]);
            last.drain(..last.len().saturating_sub(end.len()));
            self.input.consume(passed);
        }
        Ok(())
    }

    /// Passes everything up to a byte and that byte; false if there is none.
    fn pass(&mut self, end: u8) -> io::Result<bool> {
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let found = chunk.iter().position(|byte| *byte == end);
            let passed = found.map_or(chunk.len(), |at| at + 1);
            self.input.consume(passed);
            if found.is_some() {
                return Ok(true);
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.input.consume(1);
        }
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &str) {
        // however the bytes come
        for size in [1, 2, 7, 4096] {
            let mut tags = Tags { input: BufReader::with_capacity(size, document.as_bytes()), tag: Vec::new(), given: 0, done: false };
            let mut shown = String::new();
            tags.read_to_string(&mut shown).unwrap();
            assert_eq!(shown, expected, "{size}");
        }
    }

    #[test]
    fn nothing_but_tags_is_left() {
        check("<?xml version='1.0'?>\n<a x='1>2' y=\"'\">text<b/> more</a>\n", "<a x='1>2' y=\"'\"><b/></a>");
        check("<a><!-- <b> -- --><![CDATA[<c> ]] ]]]><d/><!----></a>", "<a><d/></a>");
        check("<!DOCTYPE x [<!ENTITY a \"]>\"><!ELEMENT b (c)>]><a/><!DOCTYPE y><b/>", "<a/><b/>");
        check("<a><!-- no end <b/>", "<a>");
        check("<a <b", "<a <b");
        check("", "");
    }

    #[test]
    fn a_tag_without_end_is_refused_before_it_is_held() {
        let endless = io::repeat(b'x');
        let mut tags = Tags { input: BufReader::new(b"<a y='".chain(endless)), tag: Vec::new(), given: 0, done: false };
        let error = tags.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "a tag is longer than 4 MiB");
    }
}
