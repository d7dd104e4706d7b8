//! Expressions that are compiled, once a render.

use std::{collections::HashMap, sync::Arc};

use regex_automata::{
    nfa::thompson::{self, NFA, State, WhichCaptures},
    util::{primitives::StateID, syntax as rust_syntax},
};

use super::{
    search::{NOWHERE, Searcher},
    syntax::{self, Parsed, SyntaxError},
};
use crate::{
    budget::{Budget, Exhausted},
    value::Str,
};

/// The most memory that one compiled expression may take.
const SIZE_LIMIT: usize = 32 << 20;

/// Expressions that this render has compiled, each with the room that searches of it take.
#[derive(Default)]
pub struct Cache {
    seen: HashMap<Str, Result<Searcher, SyntaxError>>,
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
#[derive(Clone)]
pub struct Program(Arc<Inner>);

struct Inner {
    nfa: NFA,
    /// The bytes that a match can begin with; none where one may be empty.
    first: Option<Box<[bool; 256]>>,
    /// For each group of the expression, the whole first, which group of `nfa` it is.
    groups: Vec<Option<usize>>,
    /// The names of groups, in order; two may have the same.
    names: Vec<(Vec<u8>, usize)>,
}

impl Cache {
    /// The compiled expression, or why it is none.
    pub(super) fn compile(&mut self, expression: &Str, budget: &mut Budget) -> Result<&mut Searcher, NotCompiled> {
        budget.scan(expression.len())?;
        if !self.seen.contains_key(expression) {
            budget.make(expression.len() + 64)?;
            let compiled = match syntax::parse(expression.as_bytes()) {
                Ok(parsed) => {
                    // what reads the pattern keeps a part of itself for each range of a class, and there are hundreds in `\pL`
                    let read = parsed.pattern.len().saturating_mul(16);
                    let states = usize::try_from(parsed.weight).unwrap_or(usize::MAX).saturating_mul(32);
                    budget.step(parsed.weight.saturating_mul(16).saturating_add(parsed.pattern.len() as u64))?;
                    budget.make(read.saturating_add(states))?;
                    Program::new(parsed).ok_or_else(|| SyntaxError::too_large(expression.as_bytes()))
                }
                Err(error) => Err(error),
            };
            self.seen.insert(expression.clone(), compiled.map(Searcher::new));
        }
        match self.seen.get_mut(expression) {
            Some(Ok(searcher)) => Ok(searcher),
            Some(Err(error)) => Err(NotCompiled::Wrong(error.clone())),
            // it was put there above
            None => Err(NotCompiled::Wrong(SyntaxError::too_large(expression.as_bytes()))),
        }
    }
}

impl Program {
    fn new(parsed: Parsed) -> Option<Self> {
        // its own parser has bounded how deep it goes, less deep than this
        let nesting = 4 * syntax::MAX_HEIGHT;
        let config = thompson::Config::new().nfa_size_limit(Some(SIZE_LIMIT)).which_captures(WhichCaptures::All);
        let mut compiler = thompson::Compiler::new();
        let nfa = compiler.configure(config).syntax(rust_syntax::Config::new().nest_limit(nesting)).build(&parsed.pattern).ok()?;
        let labels = nfa.group_info().pattern_names(regex_automata::PatternID::ZERO).enumerate();
        let places: HashMap<&str, usize> = labels.filter_map(|(place, name)| Some((name?, place))).collect();
        let groups = std::iter::once(Some(0))
            .chain((1..=parsed.groups).map(|group| places.get(syntax::group_label(group).as_str()).copied()))
            .collect();
        Some(Self(Arc::new(Inner { first: first_bytes(&nfa), groups, names: parsed.names, nfa })))
    }

    pub(super) fn nfa(&self) -> &NFA {
        &self.0.nfa
    }

    pub(super) fn first(&self) -> Option<&[bool; 256]> {
        self.0.first.as_deref()
    }

    /// Where each group of the expression was found, of where those of the automaton were.
    pub(super) fn groups(&self, slots: &[usize]) -> Vec<Option<(usize, usize)>> {
        let place = |group: usize| {
            let (start, end) = (*slots.get(2 * group)?, *slots.get(2 * group + 1)?);
            (end != NOWHERE).then_some((start, end))
        };
        self.0.groups.iter().map(|group| place((*group)?)).collect()
    }

    /// The groups of that name.
    pub(super) fn named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        self.0.names.iter().filter(move |(other, _)| other == name).map(|(_, group)| *group)
    }
}

/// The bytes that a match can begin with, whatever is asked of the places around it; none where it may be empty.
fn first_bytes(nfa: &NFA) -> Option<Box<[bool; 256]>> {
    let mut first = Box::new([false; 256]);
    let mut seen = vec![false; nfa.states().len()];
    let mut left = vec![nfa.start_anchored()];
    while let Some(id) = left.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        let mut add = |start: u8, end: u8| (start..=end).for_each(|byte| first[usize::from(byte)] = true);
        match nfa.state(id) {
            State::ByteRange { trans } => add(trans.start, trans.end),
            State::Sparse(sparse) => sparse.transitions.iter().for_each(|trans| add(trans.start, trans.end)),
            State::Dense(dense) => {
                let reached = |byte: &u8| dense.transitions[usize::from(*byte)] != StateID::ZERO;
                (0..=u8::MAX).filter(reached).for_each(|byte| add(byte, byte));
            }
            State::Look { next, .. } | State::Capture { next, .. } => left.push(*next),
            State::Union { alternates } => left.extend(alternates.iter()),
            State::BinaryUnion { alt1, alt2 } => left.extend([*alt1, *alt2]),
            State::Fail => {}
            State::Match { .. } => return None,
        }
    }
    Some(first)
}
