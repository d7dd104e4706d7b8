//! Regexes as GitLab's RE2 reads them, for a crate that reads some of them otherwise.
//!
//! The difference is told by the syntax pages of both: in RE2 `\d`, `\w`, `\s` and `\b` know ASCII alone, a class has no sets in
//! it and no operators, `\Q…\E` is literal text, `\<` and `{,3}` are what they look like. What only the crate knows is refused.

use std::iter::Peekable;
use std::str::Chars;

/// Words of a class for a letter after `\`: its members, and whether they are those that it leaves out.
fn perl(letter: char) -> Option<(&'static str, bool)> {
    let members = match letter.to_ascii_lowercase() {
        'd' => "0-9",
        's' => r"\t\n\f\r ",
        'w' => "0-9A-Za-z_",
        _ => return None,
    };
    Some((members, letter.is_ascii_uppercase()))
}

/// The same regex for the crate; otherwise what RE2 does not know.
pub(super) fn for_crate(regex: &str) -> Result<String, String> {
    let mut out = String::with_capacity(regex.len());
    let mut chars = regex.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escaped(&mut chars, &mut out)?,
            '[' => class(&mut chars, &mut out)?,
            '{' if chars.peek() == Some(&',') => out.push_str(r"\{"),
            '(' if chars.peek() == Some(&'?') => {
                out.push('(');
                flags(chars.clone().skip(1))?;
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// What follows a `\` outside of a class.
fn escaped(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    match chars.next() {
        None => out.push('\\'),
        Some('Q') => {
            let rest: String = chars.clone().collect();
            let text = rest.split(r"\E").next().unwrap_or_default();
            out.push_str(&regex::escape(text));
            let end = text.chars().count() + if text.len() < rest.len() { 2 } else { 0 };
            chars.by_ref().take(end).for_each(drop);
        }
        Some('b') => out.push_str(r"(?-u:\b)"),
        Some(c @ ('<' | '>')) => out.push(c),
        Some(c @ ('u' | 'U')) => return Err(format!("RE2 has no `\\{c}`")),
        Some(c) => match perl(c) {
            Some((members, false)) => out.push_str(&format!("[{members}]")),
            Some((members, true)) => out.push_str(&format!("[^{members}]")),
            None => out.extend(['\\', c]),
        },
    }
    Ok(())
}

/// A class, from behind its `[` to its `]`.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    out.push('[');
    out.extend(chars.next_if_eq(&'^'));
    // a `]` at the start is a member
    if chars.next_if_eq(&']').is_some() {
        out.push_str(r"\]");
    }
    while let Some(c) = chars.next() {
        match c {
            ']' => {
                out.push(']');
                return Ok(());
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for c in chars.by_ref() {
                    out.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            '[' | '&' | '~' => out.extend(['\\', c]),
            '-' if chars.peek() == Some(&'-') => return Err("`--` in a class can be read in two ways; write `\\-`".to_owned()),
            '\\' => match chars.next() {
                None => out.push('\\'),
                Some(c @ ('u' | 'U')) => return Err(format!("RE2 has no `\\{c}`")),
                Some(c) => match perl(c) {
                    Some((members, false)) => out.push_str(members),
                    Some((members, true)) => out.push_str(&format!("[^{members}]")),
                    None => out.extend(['\\', c]),
                },
            },
            other => out.push(other),
        }
    }
    // not closed: the crate says so
    Ok(())
}

/// The flags after `(?`, if there are any.
fn flags(chars: impl Iterator<Item = char>) -> Result<(), String> {
    let unknown = chars.take_while(|c| c.is_ascii_alphabetic() || *c == '-').find(|c| !"imsUP-".contains(*c));
    unknown.map_or(Ok(()), |c| Err(format!("RE2 has no flag `{c}`; it has i, m, s, U")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regexes_are_re2s() {
        for (regex, text, expected) in [
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^\w+$", "ab_1", true),
            (r"^\w+$", "é", false),
            (r"^\W$", "é", true),
            (r"^[\w-]+$", "é", false),
            (r"^[\w.-]+$", "a-b.c", true),
            (r"^[\W]$", "é", true),
            (r"^[^\d]$", "a", true),
            (r"^[^\d]$", "1", false),
            (r"^a\s$", "a\u{a0}", false),
            (r"a\b", "aé", true),
            (r"^[[a]$", "[", true),
            (r"^[[a]]$", "a]", true),
            (r"^[a&&b]$", "&", true),
            (r"^[a&&b]$", "a", true),
            (r"^[a~~b]$", "a", true),
            (r"^[]a]$", "]", true),
            (r"^[^]a]$", "b", true),
            (r"^[[:alpha:]_]$", "_", true),
            (r"^[\]a]$", "]", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\Qa.(", "a.(", true),
            (r"^\<a\>$", "<a>", true),
            (r"^a{,3}$", "a{,3}", true),
            (r"^a{,3}$", "aa", false),
            (r"^a{1,3}$", "aa", true),
            (r"^(?i)A$", "a", true),
            (r"^(?i-s:A)$", "a", true),
            (r"^(?P<x>a)$", "a", true),
            (r"^(?:a|b)$", "b", true),
            (r"^\p{Greek}$", "α", true),
            (r"^feature\/", "feature/x", true),
            (r"^release-\d+(\.\d+)*$", "release-1.2", true),
        ] {
            let read = regex::Regex::new(&for_crate(regex).unwrap()).unwrap_or_else(|why| panic!("{regex}: {why}"));
            assert_eq!(read.is_match(text), expected, "{regex} {text}");
        }
    }

    #[test]
    fn what_re2_does_not_know_is_refused() {
        for (regex, why) in [
            (r"(?x)a b", "RE2 has no flag `x`; it has i, m, s, U"),
            (r"(?i-u:a)", "RE2 has no flag `u`; it has i, m, s, U"),
            (r"\u{e9}", r"RE2 has no `\u`"),
            (r"[\u00e9]", r"RE2 has no `\u`"),
            (r"[+--]", r"`--` in a class can be read in two ways; write `\-`"),
        ] {
            assert_eq!(for_crate(regex).unwrap_err(), why, "{regex}");
        }
        for regex in [r"(?!a)", r"(?<=a)b", r"(a)\1", r"a++b(", r"\C", r"[a", r"\"] {
            assert!(for_crate(regex).is_err() || regex::Regex::new(&for_crate(regex).unwrap()).is_err(), "{regex}");
        }
    }
}
