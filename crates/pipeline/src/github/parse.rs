//! The grammar of workflow expressions.

use super::expression::{Comparison, ErrorKind, Invalid, Tree};
use super::functions::{self, Function};
use super::lex::{Token, Word, lex};
use super::value::Value;

/// How deep an expression may nest (GitHub's own bound).
pub(super) const MAX_DEPTH: usize = 50;

/// Whether there is a context of a name.
pub(super) type Known<'k> = &'k dyn Fn(&str) -> bool;

/// Reads an expression. With `known`, a context that is not is an error where it stands.
pub(super) fn parse(text: &str, known: Option<Known<'_>>) -> Result<Tree, Invalid> {
    let words = lex(text)?;
    let mut parser = Parser { text, words: &words, at: 0, open: 0, known };
    let (tree, _) = parser.or()?;
    match words.get(parser.at) {
        None => Ok(tree),
        Some(word) => Err(parser.invalid(word.start, format!("{} is not expected here", describe(word)))),
    }
}

fn describe(word: &Word<'_>) -> String {
    match word.token {
        Token::Text(_) => crate::reader::shown(word.text),
        _ => format!("`{}`", crate::reader::shown(word.text)),
    }
}

struct Parser<'t, 'k> {
    text: &'t str,
    words: &'t [Word<'t>],
    at: usize,
    open: usize,
    known: Option<Known<'k>>,
}

/// A tree and its depth.
type Parsed = Result<(Tree, usize), Invalid>;

impl Parser<'_, '_> {
    /// The character at which a byte is.
    fn character(&self, byte: usize) -> usize {
        let before = &self.text[..byte.min(self.text.len())];
        if before.is_ascii() { before.len() } else { before.chars().count() }
    }

    fn invalid(&self, byte: usize, message: String) -> Invalid {
        Invalid { kind: ErrorKind::Parsing, offset: self.character(byte), message }
    }

    fn too_deep(&self) -> Invalid {
        self.invalid(self.place(), format!("the expression nests deeper than {MAX_DEPTH}"))
    }

    fn accept(&mut self, sign: &'static str) -> bool {
        let found = matches!(self.words.get(self.at), Some(Word { token: Token::Sign(other), .. }) if *other == sign);
        self.at += usize::from(found);
        found
    }

    /// What must follow. `opened` is where the thing began that it closes.
    fn expect(&mut self, sign: &'static str, opened: usize) -> Result<(), Invalid> {
        if self.accept(sign) {
            return Ok(());
        }
        match self.words.get(self.at) {
            None => Err(self.invalid(opened, format!("what is opened here is not closed with `{sign}`"))),
            Some(word) => Err(self.invalid(word.start, format!("{} is not expected here; `{sign}` is missing", describe(word)))),
        }
    }

    /// The byte at which the next word begins.
    fn place(&self) -> usize {
        self.words.get(self.at).map_or(self.text.len(), |word| word.start)
    }

    fn deeper(&self, tree: Tree, depth: usize) -> Parsed {
        if depth >= MAX_DEPTH { Err(self.too_deep()) } else { Ok((tree, depth + 1)) }
    }

    fn or(&mut self) -> Parsed {
        self.list("||", Self::and, Tree::Or)
    }

    fn and(&mut self) -> Parsed {
        self.list("&&", Self::equality, Tree::And)
    }

    fn list(&mut self, sign: &'static str, inner: fn(&mut Self) -> Parsed, make: fn(Vec<Tree>) -> Tree) -> Parsed {
        let (first, mut depth) = inner(self)?;
        if !self.accept(sign) {
            return Ok((first, depth));
        }
        let mut items = vec![first];
        loop {
            let (item, inner_depth) = inner(self)?;
            depth = depth.max(inner_depth);
            items.push(item);
            if !self.accept(sign) {
                return self.deeper(make(items), depth);
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
            let Some((_, comparison)) = signs.iter().find(|(sign, _)| self.accept(sign)) else { return Ok((left, depth)) };
            let (right, right_depth) = inner(self)?;
            (left, depth) = self.deeper(Tree::Compare(*comparison, Box::new(left), Box::new(right)), depth.max(right_depth))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        if !self.accept("!") {
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
            return Err(self.too_deep());
        }
        self.open += 1;
        let parsed = inner(self);
        self.open -= 1;
        parsed
    }

    fn postfix(&mut self) -> Parsed {
        let begins = self.words.get(self.at).map(|word| &word.token);
        // literals have no properties
        let walks = matches!(begins, Some(Token::Name(_) | Token::Sign("(")));
        let (mut tree, mut depth) = self.primary()?;
        if !walks {
            return Ok((tree, depth));
        }
        loop {
            let opened = self.place();
            if self.accept(".") {
                let index = match self.words.get(self.at).map(|word| &word.token) {
                    Some(Token::Sign("*")) => None,
                    Some(Token::Name(name)) => Some(Tree::Literal(Value::text(name))),
                    _ => return Err(self.invalid(self.place(), "a name must follow the dot".into())),
                };
                self.at += 1;
                (tree, depth) = self.step_into(tree, index, depth)?;
            } else if self.accept("[") {
                let index = if self.accept("*") { None } else { Some(self.nested(Self::or)?) };
                self.expect("]", opened)?;
                let deepest = index.as_ref().map_or(depth, |(_, inner)| depth.max(*inner));
                (tree, depth) = self.step_into(tree, index.map(|(tree, _)| tree), deepest)?;
            } else {
                return Ok((tree, depth));
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
        let Some(word) = self.words.get(self.at) else {
            return Err(self.invalid(self.text.len(), "a value is missing at the end".into()));
        };
        self.at += 1;
        let literal = match &word.token {
            Token::Null => Value::Null,
            Token::Bool(value) => Value::Bool(*value),
            Token::Number(value) => Value::Number(*value),
            Token::Text(text) => Value::text(text),
            Token::Name(name) => return self.name(name, word.start),
            Token::Sign("(") => {
                let inner = self.nested(Self::or)?;
                self.expect(")", word.start)?;
                return Ok(inner);
            }
            Token::Sign(sign) => return Err(self.invalid(word.start, format!("a value is missing before `{sign}`"))),
        };
        Ok((Tree::Literal(literal), 1))
    }

    fn name(&mut self, name: &str, start: usize) -> Parsed {
        let (opened, offset) = (self.place(), self.character(start));
        let named = || format!("`{}`", crate::reader::shown(name));
        if !self.accept("(") {
            if self.known.is_some_and(|known| !known(name)) {
                return Err(self.invalid(start, format!("there is no context {}", named())));
            }
            return Ok((Tree::Context { name: name.to_ascii_lowercase(), offset }, 1));
        }
        let function = Function::named(name).ok_or_else(|| self.invalid(start, format!("there is no function {}", named())))?;
        let (mut arguments, mut depth) = (Vec::new(), 0);
        if !self.accept(")") {
            loop {
                let (argument, inner) = self.nested(Self::or)?;
                depth = depth.max(inner);
                arguments.push(argument);
                if !self.accept(",") {
                    break;
                }
            }
            self.expect(")", opened)?;
        }
        let (least, most) = function.arity();
        if arguments.len() < least || arguments.len() > most {
            return Err(self.invalid(start, format!("{} takes {}", named(), functions::count(least, most))));
        }
        if function == Function::Case && arguments.len() % 2 == 0 {
            let message = "`case` takes pairs of a condition and a value, and one value more for when none holds";
            return Err(self.invalid(start, message.into()));
        }
        self.deeper(Tree::Call { function, arguments, offset }, depth)
    }
}
