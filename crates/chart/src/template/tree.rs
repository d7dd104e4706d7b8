//! A template as it is kept: its text, what stands in its pipelines, and the steps that carry it out.

use super::{callee::Callee, constant::Number, wording::wording};
use crate::value::Str;

/// A node of a [`Tree`], by its place.
pub(super) type NodeId = u32;
/// A name of a [`Tree`] (a variable or a field), by its place.
pub(super) type NameId = u32;
/// A step of a [`Tree`], by its place.
pub(super) type At = usize;

/// A part of a pipeline. Only errors need it: they show the part as it would be written.
#[derive(Debug)]
pub(super) enum Node {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    /// A text as it is written, and what it means.
    Text(Str, Str),
    Field(Vec<NameId>),
    /// A variable, and the fields behind it.
    Variable(Vec<NameId>),
    Function(Str),
    /// Fields of a function's or a pipeline's value.
    Chain(NodeId, Vec<NameId>),
    Command(Vec<NodeId>),
    Pipe {
        assigns: bool,
        variables: Vec<NodeId>,
        commands: Vec<NodeId>,
    },
    Template(Str, Option<NodeId>),
}

/// A template.
#[derive(Debug)]
pub(super) struct Tree {
    /// Its name.
    pub(super) name: Str,
    /// The name of the text that it stands in.
    pub(super) file: Str,
    /// That text.
    pub(super) text: Str,
    /// Whether it has nothing but spaces and comments.
    pub(super) empty: bool,
    pub(super) names: Vec<Str>,
    /// Each node with where it begins in the text.
    pub(super) nodes: Vec<(usize, Node)>,
    pub(super) steps: Vec<Step>,
}

/// What a command that is called with arguments knows of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// How many stand in the command.
    pub(super) arguments: u32,
    /// Whether the value of the command before is one more.
    pub(super) piped: bool,
}

impl Given {
    pub(super) fn any(self) -> bool {
        self.piped || self.arguments > 0
    }

    pub(super) fn count(self) -> usize {
        self.arguments as usize + usize::from(self.piped)
    }
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It lies on the stack as it was found.
    Keep,
    /// It is a command's, and is taken out of its interface.
    Settle,
    /// It is the next argument of the call.
    Argue,
}

/// A step of carrying out a template. Values lie on a stack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Writes text from here to there.
    Text(u32, u32),
    /// Writes the value.
    Print,
    /// Drops the value.
    Drop,
    /// What is wrong from here on is wrong at this node.
    Mark(NodeId),
    /// Begins a block: variables end with it.
    Enter,
    /// Ends a block.
    Leave,
    /// Goes on there when the value is empty.
    If(At),
    /// As `If`; otherwise the value is the dot up to the end of the block.
    With(At),
    /// Goes on there.
    Jump(At),
    /// Ranges over the value; goes on there when there is nothing in it. So many variables take part, new or old ones.
    Range { otherwise: At, variables: [Option<NameId>; 2], assigns: bool },
    /// The next turn of a loop, whose body begins there.
    Next(At),
    /// Leaves so many blocks and ends the loop around them, whose block ends there.
    Break(At, u32),
    /// Leaves so many blocks and ends the turn around them; the next one begins there.
    Continue(At, u32),
    /// A template of that name must be there.
    Find(NodeId),
    /// Carries out that template; its dot is the value if there is one.
    Invoke(NodeId, bool),
    /// The template ends.
    Return,
    /// A new variable has the value.
    Declare(NameId),
    /// A variable has the value now.
    Assign(NameId),
    /// The dot.
    Dot(NodeId, After),
    /// A variable, or fields of the dot, of a variable or of the value, one below the other: entries, or what methods without
    /// arguments give.
    Way(NodeId, After),
    /// As `Way`, with arguments of the last, which only a method takes; goes on there when it is none.
    Method { node: NodeId, given: Given, past: At },
    /// The constant of a node, as a command by itself.
    Constant(NodeId),
    /// A command that takes no arguments has some.
    NoFunction(NodeId),
    /// Nothing: what may become `NoFunction` or `Short`.
    Idle,
    /// Begins a call: function, the node to tell when it fails, and the one to tell when it cannot be called so.
    Function { callee: Callee, node: NodeId, word: NodeId, given: Given },
    /// The value is the next argument of the call.
    Argument,
    /// The constant of a node is the next argument of the call.
    ConstantArgument(NodeId),
    /// `and` and `or` may have their value; then they go on there.
    Short(At),
    /// Calls.
    Call(After),
}

impl Tree {
    pub(super) fn name_of(&self, id: NameId) -> &[u8] {
        self.names.get(id as usize).map_or(b"", |name| name.as_bytes())
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize).map(|(_, node)| node)
    }

    /// Where a node begins: name of the text, line, letters before it in the line.
    pub(super) fn location(&self, id: NodeId) -> Vec<u8> {
        let pos = self.nodes.get(id as usize).map_or(0, |(pos, _)| *pos);
        let before = self.text.as_bytes().get(..pos).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        [self.file.as_bytes(), format!(":{line}:{column}").as_bytes()].concat()
    }

    /// The first argument of a command.
    pub(super) fn second_word(&self, id: NodeId) -> Option<NodeId> {
        match self.node(id)? {
            Node::Command(words) => words.get(1).copied(),
            _ => None,
        }
    }

    /// A node as it would be written.
    pub(super) fn wording(&self, id: NodeId) -> Vec<u8> {
        wording(&self.nodes, &self.names, id)
    }
}
