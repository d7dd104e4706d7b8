//! The parser of pipelines. What stands in parentheses lies on a stack of the parser's own; the steps of a command are written
//! while it is read, and set anew at its end, when one knows how many arguments it has.

use super::{
    callee::Callee,
    constant::Number,
    lex::Kind,
    parse::{Parsed, Parser},
    tree::{After, At, Given, Node, NodeId, Step},
};

/// How deep parentheses may stand in one another. Go counts them since 1.25; before, the stack was the limit.
const PARENS: usize = 10_000;

/// A pipeline that is not at its end.
struct Open {
    context: &'static str,
    end: Kind,
    node: NodeId,
    command: Option<Command>,
    commands: usize,
}

/// A command that is not at its end.
pub(super) struct Command {
    pos: usize,
    words: Vec<NodeId>,
    pub(super) first: First,
    /// Whether its arguments may spare the rest: it is `and` or `or`.
    pub(super) short: bool,
    pub(super) shorts: Vec<At>,
    /// The step before its first word, if that is a pipeline.
    pub(super) before: At,
}

/// The step of a command's first word that has to know the arguments.
#[derive(Clone, Copy)]
pub(super) enum First {
    None,
    /// It takes none.
    Plain(At),
    Way(At, NodeId),
    Function(At, Callee),
}

/// What comes next in a pipeline.
enum State {
    Command,
    Operand,
    /// A term has been read: fields may follow.
    Term(NodeId),
    Separator,
    Done(NodeId),
}

impl Parser<'_> {
    /// Reads a pipeline up to and with its end.
    pub(super) fn pipeline(&mut self, context: &'static str, end: Kind) -> Parsed<NodeId> {
        let mut around = Vec::new();
        let mut open = self.begin(context, end)?;
        let mut state = State::Command;
        loop {
            state = match state {
                State::Command => self.command(&mut open)?,
                State::Operand => self.operand(&mut open, &mut around)?,
                State::Term(node) => self.term_read(&mut open, node)?,
                State::Separator => self.separator(&mut open)?,
                State::Done(node) => match around.pop() {
                    None => return Ok(node),
                    Some(outer) => {
                        open = outer;
                        self.builder.parens -= 1;
                        State::Term(node)
                    }
                },
            };
        }
    }

    fn begin(&mut self, context: &'static str, end: Kind) -> Parsed<Open> {
        let pos = self.peek_word().pos;
        let node = self.builder.add(pos, Node::Pipe { assigns: false, variables: Vec::new(), commands: Vec::new() });
        self.declarations(node, context)?;
        Ok(Open { context, end, node, command: None, commands: 0 })
    }

    /// `$x :=`, `$x =`, and `$i, $x :=` of a `range`.
    fn declarations(&mut self, pipe: NodeId, context: &'static str) -> Parsed<()> {
        let mut count = 0;
        while self.peek_word().kind == Kind::Variable {
            let variable = self.next();
            let after = self.peek();
            let next = self.peek_word();
            let comma = next.kind == Kind::Char && next.text.as_ref() == b",";
            if !matches!(next.kind, Kind::Assign | Kind::Declare) && !comma {
                if after.kind == Kind::Space {
                    self.back_three(variable, after);
                } else {
                    self.back_two(variable);
                }
                return Ok(());
            }
            self.next_word();
            let name = self.builder.name(&variable.text);
            let node = self.builder.add(variable.pos, Node::Variable(vec![name]));
            self.builder.declare(name);
            count += 1;
            if let Some(Node::Pipe { assigns, variables, .. }) = self.builder.node_mut(pipe) {
                variables.push(node);
                *assigns = next.kind == Kind::Assign;
            }
            if !comma {
                return Ok(());
            }
            if context != "range" || count >= 2 {
                return Err(self.fault("too many declarations in %s", &[context.as_bytes()]));
            }
            if !matches!(self.peek_word().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return Err(self.fault("range can only initialize variables", &[]));
            }
        }
        Ok(())
    }

    /// A command, or the end of the pipeline.
    fn command(&mut self, open: &mut Open) -> Parsed<State> {
        let item = self.next_word();
        match item.kind {
            kind if kind == open.end => self.end_pipeline(open),
            Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen => {
                self.back();
                let pos = self.peek_word().pos;
                open.command = Some(Command { pos, words: Vec::new(), first: First::None, short: false, shorts: Vec::new(), before: 0 });
                Ok(State::Operand)
            }
            _ => self.unexpected(&item, open.context),
        }
    }

    fn end_pipeline(&mut self, open: &Open) -> Parsed<State> {
        let Some(Node::Pipe { commands, variables, assigns }) = self.builder.node(open.node) else {
            return Ok(State::Done(open.node));
        };
        if commands.is_empty() {
            return Err(self.fault("missing value for %s", &[open.context.as_bytes()]));
        }
        for (place, command) in commands.iter().enumerate().skip(1) {
            let first = match self.builder.node(*command) {
                Some(Node::Command(words)) => words.first().and_then(|word| self.builder.node(*word)),
                _ => None,
            };
            if matches!(first, Some(Node::Bool(_) | Node::Dot | Node::Nil | Node::Number(_) | Node::Text(..))) {
                let stage = (place + 1).to_string();
                return Err(self.fault("non executable command in pipeline stage %s", &[stage.as_bytes()]));
            }
        }
        let name = |id: &NodeId| match self.builder.node(*id) {
            Some(Node::Variable(names)) => names.first().copied(),
            _ => None,
        };
        let set: Vec<Step> =
            variables.iter().filter_map(name).map(|name| if *assigns { Step::Assign(name) } else { Step::Declare(name) }).collect();
        self.builder.steps.extend(set);
        Ok(State::Done(open.node))
    }

    /// A word of a command, or nothing where none begins.
    fn operand(&mut self, open: &mut Open, around: &mut Vec<Open>) -> Parsed<State> {
        self.peek_word();
        let item = self.next_word();
        let node = match item.kind {
            Kind::Identifier => {
                let name = crate::value::Str::from(item.text.as_ref());
                if Callee::named(&item.text, self.language).is_none() {
                    return Err(self.fault("function %q not defined", &[&item.text]));
                }
                Node::Function(name)
            }
            Kind::Dot => Node::Dot,
            Kind::Nil => Node::Nil,
            Kind::Variable => {
                let name = self.builder.name(&item.text);
                if !self.builder.is_declared(name) {
                    return Err(self.fault("undefined variable %q", &[&item.text]));
                }
                Node::Variable(vec![name])
            }
            Kind::Field => Node::Field(vec![self.builder.name(item.text.get(1..).unwrap_or_default())]),
            Kind::Bool => Node::Bool(item.text.as_ref() == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = Number::read(&item.text, item.kind).map_err(|wrong| self.fault("%s", &[wrong.as_bytes()]))?;
                Node::Number(number)
            }
            Kind::String | Kind::RawString => {
                let text = crate::format::unquoted(&item.text).ok_or_else(|| self.fault("%s", &[b"invalid syntax"]))?;
                Node::Text(crate::value::Str::from(item.text.as_ref()), text.into())
            }
            Kind::LeftParen => {
                if self.builder.parens >= PARENS {
                    return Err(self.fault("max expression depth exceeded", &[]));
                }
                self.builder.parens += 1;
                if let Some(command) = &mut open.command {
                    if command.words.is_empty() && open.commands == 0 {
                        self.builder.steps.push(Step::Mark(open.node));
                    }
                    command.before = self.builder.steps.len();
                }
                self.builder.steps.push(Step::Idle);
                let inner = self.begin("parenthesized pipeline", Kind::RightParen)?;
                around.push(std::mem::replace(open, inner));
                return Ok(State::Command);
            }
            _ => {
                self.back();
                return Ok(State::Separator);
            }
        };
        let node = self.builder.add(item.pos, node);
        Ok(State::Term(node))
    }

    /// The fields behind a term; then the steps of the word.
    fn term_read(&mut self, open: &mut Open, term: NodeId) -> Parsed<State> {
        let mut node = term;
        let pos = self.peek().pos;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let item = self.next();
            fields.push(self.builder.name(item.text.get(1..).unwrap_or_default()));
        }
        if !fields.is_empty() {
            let joined = match self.builder.node(term) {
                // Go makes one node of them, which begins where the fields do
                Some(Node::Field(names)) => Node::Field([names.as_slice(), &fields].concat()),
                Some(Node::Variable(names)) => Node::Variable([names.as_slice(), &fields].concat()),
                Some(Node::Bool(_) | Node::Text(..) | Node::Number(_) | Node::Nil | Node::Dot) => {
                    let shown = self.builder.wording(term);
                    return Err(self.fault("unexpected . after term %q", &[&shown]));
                }
                _ => Node::Chain(term, fields),
            };
            node = self.builder.add(pos, joined);
        }
        let piped = open.commands > 0;
        if let Some(command) = &mut open.command {
            if command.words.is_empty() {
                self.first_word(command, node, piped);
            } else {
                self.argument(command, node);
            }
            command.words.push(node);
        }
        Ok(State::Separator)
    }

    fn separator(&mut self, open: &mut Open) -> Parsed<State> {
        let item = self.next();
        match item.kind {
            Kind::Space => return Ok(State::Operand),
            Kind::RightDelim | Kind::RightParen => self.back(),
            Kind::Pipe => {}
            _ => return self.unexpected(&item, "operand"),
        }
        let Some(command) = open.command.take().filter(|command| !command.words.is_empty()) else {
            return Err(self.fault("empty command", &[]));
        };
        self.end_command(open, command);
        Ok(State::Command)
    }

    /// A command is whole: its first word learns of its arguments.
    fn end_command(&mut self, open: &mut Open, command: Command) {
        let node = self.builder.add(command.pos, Node::Command(command.words.clone()));
        let arguments = u32::try_from(command.words.len() - 1).unwrap_or(u32::MAX);
        let given = Given { arguments, piped: open.commands > 0 };
        let past = self.builder.steps.len() + 1;
        let first = command.words.first().copied().unwrap_or(node);
        match command.first {
            First::Function(at, callee) => {
                self.builder.set(at, Step::Function { callee, node, word: first, given });
                self.builder.steps.push(Step::Call(After::Settle));
                for at in command.shorts {
                    self.builder.set(at, Step::Short(past));
                }
            }
            First::Way(at, node) if given.any() => {
                self.builder.set(at, Step::Method { node, given, past });
                self.builder.steps.push(Step::Call(After::Settle));
            }
            First::Plain(at) if given.any() => self.builder.set(at, Step::NoFunction(first)),
            First::Way(..) | First::Plain(_) | First::None => {}
        }
        open.commands += 1;
        if let Some(Node::Pipe { commands, .. }) = self.builder.node_mut(open.node) {
            commands.push(node);
        }
    }
}
