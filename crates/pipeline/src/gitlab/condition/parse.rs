//! The grammar of GitLab's conditions.

use super::lex::{OPERATORS, Token, lex};
use super::{Condition, Fault, Invalid, Operator};

/// The operators by how tight they bind, the loosest first. All of them take what is before them first.
const LEVELS: [&[Operator]; 3] =
    [&[Operator::Or], &[Operator::And], &[Operator::Equal, Operator::Unequal, Operator::Matches, Operator::MatchesNot]];

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, Invalid> {
    let tokens = lex(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.chars().count() };
    let condition = parser.level(0)?;
    match tokens.get(parser.at) {
        None => Ok(condition),
        Some((offset, token)) => Err(invalid(*offset, format!("{} is not expected here", name_of(token)))),
    }
}

fn invalid(offset: usize, message: String) -> Invalid {
    Invalid { fault: Fault::Parsing, offset, message }
}

fn name_of(token: &Token) -> String {
    match token {
        Token::Null => "null".into(),
        Token::Bool(value) => value.to_string(),
        Token::Text(text) => format!("\"{}\"", crate::reader::shown(text)),
        Token::Variable(name) => format!("${}", crate::reader::shown(name)),
        Token::Pattern(pattern) => crate::reader::shown(&pattern.written),
        Token::Operator(operator) => {
            OPERATORS.iter().find(|(_, known)| known == operator).map_or_else(String::new, |(sign, _)| format!("`{sign}`"))
        }
        Token::Open => "`(`".into(),
        Token::Close => "`)`".into(),
    }
}

struct Parser<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    end: usize,
}

impl Parser<'_> {
    fn operator(&mut self, among: &[Operator]) -> Option<Operator> {
        match self.tokens.get(self.at) {
            Some((_, Token::Operator(operator))) if among.contains(operator) => {
                self.at += 1;
                Some(*operator)
            }
            _ => None,
        }
    }

    fn level(&mut self, level: usize) -> Result<Condition, Invalid> {
        let Some(operators) = LEVELS.get(level) else { return self.value() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            left = Condition::Binary(operator, Box::new(left), Box::new(self.level(level + 1)?));
        }
        Ok(left)
    }

    fn value(&mut self) -> Result<Condition, Invalid> {
        let Some((offset, token)) = self.tokens.get(self.at) else {
            return Err(invalid(self.end, "a value is missing at the end".into()));
        };
        self.at += 1;
        match token {
            Token::Null => Ok(Condition::Null),
            Token::Bool(value) => Ok(Condition::Bool(*value)),
            Token::Text(text) => Ok(Condition::Text(text.clone())),
            Token::Variable(name) => Ok(Condition::Variable(name.clone())),
            Token::Pattern(pattern) => Ok(Condition::Pattern(pattern.clone())),
            Token::Open => {
                let inner = self.level(0)?;
                if !matches!(self.tokens.get(self.at), Some((_, Token::Close))) {
                    return Err(invalid(*offset, "this `(` is not closed".into()));
                }
                self.at += 1;
                Ok(inner)
            }
            Token::Operator(_) | Token::Close => Err(invalid(*offset, format!("a value is missing before {}", name_of(token)))),
        }
    }
}
