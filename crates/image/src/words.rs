//! Words of an instruction: quotes, escapes and variables, as Docker's own reader has them.

use std::collections::BTreeMap;

/// Text after expansion may not be longer.
const MAX_EXPANDED: usize = 64 * 1024;

/// Reads words.
pub struct Words<'a> {
    /// `\`, or a backquote by the `escape` directive.
    pub escape: char,
    /// What variables stand for.
    pub variables: &'a BTreeMap<String, String>,
}

impl Words<'_> {
    /// The whole text as one word: variables replaced, quotes gone.
    pub fn one(&self, text: &str) -> Result<String, String> {
        let mut rest = text.chars().peekable();
        let mut word = String::new();
        while rest.peek().is_some() {
            self.piece(&mut rest, &mut word)?;
        }
        Ok(word)
    }

    /// The text cut at spaces outside quotes, each word read.
    pub fn many(&self, text: &str) -> Result<Vec<String>, String> {
        split(text, self.escape)?.into_iter().map(|word| self.one(&word)).collect()
    }

    fn piece(&self, rest: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) -> Result<(), String> {
        match rest.next() {
            None => {}
            Some('\'') => loop {
                match rest.next() {
                    None => return Err("a `'` is not closed".to_owned()),
                    Some('\'') => break,
                    Some(other) => word.push(other),
                }
            },
            Some('"') => loop {
                match rest.next() {
                    None => return Err("a `\"` is not closed".to_owned()),
                    Some('"') => break,
                    Some('$') => self.variable(rest, word)?,
                    Some(escape) if escape == self.escape => match rest.next() {
                        Some(next) if next == '"' || next == '$' || next == self.escape => word.push(next),
                        Some(next) => word.extend([escape, next]),
                        None => return Err(format!("it ends with `{escape}`")),
                    },
                    Some(other) => word.push(other),
                }
            },
            Some('$') => self.variable(rest, word)?,
            // at the very end it stands for itself
            Some(escape) if escape == self.escape => word.push(rest.next().unwrap_or(escape)),
            Some(other) => word.push(other),
        }
        if word.len() > MAX_EXPANDED {
            return Err(format!("it grows over {MAX_EXPANDED} bytes"));
        }
        Ok(())
    }

    fn variable(&self, rest: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) -> Result<(), String> {
        if rest.next_if_eq(&'{').is_some() {
            let name = name(rest);
            let (colon, operator) = match rest.next() {
                Some('}') if !name.is_empty() => {
                    word.push_str(self.variables.get(&name).map_or("", String::as_str));
                    return Ok(());
                }
                Some(':') => (true, rest.next()),
                other => (false, other),
            };
            let Some(operator @ ('-' | '+')) = operator.filter(|_| !name.is_empty()) else {
                return Err(format!("`${{{name}…}}` is not understood: `${{NAME}}`, `${{NAME:-word}}` and `${{NAME:+word}}` are"));
            };
            let alternative = self.alternative(rest)?;
            let value = self.variables.get(&name).filter(|value| !(colon && value.is_empty()));
            match (operator, value) {
                ('-', Some(value)) => word.push_str(value),
                ('-', None) | ('+', Some(_)) => word.push_str(&alternative),
                _ => {}
            }
            return Ok(());
        }
        let name = name(rest);
        if name.is_empty() {
            word.push('$');
        } else {
            word.push_str(self.variables.get(&name).map_or("", String::as_str));
        }
        Ok(())
    }

    /// The word after `:-` or `:+`, up to the brace that closes it; it may hold variables itself.
    fn alternative(&self, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
        let mut text = String::new();
        let mut depth = 0;
        loop {
            match rest.next() {
                None => return Err("a `${` is not closed".to_owned()),
                Some('}') if depth == 0 => return self.one(&text),
                Some(next) => {
                    match next {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth > 16 {
                        return Err("variables are nested too deeply".to_owned());
                    }
                    text.push(next);
                }
            }
        }
    }
}

fn name(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(next) = rest.next_if(|next| next.is_ascii_alphabetic() || *next == '_' || (next.is_ascii_digit() && !name.is_empty())) {
        name.push(next);
    }
    name
}

/// Cuts text at spaces outside quotes; quotes and escapes stay.
pub fn split(text: &str, escape: char) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next == escape && quote != Some('\'') {
            let word = word.get_or_insert_default();
            word.push(next);
            word.extend(rest.next());
            continue;
        }
        match quote {
            Some(open) if next == open => quote = None,
            None if next == '"' || next == '\'' => quote = Some(next),
            None if next.is_whitespace() => {
                words.extend(word.take());
                continue;
            }
            _ => {}
        }
        word.get_or_insert_default().push(next);
    }
    if let Some(open) = quote {
        return Err(format!("a `{open}` is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let variables = BTreeMap::from([("x".to_owned(), "1 2".to_owned()), ("empty".to_owned(), String::new())]);
        let seen = Words { escape: '\\', variables: &variables }
            .many(text)
            .map_or_else(|error| format!("error: {error}"), |words| words.join("|"));
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn words_are_read_as_docker_reads_them() {
        check("a b  c", "a|b|c");
        check("\"a b\" 'c $x' d\\ e", "a b|c $x|d e");
        check("$x ${x}y $none-", "1 2|1 2y|-");
        check("${empty:-d} ${empty-d} ${none-d} ${none:-a${x}b}", "d||d|a1 2b");
        check("${x:+yes} ${empty:+yes} ${empty+yes}", "yes||yes");
        check("\\$x \"\\$x \\\" \\n\" $", "$x|$x \" \\n|$");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        check("'a", "error: a `'` is not closed");
        check("${x%y}", "error: `${x…}` is not understood: `${NAME}`, `${NAME:-word}` and `${NAME:+word}` are");
        check("${", "error: `${…}` is not understood: `${NAME}`, `${NAME:-word}` and `${NAME:+word}` are");
        check("${x:-", "error: a `${` is not closed");
    }
}
