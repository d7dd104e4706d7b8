//! Workflow expressions: read, checked, evaluated.

use std::collections::BTreeMap;

use super::functions::{self, Function};
use super::lex::{Token, lex};
use super::value::Value;

/// The longest expression that is read (GitHub's own bound).
const MAX_LENGTH: usize = 21_000;
/// How deep an expression may nest (GitHub's own bound).
const MAX_DEPTH: usize = 50;

/// What is wrong with an expression, and at which character (from 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// An expression, read.
#[derive(Clone, Debug)]
pub(crate) struct Expression(Tree);

#[derive(Clone, Debug)]
enum Tree {
    Literal(Value),
    Context { name: String, offset: usize },
    Index(Box<Self>, Box<Self>),
    /// `.*` and `[*]`
    Each(Box<Self>),
    Call { function: Function, arguments: Vec<Self>, offset: usize },
    Not(Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What `success()`, `failure()` and `cancelled()` say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StatusFunctions {
    pub(crate) success: bool,
    pub(crate) failure: bool,
    pub(crate) cancelled: bool,
}

/// What an expression may see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contexts {
    pub(crate) values: BTreeMap<&'static str, Value>,
    pub(crate) status: StatusFunctions,
}

impl Expression {
    /// Reads an expression, without `${{ }}`.
    pub(crate) fn read(text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_LENGTH {
            return Err(Invalid { offset: 0, message: format!("the expression is longer than {MAX_LENGTH} characters") });
        }
        let tokens = lex(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, end: text.chars().count(), open: 0 };
        let (tree, _) = parser.or()?;
        match tokens.get(parser.at) {
            None => Ok(Self(tree)),
            Some((offset, token)) => Err(Invalid { offset: *offset, message: format!("{} is not expected here", describe(token)) }),
        }
    }

    /// Its value. An error is for people: a function that got what it cannot take.
    pub(crate) fn evaluate(&self, contexts: &Contexts) -> Result<Value, String> {
        self.0.evaluate(contexts).map(|(value, _)| value)
    }

    /// Whether it asks `success()`, `failure()`, `cancelled()` or `always()`.
    pub(crate) fn asks_status(&self) -> bool {
        let mut found = false;
        self.0.visit(&mut |tree| found |= matches!(tree, Tree::Call { function, .. } if function.is_status()));
        found
    }

    /// The contexts that it names, each with its place.
    pub(crate) fn contexts(&self) -> Vec<(&str, usize)> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| {
            if let Tree::Context { name, offset } = tree {
                out.push((name.as_str(), *offset));
            }
        });
        out
    }

    /// The functions that it calls, each with its place.
    pub(crate) fn functions(&self) -> Vec<(Function, usize)> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| {
            if let Tree::Call { function, offset, .. } = tree {
                out.push((*function, *offset));
            }
        });
        out
    }

    /// Properties of a context that it names literally: `github.run_id` for `github`.
    pub(crate) fn properties_of(&self, context: &str) -> Vec<String> {
        let mut out = Vec::new();
        self.0.visit(&mut |tree| {
            if let Tree::Index(of, index) = tree
                && let (Tree::Context { name, .. }, Tree::Literal(property)) = (&**of, &**index)
                && name == context
            {
                out.push(property.to_text().to_lowercase());
            }
        });
        out
    }
}

impl Tree {
    fn visit<'t>(&'t self, visitor: &mut impl FnMut(&'t Self)) {
        visitor(self);
        match self {
            Self::Literal(_) | Self::Context { .. } => {}
            Self::Index(a, b) | Self::Compare(_, a, b) => {
                a.visit(visitor);
                b.visit(visitor);
            }
            Self::Each(of) | Self::Not(of) => of.visit(visitor),
            Self::Call { arguments: list, .. } | Self::And(list) | Self::Or(list) => list.iter().for_each(|item| item.visit(visitor)),
        }
    }

    /// The value, and whether it is the list that `*` made, of which a property is that property of each.
    fn evaluate(&self, contexts: &Contexts) -> Result<(Value, bool), String> {
        let value = match self {
            Self::Literal(value) => value.clone(),
            Self::Context { name, .. } => contexts.values.get(name.as_str()).cloned().unwrap_or_default(),
            Self::Index(of, index) => return of.indexed(index, contexts),
            Self::Each(of) => {
                let (value, each) = of.evaluate(contexts)?;
                let inner: Vec<Value> = match (&value, each) {
                    (Value::Array(items), false) => items.to_vec(),
                    (Value::Array(items), true) => items.iter().flat_map(members).collect(),
                    _ => members(&value),
                };
                return Ok((Value::Array(inner.into()), true));
            }
            Self::Call { function, arguments, .. } => {
                let values: Result<Vec<Value>, String> = arguments.iter().map(|argument| argument.evaluate(contexts).map(|(value, _)| value)).collect();
                functions::call(*function, &values?, contexts.status)?
            }
            Self::Not(of) => Value::Bool(!of.evaluate(contexts)?.0.is_true()),
            Self::Compare(comparison, a, b) => Value::Bool(comparison.holds(&a.evaluate(contexts)?.0, &b.evaluate(contexts)?.0)),
            Self::And(list) => first(list, contexts, false)?,
            Self::Or(list) => first(list, contexts, true)?,
        };
        Ok((value, false))
    }

    fn indexed(&self, index: &Self, contexts: &Contexts) -> Result<(Value, bool), String> {
        let (of, each) = self.evaluate(contexts)?;
        let (index, _) = index.evaluate(contexts)?;
        if let (Value::Array(items), true) = (&of, each) {
            let found = items.iter().map(|item| item.index(&index)).filter(|value| !matches!(value, Value::Null));
            return Ok((Value::Array(found.collect()), true));
        }
        Ok((of.index(&index), false))
    }
}

fn members(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.to_vec(),
        Value::Object(entries) => entries.iter().map(|(_, value)| value.clone()).collect(),
        _ => Vec::new(),
    }
}

/// The first value that is as true as asked for, or the last.
fn first(list: &[Tree], contexts: &Contexts, wanted: bool) -> Result<Value, String> {
    let mut last = Value::Null;
    for item in list {
        last = item.evaluate(contexts)?.0;
        if last.is_true() == wanted {
            break;
        }
    }
    Ok(last)
}

impl Comparison {
    fn holds(self, a: &Value, b: &Value) -> bool {
        match self {
            Self::Equal => a.equals(b),
            Self::Unequal => !a.equals(b),
            Self::Less => a.compare(b).is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => a.compare(b).is_some_and(std::cmp::Ordering::is_le),
            Self::Greater => a.compare(b).is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => a.compare(b).is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Null => "`null`".into(),
        Token::Bool(value) => format!("`{value}`"),
        Token::Number(value) => format!("`{value}`"),
        Token::Text(text) => format!("'{}'", crate::reader::shown(text)),
        Token::Name(name) => format!("`{}`", crate::reader::shown(name)),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    end: usize,
    open: usize,
}

/// A tree and its depth.
type Parsed = Result<(Tree, usize), Invalid>;

impl Parser<'_> {
    fn accept(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some((_, Token::Sign(sign))) if signs.contains(sign) => {
                self.at += 1;
                Some(sign)
            }
            _ => None,
        }
    }

    fn expect(&mut self, sign: &'static str, opened: usize) -> Result<(), Invalid> {
        self.accept(&[sign]).map(drop).ok_or_else(|| Invalid { offset: opened, message: format!("what is opened here is not closed with `{sign}`") })
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(offset, _)| *offset)
    }

    fn deeper(&self, tree: Tree, depth: usize) -> Parsed {
        if depth >= MAX_DEPTH {
            return Err(Invalid { offset: self.offset().min(self.end), message: format!("the expression nests deeper than {MAX_DEPTH}") });
        }
        Ok((tree, depth + 1))
    }

    fn or(&mut self) -> Parsed {
        self.list("||", Self::and, Tree::Or)
    }

    fn and(&mut self) -> Parsed {
        self.list("&&", Self::equality, Tree::And)
    }

    fn list(&mut self, sign: &'static str, inner: fn(&mut Self) -> Parsed, make: fn(Vec<Tree>) -> Tree) -> Parsed {
        let (first, mut depth) = inner(self)?;
        let mut items = vec![first];
        while self.accept(&[sign]).is_some() {
            let (item, inner_depth) = inner(self)?;
            depth = depth.max(inner_depth);
            items.push(item);
        }
        match items.pop() {
            Some(only) if items.is_empty() => Ok((only, depth)),
            last => {
                items.extend(last);
                self.deeper(make(items), depth)
            }
        }
    }

    fn equality(&mut self) -> Parsed {
        self.comparison(&[("==", Comparison::Equal), ("!=", Comparison::Unequal)], Self::relation)
    }

    fn relation(&mut self) -> Parsed {
        let signs = [("<=", Comparison::LessOrEqual), (">=", Comparison::GreaterOrEqual), ("<", Comparison::Less), (">", Comparison::Greater)];
        self.comparison(&signs, Self::unary)
    }

    fn comparison(&mut self, signs: &[(&'static str, Comparison)], inner: fn(&mut Self) -> Parsed) -> Parsed {
        let (mut left, mut depth) = inner(self)?;
        loop {
            let Some((_, comparison)) = signs.iter().find(|(sign, _)| self.accept(&[sign]).is_some()) else { return Ok((left, depth)) };
            let (right, right_depth) = inner(self)?;
            (left, depth) = self.deeper(Tree::Compare(*comparison, Box::new(left), Box::new(right)), depth.max(right_depth))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        if self.accept(&["!"]).is_none() {
            return self.postfix();
        }
        self.nested(|parser| {
            let (tree, depth) = parser.unary()?;
            parser.deeper(Tree::Not(Box::new(tree)), depth)
        })
    }

    /// Bounds how deep this parser itself goes.
    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.open >= MAX_DEPTH {
            return Err(Invalid { offset: self.offset(), message: format!("the expression nests deeper than {MAX_DEPTH}") });
        }
        self.open += 1;
        let parsed = inner(self);
        self.open -= 1;
        parsed
    }

    fn postfix(&mut self) -> Parsed {
        let (mut tree, mut depth) = self.primary()?;
        loop {
            let opened = self.offset();
            match self.accept(&[".", "["]) {
                None => return Ok((tree, depth)),
                Some(".") => {
                    let index = match self.tokens.get(self.at) {
                        Some((_, Token::Sign("*"))) => None,
                        Some((_, Token::Name(name))) => Some(Tree::Literal(Value::text(name))),
                        _ => return Err(Invalid { offset: self.offset(), message: "a name must follow the dot".into() }),
                    };
                    self.at += 1;
                    (tree, depth) = self.step_into(tree, index, depth)?;
                }
                Some(_) => {
                    let star = self.accept(&["*"]).is_some();
                    let index = if star { None } else { Some(self.nested(Self::or)?) };
                    self.expect("]", opened)?;
                    let deepest = index.as_ref().map_or(depth, |(_, inner)| depth.max(*inner));
                    (tree, depth) = self.step_into(tree, index.map(|(tree, _)| tree), deepest)?;
                }
            }
        }
    }

    fn step_into(&self, of: Tree, index: Option<Tree>, depth: usize) -> Parsed {
        let tree = match index {
            None => Tree::Each(Box::new(of)),
            Some(index) => Tree::Index(Box::new(of), Box::new(index)),
        };
        self.deeper(tree, depth)
    }

    fn primary(&mut self) -> Parsed {
        let Some((offset, token)) = self.tokens.get(self.at) else {
            return Err(Invalid { offset: self.end, message: "a value is missing at the end".into() });
        };
        self.at += 1;
        let literal = match token {
            Token::Null => Value::Null,
            Token::Bool(value) => Value::Bool(*value),
            Token::Number(value) => Value::Number(*value),
            Token::Text(text) => Value::text(text),
            Token::Name(name) => return self.name(name, *offset),
            Token::Sign("(") => {
                let inner = self.nested(Self::or)?;
                self.expect(")", *offset)?;
                return Ok(inner);
            }
            Token::Sign(sign) => return Err(Invalid { offset: *offset, message: format!("a value is missing before `{sign}`") }),
        };
        Ok((Tree::Literal(literal), 1))
    }

    fn name(&mut self, name: &str, offset: usize) -> Parsed {
        let opened = self.offset();
        if self.accept(&["("]).is_none() {
            return Ok((Tree::Context { name: name.to_lowercase(), offset }, 1));
        }
        let function = Function::named(name).ok_or_else(|| Invalid { offset, message: format!("there is no function `{}`", crate::reader::shown(name)) })?;
        let (mut arguments, mut depth) = (Vec::new(), 0);
        if self.accept(&[")"]).is_none() {
            loop {
                let (argument, inner) = self.nested(Self::or)?;
                depth = depth.max(inner);
                arguments.push(argument);
                if self.accept(&[","]).is_none() {
                    break;
                }
            }
            self.expect(")", opened)?;
        }
        let (least, most) = function.arity();
        if arguments.len() < least || arguments.len() > most {
            return Err(Invalid { offset, message: format!("`{name}` takes {}", functions::count(least, most)) });
        }
        self.deeper(Tree::Call { function, arguments, offset }, depth)
    }
}
