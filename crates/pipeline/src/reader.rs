//! Reading mappings key by key, so that nothing is skipped: what nobody asked for is a problem.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::library::{FileRef, Found, Library, Unplanned};
use crate::yaml::{At, Key, Malformed, Node, Value};

/// More problems than this are not told.
const MAX_PROBLEMS: usize = 100;

/// Everything that is wrong with the files so far, and which more files are wanted.
#[derive(Debug)]
pub(crate) struct Problems {
    /// The files as messages name them; [`At::file`] counts them.
    paths: Vec<String>,
    list: Vec<(At, Diagnostic)>,
    wants: BTreeSet<FileRef>,
}

impl Problems {
    pub(crate) fn new(path: &str) -> Self {
        Self { paths: vec![path.to_owned()], list: Vec::new(), wants: BTreeSet::new() }
    }

    /// The number of a file, for the places in it.
    pub(crate) fn file(&mut self, path: &str) -> u16 {
        let place = self.paths.iter().position(|known| known == path).unwrap_or_else(|| {
            self.paths.push(path.to_owned());
            self.paths.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// A file as messages name it.
    pub(crate) fn path(&self, at: At) -> &str {
        self.paths.get(usize::from(at.file)).map_or("", String::as_str)
    }

    /// A place within a sentence: `line 3`, and the file's name unless it is the pipeline file.
    pub(crate) fn line(&self, at: At) -> String {
        if at.file == 0 { format!("line {}", at.line) } else { format!("line {} of {}", at.line, shown(self.path(at))) }
    }

    /// The file of a place, unless it is the pipeline file.
    pub(crate) fn other_file(&self, at: At) -> Option<String> {
        (at.file != 0).then(|| self.path(at).to_owned())
    }

    /// A file of the library. One that nobody looked for yet is wanted, and nothing is told; one that is absent is told at the
    /// place where it is named.
    pub(crate) fn found<'l>(&mut self, library: &'l Library, file: &FileRef, at: At, key: &str) -> Option<&'l Found> {
        match library.get(file) {
            None => {
                self.wants.insert(file.clone());
                None
            }
            Some(Ok(found)) => Some(found),
            Some(Err(why)) => {
                let (what, help) = why.split_once("\nhelp: ").unwrap_or((why, "look at its spelling"));
                self.add(at, key, format!("`{}` is not there: {what}", shown(&file.to_string())), help);
                None
            }
        }
    }

    /// True if nothing is still to be looked for.
    pub(crate) fn wants_nothing(&self) -> bool {
        self.wants.is_empty()
    }

    /// The plan; or what is wanted for it, or what is wrong.
    pub(crate) fn answer<T>(self, planned: Option<T>) -> Result<T, Unplanned> {
        match planned {
            // what is wrong may only be so because of what is not there yet
            _ if !self.wants.is_empty() => Err(Unplanned::Wants(self.wants)),
            Some(plan) if self.list.is_empty() => Ok(plan),
            _ => Err(Unplanned::Refused(self.into_list())),
        }
    }

    pub(crate) fn add(&mut self, at: At, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let message = message.into();
        // what is read for each of many jobs is wrong once, and leaves room for the rest
        let told = self.list.iter().any(|(place, other)| *place == at && other.message == message);
        if self.list.len() < MAX_PROBLEMS && !told {
            let (path, key, help) = (self.path(at).to_owned(), key.to_owned(), help.into());
            self.list.push((at, Diagnostic { path, line: at.line, column: at.column, key, message, help }));
        }
    }

    pub(crate) fn malformed(&mut self, problem: Malformed) {
        self.add(problem.at, "", problem.message, problem.help);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them in the order of files and lines, without repetitions.
    fn into_list(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|(at, _)| *at);
        self.list.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// A key that Penstock knows of and does not carry out, with what to do.
pub(crate) type Unsupported = (&'static str, &'static str);

/// A mapping, read key by key.
#[derive(Debug)]
pub(crate) struct Fields<'n> {
    entries: &'n [(Key, Node)],
    path: String,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// `path` is the mapping's own key, from the outside in.
    pub(crate) fn of(node: &'n Node, path: &str, problems: &mut Problems) -> Option<Self> {
        if let Value::Map(entries) = &node.value {
            return Some(Self { entries, path: path.to_owned(), asked: Vec::new() });
        }
        problems.add(node.at, path, format!("a mapping is expected here, not {}", node.kind()), "indent its keys below it");
        None
    }

    /// The value of a key with its path; an empty value is an absent one.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<&'n Node> {
        self.asked.push(name);
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node).filter(|node| !node.is_null())
    }

    /// As [`Self::get`], but an empty value is one.
    pub(crate) fn even_null(&mut self, name: &'static str) -> Option<&'n Node> {
        self.asked.push(name);
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The place of a key.
    pub(crate) fn key_at(&self, name: &str) -> At {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(key, _)| key.at).unwrap_or_default()
    }

    /// A key's path.
    pub(crate) fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// Whatever nobody asked for is a problem.
    pub(crate) fn finish(self, unsupported: &[Unsupported], problems: &mut Problems) {
        for (key, _) in self.entries {
            if self.asked.contains(&&*key.text) {
                continue;
            }
            let path = join(&self.path, &key.text);
            match unsupported.iter().find(|(name, _)| *name == key.text) {
                Some((name, help)) => problems.add(key.at, &path, format!("`{name}` is not carried out"), *help),
                None => {
                    problems.add(key.at, &path, format!("`{}` is not a key of this place", shown(&key.text)), self.suggestion(&key.text));
                }
            }
        }
    }

    fn suggestion(&self, given: &str) -> String {
        closest(given, &self.asked)
    }
}

/// What to do about a name that is not known: the one that was probably meant, or all that are known.
pub(crate) fn closest(given: &str, known: &[&str]) -> String {
    let close = known.iter().map(|name| (distance(name, given), name)).min();
    match close {
        Some((difference, name)) if difference <= 2 => format!("did you mean `{name}`?"),
        _ => {
            let mut known = known.to_vec();
            known.sort_unstable();
            format!("known here: {}", known.join(", "))
        }
    }
}

/// Joins a key to the path of its mapping.
pub(crate) fn join(path: &str, key: &str) -> String {
    let key = shown(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A user's text for a message: short, on one line.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(80).is_some() { format!("{cut}…") } else { cut }
}

/// How many letters differ between two short words (Levenshtein's distance).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let change = diagonal + usize::from(letter != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Text; numbers and `true` are taken as they are written.
pub(crate) fn text(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let text = node.text();
    if text.is_none() {
        problems.add(node.at, path, format!("text is expected here, not {}", node.kind()), "write it as text, in quotes if need be");
    }
    text.map(str::to_owned)
}

/// One text or a list of them.
pub(crate) fn texts(node: &Node, path: &str, problems: &mut Problems) -> Vec<(String, At)> {
    match &node.value {
        Value::Seq(items) => items.iter().filter_map(|item| Some((text(item, path, problems)?, item.at))).collect(),
        _ => text(node, path, problems).map(|text| (text, node.at)).into_iter().collect(),
    }
}

/// As [`texts`], without places.
pub(crate) fn strings(node: &Node, path: &str, problems: &mut Problems) -> Vec<String> {
    texts(node, path, problems).into_iter().map(|(text, _)| text).collect()
}

/// `true` or `false`.
pub(crate) fn boolean(node: &Node, path: &str, problems: &mut Problems) -> Option<bool> {
    let value = node.bool();
    if value.is_none() {
        problems.add(
            node.at,
            path,
            format!("`true` or `false` is expected here, not {}", node.kind()),
            "write true or false, without quotes",
        );
    }
    value
}

/// A whole number within bounds.
pub(crate) fn integer(node: &Node, range: std::ops::RangeInclusive<i64>, path: &str, problems: &mut Problems) -> Option<i64> {
    let value = node.integer().filter(|value| range.contains(value));
    if value.is_none() {
        let message = format!("a whole number from {} to {} is expected here", range.start(), range.end());
        problems.add(node.at, path, message, "write the number, without quotes");
    }
    value
}

/// One word of a list of allowed ones.
pub(crate) fn choice<T: Copy>(node: &Node, choices: &[(&str, T)], path: &str, problems: &mut Problems) -> Option<T> {
    let found = node.text().and_then(|text| choices.iter().find(|(name, _)| *name == text)).map(|(_, value)| *value);
    if found.is_none() {
        let given = node.text().map_or_else(|| node.kind().to_owned(), |text| format!("`{}`", shown(text)));
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        problems.add(node.at, path, format!("{given} is not carried out here"), format!("use one of: {}", names.join(", ")));
    }
    found
}
