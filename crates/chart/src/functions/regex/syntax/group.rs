//! Groups: captured, named, plain, and those that set flags.

use super::{Flags, Group, Parser, SyntaxError, group_label, part};
use crate::functions::runes::{self, Runes};

impl Parser<'_> {
    pub(super) fn open_group(&mut self) -> Result<(), SyntaxError> {
        if self.rest.starts_with(b"(?") {
            return self.extended_group();
        }
        self.skip(1);
        self.open_captured(None);
        Ok(())
    }

    fn open_captured(&mut self, name: Option<&[u8]>) {
        self.groups += 1;
        if let Some(name) = name {
            self.names.push((name.to_vec(), self.groups));
        }
        let group = Group::new(self.flags, Some(self.groups));
        self.open.push(group);
    }

    pub(super) fn close_group(&mut self) -> Result<(), SyntaxError> {
        let Some(group) = self.open.pop() else { return Err(SyntaxError::new("unexpected )", self.whole)) };
        self.skip(1);
        self.flags = group.flags;
        let label = group.number.map(group_label);
        self.push(part::alternated(group.alternatives, group.items).grouped(label.as_deref()))
    }

    /// What begins with `(?`.
    fn extended_group(&mut self) -> Result<(), SyntaxError> {
        let before = self.rest;
        let name_at = match before {
            [_, _, b'P', b'<', _, ..] => Some(4),
            [_, _, b'<', _, ..] => Some(3),
            _ => None,
        };
        if let Some(name_at) = name_at {
            return self.named_group(name_at);
        }
        self.skip(2);
        let (mut flags, mut negated, mut seen_flag) = (self.flags, false, false);
        while !self.rest.is_empty() {
            let flag = match self.rune()? {
                'i' => Flags::FOLD,
                'm' => Flags::MULTI_LINE,
                's' => Flags::DOT_ALL,
                'U' => Flags::UNGREEDY,
                '-' if !negated => {
                    (negated, seen_flag) = (true, false);
                    continue;
                }
                end @ (':' | ')') if !negated || seen_flag => {
                    if end == ':' {
                        let group = Group::new(self.flags, None);
                        self.open.push(group);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            };
            flags.set(flag, !negated);
            seen_flag = true;
        }
        Err(SyntaxError::new("invalid or unsupported Perl syntax", self.read_since(before)))
    }

    fn named_group(&mut self, name_at: usize) -> Result<(), SyntaxError> {
        let before = self.rest;
        let Some(end) = before.iter().position(|byte| *byte == b'>') else {
            must_be_utf8(before)?;
            return Err(SyntaxError::new("invalid named capture", before));
        };
        let name = before.get(name_at..end).unwrap_or(&[]);
        must_be_utf8(name)?;
        if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            return Err(SyntaxError::new("invalid named capture", before.get(..=end).unwrap_or(before)));
        }
        self.skip(end + 1);
        self.open_captured(Some(name));
        Ok(())
    }
}

/// Go's error for what is not UTF-8 names all from there on.
pub(super) fn must_be_utf8(text: &[u8]) -> Result<(), SyntaxError> {
    let mut runes = Runes(text);
    loop {
        let left = runes.0;
        match runes.next() {
            Some((runes::BROKEN, [_])) => return Err(SyntaxError::new("invalid UTF-8", left)),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}
