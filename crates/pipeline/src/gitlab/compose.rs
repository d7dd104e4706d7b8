//! The pipeline file with everything that it includes, merged as GitLab does it (its `external/processor.rb`): included files
//! one over the other in their order, each with what it includes itself below it, and the including file over them all.
//! Mappings merge at any depth, all else is replaced.

mod home;
mod merge;

use std::collections::BTreeMap;

use self::home::Home;
pub(super) use self::merge::merged;
use super::include::{self, Entry, Target};
use super::inputs::{Given, Header, of_json};
use super::interpolate::{self, Values};
use super::{Facts, rules};
use crate::expand::Expanded;
use crate::input::{PushEvent, Source};
use crate::library::{FileRef, Found, Library};
use crate::reader::{Problems, shown};
use crate::yaml::{At, Budget, Node, Value};

/// The most files that a pipeline includes, each counted as often as it is included (GitLab's own bound).
const MAX_INCLUDES: usize = 150;
/// How many bytes all files may have together.
const MAX_BYTES: usize = 4 << 20;
/// The most inputs that whoever starts a pipeline may give (GitLab's own bound).
const MAX_GIVEN: usize = 20;

/// The whole pipeline, as one tree; `None` if something is wrong or still to be looked for.
pub(super) fn compose(
    source: &Source<'_>,
    event: &PushEvent,
    library: &Library,
    base: &BTreeMap<String, Expanded>,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<Node> {
    let variables = seen(base, event);
    let mut composer = Composer { event, library, budget, problems, included: 0, bytes: source.text.len(), open: Vec::new() };
    let given = composer.started_with();
    let asked = Asked { at: At::start(0), path: "", what: "the pipeline" };
    composer.file(source.text, 0, &given, &asked, &Home::own(variables))
}

/// What `include` may refer to: what is known of the event and of the project, and nothing of the files.
fn seen(base: &BTreeMap<String, Expanded>, event: &PushEvent) -> BTreeMap<String, Expanded> {
    // of no environment
    let of_project = event.facts.variables.reaching(None);
    let of_project = of_project
        .map(|(name, variable)| (name.to_owned(), Expanded { text: variable.value.expose().to_owned(), secret: variable.masked }));
    let project = event.variables.iter().map(|(name, value)| (name.clone(), Expanded::plain(value)));
    let given = event.given.iter().map(|(name, variable)| (name.clone(), Expanded::plain(&variable.value)));
    base.clone().into_iter().chain(of_project).chain(project).chain(given).collect()
}

/// Who asks for a file: where a missing input is told, and what the file is called there.
struct Asked<'a> {
    at: At,
    path: &'a str,
    what: &'a str,
}

/// A file that is being composed, to tell a circle by.
#[derive(PartialEq, Eq)]
struct OpenFile {
    name: String,
    inputs: String,
}

struct Composer<'c> {
    event: &'c PushEvent,
    library: &'c Library,
    budget: &'c mut Budget,
    problems: &'c mut Problems,
    included: usize,
    bytes: usize,
    open: Vec<OpenFile>,
}

impl<'c> Composer<'c> {
    /// The inputs that came with the event.
    fn started_with(&mut self) -> Vec<Given> {
        let at = At::start(0);
        let inputs = self.event.trigger.inputs();
        if inputs.len() > MAX_GIVEN {
            self.problems.add(at, "", format!("a pipeline takes at most {MAX_GIVEN} inputs"), "give fewer");
        }
        inputs.iter().take(MAX_GIVEN).map(|(name, value)| Given { name: name.clone(), at, value: of_json(value, at) }).collect()
    }

    /// A file's content, its inputs filled in and what it includes below it.
    fn file(&mut self, text: &str, file: u16, given: &[Given], asked: &Asked<'_>, home: &Home) -> Option<Node> {
        let path = self.problems.path(At::start(file)).to_owned();
        let source = Source { path: &path, text };
        let mut documents = self.problems.documents(&source, file, 2, self.budget)?;
        if documents.len() > 1 {
            // an empty one says nothing
            documents.retain(|document| !document.is_null());
        }
        let content = documents.pop().unwrap_or_else(|| Node::map(Vec::new(), At::start(file)));
        let header = documents.pop();
        let content = match header {
            Some(header) => self.filled(&header, &content, given, asked, home)?,
            None => self.without_header(content, given, asked)?,
        };
        if let Value::Map(_) = content.value { self.with_includes(content, home) } else { Some(content) }
    }

    fn without_header(&mut self, content: Node, given: &[Given], asked: &Asked<'_>) -> Option<Node> {
        if let Some(at) = content.key_at("spec") {
            self.problems.add(at, "spec", "`spec` is the header of a file, and no `---` ends it", "put a line `---` after it");
            return None;
        }
        if let Some(one) = given.first() {
            let message = format!("{} has no header that declares the input `{}`", asked.what, shown(&one.name));
            self.problems.add(one.at, asked.path, message, "remove it, or declare it there: `spec: inputs:` and `---` after it");
            return None;
        }
        Some(content)
    }

    /// The content with the inputs in the place of their blocks.
    fn filled(&mut self, header: &Node, content: &Node, given: &[Given], asked: &Asked<'_>, home: &Home) -> Option<Node> {
        if header.get("spec").is_none() {
            let message = "the file holds a second document, and the first is no header";
            self.problems.add(content.at, "", message, "keep one document, or let the first be `spec:` alone");
            return None;
        }
        let mut read = Header::read(header, self.problems);
        if let Some(node) = read.include.take() {
            self.declared_elsewhere(&mut read, &node, home)?;
        }
        let inputs = read.values(given, (asked.at, asked.path), asked.what, self.problems)?;
        let component = home.component(&read.component, content.at);
        let values = Values { inputs, component, variables: &home.variables };
        interpolate::fill(content, &values, self.budget, self.problems).ok()
    }

    /// `spec: include`: files that declare inputs and hold nothing else.
    fn declared_elsewhere(&mut self, header: &mut Header, node: &Node, home: &Home) -> Option<()> {
        for entry in include::read(node, "spec.include", &*home.variables, self.problems) {
            if !entry.inputs.is_empty()
                || entry.rules.is_some()
                || matches!(entry.target, Target::Template(_) | Target::Component { .. } | Target::Artifact { .. })
            {
                let help = "such a file comes from `local`, `project` or `remote`, without `inputs` and `rules`";
                self.problems.add(entry.at, &entry.path, "a file of inputs cannot be included like this", help);
                continue;
            }
            for wanted in home.files(&entry, self.event, self.problems) {
                let Some(found) = self.found(&wanted, &entry) else { continue };
                let file = self.problems.file(&wanted.to_string());
                let source = Source { path: "", text: &found.text };
                let root = self.problems.document(&source, file, self.budget)?;
                let Some(mut fields) = crate::reader::Fields::of(&root, "", self.problems) else { continue };
                if let Some(node) = fields.get("inputs") {
                    header.declare(node, "inputs", self.problems);
                }
                fields.finish(&[], self.problems);
            }
        }
        self.problems.wants_nothing().then_some(())
    }

    /// A mapping with what its `include` names below it.
    fn with_includes(&mut self, content: Node, home: &Home) -> Option<Node> {
        let Some(node) = content.get("include").cloned() else { return Some(content) };
        let entries = include::read(&node, "include", &*home.variables, self.problems);
        let mut files = Vec::new();
        for entry in &entries {
            if self.applies(entry, home)? {
                files.extend(home.files(entry, self.event, self.problems).into_iter().map(|file| (file, entry)));
            }
        }
        // all of them are asked for at once
        let found: Vec<_> = files.iter().map(|(file, entry)| self.found(file, entry)).collect();
        let mut below: Option<Node> = None;
        let mut whole = true;
        for ((file, entry), found) in files.iter().zip(found) {
            let node = found.and_then(|found| self.included(file, entry, found, home));
            whole &= node.is_some();
            below = match (below, node) {
                (Some(below), Some(node)) => Some(merged(below, node)),
                (below, node) => below.or(node),
            };
            if self.included > MAX_INCLUDES {
                return None;
            }
        }
        whole.then_some(())?;
        let own = content.without("include");
        Some(match below {
            Some(below) => merged(below, own),
            None => own,
        })
    }

    /// Whether an entry's rules let it in.
    fn applies(&mut self, entry: &Entry, home: &Home) -> Option<bool> {
        let Some(rules) = &entry.rules else { return Some(true) };
        let event = home.event(self.event, self.library, (entry.at, &entry.path), self.problems)?;
        rules::absent(rules, &*home.variables, self.problems);
        Some(rules::ask(rules, Facts { event: &event, library: self.library }, &*home.variables, self.problems).matched.is_some())
    }

    /// A file, if it is there, small enough and what it should be.
    fn found(&mut self, file: &FileRef, entry: &Entry) -> Option<&'c Found> {
        let library = self.library;
        let found = self.problems.found(library, file, entry.at, &entry.path)?;
        if found.text.trim().is_empty() {
            self.problems.add(entry.at, &entry.path, format!("`{}` is empty", shown(&file.to_string())), "remove the entry");
            return None;
        }
        if let Target::Remote(url, Some(digest)) = &entry.target
            && penstock_model::Digest::of(&found.text) != *digest
        {
            let message = format!("`{}` is not what `integrity` says it is", shown(url));
            self.problems.add(entry.at, &entry.path, message, "look at what changed, and write the new digest if it is fine");
            return None;
        }
        Some(found)
    }

    /// An included file with everything below it.
    fn included(&mut self, file: &FileRef, entry: &Entry, found: &Found, home: &Home) -> Option<Node> {
        let name = file.to_string();
        self.included += 1;
        self.bytes += found.text.len();
        if self.included > MAX_INCLUDES || self.bytes > MAX_BYTES {
            let many = format!("the pipeline includes more than {MAX_INCLUDES} files");
            let long = format!("the files of the pipeline have more than {} MiB together", MAX_BYTES >> 20);
            let message = if self.included > MAX_INCLUDES { many } else { long };
            let chain: Vec<&str> = self.open.iter().map(|open| open.name.as_str()).chain([name.as_str()]).take(8).collect();
            self.problems.add(entry.at, &entry.path, message, format!("include fewer; this one comes by {}", shown(&chain.join(" -> "))));
            self.included = MAX_INCLUDES + 1;
            return None;
        }
        let inputs = format!("{:?}", entry.inputs.iter().map(|one| (&one.name, one.value.to_json())).collect::<Vec<_>>());
        let open = OpenFile { name, inputs };
        if let Some(start) = self.open.iter().position(|other| *other == open) {
            let chain: Vec<&str> = self.open[start..].iter().map(|open| open.name.as_str()).chain([open.name.as_str()]).collect();
            let message = format!("files include each other in a circle: {}", shown(&chain.join(" -> ")));
            self.problems.add(entry.at, &entry.path, message, "take one of these out");
            return None;
        }
        let number = self.problems.file(&open.name);
        let inner = home.of(&entry.target, file, found, self.event);
        let what = format!("`{}`", shown(&open.name));
        self.open.push(open);
        let asked = Asked { at: entry.at, path: &entry.path, what: &what };
        let node = self.file(&found.text, number, &entry.inputs, &asked, &inner);
        self.open.pop();
        let node = node?;
        if !matches!(node.value, Value::Map(_)) {
            let message = format!("an included file is a mapping of jobs, not {}", node.kind());
            self.problems.add(node.at, "", message, "write `job-name:` with its keys below it");
            return None;
        }
        Some(node)
    }
}
