//! The files by which a step speaks to the steps after it: `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_PATH`, and dotenv reports.

use std::collections::BTreeMap;

/// The largest of these files.
pub(crate) const MAX_FILE: u64 = 1 << 20;
/// The most values in one.
const MAX_VALUES: usize = 1_000;

/// A file that does not have its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {why}")]
pub(crate) struct Malformed {
    /// Which file.
    pub(crate) file: String,
    /// Where.
    pub(crate) line: usize,
    /// What is wrong and what is expected.
    pub(crate) why: &'static str,
}

/// `NAME=value`, or `NAME<<DELIMITER`, lines and `DELIMITER`.
pub(crate) fn values(file: &str, text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    let mut values = BTreeMap::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let malformed = |why| Malformed { file: file.to_owned(), line: index + 1, why };
        if line.trim().is_empty() {
            continue;
        }
        let (name, value) = match (line.find('='), line.find("<<")) {
            (equals, Some(heredoc)) if equals.is_none_or(|equals| heredoc < equals) => {
                let delimiter = &line[heredoc + 2..];
                if delimiter.is_empty() {
                    return Err(malformed("a delimiter is expected after `<<`"));
                }
                let mut value = Vec::new();
                loop {
                    match lines.next() {
                        Some((_, line)) if line == delimiter => break,
                        Some((_, line)) => value.push(line),
                        None => return Err(malformed("its delimiter never comes")),
                    }
                }
                (&line[..heredoc], value.join("\n"))
            }
            (Some(equals), _) => (&line[..equals], line[equals + 1..].to_owned()),
            (None, _) => return Err(malformed("`NAME=value` or `NAME<<DELIMITER` is expected")),
        };
        if name.is_empty() {
            return Err(malformed("a name is expected before the value"));
        }
        values.insert(name.to_owned(), value);
        if values.len() > MAX_VALUES {
            return Err(malformed("more than 1,000 values"));
        }
    }
    Ok(values)
}

/// One directory a line.
pub(crate) fn paths(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_VALUES).map(str::to_owned).collect()
}

/// A dotenv report: `NAME=value` lines, comments and empty lines. Blanks around a value go, quotes are part of it.
pub(crate) fn dotenv(file: &str, text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let malformed = |why| Malformed { file: file.to_owned(), line: index + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(|| malformed("`NAME=value` is expected"))?;
        let name = name.trim_end();
        if !is_variable(name) {
            return Err(malformed("a name has letters, digits and `_` and does not start with a digit"));
        }
        values.insert(name.to_owned(), value.trim().to_owned());
        if values.len() > MAX_VALUES {
            return Err(malformed("more than 1,000 values"));
        }
    }
    Ok(values)
}

/// What a shell can have as a variable.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_have_several_lines() {
        let seen = values("GITHUB_OUTPUT", "a=1\nb<<END\none\ntwo = 2\nEND\nc=x=<<y\n").unwrap();
        assert_eq!(seen, BTreeMap::from([("a".into(), "1".into()), ("b".into(), "one\ntwo = 2".into()), ("c".into(), "x=<<y".into())]));
    }

    #[test]
    fn what_has_no_form_is_told_with_its_line() {
        assert_eq!(
            values("GITHUB_ENV", "a=1\nnonsense").unwrap_err().to_string(),
            "GITHUB_ENV, line 2: `NAME=value` or `NAME<<DELIMITER` is expected"
        );
        assert_eq!(values("GITHUB_ENV", "a<<X\n1").unwrap_err().line, 1);
        assert_eq!(dotenv("build.env", "1A=x").unwrap_err().line, 1);
    }

    #[test]
    fn a_dotenv_value_keeps_its_quotes_and_loses_blanks_around_it() {
        let seen = dotenv("b", "# c\nA=\"x y\"\n\nB=\nC = 'z'=$A \n").unwrap();
        let expected = [("A", "\"x y\""), ("B", ""), ("C", "'z'=$A")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(seen, BTreeMap::from(expected));
    }
}
