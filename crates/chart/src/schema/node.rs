//! JSON with its numbers as they were written: a schema's limits are exact.

use std::{collections::BTreeMap, rc::Rc};

use super::{Unfit, decimal::Decimal};
use crate::{
    budget::Budget,
    function::Fault,
    json,
    value::{Data, Table},
};

/// A value of JSON.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// A number's text.
    Number(String),
    Text(String),
    List(Vec<Rc<Node>>),
    Map(Members),
}

/// The members of an object.
pub(super) type Members = BTreeMap<String, Rc<Node>>;

impl Node {
    /// Values, as they are once they were written as YAML and read as JSON again.
    pub(super) fn of_table(table: &Table, budget: &mut Budget) -> Result<Self, Unfit> {
        budget.enter()?;
        let members = Self::members_of(table, budget);
        budget.leave();
        members.map(Self::Map)
    }

    fn members_of(table: &Table, budget: &mut Budget) -> Result<Members, Unfit> {
        let mut members = Members::new();
        for (key, data) in table {
            budget.make(key.len() + 64)?;
            let node = Self::of(data, budget)?;
            members.insert(json::replace_invalid(key), Rc::new(node));
        }
        Ok(members)
    }

    fn items_of(items: &[Data], budget: &mut Budget) -> Result<Vec<Rc<Self>>, Unfit> {
        let mut nodes = Vec::new();
        for data in items {
            budget.make(64)?;
            let node = Self::of(data, budget)?;
            nodes.push(Rc::new(node));
        }
        Ok(nodes)
    }

    fn of(data: &Data, budget: &mut Budget) -> Result<Self, Unfit> {
        budget.step(1)?;
        Ok(match data {
            Data::Null => Self::Null,
            Data::Bool(it) => Self::Bool(*it),
            Data::Int(it) => Self::Number(it.to_string()),
            Data::Float(it) if it.is_finite() => Self::Number(json::float_text(*it)),
            Data::Float(it) => {
                let name = if it.is_nan() {
                    "NaN"
                } else if *it > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                };
                return Err(Unfit::said(format!("error marshaling into JSON: json: unsupported value: {name}")));
            }
            Data::Text(it) => {
                budget.make(it.len())?;
                Self::Text(json::replace_invalid(it))
            }
            Data::List(items) => {
                budget.enter()?;
                let items = Self::items_of(items, budget);
                budget.leave();
                Self::List(items?)
            }
            Data::Map(table) => Self::of_table(table, budget)?,
        })
    }

    /// The first value of a text; what follows it does not matter.
    pub(super) fn read(text: &[u8], budget: &mut Budget) -> Result<Self, Unfit> {
        budget.scan(2 * text.len())?;
        budget.make(2 * text.len())?;
        if let Some(node) = (Reader { text, at: 0, budget }).value()? {
            return Ok(node);
        }
        // what is wrong with it is said by the reader that all JSON goes through
        let refusal = match json::read_within(text, budget) {
            Err(json::Refusal::Said(refusal)) => refusal,
            Err(json::Refusal::Limit(limit)) => return Err(limit.into()),
            Ok(_) => "invalid JSON".to_owned(),
        };
        Err(match refusal.as_str() {
            "unexpected end of JSON input" if text.trim_ascii().is_empty() => Unfit::said("EOF"),
            "unexpected end of JSON input" => Unfit::said("unexpected EOF"),
            _ => Unfit::Said(refusal),
        })
    }

    /// It as JSON, numbers as `float64`: what `enum`, `const` and `uniqueItems` compare.
    pub(super) fn canonical(&self, budget: &mut Budget) -> Result<String, Unfit> {
        let mut written = String::new();
        self.write(&mut written, budget)?;
        Ok(written)
    }

    fn write(&self, written: &mut String, budget: &mut Budget) -> Result<(), Unfit> {
        budget.step(1)?;
        match self {
            Self::Null => written.push_str("null"),
            Self::Bool(it) => written.push_str(if *it { "true" } else { "false" }),
            Self::Number(text) => written.push_str(&float(text)?),
            Self::Text(text) => written.push_str(&quoted(text, budget)?),
            Self::List(_) | Self::Map(_) => {
                budget.enter()?;
                let inside = self.write_inside(written, budget);
                budget.leave();
                inside?;
            }
        }
        Ok(())
    }

    fn write_inside(&self, written: &mut String, budget: &mut Budget) -> Result<(), Unfit> {
        let (open, close) = if matches!(self, Self::List(_)) { ('[', ']') } else { ('{', '}') };
        written.push(open);
        let (items, members): (&[Rc<Self>], Option<&Members>) = match self {
            Self::List(items) => (items, None),
            Self::Map(members) => (&[], Some(members)),
            _ => (&[], None),
        };
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                written.push(',');
            }
            item.write(written, budget)?;
        }
        for (place, (key, node)) in members.into_iter().flatten().enumerate() {
            if place > 0 {
                written.push(',');
            }
            written.push_str(&quoted(key, budget)?);
            written.push(':');
            node.write(written, budget)?;
        }
        written.push(close);
        Ok(())
    }

    /// It as a number; none for another value, and for one that is beyond any use.
    pub(super) fn number(&self) -> Option<Decimal> {
        match self {
            Self::Number(text) => Decimal::parse(text),
            _ => None,
        }
    }

    /// It as Go's `int`, where it is written as one.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// It as a text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its members, if it is an object.
    pub(super) fn members(&self) -> Option<&Members> {
        match self {
            Self::Map(members) => Some(members),
            _ => None,
        }
    }
}

/// A number as Go's `float64` writes it.
fn float(text: &str) -> Result<String, Unfit> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) => Ok(json::float_text(number)),
        _ => Err(Unfit::said(format!("json: cannot unmarshal number {text} into Go value of type float64"))),
    }
}

fn quoted(text: &str, budget: &mut Budget) -> Result<String, Unfit> {
    let written = json::write_data(&Data::Text(text.into()), budget).map_err(|fault| match fault {
        Fault::Limit(limit) => limit.into(),
        Fault::Said(text) => Unfit::said(text.to_string()),
    })?;
    Ok(written.to_string())
}

/// Reads what is valid; none where it is not.
struct Reader<'t, 'b> {
    text: &'t [u8],
    at: usize,
    budget: &'b mut Budget,
}

impl Reader<'_, '_> {
    fn next(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn value(&mut self) -> Result<Option<Node>, Unfit> {
        self.budget.step(1)?;
        match self.next() {
            Some(b'{') => self.inside(Self::object),
            Some(b'[') => self.inside(Self::array),
            Some(_) => self.scalar(),
            None => Ok(None),
        }
    }

    /// A text, a number or a word, which the reader of all JSON reads; a number keeps its text.
    fn scalar(&mut self) -> Result<Option<Node>, Unfit> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = match rest.first() {
            Some(b'"') => string_length(rest),
            _ => {
                rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\t' | b'\r' | b'\n')).unwrap_or(rest.len())
            }
        };
        let text = rest.get(..length).unwrap_or_default();
        self.at += length;
        Ok(match json::read_within(text, self.budget) {
            Ok((Data::Bool(it), _)) => Some(Node::Bool(it)),
            Ok((Data::Text(it), _)) => Some(Node::Text(it.to_string())),
            Ok((Data::Float(_), _) | (Data::Null, Some(_))) => Some(Node::Number(String::from_utf8_lossy(text).into_owned())),
            Ok((Data::Null, None)) => Some(Node::Null),
            Ok(_) | Err(json::Refusal::Said(_)) => None,
            Err(json::Refusal::Limit(limit)) => return Err(limit.into()),
        })
    }

    /// One deeper, from behind the bracket on.
    fn inside(&mut self, read: fn(&mut Self) -> Result<Option<Node>, Unfit>) -> Result<Option<Node>, Unfit> {
        self.budget.enter()?;
        self.at += 1;
        let node = read(self);
        self.budget.leave();
        node
    }

    fn object(&mut self) -> Result<Option<Node>, Unfit> {
        let mut members = Members::new();
        if self.next() == Some(b'}') {
            self.at += 1;
            return Ok(Some(Node::Map(members)));
        }
        loop {
            let Some(b'"') = self.next() else { return Ok(None) };
            let Some(Node::Text(key)) = self.scalar()? else { return Ok(None) };
            if self.next() != Some(b':') {
                return Ok(None);
            }
            self.at += 1;
            let Some(value) = self.value()? else { return Ok(None) };
            members.insert(key, Rc::new(value));
            match self.next() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Ok(None),
            }
        }
        self.at += 1;
        Ok(Some(Node::Map(members)))
    }

    fn array(&mut self) -> Result<Option<Node>, Unfit> {
        let mut items = Vec::new();
        if self.next() == Some(b']') {
            self.at += 1;
            return Ok(Some(Node::List(items)));
        }
        loop {
            let Some(value) = self.value()? else { return Ok(None) };
            items.push(Rc::new(value));
            match self.next() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Ok(None),
            }
        }
        self.at += 1;
        Ok(Some(Node::List(items)))
    }
}

/// How long the string is that a text begins with, its quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    for (place, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}
