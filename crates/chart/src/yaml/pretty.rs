//! Writing values as `goyaml.v3` does, straight from Go's types: what `toYamlPretty` gives.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    emit::{Emitter, Scalar, Style},
    order::{Generation, sort},
    resolve::{Meaning, guess, long_float},
    style::is_base_60,
};
use crate::{
    budget::Budget,
    format,
    function::Fault,
    functions::dates::rfc_3339,
    json::text_of,
    value::{DURATION, Map, Str, Struct, Value},
};

/// How many letters of base64 stand on a line.
const BASE64_LINE: usize = 70;

/// `yaml.v3` with an indentation of two; the dashes of a list below a key are indented too. It ends with a line feed.
pub fn write_pretty(value: &Value, budget: &mut Budget) -> Result<Str, Fault> {
    let mut writer = Writer { emitter: Emitter::new(budget, Generation::Third) };
    let written = writer.value(value);
    writer.emitter.finish(written)
}

struct Writer<'b> {
    emitter: Emitter<'b>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<(), Fault> {
        self.emitter.budget.step(1)?;
        match value {
            Value::List(list) => self.list(list.items()),
            Value::Map(map) => {
                let entries = self.sorted(map)?;
                self.map(&entries)
            }
            Value::Struct(it) => self.structure(it),
            leaf => self.leaf(leaf),
        }
    }

    fn sorted(&mut self, map: &Map) -> Result<Vec<(Str, Value)>, Fault> {
        self.emitter.budget.make(map.len() * size_of::<(String, Value)>())?;
        let entries = map.entries().into_iter().map(|(key, value)| (key.lossy().into_owned(), (key, value)));
        Ok(sort(entries.collect(), Generation::Third).into_iter().map(|(_, entry)| entry).collect())
    }

    // apart from what goes deeper: a level takes as little of the stack as can be
    fn leaf(&mut self, leaf: &Value) -> Result<(), Fault> {
        match leaf {
            Value::Bool(it) => self.emitter.as_it_is(if *it { "true" } else { "false" }),
            Value::Int(it, ty) if *ty == &DURATION => self.text(format::duration(*it).as_bytes()),
            Value::Int(it, _) => self.emitter.as_it_is(&it.to_string()),
            Value::Uint(it, _) => self.emitter.as_it_is(&it.to_string()),
            Value::Float(it) => self.emitter.as_it_is(&match long_float(*it) {
                text if text == "NaN" => ".nan".to_owned(),
                text => text.replace("+Inf", ".inf").replace("-Inf", "-.inf"),
            }),
            // a panic, which Helm lets a template meet
            Value::Complex(..) => Err(Fault::said("cannot marshal type: complex128")),
            Value::Str(it) => self.text(it),
            Value::Bytes(it) => {
                self.emitter.budget.make(it.len() * size_of::<Value>())?;
                self.list(&it.iter().map(|byte| Value::int((*byte).into())).collect::<Vec<_>>())
            }
            Value::Time(time) => self.emitter.as_it_is(&rfc_3339(time)),
            Value::Nil | Value::List(_) | Value::Map(_) | Value::Struct(_) => self.emitter.as_it_is("null"),
        }
    }

    /// A struct: by the names of its fields in small letters; by its text where it has one.
    fn structure(&mut self, it: &Struct) -> Result<(), Fault> {
        if let Some(text) = text_of(it) {
            return self.text(text);
        }
        let name = |field: &crate::value::Field| Str::from(field.name.to_lowercase());
        let entries: Vec<_> = it.fields.iter().map(|field| (name(field), field.value.clone())).collect();
        self.map(&entries)
    }

    fn text(&mut self, text: &[u8]) -> Result<(), Fault> {
        self.emitter.budget.scan(text.len())?;
        self.emitter.budget.make(text.len())?;
        let (text, binary) = encoded(text);
        self.emitter.scalar(&scalar(&text, binary))
    }

    fn list(&mut self, items: &[Value]) -> Result<(), Fault> {
        if items.is_empty() {
            return self.emitter.empty("[", "]");
        }
        self.emitter.enter()?;
        let old = self.emitter.increase_indent(0);
        for item in items {
            self.emitter.write_indent();
            self.emitter.indicator("-", true, false, true);
            self.value(item)?;
        }
        self.emitter.leave(old);
        Ok(())
    }

    fn map(&mut self, entries: &[(Str, Value)]) -> Result<(), Fault> {
        if entries.is_empty() {
            return self.emitter.empty("{", "}");
        }
        self.emitter.enter()?;
        let old = self.emitter.increase_indent(0);
        for (key, value) in entries {
            self.key(key)?;
            self.value(value)?;
        }
        self.emitter.leave(old);
        Ok(())
    }

    fn key(&mut self, key: &Str) -> Result<(), Fault> {
        let (key, binary) = encoded(key);
        self.emitter.key(&scalar(&key, binary))
    }
}

/// A text, or base64 of what is none.
fn encoded(text: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(text) {
        return (Cow::Borrowed(text), false);
    }
    let base64 = BASE64_STANDARD.encode(text);
    if base64.len() < BASE64_LINE {
        return (Cow::Owned(base64), true);
    }
    let mut lines = String::with_capacity(base64.len() + base64.len() / BASE64_LINE + 1);
    for (place, letter) in base64.chars().enumerate() {
        lines.push(letter);
        if (place + 1) % BASE64_LINE == 0 {
            lines.push('\n');
        }
    }
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    (Cow::Owned(lines), true)
}

fn scalar(text: &str, binary: bool) -> Scalar<'_> {
    let bytes = text.as_bytes();
    let octal = || bytes.strip_prefix(b"0o").is_some_and(|digits| i64::from_str_radix(&String::from_utf8_lossy(digits), 8).is_ok());
    let style = if text.contains('\n') {
        Style::Literal
    } else if binary || (guess(bytes, true) == Meaning::Text && !is_base_60(bytes) && !octal()) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    Scalar { text: bytes, style, binary }
}
