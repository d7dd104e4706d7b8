//! Words of GitLab's conditions.

use super::{Fault, Invalid, MAX_WORDS, Operator, Pattern, is_flag, whole_pattern};

/// A word.
#[derive(Clone, Debug)]
pub(super) enum Token {
    Null,
    Bool(bool),
    Text(String),
    Variable(String),
    Pattern(Box<Pattern>),
    Operator(Operator),
    Open,
    Close,
}

/// The operators.
pub(super) const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("=~", Operator::Matches),
    ("!~", Operator::MatchesNot),
    ("&&", Operator::And),
    ("||", Operator::Or),
];

/// What is no word.
fn invalid(offset: usize, message: impl Into<String>) -> Invalid {
    Invalid { fault: Fault::Lexing, offset, message: message.into() }
}

/// Cuts a condition into words, each with its place in characters.
pub(super) fn lex(text: &str) -> Result<Vec<(usize, Token)>, Invalid> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_ascii_whitespace() || c == '\u{b}' {
            at += 1;
            continue;
        }
        if tokens.len() == MAX_WORDS {
            return Err(invalid(at, format!("the condition has more than {MAX_WORDS} words")));
        }
        let (token, end) = match c {
            '$' => variable(&chars, at)?,
            quote @ ('"' | '\'') => quoted(&chars, at, quote)?,
            '/' => pattern(&chars, at)?,
            '(' => (Token::Open, at + 1),
            ')' => (Token::Close, at + 1),
            _ => operator_or_word(&chars, at)?,
        };
        tokens.push((at, token));
        at = end;
    }
    Ok(tokens)
}

fn variable(chars: &[char], at: usize) -> Result<(Token, usize), Invalid> {
    let len = chars[at + 1..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
    if len == 0 {
        return Err(invalid(at, "a variable's name must follow `$`, without braces"));
    }
    Ok((Token::Variable(chars[at + 1..=at + len].iter().collect()), at + 1 + len))
}

/// Text in quotes, in which nothing is escaped and no line ends.
fn quoted(chars: &[char], at: usize, quote: char) -> Result<(Token, usize), Invalid> {
    let len = chars[at + 1..].iter().position(|c| *c == quote || *c == '\n').filter(|len| chars[at + 1 + len] == quote);
    let len = len.ok_or_else(|| invalid(at, format!("the text is not closed with {quote} on its line")))?;
    Ok((Token::Text(chars[at + 1..=at + len].iter().collect()), at + len + 2))
}

/// `/regex/flags`, of two characters at least. It ends at the first `/` that no `\` precedes, or at one right after that.
fn pattern(chars: &[char], start: usize) -> Result<(Token, usize), Invalid> {
    let close = closing(&chars[start..]).map_err(|why| invalid(start, why))? + start;
    let flags = chars[close + 1..].iter().take_while(|c| is_flag(**c)).count();
    if let Some(flag) = chars.get(close + 1 + flags).filter(|c| c.is_ascii_alphanumeric()) {
        return Err(invalid(close + 1 + flags, format!("`{flag}` is not a flag of a regex; known: i, m, s, U")));
    }
    let end = close + 1 + flags;
    let written: String = chars[start..end].iter().collect();
    let regex = whole_pattern(&written.replace("\\/", "/")).unwrap_or_else(|| Err("the regex has more than one line".to_owned()));
    let regex = regex.map_err(|message| invalid(start, message))?;
    Ok((Token::Pattern(Box::new(Pattern { written, regex })), end))
}

/// Where the closing `/` is.
fn closing(chars: &[char]) -> Result<usize, &'static str> {
    let slash = |at: usize| chars.get(at) == Some(&'/');
    let mut at = 1;
    while let Some(c) = chars.get(at) {
        match c {
            '\\' if slash(at + 1) && slash(at + 2) => return Ok(at + 2),
            '\\' if slash(at + 1) => at += 2,
            '/' if at > 1 && slash(at + 1) => return Ok(at + 1),
            '/' if at > 2 => return Ok(at),
            '/' => return Err("GitLab knows no regex of less than two characters; write `/(a)/`, or use `==`"),
            _ => at += 1,
        }
    }
    Err("the regex is not closed with /")
}

fn operator_or_word(chars: &[char], at: usize) -> Result<(Token, usize), Invalid> {
    let two: String = chars[at..].iter().take(2).collect();
    if let Some((_, operator)) = OPERATORS.iter().find(|(sign, _)| *sign == two) {
        return Ok((Token::Operator(*operator), at + 2));
    }
    let word: String = chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').take(40).collect();
    match &*word {
        "null" => Ok((Token::Null, at + 4)),
        "true" => Ok((Token::Bool(true), at + 4)),
        "false" => Ok((Token::Bool(false), at + 5)),
        "" => Err(invalid(at, format!("`{}` is not an operator; known: == != =~ !~ && || ( )", chars[at].escape_debug()))),
        _ => Err(invalid(at, format!("`{word}` must be a $variable or in quotes"))),
    }
}
