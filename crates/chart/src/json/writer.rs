//! Writing JSON.

use super::{Shape, shape};
use crate::{
    budget::Budget,
    format,
    function::Fault,
    value::{Data, Str, Value},
};

/// `json.Marshal`: on one line, with `<`, `>` and `&` escaped.
pub fn write(value: &Value, budget: &mut Budget) -> Result<Str, Fault> {
    Writer::new(budget, true, false).whole(value)
}

/// `json.MarshalIndent` with two spaces.
pub fn pretty(value: &Value, budget: &mut Budget) -> Result<Str, Fault> {
    Writer::new(budget, true, true).whole(value)
}

/// On one line, with `<`, `>` and `&` as they are.
pub fn raw(value: &Value, budget: &mut Budget) -> Result<Str, Fault> {
    Writer::new(budget, false, false).whole(value)
}

/// `json.Marshal` of plain data.
pub fn write_data(data: &Data, budget: &mut Budget) -> Result<Str, Fault> {
    write(&Value::from(data), budget)
}

struct Writer<'b> {
    budget: &'b mut Budget,
    out: Vec<u8>,
    /// How much of the output is paid for.
    paid: usize,
    html: bool,
    indent: bool,
    depth: usize,
}

impl<'b> Writer<'b> {
    fn new(budget: &'b mut Budget, html: bool, indent: bool) -> Self {
        Self { budget, out: Vec::new(), paid: 0, html, indent, depth: 0 }
    }

    fn whole(mut self, value: &Value) -> Result<Str, Fault> {
        let written = self.value(value);
        for _ in 0..self.depth {
            self.budget.leave();
        }
        written.map(|()| self.out.into())
    }

    fn value(&mut self, value: &Value) -> Result<(), Fault> {
        match shape(value, self.budget)? {
            Shape::List(items) => self.list(items)?,
            Shape::Map(entries) => self.map(entries)?,
            leaf => self.leaf(&leaf)?,
        }
        self.budget.make(self.out.len() - self.paid)?;
        self.paid = self.out.len();
        Ok(())
    }

    // apart from what goes deeper: a level takes as little of the stack as can be
    fn leaf(&mut self, leaf: &Shape<'_>) -> Result<(), Fault> {
        match leaf {
            Shape::Bool(it) => self.out.extend_from_slice(if *it { b"true" } else { b"false" }),
            Shape::Int(it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Shape::Uint(it) => self.out.extend_from_slice(it.to_string().as_bytes()),
            Shape::Float(it) => self.out.extend_from_slice(float_text(*it).as_bytes()),
            Shape::Text(text) => self.text(text)?,
            Shape::Null | Shape::List(_) | Shape::Map(_) => self.out.extend_from_slice(b"null"),
        }
        Ok(())
    }

    fn list(&mut self, items: &[Value]) -> Result<(), Fault> {
        self.open(b'[')?;
        let mut another = false;
        for item in items {
            self.separate(another);
            another = true;
            self.value(item)?;
        }
        self.close(b']', !another);
        Ok(())
    }

    fn map(&mut self, entries: Vec<(Str, Value)>) -> Result<(), Fault> {
        self.open(b'{')?;
        let mut another = false;
        for (key, value) in &entries {
            self.separate(another);
            another = true;
            self.key(key)?;
            self.value(value)?;
        }
        self.close(b'}', !another);
        Ok(())
    }

    fn key(&mut self, key: &Str) -> Result<(), Fault> {
        self.text(key)?;
        self.out.extend_from_slice(if self.indent { b": " } else { b":" });
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), Fault> {
        self.budget.enter()?;
        self.depth += 1;
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8, empty: bool) {
        self.depth -= 1;
        self.budget.leave();
        if !empty {
            self.line();
        }
        self.out.push(bracket);
    }

    fn separate(&mut self, another: bool) {
        if another {
            self.out.push(b',');
        }
        self.line();
    }

    fn line(&mut self) {
        if self.indent {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * self.depth, b' ');
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Fault> {
        // a letter may become six
        self.budget.make(text.len())?;
        self.out.push(b'"');
        for part in text.utf8_chunks() {
            self.valid_text(part.valid());
            for _ in part.invalid() {
                self.out.extend_from_slice(b"\\ufffd");
            }
        }
        self.out.push(b'"');
        Ok(())
    }

    fn valid_text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut done = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let escape = match byte {
                b'"' => "\\\"".to_owned(),
                b'\\' => "\\\\".to_owned(),
                0x08 => "\\b".to_owned(),
                0x0C => "\\f".to_owned(),
                b'\n' => "\\n".to_owned(),
                b'\r' => "\\r".to_owned(),
                b'\t' => "\\t".to_owned(),
                0..0x20 => format!("\\u{byte:04x}"),
                b'<' | b'>' | b'&' if self.html => format!("\\u{byte:04x}"),
                // line and paragraph separators, which JavaScript does not take in a text
                0xE2 => match bytes.get(at + 1..at + 3) {
                    Some([0x80, last @ (0xA8 | 0xA9)]) => format!("\\u20{:x}", last - 0x80),
                    _ => continue,
                },
                _ => continue,
            };
            self.out.extend_from_slice(bytes.get(done..at).unwrap_or(&[]));
            self.out.extend_from_slice(escape.as_bytes());
            done = at + if *byte == 0xE2 { 3 } else { 1 };
        }
        self.out.extend_from_slice(bytes.get(done..).unwrap_or(&[]));
    }
}

/// A finite number as Go's JSON has it: with an exponent where it is very small or very large.
pub(crate) fn float_text(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format::float(number, 'f', None);
    }
    // the exponent has no zero in front
    let text = format::float(number, 'e', None);
    match text.split_once("e-0") {
        Some((digits, exponent)) => format!("{digits}e-{exponent}"),
        None => text,
    }
}
