//! Which token begins at a place, and the tokens that are only marks.

use super::{
    ReadError,
    bytes::{is_blank, is_blankz},
    scanner::{Kind, Scanner},
};

impl Scanner<'_> {
    /// Makes the token that begins here.
    pub(super) fn fetch_at(&mut self) -> Result<(), ReadError> {
        let rest = self.rest();
        let Some(&first) = rest.first().filter(|byte| **byte != 0) else { return self.fetch_stream_end() };
        if self.mark.column == 0 {
            if first == b'%' {
                return self.fetch_directive();
            }
            if rest.starts_with(b"---") && is_blankz(&rest[3..]) {
                return self.fetch_document_indicator(Kind::DocumentStart);
            }
            if rest.starts_with(b"...") && is_blankz(&rest[3..]) {
                return self.fetch_document_indicator(Kind::DocumentEnd);
            }
        }
        let in_flow = self.flow_level > 0;
        let blank_after = is_blankz(&rest[1..]);
        match first {
            b'[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(Kind::FlowMappingStart),
            b']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if blank_after => self.fetch_block_entry(),
            b'?' if in_flow || blank_after => self.fetch_key(),
            b':' if in_flow || blank_after => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(first == b'*'),
            b'!' => self.fetch_tag(),
            b'|' | b'>' if !in_flow => self.fetch_block_scalar(first == b'|'),
            b'\'' | b'"' => self.fetch_quoted_scalar(first == b'\''),
            b'-' if !rest.get(1).copied().is_some_and(is_blank) => self.fetch_plain_scalar(),
            b'?' | b':' if !in_flow => self.fetch_plain_scalar(),
            b'-' | b'?' | b':' | b'#' | b'|' | b'>' | b'%' | b'@' | b'`' => self.no_token(),
            _ if is_blankz(rest) => self.no_token(),
            _ => self.fetch_plain_scalar(),
        }
    }

    fn no_token(&self) -> Result<(), ReadError> {
        self.error(self.mark, "found character that cannot start any token")
    }

    fn fetch_stream_end(&mut self) -> Result<(), ReadError> {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(Kind::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), ReadError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_directive()
    }

    fn fetch_document_indicator(&mut self, kind: Kind<'static>) -> Result<(), ReadError> {
        self.unroll_indent(-1);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: Kind<'static>) -> Result<(), ReadError> {
        self.save_simple_key()?;
        self.increase_flow_level()?;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind<'static>) -> Result<(), ReadError> {
        self.remove_simple_key()?;
        self.decrease_flow_level();
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), ReadError> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::FlowEntry, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), ReadError> {
        // in a flow collection it is the parser that complains
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error(self.mark, "block sequence entries are not allowed in this context");
            }
            self.roll_indent(self.mark, None, Kind::BlockSequenceStart)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), ReadError> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error(self.mark, "mapping keys are not allowed in this context");
            }
            self.roll_indent(self.mark, None, Kind::BlockMappingStart)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(Kind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), ReadError> {
        if self.claim_simple_key()? {
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.error(self.mark, "mapping values are not allowed in this context");
                }
                self.roll_indent(self.mark, None, Kind::BlockMappingStart)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(Kind::Value, 1);
        Ok(())
    }

    fn fetch_anchor(&mut self, alias: bool) -> Result<(), ReadError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_anchor(alias)
    }

    fn fetch_tag(&mut self) -> Result<(), ReadError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_tag()
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), ReadError> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.scan_block_scalar(literal)
    }

    fn fetch_quoted_scalar(&mut self, single: bool) -> Result<(), ReadError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_quoted_scalar(single)
    }

    fn fetch_plain_scalar(&mut self) -> Result<(), ReadError> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        self.scan_plain_scalar()
    }
}
