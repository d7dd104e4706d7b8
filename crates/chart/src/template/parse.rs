//! The parser: actions and the blocks that they open. Blocks lie on a stack of the parser's own, so that no depth of them
//! takes the thread's; their steps are written as they are read.

use std::collections::HashMap;

use super::{
    ParseFault,
    build::{Builder, Context, Parts},
    callee::Language,
    lex::{Item, Kind, Lexer},
    tree::{Node, NodeId, Step, Tree},
};
use crate::{
    budget::{Budget, Limits},
    format,
    value::{Str, Value},
};

/// Reads a text: the template of that name and those that it defines. An empty one gives way to another of its name.
pub(super) fn parse(name: &Str, text: &Str, language: Language) -> Result<Vec<Tree>, ParseFault> {
    let mut parser = Parser {
        language,
        lexer: Lexer::new(text.as_bytes()),
        file: name.clone(),
        text: text.clone(),
        builder: Builder::new(name.clone(), Parts::File),
        outer: Vec::new(),
        done: Vec::new(),
        places: HashMap::new(),
    };
    while parser.step()? {}
    parser.finish()?;
    Ok(parser.done)
}

pub(super) struct Parser<'t> {
    pub(super) language: Language,
    lexer: Lexer<'t>,
    file: Str,
    text: Str,
    /// The template that is read.
    pub(super) builder: Builder<'t>,
    /// Those around it.
    outer: Vec<Builder<'t>>,
    done: Vec<Tree>,
    /// Where each is among them.
    places: HashMap<Str, usize>,
}

pub(super) type Parsed<T> = Result<T, ParseFault>;

/// What an action was.
enum Action {
    Whole,
    /// It opened a block or a template, and the line of its beginning is still told.
    Open,
    End,
    Else,
}

impl<'t> Parser<'t> {
    // Three items may be given back, as in Go: which one an error's line is taken from depends on it.

    pub(super) fn next(&mut self) -> Item<'t> {
        if self.builder.given_back > 0 {
            self.builder.given_back -= 1;
        } else {
            self.builder.items[0] = self.lexer.item_next();
        }
        self.builder.items.get(self.builder.given_back).cloned().unwrap_or_else(Item::none)
    }

    pub(super) fn back(&mut self) {
        self.builder.given_back += 1;
    }

    pub(super) fn back_two(&mut self, before: Item<'t>) {
        self.builder.items[1] = before;
        self.builder.given_back = 2;
    }

    pub(super) fn back_three(&mut self, first: Item<'t>, second: Item<'t>) {
        self.builder.items[1] = second;
        self.builder.items[2] = first;
        self.builder.given_back = 3;
    }

    pub(super) fn peek(&mut self) -> Item<'t> {
        let item = self.next();
        self.back();
        item
    }

    pub(super) fn next_word(&mut self) -> Item<'t> {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    pub(super) fn peek_word(&mut self) -> Item<'t> {
        let item = self.next_word();
        self.back();
        item
    }

    /// Go puts the name of the file into the format of the error, so that a `%` in it takes part.
    pub(super) fn fault(&self, form: &str, arguments: &[&[u8]]) -> ParseFault {
        let head = [b"template: ", self.file.as_bytes(), format!(":{}: ", self.builder.items[0].line).as_bytes()].concat();
        let arguments: Vec<Value> = arguments.iter().map(|text| Value::str(*text)).collect();
        let form = [&head, form.as_bytes()].concat();
        let shown = format::sprintf(&form, &arguments, &mut Budget::new(Limits::default()));
        ParseFault { text: shown.unwrap_or_else(|limit| Str::from(limit.to_string())) }
    }

    pub(super) fn unexpected<T>(&self, item: &Item<'t>, context: &str) -> Parsed<T> {
        if item.kind != Kind::Error {
            return Err(self.fault("unexpected %s in %s", &[&item.shown(), context.as_bytes()]));
        }
        let mut extra = Vec::new();
        if self.builder.action_line != 0 && self.builder.action_line != item.line {
            // not `action in action`
            let lead: &[u8] = if item.text.ends_with(b" action") { b"" } else { b" in action" };
            let line = format!(":{}", self.builder.action_line);
            extra = [lead, b" started at ", self.file.as_bytes(), line.as_bytes()].concat();
        }
        Err(self.fault("%s%s", &[&item.shown(), &extra]))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item<'t>> {
        let item = self.next_word();
        if item.kind == kind { Ok(item) } else { self.unexpected(&item, context) }
    }

    /// Reads one piece of text or one action. Whether there is more.
    fn step(&mut self) -> Parsed<bool> {
        let whole_file = self.builder.parts == Parts::File && self.builder.blocks.is_empty();
        if whole_file {
            if self.peek().kind == Kind::Eof {
                return Ok(false);
            }
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_word().kind == Kind::Define {
                    self.define()?;
                    return Ok(true);
                }
                self.back_two(delim);
            }
        } else if self.peek_word().kind == Kind::Eof {
            return Err(self.fault("unexpected EOF", &[]));
        }
        let item = self.next_word();
        match item.kind {
            Kind::Text => self.write_text(&item),
            Kind::LeftDelim => {
                self.builder.action_line = item.line;
                let action = self.action()?;
                if !matches!(action, Action::Open) {
                    self.builder.action_line = 0;
                }
                match action {
                    Action::End => self.end("{{end}}")?,
                    Action::Else => self.end("{{else}}")?,
                    Action::Whole | Action::Open => {}
                }
            }
            _ => self.unexpected(&item, "input")?,
        }
        Ok(true)
    }

    fn write_text(&mut self, item: &Item<'t>) {
        let blank = bstr::ByteSlice::trim(item.text.as_ref()).is_empty();
        if self.builder.blocks.is_empty() && !blank {
            self.builder.empty = false;
        }
        let end = item.pos + item.text.len();
        if let (Ok(from), Ok(to)) = (u32::try_from(item.pos), u32::try_from(end)) {
            self.builder.steps.push(Step::Text(from, to));
        }
    }

    fn action(&mut self) -> Parsed<Action> {
        let item = self.next_word();
        if !matches!(item.kind, Kind::End | Kind::Else) && self.builder.blocks.is_empty() {
            self.builder.empty = false;
        }
        match item.kind {
            Kind::Block => return self.block(),
            Kind::Break | Kind::Continue => self.leave_turn(item.kind)?,
            Kind::Else => {
                // `{{else if` and `{{else with` leave their word to be read
                if !matches!(self.peek_word().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Action::Else);
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Action::End);
            }
            Kind::If => return self.open(Context::If, false),
            Kind::Range => return self.open(Context::Range, false),
            Kind::With => return self.open(Context::With, false),
            Kind::Template => self.template()?,
            _ => {
                self.back();
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                let declares = matches!(self.builder.node(pipe), Some(Node::Pipe { variables, .. }) if !variables.is_empty());
                self.builder.steps.push(if declares { Step::Drop } else { Step::Print });
            }
        }
        Ok(Action::Whole)
    }

    fn leave_turn(&mut self, kind: Kind) -> Parsed<()> {
        let (context, outside) = match kind {
            Kind::Break => ("{{break}}", "{{break}} outside {{range}}"),
            _ => ("{{continue}}", "{{continue}} outside {{range}}"),
        };
        let item = self.next_word();
        if item.kind != Kind::RightDelim {
            return self.unexpected(&item, context);
        }
        if self.builder.leave_turn(kind == Kind::Break) { Ok(()) } else { Err(self.fault(outside, &[])) }
    }

    /// `if`, `with` and `range`, whose word has been read.
    fn open(&mut self, context: Context, chained: bool) -> Parsed<Action> {
        let variables = self.builder.variables();
        self.builder.steps.push(Step::Enter);
        let pipe = self.pipeline(context.word(), Kind::RightDelim)?;
        self.builder.open(context, chained, variables, pipe);
        Ok(Action::Open)
    }

    /// `{{end}}` or `{{else}}`: of a block, or of the template that is read.
    fn end(&mut self, shown: &str) -> Parsed<()> {
        let is_end = shown == "{{end}}";
        let Some(block) = self.builder.blocks.last() else {
            return match self.builder.parts {
                Parts::File => Err(self.fault("unexpected %s", &[shown.as_bytes()])),
                Parts::Define if !is_end => Err(self.fault("unexpected %s in %s", &[shown.as_bytes(), b"define clause"])),
                Parts::Block if !is_end => {
                    self.leave_template();
                    Err(self.fault("unexpected %s in %s", &[shown.as_bytes(), b"block clause"]))
                }
                Parts::Define | Parts::Block => self.finish(),
            };
        };
        if is_end {
            while self.builder.close() {}
            return Ok(());
        }
        if block.else_seen {
            return Err(self.fault("expected end; found %s", &[shown.as_bytes()]));
        }
        let context = block.context;
        self.builder.otherwise();
        let chained = matches!((context, self.peek().kind), (Context::If, Kind::If) | (Context::With, Kind::With));
        if chained {
            self.next();
            self.open(context, true)?;
        }
        Ok(())
    }

    fn define(&mut self) -> Parsed<()> {
        self.enter_template(Parts::Define);
        let item = self.next_word();
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return self.unexpected(&item, "define clause");
        }
        self.builder.name = self.unquoted(&item)?;
        self.expect(Kind::RightDelim, "define clause")?;
        Ok(())
    }

    fn unquoted(&self, item: &Item<'t>) -> Parsed<Str> {
        format::unquoted(&item.text).map(Str::from).ok_or_else(|| self.fault("%s", &[b"invalid syntax"]))
    }

    fn template_name(&mut self, context: &str) -> Parsed<(usize, Str)> {
        let item = self.next_word();
        match item.kind {
            Kind::String | Kind::RawString => Ok((item.pos, self.unquoted(&item)?)),
            _ => self.unexpected(&item, context),
        }
    }

    fn template(&mut self) -> Parsed<()> {
        let (pos, name) = self.template_name("template clause")?;
        let node = self.find(pos, name);
        let mut pipe = None;
        if self.next_word().kind != Kind::RightDelim {
            self.back();
            pipe = Some(self.pipeline("template clause", Kind::RightDelim)?);
        }
        self.invoke(node, pipe);
        Ok(())
    }

    fn block(&mut self) -> Parsed<Action> {
        let (pos, name) = self.template_name("block clause")?;
        let node = self.find(pos, name.clone());
        let pipe = self.pipeline("block clause", Kind::RightDelim)?;
        self.invoke(node, Some(pipe));
        self.enter_template(Parts::Block);
        self.builder.name = name;
        Ok(Action::Open)
    }

    fn find(&mut self, pos: usize, name: Str) -> NodeId {
        let node = self.builder.add(pos, Node::Template(name, None));
        self.builder.steps.extend([Step::Mark(node), Step::Find(node)]);
        node
    }

    fn invoke(&mut self, node: NodeId, pipe: Option<NodeId>) {
        self.builder.set_pipe(node, pipe);
        self.builder.steps.push(Step::Invoke(node, pipe.is_some()));
    }

    fn enter_template(&mut self, parts: Parts) {
        let outer = std::mem::replace(&mut self.builder, Builder::new(Str::default(), parts));
        self.outer.push(outer);
    }

    fn leave_template(&mut self) -> Option<Builder<'t>> {
        let outer = self.outer.pop()?;
        let mut inner = std::mem::replace(&mut self.builder, outer);
        if inner.parts == Parts::Block {
            self.builder.action_line = 0;
        }
        inner.steps.push(Step::Return);
        Some(inner)
    }

    /// The template that is read is whole.
    fn finish(&mut self) -> Parsed<()> {
        let old = self.places.get(&self.builder.name).copied();
        let place = match old {
            Some(place) if self.done.get(place).is_some_and(|tree| !tree.empty) => {
                if !self.builder.empty {
                    let name = self.builder.name.clone();
                    return Err(self.fault("template: multiple definition of template %q", &[name.as_bytes()]));
                }
                None
            }
            old => Some(old.unwrap_or(self.done.len())),
        };
        let built = match self.leave_template() {
            Some(inner) => inner,
            None => {
                self.builder.steps.push(Step::Return);
                std::mem::replace(&mut self.builder, Builder::new(Str::default(), Parts::File))
            }
        };
        if let Some(place) = place {
            let tree = built.into_tree(&self.file, &self.text);
            match self.done.get_mut(place) {
                Some(old) => *old = tree,
                None => {
                    self.places.insert(tree.name.clone(), place);
                    self.done.push(tree);
                }
            }
        }
        Ok(())
    }
}
