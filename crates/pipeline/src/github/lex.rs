//! Words of workflow expressions.

use super::Invalid;

/// A word and its place in characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A context, a function, or a property after a dot.
    Name(String),
    /// `( ) [ ] . , * ! == != < <= > >= && ||`
    Sign(&'static str),
}

/// The signs, longer ones first.
const SIGNS: &[&str] = &["==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", ".", ",", "*", "!", "<", ">"];

/// Cuts an expression into words.
pub(super) fn lex(text: &str) -> Result<Vec<(usize, Token)>, Invalid> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        let after_value = matches!(tokens.last(), Some((_, Token::Name(_) | Token::Sign("]" | ")" | "*"))));
        let token = if c.is_whitespace() {
            at += 1;
            continue;
        } else if c == '\'' {
            text_token(&chars, &mut at)?
        } else if c.is_ascii_digit() || matches!(c, '-' | '+') || (c == '.' && !after_value) {
            number_token(&chars, &mut at)?
        } else if c.is_ascii_alphabetic() || c == '_' {
            let end =
                chars[at..].iter().position(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).map_or(chars.len(), |len| at + len);
            let name: String = chars[at..end].iter().collect();
            at = end;
            let property = matches!(tokens.last(), Some((_, Token::Sign("."))));
            match &*name {
                "null" if !property => Token::Null,
                "true" if !property => Token::Bool(true),
                "false" if !property => Token::Bool(false),
                "NaN" if !property => Token::Number(f64::NAN),
                "Infinity" if !property => Token::Number(f64::INFINITY),
                _ => Token::Name(name),
            }
        } else {
            let sign = SIGNS.iter().find(|sign| chars[at..].starts_with(&sign.chars().collect::<Vec<_>>()));
            let sign = sign.ok_or_else(|| Invalid { offset: start, message: unknown_sign(c) })?;
            at += sign.len();
            Token::Sign(sign)
        };
        tokens.push((start, token));
    }
    Ok(tokens)
}

fn unknown_sign(c: char) -> String {
    match c {
        '"' => "text is written in single quotes".to_owned(),
        '=' => "`=` is no operator; use `==`".to_owned(),
        '&' | '|' => format!("`{c}` is no operator; use `{c}{c}`"),
        _ => format!("`{}` means nothing in an expression", c.escape_default()),
    }
}

/// `'it''s'`.
fn text_token(chars: &[char], at: &mut usize) -> Result<Token, Invalid> {
    let start = *at;
    let mut out = String::new();
    *at += 1;
    loop {
        match chars.get(*at) {
            None => return Err(Invalid { offset: start, message: "the text is not closed with '".into() }),
            Some('\'') if chars.get(*at + 1) == Some(&'\'') => {
                out.push('\'');
                *at += 2;
            }
            Some('\'') => {
                *at += 1;
                return Ok(Token::Text(out));
            }
            Some(c) => {
                out.push(*c);
                *at += 1;
            }
        }
    }
}

fn number_token(chars: &[char], at: &mut usize) -> Result<Token, Invalid> {
    let start = *at;
    while let Some(c) = chars.get(*at) {
        let exponent_sign = matches!(c, '+' | '-') && (*at == start || matches!(chars[*at - 1], 'e' | 'E'));
        if !(c.is_ascii_alphanumeric() || *c == '.' || exponent_sign) {
            break;
        }
        *at += 1;
    }
    let text: String = chars[start..*at].iter().collect();
    if text == "-Infinity" {
        return Ok(Token::Number(f64::NEG_INFINITY));
    }
    let number = super::value::number_of(&text);
    if number.is_nan() {
        return Err(Invalid { offset: start, message: format!("`{}` is no number", crate::reader::shown(&text)) });
    }
    Ok(Token::Number(number))
}
