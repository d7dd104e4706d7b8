//! Which files of the repository `valueFiles` name: one each, or all that a pattern matches, as Argo CD 3.4 has it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Helm;

/// A file of values, or a pattern of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueFile {
    /// Its path in the repository.
    pub path: String,
    /// Its line in the Application's file.
    pub line: usize,
}

/// An entry of `valueFiles` that names nothing which is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotThere<'a>(pub &'a ValueFile);

impl ValueFile {
    /// Whether it stands for every file that it matches.
    pub fn is_pattern(&self) -> bool {
        is_pattern(&self.path)
    }
}

impl Helm {
    /// The files that the entries name, each once, of all those of the repository in their order. A file that stands there by its name has
    /// its place there, and not where a pattern matches it.
    pub fn files_of(&self, all: &[String]) -> Result<Vec<String>, NotThere<'_>> {
        let by_name: BTreeSet<&str> = self.value_files.iter().filter(|file| !file.is_pattern()).map(|file| file.path.as_str()).collect();
        let mut found: Vec<String> = Vec::new();
        for file in &self.value_files {
            let mut matched = Vec::new();
            if file.is_pattern() {
                let mut parts: Vec<&str> = file.path.split('/').collect();
                parts.dedup_by(|part, before| *part == "**" && *before == "**");
                expand(all, "", &parts, &mut matched);
            } else if all.binary_search(&file.path).is_ok() {
                matched.push(file.path.clone());
            }
            if matched.is_empty() && !self.ignore_missing_value_files {
                return Err(NotThere(file));
            }
            matched.retain(|path| !file.is_pattern() || !by_name.contains(path.as_str()));
            for path in matched {
                if !found.contains(&path) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Why an entry is no pattern, if it looks like one.
pub(super) fn check(path: &str) -> Result<(), &'static str> {
    if !is_pattern(path) {
        return Ok(());
    }
    if path.contains('{') {
        return Err("a pattern with alternatives, which are not carried out; write an entry for each");
    }
    let is_broken = |part: &str| part != "**" && (part.contains("**") || parse(part).is_none());
    if path.split('/').any(is_broken) {
        return Err(
            "which is no pattern: `**` stands for folders and alone between slashes, a `[` has its `]`, a `\\` something behind it",
        );
    }
    Ok(())
}

/// Files below a folder that match, a folder's own before those of the folders in it.
fn expand(all: &[String], folder: &str, pattern: &[&str], found: &mut Vec<String>) {
    let Some((first, rest)) = pattern.split_first() else { return };
    let (files, folders) = entries(all, folder);
    let below = |name: &str| format!("{folder}{name}/");
    if *first == "**" {
        expand(all, folder, if rest.is_empty() { &["*"] } else { rest }, found);
        folders.into_iter().for_each(|name| expand(all, &below(name), pattern, found));
        return;
    }
    let Some(parts) = parse(first) else { return };
    if rest.is_empty() {
        found.extend(files.into_iter().filter(|name| matches(&parts, name)).map(|name| format!("{folder}{name}")));
    } else {
        folders.into_iter().filter(|name| matches(&parts, name)).for_each(|name| expand(all, &below(name), rest, found));
    }
}

/// Names of the files in a folder, and of the folders in it.
fn entries<'a>(all: &'a [String], folder: &str) -> (Vec<&'a str>, BTreeSet<&'a str>) {
    let (mut files, mut folders) = (Vec::new(), BTreeSet::new());
    let first = all.partition_point(|path| path.as_str() < folder);
    for below in all.iter().skip(first).map_while(|path| path.strip_prefix(folder)) {
        match below.split_once('/') {
            Some((name, _)) => drop(folders.insert(name)),
            None => files.push(below),
        }
    }
    (files, folders)
}

/// A part of a pattern for a name.
enum Part {
    Any,
    One,
    Of { ranges: Vec<(char, char)>, is_negated: bool },
    Just(char),
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Of { ranges, is_negated } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *is_negated,
            Self::Just(just) => *just == c,
        }
    }
}

/// The parts of a pattern; `None` if it is none.
fn parse(pattern: &str) -> Option<Vec<Part>> {
    let (mut parts, mut rest) = (Vec::new(), pattern.chars().peekable());
    while let Some(c) = rest.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '[' => {
                let is_negated = rest.next_if(|c| matches!(c, '^' | '!')).is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || *rest.peek()? != ']' {
                    let from = literal(&mut rest)?;
                    let to = if rest.next_if_eq(&'-').is_some() { literal(&mut rest)? } else { from };
                    ranges.push((from, to));
                }
                rest.next();
                Part::Of { ranges, is_negated }
            }
            '\\' => Part::Just(rest.next()?),
            c => Part::Just(c),
        });
    }
    Some(parts)
}

/// A character in brackets, which has a backslash before it if it means something there.
fn literal(rest: &mut impl Iterator<Item = char>) -> Option<char> {
    match rest.next()? {
        '\\' => rest.next(),
        ']' | '-' => None,
        c => Some(c),
    }
}

fn matches(parts: &[Part], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // where the last `*` stands, and how much of the name it has
    let (mut part, mut at, mut star) = (0, 0, None);
    while at < name.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                star = Some((part, at));
                part += 1;
            }
            Some(known) if known.takes(name[at]) => (part, at) = (part + 1, at + 1),
            _ => {
                let Some((any, taken)) = star else { return false };
                star = Some((any, taken + 1));
                (part, at) = (any + 1, taken + 1);
            }
        }
    }
    parts[part..].iter().all(|part| matches!(part, Part::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(entries: &[&str], all: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = all.iter().map(|path| (*path).to_owned()).collect();
        all.sort();
        let value_files = entries.iter().map(|path| ValueFile { path: (*path).to_owned(), line: 1 }).collect();
        Helm { value_files, ..Helm::default() }.files_of(&all).map_err(|missing| missing.0.path.clone()).unwrap()
    }

    #[test]
    fn a_pattern_stands_for_what_it_matches_in_the_order_of_names() {
        let all =
            ["envs/b.yaml", "envs/a.yaml", "envs/a.yml", "envs/nested/c.yaml", "envs/z.yaml", "envs-2/a.yaml", "a.yaml", "envs/.d.yaml"];
        assert_eq!(found(&["envs/*.yaml"], &all), ["envs/.d.yaml", "envs/a.yaml", "envs/b.yaml", "envs/z.yaml"]);
        assert_eq!(found(&["envs/?.y*ml"], &all), ["envs/a.yaml", "envs/a.yml", "envs/b.yaml", "envs/z.yaml"]);
        assert_eq!(found(&["envs/[a-c].yaml"], &all), ["envs/a.yaml", "envs/b.yaml"]);
        assert_eq!(found(&["envs/[^a-c].yaml", "envs/[!\\az].yml"], &[&all[..], &["envs/x.yml"]].concat()), ["envs/z.yaml", "envs/x.yml"]);
        assert_eq!(found(&["*/a.yaml"], &all), ["envs/a.yaml", "envs-2/a.yaml"]);
        assert_eq!(
            found(&["envs/**/*.yaml"], &all),
            ["envs/.d.yaml", "envs/a.yaml", "envs/b.yaml", "envs/z.yaml", "envs/nested/c.yaml"],
            "a folder's own files come before those of folders in it"
        );
        assert_eq!(found(&["**/c.yaml"], &all), ["envs/nested/c.yaml"]);
        assert_eq!(found(&["envs-2/**"], &all), ["envs-2/a.yaml"]);
        let deep = ["x/f.yaml", "a/x/f.yaml", "a/b/x/f.yaml"];
        assert_eq!(found(&["**/x/*.yaml"], &deep), ["x/f.yaml", "a/x/f.yaml", "a/b/x/f.yaml"]);
    }

    #[test]
    fn a_file_that_is_named_has_its_place_there_and_is_taken_once() {
        let all = ["envs/base.yaml", "envs/prod.yaml", "envs/nested/prod.yaml"];
        assert_eq!(found(&["envs/*.yaml", "envs/prod.yaml"], &all), ["envs/base.yaml", "envs/prod.yaml"]);
        assert_eq!(found(&["envs/prod.yaml", "envs/*.yaml"], &all), ["envs/prod.yaml", "envs/base.yaml"]);
        assert_eq!(found(&["envs/*.yaml", "envs/**/*.yaml"], &all), ["envs/base.yaml", "envs/prod.yaml", "envs/nested/prod.yaml"]);
    }

    #[test]
    fn what_is_not_there_is_told_or_passed_over() {
        let named = |path: &str| ValueFile { path: path.to_owned(), line: 7 };
        let mut helm = Helm { value_files: vec![named("a.yaml"), named("b/*.yaml"), named("c.yaml")], ..Helm::default() };
        let all = ["a.yaml".to_owned()];
        assert_eq!(helm.files_of(&all), Err(NotThere(&named("b/*.yaml"))));
        helm.ignore_missing_value_files = true;
        assert_eq!(helm.files_of(&all).unwrap(), ["a.yaml"]);
    }
}
