//! A template while it is read: its steps so far, and the blocks that are open in it.

use std::collections::HashMap;

use super::{
    lex::Item,
    tree::{At, NameId, Node, NodeId, Step, Tree},
};
use crate::value::Str;

/// Which template is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// The whole text.
    File,
    /// A `define`.
    Define,
    /// A `block`.
    Block,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    If,
    With,
    Range,
}

impl Context {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }
}

/// An open block.
pub(super) struct Block {
    pub(super) context: Context,
    pub(super) else_seen: bool,
    /// Whether it stands in the `else` of the block before and ends with it.
    chained: bool,
    /// How many variables there were before it.
    variables: usize,
    /// The step that goes on elsewhere when there is nothing to do.
    test: At,
    /// The step that goes on behind the `else`.
    jump: Option<At>,
    /// Every `break` of it, and how many blocks it leaves inside; the steps are told where it ends.
    breaks: Vec<(At, u32)>,
    /// Every `continue` of it.
    continues: Vec<(At, u32)>,
    /// Where among the open blocks the innermost loop is, and the innermost whose body is open.
    loops: Loops,
}

#[derive(Clone, Copy, Default)]
struct Loops {
    any: Option<usize>,
    body: Option<usize>,
}

pub(super) struct Builder<'t> {
    pub(super) name: Str,
    pub(super) parts: Parts,
    /// The items that were read last, the newest first, and how many of them are to be read again.
    pub(super) items: [Item<'t>; 3],
    pub(super) given_back: usize,
    /// The line where the action begins that is read; 0 outside of one.
    pub(super) action_line: usize,
    pub(super) parens: usize,
    /// The variables that may be used, and how often each name is among them.
    variables: Vec<NameId>,
    declared: Vec<u32>,
    pub(super) blocks: Vec<Block>,
    pub(super) empty: bool,
    pub(super) steps: Vec<Step>,
    nodes: Vec<(usize, Node)>,
    names: Vec<Str>,
    places: HashMap<Str, NameId>,
}

impl Builder<'_> {
    pub(super) fn new(name: Str, parts: Parts) -> Self {
        let mut it = Self {
            name,
            parts,
            items: [Item::none(), Item::none(), Item::none()],
            given_back: 0,
            action_line: 0,
            parens: 0,
            variables: Vec::new(),
            declared: Vec::new(),
            blocks: Vec::new(),
            empty: true,
            steps: Vec::new(),
            nodes: Vec::new(),
            names: Vec::new(),
            places: HashMap::new(),
        };
        let dollar = it.name(b"$");
        it.declare(dollar);
        it
    }

    /// A variable may be used from here on.
    pub(super) fn declare(&mut self, name: NameId) {
        self.variables.push(name);
        if let Some(times) = self.declared.get_mut(name as usize) {
            *times += 1;
        }
    }

    /// Whether there is such a variable.
    pub(super) fn is_declared(&self, name: NameId) -> bool {
        self.declared.get(name as usize).is_some_and(|times| *times > 0)
    }

    /// How many variables there are.
    pub(super) fn variables(&self) -> usize {
        self.variables.len()
    }

    /// Those that were declared since there were so many are gone.
    fn forget_variables(&mut self, count: usize) {
        for name in self.variables.drain(count.min(self.variables.len())..) {
            if let Some(times) = self.declared.get_mut(name as usize) {
                *times -= 1;
            }
        }
    }

    /// The place of a name.
    pub(super) fn name(&mut self, name: &[u8]) -> NameId {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        // a text of more than four thousand million names does not fit in memory
        let place = NameId::try_from(self.names.len()).unwrap_or(NameId::MAX);
        let name = Str::from(name);
        self.names.push(name.clone());
        self.declared.push(0);
        self.places.insert(name, place);
        place
    }

    pub(super) fn add(&mut self, pos: usize, node: Node) -> NodeId {
        self.nodes.push((pos, node));
        NodeId::try_from(self.nodes.len() - 1).unwrap_or(NodeId::MAX)
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize).map(|(_, node)| node)
    }

    /// A node as it would be written.
    pub(super) fn wording(&self, id: NodeId) -> Vec<u8> {
        super::wording::wording(&self.nodes, &self.names, id)
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize).map(|(_, node)| node)
    }

    pub(super) fn set_pipe(&mut self, template: NodeId, pipe: Option<NodeId>) {
        if let Some(Node::Template(_, place)) = self.node_mut(template) {
            *place = pipe;
        }
    }

    fn here(&self) -> At {
        self.steps.len()
    }

    /// Writes a step anew, now that one knows where it leads.
    pub(super) fn set(&mut self, at: At, step: Step) {
        if let Some(place) = self.steps.get_mut(at) {
            *place = step;
        }
    }

    /// The pipeline of a block has been read.
    pub(super) fn open(&mut self, context: Context, chained: bool, variables: usize, pipe: NodeId) {
        let test = self.here();
        let step = match context {
            Context::If => Step::If(0),
            Context::With => Step::With(0),
            Context::Range => self.range(pipe),
        };
        self.steps.push(step);
        let (breaks, continues) = (Vec::new(), Vec::new());
        let place = Some(self.blocks.len());
        let loops = if context == Context::Range { Loops { any: place, body: place } } else { self.loops() };
        self.blocks.push(Block { context, else_seen: false, chained, variables, test, jump: None, breaks, continues, loops });
    }

    fn range(&self, pipe: NodeId) -> Step {
        let Some(Node::Pipe { assigns, variables, .. }) = self.node(pipe) else { return Step::Idle };
        let name = |place: usize| match self.node(*variables.get(place)?) {
            Some(Node::Variable(names)) => names.first().copied(),
            _ => None,
        };
        Step::Range { otherwise: 0, variables: [name(0), name(1)], assigns: *assigns }
    }

    /// `break` or `continue`. False where no loop's body is open.
    ///
    /// A `break` in the `else` of a loop ends that loop, though it must stand in the body of another: Go catches it there.
    pub(super) fn leave_turn(&mut self, breaks: bool) -> bool {
        let here = self.here();
        let Loops { any, body } = self.loops();
        if body.is_none() {
            return false;
        }
        let count = self.blocks.len();
        let place = if breaks { any } else { body };
        if let Some((place, block)) = place.and_then(|place| Some((place, self.blocks.get_mut(place)?))) {
            let leave = u32::try_from(count - 1 - place).unwrap_or(u32::MAX);
            if breaks { &mut block.breaks } else { &mut block.continues }.push((here, leave));
        }
        self.steps.push(Step::Idle);
        true
    }

    /// Which loops are open.
    fn loops(&self) -> Loops {
        self.blocks.last().map_or_else(Loops::default, |block| block.loops)
    }

    /// The end of what is done when there is something to do.
    fn end_body(&mut self) {
        let Some(mut block) = self.blocks.pop() else { return };
        if block.context == Context::Range {
            let next = self.here();
            for (at, leave) in std::mem::take(&mut block.continues) {
                self.set(at, Step::Continue(next, leave));
            }
            self.steps.push(Step::Next(block.test + 1));
        }
        self.blocks.push(block);
    }

    fn end_test(&mut self, test: At) {
        let here = self.here();
        if let Some(Step::If(otherwise) | Step::With(otherwise) | Step::Range { otherwise, .. }) = self.steps.get_mut(test) {
            *otherwise = here;
        }
    }

    /// `else`
    pub(super) fn otherwise(&mut self) {
        self.end_body();
        let here = self.here();
        let around = self.blocks.iter().rev().nth(1).map_or_else(Loops::default, |block| block.loops);
        let Some(block) = self.blocks.last_mut() else { return };
        block.else_seen = true;
        if block.context == Context::Range {
            block.loops.body = around.body;
        }
        block.jump = Some(here);
        let test = block.test;
        self.steps.push(Step::Idle);
        self.end_test(test);
    }

    /// The end of the innermost block. Whether that of the one around it is the same.
    pub(super) fn close(&mut self) -> bool {
        if self.blocks.last().is_some_and(|block| !block.else_seen) {
            self.end_body();
        }
        let Some(block) = self.blocks.pop() else { return false };
        let here = self.here();
        match block.jump {
            Some(jump) => self.set(jump, Step::Jump(here)),
            None => self.end_test(block.test),
        }
        for (at, leave) in block.breaks {
            self.set(at, Step::Break(here, leave));
        }
        self.steps.push(Step::Leave);
        self.forget_variables(block.variables);
        block.chained
    }

    pub(super) fn into_tree(self, file: &Str, text: &Str) -> Tree {
        Tree {
            name: self.name,
            file: file.clone(),
            text: text.clone(),
            empty: self.empty,
            names: self.names,
            nodes: self.nodes,
            steps: self.steps,
        }
    }
}
