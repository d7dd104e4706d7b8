//! A job of the plan, made of what the file says of it and what its rules answered.

use std::collections::BTreeMap;
use std::time::Duration;

use super::job::Draft;
use super::matrix::{Combination, Member};
use super::{include, rules};
use crate::expand::{self, Values};
use crate::plan::{AllowFailure, Matrix, PlannedJob, PlannedStep, Turns, Variable, When};
use crate::reader::{Problems, shown};
use crate::yaml::At;

/// A job's time limit if it says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(1);

/// A job of the plan. `variables` are its own.
pub(super) fn planned(
    member: &Member<'_>,
    mut variables: BTreeMap<String, Variable>,
    matched: rules::Matched,
    turns: Turns,
    because: Vec<String>,
    problems: &Problems,
) -> PlannedJob {
    let draft = member.draft;
    let when = matched.when.or(draft.when).unwrap_or_default();
    // GitLab does not delay what starts a pipeline, whatever its rules say
    let when = if draft.trigger.is_some() && when == When::Delayed { When::OnSuccess } else { when };
    // manual outside of rules may be left alone; manual by a rule blocks unless the rule or the job says otherwise
    let usual = if draft.when == Some(When::Manual) { AllowFailure::Yes } else { AllowFailure::No };
    let allow_failure = matched.allow_failure.or_else(|| draft.allow_failure.clone()).unwrap_or(usual);
    variables.extend(matched.variables);
    let mut artifacts = draft.common.artifacts.clone().unwrap_or_default();
    // as GitLab does: whoever leaves pages need not say it twice
    let named = |folder: &String| artifacts.paths.iter().any(|path| path.trim_end_matches('/') == folder);
    artifacts.paths.extend(draft.pages.clone().filter(|folder| !named(folder)));
    let values = member.combination.iter().flat_map(Combination::values);
    let values: serde_json::Map<_, _> = values.map(|(name, value)| (name.to_owned(), value.into())).collect();
    PlannedJob {
        name: member.name.clone(),
        title: member.name.to_string(),
        group: draft.name.clone(),
        line: draft.at.line,
        file: problems.other_file(draft.at),
        stage: draft.stage.clone(),
        waits_for: Vec::new(),
        needs: Vec::new(),
        when,
        turns,
        condition: None,
        allow_failure,
        retry: draft.common.retry.clone().unwrap_or_default(),
        timeout: draft.common.timeout.unwrap_or(DEFAULT_TIMEOUT),
        image: draft.common.image.clone(),
        services: draft.common.services.clone().unwrap_or_default(),
        permissions: None,
        call: None,
        late: false,
        concurrency: None,
        runs_on: serde_json::Value::Null,
        environment: draft.environment.clone(),
        variables,
        variables_by: None,
        inherited: draft.inherit.variables.clone(),
        id_tokens: draft.common.id_tokens.clone().unwrap_or_default(),
        secrets: draft.secrets.clone(),
        tag_release: draft.release.clone(),
        confirmation: draft.confirmation.clone().filter(|_| when == When::Manual),
        artifacts,
        coverage: draft.coverage.clone(),
        caches: draft.common.caches.clone().unwrap_or_default(),
        trigger: draft.trigger.clone(),
        elsewhere: draft.elsewhere.clone(),
        artifacts_from: Vec::new(),
        outputs: BTreeMap::new(),
        steps: steps(draft),
        matrix: member.place.map(|(index, total)| Matrix { index, total, values, fail_fast: false, max_parallel: None }),
        inputs: Vec::new(),
        because,
    }
}

/// What a job does, in order. One that starts a pipeline runs no script.
fn steps(draft: &Draft) -> Vec<PlannedStep> {
    let mut commands = draft.common.before_script.clone().unwrap_or_default();
    commands.extend(draft.script.iter().cloned());
    let before = draft.common.before_sources.clone().filter(|commands| !commands.is_empty() && draft.trigger.is_none());
    let mut steps: Vec<_> = before.map(|commands| PlannedStep::BeforeSources { commands }).into_iter().collect();
    if draft.trigger.is_none() {
        steps.push(PlannedStep::Script { commands });
    }
    if let Some(commands) = draft.common.after_script.clone().filter(|commands| !commands.is_empty()) {
        steps.push(PlannedStep::AfterScript { commands });
    }
    steps
}

/// The tags of a job, with its variables in them.
pub(super) fn tags(draft: &Draft, variables: &dyn Values, problems: &mut Problems) -> serde_json::Value {
    let tags = draft.common.tags.iter().flatten().map(|tag| unmasked(tag, variables, draft.at, &draft.name, "tags", problems));
    let tags: Vec<String> = tags.filter(|tag| !tag.is_empty()).collect();
    if tags.is_empty() { serde_json::Value::Null } else { tags.into() }
}

/// A text of a job with its variables, which becomes part of the plan: no masked value may be in it.
pub(super) fn unmasked(text: &str, variables: &dyn Values, at: At, job: &str, key: &str, problems: &mut Problems) -> String {
    let expanded = expand::expand(text, variables);
    if expanded.secret {
        let message = format!("`{}` has a masked variable in it, and plans show it", shown(text));
        problems.add(at, &format!("{job}.{key}"), message, include::UNMASK);
    }
    expanded.shown().to_owned()
}

/// Bytes of text that a job carries into the plan.
pub(super) fn weight(draft: &Draft, own: &BTreeMap<String, Variable>) -> usize {
    let scripts = [
        Some(&draft.script),
        draft.common.before_script.as_ref(),
        draft.common.after_script.as_ref(),
        draft.common.before_sources.as_ref(),
    ];
    let scripts: usize = scripts.into_iter().flatten().flatten().map(String::len).sum();
    let includes = draft.trigger.as_ref().map_or(0, |trigger| format!("{:?}", trigger.downstream).len());
    scripts + includes + own.iter().map(|(name, variable)| name.len() + variable.value.len()).sum::<usize>() + 1024
}
