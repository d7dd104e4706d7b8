//! What each job waits for, once it is settled which jobs there are.

use std::collections::{BTreeMap, HashMap};

use penstock_model::JobName;

use super::job::Draft;
use crate::plan::{PlannedJob, Wait};
use crate::reader::{Problems, shown};

/// The jobs of the file that are in the plan, by their key in the file.
type Groups<'j> = BTreeMap<&'j str, Vec<&'j JobName>>;

/// Settles `waits_for` and `artifacts_from` of each job. `drafts` are all jobs of the file by name.
pub(super) fn settle(jobs: &mut [PlannedJob], drafts: &HashMap<&str, &Draft>, stages: &[String], problems: &mut Problems) {
    let before: Vec<PlannedJob> = jobs.to_vec();
    let mut groups: Groups<'_> = BTreeMap::new();
    for job in &before {
        groups.entry(&job.group).or_default().push(&job.name);
    }
    let place: HashMap<&str, usize> = stages.iter().enumerate().map(|(index, stage)| (stage.as_str(), index)).collect();
    let leaving: Vec<(&PlannedJob, usize)> = before
        .iter()
        .filter(|job| !job.artifacts.paths.is_empty() || !job.artifacts.dotenv.is_empty())
        .map(|job| (job, place.get(job.stage.as_str()).copied().unwrap_or(0)))
        .collect();
    for job in jobs.iter_mut() {
        let Some(draft) = drafts.get(job.group.as_str()) else { continue };
        let own = place.get(draft.stage.as_str()).copied().unwrap_or(0);
        match &draft.needs {
            None => {
                job.waits_for = vec![Wait::EarlierStages];
                job.artifacts_from = leaving.iter().filter(|(_, stage)| *stage < own).map(|(job, _)| job.name.clone()).collect();
            }
            Some(_) => needed(job, draft, own, &Known { groups: &groups, drafts, place: &place }, problems),
        }
        if let Some(dependencies) = &draft.dependencies {
            depended(job, draft, own, dependencies, &Known { groups: &groups, drafts, place: &place }, problems);
        }
    }
    circles(drafts, problems);
}

struct Known<'k> {
    groups: &'k Groups<'k>,
    drafts: &'k HashMap<&'k str, &'k Draft>,
    place: &'k HashMap<&'k str, usize>,
}

fn needed(job: &mut PlannedJob, draft: &Draft, own: usize, known: &Known<'_>, problems: &mut Problems) {
    let path = format!("{}.needs", draft.name);
    for need in draft.needs.iter().flatten() {
        let Some(other) = known.drafts.get(need.job.as_str()) else {
            if !need.optional {
                problems.add(
                    need.at,
                    &path,
                    format!("there is no job `{}`", shown(&need.job)),
                    "look at its spelling; hidden jobs cannot be needed",
                );
            }
            continue;
        };
        if known.place.get(other.stage.as_str()).is_some_and(|stage| *stage > own) {
            let message = format!("`{}` is in the later stage `{}`", shown(&need.job), shown(&other.stage));
            problems.add(need.at, &path, message, "a job can need jobs of its own and of earlier stages");
        }
        match known.groups.get(need.job.as_str()) {
            Some(names) => {
                job.waits_for.extend(names.iter().map(|name| Wait::Job { job: (*name).clone() }));
                if need.artifacts {
                    job.artifacts_from.extend(names.iter().map(|name| (*name).clone()));
                }
            }
            None if need.optional => {}
            None => {
                let message = format!("`{}` is needed and its rules leave it out of this pipeline", shown(&need.job));
                problems.add(need.at, &path, message, "give both the same rules, or write `- {job: …, optional: true}`");
            }
        }
    }
    job.waits_for.dedup();
}

fn depended(
    job: &mut PlannedJob,
    draft: &Draft,
    own: usize,
    dependencies: &[(String, crate::yaml::At)],
    known: &Known<'_>,
    problems: &mut Problems,
) {
    let path = format!("{}.dependencies", draft.name);
    for (name, at) in dependencies {
        let Some(other) = known.drafts.get(name.as_str()) else {
            problems.add(*at, &path, format!("there is no job `{}`", shown(name)), "look at its spelling");
            continue;
        };
        let earlier = known.place.get(other.stage.as_str()).is_some_and(|stage| *stage < own);
        let waited_for = match &draft.needs {
            Some(needs) => needs.iter().any(|need| need.job == *name),
            None => earlier,
        };
        if !waited_for {
            problems.add(
                *at,
                &path,
                format!("the job does not wait for `{}`", shown(name)),
                "name a job of an earlier stage, or one of `needs`",
            );
        }
    }
    let wanted: Vec<&JobName> = dependencies.iter().filter_map(|(name, _)| known.groups.get(name.as_str())).flatten().copied().collect();
    job.artifacts_from.retain(|name| wanted.contains(&name));
}

/// Jobs that need each other. Stages cannot make a circle: what a job needs is never in a later one.
fn circles(drafts: &HashMap<&str, &Draft>, problems: &mut Problems) {
    let mut done: HashMap<&str, bool> = HashMap::new();
    let mut names: Vec<(&str, &Draft)> = drafts.iter().map(|(name, draft)| (*name, *draft)).collect();
    names.sort_by_key(|(_, draft)| draft.at);
    for (name, _) in names {
        // an explicit stack: a file may chain more jobs than a thread's stack has room for
        let mut open: Vec<(&str, usize)> = vec![(name, 0)];
        while let Some((name, next)) = open.pop() {
            if next == 0 && done.insert(name, false) == Some(true) {
                done.insert(name, true);
                continue;
            }
            let needs = drafts.get(name).and_then(|draft| draft.needs.as_deref()).unwrap_or_default();
            let Some(need) = needs.get(next) else {
                done.insert(name, true);
                continue;
            };
            open.push((name, next + 1));
            if let Some(start) = open.iter().position(|(other, _)| *other == need.job) {
                let chain: Vec<&str> = open[start..].iter().map(|(name, _)| *name).chain([need.job.as_str()]).collect();
                problems.add(
                    need.at,
                    &format!("{name}.needs"),
                    format!("jobs need each other in a circle: {}", chain.join(" -> ")),
                    "take one of these out",
                );
                return;
            }
            if let Some((other, _)) = drafts.get_key_value(need.job.as_str())
                && done.get(other) != Some(&true)
            {
                open.push((other, 0));
            }
        }
    }
}
