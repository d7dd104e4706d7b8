//! Tokens out of text: the lowest layer of reading YAML, with the lookahead that implicit keys need.

use std::{borrow::Cow, collections::VecDeque};

use super::{
    ReadError,
    bytes::{is_blank, is_break, is_breakz, is_line, width},
    keys::SimpleKey,
    text::{BLOCK, BYTE_ORDER_MARK, Decoded, Unreadable},
};

/// How deep flow collections may stand in one another.
const FLOW_DEPTH: usize = 10_000;
/// How many indentations may be open.
const INDENT_DEPTH: usize = 10_000;
/// A place in the text: letters from its start, lines and columns, each from zero.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub index: usize,
    pub line: usize,
    pub column: usize,
}

/// Bytes of the text, or made from it.
pub(super) type Text<'a> = Cow<'a, [u8]>;

#[derive(Clone, Debug)]
pub(super) enum Kind<'a> {
    StreamStart,
    StreamEnd,
    Version(u8, u8),
    /// A tag's handle and what it stands for.
    TagDirective(Box<(Text<'a>, Text<'a>)>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Text<'a>),
    Anchor(Text<'a>),
    /// A tag's handle and the rest of it.
    Tag(Box<(Text<'a>, Text<'a>)>),
    /// A scalar, and whether it was written plain.
    Scalar(Text<'a>, bool),
}

#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub kind: Kind<'a>,
    /// The lines on which it begins and ends.
    pub start: usize,
    pub end: usize,
}

pub(super) struct Scanner<'a> {
    pub(super) text: &'a [u8],
    pub(super) pos: usize,
    pub(super) mark: Mark,
    /// Where the block of bytes begins that cannot be read, and what is wrong there.
    unreadable: &'a Unreadable,
    /// How far the blocks go that were looked at; without end where nothing in the text is worth a look.
    loaded: usize,
    /// How long the first of them is.
    first_block: usize,
    /// How many letters were looked at behind the end.
    padding: usize,
    /// Whether a byte order mark stood where the last block was looked at: then every line begins with something to be skipped, or
    /// so the library has it.
    marked: bool,
    pub(super) tokens: VecDeque<Token<'a>>,
    /// How many tokens the parser has taken.
    pub(super) taken: usize,
    available: bool,
    pub(super) flow_level: usize,
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) simple_key_allowed: bool,
    pub(super) simple_keys: Vec<SimpleKey>,
    /// Which level's possible key begins at which token, by token; later tokens come last.
    pub(super) keys_by_token: Vec<(usize, usize)>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(decoded: &'a Decoded<'_>) -> Self {
        Self {
            text: &decoded.text,
            pos: 0,
            mark: Mark::default(),
            unreadable: &decoded.unreadable,
            loaded: if decoded.is_plain() { usize::MAX } else { 0 },
            first_block: decoded.first_block,
            padding: 0,
            marked: false,
            tokens: VecDeque::new(),
            taken: 0,
            available: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: false,
            simple_keys: Vec::new(),
            keys_by_token: Vec::new(),
        }
    }

    /// The next token, left in its place.
    pub(super) fn peek(&mut self) -> Result<&Token<'a>, ReadError> {
        if !self.available {
            self.fetch_more_tokens()?;
        }
        self.tokens.front().ok_or_else(|| ReadError::said("attempted to go past the end of stream; corrupted value?"))
    }

    /// Takes the token that was looked at.
    pub(super) fn take(&mut self) -> Option<Token<'a>> {
        self.available = false;
        self.taken += 1;
        self.tokens.pop_front()
    }

    /// The byte so far ahead; zero behind the end.
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.text.get(self.pos + ahead).copied().unwrap_or(0)
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..).unwrap_or(&[])
    }

    /// Makes sure that so many letters can be looked at: bytes that are no text are only an error once somebody comes near them.
    #[inline]
    pub(super) fn need(&mut self, letters: usize) -> Result<(), ReadError> {
        if self.pos + 4 * letters <= self.loaded { Ok(()) } else { self.load(letters) }
    }

    fn load(&mut self, letters: usize) -> Result<(), ReadError> {
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| *byte & 0xC0 != 0x80).count();
        let ahead = self.text.get(self.pos..self.loaded).unwrap_or(&[]);
        let mut unread = count(ahead) + self.padding.saturating_sub(self.pos.saturating_sub(self.text.len()));
        if unread >= letters {
            return Ok(());
        }
        self.marked = self.rest().starts_with(BYTE_ORDER_MARK);
        let readable = self.unreadable.as_ref().map_or(self.text.len(), |(from, _)| *from);
        while unread < letters && self.loaded < readable {
            let length = if self.loaded == 0 { self.first_block } else { BLOCK };
            let mut end = (self.loaded + length).min(readable);
            while end < readable && self.text.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                end -= 1;
            }
            unread += count(self.text.get(self.loaded..end).unwrap_or(&[]));
            self.loaded = end;
        }
        match &self.unreadable {
            Some((_, error)) if unread < letters => return Err(error.clone()),
            None if unread < letters => self.padding += 1,
            _ => {}
        }
        Ok(())
    }

    /// How many of these bytes follow, each a letter of its own and none a line break, for which [`Scanner::need`] has nothing to do:
    /// it is asked for two letters at most while one goes past them.
    pub(super) fn run(&self, of: impl Fn(u8) -> bool) -> usize {
        let end = self.loaded.saturating_sub(2 * 4).min(self.text.len());
        self.text.get(self.pos..end).unwrap_or(&[]).iter().take_while(|byte| of(**byte)).count()
    }

    /// Goes past a run of such letters, or past one that is none of them.
    pub(super) fn skip_run(&mut self, of: impl Fn(u8) -> bool) {
        match self.run(of) {
            0 => self.skip(),
            count => self.skip_letters(count),
        }
    }

    /// Goes past letters of one byte.
    pub(super) fn skip_letters(&mut self, count: usize) {
        self.pos += count;
        self.mark.index += count;
        self.mark.column += count;
    }

    /// Takes a run of such letters, or one that is none of them.
    pub(super) fn read_run(&mut self, into: &mut Vec<u8>, of: impl Fn(u8) -> bool) {
        let from = self.pos;
        self.skip_run(of);
        into.extend_from_slice(self.text.get(from..self.pos).unwrap_or(&[]));
    }

    /// Goes past one letter.
    pub(super) fn skip(&mut self) {
        self.pos += width(self.at(0));
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Goes past a line break; both letters of it where it has two.
    pub(super) fn skip_line(&mut self) {
        if self.at(0) == b'\r' && self.at(1) == b'\n' {
            self.pos += 2;
            self.mark.index += 2;
        } else if is_break(self.rest()) {
            self.pos += width(self.at(0));
            self.mark.index += 1;
        } else {
            return;
        }
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Takes one letter.
    pub(super) fn read(&mut self, into: &mut Vec<u8>) {
        let from = self.pos;
        self.skip();
        into.extend_from_slice(self.text.get(from..self.pos).unwrap_or(&[]));
    }

    /// Takes a line break: a line feed, or what Unicode has for lines and paragraphs as it is.
    pub(super) fn read_line(&mut self, into: &mut Vec<u8>) {
        match self.at(0) {
            0xE2 if is_break(self.rest()) => into.extend_from_slice(self.rest().get(..3).unwrap_or(&[])),
            _ if is_break(self.rest()) => into.push(b'\n'),
            _ => return,
        }
        self.skip_line();
    }

    pub(super) fn error<T>(&self, context: Mark, problem: impl Into<String>) -> Result<T, ReadError> {
        let line = if self.mark.line != 0 { self.mark.line + 1 } else { context.line };
        Err(ReadError::at(line, problem))
    }

    pub(super) fn push(&mut self, kind: Kind<'a>, start: Mark) {
        self.tokens.push_back(Token { kind, start: start.line, end: self.mark.line });
    }

    /// Takes an indicator of so many letters for a token.
    pub(super) fn push_indicator(&mut self, kind: Kind<'a>, letters: usize) {
        let start = self.mark;
        for _ in 0..letters {
            self.skip();
        }
        self.push(kind, start);
    }

    /// Puts a token before the so-manieth; a place that has gone by already means the end.
    pub(super) fn insert(&mut self, token_number: usize, token: Token<'a>) {
        match token_number.checked_sub(self.taken) {
            Some(place) if place <= self.tokens.len() => self.tokens.insert(place, token),
            _ => self.tokens.push_back(token),
        }
    }

    fn fetch_more_tokens(&mut self) -> Result<(), ReadError> {
        loop {
            if !self.tokens.is_empty() {
                let Ok(found) = self.keys_by_token.binary_search_by_key(&self.taken, |(token, _)| *token) else { break };
                let level = self.keys_by_token.get(found).map_or(usize::MAX, |(_, level)| *level);
                if !self.is_key_valid(level)? {
                    break;
                }
            }
            self.fetch_next_token()?;
        }
        self.available = true;
        Ok(())
    }

    fn fetch_next_token(&mut self) -> Result<(), ReadError> {
        self.need(1)?;
        // from the start on there is a level
        if self.simple_keys.is_empty() {
            self.simple_keys.push(SimpleKey::default());
            self.simple_key_allowed = true;
            self.push(Kind::StreamStart, self.mark);
            return Ok(());
        }
        self.skip_to_next_token()?;
        self.unroll_indent(self.mark.column.cast_signed());
        self.need(4)?;
        self.fetch_at()
    }

    /// Goes past blanks, comments and line breaks.
    fn skip_to_next_token(&mut self) -> Result<(), ReadError> {
        loop {
            self.need(1)?;
            if self.mark.column == 0 && self.marked {
                self.skip();
            }
            self.need(1)?;
            // a tab may stand between tokens, but not where an indentation is told
            while self.at(0) == b' ' || ((self.flow_level > 0 || !self.simple_key_allowed) && self.at(0) == b'\t') {
                self.skip_run(|byte| byte == b' ');
                self.need(1)?;
            }
            self.skip_comment()?;
            if !is_break(self.rest()) {
                return Ok(());
            }
            self.need(2)?;
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// Goes past a comment up to the end of its line.
    pub(super) fn skip_comment(&mut self) -> Result<(), ReadError> {
        if self.at(0) == b'#' {
            while !is_breakz(self.rest()) {
                self.skip_run(is_line);
                self.need(1)?;
            }
        }
        Ok(())
    }

    /// Goes past spaces and tabs.
    pub(super) fn skip_blanks(&mut self) -> Result<(), ReadError> {
        self.need(1)?;
        while is_blank(self.at(0)) {
            self.skip();
            self.need(1)?;
        }
        Ok(())
    }

    pub(super) fn increase_flow_level(&mut self) -> Result<(), ReadError> {
        // the number of the bracket itself: closing the level forgets a key that began with it
        self.simple_keys.push(SimpleKey { token: self.taken + self.tokens.len(), mark: self.mark, ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > FLOW_DEPTH {
            return self.error(self.mark, format!("exceeded max depth of {FLOW_DEPTH}"));
        }
        Ok(())
    }

    pub(super) fn decrease_flow_level(&mut self) {
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.forget_token(key.token);
            }
        }
    }

    /// Opens a block collection where the column is further right than the indentation; before the token of that number if one is given.
    pub(super) fn roll_indent(&mut self, at: Mark, before: Option<usize>, kind: Kind<'a>) -> Result<(), ReadError> {
        let column = at.column.cast_signed();
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > INDENT_DEPTH {
            let context = self.simple_keys.last().map_or_else(Mark::default, |key| key.mark);
            return self.error(context, format!("exceeded max depth of {INDENT_DEPTH}"));
        }
        let token = Token { kind, start: at.line, end: at.line };
        match before {
            Some(number) => self.insert(number, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Closes the block collections that are further right than the column.
    pub(super) fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
