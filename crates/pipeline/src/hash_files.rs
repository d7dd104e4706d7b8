//! `hashFiles`: one digest of all files that patterns find, as GitHub reckons it.

use std::cmp::Ordering;
use std::fmt::Debug;

use penstock_model::Digest;
use penstock_model::digest::Hasher;

/// How many patterns there may be.
const MAX_PATTERNS: usize = 1_000;
/// How long a pattern may be.
const MAX_PATTERN: usize = 4_000;

/// A checkout's files, for `hashFiles`. The one who lays out the checkout knows them.
pub trait FilesToHash: Debug + Send + Sync {
    /// The checkout's own path, without a `/` at its end: patterns may begin with it.
    fn root(&self) -> &str;

    /// The paths of all files below it, in any order: regular ones and links to such. With `follow`, what folders hold that links
    /// lead to is there too, by the path of the link.
    fn paths(&self, follow: bool) -> Result<Vec<String>, String>;

    /// The digest of a file's content.
    fn digest(&self, path: &str) -> Result<Digest, String>;
}

/// The SHA-256 digest of the digests of all files that the patterns find, in hexadecimal; empty if they find none.
///
/// A later pattern goes over an earlier one, `!` takes files out again. A folder brings what is in it. Files are taken in the order
/// in which GitHub walks: the literal beginnings of the patterns one by one, names sorted in each folder.
pub fn hash_files(arguments: &[String], files: &dyn FilesToHash) -> Result<String, String> {
    let (follow, arguments) = match arguments.split_first() {
        Some((first, rest)) if first.eq_ignore_ascii_case("--follow-symbolic-links") => (true, rest),
        Some((first, _)) if first.starts_with("--") => {
            return Err(format!("`{}` is no option; known: --follow-symbolic-links", crate::reader::shown(first)));
        }
        _ => (false, arguments),
    };
    let mut patterns = Vec::new();
    let lines = arguments.iter().flat_map(|argument| argument.split('\n')).map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        patterns.push(Pattern::read(line, files.root())?);
    }
    if patterns.len() > MAX_PATTERNS {
        return Err(format!("there are more than {MAX_PATTERNS} patterns"));
    }
    let bases = search_bases(&patterns);
    let mut found: Vec<(usize, String)> = Vec::new();
    for path in files.paths(follow)? {
        let parts: Vec<&str> = path.split('/').collect();
        let base = bases.iter().position(|base| begins_with(&parts, base));
        if let Some(base) = base.filter(|_| taken(&patterns, &parts)) {
            found.push((base, path));
        }
    }
    if found.is_empty() {
        return Ok(String::new());
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| in_walk(&a.1, &b.1)));
    let mut hasher = Hasher::new();
    for (_, path) in found {
        hasher.update(files.digest(&path)?.as_bytes());
    }
    Ok(hasher.finish().hex())
}

/// The order of a walk that goes into each folder where it stands among its neighbours.
fn in_walk(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

fn begins_with(parts: &[&str], base: &[String]) -> bool {
    parts.len() >= base.len() && base.iter().zip(parts).all(|(a, b)| a == b)
}

fn taken(patterns: &[Pattern], parts: &[&str]) -> bool {
    patterns.iter().fold(false, |taken, pattern| if pattern.matches(parts) { !pattern.negated } else { taken })
}

/// Where GitHub begins to walk: the literal beginnings of the patterns, without those below another one.
fn search_bases(patterns: &[Pattern]) -> Vec<Vec<String>> {
    let all: Vec<Vec<String>> = patterns.iter().filter(|pattern| !pattern.negated).map(Pattern::base).collect();
    let mut out: Vec<Vec<String>> = Vec::new();
    for base in &all {
        let below_another = all.iter().any(|other| other.len() < base.len() && base.starts_with(other));
        if !below_another && !out.contains(base) {
            out.push(base.clone());
        }
    }
    out
}

/// A pattern, relative to the checkout.
struct Pattern {
    negated: bool,
    /// It ends in `/`, so that it means folders alone.
    folder: bool,
    /// It begins outside of the checkout, where nothing is looked at.
    outside: bool,
    parts: Vec<Part>,
}

enum Part {
    /// `**`
    Deep,
    Name(Vec<Piece>),
}

enum Piece {
    One(char),
    Any,
    Many,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    fn read(line: &str, root: &str) -> Result<Self, String> {
        let mut text = line;
        let mut negated = false;
        while let Some(rest) = text.strip_prefix('!') {
            (text, negated) = (rest.trim(), !negated);
        }
        if text.is_empty() || text.len() > MAX_PATTERN {
            return Err(format!("`{}` is no pattern", crate::reader::shown(line)));
        }
        let absolute = text.starts_with('/');
        let inner = match text.strip_prefix(root).filter(|rest| absolute && (rest.is_empty() || rest.starts_with('/'))) {
            Some(rest) => rest,
            None => text.strip_prefix('.').filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(text),
        };
        let outside = (absolute && inner.len() == text.len()) || text == "~" || text.starts_with("~/");
        let names: Vec<&str> = inner.split('/').filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| [".", ".."].contains(name)) {
            return Err(format!("`{}` has `.` or `..` in it", crate::reader::shown(line)));
        }
        let parts = names.into_iter().map(|name| if name == "**" { Part::Deep } else { Part::Name(pieces(name)) });
        Ok(Self { negated, folder: inner.ends_with('/'), outside, parts: parts.collect() })
    }

    /// The parts before the first with a wildcard.
    fn base(&self) -> Vec<String> {
        self.parts.iter().map_while(Part::literal).collect()
    }

    /// Whether it takes a file, itself or by a folder above it.
    fn matches(&self, path: &[&str]) -> bool {
        if self.outside {
            return false;
        }
        let ends_deep = matches!(self.parts.last(), Some(Part::Deep));
        (1..path.len()).any(|len| reaches(&self.parts, &path[..len])) || (reaches(&self.parts, path) && (!self.folder || ends_deep))
            // the checkout itself
            || self.parts.is_empty()
    }
}

/// Whether parts match a path in whole: in time that grows with the product of both.
fn reaches(parts: &[Part], path: &[&str]) -> bool {
    // `open[n]`: the first n names are matched so far
    let mut open = vec![false; path.len() + 1];
    open[0] = true;
    for part in parts {
        match part {
            Part::Deep => {
                for n in 1..open.len() {
                    open[n] |= open[n - 1];
                }
            }
            Part::Name(pieces) => {
                for n in (0..path.len()).rev() {
                    open[n + 1] = open[n] && fits(pieces, path[n]);
                }
                open[0] = false;
            }
        }
    }
    open[path.len()]
}

/// Whether a name matches, in the same way.
fn fits(pieces: &[Piece], name: &str) -> bool {
    let chars: Vec<char> = name.chars().collect();
    let mut open = vec![false; chars.len() + 1];
    open[0] = true;
    for piece in pieces {
        if matches!(piece, Piece::Many) {
            for n in 1..open.len() {
                open[n] |= open[n - 1];
            }
            continue;
        }
        for n in (0..chars.len()).rev() {
            open[n + 1] = open[n] && piece.takes(chars[n]);
        }
        open[0] = false;
    }
    open[chars.len()]
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::One(one) => *one == c,
            Self::Any | Self::Many => true,
            Self::Class { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        }
    }
}

impl Part {
    fn literal(&self) -> Option<String> {
        let Self::Name(pieces) = self else { return None };
        let one = |piece: &Piece| match piece {
            Piece::One(c) => Some(*c),
            Piece::Class { negated: false, ranges } if matches!(ranges.as_slice(), [(from, to)] if from == to) => Some(ranges[0].0),
            _ => None,
        };
        pieces.iter().map(one).collect()
    }
}

/// A name's pieces. A `[` that is not closed is itself.
fn pieces(name: &str) -> Vec<Piece> {
    let chars: Vec<char> = name.chars().collect();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(&c) = chars.get(at) {
        at += 1;
        out.push(match c {
            '*' => Piece::Many,
            '?' => Piece::Any,
            '\\' if at < chars.len() => {
                at += 1;
                Piece::One(chars[at - 1])
            }
            '[' => match class(&chars, at) {
                Some((piece, end)) => {
                    at = end;
                    piece
                }
                None => Piece::One('['),
            },
            other => Piece::One(other),
        });
    }
    out
}

/// `[a-z]`, `[!a]`, `[^a]`, from behind the bracket on; and where it ends.
fn class(chars: &[char], start: usize) -> Option<(Piece, usize)> {
    let negated = matches!(chars.get(start), Some('!' | '^'));
    let first = start + usize::from(negated);
    let (mut at, mut ranges) = (first, Vec::new());
    let one = |at: &mut usize| {
        *at += usize::from(chars.get(*at) == Some(&'\\'));
        *at += 1;
        chars.get(*at - 1).copied()
    };
    while at == first || chars.get(at) != Some(&']') {
        let from = one(&mut at)?;
        let mut to = from;
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']') {
            at += 1;
            to = one(&mut at)?;
        }
        ranges.push((from, to));
    }
    Some((Piece::Class { negated, ranges }, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Tree(&'static [&'static str]);

    impl FilesToHash for Tree {
        fn root(&self) -> &'static str {
            "/builds/oran"
        }

        fn paths(&self, _follow: bool) -> Result<Vec<String>, String> {
            Ok(self.0.iter().map(ToString::to_string).collect())
        }

        fn digest(&self, path: &str) -> Result<Digest, String> {
            Ok(Digest::of(path))
        }
    }

    const TREE: Tree =
        Tree(&["b/go.sum", "a.txt", "a/z.lock", "a/b/c.lock", "a-b", ".hidden/x.lock", "Cargo.lock", "q[1].txt", "b/deep/er/go.sum"]);

    fn hashed(paths: &[&str]) -> String {
        let mut hasher = Hasher::new();
        paths.iter().for_each(|path| hasher.update(Digest::of(path).as_bytes()));
        if paths.is_empty() { String::new() } else { hasher.finish().hex() }
    }

    #[track_caller]
    fn check(patterns: &[&str], expected: &[&str]) {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        assert_eq!(hash_files(&patterns, &TREE).unwrap(), hashed(expected), "{patterns:?}");
    }

    #[test]
    fn patterns_find_files_as_github_finds_them() {
        check(&["Cargo.lock"], &["Cargo.lock"]);
        check(&["**/*.lock"], &[".hidden/x.lock", "Cargo.lock", "a/b/c.lock", "a/z.lock"]);
        check(&["*.lock"], &["Cargo.lock"]);
        check(&["a"], &["a/b/c.lock", "a/z.lock"]);
        check(&["a/"], &["a/b/c.lock", "a/z.lock"]);
        check(&["a.txt/"], &[]);
        check(&["a/**"], &["a/b/c.lock", "a/z.lock"]);
        check(&["a/*/c.lock"], &["a/b/c.lock"]);
        check(&["?.txt"], &["a.txt"]);
        check(&["[a-c].txt", "q[[]1].txt"], &["a.txt", "q[1].txt"]);
        check(&["q\\[1].txt"], &["q[1].txt"]);
        check(&["[!b].txt"], &["a.txt"]);
        check(&["nothing"], &[]);
        check(&["/builds/oran/a/**/c.lock", "./a.txt"], &["a/b/c.lock", "a.txt"]);
        check(&["/etc/passwd", "~/x", "/builds/oran2/a.txt"], &[]);
        check(
            &["."],
            &[".hidden/x.lock", "Cargo.lock", "a/b/c.lock", "a/z.lock", "a-b", "a.txt", "b/deep/er/go.sum", "b/go.sum", "q[1].txt"],
        );
    }

    #[test]
    fn later_patterns_go_over_earlier_ones() {
        check(&["**/*.lock", "!a/**"], &[".hidden/x.lock", "Cargo.lock"]);
        check(&["**/*.lock", "!a/**", "a/z.lock"], &[".hidden/x.lock", "Cargo.lock", "a/z.lock"]);
        check(&["!a/**", "a/z.lock"], &["a/z.lock"]);
        check(&["a/z.lock\n# a comment\n\n!a/z.lock\n!!a.txt"], &["a.txt"]);
    }

    #[test]
    fn files_are_taken_in_the_order_of_the_walk() {
        check(&["b/**", "a/**"], &["b/deep/er/go.sum", "b/go.sum", "a/b/c.lock", "a/z.lock"]);
        check(&["b/**/go.sum", "**/z.lock"], &["a/z.lock", "b/deep/er/go.sum", "b/go.sum"]);
        check(&["a.txt", "a-b", "a"], &["a.txt", "a-b", "a/b/c.lock", "a/z.lock"]);
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (pattern, why) in [
            ("../x", "`../x` has `.` or `..` in it"),
            ("a/./b", "`a/./b` has `.` or `..` in it"),
            ("!", "`!` is no pattern"),
            ("--deep", "`--deep` is no option; known: --follow-symbolic-links"),
        ] {
            assert_eq!(hash_files(&[pattern.to_owned()], &TREE).unwrap_err(), why);
        }
        assert_eq!(hash_files(&["--follow-symbolic-links".to_owned(), "a.txt".to_owned()], &TREE).unwrap(), hashed(&["a.txt"]));
    }
}
