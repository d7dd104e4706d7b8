//! Whether each job of a file belongs to the pipeline.

use std::collections::BTreeMap;

use super::job::Draft;
use super::{Facts, only, rules};
use crate::expand::{Expanded, Values};
use crate::plan::Variable;
use crate::reader::Problems;

/// What a variable is worth to rules, and to `only` and `except`, which see it as it is written.
type Worth = (Option<Expanded>, Option<Variable>);

/// What the jobs that one of the file becomes are told by its rules: once for each set of values that these ask for, since they
/// may have to look at every file of the repository.
pub(super) struct Verdicts<'d> {
    draft: &'d Draft,
    ruled: bool,
    names: Vec<&'d str>,
    known: Vec<(Vec<Worth>, rules::Verdict)>,
}

impl<'d> Verdicts<'d> {
    pub(super) fn of(draft: &'d Draft, ruled: bool) -> Self {
        let mut names = draft.rules.as_deref().map(rules::named).unwrap_or_default();
        names.extend(draft.policies.iter().flat_map(only::Policies::named));
        Self { draft, ruled, names, known: Vec::new() }
    }

    pub(super) fn ask(
        &mut self,
        file: [&BTreeMap<String, Variable>; 2],
        facts: Facts<'_>,
        variables: &dyn Values,
        problems: &mut Problems,
    ) -> rules::Verdict {
        let worth: Vec<Worth> = self.names.iter().map(|name| (variables.value(name).cloned(), file[1].get(*name).cloned())).collect();
        if let Some((_, verdict)) = self.known.iter().find(|(known, _)| *known == worth) {
            return verdict.clone();
        }
        let verdict = self.verdict(file, facts, variables, problems);
        self.known.push((worth, verdict.clone()));
        verdict
    }

    /// Whether a job belongs to the pipeline, by its `rules` or else by its `only` and `except`.
    fn verdict(
        &self,
        file: [&BTreeMap<String, Variable>; 2],
        facts: Facts<'_>,
        variables: &dyn Values,
        problems: &mut Problems,
    ) -> rules::Verdict {
        let (draft, event) = (self.draft, facts.event);
        // an `only` that is not there has every branch and every tag, unless `workflow` has rules
        let by_default = !self.ruled && draft.policies.as_ref().is_none_or(|policies| !policies.has_only());
        match (&draft.rules, &draft.policies) {
            (Some(rules), _) => {
                rules::absent(rules, variables, problems);
                rules::ask(rules, facts, variables, problems)
            }
            (None, _) if by_default && event.branch().is_none() && event.tag().is_none() => {
                let why = "without `rules` and `only` it is for branches and tags, and this is a merge request's pipeline";
                rules::Verdict { matched: None, because: vec![format!("{why} (line {})", draft.at.line)] }
            }
            (None, Some(policies)) => {
                let written = only::written(variables, file, event);
                policies.ask(event, &written, problems)
            }
            (None, None) => {
                let because = vec![format!("it has no rules ({})", problems.line(draft.at))];
                rules::Verdict { matched: Some(rules::Matched::default()), because }
            }
        }
    }
}
