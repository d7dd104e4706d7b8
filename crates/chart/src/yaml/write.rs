//! Writing values as YAML.

use std::borrow::Cow;

use super::{
    emit::{Emitter, Scalar, Style},
    order::{Generation, sort},
    resolve::{Meaning, guess, long_float},
    style::is_base_60,
};
use crate::{
    budget::Budget,
    function::Fault,
    json::{self, Shape, float_text, shape},
    value::{Data, Str, Value},
};

/// How long a key may be that comes out of JSON, with its quotes and escapes: behind that it is none to a reader of YAML.
const KEY_LENGTH: usize = 1_024;

/// `yaml.Marshal` of `sigs.k8s.io/yaml`: to JSON, and from there to YAML. It ends with a line feed.
pub fn write(value: &Value, budget: &mut Budget) -> Result<Str, Fault> {
    let mut writer = Writer { emitter: Emitter::new(budget, Generation::Second) };
    let written = writer.value(value, false);
    writer.emitter.finish(written)
}

/// The same of plain data.
pub fn write_data(data: &Data, budget: &mut Budget) -> Result<Str, Fault> {
    write(&Value::from(data), budget)
}

struct Writer<'b> {
    emitter: Emitter<'b>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, in_mapping: bool) -> Result<(), Fault> {
        match self.shape(value)? {
            Shape::List([]) => self.emitter.empty("[", "]"),
            Shape::List(items) => self.list(items, in_mapping),
            Shape::Map(entries) if entries.is_empty() => self.emitter.empty("{", "}"),
            Shape::Map(entries) => self.map(&entries),
            leaf => self.leaf(&leaf),
        }
    }

    fn shape<'v>(&mut self, value: &'v Value) -> Result<Shape<'v>, Fault> {
        shape(value, self.emitter.budget).map_err(|fault| match fault {
            Fault::Said(text) => Fault::said(format!("error marshaling into JSON: {text}")),
            limit @ Fault::Limit(_) => limit,
        })
    }

    // apart from what goes deeper: a level takes as little of the stack as can be
    fn leaf(&mut self, leaf: &Shape<'_>) -> Result<(), Fault> {
        match leaf {
            Shape::Bool(it) => self.emitter.as_it_is(if *it { "true" } else { "false" }),
            Shape::Int(it) => self.emitter.as_it_is(&it.to_string()),
            Shape::Uint(it) => self.emitter.as_it_is(&it.to_string()),
            Shape::Float(it) => self.emitter.as_it_is(&float(*it)),
            Shape::Text(text) => {
                let text = reread(text, self.emitter.budget)?;
                self.text(&text)
            }
            Shape::Null | Shape::List(_) | Shape::Map(_) => self.emitter.as_it_is("null"),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        self.emitter.scalar(&scalar(text))
    }

    fn list(&mut self, items: &[Value], in_mapping: bool) -> Result<(), Fault> {
        self.emitter.enter()?;
        let old = self.emitter.indent;
        // below a key the dashes stand in the key's own column
        if !in_mapping || self.emitter.indention {
            self.emitter.increase_indent(0);
        }
        for item in items {
            self.emitter.write_indent();
            self.emitter.indicator("-", true, false, true);
            self.value(item, false)?;
        }
        self.emitter.leave(old);
        Ok(())
    }

    fn map(&mut self, entries: &[(Str, Value)]) -> Result<(), Fault> {
        self.emitter.enter()?;
        let entries = self.sorted(entries)?;
        let old = self.emitter.increase_indent(0);
        for (key, value) in &entries {
            self.emitter.key(&scalar(key))?;
            self.value(value, true)?;
        }
        self.emitter.leave(old);
        Ok(())
    }

    fn sorted<'e>(&mut self, entries: &'e [(Str, Value)]) -> Result<Vec<(Cow<'e, str>, &'e Value)>, Fault> {
        let mut keyed = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            keyed.push((self.key(key)?, value));
        }
        self.emitter.budget.step(keyed.len() as u64 * u64::from(keyed.len().max(1).ilog2()))?;
        Ok(sort(keyed, Generation::Second))
    }

    /// A key as it is when JSON has been read as YAML.
    fn key<'e>(&mut self, key: &'e Str) -> Result<Cow<'e, str>, Fault> {
        let budget = &mut *self.emitter.budget;
        let text = reread(key, budget)?;
        let long = key.len() > (KEY_LENGTH - 2) / 6 && json::write(&Value::Str(key.clone()), budget)?.lossy().chars().count() > KEY_LENGTH;
        if long || key.windows(2).any(|pair| pair == NEXT_LINE) {
            return Err(Fault::said("yaml: did not find expected ',' or '}'"));
        }
        Ok(text)
    }
}

const NEXT_LINE: &[u8] = "\u{85}".as_bytes();

/// A text as a scalar that is no other value.
fn scalar(text: &str) -> Scalar<'_> {
    let style = if text.contains('\n') {
        Style::Literal
    } else if guess(text.as_bytes(), true) == Meaning::Text && !is_base_60(text.as_bytes()) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    };
    Scalar { text: text.as_bytes(), style, binary: false }
}

/// A number: written as JSON, read as YAML, which has whole numbers, and written again.
fn float(number: f64) -> String {
    let text = float_text(number);
    match guess(text.as_bytes(), false) {
        Meaning::Int(it) => it.to_string(),
        Meaning::Uint(it) => it.to_string(),
        Meaning::Float(it) => long_float(it),
        _ => text,
    }
}

/// A text as it comes out of JSON that is read as YAML: not all letters come through that.
fn reread<'t>(text: &'t [u8], budget: &mut Budget) -> Result<Cow<'t, str>, Fault> {
    budget.scan(text.len())?;
    let plain = match std::str::from_utf8(text) {
        Ok(text) if text.bytes().all(|byte| byte < 0x7F) => return Ok(Cow::Borrowed(text)),
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(json::replace_invalid(text)),
    };
    // control characters are escaped by JSON up to the space, but not behind it
    if plain.chars().any(|letter| letter >= ' ' && !super::text::is_allowed(letter.into())) {
        return Err(Fault::said("yaml: control characters are not allowed"));
    }
    if !plain.contains('\u{85}') {
        return Ok(plain);
    }
    // a line break to YAML: let the reader decide
    let document = json::write(&Value::str(plain.as_ref()), budget)?;
    match super::read_by(super::Rules::default(), &document, budget)? {
        Data::Text(text) => Ok(Cow::Owned(text.lossy().into_owned())),
        _ => Err(Fault::said("yaml: unknown")),
    }
}
