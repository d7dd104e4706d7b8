//! Writing TOML.

use super::key;
use crate::{
    budget::Budget,
    format,
    function::Fault,
    functions::dates,
    json::text_of,
    value::{DURATION, Str, Struct, Value},
};

/// A value as a TOML document, or Go's text of why it is none.
pub fn write(value: &Value, budget: &mut Budget) -> Result<Str, Fault> {
    if matches!(value, Value::Nil) {
        // not an error of the library, but a panic in it
        return Err(Fault::said("reflect: call of reflect.Value.Type on zero Value"));
    }
    let mut writer = Writer { budget, out: Vec::new(), paid: 0, depth: 0 };
    let written = writer.encode(&mut Vec::new(), value);
    for _ in 0..writer.depth {
        writer.budget.leave();
    }
    written.map(|()| writer.out.into())
}

/// What a value is to TOML, as far as it decides the place and the form in which it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is left out.
    Nothing,
    Table,
    Tables,
    Array,
    Plain,
}

impl Kind {
    /// Whether it has a heading of its own.
    fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Tables)
    }
}

fn unsupported(key: &[Str]) -> Fault {
    let mut path = Vec::new();
    key::path(&mut path, key.iter().map(Str::as_bytes));
    Fault::said([b"unsupported type for key '", path.as_slice(), b"': complex128"].concat())
}

struct Writer<'b> {
    budget: &'b mut Budget,
    out: Vec<u8>,
    /// How much of the output is paid for.
    paid: usize,
    depth: u32,
}

impl Writer<'_> {
    fn enter(&mut self) -> Result<(), Fault> {
        self.budget.enter()?;
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.budget.leave();
    }

    fn pay(&mut self) -> Result<(), Fault> {
        self.budget.make(self.out.len() - self.paid)?;
        self.paid = self.out.len();
        Ok(())
    }

    fn put(&mut self, text: impl AsRef<[u8]>) {
        self.out.extend_from_slice(text.as_ref());
    }

    /// A line feed, unless nothing stands before it.
    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[Str]) {
        self.out.resize(self.out.len() + 2 * key.len().saturating_sub(1), b' ');
    }

    /// What a value is. A list is looked into, lists in it too: nothing in it may be nil.
    fn kind(&mut self, value: &Value) -> Result<Kind, Fault> {
        self.budget.step(1)?;
        Ok(match value {
            Value::Nil => Kind::Nothing,
            Value::List(list) if list.is_nil() => Kind::Nothing,
            Value::Map(map) if map.is_nil() => Kind::Nothing,
            Value::Map(_) => Kind::Table,
            Value::Struct(it) if text_of(it).is_none() => Kind::Table,
            Value::Complex(..) => return Err(Fault::said("unsupported type: complex128")),
            Value::Bytes(_) => Kind::Array,
            Value::List(list) => {
                self.enter()?;
                let mut tables = !list.items().is_empty();
                for item in list.items() {
                    match self.kind(item)? {
                        Kind::Nothing => return Err(Fault::said("toml: cannot encode array with nil element")),
                        kind => tables &= kind == Kind::Table,
                    }
                }
                self.leave();
                if tables { Kind::Tables } else { Kind::Array }
            }
            _ => Kind::Plain,
        })
    }

    /// Writes a value below a key; the document itself has none.
    fn encode(&mut self, key: &mut Vec<Str>, value: &Value) -> Result<(), Fault> {
        self.enter()?;
        match value {
            Value::Complex(..) => return Err(unsupported(key)),
            Value::Nil => {}
            Value::Map(map) if map.is_nil() => {}
            Value::Map(_) => self.table(key, value)?,
            Value::Struct(it) if text_of(it).is_none() => self.table(key, value)?,
            Value::List(list) => match self.kind(value)? {
                Kind::Tables => self.tables(key, list.items())?,
                _ => self.line(key, value)?,
            },
            _ => self.line(key, value)?,
        }
        self.leave();
        self.pay()
    }

    /// `key = value` and the end of the line.
    fn line(&mut self, key: &[Str], value: &Value) -> Result<(), Fault> {
        let Some(last) = key.last() else { return self.element(value) };
        self.indent(key);
        key::part(&mut self.out, last);
        self.put(" = ");
        self.element(value)?;
        self.new_line();
        Ok(())
    }

    fn heading(&mut self, key: &[Str], open: &str, close: &str) {
        self.indent(key);
        self.put(open);
        key::path(&mut self.out, key.iter().map(Str::as_bytes));
        self.put(close);
        self.new_line();
    }

    fn table(&mut self, key: &mut Vec<Str>, value: &Value) -> Result<(), Fault> {
        if key.len() == 1 {
            self.new_line();
        }
        if !key.is_empty() {
            self.heading(key, "[", "]");
        }
        self.entries(key, value)
    }

    fn tables(&mut self, key: &mut Vec<Str>, items: &[Value]) -> Result<(), Fault> {
        if key.is_empty() {
            return Err(Fault::said("toml: top-level values must be Go maps or structs"));
        }
        for item in items {
            self.new_line();
            self.heading(key, "[[", "]]");
            self.entries(key, item)?;
        }
        Ok(())
    }

    /// What a table holds: first what stands on lines of its own, then what has headings.
    fn sorted(&mut self, value: &Value) -> Result<Vec<(Str, Value)>, Fault> {
        let all = match value {
            Value::Map(map) => {
                self.budget.make(map.len() * size_of::<(Str, Value)>())?;
                map.entries()
            }
            Value::Struct(it) => {
                let mut fields = Vec::new();
                add_fields(it, &mut fields);
                fields
            }
            _ => Vec::new(),
        };
        let (mut direct, mut below) = (Vec::new(), Vec::new());
        for (key, value) in all {
            let kind = self.kind(&value)?;
            if kind.is_table() { &mut below } else { &mut direct }.push((key, value));
        }
        direct.append(&mut below);
        Ok(direct)
    }

    fn entries(&mut self, key: &mut Vec<Str>, value: &Value) -> Result<(), Fault> {
        let entries = self.sorted(value)?;
        for (name, value) in entries {
            if self.kind(&value)? == Kind::Nothing {
                continue;
            }
            key.push(name);
            self.encode(key, &value)?;
            key.pop();
        }
        Ok(())
    }

    /// A value on a line.
    fn element(&mut self, value: &Value) -> Result<(), Fault> {
        self.budget.step(1)?;
        match value {
            Value::List(list) => self.list(list.items())?,
            Value::Map(_) => self.inline(value)?,
            Value::Struct(it) if text_of(it).is_none() => self.inline(value)?,
            leaf => self.leaf(leaf)?,
        }
        self.pay()
    }

    fn list(&mut self, items: &[Value]) -> Result<(), Fault> {
        self.enter()?;
        self.put("[");
        let mut another = false;
        for item in items {
            if another {
                self.put(", ");
            }
            another = true;
            self.element(item)?;
        }
        self.put("]");
        self.leave();
        Ok(())
    }

    // apart from what goes deeper: a level takes as little of the stack as can be
    fn leaf(&mut self, leaf: &Value) -> Result<(), Fault> {
        match leaf {
            Value::Bool(it) => self.put(if *it { "true" } else { "false" }),
            Value::Int(it, ty) if *ty == &DURATION => key::quoted(&mut self.out, format::duration(*it).as_bytes()),
            Value::Int(it, _) => self.put(it.to_string()),
            Value::Uint(it, _) => self.put(it.to_string()),
            Value::Float(it) => self.put(float(*it)),
            Value::Str(it) => self.quoted(it)?,
            Value::Bytes(it) => {
                self.budget.make(it.len().saturating_mul(5))?;
                let numbers: Vec<String> = it.iter().map(u8::to_string).collect();
                self.put(format!("[{}]", numbers.join(", ")));
            }
            Value::Time(time) => self.put(dates::toml(time)),
            Value::Struct(it) => self.quoted(text_of(it).unwrap_or(&Str::default()))?,
            Value::Nil | Value::Complex(..) | Value::List(_) | Value::Map(_) => {
                return Err(Fault::said("unexpected type: nil"));
            }
        }
        Ok(())
    }

    fn quoted(&mut self, text: &Str) -> Result<(), Fault> {
        self.budget.make(text.len())?;
        key::quoted(&mut self.out, text);
        Ok(())
    }

    /// A table in braces.
    fn inline(&mut self, value: &Value) -> Result<(), Fault> {
        self.enter()?;
        let entries = self.sorted(value)?;
        self.put("{");
        let mut left = entries.len();
        for (name, value) in &entries {
            left -= 1;
            if self.kind(value)? == Kind::Nothing {
                continue;
            }
            key::part(&mut self.out, name);
            self.put(" = ");
            self.element(value)?;
            // what is left out at the end leaves its comma
            if left > 0 {
                self.put(", ");
            }
        }
        self.put("}");
        self.leave();
        Ok(())
    }
}

/// A struct's fields by their names in Go, those of embedded structs in their place.
fn add_fields(it: &Struct, fields: &mut Vec<(Str, Value)>) {
    for field in &it.fields {
        match &field.value {
            Value::Struct(inner) if field.embedded => add_fields(inner, fields),
            value => fields.push((field.name.into(), value.clone())),
        }
    }
}

fn float(number: f64) -> String {
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_nan() {
        return format!("{sign}nan");
    }
    if number.is_infinite() {
        return format!("{sign}inf");
    }
    let text = format::float(number, 'f', None);
    if text.contains('.') { text } else { format!("{text}.0") }
}
