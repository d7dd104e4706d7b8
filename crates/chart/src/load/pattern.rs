//! Shell patterns as Go's `filepath.Match` has them: `*` and `?` for letters that are no `/`, `[a-z]`, `[^a-z]`, and `\` before a letter that means itself.

use thiserror::Error;

use crate::format::unicode;

/// A pattern that means nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Whether a whole name is of this pattern. What is wrong behind the place where it no longer fits is not seen.
pub fn matches(pattern: &[u8], name: &[u8]) -> Result<bool, BadPattern> {
    let (mut pattern, mut name) = (pattern, name);
    while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        let (after, is_match) = matches_chunk(chunk, name)?;
        // what is left of the name must have its own part of the pattern
        if is_match && (after.is_empty() || !pattern.is_empty()) {
            name = after;
            continue;
        }
        if star && let Some(after) = after_star(chunk, name, pattern.is_empty())? {
            name = after;
            continue;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// What is left of a name when its beginning is taken by a star and what follows by the chunk behind it.
fn after_star<'a>(chunk: &[u8], name: &'a [u8], is_last: bool) -> Result<Option<&'a [u8]>, BadPattern> {
    let reach = name.iter().position(|byte| *byte == b'/').unwrap_or(name.len());
    for from in 1..=reach {
        let (after, is_match) = matches_chunk(chunk, name.get(from..).unwrap_or_default())?;
        if is_match && (after.is_empty() || !is_last) {
            return Ok(Some(after));
        }
    }
    Ok(None)
}

/// Whether stars come first, what stands up to the next star, and the rest.
fn next_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let pattern = pattern.get(stars..).unwrap_or_default();
    let (mut is_escaped, mut in_range) = (false, false);
    let end = pattern.iter().position(|byte| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match byte {
            b'\\' => is_escaped = true,
            b'[' => in_range = true,
            b']' => in_range = false,
            b'*' => return !in_range,
            _ => {}
        }
        false
    });
    let (chunk, rest) = pattern.split_at(end.unwrap_or(pattern.len()));
    (stars > 0, chunk, rest)
}

/// What is left of a name behind a part of a pattern without stars, and whether it matches so far. A part that no longer can is still read, for its syntax.
fn matches_chunk<'a>(chunk: &[u8], name: &'a [u8]) -> Result<(&'a [u8], bool), BadPattern> {
    let (mut chunk, mut name, mut failed) = (chunk, name, false);
    while let Some((&first, behind)) = chunk.split_first() {
        failed |= name.is_empty();
        match first {
            b'[' => {
                let letter = take(&mut name, failed);
                let (in_range, rest) = ranges(behind, letter.unwrap_or_default())?;
                chunk = rest;
                failed |= letter.is_none() || !in_range;
            }
            b'?' => {
                failed |= name.first() == Some(&b'/');
                take(&mut name, failed);
                chunk = behind;
            }
            _ => {
                let (literal, rest) = if first == b'\\' {
                    behind.split_first().map(|(literal, rest)| (*literal, rest)).ok_or(BadPattern)?
                } else {
                    (first, behind)
                };
                chunk = rest;
                if !failed {
                    failed = name.first() != Some(&literal);
                    name = name.get(1..).unwrap_or_default();
                }
            }
        }
    }
    Ok(if failed { (b"", false) } else { (name, true) })
}

/// The next letter of a name, unless it no longer matters.
fn take(name: &mut &[u8], failed: bool) -> Option<char> {
    if failed {
        return None;
    }
    let (letter, width) = unicode::first(name);
    *name = name.get(width..).unwrap_or_default();
    (width > 0).then(|| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// Whether a letter is in what stands between `[` and `]`, and what stands behind.
fn ranges(pattern: &[u8], letter: char) -> Result<(bool, &[u8]), BadPattern> {
    let (is_negated, mut pattern) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let (mut is_in, mut count) = (false, 0);
    loop {
        if count > 0
            && let Some(rest) = pattern.strip_prefix(b"]")
        {
            return Ok((is_in != is_negated, rest));
        }
        let low = range_end(&mut pattern)?;
        let high = match pattern.strip_prefix(b"-") {
            Some(rest) => {
                pattern = rest;
                range_end(&mut pattern)?
            }
            None => low,
        };
        is_in |= (low..=high).contains(&letter);
        count += 1;
    }
}

/// One end of a range.
fn range_end(pattern: &mut &[u8]) -> Result<char, BadPattern> {
    if matches!(pattern.first(), None | Some(b'-' | b']')) {
        return Err(BadPattern);
    }
    if let Some(rest) = pattern.strip_prefix(b"\\") {
        *pattern = rest;
    }
    let (letter, width) = unicode::first(pattern);
    *pattern = pattern.get(width..).unwrap_or_default();
    // a pattern cannot end inside a range
    match letter {
        Some(letter) if !pattern.is_empty() => Ok(letter),
        _ => Err(BadPattern),
    }
}
