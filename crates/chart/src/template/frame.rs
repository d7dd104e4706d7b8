//! Templates that are being carried out, one called by the other.

use std::{cell::Cell, rc::Rc, sync::Arc};

use super::{
    Set,
    operand::Operand,
    range::Turns,
    tree::{At, NodeId, Tree},
};
use crate::{
    budget::Exhausted,
    value::{Str, Type, Value, types::Method},
};

/// A template that is being carried out.
pub(super) struct Frame {
    pub(super) tree: Arc<Tree>,
    /// The step that is next.
    pub(super) at: At,
    pub(super) dot: Operand,
    /// Where an error is, if one is met now.
    pub(super) mark: NodeId,
    /// Where its variables begin.
    pub(super) variables: usize,
    /// How many templates called one another up to it by `template`.
    pub(super) depth: usize,
    pub(super) entry: Entry,
}

/// What called a template.
pub(super) enum Entry {
    /// The caller of the render.
    Top,
    /// `template`
    Template,
    /// `include`: where in the output its own begins, how often the template is being included, and the node that called.
    Include(usize, Rc<Cell<usize>>, NodeId),
    /// `tpl`: where in the output its own begins, the templates that were known, the text, and the node that called.
    Tpl(usize, Set, Str, NodeId),
}

/// A block that has begun.
pub(super) struct Block {
    /// How many variables there were.
    pub(super) variables: usize,
    /// The dot before it, if it set another.
    pub(super) dot: Option<Operand>,
    /// The turns to come, if it is a loop.
    pub(super) turns: Option<Turns>,
}

/// A call whose arguments are being made.
pub(super) struct Call {
    pub(super) target: Target,
    pub(super) takes: &'static [&'static Type],
    pub(super) rest: Option<&'static Type>,
    pub(super) given: super::tree::Given,
    /// Where its arguments begin on the stack.
    pub(super) base: usize,
    /// The node that calls.
    pub(super) node: NodeId,
}

pub(super) enum Target {
    Callee(super::callee::Callee),
    Method(&'static Method, Value),
}

impl Target {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Callee(callee) => callee.name(),
            Self::Method(method, _) => method.name,
        }
    }
}

impl Call {
    /// The type of an argument by its place.
    pub(super) fn ty(&self, place: usize) -> Option<&'static Type> {
        self.takes.get(place).copied().or(self.rest)
    }
}

/// Why a step was not carried out.
pub(super) enum Stop {
    /// An error's text, before the template's place is put before it: a format of `fmt` and what it shows.
    Wrong(&'static str, Vec<Value>),
    /// The render met a limit.
    Limit(Exhausted),
}

impl From<Exhausted> for Stop {
    fn from(limit: Exhausted) -> Self {
        Self::Limit(limit)
    }
}

pub(super) type Carried<T> = Result<T, Stop>;

/// An error with a text to show.
pub(super) fn wrong<T>(form: &'static str, shown: impl IntoIterator<Item = Value>) -> Carried<T> {
    Err(Stop::Wrong(form, shown.into_iter().collect()))
}
