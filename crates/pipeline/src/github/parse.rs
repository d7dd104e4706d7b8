//! The grammar of workflow expressions.

use super::expression::{Comparison, Invalid, Tree};
use super::functions::{self, Function};
use super::lex::{Token, lex};
use super::value::Value;

/// How deep an expression may nest (GitHub's own bound).
pub(super) const MAX_DEPTH: usize = 50;

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Tree, Invalid> {
    let tokens = lex(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.chars().count(), open: 0 };
    let (tree, _) = parser.or()?;
    match tokens.get(parser.at) {
        None => Ok(tree),
        Some((offset, token)) => Err(Invalid { offset: *offset, message: format!("{} is not expected here", describe(token)) }),
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
        self.accept(&[sign])
            .map(drop)
            .ok_or_else(|| Invalid { offset: opened, message: format!("what is opened here is not closed with `{sign}`") })
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
        let signs =
            [("<=", Comparison::LessOrEqual), (">=", Comparison::GreaterOrEqual), ("<", Comparison::Less), (">", Comparison::Greater)];
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
        let function = Function::named(name)
            .ok_or_else(|| Invalid { offset, message: format!("there is no function `{}`", crate::reader::shown(name)) })?;
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
