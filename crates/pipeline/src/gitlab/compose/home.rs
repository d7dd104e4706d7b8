//! Where a file comes from, which is where its own `local` and `exists` look.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::expand::Expanded;
use crate::gitlab::include::{Entry, Target};
use crate::input::PushEvent;
use crate::library::{FileRef, Found, Library};
use crate::reader::{Problems, shown};
use crate::trigger::Trigger;
use crate::yaml::{At, Node};

/// The repository of a file, and what it sees.
#[derive(Clone, Debug)]
pub(super) struct Home {
    place: Place,
    /// What `include` may refer to. A file of a web server and a template see nothing of the project.
    pub(super) variables: Rc<BTreeMap<String, Expanded>>,
    component: Option<Rc<Component>>,
}

#[derive(Clone, Debug)]
enum Place {
    /// The project itself, at the event's commit.
    Own,
    /// Another project at a commit, or a branch or tag where that is all that is known.
    Project { project: String, reference: Option<String> },
    /// No repository.
    Nowhere,
}

/// What a component may know of itself.
#[derive(Debug)]
struct Component {
    name: String,
    reference: String,
    commit: Option<String>,
    version: Option<String>,
}

impl Home {
    /// That of the pipeline file.
    pub(super) fn own(variables: BTreeMap<String, Expanded>) -> Self {
        Self { place: Place::Own, variables: Rc::new(variables), component: None }
    }

    /// That of a file that is included from here.
    pub(super) fn of(&self, target: &Target, file: &FileRef, found: &Found, event: &PushEvent) -> Self {
        let place = |project: &str, reference: Option<&str>| Place::Project {
            project: project.to_owned(),
            reference: found.commit.as_deref().or(reference).map(str::to_owned),
        };
        match (target, file) {
            (Target::Local(_) | Target::Artifact { .. }, _) => self.clone(),
            (Target::Component { host, path, version }, _) => {
                let (project, name) = path.rsplit_once('/').unwrap_or(("", path));
                let project = if host == own_host(event) { project.to_owned() } else { format!("{host}/{project}") };
                let component = Component {
                    name: name.to_owned(),
                    reference: version.clone(),
                    commit: found.commit.clone(),
                    version: found.version.clone(),
                };
                Self { place: place(&project, Some(version)), component: Some(Rc::new(component)), variables: Rc::clone(&self.variables) }
            }
            (_, FileRef::Project { project, reference, .. }) => {
                Self { place: place(project, reference.as_deref()), component: None, variables: Rc::clone(&self.variables) }
            }
            _ => Self { place: Place::Nowhere, component: None, variables: Rc::new(BTreeMap::new()) },
        }
    }

    /// The files that an entry stands for.
    pub(super) fn files(&self, entry: &Entry, event: &PushEvent, problems: &mut Problems) -> Vec<FileRef> {
        match &entry.target {
            Target::Local(location) if location.contains('*') => self.matching(location, entry, event, problems),
            Target::Local(location) => self.local(location, entry, problems).into_iter().collect(),
            Target::Project { project, reference, file } => {
                let (project, reference) = (project.clone(), reference.clone());
                vec![FileRef::Project { project, reference, path: file.trim_start_matches('/').to_owned() }]
            }
            Target::Artifact { path, job } => {
                if !matches!(event.trigger, Trigger::Parent { .. }) {
                    let message = "only a child pipeline includes what a job made";
                    problems.add(entry.at, &entry.path, message, "write `trigger: include: - artifact: …` in a job");
                    return Vec::new();
                }
                vec![FileRef::Artifact { job: job.clone(), path: path.trim_start_matches('/').to_owned() }]
            }
            Target::Remote(url, _) => vec![FileRef::Remote { url: url.clone() }],
            Target::Template(name) => vec![FileRef::Template { name: name.clone() }],
            Target::Component { host, path, version } => {
                vec![FileRef::Component { host: host.clone(), path: path.clone(), version: version.clone() }]
            }
        }
    }

    fn local(&self, location: &str, entry: &Entry, problems: &mut Problems) -> Option<FileRef> {
        let path = location.trim_start_matches('/').to_owned();
        match &self.place {
            Place::Own => Some(FileRef::Local { path }),
            Place::Project { project, reference } => {
                Some(FileRef::Project { project: project.clone(), reference: reference.clone(), path })
            }
            Place::Nowhere => {
                let message = format!("`{}` is local to a file that belongs to no project", shown(location));
                problems.add(entry.at, &entry.path, message, "name it by `project`, `remote` or `template`");
                None
            }
        }
    }

    /// `*` stops at `/`, `**` does not. The paths come in the order of the repository.
    fn matching(&self, pattern: &str, entry: &Entry, event: &PushEvent, problems: &mut Problems) -> Vec<FileRef> {
        if !matches!(self.place, Place::Own) {
            let message = format!("`{}` is a pattern, and only the project itself is looked through", shown(pattern));
            problems.add(entry.at, &entry.path, message, "name the files themselves");
            return Vec::new();
        }
        let Some(regex) = crate::pattern::include_glob(pattern.trim_start_matches('/')) else {
            problems.add(entry.at, &entry.path, format!("the pattern `{}` is too long", shown(pattern)), "as in `ci/**/*.yml`");
            return Vec::new();
        };
        event.files.iter().filter(|path| regex.is_match(path)).map(|path| FileRef::Local { path: path.clone() }).collect()
    }

    /// The event as rules of this file see it: what exists is what its own repository has.
    pub(super) fn event<'e>(
        &self,
        event: &'e PushEvent,
        library: &Library,
        (at, path): (At, &str),
        problems: &mut Problems,
    ) -> Option<Cow<'e, PushEvent>> {
        let files = match &self.place {
            Place::Own => return Some(Cow::Borrowed(event)),
            Place::Nowhere => Vec::new(),
            Place::Project { project, reference } => {
                let paths = FileRef::Paths { project: project.clone(), reference: reference.clone() };
                let found = problems.found(library, &paths, at, path)?;
                found.text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
            }
        };
        let mut event = event.clone();
        event.files = files;
        Some(Cow::Owned(event))
    }

    /// What a header asks for of the component.
    pub(super) fn component(&self, names: &[&'static str], at: At) -> BTreeMap<&'static str, Node> {
        let Some(component) = &self.component else { return BTreeMap::new() };
        let text = |text: &str| Node::made(text, false, at);
        let value = |name: &str| match name {
            "name" => Some(text(&component.name)),
            "reference" => Some(text(&component.reference)),
            "sha" => component.commit.as_deref().filter(|commit| is_sha(commit)).map(text),
            // nothing, unless it is a release
            _ => Some(component.version.as_deref().map_or_else(|| Node::made("", true, at), text)),
        };
        names.iter().filter_map(|name| Some((*name, value(name)?))).collect()
    }
}

fn is_sha(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The server's own name and port, as `CI_SERVER_FQDN` has them.
fn own_host(event: &PushEvent) -> &str {
    let host = event.server_url.split_once("://").map_or(event.server_url.as_str(), |(_, rest)| rest);
    host.split('/').next().unwrap_or_default()
}
