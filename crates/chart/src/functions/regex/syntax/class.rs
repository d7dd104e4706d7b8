//! What stands in brackets.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{Flags, Parser, SyntaxError, classes, part::Part};

impl Parser<'_> {
    pub(super) fn class(&mut self) -> Result<(), SyntaxError> {
        let before = self.rest;
        self.skip(1);
        let negated = self.rest.first() == Some(&b'^');
        if negated {
            self.skip(1);
        }
        let fold = self.flags.has(Flags::FOLD);
        let mut class = ClassUnicode::empty();
        let mut first = true;
        // a bracket that closes is a character when it comes first
        while std::mem::take(&mut first) || self.rest.first() != Some(&b']') {
            if let Some(named) = self.posix_class(fold)? {
                class.union(&named);
            } else if let Some(escaped) = self.escaped_class()? {
                class.union(&escaped);
            } else {
                class.union(&classes::finished(self.range(before)?, fold, false));
            }
        }
        self.skip(1);
        self.push(Part::class(&classes::finished(class, false, negated)))
    }

    /// `[:alpha:]` and the like.
    fn posix_class(&mut self, fold: bool) -> Result<Option<ClassUnicode>, SyntaxError> {
        let Some(name) = self.rest.strip_prefix(b"[:") else { return Ok(None) };
        let Some(end) = bstr::ByteSlice::find(name, b":]") else { return Ok(None) };
        let before = self.rest;
        self.skip(end + 4);
        let class = classes::posix(name.get(..end).unwrap_or(name)).map(|named| named.class(fold));
        class.map(Some).ok_or_else(|| SyntaxError::new("invalid character class range", self.read_since(before)))
    }

    /// A character, or all from one to another.
    fn range(&mut self, class: &[u8]) -> Result<ClassUnicode, SyntaxError> {
        let before = self.rest;
        let first = self.class_character(class)?;
        let mut last = first;
        if let [b'-', next, ..] = self.rest
            && *next != b']'
        {
            self.skip(1);
            last = self.class_character(class)?;
            if last < first {
                return Err(SyntaxError::new("invalid character class range", self.read_since(before)));
            }
        }
        // half characters are in no text
        let parts = [(first, last.min(0xd7ff)), (first.max(0xe000), last)];
        let ranges = parts.into_iter().filter(|(first, last)| first <= last);
        Ok(ClassUnicode::new(
            ranges.filter_map(|(first, last)| Some(ClassUnicodeRange::new(char::from_u32(first)?, char::from_u32(last)?))),
        ))
    }

    fn class_character(&mut self, class: &[u8]) -> Result<u32, SyntaxError> {
        match self.rest.first() {
            None => Err(SyntaxError::new("missing closing ]", class)),
            Some(b'\\') => self.escaped_character(),
            Some(_) => self.rune().map(u32::from),
        }
    }
}
