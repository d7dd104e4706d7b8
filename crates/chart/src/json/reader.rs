//! Reading JSON, with Go's texts of errors.

use thiserror::Error;

use crate::{
    budget::{Budget, Exhausted, Limits},
    function::Fault,
    value::{Data, Table},
};

/// How deep Go reads.
const DEPTH: usize = 10_000;

/// Why a text was not read. The text is Go's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It is wrong.
    #[error("{0}")]
    Said(String),
    /// It is too much.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

impl Refusal {
    fn said(text: impl Into<String>) -> Self {
        Self::Said(text.into())
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Said(text) => Self::said(text),
            Refusal::Limit(limit) => Self::Limit(limit),
        }
    }
}

/// Reads a text; each number is a [`Data::Float`].
pub fn read(text: &[u8]) -> Result<Data, Refusal> {
    match read_within(text, &mut Budget::new(Limits::default()))? {
        (data, None) => Ok(data),
        (_, Some(objection)) => Err(Refusal::Said(objection)),
    }
}

/// Reads a text that is an object, or `null`, which is an empty one.
pub fn read_table(text: &[u8]) -> Result<Table, Refusal> {
    match read(text)? {
        Data::Map(table) => Ok(table),
        Data::Null => Ok(Table::new()),
        other => Err(Refusal::Said(wrong_kind(&other, "map[string]interface {}"))),
    }
}

/// What Go says of a value that is not of the type it should be.
pub(crate) fn wrong_kind(data: &Data, ty: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {ty}", super::kind(data))
}

/// Reads a text within a budget. Go reads on behind a number that is too large, leaves `null` there and objects at the end; so the
/// data comes with that objection.
pub fn read_within(text: &[u8], budget: &mut Budget) -> Result<(Data, Option<String>), Refusal> {
    budget.scan(text.len())?;
    let mut reader = Reader { text, at: 0, depth: 0, budget, objection: None };
    let read = reader.document();
    let Reader { depth, objection, budget, .. } = reader;
    for _ in 0..depth {
        budget.leave();
    }
    Ok((read?, objection))
}

/// Reads the value that a text begins with, as Go's `Decoder` does; and how long it is.
pub fn read_first(text: &[u8], budget: &mut Budget) -> Result<(Data, usize), Refusal> {
    let (read, at) = read_front(text, budget);
    read.map(|data| (data, at))
}

/// The same, with the place that it stopped at: behind the value, or at what is wrong.
pub(crate) fn read_front(text: &[u8], budget: &mut Budget) -> (Result<Data, Refusal>, usize) {
    let mut reader = Reader { text, at: 0, depth: 0, budget, objection: None };
    let read = reader.value();
    let Reader { at, depth, objection, budget, .. } = reader;
    for _ in 0..depth {
        budget.leave();
    }
    let read = match (read, objection) {
        (Err(Refusal::Said(_)), _) if at >= text.len() => Err(Refusal::said("unexpected EOF")),
        (Ok(_), Some(objection)) => Err(Refusal::Said(objection)),
        (read, _) => read,
    };
    (budget.scan(at).map_err(Refusal::from).and(read), at)
}

struct Reader<'t, 'b> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    budget: &'b mut Budget,
    objection: Option<String>,
}

impl Reader<'_, '_> {
    fn document(&mut self) -> Result<Data, Refusal> {
        let data = self.value()?;
        self.skip_blanks();
        if self.at < self.text.len() {
            return self.error("after top-level value");
        }
        Ok(data)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The byte that stands here is wrong, or there is none.
    fn error<T>(&self, context: &str) -> Result<T, Refusal> {
        // Go tries a space at the end, which is wrong within a number, a word and an escape
        let within = ["in numeric", "in literal", "in string escape", "in \\u", "in exponent", "after decimal"];
        let byte = match self.peek() {
            Some(byte) => byte,
            None if within.iter().any(|start| context.starts_with(start)) => b' ',
            None => return Err(Refusal::said("unexpected end of JSON input")),
        };
        Err(Refusal::Said(format!("invalid character {} {context}", quoted(byte))))
    }

    fn value(&mut self) -> Result<Data, Refusal> {
        self.budget.step(1)?;
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Data::Text(self.string()?.into())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Data::Bool(true)),
            Some(b'f') => self.word("false", Data::Bool(false)),
            Some(b'n') => self.word("null", Data::Null),
            _ => self.error("looking for beginning of value"),
        }
    }

    fn word(&mut self, word: &str, data: Data) -> Result<Data, Refusal> {
        for (place, letter) in word.bytes().enumerate() {
            if self.peek() != Some(letter) {
                debug_assert!(place > 0, "the first letter chose the word");
                return self.error(&format!("in literal {word} (expecting '{}')", char::from(letter)));
            }
            self.at += 1;
        }
        Ok(data)
    }

    fn enter(&mut self) -> Result<(), Refusal> {
        if self.depth == DEPTH {
            return self.error("exceeded max depth");
        }
        self.budget.enter()?;
        self.depth += 1;
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
        self.budget.leave();
    }

    fn object(&mut self) -> Result<Data, Refusal> {
        self.enter()?;
        let mut table = Table::new();
        if self.peek() == Some(b'}') {
            self.leave();
            return Ok(Data::Map(table));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return self.error("looking for beginning of object key string");
            }
            let key = self.string()?;
            self.skip_blanks();
            if self.peek() != Some(b':') {
                return self.error("after object key");
            }
            self.at += 1;
            self.budget.make(size_of::<Data>() + size_of::<usize>() * 2)?;
            let value = self.value()?;
            table.insert(key.into(), value);
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.error("after object key:value pair"),
            }
        }
        self.leave();
        Ok(Data::Map(table))
    }

    fn array(&mut self) -> Result<Data, Refusal> {
        self.enter()?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(Data::List(items));
        }
        loop {
            self.budget.make(size_of::<Data>())?;
            items.push(self.value()?);
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.error("after array element"),
            }
        }
        self.leave();
        Ok(Data::List(items))
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// At least one digit.
    fn some_digits(&mut self, context: &str) -> Result<(), Refusal> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.error(context);
        }
        self.digits();
        Ok(())
    }

    fn number(&mut self) -> Result<Data, Refusal> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.some_digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        let text = self.text.get(from..self.at).map(String::from_utf8_lossy).unwrap_or_default();
        match text.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Data::Float(number)),
            _ => {
                self.objection.get_or_insert_with(|| format!("json: cannot unmarshal number {text} into Go value of type float64"));
                Ok(Data::Null)
            }
        }
    }

    /// The text of a string that begins here.
    fn string(&mut self) -> Result<Vec<u8>, Refusal> {
        self.at += 1;
        let from = self.at;
        let mut made = Vec::new();
        let mut done = from;
        loop {
            match self.peek() {
                None | Some(0..0x20) => return self.error("in string literal"),
                Some(b'"') => break,
                Some(b'\\') => {
                    made.extend_from_slice(self.text.get(done..self.at).unwrap_or(&[]));
                    self.escape(&mut made)?;
                    done = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
        made.extend_from_slice(self.text.get(done..self.at).unwrap_or(&[]));
        self.at += 1;
        self.budget.make(made.len())?;
        if std::str::from_utf8(&made).is_ok() { Ok(made) } else { Ok(super::replace_invalid(&made).into_bytes()) }
    }

    fn escape(&mut self, made: &mut Vec<u8>) -> Result<(), Refusal> {
        self.at += 1;
        let letter = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode(made);
            }
            _ => return self.error("in string escape code"),
        };
        made.push(letter);
        self.at += 1;
        Ok(())
    }

    /// Four digits, and four more where they are half of a letter.
    fn unicode(&mut self, made: &mut Vec<u8>) -> Result<(), Refusal> {
        let code = self.hex()?;
        let mut letter = char::from_u32(code);
        if matches!(code, 0xD800..=0xDBFF) && self.text.get(self.at..self.at + 2) == Some(b"\\u") {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if matches!(low, 0xDC00..=0xDFFF) {
                letter = char::from_u32(0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00));
            } else {
                // it is a letter of its own
                self.at = back;
            }
        }
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        made.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, Refusal> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.error("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// A byte as Go shows it: as the letter of that code.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => r#"'"'"#.to_owned(),
        _ => {
            let text = crate::format::quoted(char::from(byte).encode_utf8(&mut [0; 2]).as_bytes());
            format!("'{}'", text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&text))
        }
    }
}
