//! Loops: over lists, maps in the order of their keys, and whole numbers.

use super::{
    execute::Machine,
    frame::{Carried, wrong},
    operand::Operand,
    tree::{At, NameId},
};
use crate::value::{List, Str, Type, Value, types::UINT8};

/// The turns of a loop that are to come.
pub(super) struct Turns {
    items: Items,
    variables: [Option<NameId>; 2],
    /// Whether the variables are old ones.
    assigns: bool,
    /// How many variables there are when a turn begins.
    mark: usize,
}

enum Items {
    List(List, usize),
    Bytes(Str, usize),
    /// The entries as they were when the loop began.
    Map(std::vec::IntoIter<(Str, Value)>, Option<&'static Type>),
    Count(i64, i64, &'static Type),
    CountUnsigned(u64, u64, &'static Type),
}

impl Items {
    /// The index or key and the element of the next turn.
    fn next(&mut self) -> Option<(Operand, Operand)> {
        let index = |place: usize| Operand::from(Value::int(i64::try_from(place).unwrap_or(i64::MAX)));
        match self {
            Self::List(list, place) => {
                let item = Operand::element(list.items().get(*place)?.clone(), list.ty().elem);
                *place += 1;
                Some((index(*place - 1), item))
            }
            Self::Bytes(bytes, place) => {
                let item = Operand::from(Value::Uint(u64::from(*bytes.as_bytes().get(*place)?), &UINT8));
                *place += 1;
                Some((index(*place - 1), item))
            }
            Self::Map(entries, elem) => {
                let (key, value) = entries.next()?;
                Some((Operand::from(Value::Str(key)), Operand::element(value, *elem)))
            }
            Self::Count(next, end, ty) => {
                let item = (*next < *end).then(|| Operand::from(Value::Int(*next, ty)))?;
                *next += 1;
                Some((Operand::none(), item))
            }
            Self::CountUnsigned(next, end, ty) => {
                let item = (*next < *end).then(|| Operand::from(Value::Uint(*next, ty)))?;
                *next += 1;
                Some((Operand::none(), item))
            }
        }
    }
}

impl Machine<'_, '_> {
    /// Begins a loop over the value, or goes on where it says when there is nothing in it.
    pub(super) fn range(&mut self, otherwise: At, variables: [Option<NameId>; 2], assigns: bool) -> Carried<()> {
        let value = self.pop().value;
        let items = match &value {
            // Go ranges over whole numbers since 1.22, templates since 1.24: Helm 3.14's own builds do not
            Value::Int(..) | Value::Uint(..) if variables[1].is_some() => {
                return wrong("can't use %v to iterate over more than one variable", [value]);
            }
            Value::Int(end, ty) => Items::Count(0, *end, ty),
            Value::Uint(end, ty) => Items::CountUnsigned(0, *end, ty),
            Value::List(list) => Items::List(list.clone(), 0),
            Value::Bytes(bytes) => Items::Bytes(bytes.clone(), 0),
            Value::Map(map) => {
                self.run.scope.budget.make(map.len().saturating_mul(size_of::<(Str, Value)>()))?;
                Items::Map(map.entries().into_iter(), map.ty().elem)
            }
            Value::Nil => {
                self.now.at = otherwise;
                return Ok(());
            }
            _ => {
                let shown = crate::format::printed(&value, false, self.run.scope.budget)?;
                return wrong("range can't iterate over %s", [Value::Str(shown)]);
            }
        };
        let turns = Turns { items, variables, assigns, mark: self.variables.len() };
        if let Some(block) = self.blocks.last_mut() {
            block.turns = Some(turns);
        }
        if !self.turn()? {
            self.now.at = otherwise;
        }
        Ok(())
    }

    /// Begins the next turn of the innermost loop. Whether there is one.
    pub(super) fn turn(&mut self) -> Carried<bool> {
        let Some(block) = self.blocks.last_mut() else { return Ok(false) };
        let Some(turns) = &mut block.turns else { return Ok(false) };
        self.variables.truncate(turns.mark);
        let Some((index, item)) = turns.items.next() else {
            block.turns = None;
            return Ok(false);
        };
        let (assigns, names) = (turns.assigns, turns.variables);
        let before = std::mem::replace(&mut self.now.dot, item.clone());
        block.dot.get_or_insert(before);
        if assigns {
            let [first, second] = names;
            match (first, second) {
                (Some(first), Some(second)) => {
                    self.assign(first, index)?;
                    self.assign(second, item)?;
                }
                (Some(first), None) => self.assign(first, item)?,
                _ => {}
            }
            return Ok(true);
        }
        // the pipeline has declared them: the element last
        let count = names.iter().flatten().count();
        let mark = self.variables.len();
        let mut values = [item, index].into_iter();
        for behind in 1..=count {
            let place = mark.checked_sub(behind).and_then(|place| self.variables.get_mut(place));
            if let (Some((_, variable)), Some(value)) = (place, values.next()) {
                *variable = value;
            }
        }
        Ok(true)
    }
}
