//! Patterns of `.Files.Glob`, as github.com/gobwas/glob 0.2.3 reads and matches them with `/` between names.
//!
//! `*` and `?` stop at `/`, `**` does not; `[a-z]`, `[!a-z]` and `[abc]` are one letter; `{one,two}` is either, and may stand in itself.
//! What that says is not always what is matched: the peer makes matchers of several parts at once, and some of them count letters where
//! they should count bytes, let two parts share a letter, or try one length alone. Charts have come to rely on the files that they get,
//! so the matchers here are the same ones ([`build`]), and each matches the same ([`matcher`]).

mod build;
mod matcher;
#[cfg(test)]
mod tests;

use matcher::Matcher;

/// How deep alternatives may stand in one another, and so how deep the reading goes.
const DEEPEST: usize = 32;
/// The longest pattern, in bytes. Its parts are counted and copied while it is built.
const LONGEST: usize = 64 << 10;

/// Why it is not said whether a path matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It takes too long.
    Steps,
    /// The peer looks behind the end of the path, and panics: in Go's words.
    Panic(String),
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// What is left of an alternative of which others have all parts: no letter.
    Nothing,
    Text(String),
    /// `?`: one letter that is no `/`.
    One,
    /// `*`: letters that are no `/`.
    Name,
    /// `**`: anything.
    Anything,
    /// `[abc]`.
    Listed {
        not: bool,
        letters: Vec<char>,
    },
    /// `[a-z]`.
    Between {
        not: bool,
        low: char,
        high: char,
    },
    /// `{…}`.
    Either(Vec<Part>),
    /// Parts one after the other.
    Row(Vec<Part>),
}

/// A compiled pattern.
pub struct Glob(Matcher);

impl Glob {
    /// Reads a pattern; nothing when it is none. `steps` is what may still be spent.
    pub fn new(pattern: &str, steps: &mut u64) -> Result<Option<Self>, Stop> {
        if pattern.len() > LONGEST {
            return Err(Stop::Steps);
        }
        if pattern.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(None);
        }
        let letters: Vec<char> = pattern.chars().collect();
        let Some(parts) = row(&letters, &mut 0, 0) else { return Ok(None) };
        Ok(Some(Self(build::build(&Part::Row(parts), steps)?)))
    }

    /// Whether a path matches. `steps` is what may still be spent.
    pub fn matches(&self, path: &[u8], steps: &mut u64) -> Result<bool, Stop> {
        self.0.matches(path, steps)
    }
}

/// Parts up to the end, or to the end of the alternative that they are in.
fn row(letters: &[char], at: &mut usize, depth: usize) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some(&letter) = letters.get(*at) {
        if depth > 0 && matches!(letter, ',' | '}') {
            break;
        }
        let after = letters.get(*at + 1);
        parts.push(match letter {
            '?' | '*' => {
                let is_wide = letter == '*' && after == Some(&'*');
                *at += 1 + usize::from(is_wide);
                match (letter, is_wide) {
                    ('?', _) => Part::One,
                    (_, true) => Part::Anything,
                    (_, false) => Part::Name,
                }
            }
            '[' => class(letters, at)?,
            '{' => either(letters, at, depth + 1)?,
            _ => {
                let text = text(letters, at, if depth > 0 { &['?', '*', '[', '{', '}', ','] } else { &['?', '*', '[', '{'] });
                if text.is_empty() {
                    continue;
                }
                Part::Text(text)
            }
        });
    }
    Some(parts)
}

/// Letters up to one of these; a letter behind a `\` is itself, and a `\` at the end is nothing.
fn text(letters: &[char], at: &mut usize, up_to: &[char]) -> String {
    let (mut text, mut is_escaped) = (String::new(), false);
    while let Some(&letter) = letters.get(*at).filter(|letter| is_escaped || !up_to.contains(letter)) {
        *at += 1;
        if letter == '\\' && !is_escaped {
            is_escaped = true;
        } else {
            is_escaped = false;
            text.push(letter);
        }
    }
    text
}

/// From the `{` on. What is not closed ends where the pattern ends.
fn either(letters: &[char], at: &mut usize, depth: usize) -> Option<Part> {
    if depth > DEEPEST {
        return None;
    }
    let mut choices = Vec::new();
    loop {
        *at += 1;
        choices.push(Part::Row(row(letters, at, depth)?));
        match letters.get(*at) {
            Some(',') => {}
            Some(_) => {
                *at += 1;
                return Some(Part::Either(choices));
            }
            None => return Some(Part::Either(choices)),
        }
    }
}

/// From the `[` on: either one range `lo-hi`, or letters that each stand for themselves.
fn class(letters: &[char], at: &mut usize) -> Option<Part> {
    *at += 1;
    let not = letters.get(*at) == Some(&'!');
    *at += usize::from(not);
    if letters.get(*at + 1) == Some(&'-') {
        let (low, high, close) = (*letters.get(*at)?, *letters.get(*at + 2)?, *letters.get(*at + 3)?);
        *at += 4;
        return (low <= high && close == ']').then_some(Part::Between { not, low, high });
    }
    let listed: Vec<char> = text(letters, at, &[']']).chars().collect();
    let is_closed = letters.get(*at) == Some(&']');
    *at += 1;
    (is_closed && !listed.is_empty()).then_some(Part::Listed { not, letters: listed })
}
