//! The variables that a job, its rules and `workflow` can see.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Global;
use super::matrix::Member;
use crate::env::predefined;
use crate::expand::{self, Expanded, Over, Raw, Scope};
use crate::input::PushEvent;
use crate::plan::Variable;
use crate::reader::Problems;
use crate::yaml::At;

/// The most variables that a job may see.
const MAX_VARIABLES: usize = 1000;

/// The variables that a job's rules can see, unless they cannot be expanded. `own` are the job's.
pub(super) fn seen<'b>(
    member: &Member<'_>,
    own: &BTreeMap<String, Variable>,
    inherited: &BTreeMap<String, Variable>,
    global: &Global,
    base: &'b BTreeMap<String, Expanded>,
    event: &PushEvent,
    problems: &mut Problems,
) -> Option<Over<'b>> {
    let draft = member.draft;
    let place = |name: &str| {
        let outer = || draft.variable_places.get(name).or_else(|| global.variable_places.get(name)).copied();
        member.place_of(name).or_else(outer).unwrap_or(draft.at)
    };
    covered(&draft.variables, &[inherited], base, &place, &format!("{}.variables", draft.name), problems);
    if let Some(combination) = &member.combination {
        covered(&combination.variables(), &[inherited], base, &place, &format!("{}.parallel.matrix", draft.name), problems);
    }
    let of_job = predefined::of_job(member.name.as_str(), &draft.stage, draft.environment.as_ref(), member.place);
    let for_environment = |name: Option<&str>| scope(inherited, own, of_job.clone(), base, event, name).and_then(|scope| scope.expand());
    let variables = match &draft.environment {
        // its name is made of what is for all
        Some(environment) if event.facts.variables.are_scoped() => {
            for_environment(None).and_then(|known| for_environment(Some(&expand::expand(&environment.name, &known).text)))
        }
        _ => for_environment(None),
    };
    match variables {
        Ok(variables) => Some(variables),
        Err(unexpandable) => {
            let (name, message, help) = unexpandable.explain();
            let mapping = if member.place_of(name).is_some() { "parallel.matrix" } else { "variables" };
            problems.add(place(name), &format!("{}.{mapping}.{name}", draft.name), message, help);
            None
        }
    }
}

/// The file's variables as far as a job inherits them; `None` is all.
pub(super) fn inherited<'v>(variables: &'v BTreeMap<String, Variable>, names: Option<&[String]>) -> Cow<'v, BTreeMap<String, Variable>> {
    let Some(names) = names else { return Cow::Borrowed(variables) };
    let chosen = variables.iter().filter(|(name, _)| names.contains(name));
    Cow::Owned(chosen.map(|(name, variable)| (name.clone(), variable.clone())).collect())
}

/// Everything that `rules` can see of what a job that names this environment sees: of the push, of a job if they are a job's, of the file, of the project.
pub(super) fn scope<'b>(
    inherited: &BTreeMap<String, Variable>,
    own: &BTreeMap<String, Variable>,
    of_job: Vec<(String, Raw)>,
    base: &'b BTreeMap<String, Expanded>,
    event: &PushEvent,
    environment: Option<&str>,
) -> Result<Scope<'b>, expand::Unexpandable> {
    let mut scope = Scope::over(base);
    for (name, raw) in of_job {
        scope.set(name, raw);
    }
    scope.variables(inherited);
    scope.variables(own);
    for (name, variable) in event.facts.variables.reaching(environment) {
        scope.set(name, variable.raw());
    }
    for (name, value) in &event.variables {
        scope.set(name.clone(), Raw::Template(value.clone()));
    }
    scope.variables(&event.given);
    if scope.len() > MAX_VARIABLES { Err(expand::Unexpandable::Many(MAX_VARIABLES)) } else { Ok(scope) }
}

/// A variable that names itself and covers nothing would be empty, which nobody means who writes `PATH: /opt/bin:$PATH`.
pub(super) fn covered(
    own: &BTreeMap<String, Variable>,
    below: &[&BTreeMap<String, Variable>],
    base: &BTreeMap<String, Expanded>,
    place: &dyn Fn(&str) -> At,
    path: &str,
    problems: &mut Problems,
) {
    for (name, variable) in own {
        let known = below.iter().any(|layer| layer.contains_key(name)) || base.contains_key(name);
        if variable.expand && !known && expand::names(&variable.value).any(|other| other == name) {
            let message =
                format!("`{name}` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `{name}`");
            problems.add(place(name), &format!("{path}.{name}"), message, format!("set it in `before_script`: `export {name}=…`"));
        }
    }
}
