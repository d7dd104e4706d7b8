//! Path and branch patterns of both dialects, as regular expressions that run in linear time.

use regex::{Regex, RegexBuilder};

/// The longest pattern that is read.
const MAX_PATTERN: usize = 2_000;
/// How large a compiled pattern may become.
const MAX_COMPILED: usize = 1 << 20;
/// How many characters the patterns may have that one with braces stands for.
const MAX_BRACES: usize = 200_000;

/// A pattern that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidPattern(pub(crate) String);

/// A path pattern as GitLab reads it: Ruby's `File.fnmatch` with `FNM_PATHNAME`, `FNM_DOTMATCH` and `FNM_EXTGLOB`.
/// `*` and `?` stop at `/`; only `**/` at the start of a part crosses folders; `{a,b}` is either, before all else is read.
/// What Ruby takes and never matches, such as an unclosed `[`, is told.
pub(crate) fn ruby_glob(glob: &str) -> Result<Regex, InvalidPattern> {
    bounded(glob)?;
    let mut alternatives = Vec::new();
    for chars in braces(glob)? {
        alternatives.push(ruby_parts(&chars)?);
    }
    compile(glob, &alternatives.join("|"))
}

/// A pattern of `include: local`, as GitLab reads it: `*` stops at `/`, `**` does not. `None` if it is too long.
pub(crate) fn include_glob(glob: &str) -> Option<Regex> {
    bounded(glob).ok()?;
    let parts: Vec<String> = glob.split("**").map(|part| part.split('*').map(regex::escape).collect::<Vec<_>>().join("[^/]*?")).collect();
    RegexBuilder::new(&format!("^(?s:{})$", parts.join(".*?"))).size_limit(MAX_COMPILED).build().ok()
}

/// Whether [`ruby_glob`] can read it, without making a regex of it where that cannot fail.
pub(crate) fn is_ruby_glob(glob: &str) -> Result<(), InvalidPattern> {
    bounded(glob)?;
    let mut length = 0;
    for chars in braces(glob)? {
        length += ruby_parts(&chars)?.len();
    }
    if length > MAX_PATTERN { ruby_glob(glob).map(drop) } else { Ok(()) }
}

/// The patterns that one with braces stands for.
fn braces(glob: &str) -> Result<Vec<Vec<char>>, InvalidPattern> {
    let (mut out, mut open) = (Vec::new(), vec![glob.chars().collect::<Vec<char>>()]);
    let mut work = 0;
    while let Some(chars) = open.pop() {
        let Some((start, commas, end)) = first_brace(&chars)? else {
            out.push(chars);
            continue;
        };
        let cuts: Vec<usize> = std::iter::once(start).chain(commas).chain([end]).collect();
        for pair in cuts.windows(2).rev() {
            open.push([&chars[..start], &chars[pair[0] + 1..pair[1]], &chars[end + 1..]].concat());
        }
        work += chars.len() * (cuts.len() - 1);
        if work > MAX_BRACES {
            return Err(InvalidPattern("its braces stand for too many patterns".into()));
        }
    }
    Ok(out)
}

/// Where the first `{`, its own commas and its `}` are.
fn first_brace(chars: &[char]) -> Result<Option<(usize, Vec<usize>, usize)>, InvalidPattern> {
    let (mut at, mut depth, mut start, mut commas) = (0, 0_usize, None, Vec::new());
    while let Some(c) = chars.get(at) {
        match (c, start) {
            ('\\', _) => at += 1,
            ('{', None) => (start, depth) = (Some(at), 1),
            ('{', Some(_)) => depth += 1,
            (',', Some(_)) if depth == 1 => commas.push(at),
            ('}', Some(start)) if depth == 1 => return Ok(Some((start, commas, at))),
            ('}', Some(_)) => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    if start.is_some() { Err(InvalidPattern("a `{` is not closed".into())) } else { Ok(None) }
}

/// A pattern without braces.
fn ruby_parts(chars: &[char]) -> Result<String, InvalidPattern> {
    let mut out = String::new();
    let (mut at, mut starts_part) = (0, true);
    while let Some(&c) = chars.get(at) {
        if starts_part && chars[at..].starts_with(&['*', '*', '/']) {
            out.push_str("(?:[^/]*/)*");
            at += 3;
            continue;
        }
        starts_part = false;
        match c {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => at = ruby_class(chars, at, &mut out)?,
            // Ruby reads a last one as nothing
            '\\' if at + 1 == chars.len() => {}
            other => {
                at += usize::from(other == '\\');
                starts_part = chars[at] == '/';
                literal(chars[at], &mut out);
            }
        }
        at += 1;
    }
    Ok(out)
}

/// `[a-z]`, `[!a]`, `[^a]`; returns the place of the closing bracket, which is the first that no `\` precedes. There are no
/// named classes, and `[!]` is any character.
fn ruby_class(chars: &[char], start: usize, out: &mut String) -> Result<usize, InvalidPattern> {
    let unclosed = || InvalidPattern("a `[` is not closed, or empty".into());
    let mut at = start + 1;
    let negated = matches!(chars.get(at), Some('!' | '^'));
    at += usize::from(negated);
    let mut inner = String::new();
    let one = |at: &mut usize| {
        *at += usize::from(chars.get(*at) == Some(&'\\'));
        let c = chars.get(*at).copied();
        *at += 1;
        c.ok_or_else(unclosed)
    };
    while *chars.get(at).ok_or_else(unclosed)? != ']' {
        let first = one(&mut at)?;
        literal(first, &mut inner);
        if chars.get(at) == Some(&'-') && chars.get(at + 1) != Some(&']') {
            at += 1;
            let last = one(&mut at)?;
            // a range that runs backwards is its two ends
            inner.push_str(if first <= last { "-" } else { "" });
            literal(last, &mut inner);
        }
    }
    match (negated, inner.is_empty()) {
        (false, true) => return Err(unclosed()),
        (true, true) => out.push_str("[^/]"),
        (true, false) => out.push_str(&format!("[^/{inner}]")),
        // a class never matches `/`
        (false, false) => out.push_str(&format!("[[{inner}]&&[^/]]")),
    }
    Ok(at)
}

/// A branch, tag or path pattern as GitHub reads it: `*` stops at `/`, `**` does not, `?` and `+` repeat what is before
/// them, `[]` is one of its characters. A leading `!` is the caller's.
pub(crate) fn github_filter(filter: &str) -> Result<Regex, InvalidPattern> {
    let chars: Vec<char> = filter.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match c {
            '*' if chars.get(at + 1) == Some(&'*') => {
                at += 1;
                // `**/x` is `x` in any folder, this one too
                if chars.get(at + 1) == Some(&'/') && (at == 1 || chars[at - 2] == '/') {
                    at += 1;
                    out.push_str("(?:.*/)?");
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' | '+' if at > 0 && !matches!(chars[at - 1], '*' | '?' | '+') => out.push(c),
            '?' | '+' => return Err(InvalidPattern(format!("`{c}` repeats what is before it, and there is nothing"))),
            '[' => at = class(&chars, at, &mut out)?,
            '\\' if at + 1 < chars.len() => {
                at += 1;
                literal(chars[at], &mut out);
            }
            other => literal(other, &mut out),
        }
        at += 1;
    }
    compile(filter, &out)
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// `[a-z]`, `[!a]`, `[^a]`; returns the place of the closing bracket.
fn class(chars: &[char], start: usize, out: &mut String) -> Result<usize, InvalidPattern> {
    let end = chars[start + 1..].iter().position(|c| *c == ']').map(|offset| start + 1 + offset);
    let end = end.filter(|end| *end > start + 1).ok_or_else(|| InvalidPattern("a `[` is not closed, or empty".into()))?;
    let mut inner = &chars[start + 1..end];
    // a class never matches `/`
    out.push_str("[[");
    if let [first @ ('!' | '^'), rest @ ..] = inner {
        let _ = first;
        out.push('^');
        inner = rest;
    }
    for c in inner {
        if *c == '-' { out.push('-') } else { literal(*c, out) }
    }
    out.push_str("]&&[^/]]");
    Ok(end)
}

fn bounded(given: &str) -> Result<(), InvalidPattern> {
    if given.len() > MAX_PATTERN { Err(InvalidPattern(format!("it is longer than {MAX_PATTERN} characters"))) } else { Ok(()) }
}

fn compile(given: &str, pattern: &str) -> Result<Regex, InvalidPattern> {
    bounded(given)?;
    RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|error| InvalidPattern(last_line(&error.to_string())))
}

/// The regex crate explains in several lines, the last of which says what is wrong.
pub(crate) fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests;
