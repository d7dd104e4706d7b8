//! Actions whose `action.yml` is read while planning: those of the repository itself (`uses: ./path`), and those of others.

use std::collections::BTreeMap;

use penstock_model::CommitId;

use super::lock::ActionsLock;
use super::manifest::{Place, manifest};
use super::uses;
use crate::input::{PushEvent, Source};
use crate::library::{FileRef, Found, Library};
use crate::plan::{Action, ActionImage, ActionOrigin, ContainerAction, Lack, PlannedJob, PlannedStep};
use crate::reader::{Problems, shown};
use crate::yaml::{At, Budget};

/// How deep actions may lie in actions (GitHub's own bound).
const MAX_NESTED: usize = 10;
/// The most steps of all actions of a plan.
const MAX_STEPS: usize = 20_000;

/// What an action's file may be called.
const NAMES: [&str; 2] = ["action.yml", "action.yaml"];
/// What may stand in place of it.
const DOCKERFILE: &str = "Dockerfile";

/// Reads what the steps of jobs name in the repository, and in others.
pub(in crate::github) fn resolve(jobs: &mut [PlannedJob], event: &PushEvent, library: &Library, problems: &mut Problems) {
    let mut reading = Reading { event, library, known: BTreeMap::new(), steps: 0, lock: None, budget: Budget::new() };
    for job in jobs {
        let file = job.file.as_deref().map_or(0, |path| problems.file(path));
        for step in &mut job.steps {
            reading.step(step, file, 0, problems);
        }
    }
}

/// The commit that a tag or branch of another repository is locked to; a commit is its own. `None` is told already, or wanted.
pub(in crate::github) fn pinned(
    (repository, reference): (&str, &str),
    (at, key): (At, &str),
    event: &PushEvent,
    library: &Library,
    problems: &mut Problems,
) -> Option<ActionOrigin> {
    let mut reading = Reading { event, library, known: BTreeMap::new(), steps: 0, lock: None, budget: Budget::new() };
    reading.origin(repository, reference, at, key, problems)
}

struct Reading<'r> {
    event: &'r PushEvent,
    library: &'r Library,
    /// By the repository, if it is another one, and the path; `None` is told already.
    known: BTreeMap<(Option<String>, String), Option<Action>>,
    steps: usize,
    /// What the repository locks, once somebody asked.
    lock: Option<ActionsLock>,
    budget: Budget,
}

impl Reading<'_> {
    fn step(&mut self, step: &mut PlannedStep, file: u16, depth: usize, problems: &mut Problems) {
        let step = if let PlannedStep::Background { step, .. } = step { step } else { step };
        let PlannedStep::Uses { line, action, uses, instead, .. } = step else { return };
        let (known, named_at, lack) = match &*action {
            Action::Unread { path, at } => ((None, path.clone()), at.clone(), None),
            Action::Elsewhere { repository, reference, path, at, lack } => {
                ((Some(format!("{repository}@{reference}")), path.clone()), at.clone(), lack.clone())
            }
            _ => return,
        };
        let (at, key) = (At { file, line: *line, column: named_at.column }, &*named_at.key);
        if let Some(lack) = &lack {
            match self.has_copy(action, at, key, problems) {
                None => return,
                Some(true) => {}
                Some(false) => return without_copy(action, lack, file, problems),
            }
        }
        if depth >= MAX_NESTED {
            problems.add(at, key, format!("`{}` lies more than {MAX_NESTED} actions deep", shown(uses)), "let an action not name itself");
            return;
        }
        let read = match self.known.get(&known) {
            Some(known) => known.clone(),
            None => {
                let read = self.action(action, at, key, depth, problems);
                self.known.insert(known, read.clone());
                read
            }
        };
        if let Some(Action::Composite { steps, .. }) = &read {
            self.steps += steps.len();
            if self.steps > MAX_STEPS {
                problems.add(at, key, format!("the actions have more than {MAX_STEPS} steps together"), "use fewer");
                return;
            }
        }
        let Some(read) = read else { return };
        if let Some(lack) = lack {
            // what the copy does not know either is passed over by both
            if let (Some(own), false) = (lack.own, lack.unknown.iter().all(|name| read.has_input(name))) {
                *action = Action::BuiltIn { name: own };
                return;
            }
            let commit = read.origin().map_or_else(String::new, |origin| format!(" at {}", origin.commit.short()));
            let message = format!("a copy of `{}`{commit} is carried out, and not what Penstock has of its own: {}", shown(uses), lack.why);
            problems.warn(at, key, message.clone(), "whoever has no use for this has Penstock's own without it");
            *instead = Some(message);
        }
        *action = read;
    }

    /// Whether there is a copy of another repository's action, by its commit or what its tag is locked to. `None` is wanted, or
    /// told already.
    fn has_copy(&mut self, named: &Action, at: At, key: &str, problems: &mut Problems) -> Option<bool> {
        let Action::Elsewhere { repository, reference, path, .. } = named else { return Some(false) };
        let commit = match uses::commit(reference) {
            Some(commit) => commit,
            None => match self.lock(at, key, problems)?.get(repository, reference) {
                Some(locked) => locked.commit.clone(),
                None => return Some(false),
            },
        };
        for file in files_of(repository, &commit, path) {
            if problems.has(self.library, &file)? {
                return Some(true);
            }
        }
        Some(false)
    }

    fn action(&mut self, named: &Action, at: At, key: &str, depth: usize, problems: &mut Problems) -> Option<Action> {
        let (path, origin) = match named {
            Action::Elsewhere { repository, reference, path, .. } => (path, Some(self.origin(repository, reference, at, key, problems)?)),
            Action::Unread { path, .. } => (path, None),
            _ => return None,
        };
        let read = match &origin {
            None => self.local(path, at, key, problems)?,
            Some(origin) => self.of_origin(path, origin, at, key, problems)?,
        };
        let Some((file, found)) = read else {
            // as at GitHub, a Dockerfile alone is an action too
            let image = ActionImage::Dockerfile { path: below(path, DOCKERFILE) };
            return Some(Action::Container(Box::new(ContainerAction::of(image, origin))));
        };
        let name = file.to_string();
        let number = problems.file(&name);
        let source = Source { path: &name, text: &found.text };
        let root = problems.document(&source, number, &mut self.budget)?;
        let files = origin.is_none().then_some(&*self.event.files);
        let mut action = manifest(&root, &Place { path, origin: origin.as_ref(), files }, problems)?;
        if let Action::Composite { steps, .. } = &mut action {
            for step in steps {
                self.step(step, number, depth + 1, problems);
            }
        }
        Some(action)
    }

    /// The file of an action of the repository itself; nothing if it is a Dockerfile alone.
    fn local(&self, path: &str, at: At, key: &str, problems: &mut Problems) -> Option<Option<(FileRef, Found)>> {
        let there = NAMES.iter().find(|name| self.event.files.contains(&below(path, name)));
        if there.is_none() && self.event.files.contains(&below(path, DOCKERFILE)) {
            return Some(None);
        }
        let file = FileRef::Local { path: below(path, there.unwrap_or(&NAMES[0])) };
        let found = problems.found(self.library, &file, at, key)?.clone();
        Some(Some((file, found)))
    }

    /// Likewise, of another repository: nobody knows what is there before it was looked for.
    fn of_origin(&self, path: &str, origin: &ActionOrigin, at: At, key: &str, problems: &mut Problems) -> Option<Option<(FileRef, Found)>> {
        let [yml, yaml] = files_of(&origin.repository, &origin.commit, path);
        let (repository, reference) = (origin.repository.clone(), origin.commit.to_string());
        let files = [yml, yaml, FileRef::Action { repository, reference, path: below(path, DOCKERFILE) }];
        let of_state = |there: fn(Option<Result<&Found, &str>>) -> bool| files.iter().find(|file| there(self.library.get(file)));
        let file = of_state(|state| matches!(state, Some(Ok(_)))).or_else(|| of_state(|state| state.is_none())).unwrap_or(&files[0]);
        let found = problems.found(self.library, file, at, key)?.clone();
        Some((*file != files[2]).then(|| (file.clone(), found)))
    }

    /// Where an action of another repository is from. A tag or branch stands for what the repository locks, and for nothing else.
    fn origin(&mut self, repository: &str, reference: &str, at: At, key: &str, problems: &mut Problems) -> Option<ActionOrigin> {
        let origin = |commit, digest| ActionOrigin { repository: repository.to_owned(), reference: reference.to_owned(), commit, digest };
        if let Some(commit) = uses::commit(reference) {
            return Some(origin(commit, None));
        }
        let named = format!("{repository}@{reference}");
        let Some(locked) = self.lock(at, key, problems)?.get(repository, reference).cloned() else {
            let message = format!("`{}` may become something else, since a branch or tag can be moved", shown(&named));
            let help = format!(
                "`penstock actions lock` keeps the commit that it stands for in {}; or write the whole commit after the `@`",
                ActionsLock::PATH
            );
            problems.add(at, key, message, help);
            return None;
        };
        let tag = FileRef::Tag { repository: repository.to_owned(), name: reference.to_owned() };
        let now = problems.found(self.library, &tag, at, key)?.text.trim();
        if !now.is_empty() && now != locked.commit.as_str() {
            let message =
                format!("the tag `{}` was moved: it is locked to {}, and stands for {} now", shown(&named), locked.commit, shown(now));
            problems.add(
                at,
                key,
                message,
                "look at what changed, then `penstock actions lock` takes it; or write the locked commit after the `@`",
            );
            return None;
        }
        Some(origin(locked.commit, locked.digest))
    }

    /// What the repository locks. `None` is wanted, or wrong and told.
    fn lock(&mut self, at: At, key: &str, problems: &mut Problems) -> Option<&ActionsLock> {
        if self.lock.is_none() {
            let mut lock = ActionsLock::default();
            if self.event.files.iter().any(|path| path == ActionsLock::PATH) {
                let file = FileRef::Local { path: ActionsLock::PATH.to_owned() };
                let found = problems.found(self.library, &file, at, key)?;
                match ActionsLock::read(&found.text) {
                    Ok(read) => lock = read,
                    Err((line, why)) => {
                        let file = problems.file(ActionsLock::PATH);
                        problems.add(At { file, line, column: 1 }, "", why, "`penstock actions lock` writes it anew");
                    }
                }
            }
            self.lock = Some(lock);
        }
        self.lock.as_ref()
    }
}

/// What the file of an action of another repository may be.
fn files_of(repository: &str, commit: &CommitId, path: &str) -> [FileRef; NAMES.len()] {
    NAMES.map(|name| FileRef::Action { repository: repository.to_owned(), reference: commit.to_string(), path: below(path, name) })
}

/// What becomes of an action that Penstock carries out itself and that lacks something, where there is no copy of it.
fn without_copy(action: &mut Action, lack: &Lack, file: u16, problems: &mut Problems) {
    if let Some(own) = lack.own {
        *action = Action::BuiltIn { name: own };
        return;
    }
    let Action::Elsewhere { repository, reference, .. } = &*action else { return };
    let lock = if uses::commit(reference).is_some() { "" } else { ", and `penstock actions lock`" };
    let help = format!("{}; or have the action itself carried out: put a copy of {repository} into the mirror{lock}", lack.help);
    problems.add(At { file, line: lack.line, column: lack.at.column }, &lack.at.key, lack.why.clone(), help);
}

/// A file of a folder.
fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
