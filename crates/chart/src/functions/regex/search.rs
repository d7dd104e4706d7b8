//! An expression looked for in a text, every part of the work charged before the next.
//!
//! All ways through the automaton are followed side by side, byte by byte, those that Go prefers first; a way that comes to a state
//! where another is already ends. So a search takes no more looks at states than the text has bytes times the automaton has states.
//! How many it takes is only known as they are taken: they are charged from place to place.

use regex_automata::{
    nfa::thompson::{NFA, State},
    util::primitives::StateID,
};

use super::{matches::Subject, program::Program};
use crate::budget::{Budget, Exhausted};

/// How many looks at a state are a step. All the steps of a render are some ten seconds of looks.
const LOOKS: usize = 12;
/// How many places of groups are copied in the time of a look. Of an expression of hundreds of groups they lie too far apart for any cache.
const PLACES: usize = 4;
/// How many looks, and bytes that are skipped, go by before they are charged. One place takes no more than twice the states beside that.
const STRETCH: usize = 4096;
/// The place of what was not found.
pub(super) const NOWHERE: usize = usize::MAX;

/// An expression, and the room that searches of it take.
pub struct Searcher {
    program: Program,
    /// The ways that are open at this place of the text, and those at the next.
    now: Ways,
    next: Ways,
    follower: Follower,
    /// Where the groups of the match are that was found.
    found: Vec<usize>,
}

/// Ways through an automaton: the states they are in, the preferred first, and where each found its groups.
#[derive(Default)]
struct Ways {
    order: Vec<StateID>,
    /// For each state its place in `order`, if it has one.
    places: Vec<usize>,
    /// For each state the slots of the way that is in it.
    slots: Vec<usize>,
}

impl Ways {
    /// False where another way is in that state.
    fn enter(&mut self, state: StateID) -> bool {
        let place = &mut self.places[state.as_usize()];
        if self.order.get(*place) == Some(&state) {
            return false;
        }
        *place = self.order.len();
        self.order.push(state);
        true
    }

    fn slots(&mut self, state: StateID, width: usize) -> &mut [usize] {
        &mut self.slots[state.as_usize() * width..][..width]
    }
}

/// What is left to do while it is followed where a byte leads to.
enum Task {
    Follow(StateID),
    /// Another way goes on from where a group was found there.
    Restore(usize, usize),
}

/// Follows a way to where the next byte is wanted.
#[derive(Default)]
struct Follower {
    left: Vec<Task>,
    /// Where the groups of the way are.
    slots: Vec<usize>,
    /// How many looks were taken that are not charged yet.
    looks: usize,
}

impl Follower {
    fn follow(&mut self, nfa: &NFA, ways: &mut Ways, from: StateID, text: &str, at: usize) {
        self.left.push(Task::Follow(from));
        while let Some(task) = self.left.pop() {
            match task {
                Task::Restore(slot, place) => self.slots[slot] = place,
                Task::Follow(state) => self.follow_one(nfa, ways, state, text, at),
            }
        }
    }

    fn follow_one(&mut self, nfa: &NFA, ways: &mut Ways, mut state: StateID, text: &str, at: usize) {
        loop {
            self.looks += 1;
            if !ways.enter(state) {
                return;
            }
            match nfa.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. } => {
                    let width = self.slots.len();
                    self.looks += width / PLACES;
                    ways.slots(state, width).copy_from_slice(&self.slots);
                    return;
                }
                State::Fail => return,
                State::Look { look, next } => {
                    if !nfa.look_matcher().matches(*look, text.as_bytes(), at) {
                        return;
                    }
                    state = *next;
                }
                State::Union { alternates } => {
                    let Some((first, others)) = alternates.split_first() else { return };
                    self.looks += others.len();
                    self.left.extend(others.iter().rev().map(|other| Task::Follow(*other)));
                    state = *first;
                }
                State::BinaryUnion { alt1, alt2 } => {
                    self.left.push(Task::Follow(*alt2));
                    state = *alt1;
                }
                State::Capture { next, slot, .. } => {
                    if let Some(place) = self.slots.get_mut(slot.as_usize()) {
                        self.left.push(Task::Restore(slot.as_usize(), std::mem::replace(place, at)));
                    }
                    state = *next;
                }
            }
        }
    }

    fn charge(&mut self, budget: &mut Budget) -> Result<(), Exhausted> {
        let looks = std::mem::take(&mut self.looks);
        budget.step(looks.div_ceil(LOOKS) as u64)
    }
}

impl Searcher {
    /// One that has looked for nothing yet.
    pub fn new(program: Program) -> Self {
        let (now, next) = (Ways::default(), Ways::default());
        Self { program, now, next, follower: Follower::default(), found: Vec::new() }
    }

    /// The expression.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Whether it matches somewhere.
    pub fn is_match(&mut self, subject: &Subject, budget: &mut Budget) -> Result<bool, Exhausted> {
        Ok(self.search(subject.searched(), 0, 1, true, budget)?.is_some())
    }

    /// The first match from a place on.
    pub fn find(&mut self, subject: &Subject, at: usize, budget: &mut Budget) -> Result<Option<(usize, usize)>, Exhausted> {
        let end = self.search(subject.searched(), at, 1, false, budget)?;
        Ok(end.and_then(|end| Some((*self.found.first()?, end))))
    }

    /// The first match from a place on, and what each of its groups matched.
    #[allow(clippy::type_complexity, reason = "places of groups")]
    pub fn groups(&mut self, subject: &Subject, at: usize, budget: &mut Budget) -> Result<Option<Vec<Option<(usize, usize)>>>, Exhausted> {
        let width = self.program.nfa().group_info().slot_len();
        let end = self.search(subject.searched(), at, width, false, budget)?;
        Ok(end.map(|_| self.program.groups(&self.found)))
    }

    /// Where the match ends that Go prefers, or any match at all. `found` has as many of its slots as were asked for.
    fn search(&mut self, text: &str, at: usize, width: usize, any: bool, budget: &mut Budget) -> Result<Option<usize>, Exhausted> {
        self.make_room(width, budget)?;
        let program = self.program.clone();
        let (nfa, first) = (program.nfa(), program.first());
        let (mut at, mut end) = (at, None);
        loop {
            if self.now.order.is_empty() {
                if end.is_some() || nfa.is_always_start_anchored() && at > 0 {
                    break;
                }
                if let Some(first) = first {
                    let Some(place) = skipped(text.as_bytes(), at, first, budget)? else { break };
                    at = place;
                }
            }
            let byte = text.as_bytes().get(at).copied();
            let may_begin = first.is_none_or(|first| byte.is_some_and(|byte| first[usize::from(byte)]));
            if end.is_none() && may_begin {
                // what begins here is preferred less than what began before
                self.follower.slots.fill(NOWHERE);
                self.follower.follow(nfa, &mut self.now, nfa.start_anchored(), text, at);
            }
            if self.advance(nfa, text, at, byte) {
                end = Some(at);
            }
            if self.follower.looks >= STRETCH {
                self.follower.charge(budget)?;
            }
            std::mem::swap(&mut self.now, &mut self.next);
            self.next.order.clear();
            if byte.is_none() || any && end.is_some() {
                break;
            }
            at += 1;
        }
        self.follower.charge(budget)?;
        Ok(end)
    }

    /// Room for the ways of a search, which are kept for the next.
    fn make_room(&mut self, width: usize, budget: &mut Budget) -> Result<(), Exhausted> {
        let states = self.program.nfa().states().len();
        let slots = states.saturating_mul(width);
        if self.now.slots.len() < slots {
            let room = (slots - self.now.slots.len()).saturating_add(2 * states).saturating_mul(2 * size_of::<usize>());
            budget.make(room)?;
            budget.scan(room)?;
        }
        for ways in [&mut self.now, &mut self.next] {
            ways.order.clear();
            ways.places.resize(states, 0);
            ways.slots.resize(slots.max(ways.slots.len()), NOWHERE);
        }
        self.follower.left.clear();
        self.follower.slots.resize(width, NOWHERE);
        self.follower.looks = 1;
        Ok(())
    }

    /// Takes all ways over a byte. Whether one of them has come to its end: those that are preferred less are given up then.
    fn advance(&mut self, nfa: &NFA, text: &str, at: usize, byte: Option<u8>) -> bool {
        let width = self.follower.slots.len();
        for place in 0..self.now.order.len() {
            let state = self.now.order[place];
            self.follower.looks += 1;
            let leads_to = |byte: u8, looks: &mut usize| match nfa.state(state) {
                State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
                State::Sparse(sparse) => {
                    *looks += sparse.transitions.len() / 4;
                    sparse.matches_byte(byte)
                }
                State::Dense(dense) => dense.matches_byte(byte),
                _ => None,
            };
            if let State::Match { .. } = nfa.state(state) {
                let slots = self.now.slots(state, width);
                // an empty match inside of a character is none
                if slots.first() != Some(&at) || text.is_char_boundary(at) {
                    self.found.clear();
                    self.found.extend_from_slice(slots);
                    return true;
                }
            } else if let Some(next) = byte.and_then(|byte| leads_to(byte, &mut self.follower.looks)) {
                self.follower.slots.copy_from_slice(self.now.slots(state, width));
                self.follower.follow(nfa, &mut self.next, next, text, at + 1);
            }
        }
        false
    }
}

/// The next place where a match can begin; none where there is none.
fn skipped(text: &[u8], from: usize, first: &[bool; 256], budget: &mut Budget) -> Result<Option<usize>, Exhausted> {
    let mut at = from;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let stretch = &rest[..rest.len().min(STRETCH)];
        let place = stretch.iter().position(|byte| first[usize::from(*byte)]);
        let seen = place.unwrap_or(stretch.len());
        budget.scan(seen)?;
        at += seen;
        if place.is_some() {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
