//! The steps of a template, one after the other.

use std::sync::Arc;

use super::{
    Failure, Run, Set,
    frame::{Block, Call, Carried, Entry, Frame, Stop, wrong},
    operand::Operand,
    tree::{After, NameId, Node, NodeId, Step, Tree},
};
use crate::{
    budget::Exhausted,
    format,
    value::{Str, Value},
};

/// As many templates may call one another by `template` in Go.
const DEPTH: usize = 100_000;
/// As many templates of any kind may be at work at once: `include` and `tpl` begin to count anew in Go, whose stack is the limit.
const FRAMES: u32 = 200_000;
/// What a template at work costs beside what it holds.
const FRAME: usize = 256;
/// The name of the template that all others of a render belong to.
pub(super) const ROOT: &str = "gotpl";

/// A render that is under way.
pub(super) struct Machine<'a, 'r> {
    pub(super) run: &'a mut Run<'r>,
    pub(super) set: Set,
    pub(super) out: Vec<u8>,
    /// The template at work.
    pub(super) now: Frame,
    /// Those that called it.
    pub(super) callers: Vec<Frame>,
    pub(super) variables: Vec<(NameId, Operand)>,
    pub(super) blocks: Vec<Block>,
    pub(super) stack: Vec<Operand>,
    pub(super) calls: Vec<Call>,
    /// How many of the templates at work write into a value, not into the output.
    pub(super) inner: usize,
    /// The arguments of the last call, kept for their room.
    pub(super) arguments: Vec<Value>,
}

/// What comes after a step.
pub(super) enum Flow {
    /// The next step.
    On,
    /// A step of another template.
    Other,
    /// Nothing.
    End,
}

pub(super) fn execute(set: &Set, name: &Str, data: &Value, run: &mut Run<'_>) -> Result<Vec<u8>, Failure> {
    let Some(tree) = set.find(name.as_bytes()).cloned() else {
        return Err(Failure::Missing(missing(name)));
    };
    let dot = Operand::from(data.clone());
    let out = Vec::with_capacity(tree.text.len());
    let now = Frame { tree, at: 0, dot: dot.clone(), mark: 0, variables: 0, depth: 0, entry: Entry::Top };
    let mut machine = Machine {
        run,
        set: set.clone(),
        out,
        now,
        callers: Vec::new(),
        variables: vec![(0, dot)],
        blocks: Vec::new(),
        stack: Vec::new(),
        calls: Vec::new(),
        inner: 0,
        arguments: Vec::new(),
    };
    match machine.carry_out() {
        Ok(()) => Ok(machine.out),
        Err(stop) => Err(machine.fail(stop).unwrap_or_else(Failure::Limit)),
    }
}

/// What is said of a template that is not there.
pub(super) fn missing(name: &Str) -> Str {
    Str::from(format!(
        "template: no template {} associated with template {}",
        format::quoted(name.as_bytes()),
        format::quoted(ROOT.as_bytes())
    ))
}

impl Machine<'_, '_> {
    fn carry_out(&mut self) -> Carried<()> {
        loop {
            let tree = self.now.tree.clone();
            loop {
                let Some(step) = tree.steps.get(self.now.at) else { return Ok(()) };
                self.run.scope.budget.step(1)?;
                self.now.at += 1;
                match self.step(&tree, *step)? {
                    Flow::On => {}
                    Flow::Other => break,
                    Flow::End => return Ok(()),
                }
            }
        }
    }

    fn step(&mut self, tree: &Tree, step: Step) -> Carried<Flow> {
        match step {
            Step::Text(from, to) => {
                self.write(tree.text.as_bytes().get(from as usize..to as usize).unwrap_or_default())?;
            }
            Step::Print => self.print()?,
            Step::Drop => drop(self.pop()),
            Step::Mark(node) => self.now.mark = node,
            Step::Enter => self.blocks.push(Block { variables: self.variables.len(), dot: None, turns: None }),
            Step::Leave => self.leave(),
            Step::If(otherwise) => {
                if !self.pop().value.is_true() {
                    self.now.at = otherwise;
                }
            }
            Step::With(otherwise) => self.with(otherwise),
            Step::Jump(at) => self.now.at = at,
            Step::Break(at, blocks) | Step::Continue(at, blocks) => {
                for _ in 0..blocks {
                    self.leave();
                }
                if let (Step::Break(..), Some(block)) = (step, self.blocks.last_mut()) {
                    block.turns = None;
                }
                self.now.at = at;
            }
            Step::Range { otherwise, variables, assigns } => self.range(otherwise, variables, assigns)?,
            Step::Next(body) => {
                if self.turn()? {
                    self.now.at = body;
                }
            }
            Step::Find(node) => self.find(tree, node)?,
            Step::Invoke(node, piped) => return self.invoke(tree, node, piped),
            Step::Return => return self.leave_template(),
            Step::Declare(name) => {
                let value = self.top();
                self.variables.push((name, value));
            }
            Step::Assign(name) => {
                let value = self.top();
                self.assign(name, value)?;
            }
            Step::Dot(node, after) => {
                self.now.mark = node;
                self.finish(self.now.dot.clone(), after)?;
            }
            Step::Way(node, after) => self.way(tree, node, after)?,
            Step::Method { node, given, past } => self.method(tree, node, given, past)?,
            Step::Constant(node) => self.constant(tree, node)?,
            Step::NoFunction(node) => self.no_function(tree, node)?,
            Step::Idle => {}
            Step::Function { callee, node, word, given } => {
                self.now.mark = word;
                self.function(callee, node, given)?;
            }
            Step::Argument => self.argument()?,
            Step::ConstantArgument(node) => self.constant_argument(tree, node)?,
            Step::Short(past) => self.short(past),
            Step::Call(after) => return self.call(tree, after),
        }
        Ok(Flow::On)
    }

    /// Puts a value on the stack, as what it is to be there.
    pub(super) fn finish(&mut self, mut value: Operand, after: After) -> Carried<()> {
        match after {
            After::Keep => {}
            After::Settle => value.settle(),
            After::Argue => {
                if let Some(ty) = self.argument_type() {
                    value = super::argument::valid(value, ty)?;
                }
            }
        }
        self.stack.push(value);
        Ok(())
    }

    fn no_function(&mut self, tree: &Tree, node: NodeId) -> Carried<()> {
        // a pipeline in parentheses is not marked before its own words are, and a variable is looked up first
        match tree.node(node) {
            Some(Node::Pipe { .. }) => {}
            Some(Node::Variable(names)) => {
                self.now.mark = node;
                self.variable(names.first().copied().unwrap_or(0))?;
            }
            _ => self.now.mark = node,
        }
        wrong("can't give argument to non-function %s", [Value::str(tree.wording(node))])
    }

    pub(super) fn pop(&mut self) -> Operand {
        self.stack.pop().unwrap_or_else(Operand::none)
    }

    fn top(&self) -> Operand {
        self.stack.last().cloned().unwrap_or_else(Operand::none)
    }

    pub(super) fn write(&mut self, text: &[u8]) -> Result<(), Exhausted> {
        // what an `include` writes becomes a value
        if self.inner > 0 {
            self.run.scope.budget.make(text.len())?;
        } else {
            self.run.scope.budget.write(text.len())?;
        }
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn print(&mut self) -> Carried<()> {
        let operand = self.pop();
        match &operand.value {
            Value::Str(text) => self.write(text.as_bytes())?,
            Value::Nil => self.write(b"<no value>")?,
            Value::Bool(it) => self.write(if *it { b"true" } else { b"false" })?,
            value => {
                let in_place = operand.held == super::operand::Held::Place;
                let text = format::printed(value, in_place, self.run.scope.budget)?;
                self.write(text.as_bytes())?;
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        self.variables.truncate(block.variables);
        if let Some(dot) = block.dot {
            self.now.dot = dot;
        }
    }

    fn with(&mut self, otherwise: usize) {
        let value = self.pop();
        if !value.value.is_true() {
            self.now.at = otherwise;
            return;
        }
        let before = std::mem::replace(&mut self.now.dot, value);
        if let Some(block) = self.blocks.last_mut() {
            block.dot = Some(before);
        }
    }

    /// The variable of that name that was declared last.
    pub(super) fn variable(&mut self, name: NameId) -> Carried<&mut (NameId, Operand)> {
        let own = self.variables.get(self.now.variables..).unwrap_or_default();
        let place = own.iter().rposition(|(known, _)| *known == name);
        // a template may declare a hundred thousand of them
        self.run.scope.budget.step((own.len() - place.unwrap_or(0)) as u64 / 16)?;
        let place = place.map(|place| self.now.variables + place);
        match place.and_then(|place| self.variables.get_mut(place)) {
            Some(found) => Ok(found),
            // one that the other branch of an `if` declared is known to the parser and not there
            None => wrong("undefined variable: %s", [Value::str(self.now.tree.name_of(name))]),
        }
    }

    pub(super) fn assign(&mut self, name: NameId, value: Operand) -> Carried<()> {
        self.variable(name)?.1 = value;
        Ok(())
    }

    fn template_name(tree: &Tree, node: NodeId) -> Str {
        match tree.node(node) {
            Some(Node::Template(name, _)) => name.clone(),
            _ => Str::default(),
        }
    }

    fn find(&mut self, tree: &Tree, node: NodeId) -> Carried<()> {
        let name = Self::template_name(tree, node);
        if self.set.find(name.as_bytes()).is_none() {
            return wrong("template %q not defined", [Value::Str(name)]);
        }
        if self.now.depth == DEPTH {
            return wrong("exceeded maximum template depth (%v)", [Value::str(DEPTH.to_string())]);
        }
        Ok(())
    }

    fn invoke(&mut self, tree: &Tree, node: NodeId, piped: bool) -> Carried<Flow> {
        let name = Self::template_name(tree, node);
        let Some(called) = self.set.find(name.as_bytes()).cloned() else {
            return wrong("template %q not defined", [Value::Str(name)]);
        };
        let dot = if piped { self.pop() } else { Operand::none() };
        self.enter_template(called, dot, Entry::Template)
    }

    /// Begins a template: its only variable is `$`.
    pub(super) fn enter_template(&mut self, tree: Arc<Tree>, dot: Operand, entry: Entry) -> Carried<Flow> {
        self.run.scope.budget.make(FRAME)?;
        if self.callers.len() >= FRAMES as usize {
            return Err(Exhausted::Depth(FRAMES).into());
        }
        let depth = if matches!(entry, Entry::Template) { self.now.depth + 1 } else { 0 };
        let variables = self.variables.len();
        self.variables.push((0, dot.clone()));
        let next = Frame { tree, at: 0, dot, mark: 0, variables, depth, entry };
        self.callers.push(std::mem::replace(&mut self.now, next));
        Ok(Flow::Other)
    }

    fn leave_template(&mut self) -> Carried<Flow> {
        let Some(caller) = self.callers.pop() else { return Ok(Flow::End) };
        let done = std::mem::replace(&mut self.now, caller);
        self.variables.truncate(done.variables);
        if let Some(text) = self.written(done.entry)? {
            self.stack.push(Operand::from(Value::Str(text)));
        }
        Ok(Flow::Other)
    }

    /// The text of an error in the template at work: Go puts its place into the format, so that a `%` in the name of a file takes part.
    fn told(&mut self, form: &str, shown: &[Value]) -> Result<Str, Exhausted> {
        let tree = &self.now.tree;
        // its place is counted from the beginning of the text, once for each template that the error goes through
        self.run.scope.budget.scan(tree.text.len())?;
        let doubled = |text: &[u8]| bstr::ByteSlice::replace(text, "%", "%%");
        let name = format::quoted(tree.name.as_bytes());
        let head: [&[u8]; 7] = [
            b"template: ",
            &tree.location(self.now.mark),
            b": executing ",
            &doubled(name.as_bytes()),
            b" at <",
            &doubled(&tree.wording(self.now.mark)),
            b">: ",
        ];
        let form = [&head.concat(), form.as_bytes()].concat();
        format::sprintf(&form, shown, self.run.scope.budget)
    }

    /// What the render says when it stops: each template that was included puts its caller's place before the text.
    fn fail(&mut self, stop: Stop) -> Result<Failure, Exhausted> {
        let mut text = match stop {
            Stop::Wrong(form, shown) => self.told(form, &shown),
            Stop::Limit(limit) => Err(limit),
        };
        while let Some(caller) = self.callers.pop() {
            let done = std::mem::replace(&mut self.now, caller);
            let (name, node) = match done.entry {
                Entry::Top | Entry::Template => continue,
                Entry::Include(_, count, node) => {
                    count.set(count.get() - 1);
                    ("include", node)
                }
                Entry::Tpl(_, set, template, node) => {
                    self.set = set;
                    text = text.and_then(|text| {
                        let shown = [Value::Str(template), Value::Str(text)];
                        format::sprintf(b"error during tpl function execution for %q: %s", &shown, self.run.scope.budget)
                    });
                    ("tpl", node)
                }
            };
            self.now.mark = node;
            text = text.and_then(|text| self.told("error calling %s: %s", &[Value::str(name), Value::Str(text)]));
        }
        text.map(Failure::Execution)
    }
}
