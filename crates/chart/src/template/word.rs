//! The steps of a command's words: the first is called or is the value, the others are arguments.

use super::{
    callee::{Builtin, Callee},
    parse::Parser,
    pipeline::{Command, First},
    tree::{Given, NameId, Node, NodeId, Step},
};

impl Parser<'_> {
    /// The steps of a command's first word.
    pub(super) fn first_word(&mut self, command: &mut Command, node: NodeId, piped: bool) {
        let found = match self.builder.node(node) {
            Some(Node::Field(names)) => (Some(Step::Dot), names.clone()),
            Some(Node::Variable(names)) => match names.split_first() {
                Some((variable, fields)) => (Some(Step::Variable(*variable)), fields.to_vec()),
                None => (None, Vec::new()),
            },
            Some(Node::Chain(head, names)) => {
                let (head, names) = (*head, names.clone());
                self.head(head);
                (None, names)
            }
            Some(Node::Function(name)) => {
                let Some(callee) = Callee::named(name.as_bytes()) else { return };
                command.short = matches!(callee, Callee::Builtin(Builtin::And | Builtin::Or));
                self.builder.steps.push(Step::Mark(node));
                command.first = First::Function(self.builder.steps.len(), callee);
                let given = Given { arguments: 0, piped };
                self.builder.steps.push(Step::Function { callee, node, given });
                return;
            }
            Some(Node::Pipe { .. }) => {
                command.first = First::Plain(command.before);
                return;
            }
            _ => {
                self.builder.steps.push(Step::Mark(node));
                command.first = First::Plain(self.builder.steps.len());
                self.builder.steps.extend([Step::Idle, Step::Constant(node)]);
                return;
            }
        };
        let (value, fields) = found;
        if let Some(value) = value {
            self.builder.steps.extend([Step::Mark(node), value]);
        }
        match fields.last() {
            Some(last) => {
                self.fields(&fields, node);
                command.first = First::Field(self.builder.steps.len() - 1, *last, node);
            }
            None => {
                command.first = First::Plain(self.builder.steps.len());
                self.builder.steps.push(Step::Idle);
            }
        }
    }

    fn fields(&mut self, names: &[NameId], node: NodeId) {
        self.builder.steps.extend(names.iter().map(|name| Step::Field(*name, node)));
    }

    /// What a chain's fields are fields of: a pipeline has its steps already, a function is called without arguments.
    fn head(&mut self, node: NodeId) {
        if let Some(Node::Function(name)) = self.builder.node(node) {
            let Some(callee) = Callee::named(name.as_bytes()) else { return };
            self.builder.steps.extend([Step::Mark(node), Step::Function { callee, node, given: Given::default() }, Step::Call]);
        }
    }

    /// The steps of an argument.
    pub(super) fn argument(&mut self, command: &mut Command, node: NodeId) {
        match self.builder.node(node) {
            Some(Node::Dot) => self.builder.steps.extend([Step::Mark(node), Step::Dot, Step::Argument]),
            Some(Node::Field(names)) => {
                let names = names.clone();
                self.builder.steps.extend([Step::Mark(node), Step::Dot]);
                self.fields(&names, node);
                self.builder.steps.push(Step::Argument);
            }
            Some(Node::Variable(names)) => {
                let Some((variable, names)) = names.clone().split_first().map(|(first, rest)| (*first, rest.to_vec())) else { return };
                self.builder.steps.extend([Step::Mark(node), Step::Variable(variable)]);
                self.fields(&names, node);
                self.builder.steps.push(Step::Argument);
            }
            Some(Node::Function(_)) => {
                self.head(node);
                self.builder.steps.push(Step::Argument);
            }
            Some(Node::Chain(head, names)) => {
                let (head, names) = (*head, names.clone());
                self.head(head);
                self.fields(&names, node);
                self.builder.steps.push(Step::Argument);
            }
            Some(Node::Pipe { .. }) => self.builder.steps.push(Step::Argument),
            _ => self.builder.steps.extend([Step::Mark(node), Step::ConstantArgument(node)]),
        }
        if command.short {
            command.shorts.push(self.builder.steps.len());
            self.builder.steps.push(Step::Idle);
        }
    }
}
