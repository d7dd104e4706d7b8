//! Reading mappings key by key, so that nothing is skipped: what nobody asked for is a problem.

mod known;

use std::collections::BTreeSet;

pub(crate) use self::known::Known;

use crate::diagnostic::{Diagnostic, Severity};
use crate::input::Source;
use crate::library::{FileRef, Found, Library, Unplanned};
use crate::plan::Plan;
use crate::yaml::{At, Budget, Is, Key, Malformed, Node, Schema, Value};

/// More problems than this are not told.
const MAX_PROBLEMS: usize = 100;

/// Everything that is wrong with the files so far, and which more files are wanted.
#[derive(Debug)]
pub(crate) struct Problems {
    /// The numbers of the files in the order in which they were met.
    files: Vec<u16>,
    schema: Schema,
    list: Vec<(At, Diagnostic)>,
    warnings: Vec<(At, Diagnostic)>,
    wants: BTreeSet<FileRef>,
    pub(crate) known: Known,
}

impl Problems {
    pub(crate) fn new(path: &str, schema: Schema) -> Self {
        Self::knowing(Known::default(), path, schema)
    }

    /// The same with what was read before for this file.
    pub(crate) fn knowing(known: Known, path: &str, schema: Schema) -> Self {
        let (list, warnings, wants) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut problems = Self { files: Vec::new(), schema, list, warnings, wants, known };
        problems.file(path);
        problems
    }

    /// The documents of a file, of which there may be so many; what is wrong with them is told.
    pub(crate) fn documents(&mut self, source: &Source<'_>, file: u16, most: usize, budget: &mut Budget) -> Option<Vec<Node>> {
        let read = self.known.documents(source, (file, most), self.schema, budget);
        let (roots, warnings) = read.map_err(|problem| self.malformed(problem)).ok()?;
        for warning in warnings {
            self.warn(warning.at, "", warning.message, warning.help);
        }
        Some(roots)
    }

    /// As [`Self::documents`], of a file with one; an empty file is an empty mapping.
    pub(crate) fn document(&mut self, source: &Source<'_>, file: u16, budget: &mut Budget) -> Option<Node> {
        let root = self.documents(source, file, 1, budget)?.pop();
        Some(root.unwrap_or_else(|| Node::map(Vec::new(), At::start(file))))
    }

    /// The number of a file, for the places in it.
    pub(crate) fn file(&mut self, path: &str) -> u16 {
        let paths = &mut self.known.paths;
        let place = paths.iter().position(|known| known == path).unwrap_or_else(|| {
            paths.push(path.to_owned());
            paths.len() - 1
        });
        let number = u16::try_from(place).unwrap_or(u16::MAX);
        if !self.files.contains(&number) {
            self.files.push(number);
        }
        number
    }

    /// A file as messages name it.
    pub(crate) fn path(&self, at: At) -> &str {
        self.known.paths.get(usize::from(at.file)).map_or("", String::as_str)
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

    /// Whether the library has a file; `None` if nobody looked for it yet, and it is wanted.
    pub(crate) fn has(&mut self, library: &Library, file: &FileRef) -> Option<bool> {
        let there = library.get(file).map(|found| found.is_ok());
        if there.is_none() {
            self.wants.insert(file.clone());
        }
        there
    }

    /// True if nothing is still to be looked for.
    pub(crate) fn wants_nothing(&self) -> bool {
        self.wants.is_empty()
    }

    /// The plan; or what is wanted for it, or what is wrong.
    pub(crate) fn answer(mut self, planned: Option<Plan>) -> Result<Plan, Unplanned> {
        match planned {
            // what is wrong may only be so because of what is not there yet
            _ if !self.wants.is_empty() => Err(Unplanned::Wants(self.wants)),
            Some(mut plan) if self.list.is_empty() => {
                plan.warnings = in_order(&self.files, self.warnings);
                Ok(plan)
            }
            _ => {
                self.list.append(&mut self.warnings);
                Err(Unplanned::Refused(in_order(&self.files, self.list)))
            }
        }
    }

    /// What is doubtful, without what is wrong.
    pub(crate) fn doubts(self) -> Vec<Diagnostic> {
        in_order(&self.files, self.warnings)
    }

    /// What is wanted, or what is wrong; nothing if all is well.
    pub(crate) fn fault(self) -> Option<Unplanned> {
        match (self.wants.is_empty(), self.list.is_empty()) {
            (false, _) => Some(Unplanned::Wants(self.wants)),
            (true, false) => Some(Unplanned::Refused(in_order(&self.files, self.list))),
            (true, true) => None,
        }
    }

    pub(crate) fn add(&mut self, at: At, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let one = self.diagnostic(Severity::Error, at, key, message.into(), help.into());
        tell(&mut self.list, at, one);
    }

    /// Something that does not keep the file from being carried out, but is hardly what was meant.
    pub(crate) fn warn(&mut self, at: At, key: &str, message: impl Into<String>, help: impl Into<String>) {
        let one = self.diagnostic(Severity::Warning, at, key, message.into(), help.into());
        tell(&mut self.warnings, at, one);
    }

    fn diagnostic(&self, severity: Severity, at: At, key: &str, message: String, help: String) -> Diagnostic {
        Diagnostic { severity, path: self.path(at).to_owned(), line: at.line, column: at.column, key: key.to_owned(), message, help }
    }

    pub(crate) fn malformed(&mut self, problem: Malformed) {
        self.add(problem.at, "", problem.message, problem.help);
    }

    /// Whether what else is wrong is not told any more.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= MAX_PROBLEMS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

fn tell(list: &mut Vec<(At, Diagnostic)>, at: At, one: Diagnostic) {
    // what is read for each of many jobs is wrong once, and leaves room for the rest
    let told = list.iter().any(|(place, other)| *place == at && other.message == one.message);
    if list.len() < MAX_PROBLEMS && !told {
        list.push((at, one));
    }
}

/// In the order of files and lines.
fn in_order(files: &[u16], mut list: Vec<(At, Diagnostic)>) -> Vec<Diagnostic> {
    list.sort_by_key(|(at, _)| (files.iter().position(|file| *file == at.file), *at));
    list.into_iter().map(|(_, one)| one).collect()
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
            if problems.is_full() {
                return;
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
    if text.len() <= 80 && !text.bytes().any(|b| b.is_ascii_control()) && text.is_ascii() {
        return text.to_owned();
    }
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

/// Text. GitLab takes nothing else; GitHub takes numbers, `true` and `false` for the texts that it writes them as.
pub(crate) fn text(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let Value::Scalar { text, is, .. } = &node.value else { return not_text(node, path, problems) };
    match (is, problems.schema) {
        (Is::Null, _) => not_text(node, path, problems),
        (Is::Text, _) => Some(text.to_string()),
        (_, Schema::Core) => {
            told_if_misread(node, path, problems);
            Some(text.to_string())
        }
        (_, Schema::Psych) => not_text(node, path, problems),
    }
}

fn not_text(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let message = match node.misread() {
        Some(written) => format!("text is expected here, and GitLab reads `{}` as {}", shown(written), node.text().unwrap_or("nothing")),
        None => format!("text is expected here, not {}", node.kind()),
    };
    problems.add(node.at, path, message, "write it as text, in quotes if need be");
    None
}

/// Text, or a number, `true` or `false` as the dialect writes them.
pub(crate) fn scalar(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let Some(text) = node.text() else { return not_text(node, path, problems) };
    told_if_misread(node, path, problems);
    Some(text.to_owned())
}

/// What the dialect reads otherwise than it is written: `3.10` is the number 3.1.
pub(crate) fn told_if_misread(node: &Node, path: &str, problems: &mut Problems) {
    if let (Some(written), Some(text)) = (node.misread(), node.text()) {
        let whose = if problems.schema == Schema::Core { "GitHub" } else { "GitLab" };
        let message = format!("{whose} reads `{}` as {}", shown(written), shown(text));
        problems.warn(node.at, path, message, "put it in quotes if it is text");
    }
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
