//! Compiled expressions, once a render.

use std::{collections::HashMap, sync::Arc};

use ::regex::{Regex, RegexBuilder};

use super::{
    matches::Subject,
    syntax::{self, Parsed, SyntaxError},
};
use crate::{
    budget::{Budget, Exhausted},
    value::Str,
};

/// The most memory that one compiled expression may take.
const SIZE_LIMIT: usize = 32 << 20;

/// Expressions that this render has compiled.
#[derive(Debug, Default)]
pub struct Cache {
    seen: HashMap<Str, Result<Compiled, SyntaxError>>,
}

/// Why there is no compiled expression.
#[derive(Debug)]
pub enum NotCompiled {
    /// It is none.
    Wrong(SyntaxError),
    /// There is no more to spend.
    Limit(Exhausted),
}

impl From<Exhausted> for NotCompiled {
    fn from(limit: Exhausted) -> Self {
        Self::Limit(limit)
    }
}

/// A compiled expression; copies share it.
#[derive(Clone, Debug)]
pub struct Compiled(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    regex: Regex,
    /// For each group of the expression, the whole first, where `regex` has it.
    groups: Vec<Option<usize>>,
    /// The names of groups, in order; two may have the same.
    names: Vec<(Vec<u8>, usize)>,
    /// How many states it has, about.
    weight: u64,
}

impl Cache {
    /// The compiled expression, or why it is none.
    pub(super) fn compile(&mut self, expression: &Str, budget: &mut Budget) -> Result<Compiled, NotCompiled> {
        budget.scan(expression.len())?;
        if let Some(known) = self.seen.get(expression) {
            return known.clone().map_err(NotCompiled::Wrong);
        }
        budget.make(expression.len() + 64)?;
        let compiled = match syntax::parse(expression.as_bytes()) {
            Ok(parsed) => {
                // what reads the pattern keeps a part of itself for each range of a class, and there are hundreds in `\pL`
                let read = parsed.pattern.len().saturating_mul(16);
                let states = usize::try_from(parsed.weight).unwrap_or(usize::MAX).saturating_mul(32);
                budget.step(parsed.weight.saturating_mul(16).saturating_add(parsed.pattern.len() as u64))?;
                budget.make(read.saturating_add(states))?;
                Compiled::new(parsed).ok_or_else(|| SyntaxError::too_large(expression.as_bytes()))
            }
            Err(error) => Err(error),
        };
        self.seen.insert(expression.clone(), compiled.clone());
        compiled.map_err(NotCompiled::Wrong)
    }
}

impl Compiled {
    fn new(parsed: Parsed) -> Option<Self> {
        // its own parser has bounded how deep it goes, less deep than this
        let nesting = 4 * syntax::MAX_HEIGHT;
        let regex = RegexBuilder::new(&parsed.pattern).size_limit(SIZE_LIMIT).nest_limit(nesting).build().ok()?;
        let places: HashMap<&str, usize> = regex.capture_names().enumerate().filter_map(|(place, name)| Some((name?, place))).collect();
        let groups = std::iter::once(Some(0))
            .chain((1..=parsed.groups).map(|group| places.get(syntax::group_label(group).as_str()).copied()))
            .collect();
        Some(Self(Arc::new(Inner { groups, names: parsed.names, weight: parsed.weight, regex })))
    }

    /// Charges for one search. It may look through all that is left, though most find their match at once: a compromise between
    /// texts of a megabyte with ten thousand matches, which are honest, and expressions that look to the end for each.
    fn charge(&self, subject: &Subject, at: usize, budget: &mut Budget) -> Result<(), Exhausted> {
        let left = subject.len().saturating_sub(at) as u64;
        budget.step(1 + left.saturating_mul(64 + self.0.weight) / (64 * 256))
    }

    /// Charges for what a search has surely looked through. The `regex` crate takes each letter to all states of an expression that
    /// has too many sets of them: some nanoseconds for each.
    fn charge_seen(&self, from: usize, to: usize, budget: &mut Budget) -> Result<(), Exhausted> {
        let seen = to.saturating_sub(from) as u64;
        budget.step(seen.saturating_mul(32 + self.0.weight) / 32)
    }

    /// The first match from a place on.
    pub fn find(&self, subject: &Subject, at: usize, budget: &mut Budget) -> Result<Option<(usize, usize)>, Exhausted> {
        self.charge(subject, at, budget)?;
        let found = self.0.regex.find_at(subject.searched(), at).map(|found| (found.start(), found.end()));
        self.charge_seen(at, found.map_or(subject.len(), |(_, end)| end), budget)?;
        Ok(found)
    }

    /// The first match from a place on, and what each of its groups matched.
    #[allow(clippy::type_complexity, reason = "places of groups")]
    pub fn groups(&self, subject: &Subject, at: usize, budget: &mut Budget) -> Result<Option<Vec<Option<(usize, usize)>>>, Exhausted> {
        self.charge(subject, at, budget)?;
        let Some(found) = self.0.regex.captures_at(subject.searched(), at) else {
            self.charge_seen(at, subject.len(), budget)?;
            return Ok(None);
        };
        self.charge_seen(at, found.get(0).map_or(at, |whole| whole.end()), budget)?;
        let place = |group: &Option<usize>| found.get((*group)?).map(|part| (part.start(), part.end()));
        Ok(Some(self.0.groups.iter().map(place).collect()))
    }

    /// The groups of that name.
    pub fn named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        self.0.names.iter().filter(move |(other, _)| other == name).map(|(_, group)| *group)
    }
}
