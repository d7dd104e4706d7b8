//! Implicit keys: a key is only known for one when its `:` comes, so that its place is kept until then.

use super::{
    ReadError,
    scanner::{Kind, Mark, Scanner, Token},
};

/// How many letters an implicit key may have up to its `:`.
const KEY_LENGTH: usize = 1_024;

/// Where an implicit key may have begun.
#[derive(Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub(super) possible: bool,
    pub(super) required: bool,
    pub(super) token: usize,
    pub(super) mark: Mark,
}

impl Scanner<'_> {
    pub(super) fn is_key_valid(&mut self, level: usize) -> Result<bool, ReadError> {
        let mark = self.mark;
        let Some(key) = self.simple_keys.get_mut(level) else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < mark.line || key.mark.index + KEY_LENGTH < mark.index {
            if key.required {
                let at = key.mark;
                return self.error(at, "could not find expected ':'");
            }
            key.possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    /// Notes that a key may begin here.
    pub(super) fn save_simple_key(&mut self) -> Result<(), ReadError> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.mark.column.cast_signed();
        let key = SimpleKey { possible: true, required, token: self.taken + self.tokens.len(), mark: self.mark };
        self.remove_simple_key()?;
        let level = self.simple_keys.len().saturating_sub(1);
        if let Some(last) = self.simple_keys.last_mut() {
            *last = key;
        }
        match self.keys_by_token.binary_search_by_key(&key.token, |(token, _)| *token) {
            Ok(found) => self.keys_by_token[found].1 = level,
            Err(place) => self.keys_by_token.insert(place, (key.token, level)),
        }
        Ok(())
    }

    /// No key begins on this level after all.
    pub(super) fn remove_simple_key(&mut self) -> Result<(), ReadError> {
        let Some(last) = self.simple_keys.last_mut() else { return Ok(()) };
        if !last.possible {
            return Ok(());
        }
        let key = *last;
        if key.required {
            return self.error(key.mark, "could not find expected ':'");
        }
        last.possible = false;
        self.forget_token(key.token);
        Ok(())
    }

    pub(super) fn forget_token(&mut self, token: usize) {
        if let Ok(found) = self.keys_by_token.binary_search_by_key(&token, |(token, _)| *token) {
            self.keys_by_token.remove(found);
        }
    }

    /// Makes a key of what began on this level, if it can be one.
    pub(super) fn claim_simple_key(&mut self) -> Result<bool, ReadError> {
        let level = self.simple_keys.len().saturating_sub(1);
        if !self.is_key_valid(level)? {
            return Ok(false);
        }
        let Some(last) = self.simple_keys.last_mut() else { return Ok(false) };
        let key = *last;
        last.possible = false;
        self.insert(key.token, Token { kind: Kind::Key, start: key.mark.line, end: key.mark.line });
        self.roll_indent(key.mark, Some(key.token), Kind::BlockMappingStart)?;
        self.forget_token(key.token);
        Ok(true)
    }
}
