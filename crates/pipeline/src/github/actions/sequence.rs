//! An action of several parts, one after the other; and what keeps files for later jobs at its end.

use std::collections::{BTreeMap, VecDeque};

use penstock_model::job::{Chore, StepOutcome, Work};

use super::act::{Act, Doing, Done, Next, Once, fault};
use crate::github::expression::Contexts;

/// What the parts before gave as outputs.
pub(super) type SoFar = BTreeMap<String, String>;
/// Makes a part once those before it are done.
pub(super) type Part = Box<dyn FnOnce(&SoFar) -> Result<Box<dyn Act>, String> + Send>;

/// Outputs with this before their names are an action's own business.
pub(in crate::github) const INTERNAL: &str = "penstock.";

/// Parts, one after the other. The first that fails ends it.
pub(super) struct Sequence {
    waiting: VecDeque<Part>,
    now: Option<Box<dyn Act>>,
    seen: SoFar,
    done: Done,
}

impl Sequence {
    pub(super) fn boxed(parts: Vec<Part>) -> Box<dyn Act> {
        Box::new(Self { waiting: parts.into(), now: None, seen: SoFar::new(), done: Done::default() })
    }

    fn take_in(&mut self, done: Done) {
        self.seen.extend(done.outputs.clone());
        self.done.outputs.extend(done.outputs);
        self.done.env.extend(done.env);
        self.done.notes.extend(done.notes);
        self.done.failed = done.failed;
        self.done.post = done.post.or(self.done.post.take());
    }

    fn end(&mut self) -> Next {
        Next::Done(std::mem::take(&mut self.done))
    }
}

impl Act for Sequence {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        self.seen.extend(last.iter().flat_map(|last| last.outputs.clone()));
        let mut last = last;
        loop {
            if let Some(part) = &mut self.now {
                match part.next(last) {
                    Next::Do(doing) => return Next::Do(doing),
                    Next::Done(done) => self.take_in(done),
                }
                self.now = None;
            }
            last = None;
            if self.done.failed.is_some() {
                return self.end();
            }
            match self.waiting.pop_front().map(|part| part(&self.seen)) {
                Some(Ok(part)) => self.now = Some(part),
                Some(Err(why)) => self.done.failed = Some(why),
                None => return self.end(),
            }
        }
    }
}

/// A part that is there already.
pub(super) fn ready(act: Box<dyn Act>) -> Part {
    Box::new(|_| Ok(act))
}

/// A script as a part.
pub(super) fn script(text: String) -> Part {
    ready(Once::boxed(Doing::script(text), |_| Done::default()))
}

/// Files that later jobs get back, under a key that a script before says (`penstock.key`).
#[derive(Clone, Default)]
pub(super) struct Keeping {
    pub(super) paths: Vec<String>,
    /// Beginnings of the key that are good enough, said as `penstock.key-1` and so on.
    pub(super) near: usize,
    pub(super) restores: bool,
    pub(super) lookup_only: bool,
    pub(super) saves: Saves,
    /// Done before they are kept.
    pub(super) tidy: String,
    /// The output that says whether just this key was there.
    pub(super) hit: &'static str,
}

/// When they are kept at the job's end.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Saves {
    #[default]
    Never,
    AfterSuccess,
    Always,
}

impl Saves {
    /// After a success, if at all.
    pub(super) fn only_if(wanted: bool) -> Self {
        if wanted { Self::AfterSuccess } else { Self::Never }
    }
}

/// The output in which a script says the key.
pub(super) const KEY: &str = "penstock.key";

impl Keeping {
    /// The part that gets them back, and has them kept at the job's end.
    pub(super) fn part(self) -> Part {
        Box::new(move |seen| {
            let key = seen.get(KEY).filter(|key| !key.is_empty()).cloned().ok_or("the key of the cache was not found out")?;
            let near = (1..=self.near).filter_map(|number| seen.get(&format!("{KEY}-{number}"))).cloned().collect();
            if !self.restores {
                let done = Done::well([(self.hit, "false".to_owned())]);
                return Ok(super::act::Already::boxed(Done { post: self.post(key), ..done }));
            }
            let chore =
                Chore::RestoreCache { key: key.clone(), restore_keys: near, paths: self.paths.clone(), lookup_only: self.lookup_only };
            Ok(Once::boxed(Doing::new(Work::Chore(chore)), move |last| {
                let matched = last.outputs.get("cache-matched-key").map_or("", String::as_str);
                let exact = matched == key;
                let mut done = Done::well([(self.hit, exact.to_string()), (MATCHED, matched.to_owned())]);
                done.post = if exact { None } else { self.post(key) };
                done
            }))
        })
    }

    fn post(self, key: String) -> Option<Box<dyn Act>> {
        (self.saves != Saves::Never).then(|| Box::new(Save { keeping: self, key, tidied: false, saved: false }) as Box<dyn Act>)
    }

    /// The part that keeps them at once, unless just this key was there.
    pub(super) fn save_now(self) -> Part {
        Box::new(move |seen| {
            let key = seen.get(KEY).cloned().unwrap_or_default();
            if seen.get(MATCHED) == Some(&key) {
                return Ok(super::act::Already::boxed(Done::default()));
            }
            Ok(Box::new(Save { keeping: self, key, tidied: false, saved: false }))
        })
    }
}

/// The key that was there.
const MATCHED: &str = "penstock.matched";

/// Keeps them.
struct Save {
    keeping: Keeping,
    key: String,
    tidied: bool,
    saved: bool,
}

impl Act for Save {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        if let Some(failed) = last.and_then(fault) {
            // what cannot be kept fails nobody
            let why = failed.failed.unwrap_or_default();
            return Next::Done(Done::default().note(format!("##[warning]the cache was not kept: {why}")));
        }
        if !self.tidied && !self.keeping.tidy.is_empty() {
            self.tidied = true;
            return Next::Do(Doing::script(self.keeping.tidy.clone()));
        }
        if !self.saved {
            self.saved = true;
            let chore = Chore::SaveCache { key: self.key.clone(), paths: self.keeping.paths.clone() };
            return Next::Do(Doing::new(Work::Chore(chore)));
        }
        Next::Done(Done::default())
    }

    fn wanted_at_the_end(&self, contexts: &Contexts) -> Result<bool, String> {
        Ok(self.keeping.saves == Saves::Always || contexts.status.success)
    }
}
