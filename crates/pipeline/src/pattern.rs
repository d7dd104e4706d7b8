//! Path and branch patterns of both dialects, as regular expressions that run in linear time.

use regex::{Regex, RegexBuilder};

/// The longest pattern that is read.
const MAX_PATTERN: usize = 2_000;
/// How large a compiled pattern may become.
const MAX_COMPILED: usize = 1 << 20;

/// A pattern that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidPattern(pub(crate) String);

/// A path pattern as GitLab reads it: Ruby's `File.fnmatch` with `FNM_PATHNAME`, `FNM_DOTMATCH` and `FNM_EXTGLOB`.
/// `*` and `?` stop at `/`; only `**/` crosses folders; `{a,b}` is either.
pub(crate) fn ruby_glob(glob: &str) -> Result<Regex, InvalidPattern> {
    let chars: Vec<char> = glob.chars().collect();
    let mut out = String::new();
    let (mut at, mut braces) = (0, 0_usize);
    while let Some(&c) = chars.get(at) {
        let starts_part = at == 0 || matches!(chars[at - 1], '/' | '{' | ',');
        match c {
            '*' if starts_part && chars[at..].starts_with(&['*', '*', '/']) => {
                out.push_str("(?:[^/]+/)*");
                at += 2;
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => at = class(&chars, at, &mut out)?,
            '{' => {
                out.push_str("(?:");
                braces += 1;
            }
            '}' if braces > 0 => {
                out.push(')');
                braces -= 1;
            }
            ',' if braces > 0 => out.push('|'),
            '\\' if at + 1 < chars.len() => {
                at += 1;
                literal(chars[at], &mut out);
            }
            other => literal(other, &mut out),
        }
        at += 1;
    }
    if braces > 0 {
        return Err(InvalidPattern("a `{` is not closed".into()));
    }
    compile(glob, &out)
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

fn compile(given: &str, pattern: &str) -> Result<Regex, InvalidPattern> {
    if given.len() > MAX_PATTERN {
        return Err(InvalidPattern(format!("it is longer than {MAX_PATTERN} characters")));
    }
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
mod tests {
    use super::*;

    #[test]
    fn globs_are_rubys() {
        // each was tried with File.fnmatch?(glob, path, FNM_PATHNAME | FNM_DOTMATCH | FNM_EXTGLOB)'s documentation
        for (glob, path, expected) in [
            ("Dockerfile", "Dockerfile", true),
            ("Dockerfile", "a/Dockerfile", false),
            ("*.md", "README.md", true),
            ("*.md", "docs/a.md", false),
            ("**/*.md", "README.md", true),
            ("**/*.md", "a/b/c.md", true),
            ("docs/**/*", "docs/a", true),
            ("docs/**/*", "docs/a/b", true),
            ("docs/**", "docs/a", true),
            ("docs/**", "docs/a/b", false),
            ("docs/*", "docs/.hidden", true),
            ("**/*", ".a/.b", true),
            ("*.{rb,py}", "a.py", true),
            ("*.{rb,py}", "a.rs", false),
            ("{src,tests}/**/*.rs", "tests/a/b.rs", true),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[!a]x", "ax", false),
            ("[^a]x", "bx", true),
            ("a.b", "axb", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a**/b", "ax/b", true),
            ("a**/b", "a/x/b", false),
            ("a,b", "a,b", true),
        ] {
            assert_eq!(ruby_glob(glob).unwrap().is_match(path), expected, "{glob} {path}");
        }
        assert!(ruby_glob("{a").is_err() && ruby_glob("[a").is_err());
    }

    #[test]
    fn filters_are_githubs() {
        // the examples of "filter pattern cheat sheet" in GitHub's documentation
        for (filter, name, expected) in [
            ("feature/*", "feature/my-branch", true),
            ("feature/*", "feature/a/b", false),
            ("feature/**", "feature/beta-a/my-branch", true),
            ("main", "main", true),
            ("releases/mona-the-octocat", "releases/mona", false),
            ("'*'", "main", false),
            ("*", "main", true),
            ("*", "a/b", false),
            ("**", "all/the/branches", true),
            ("*feature", "mona-feature", true),
            ("v2*", "v2.0", true),
            ("v[12].[0-9]+.[0-9]+", "v1.10.1", true),
            ("v[12].[0-9]+.[0-9]+", "v3.1.1", false),
            ("*.jsx?", "page.js", true),
            ("*.jsx?", "page.jsx", true),
            ("**.js", "src/js/app.js", true),
            ("docs/**/*.md", "docs/hello.md", true),
            ("docs/**/*.md", "docs/a/markdown/file.md", true),
            ("**/docs/**", "docs/hello.md", true),
            ("**/docs/**", "dir/docs/my-file.txt", true),
            ("**/README.md", "js/README.md", true),
            ("**/*src/**", "my-src/code/js/app.js", true),
            ("**/migrate-*.sql", "dir/migrate-10909.sql", true),
            ("**/*-post.md", "x/my-post.md", true),
        ] {
            assert_eq!(github_filter(filter).unwrap().is_match(name), expected, "{filter} {name}");
        }
        assert!(github_filter("+a").is_err());
    }
}
