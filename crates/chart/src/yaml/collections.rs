//! The entries of sequences and mappings, in blocks and in brackets.

use super::{
    parser::{Event, Parser, State, Step, empty},
    scanner::Kind,
};

impl<'a> Parser<'a> {
    pub(super) fn block_sequence(&mut self) -> Step<'a> {
        let (kind, start, end) = self.peek()?;
        match kind {
            Kind::BlockEntry => {
                let (kind, ..) = self.advance()?;
                if matches!(kind, Kind::BlockEntry | Kind::BlockEnd) {
                    self.state = State::BlockSequence;
                    return empty(end);
                }
                self.states.push(State::BlockSequence);
                self.node(true, false)
            }
            Kind::BlockEnd => self.close(Event::SequenceEnd, start),
            _ => self.unexpected(start, "did not find expected '-' indicator"),
        }
    }

    pub(super) fn indentless_sequence(&mut self) -> Step<'a> {
        let (kind, start, end) = self.peek()?;
        if !matches!(kind, Kind::BlockEntry) {
            self.pop();
            return Ok((Event::SequenceEnd, start));
        }
        let (kind, ..) = self.advance()?;
        if matches!(kind, Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd) {
            self.state = State::IndentlessSequence;
            return empty(end);
        }
        self.states.push(State::IndentlessSequence);
        self.node(true, false)
    }

    pub(super) fn block_mapping_key(&mut self) -> Step<'a> {
        let (kind, start, end) = self.peek()?;
        match kind {
            Kind::Key => {
                let (kind, ..) = self.advance()?;
                if matches!(kind, Kind::Key | Kind::Value | Kind::BlockEnd) {
                    self.state = State::BlockMappingValue;
                    return empty(end);
                }
                self.states.push(State::BlockMappingValue);
                self.node(true, true)
            }
            Kind::BlockEnd => self.close(Event::MappingEnd, start),
            _ => self.unexpected(start, "did not find expected key"),
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Step<'a> {
        let (kind, start, end) = self.peek()?;
        if !matches!(kind, Kind::Value) {
            self.state = State::BlockMappingKey;
            return empty(start);
        }
        let (kind, ..) = self.advance()?;
        if matches!(kind, Kind::Key | Kind::Value | Kind::BlockEnd) {
            self.state = State::BlockMappingKey;
            return empty(end);
        }
        self.states.push(State::BlockMappingKey);
        self.node(true, true)
    }

    pub(super) fn flow_sequence(&mut self, first: bool) -> Step<'a> {
        let (mut kind, mut start, _) = self.peek()?;
        if !matches!(kind, Kind::FlowSequenceEnd) {
            if !first {
                if !matches!(kind, Kind::FlowEntry) {
                    return self.unexpected(start, "did not find expected ',' or ']'");
                }
                (kind, start, _) = self.advance()?;
            }
            match kind {
                Kind::Key => {
                    self.state = State::FlowPairKey;
                    self.scanner.take();
                    return Ok((Event::MappingStart(None), start));
                }
                Kind::FlowSequenceEnd => {}
                _ => {
                    self.states.push(State::FlowSequence);
                    return self.node(false, false);
                }
            }
        }
        self.close(Event::SequenceEnd, start)
    }

    pub(super) fn flow_pair_key(&mut self) -> Step<'a> {
        let (kind, _, end) = self.peek()?;
        if matches!(kind, Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd) {
            self.scanner.take();
            self.state = State::FlowPairValue;
            return empty(end);
        }
        self.states.push(State::FlowPairValue);
        self.node(false, false)
    }

    pub(super) fn flow_pair_value(&mut self) -> Step<'a> {
        let (mut kind, start, _) = self.peek()?;
        if matches!(kind, Kind::Value) {
            (kind, ..) = self.advance()?;
            if !matches!(kind, Kind::FlowEntry | Kind::FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(false, false);
            }
        }
        self.state = State::FlowPairEnd;
        empty(start)
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Step<'a> {
        let (mut kind, mut start, _) = self.peek()?;
        if !matches!(kind, Kind::FlowMappingEnd) {
            if !first {
                if !matches!(kind, Kind::FlowEntry) {
                    return self.unexpected(start, "did not find expected ',' or '}'");
                }
                (kind, start, _) = self.advance()?;
            }
            match kind {
                Kind::Key => {
                    let (kind, at, _) = self.advance()?;
                    if matches!(kind, Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd) {
                        self.state = State::FlowMappingValue;
                        return empty(at);
                    }
                    self.states.push(State::FlowMappingValue);
                    return self.node(false, false);
                }
                Kind::FlowMappingEnd => {}
                _ => {
                    self.states.push(State::FlowMappingEmptyValue);
                    return self.node(false, false);
                }
            }
        }
        self.close(Event::MappingEnd, start)
    }

    pub(super) fn flow_mapping_value(&mut self) -> Step<'a> {
        let (mut kind, mut start, _) = self.peek()?;
        if matches!(kind, Kind::Value) {
            (kind, start, _) = self.advance()?;
            if !matches!(kind, Kind::FlowEntry | Kind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(false, false);
            }
        }
        self.state = State::FlowMappingKey;
        empty(start)
    }
}
