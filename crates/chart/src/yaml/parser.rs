//! Events out of tokens: the grammar of YAML, as a machine with a stack of states.

use std::{borrow::Cow, collections::HashMap};

use super::{
    ReadError,
    scanner::{Kind, Scanner, Text, Token},
};

/// What the parser tells. Collections carry their anchors; a tag only matters on a scalar.
pub(super) enum Event<'a> {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(Text<'a>),
    Scalar {
        anchor: Option<Text<'a>>,
        tag: Text<'a>,
        value: Text<'a>,
        /// Whether it may be something else than a text.
        implicit: bool,
    },
    SequenceStart(Option<Text<'a>>),
    SequenceEnd,
    MappingStart(Option<Text<'a>>),
    MappingEnd,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    IndentlessSequence,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

pub(super) struct Parser<'a> {
    pub(super) scanner: Scanner<'a>,
    pub(super) state: State,
    pub(super) states: Vec<State>,
    /// On which lines the open collections begin.
    lines: Vec<usize>,
    /// Handles of tags and what they stand for.
    tags: HashMap<Text<'a>, Text<'a>>,
    /// How many bytes tags took that were put together since somebody asked: a prefix may be long, and used by each node.
    pub(super) made: usize,
}

pub(super) type Step<'a> = Result<(Event<'a>, usize), ReadError>;

/// A scalar that is not there.
pub(super) fn empty<'a>(at: usize) -> Step<'a> {
    let nothing = || Cow::Borrowed(&b""[..]);
    Ok((Event::Scalar { anchor: None, tag: nothing(), value: nothing(), implicit: true }, at))
}

fn error<T>(context: usize, problem: usize, text: &str) -> Result<T, ReadError> {
    Err(ReadError::at(if problem == 0 { context } else { problem }, text))
}

impl<'a> Parser<'a> {
    pub(super) fn new(scanner: Scanner<'a>) -> Self {
        Self { scanner, state: State::StreamStart, states: Vec::new(), lines: Vec::new(), tags: HashMap::new(), made: 0 }
    }

    /// The next event, and the line on which it begins.
    pub(super) fn next(&mut self) -> Step<'a> {
        match self.state {
            State::StreamStart => {
                let (_, start, _) = self.peek()?;
                self.scanner.take();
                self.state = State::ImplicitDocumentStart;
                Ok((Event::StreamStart, start))
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(true, false),
            State::BlockSequenceFirst => {
                self.open()?;
                self.block_sequence()
            }
            State::BlockSequence => self.block_sequence(),
            State::IndentlessSequence => self.indentless_sequence(),
            State::BlockMappingFirst => {
                self.open()?;
                self.block_mapping_key()
            }
            State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => {
                self.open()?;
                self.flow_sequence(true)
            }
            State::FlowSequence => self.flow_sequence(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => {
                let (_, start, _) = self.peek()?;
                self.state = State::FlowSequence;
                Ok((Event::MappingEnd, start))
            }
            State::FlowMappingFirst => {
                self.open()?;
                self.flow_mapping_key(true)
            }
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingEmptyValue => {
                let (_, start, _) = self.peek()?;
                self.state = State::FlowMappingKey;
                empty(start)
            }
            State::End => Ok((Event::StreamEnd, 0)),
        }
    }

    /// The next token: its kind, and the lines on which it begins and ends.
    pub(super) fn peek(&mut self) -> Result<(&Kind<'a>, usize, usize), ReadError> {
        let token = self.scanner.peek()?;
        Ok((&token.kind, token.start, token.end))
    }

    /// Takes the next token's place, and looks at the one after it.
    pub(super) fn advance(&mut self) -> Result<(&Kind<'a>, usize, usize), ReadError> {
        self.scanner.take();
        self.peek()
    }

    fn open(&mut self) -> Result<(), ReadError> {
        let (_, start, _) = self.peek()?;
        self.lines.push(start);
        self.scanner.take();
        Ok(())
    }

    pub(super) fn pop(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Ends a collection at the token that says so.
    pub(super) fn close(&mut self, event: Event<'a>, at: usize) -> Step<'a> {
        self.pop();
        self.lines.pop();
        self.scanner.take();
        Ok((event, at))
    }

    pub(super) fn unexpected<T>(&mut self, at: usize, problem: &str) -> Result<T, ReadError> {
        let context = self.lines.pop().unwrap_or_default();
        error(context, at, problem)
    }

    fn document_start(&mut self, implicit: bool) -> Step<'a> {
        let (mut kind, mut start, _) = self.peek()?;
        while !implicit && matches!(kind, Kind::DocumentEnd) {
            (kind, start, _) = self.advance()?;
        }
        match kind {
            Kind::StreamEnd => {
                self.state = State::End;
                self.scanner.take();
                Ok((Event::StreamEnd, start))
            }
            Kind::Version(..) | Kind::TagDirective(..) | Kind::DocumentStart => self.explicit_document(start),
            _ if implicit => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                Ok((Event::DocumentStart, start))
            }
            _ => self.explicit_document(start),
        }
    }

    fn explicit_document(&mut self, start: usize) -> Step<'a> {
        self.directives()?;
        let (kind, at, _) = self.peek()?;
        if !matches!(kind, Kind::DocumentStart) {
            return error(0, at, "did not find expected <document start>");
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.scanner.take();
        Ok((Event::DocumentStart, start))
    }

    fn document_content(&mut self) -> Step<'a> {
        let (kind, start, _) = self.peek()?;
        if matches!(kind, Kind::Version(..) | Kind::TagDirective(..) | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd) {
            self.pop();
            return empty(start);
        }
        self.node(true, false)
    }

    fn document_end(&mut self) -> Step<'a> {
        let (kind, start, _) = self.peek()?;
        if matches!(kind, Kind::DocumentEnd) {
            self.scanner.take();
        }
        self.tags.clear();
        self.state = State::DocumentStart;
        Ok((Event::DocumentEnd, start))
    }

    fn directives(&mut self) -> Result<(), ReadError> {
        let mut version = false;
        loop {
            let (kind, start, _) = self.peek()?;
            match kind {
                Kind::Version(..) if version => return error(0, start, "found duplicate %YAML directive"),
                Kind::Version(1, 1) => version = true,
                Kind::Version(..) => return error(0, start, "found incompatible YAML document"),
                Kind::TagDirective(tag) => {
                    let (handle, prefix) = tag.as_ref().clone();
                    if self.tags.insert(handle, prefix).is_some() {
                        return error(0, start, "found duplicate %TAG directive");
                    }
                }
                _ => break,
            }
            self.scanner.take();
        }
        for (handle, prefix) in [(&b"!"[..], &b"!"[..]), (b"!!", b"tag:yaml.org,2002:")] {
            self.tags.entry(Cow::Borrowed(handle)).or_insert(Cow::Borrowed(prefix));
        }
        Ok(())
    }

    pub(super) fn node(&mut self, block: bool, indentless: bool) -> Step<'a> {
        let (kind, start, _) = self.peek()?;
        if matches!(kind, Kind::Alias(_)) {
            let taken = self.scanner.take();
            self.pop();
            let Some(Token { kind: Kind::Alias(name), .. }) = taken else { return Err(ReadError::said("unknown token")) };
            return Ok((Event::Alias(name), start));
        }
        let (anchor, tag) = self.properties(start)?;
        let (kind, at, _) = self.peek()?;
        let (state, event) = match kind {
            Kind::BlockEntry if indentless => (State::IndentlessSequence, Event::SequenceStart(anchor)),
            Kind::Scalar(..) => {
                let taken = self.scanner.take();
                self.pop();
                let Some(Token { kind: Kind::Scalar(value, plain), .. }) = taken else { return Err(ReadError::said("unknown token")) };
                let implicit = (tag.is_empty() && plain) || tag.as_ref() == b"!";
                return Ok((Event::Scalar { anchor, tag, value, implicit }, start));
            }
            Kind::FlowSequenceStart => (State::FlowSequenceFirst, Event::SequenceStart(anchor)),
            Kind::FlowMappingStart => (State::FlowMappingFirst, Event::MappingStart(anchor)),
            Kind::BlockSequenceStart if block => (State::BlockSequenceFirst, Event::SequenceStart(anchor)),
            Kind::BlockMappingStart if block => (State::BlockMappingFirst, Event::MappingStart(anchor)),
            _ if anchor.is_some() || !tag.is_empty() => {
                self.pop();
                let implicit = tag.is_empty();
                return Ok((Event::Scalar { anchor, tag, value: Cow::Borrowed(b""), implicit }, start));
            }
            _ => return error(start, at, "did not find expected node content"),
        };
        self.state = state;
        Ok((event, start))
    }

    /// A node's anchor and tag, in either order.
    fn properties(&mut self, start: usize) -> Result<(Option<Text<'a>>, Text<'a>), ReadError> {
        let (mut anchor, mut tag, mut tag_at) = (None, None, 0);
        loop {
            let (kind, at, _) = self.peek()?;
            match kind {
                Kind::Anchor(name) if anchor.is_none() => anchor = Some(name.clone()),
                Kind::Tag(it) if tag.is_none() => {
                    tag = Some(it.as_ref().clone());
                    tag_at = at;
                }
                _ => break,
            }
            self.scanner.take();
        }
        let tag = match tag {
            None => Cow::Borrowed(&b""[..]),
            Some((handle, suffix)) if handle.is_empty() => suffix,
            Some((handle, suffix)) => {
                let prefix = self.tags.get(&handle);
                let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty() || !suffix.is_empty()) else {
                    return error(start, tag_at, "found undefined tag handle");
                };
                let tag = [prefix.as_ref(), &suffix].concat();
                self.made = self.made.saturating_add(tag.len());
                Cow::Owned(tag)
            }
        };
        Ok((anchor, tag))
    }
}
