//! Reading TOML: tables, keys and what may stand where, with Go's texts of errors.

use std::collections::{BTreeMap, HashSet};

use jiff::ZonedDateTime;

use super::{
    cursor::{Cursor, END, Step, is_blank, is_line_end, plainly, shown},
    key,
};
use crate::{
    budget::Budget,
    format,
    value::{Kind, List, Str, Type, Value, types::MAP},
    yaml::ReadError,
};

/// `[]map[string]interface{}`: tables of one name, `[[name]]`.
pub static TABLES: Type = Type::of("[]map[string]interface {}", Kind::Slice, &MAP);

/// What is wrong with a table in braces that goes over lines.
const NO_LINE_END: &str = "newlines not allowed within inline tables";

/// Something read, while tables may still be added to.
pub(super) enum Item {
    Table(BTreeMap<Str, Item>),
    Tables(Vec<BTreeMap<Str, Item>>),
    List(Vec<Item>),
    Plain(Value),
}

/// Reads a document. `now` tells the zone of this place, and how far it is from UTC.
pub fn read(text: &[u8], now: &ZonedDateTime, budget: &mut Budget) -> Result<BTreeMap<Str, Value>, ReadError> {
    budget.scan(text.len().saturating_mul(4))?;
    let text = match text {
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] | [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        _ => text,
    };
    if text.iter().take(6).any(|byte| *byte == 0) {
        let message = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8";
        return Err(ReadError::Said(format!("toml: line 1: {message}")));
    }
    let mut reader = Reader {
        cursor: Cursor::new(text),
        now,
        budget,
        root: BTreeMap::new(),
        context: Vec::new(),
        current: Str::default(),
        key_line: 0,
        implicit: HashSet::new(),
        arrays: HashSet::new(),
        depth: 0,
    };
    let done = reader.document();
    let Reader { root, depth, budget, .. } = reader;
    for _ in 0..depth {
        budget.leave();
    }
    done?;
    Ok(table(root))
}

fn table(table: BTreeMap<Str, Item>) -> BTreeMap<Str, Value> {
    table.into_iter().map(|(key, item)| (key, value(item))).collect()
}

fn value(item: Item) -> Value {
    match item {
        Item::Table(entries) => Value::map(table(entries)),
        Item::Tables(tables) => Value::List(List::new(&TABLES, tables.into_iter().map(|entries| Value::map(table(entries))).collect())),
        Item::List(items) => Value::list(items.into_iter().map(value).collect()),
        Item::Plain(value) => value,
    }
}

pub(super) struct Reader<'t, 'b> {
    pub(super) cursor: Cursor<'t>,
    pub(super) now: &'t ZonedDateTime,
    pub(super) budget: &'b mut Budget,
    pub(super) root: BTreeMap<Str, Item>,
    /// The table that keys belong to.
    pub(super) context: Vec<Str>,
    /// The key in it that is being read.
    current: Str,
    /// The line of the last key's first part.
    pub(super) key_line: usize,
    /// Tables that no heading has made yet.
    pub(super) implicit: HashSet<Vec<u8>>,
    /// Keys that hold lists.
    pub(super) arrays: HashSet<Vec<u8>>,
    depth: u32,
}

pub(super) fn path(parts: &[Str]) -> Vec<u8> {
    let mut out = Vec::new();
    key::path(&mut out, parts.iter().map(Str::as_bytes));
    out
}

impl Reader<'_, '_> {
    /// Tells the cursor what an error would name now.
    pub(super) fn note(&mut self) {
        let mut last = path(&self.context);
        if self.context.is_empty() {
            last = self.current.as_bytes().to_vec();
        } else if !self.current.is_empty() {
            last.push(b'.');
            last.extend_from_slice(&self.current);
        }
        self.cursor.last_key = last;
    }

    /// A key of several parts by which a table or a list is kept. One of its parts may be as long as the text.
    fn name(&mut self, key: &[Str]) -> Step<Vec<u8>> {
        let name = path(key);
        self.budget.make(name.len())?;
        Ok(name)
    }

    pub(super) fn at(&mut self, context: Vec<Str>, current: Str) {
        (self.context, self.current) = (context, current);
        self.note();
    }

    pub(super) fn enter(&mut self) -> Step<()> {
        self.budget.enter()?;
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
        self.budget.leave();
    }

    pub(super) fn refuse<T>(&self, what: &str, key: &[Str], rest: &str) -> Step<T> {
        self.cursor.error_on(self.key_line, format!("{what} '{}' {rest}", String::from_utf8_lossy(&path(key))))
    }

    fn document(&mut self) -> Step<()> {
        loop {
            self.budget.step(1)?;
            let place = self.cursor.place();
            match self.cursor.next()? {
                letter if is_blank(letter) || is_line_end(letter) => continue,
                '#' => {
                    self.cursor.skip_comment()?;
                    continue;
                }
                END => return Ok(()),
                '[' => self.heading()?,
                _ => {
                    self.cursor.back_to(place);
                    self.pair()?;
                }
            }
            if !self.line_end()? {
                return Ok(());
            }
        }
    }

    /// Takes the end of a line behind a heading or a pair; false at the end of the text.
    fn line_end(&mut self) -> Step<bool> {
        self.cursor.skip_blanks()?;
        match self.cursor.next()? {
            '#' => self.cursor.skip_comment().map(|()| true),
            letter if is_line_end(letter) => Ok(true),
            END => Ok(false),
            letter => self
                .cursor
                .error(format!("expected a top-level item to end with a newline, comment, or EOF, but got {} instead", shown(letter))),
        }
    }

    /// `key = value` on a line of its own.
    fn pair(&mut self) -> Step<()> {
        let outer = self.context.clone();
        let key = self.key()?;
        self.begin(&key)?;
        let item = self.value(false)?;
        self.set_value(&self.current.clone(), item)?;
        self.at(outer, Str::default());
        Ok(())
    }

    /// Makes the tables that a dotted key names before its last part, which becomes the current one.
    fn begin(&mut self, key: &[Str]) -> Step<()> {
        let Some((last, before)) = key.split_last() else { return Ok(()) };
        self.at(self.context.clone(), last.clone());
        for part in before {
            let mut context = self.context.clone();
            context.push(part.clone());
            let name = self.name(&context)?;
            self.implicit.insert(name);
            self.add_context(&context, false)?;
        }
        self.note();
        Ok(())
    }

    pub(super) fn array(&mut self) -> Step<Item> {
        self.enter()?;
        self.note_array()?;
        let mut items = Vec::new();
        while self.array_item()? {
            items.push(self.value(true)?);
            if !self.array_separator()? {
                break;
            }
        }
        self.leave();
        Ok(Item::List(items))
    }

    /// Notes that the current key holds a list.
    fn note_array(&mut self) -> Step<()> {
        let mut context = self.context.clone();
        if !self.current.is_empty() {
            context.push(self.current.clone());
        }
        let name = if context.is_empty() { b"\"\"".to_vec() } else { self.name(&context)? };
        self.arrays.insert(name);
        Ok(())
    }

    /// Goes to the next item; false where the list ends.
    fn array_item(&mut self) -> Step<bool> {
        loop {
            let place = self.cursor.place();
            match self.cursor.next()? {
                letter if is_blank(letter) || is_line_end(letter) => {}
                '#' => self.cursor.skip_comment()?,
                ',' => return self.cursor.error("unexpected comma"),
                ']' => return Ok(false),
                _ => {
                    self.cursor.back_to(place);
                    return Ok(true);
                }
            }
        }
    }

    /// Takes what stands behind an item; false where that ends the list.
    fn array_separator(&mut self) -> Step<bool> {
        loop {
            match self.cursor.next()? {
                letter if is_blank(letter) || is_line_end(letter) => {}
                '#' => self.cursor.skip_comment()?,
                ',' => return Ok(true),
                ']' => return Ok(false),
                letter => {
                    let letter = plainly(letter);
                    return self.cursor.error(format!("expected a comma (',') or array terminator (']'), but got {letter}"));
                }
            }
        }
    }

    pub(super) fn inline_table(&mut self, in_array: bool) -> Step<Item> {
        // its pairs are a level of their own: they take as much of the stack as one
        self.enter()?;
        self.enter()?;
        let (outer, key) = (self.context.clone(), self.current.clone());
        self.open_table(in_array)?;
        let inner = self.context.clone();
        let mut table = BTreeMap::new();
        while self.table_pair()? {
            self.inline_pair(&mut table)?;
            self.at(inner.clone(), self.current.clone());
            if !self.table_separator()? {
                break;
            }
        }
        self.at(outer, key);
        self.leave();
        self.leave();
        Ok(Item::Table(table))
    }

    /// Makes the table that the current key holds the one that keys belong to.
    fn open_table(&mut self, in_array: bool) -> Step<()> {
        let mut inner = self.context.clone();
        inner.push(self.current.clone());
        self.at(inner.clone(), Str::default());
        let name = self.name(&inner)?;
        self.implicit.insert(name);
        self.add_context(&inner, in_array)?;
        self.note();
        Ok(())
    }

    /// Goes to the next pair in braces; false where they end.
    fn table_pair(&mut self) -> Step<bool> {
        loop {
            let place = self.cursor.place();
            match self.cursor.next()? {
                letter if is_blank(letter) => {}
                letter if is_line_end(letter) => return self.cursor.error_before(NO_LINE_END),
                '#' => self.cursor.skip_comment()?,
                ',' => return self.cursor.error("unexpected comma"),
                '}' => return Ok(false),
                _ => {
                    self.cursor.back_to(place);
                    return Ok(true);
                }
            }
        }
    }

    fn inline_pair(&mut self, table: &mut BTreeMap<Str, Item>) -> Step<()> {
        let parts = self.key()?;
        self.begin(&parts)?;
        let item = self.value(false)?;
        let copy = self.copy(&item)?;
        self.set_value(&self.current.clone(), copy)?;
        self.put(table, &parts, item)
    }

    /// The same once more. It is charged: tables in braces that stand in one another are copied at each level.
    fn copy(&mut self, item: &Item) -> Step<Item> {
        self.budget.step(1)?;
        self.budget.make(size_of::<Item>())?;
        Ok(match item {
            Item::Table(table) => Item::Table(self.copy_table(table)?),
            Item::Tables(tables) => Item::Tables(tables.iter().map(|table| self.copy_table(table)).collect::<Step<_>>()?),
            Item::List(items) => Item::List(items.iter().map(|item| self.copy(item)).collect::<Step<_>>()?),
            Item::Plain(value) => Item::Plain(value.clone()),
        })
    }

    fn copy_table(&mut self, table: &BTreeMap<Str, Item>) -> Step<BTreeMap<Str, Item>> {
        table.iter().map(|(key, item)| Ok((key.clone(), self.copy(item)?))).collect()
    }

    /// Puts an item below a dotted key.
    fn put(&self, table: &mut BTreeMap<Str, Item>, key: &[Str], item: Item) -> Step<()> {
        let Some((last, before)) = key.split_last() else { return Ok(()) };
        let mut table = table;
        for part in before {
            match table.entry(part.clone()).or_insert_with(|| Item::Table(BTreeMap::new())) {
                Item::Table(below) => table = below,
                _ => {
                    let context = format::quoted(&path(&self.context));
                    return self.cursor.error_on(self.key_line, format!("{context} is not a table"));
                }
            }
        }
        table.insert(last.clone(), item);
        Ok(())
    }

    /// Takes what stands behind a pair in braces; false where that ends the table.
    fn table_separator(&mut self) -> Step<bool> {
        loop {
            match self.cursor.next()? {
                letter if is_blank(letter) => {}
                letter if is_line_end(letter) => return self.cursor.error_before(NO_LINE_END),
                '#' => self.cursor.skip_comment()?,
                ',' => {
                    self.cursor.skip_blanks()?;
                    if self.cursor.peek()? == '}' {
                        return self.cursor.error("trailing comma not allowed in inline tables");
                    }
                    return Ok(true);
                }
                '}' => return Ok(false),
                letter => {
                    let letter = plainly(letter);
                    return self.cursor.error(format!("expected a comma or an inline table terminator '}}', but got {letter} instead"));
                }
            }
        }
    }
}
