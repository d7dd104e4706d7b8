//! `--set` and its kin: `name=value,outer.inner=value,list[0]=value`, read into values that are there already.

use super::runes::{Runes, fold};
use crate::{
    budget::{Budget, Exhausted},
    format::parse_int,
    function::Fault,
    json,
    value::{Data, Str, Table},
};

/// The greatest index of a list.
pub const MAX_INDEX: usize = 65_536;
/// How many keys may stand below one another.
pub const MAX_NESTED_NAMES: u32 = 30;

/// How the value behind a `=` is taken.
pub enum Taken<'a> {
    /// `--set`: truths, whole numbers and `null` are such.
    Typed,
    /// `--set-string`: a text.
    Text,
    /// `--set-json`: a JSON document.
    Json,
    /// `--set-literal`: a text, up to the end and as it is.
    Literal,
    /// `--set-file`: what this gives for the path.
    File(&'a mut dyn FnMut(&str) -> Result<Str, String>),
}

/// Reads one argument of `--set` or its kin into the values.
///
/// An error leaves the values half set, as Helm's does; nobody looks at them then.
pub fn set(argument: &[u8], taken: Taken<'_>, values: &mut Table, budget: &mut Budget) -> Result<(), Fault> {
    let mut parser = Parser { runes: Runes::new(argument), taken, budget };
    loop {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Fault(fault)) => return Err(fault),
        }
    }
}

/// Why a key is not read on.
enum Stop {
    /// The argument is at its end; what was set so far stays.
    End,
    Fault(Fault),
}

impl From<Exhausted> for Stop {
    fn from(limit: Exhausted) -> Self {
        Self::Fault(limit.into())
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn said<T>(text: impl Into<Str>) -> Result<T, Stop> {
    Err(Stop::Fault(Fault::said(text)))
}

struct Parser<'a, 't, 'b> {
    runes: Runes<'a>,
    taken: Taken<'t>,
    budget: &'b mut Budget,
}

impl Parser<'_, '_, '_> {
    fn is_literal(&self) -> bool {
        matches!(self.taken, Taken::Literal)
    }

    /// What comes before one of these letters, and that letter: none at the end.
    fn until(&mut self, stops: &[char]) -> Result<(Vec<char>, Option<char>), Stop> {
        let escapes = !self.is_literal();
        let (text, last) = self.runes.until(stops, escapes);
        self.budget.scan(text.len())?;
        self.budget.make(text.len() * 4)?;
        Ok((text, last))
    }

    fn key(&mut self, values: &mut Table, level: u32) -> Result<(), Stop> {
        self.budget.enter()?;
        let outcome = self.key_inside(values, level);
        self.budget.leave();
        outcome
    }

    fn key_inside(&mut self, values: &mut Table, level: u32) -> Result<(), Stop> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (name, last) = self.until(stops)?;
        let key = Str::from(name.iter().collect::<String>());
        self.budget.make(key.len() + 64)?;
        match last {
            None if name.is_empty() => Err(Stop::End),
            None => said(format!("key {} has no value", quoted(&key))),
            Some('[') => self.key_of_list(values, key, level),
            Some('.') => self.key_of_map(values, key, level + 1),
            Some('=') => match self.value() {
                Ok((value, ended)) => {
                    put(values, key, value);
                    if ended { Err(Stop::End) } else { Ok(()) }
                }
                Err(stop) => Err(stop),
            },
            Some(_) => said(format!("key {} has no value (cannot end with ,)", quoted(&key))),
        }
    }

    fn key_of_list(&mut self, values: &mut Table, key: Str, level: u32) -> Result<(), Stop> {
        let index = self.index()?;
        let before = values.remove(key.as_bytes());
        let there = before.is_some();
        let mut list = match before {
            None => Vec::new(),
            Some(Data::List(list)) => list,
            Some(other) => return said(not_a("[]interface {}", &other)),
        };
        let length = list.len();
        let outcome = self.item(&mut list, index, level);
        if key.is_empty() {
            // nothing is set at an empty key, but what stands there already is changed where it is
            list.truncate(length);
        }
        if there || !key.is_empty() {
            values.insert(key, Data::List(list));
        }
        outcome
    }

    fn key_of_map(&mut self, values: &mut Table, key: Str, level: u32) -> Result<(), Stop> {
        if level > MAX_NESTED_NAMES {
            return said(format!("value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAMES}"));
        }
        let before = values.remove(key.as_bytes());
        let there = before.is_some();
        let mut inner = match before {
            None => Table::new(),
            Some(Data::Map(inner)) => inner,
            Some(other) => return said(not_a("map[string]interface {}", &other)),
        };
        let outcome = self.key(&mut inner, level);
        if outcome.is_ok() && inner.is_empty() {
            return said(format!("key map {} has no value", quoted(&key)));
        }
        if there || (!key.is_empty() && !inner.is_empty()) {
            values.insert(key, Data::Map(inner));
        }
        outcome
    }

    /// The number between brackets.
    fn index(&mut self) -> Result<i64, Stop> {
        let (digits, last) = self.until(&[']'])?;
        if last.is_none() {
            return said("error parsing index: EOF");
        }
        let digits: String = digits.into_iter().collect();
        parse_int(digits.as_bytes(), 10).or_else(|why| {
            let digits = quoted(&Str::from(digits));
            said(format!("error parsing index: strconv.Atoi: parsing {digits}: {why}"))
        })
    }

    /// What comes behind an index.
    fn item(&mut self, list: &mut Vec<Data>, index: i64, level: u32) -> Result<(), Stop> {
        self.budget.enter()?;
        let outcome = self.item_inside(list, index, level);
        self.budget.leave();
        outcome
    }

    fn item_inside(&mut self, list: &mut Vec<Data>, index: i64, level: u32) -> Result<(), Stop> {
        let Ok(place) = usize::try_from(index) else {
            return said(format!("negative {index} index not allowed"));
        };
        let (more, last) = self.until(&['[', '.', '='])?;
        if !more.is_empty() {
            return said(format!("unexpected data at end of array index: {}", quoted_runes(&more)));
        }
        match last {
            None => Err(Stop::End),
            Some('=') => {
                let (value, _) = self.value()?;
                self.put_at(list, place, value)
            }
            Some('[') => {
                let next = self.index()?;
                let (mut inner, there) = match list.get_mut(place).map(std::mem::take) {
                    None | Some(Data::Null) => (Vec::new(), false),
                    Some(Data::List(inner)) => (inner, true),
                    Some(other) => return said(not_a("[]interface {}", &other)),
                };
                let outcome = self.item(&mut inner, next, level);
                if there || outcome.is_ok() {
                    self.put_at(list, place, Data::List(inner))?;
                }
                outcome
            }
            Some(_) => {
                // a list that is long enough keeps what is set before the argument ends, a longer one is not made for it
                let Some(there) = list.get_mut(place) else {
                    let mut inner = Table::new();
                    self.key(&mut inner, level)?;
                    return self.put_at(list, place, Data::Map(inner));
                };
                if !matches!(there, Data::Map(_)) {
                    *there = Data::Map(Table::new());
                }
                match there {
                    Data::Map(inner) => self.key(inner, level),
                    _ => Ok(()),
                }
            }
        }
    }

    fn put_at(&mut self, list: &mut Vec<Data>, place: usize, value: Data) -> Result<(), Stop> {
        if place > MAX_INDEX {
            return said(format!("index of {place} is greater than maximum supported index of {MAX_INDEX}"));
        }
        if list.len() <= place {
            self.budget.make((place + 1 - list.len()).saturating_mul(size_of::<Data>()))?;
            list.resize(place + 1, Data::Null);
        }
        if let Some(there) = list.get_mut(place) {
            *there = value;
        }
        Ok(())
    }

    /// What comes behind `=`, and whether nothing did.
    fn value(&mut self) -> Result<(Data, bool), Stop> {
        if matches!(self.taken, Taken::Json) {
            return Ok((self.document()?, false));
        }
        if self.is_literal() {
            let (text, _) = self.until(&[])?;
            return Ok((Data::Text(Str::from(text.into_iter().collect::<String>())), false));
        }
        match self.runes.peek() {
            None => Ok((Data::Text(Str::default()), true)),
            Some('{') => {
                self.runes.next();
                Ok((Data::List(self.list()?), false))
            }
            Some(_) => {
                let (text, _) = self.until(&[','])?;
                Ok((self.scalar(&text)?, false))
            }
        }
    }

    /// What stands between braces.
    fn list(&mut self) -> Result<Vec<Data>, Stop> {
        let mut list = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}'])?;
            let Some(last) = last else { return said("list must terminate with '}'") };
            self.budget.make(size_of::<Data>())?;
            list.push(self.scalar(&text)?);
            if last == '}' {
                if self.runes.peek() == Some(',') {
                    self.runes.next();
                }
                return Ok(list);
            }
        }
    }

    fn scalar(&mut self, text: &[char]) -> Result<Data, Stop> {
        let text: String = text.iter().collect();
        match &mut self.taken {
            Taken::File(read) => match read(&text) {
                Ok(content) => Ok(Data::Text(content)),
                Err(why) => said(why),
            },
            Taken::Typed => Ok(typed(text)),
            _ => Ok(Data::Text(Str::from(text))),
        }
    }

    /// A JSON document and the comma behind it; nothing is `null`.
    fn document(&mut self) -> Result<Data, Stop> {
        if self.is_blank() {
            return Ok(Data::Null);
        }
        let (value, used) = json::read_first(self.runes.rest(), self.budget).map_err(Fault::from)?;
        self.runes.skip(used);
        self.is_blank();
        Ok(value)
    }

    /// Skips white space and a comma; whether nothing stood before them.
    fn is_blank(&mut self) -> bool {
        while let Some(rune) = self.runes.peek() {
            if rune != ',' && !rune.is_whitespace() {
                return false;
            }
            self.runes.next();
            if rune == ',' {
                return true;
            }
        }
        true
    }
}

/// Nothing is ever set at an empty key.
fn put(values: &mut Table, key: Str, value: Data) {
    if !key.is_empty() {
        values.insert(key, value);
    }
}

fn typed(text: String) -> Data {
    if fold(&text, "true") {
        return Data::Bool(true);
    }
    if fold(&text, "false") {
        return Data::Bool(false);
    }
    if fold(&text, "null") {
        return Data::Null;
    }
    if text == "0" {
        return Data::Int(0);
    }
    // what begins with a zero is an octal number for some and a text for others: a text
    if !text.starts_with('0')
        && let Ok(number) = text.parse()
    {
        return Data::Int(number);
    }
    Data::Text(Str::from(text))
}

/// What Go says when it takes a value for what it is not; Helm shows it.
fn not_a(wanted: &str, value: &Data) -> String {
    let is = match value {
        Data::Null => "nil",
        Data::Bool(_) => "bool",
        Data::Int(_) => "int64",
        Data::Float(_) => "float64",
        Data::Text(_) => "string",
        Data::List(_) => "[]interface {}",
        Data::Map(_) => "map[string]interface {}",
    };
    format!("unable to parse key: interface conversion: interface {{}} is {is}, not {wanted}")
}

fn quoted(text: &Str) -> String {
    crate::format::quoted(text.as_bytes())
}

/// `%q` of Go's `[]rune`.
fn quoted_runes(runes: &[char]) -> String {
    let each: Vec<String> = runes.iter().map(|rune| crate::format::quoted_letter(*rune, false)).collect();
    format!("[{}]", each.join(" "))
}
