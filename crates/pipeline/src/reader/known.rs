//! What was read already and need not be read again.

use std::collections::HashMap;
use std::sync::Arc;

use crate::gitlab::Condition;
use crate::input::Source;
use crate::yaml::{self, Budget, Malformed, Node, Schema, Spent};

/// What one asking for a plan hands to the next: only what is new is read then. It changes nothing but the time that planning
/// takes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The files as messages name them; [`At::file`](crate::yaml::At::file) counts them.
    pub(super) paths: Vec<String>,
    /// By the file's number, and how many documents it may have.
    documents: HashMap<(u16, usize), Documents>,
    /// Conditions of GitLab files: what many jobs extend brings the same ones to each.
    pub(crate) conditions: HashMap<String, Arc<Condition>>,
}

/// A file that was read.
#[derive(Debug)]
struct Documents {
    text: String,
    roots: Vec<Node>,
    warnings: Vec<Malformed>,
    spent: Spent,
}

impl Known {
    /// The documents of a file, of which there may be so many, and what is to be known of them.
    pub(super) fn documents(
        &mut self,
        source: &Source<'_>,
        (file, most): (u16, usize),
        schema: Schema,
        budget: &mut Budget,
    ) -> Result<(Vec<Node>, Vec<Malformed>), Malformed> {
        if let Some(known) = self.documents.get(&(file, most)).filter(|known| known.text == source.text)
            // what is too much now is read anew, to tell where
            && budget.spend(known.spent)
        {
            return Ok((known.roots.clone(), known.warnings.clone()));
        }
        let (before, mut warnings) = (budget.clone(), Vec::new());
        let roots = yaml::documents(source, file, schema, most, budget, &mut warnings)?;
        let read = Documents { text: source.text.to_owned(), roots, warnings, spent: budget.since(&before) };
        let answer = (read.roots.clone(), read.warnings.clone());
        self.documents.insert((file, most), read);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Value;

    fn read(known: &mut Known, text: &str, budget: &mut Budget) -> Result<Vec<Node>, Malformed> {
        known.documents(&Source { path: "a", text }, (0, 1), Schema::Psych, budget).map(|(roots, _)| roots)
    }

    fn is_the_same(a: &[Node], b: &[Node]) -> bool {
        let parts = |nodes: &[Node]| match &nodes[0].value {
            Value::Map(entries) => entries.as_ptr(),
            _ => panic!("a mapping"),
        };
        parts(a) == parts(b)
    }

    #[test]
    fn a_file_is_read_once_until_it_changes() {
        let (mut known, mut budget) = (Known::default(), Budget::new());
        let first = read(&mut known, "a: 1", &mut budget).unwrap();
        assert!(is_the_same(&first, &read(&mut known, "a: 1", &mut budget).unwrap()));
        assert!(!is_the_same(&first, &read(&mut known, "a: 2", &mut budget).unwrap()));
    }

    #[test]
    fn what_is_known_costs_as_much_as_if_it_were_read() {
        let text = format!("a: &a {}\nb: [*a, *a, *a]\n", "x".repeat(1 << 18));
        let fails = |known: &mut Known, budget: &mut Budget| {
            (0..64).find_map(|_| read(known, &text, budget).err().map(|why| (why.at, why.message)))
        };
        let (mut known, mut budget) = (Known::default(), Budget::new());
        let mut anew = Budget::new();
        assert!(read(&mut known, &text, &mut budget).is_ok() && read(&mut Known::default(), &text, &mut anew).is_ok());
        let kept = fails(&mut known, &mut budget);
        assert!(kept.is_some());
        assert_eq!(kept, fails(&mut Known::default(), &mut anew));
    }
}
