//! What an action that Penstock carries out is made of: things for the runner to do, one after the other.

use std::collections::BTreeMap;

use penstock_model::job::{Shell, StepOutcome, Work};

use crate::github::expression::Contexts;
use crate::reader::shown;

/// What an action does next.
pub(in crate::github) enum Next {
    /// The runner does this and says how it ended.
    Do(Doing),
    /// Nothing more.
    Done(Done),
}

/// Something for the runner to do.
pub(in crate::github) struct Doing {
    pub(in crate::github) work: Work,
    pub(in crate::github) env: BTreeMap<String, String>,
    /// What the log says before.
    pub(in crate::github) notes: Vec<String>,
}

impl Doing {
    pub(in crate::github) fn new(work: Work) -> Self {
        Self { work, env: BTreeMap::new(), notes: Vec::new() }
    }

    /// A script for bash or sh.
    pub(in crate::github) fn script(text: impl Into<String>) -> Self {
        Self::new(Work::Script { text: text.into(), shell: Shell::BashOrSh })
    }
}

/// How an action ended.
#[derive(Default)]
pub(in crate::github) struct Done {
    /// Besides what its steps wrote to `GITHUB_OUTPUT`.
    pub(in crate::github) outputs: BTreeMap<String, String>,
    /// Why it failed.
    pub(in crate::github) failed: Option<String>,
    /// Variables for later steps, besides what its steps wrote to `GITHUB_ENV`.
    pub(in crate::github) env: BTreeMap<String, String>,
    /// What the log says.
    pub(in crate::github) notes: Vec<String>,
    /// What it does at the job's end.
    pub(in crate::github) post: Option<Box<dyn Act>>,
}

impl Done {
    /// It worked.
    pub(in crate::github) fn well<const N: usize>(outputs: [(&str, String); N]) -> Self {
        Self { outputs: outputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), ..Self::default() }
    }

    /// It failed.
    pub(in crate::github) fn failed(why: impl Into<String>) -> Self {
        Self { failed: Some(why.into()), ..Self::default() }
    }

    /// With something for the log to say.
    #[must_use]
    pub(in crate::github) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// An action as a state machine.
pub(in crate::github) trait Act: Send {
    /// What it does next, given how the last thing ended (`None` at the start).
    fn next(&mut self, last: Option<&StepOutcome>) -> Next;

    /// Whether it has something to do at the job's end, if it is what is left for then.
    fn wanted_at_the_end(&self, _contexts: &Contexts) -> Result<bool, String> {
        Ok(true)
    }

    /// Takes in what was kept for the job's end.
    fn recall(&mut self, _state: &BTreeMap<String, String>) {}
}

/// Says how the last thing ended if it did not end well: then the action is over.
pub(in crate::github) fn fault(last: &StepOutcome) -> Option<Done> {
    match last.exit_code {
        Some(0) => None,
        Some(code) => Some(Done::failed(format!("exit code {code}"))),
        None => Some(Done::failed("it was stopped")),
    }
}

/// One thing to do, and what comes of it.
pub(in crate::github) struct Once<F> {
    doing: Option<Doing>,
    then: Option<F>,
}

impl<F: FnOnce(&StepOutcome) -> Done + Send + 'static> Once<F> {
    /// `then` is asked only if it ended well.
    pub(in crate::github) fn boxed(doing: Doing, then: F) -> Box<dyn Act> {
        Box::new(Self { doing: Some(doing), then: Some(then) })
    }
}

impl<F: FnOnce(&StepOutcome) -> Done + Send> Act for Once<F> {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        if let Some(doing) = self.doing.take() {
            return Next::Do(doing);
        }
        let Some(last) = last else { return Next::Done(Done::default()) };
        Next::Done(match (fault(last), self.then.take()) {
            (Some(failed), _) => failed,
            (None, Some(then)) => then(last),
            (None, None) => Done::default(),
        })
    }
}

/// Nothing to do.
pub(in crate::github) struct Already(Option<Done>);

impl Already {
    pub(in crate::github) fn boxed(done: Done) -> Box<dyn Act> {
        Box::new(Self(Some(done)))
    }
}

impl Act for Already {
    fn next(&mut self, _: Option<&StepOutcome>) -> Next {
        Next::Done(self.0.take().unwrap_or_default())
    }
}

/// An action's inputs, evaluated, with blanks around them gone, as GitHub's toolkit reads them.
pub(in crate::github) struct Inputs {
    given: BTreeMap<String, String>,
    version: String,
}

impl Inputs {
    pub(in crate::github) fn new(given: BTreeMap<String, String>) -> Self {
        Self { given: given.into_iter().map(|(name, text)| (name, text.trim().to_owned())).collect(), version: String::new() }
    }

    /// Of the action in this version.
    #[must_use]
    pub(in crate::github) fn of_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// What stands behind the action's `@`.
    pub(in crate::github) fn version(&self) -> &str {
        &self.version
    }

    /// An input as it is given, be it empty.
    pub(in crate::github) fn given(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// An input that is not empty.
    pub(in crate::github) fn get(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|text| !text.is_empty())
    }

    /// An input, or its default.
    pub(in crate::github) fn or<'t>(&'t self, name: &str, default: &'t str) -> &'t str {
        self.get(name).unwrap_or(default)
    }

    /// `true` or `false`, as YAML 1.2 writes them.
    pub(in crate::github) fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(default),
            Some("true" | "True" | "TRUE") => Ok(true),
            Some("false" | "False" | "FALSE") => Ok(false),
            Some(other) => Err(format!("the input `{name}` is true or false, not `{}`", shown(other))),
        }
    }

    /// The lines of an input that are not empty.
    pub(in crate::github) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.get(name).unwrap_or_default().lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// An input without which nothing can be done.
    pub(in crate::github) fn needed(&self, name: &str) -> Result<&str, String> {
        self.get(name).ok_or_else(|| format!("the input `{name}` is missing"))
    }
}

/// A text as one word of the shell, whatever it holds.
pub(in crate::github) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
