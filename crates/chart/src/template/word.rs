//! The steps of a command's words: the first is called or is the value, the others are arguments.

use super::{
    callee::{Builtin, Callee},
    parse::Parser,
    pipeline::{Command, First},
    tree::{After, Given, Node, NodeId, Step},
};

impl Parser<'_> {
    /// The steps of a command's first word.
    pub(super) fn first_word(&mut self, command: &mut Command, node: NodeId, piped: bool) {
        let (step, fields) = match self.builder.node(node) {
            Some(Node::Function(name)) => {
                let Some(callee) = Callee::named(name.as_bytes(), self.language) else { return };
                command.short = matches!(callee, Callee::Builtin(Builtin::And | Builtin::Or));
                command.first = First::Function(self.builder.steps.len(), callee);
                self.builder.steps.push(Step::Function { callee, node, word: node, given: Given { arguments: 0, piped } });
                return;
            }
            Some(Node::Pipe { .. }) => {
                command.first = First::Plain(command.before);
                return;
            }
            Some(Node::Chain(head, _)) => {
                self.head(*head, After::Keep);
                (Step::Way(node, After::Settle), true)
            }
            Some(Node::Field(_)) => (Step::Way(node, After::Settle), true),
            Some(Node::Variable(names)) => (Step::Way(node, After::Settle), names.len() > 1),
            Some(Node::Dot) => (Step::Dot(node, After::Settle), false),
            _ => (Step::Constant(node), false),
        };
        let at = self.builder.steps.len();
        command.first = if fields { First::Way(at, node) } else { First::Plain(at) };
        self.builder.steps.push(step);
    }

    /// What a chain's fields are fields of: a pipeline has its steps already, a function is called without arguments.
    fn head(&mut self, node: NodeId, after: After) {
        if let Some(Node::Function(name)) = self.builder.node(node) {
            let Some(callee) = Callee::named(name.as_bytes(), self.language) else { return };
            self.builder.steps.extend([Step::Function { callee, node, word: node, given: Given::default() }, Step::Call(after)]);
        }
    }

    /// The steps of an argument.
    pub(super) fn argument(&mut self, command: &mut Command, node: NodeId) {
        match self.builder.node(node) {
            Some(Node::Dot) => self.builder.steps.push(Step::Dot(node, After::Argue)),
            Some(Node::Field(_) | Node::Variable(_)) => self.builder.steps.push(Step::Way(node, After::Argue)),
            Some(Node::Function(_)) => self.head(node, After::Argue),
            Some(Node::Chain(head, _)) => {
                self.head(*head, After::Keep);
                self.builder.steps.push(Step::Way(node, After::Argue));
            }
            Some(Node::Pipe { .. }) => self.builder.steps.push(Step::Argument),
            _ => self.builder.steps.push(Step::ConstantArgument(node)),
        }
        if command.short {
            command.shorts.push(self.builder.steps.len());
            self.builder.steps.push(Step::Idle);
        }
    }
}
