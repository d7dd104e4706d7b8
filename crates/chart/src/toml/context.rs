//! Which table keys belong to, and whether something may be put there.

use std::collections::BTreeMap;

use super::{
    cursor::Step,
    read::{Item, Reader, path},
};
use crate::value::Str;

impl Reader<'_, '_> {
    /// Makes a table, or one more of many, the one that keys belong to, and those above it that are not there yet.
    pub(super) fn add_context(&mut self, key: &[Str], many: bool) -> Step<()> {
        let Some((last, before)) = key.split_last() else { return Ok(()) };
        self.note();
        self.budget.step(key.len() as u64)?;
        // as deep as the key is long
        for _ in key {
            self.enter()?;
        }
        for _ in key {
            self.leave();
        }
        let mut table = &mut self.root;
        for (count, part) in before.iter().enumerate() {
            let known = before.get(..=count).unwrap_or(before);
            if !table.contains_key(part.as_bytes()) {
                let name = path(known);
                self.budget.make(name.len())?;
                self.implicit.insert(name);
            }
            let item = table.entry(part.clone()).or_insert_with(|| Item::Table(BTreeMap::new()));
            match below(item) {
                Some(next) => table = next,
                None => return self.refuse("Key", known, "was already created as a hash."),
            }
        }
        self.context = before.to_vec();
        if many {
            match table.entry(last.clone()).or_insert_with(|| Item::Tables(Vec::new())) {
                Item::Tables(tables) => tables.push(BTreeMap::new()),
                _ => {
                    self.note();
                    return self.refuse("Key", key, "was already created and cannot be used as an array.");
                }
            }
        } else {
            self.note();
            self.set_value(last, Item::Table(BTreeMap::new()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Puts an item below a key of the context, unless one is there that somebody has put there.
    pub(super) fn set_value(&mut self, key: &Str, item: Item) -> Step<()> {
        let mut table = &mut self.root;
        for (count, part) in self.context.iter().enumerate() {
            match table.get_mut(part.as_bytes()).and_then(below) {
                Some(next) => table = next,
                None => {
                    let known = self.context.get(..=count).unwrap_or(&self.context);
                    return self.refuse("Key", known, "has already been defined.");
                }
            }
        }
        if !table.contains_key(key.as_bytes()) {
            table.insert(key.clone(), item);
            return Ok(());
        }
        let mut full = self.context.clone();
        full.push(key.clone());
        let name = path(&full);
        if self.arrays.contains(&name) {
            self.implicit.remove(&name);
            table.insert(key.clone(), item);
            return Ok(());
        }
        if self.implicit.remove(&name) {
            return Ok(());
        }
        self.refuse("Key", &full, "has already been defined.")
    }
}

/// The table that keys below an item belong to.
fn below(item: &mut Item) -> Option<&mut BTreeMap<Str, Item>> {
    match item {
        Item::Table(table) => Some(table),
        Item::Tables(tables) => tables.last_mut(),
        _ => None,
    }
}
