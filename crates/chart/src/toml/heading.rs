//! Headings and keys: the names that stand in brackets or before a `=`.

use super::{
    cursor::{END, Step, shown},
    key,
    read::{Reader, path},
};
use crate::value::Str;

impl Reader<'_, '_> {
    /// `[name]` or `[[name]]`, of which the first bracket was taken.
    pub(super) fn heading(&mut self) -> Step<()> {
        let many = self.cursor.peek()? == '[';
        if many {
            self.cursor.next()?;
        }
        let mut name: Vec<Str> = Vec::new();
        loop {
            self.cursor.skip_blanks()?;
            match self.cursor.peek()? {
                ']' | END => return self.cursor.error("unexpected end of table name (table names cannot be empty)"),
                '.' => return self.cursor.error("unexpected table separator (table names cannot be empty)"),
                _ => {
                    let part = self.name_part(name.is_empty())?;
                    name.push(part);
                }
            }
            self.cursor.skip_blanks()?;
            match self.cursor.next()? {
                '.' => {}
                ']' => break,
                letter => {
                    return self.cursor.error(format!("expected '.' or ']' to end table name, but got {} instead", shown(letter)));
                }
            }
        }
        if many {
            let letter = self.cursor.next()?;
            if letter != ']' {
                let letter = shown(letter);
                return self.cursor.error(format!("expected end of table array name delimiter ']', but got {letter} instead"));
            }
        }
        self.add_context(&name, many)?;
        let context = std::mem::take(&mut self.context);
        self.arrays.remove(&path(&context));
        self.at(context, Str::default());
        Ok(())
    }

    /// A part of a name: in quotes, or of letters that need none.
    fn name_part(&mut self, first: bool) -> Step<Str> {
        let place = self.cursor.place();
        let part = match self.cursor.next()? {
            quote @ ('"' | '\'') => self.cursor.text(quote, false)?,
            _ => {
                self.cursor.back_to(place);
                self.cursor.take_while(|letter| u8::try_from(letter).is_ok_and(key::is_bare))?;
                self.cursor.since(place).to_vec()
            }
        };
        if first {
            self.key_line = self.cursor.line;
        }
        self.budget.make(part.len())?;
        Ok(part.into())
    }

    /// The parts of a key, up to its `=`.
    pub(super) fn key(&mut self) -> Step<Vec<Str>> {
        self.cursor.skip_blanks()?;
        match self.cursor.peek()? {
            '=' | END => return self.cursor.error("unexpected '=': key name appears blank"),
            '.' => return self.cursor.error("unexpected '.': keys cannot start with a '.'"),
            _ => {}
        }
        let mut key: Vec<Str> = Vec::new();
        loop {
            self.cursor.skip_blanks()?;
            match self.cursor.peek()? {
                '=' | END => return self.cursor.error("unexpected '='"),
                '.' => return self.cursor.error("unexpected '.'"),
                _ => {
                    let part = self.name_part(key.is_empty())?;
                    key.push(part);
                }
            }
            self.cursor.skip_blanks()?;
            match self.cursor.next()? {
                END => return self.cursor.error("unexpected EOF; expected key separator '='"),
                '.' => {}
                '=' => return Ok(key),
                letter => {
                    let message = format!("expected '.' or '=', but got {} instead", shown(letter));
                    return if letter == '\n' { self.cursor.error_before(message) } else { self.cursor.error(message) };
                }
            }
        }
    }
}
