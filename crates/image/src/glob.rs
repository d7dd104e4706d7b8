//! Patterns as Docker writes them: `*` and `?` within a name, `**` across names, `[a-z]`, `\` before a plain character.

/// Longer patterns are refused.
pub const MAX_PATTERN: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Plain(char),
    /// `?`
    One,
    /// `*`
    Some,
    /// `**`
    Any,
    /// `**/`: any number of whole names, none too.
    Names,
    /// `[…]`: ranges, and whether it means the others.
    Class(Vec<(char, char)>, bool),
}

/// A pattern, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Token>);

/// A pattern that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a pattern: `[` is not closed, it ends with `\\`, or it is too long")]
pub struct InvalidPattern(String);

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = || InvalidPattern(text.chars().take(80).collect());
        if text.len() > MAX_PATTERN {
            return Err(invalid());
        }
        let mut tokens = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(next) = rest.next() {
            tokens.push(match next {
                '\\' => Token::Plain(rest.next().ok_or_else(invalid)?),
                '?' => Token::One,
                '*' if rest.next_if_eq(&'*').is_some() => {
                    while rest.next_if_eq(&'*').is_some() {}
                    let whole = matches!(tokens.last(), None | Some(Token::Plain('/')));
                    if whole && rest.next_if_eq(&'/').is_some() { Token::Names } else { Token::Any }
                }
                '*' => Token::Some,
                '[' => class(&mut rest).ok_or_else(invalid)?,
                plain => Token::Plain(plain),
            });
        }
        Ok(Self(tokens))
    }

    /// True if the text holds a wildcard.
    pub fn is_wild(text: &str) -> bool {
        text.contains(['*', '?', '['])
    }

    /// True if the whole path fits.
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        // reachable[i]: the tokens so far may have used up the first i characters
        let mut reachable = vec![false; path.len() + 1];
        reachable[0] = true;
        for token in &self.0 {
            reachable = advance(token, &reachable, &path);
        }
        reachable[path.len()]
    }
}

fn advance(token: &Token, reachable: &[bool], path: &[char]) -> Vec<bool> {
    let mut next = vec![false; reachable.len()];
    let one = |fits: &dyn Fn(char) -> bool, next: &mut Vec<bool>| {
        for (position, character) in path.iter().enumerate() {
            next[position + 1] = reachable[position] && fits(*character);
        }
    };
    match token {
        Token::Plain(wanted) => one(&|character| character == *wanted, &mut next),
        Token::One => one(&|character| character != '/', &mut next),
        Token::Class(ranges, others) => {
            let fits = |character: char| character != '/' && ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)) != *others;
            one(&fits, &mut next);
        }
        Token::Some | Token::Any => {
            let mut open = false;
            for position in 0..reachable.len() {
                open = reachable[position] || (open && (*token == Token::Any || path[position - 1] != '/'));
                next[position] = open;
            }
        }
        Token::Names => {
            let mut open = false;
            for position in 0..reachable.len() {
                next[position] = reachable[position] || (open && path[position - 1] == '/');
                open |= reachable[position];
            }
        }
    }
    next
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let others = rest.next_if(|next| matches!(next, '^' | '!')).is_some();
    let mut ranges = Vec::new();
    loop {
        let character = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| match rest.next()? {
            '\\' => rest.next(),
            other => Some(other),
        };
        if !ranges.is_empty() && rest.next_if_eq(&']').is_some() {
            return Some(Token::Class(ranges, others));
        }
        let from = character(rest)?;
        let to = if rest.next_if_eq(&'-').is_some() { character(rest)? } else { from };
        ranges.push((from, to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let read = Pattern::new(pattern).unwrap();
        for path in yes {
            assert!(read.matches(path), "{pattern} should fit {path}");
        }
        for path in no {
            assert!(!read.matches(path), "{pattern} should not fit {path}");
        }
    }

    #[test]
    fn patterns_fit_as_docker_says() {
        check("*.go", &["a.go", ".go"], &["a/b.go", "a.rs"]);
        check("**/*.go", &["a.go", "a/b.go", "a/b/c.go"], &["a.god"]);
        check("a/**", &["a/b", "a/b/c", "a/"], &["a", "b/a/c"]);
        check("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["az", "a/bz"]);
        check("**", &["", "a", "a/b"], &[]);
        check("te?t", &["test"], &["tet", "te/t"]);
        check("[a-c]x[^0-9]", &["axy", "cxz"], &["dxy", "ax1", "ax/"]);
        check("\\*x", &["*x"], &["yx"]);
        assert!(Pattern::new("[a").is_err() && Pattern::new("a\\").is_err());
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let pattern = Pattern::new(&"*a".repeat(200)).unwrap();
        assert!(!pattern.matches(&"a".repeat(5000)[..150]));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(pattern in ".{0,40}", path in ".{0,60}") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                pattern.matches(&path);
            }
        }
    }
}
