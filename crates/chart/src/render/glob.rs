//! Patterns of `.Files.Glob`, as github.com/gobwas/glob matches them with `/` between names.
//!
//! `*` and `?` stop at `/`, `**` does not; `[a-z]`, `[!a-z]` and `[abc]` are one letter; `{one,two}` is either, and may stand in itself.

/// How deep alternatives may stand in one another, and so how deep the reading goes.
const DEEPEST: usize = 32;
/// How many stars and alternatives a pattern may have.
const MOST: usize = 200;

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(char),
    /// `?`: one letter that is no `/`.
    One,
    /// `*`: letters that are no `/`.
    Name,
    /// `**`: anything.
    Anything,
    /// `[…]`.
    Class {
        not: bool,
        ranges: Vec<(char, char)>,
    },
    /// `{…}`.
    Either(Vec<Vec<Part>>),
}

impl Glob {
    /// Reads a pattern; nothing when it is none.
    pub fn new(pattern: &str) -> Option<Self> {
        let letters: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let parts = sequence(&letters, &mut at, 0)?;
        (at == letters.len() && branches(&parts) <= MOST).then_some(Self(parts))
    }

    /// Whether a path matches. `steps` is what may still be spent: none is left when it has taken too long.
    pub fn matches(&self, path: &str, steps: &mut u64) -> Option<bool> {
        if let Some(Part::Literal(wanted)) = self.0.first()
            && !path.starts_with(*wanted)
        {
            *steps = steps.checked_sub(1)?;
            return Some(false);
        }
        let letters: Vec<char> = path.chars().collect();
        let parts: Vec<&Part> = self.0.iter().collect();
        matches(&parts, &letters, steps)
    }
}

fn branches(parts: &[Part]) -> usize {
    let of = |part: &Part| match part {
        Part::Name | Part::Anything => 1,
        Part::Either(choices) => 1 + choices.iter().map(|choice| branches(choice)).sum::<usize>(),
        _ => 0,
    };
    parts.iter().map(of).sum()
}

fn sequence(letters: &[char], at: &mut usize, depth: usize) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some(&letter) = letters.get(*at) {
        if depth > 0 && matches!(letter, ',' | '}') {
            break;
        }
        *at += 1;
        parts.push(match letter {
            '\\' => {
                *at += 1;
                Part::Literal(*letters.get(*at - 1)?)
            }
            '?' => Part::One,
            '*' if letters.get(*at) == Some(&'*') => {
                *at += 1;
                Part::Anything
            }
            '*' => Part::Name,
            '[' => class(letters, at)?,
            '{' => either(letters, at, depth + 1)?,
            letter => Part::Literal(letter),
        });
    }
    Some(parts)
}

fn either(letters: &[char], at: &mut usize, depth: usize) -> Option<Part> {
    if depth > DEEPEST {
        return None;
    }
    let mut choices = Vec::new();
    loop {
        choices.push(sequence(letters, at, depth)?);
        *at += 1;
        match letters.get(*at - 1)? {
            ',' => {}
            _ => return Some(Part::Either(choices)),
        }
    }
}

/// After the `[`: either one range `lo-hi`, or letters that each stand for themselves.
fn class(letters: &[char], at: &mut usize) -> Option<Part> {
    let not = letters.get(*at) == Some(&'!');
    *at += usize::from(not);
    if let (Some(&low), Some('-'), Some(&high), Some(']')) =
        (letters.get(*at), letters.get(*at + 1), letters.get(*at + 2), letters.get(*at + 3))
    {
        *at += 4;
        return (low <= high).then(|| Part::Class { not, ranges: vec![(low, high)] });
    }
    let mut ranges = Vec::new();
    loop {
        *at += 1;
        match *letters.get(*at - 1)? {
            ']' => break,
            '\\' => {
                *at += 1;
                let letter = *letters.get(*at - 1)?;
                ranges.push((letter, letter));
            }
            letter => ranges.push((letter, letter)),
        }
    }
    (!ranges.is_empty()).then_some(Part::Class { not, ranges })
}

fn matches(mut parts: &[&Part], mut letters: &[char], steps: &mut u64) -> Option<bool> {
    // letter by letter in a loop: only stars and alternatives go deeper, and their number is what a pattern has
    let (first, rest) = loop {
        *steps = steps.checked_sub(1)?;
        let Some((first, rest)) = parts.split_first() else { return Some(letters.is_empty()) };
        if !matches!(first, Part::Literal(_) | Part::One | Part::Class { .. }) {
            break (first, rest);
        }
        match letters.split_first() {
            Some((letter, after)) if fits(first, *letter) => (parts, letters) = (rest, after),
            _ => return Some(false),
        }
    };
    match first {
        Part::Name | Part::Anything => {
            let wide = matches!(first, Part::Anything);
            for taken in 0..=letters.len() {
                if taken > 0 && !wide && letters[taken - 1] == '/' {
                    break;
                }
                if matches(rest, &letters[taken..], steps)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        Part::Either(choices) => {
            for choice in choices {
                let parts: Vec<&Part> = choice.iter().chain(rest.iter().copied()).collect();
                *steps = steps.checked_sub(parts.len() as u64 / 8)?;
                if matches(&parts, letters, steps)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        // left to the loop above
        Part::Literal(_) | Part::One | Part::Class { .. } => Some(false),
    }
}

fn fits(part: &Part, letter: char) -> bool {
    match part {
        Part::Literal(wanted) => *wanted == letter,
        Part::One => letter != '/',
        Part::Class { not, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter)) != *not,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_what_gobwas_glob_matches() {
        for (pattern, path, wanted) in [
            ("files/*", "files/a.txt", true),
            ("files/*", "files/deep/a.txt", false),
            ("files/**", "files/deep/a.txt", true),
            ("**.yaml", "a/b/c.yaml", true),
            ("*.yaml", "a/c.yaml", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[abc]x", "cx", true),
            ("conf.{json,y{a,}ml}", "conf.yml", true),
            ("conf.{json,y{a,}ml}", "conf.yaml", true),
            ("conf.{json,toml}", "conf.yaml", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("", "", true),
        ] {
            let glob = Glob::new(pattern).unwrap();
            assert_eq!(glob.matches(path, &mut 10_000), Some(wanted), "{pattern} on {path}");
        }
    }

    #[test]
    fn a_broken_pattern_is_none() {
        for pattern in ["[", "[a", "{a", "{a,b", "\\", "[z-a]"] {
            assert_eq!(Glob::new(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_takes_too_long_ends() {
        let glob = Glob::new(&"**a".repeat(20)).unwrap();
        assert_eq!(glob.matches(&format!("{}b", "a".repeat(100)), &mut 10_000), None);
        // each alternative goes on with all that stands behind it
        let glob = Glob::new(&format!("{}{}", "{,}".repeat(60), "b".repeat(10_000))).unwrap();
        assert_eq!(glob.matches("a", &mut 100_000), None);
    }
}
