//! Reading a pipeline file, again and again until every file that it names was found.

use super::Plan;
use crate::input::{Dialect, PushEvent, Source};
use crate::library::{Library, Unplanned};
use crate::project_variables::ProjectVariables;
use crate::reader::Known;

/// Reads a pipeline file for one push. `library` is what was found so far of the files that it names.
///
/// # Errors
/// Files that are still to be looked for; or everything that is wrong, in the order of files and lines: unknown or unsupported
/// keys, wrong values, expressions that do not parse, jobs that wait for each other.
pub fn plan(dialect: Dialect, source: &Source<'_>, event: &PushEvent, library: &Library) -> Result<Plan, Unplanned> {
    Planning::new(dialect, source, event).plan(library)
}

/// [`plan`] for one file and one push, asked again whenever more files were found: those that it read before it does not read
/// again, and its answer is the same as if it had.
#[derive(Debug)]
pub struct Planning<'p> {
    dialect: Dialect,
    source: Source<'p>,
    event: &'p PushEvent,
    known: Known,
}

impl<'p> Planning<'p> {
    /// Nothing was asked yet.
    pub fn new(dialect: Dialect, source: &Source<'p>, event: &'p PushEvent) -> Self {
        Self { dialect, source: *source, event, known: Known::default() }
    }

    /// As [`plan`].
    ///
    /// # Errors
    /// As [`plan`].
    pub fn plan(&mut self, library: &Library) -> Result<Plan, Unplanned> {
        let mut plan = match (crate::skip::plan(self.dialect, &self.source, self.event), self.dialect) {
            (Some(nothing), _) => nothing,
            (None, Dialect::GitlabCi) => crate::gitlab::plan(&self.source, self.event, library, &mut self.known)?,
            (None, Dialect::GithubWorkflow) => crate::github::plan(&self.source, self.event, library, &mut self.known)?,
        };
        // no plan keeps the values of the project's variables
        plan.event.facts.variables = ProjectVariables::default();
        Ok(plan)
    }
}
