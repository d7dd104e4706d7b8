//! Pushes and merge requests: what options ask for, what is offered, and what whoever waits at the terminal is told.

use penstock_delivery::Parts;
use penstock_delivery::events::ProjectEvent;
use penstock_delivery::merge_requests::event::MergeRequestChange;
use penstock_delivery::merge_requests::{self, Came, options};
use penstock_delivery::orders::OrderError;
use penstock_git::{FOR, Offered, RefUpdate};
use penstock_model::{ProjectName, RepositoryName, RunId, UserName};

use super::planned_words;

fn project_of(parts: &Parts, repository: &RepositoryName) -> Option<ProjectName> {
    parts.journal.world().projects.keys().find(|name| RepositoryName::from((*name).clone()) == *repository).cloned()
}

/// Whether the options of a push can be followed. What a branch asks for is kept until the branch has moved.
pub(super) async fn allowed(
    parts: &Parts,
    repository: &RepositoryName,
    who: &UserName,
    updates: &[RefUpdate],
    given: &[String],
) -> Result<(), Vec<String>> {
    let refuse = |why: String| Err(vec![format!("penstock: {why}")]);
    let Some(project) = project_of(parts, repository) else {
        let odd = !given.is_empty() || updates.iter().any(|update| update.reference.starts_with(FOR));
        return if odd { refuse(format!("{repository} has no merge requests: it is no project's source")) } else { Ok(()) };
    };
    let (offers, others): (Vec<_>, Vec<_>) = updates.iter().partition(|update| update.reference.starts_with(FOR));
    match (offers.len(), others.len()) {
        (0, _) => {}
        (1, 0) => return options::of_offer(given).map(drop).or_else(refuse),
        _ => return refuse("what is offered for a branch is pushed by itself".to_owned()),
    }
    let ask = match options::of_branch(given) {
        Ok(Some(ask)) => ask,
        Ok(None) => return Ok(()),
        Err(why) => return refuse(why),
    };
    let branch = |update: &&RefUpdate| Some((update.reference.strip_prefix("refs/heads/")?.to_owned(), update.new.clone()?));
    let branches: Vec<_> = others.iter().filter_map(branch).collect();
    merge_requests::wish(parts, who, &project, &branches, &ask).await.map_err(|error| said(&error))
}

/// An order's refusal, for the terminal.
fn said(error: &OrderError) -> Vec<String> {
    let mut lines = vec![format!("penstock: {error}")];
    if let OrderError::Refused { hint, .. } = error
        && !hint.is_empty()
    {
        lines.push(format!("penstock: {hint}"));
    }
    lines
}

/// Takes what was pushed to `refs/for/BRANCH`.
pub(super) async fn offered(
    parts: &Parts,
    repository: &RepositoryName,
    who: &UserName,
    updates: Vec<RefUpdate>,
    given: Vec<String>,
) -> (Vec<Offered>, Vec<String>) {
    let (mut results, mut lines) = (Vec::new(), Vec::new());
    for RefUpdate { reference, new, .. } in updates {
        let taken = async {
            let project = project_of(parts, repository).ok_or_else(|| vec!["penstock: the project is gone".to_owned()])?;
            let (Some(rest), Some(commit)) = (reference.strip_prefix(FOR), &new) else { return Err(Vec::new()) };
            let offer = options::of_offer(&given).map_err(|why| vec![format!("penstock: {why}")])?;
            let came = merge_requests::offer(parts, who, &project, rest, commit, offer).await.map_err(|error| said(&error))?;
            Ok((project, came))
        };
        let taken = match taken.await {
            Ok((project, Came { number, before, run })) => {
                lines.push(format!("penstock: merge request {}", address(parts, &project, number)));
                match run {
                    Some(run) => lines.extend(begun(parts, &run).await),
                    None => lines.push("penstock: it has this commit already".to_owned()),
                }
                Ok((merge_requests::reference(number), before))
            }
            Err(why) => {
                lines.extend(why);
                Err("not taken".to_owned())
            }
        };
        results.push(Offered { reference, taken });
    }
    (results, lines)
}

fn address(parts: &Parts, project: &ProjectName, number: u64) -> String {
    format!("{}/projects/{project}/merge-requests/{number}", parts.settings.url)
}

/// What the run of a merge request comes to.
async fn begun(parts: &Parts, run: &RunId) -> Vec<String> {
    let mut lines = vec![format!("penstock: run {}/runs/{run}", parts.settings.url)];
    lines.extend(planned_words(parts, run, "merge request").await);
    let world = parts.journal.world();
    if world.runs.get(run).is_some_and(|record| world.is_outside(record)) {
        lines.push("penstock: it has no secrets until a developer allows this commit".to_owned());
    }
    lines
}

/// What came of the push of a branch or a tag, line by line.
pub(super) async fn answer(parts: &Parts, project: &ProjectName, events: &[ProjectEvent]) -> Vec<String> {
    let mut lines = Vec::new();
    for event in events {
        match event {
            ProjectEvent::Pushed { run, .. } => {
                lines.push(format!("penstock: run {}/runs/{run}", parts.settings.url));
                lines.extend(planned_words(parts, run, "push").await);
            }
            ProjectEvent::MergeRequest { number, change } => {
                let (what, run) = match change {
                    MergeRequestChange::Opened { head, .. } => ("opened", Some(&head.run)),
                    MergeRequestChange::Updated { head } => ("goes on", Some(&head.run)),
                    MergeRequestChange::Edited { .. } => ("is described anew", None),
                    MergeRequestChange::Merged { run, .. } => ("is merged by this", run.as_ref()),
                    _ => continue,
                };
                lines.push(format!("penstock: merge request {} {what}", address(parts, project, *number)));
                if let Some(run) = run {
                    lines.extend(begun(parts, run).await);
                }
            }
            _ => {}
        }
    }
    lines
}
