//! `actions/cache`, and its halves `restore` and `save`.

use std::collections::BTreeMap;

use penstock_model::job::{Chore, StepOutcome, Work};

use super::act::{Act, Doing, Done, Inputs, Next, fault};
use super::facts::Facts;
use super::table::{BuiltIn, Known, Refusal};
use crate::github::expression::Contexts;

const INPUTS: &[&str] =
    &["path", "key", "restore-keys", "upload-chunk-size", "enablecrossosarchive", "fail-on-cache-miss", "lookup-only", "save-always"];

pub(super) const KNOWN: Known = Known {
    name: "actions/cache",
    built_in: BuiltIn::Cache,
    majors: &[1, 2, 3, 4, 5, 6],
    branches: &["main"],
    inputs: INPUTS,
    check,
    begin: |inputs, _, _| cache(&inputs, true),
};

pub(super) const RESTORE: Known =
    Known { name: "actions/cache/restore", built_in: BuiltIn::CacheRestore, begin: |inputs, _, _| cache(&inputs, false), ..KNOWN };

pub(super) const SAVE: Known = Known {
    name: "actions/cache/save",
    built_in: BuiltIn::CacheSave,
    inputs: &["path", "key", "upload-chunk-size", "enablecrossosarchive"],
    begin: save,
    ..KNOWN
};

/// GitHub's own bounds.
const MAX_KEY: usize = 512;
const MAX_KEYS: usize = 10;

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    for key in inputs.lines("restore-keys").iter().map(String::as_str).chain(inputs.get("key")) {
        if key.len() > MAX_KEY || key.contains(',') {
            return Err(Refusal::input("key", format!("a key has at most {MAX_KEY} characters and no comma"), "shorten it"));
        }
    }
    if inputs.lines("restore-keys").len() >= MAX_KEYS {
        return Err(Refusal::input("restore-keys", format!("there are at most {MAX_KEYS} keys"), "remove some"));
    }
    Ok(())
}

struct Cache {
    key: String,
    restore_keys: Vec<String>,
    paths: Vec<String>,
    lookup_only: bool,
    fail_on_miss: bool,
    /// What keeps it at the job's end, if it is to be kept.
    save: Option<Save>,
}

fn cache(inputs: &Inputs, saves: bool) -> Result<Box<dyn Act>, String> {
    inputs.needed("path")?;
    let (key, paths) = (inputs.needed("key")?.to_owned(), inputs.lines("path"));
    let save = Save { key: key.clone(), paths: paths.clone(), always: inputs.flag("save-always", false)? };
    Ok(Box::new(Cache {
        key,
        restore_keys: inputs.lines("restore-keys"),
        paths,
        lookup_only: inputs.flag("lookup-only", false)?,
        fail_on_miss: inputs.flag("fail-on-cache-miss", false)?,
        save: saves.then_some(save),
    }))
}

impl Act for Cache {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        let Some(last) = last else {
            return Next::Do(Doing::new(Work::Chore(Chore::RestoreCache {
                key: self.key.clone(),
                restore_keys: self.restore_keys.clone(),
                paths: self.paths.clone(),
                lookup_only: self.lookup_only,
            })));
        };
        if let Some(failed) = fault(last) {
            return Next::Done(failed);
        }
        let matched = last.outputs.get("cache-matched-key").filter(|key| !key.is_empty());
        let exact = matched.is_some_and(|matched| *matched == self.key);
        let mut done = Done::well([("cache-primary-key", self.key.clone())]);
        if matched.is_some() || self.save.is_none() {
            // `actions/cache` has no output at all after a miss
            done.outputs.insert("cache-hit".to_owned(), exact.to_string());
        }
        if self.fail_on_miss && matched.is_none() {
            done.failed = Some(format!("there is no cache of the key `{}`, nor of another that was asked for", self.key));
        }
        done.post = self.save.take().filter(|_| !exact).map(|save| Box::new(save) as Box<dyn Act>);
        Next::Done(done)
    }
}

struct Save {
    key: String,
    paths: Vec<String>,
    always: bool,
}

fn save(inputs: Inputs, _: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    inputs.needed("path")?;
    Ok(Box::new(Save { key: inputs.needed("key")?.to_owned(), paths: inputs.lines("path"), always: true }))
}

impl Act for Save {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        match last {
            None => Next::Do(Doing::new(Work::Chore(Chore::SaveCache { key: self.key.clone(), paths: self.paths.clone() }))),
            Some(last) => Next::Done(match fault(last) {
                // as at GitHub, a cache that cannot be kept fails nobody
                Some(failed) => Done::default().note(format!("##[warning]the cache was not kept: {}", failed.failed.unwrap_or_default())),
                None => Done::default(),
            }),
        }
    }

    fn wanted_at_the_end(&self, contexts: &Contexts) -> Result<bool, String> {
        Ok(self.always || contexts.status.success)
    }
}
