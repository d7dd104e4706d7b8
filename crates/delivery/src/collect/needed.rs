//! What is needed still: a pure look at the world, so that it can be said in tables what stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use penstock_model::evidence::{Evidence, Subject, predicate};
use penstock_model::release::{ImageRef, ReleaseId};
use penstock_model::{CommitId, Digest, EnvironmentName, ProjectName, RunId, Timestamp};
use penstock_trust::predicate::Import;
use serde_json::Value;

use crate::wanted::{Effect, wanted};
use crate::world::{ReleaseRecord, RunRecord, WayBack, World};

/// What goes on is younger than this: nothing that was stored or pushed more recently is ever collected, whoever may have
/// meant to count on it.
pub const MIN_AGE: Duration = Duration::from_secs(60 * 60);
/// How many releases an environment keeps that it took in full: the one that it runs and the one to go back to.
const DELIVERED: usize = 2;

/// What is to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Releases that an environment runs or can go back to, that are on their way, or that are young.
    pub releases: BTreeSet<ReleaseId>,
    /// Runs that are under way, young, or made such a release: their logs and artifacts stay.
    pub runs: BTreeSet<RunId>,
    /// Images of these, images that run whatever the log says, and images that somebody let in.
    pub images: BTreeSet<ImageRef>,
    /// Blobs that the log names: every statement and bill of materials, what these runs left, and what statements on these
    /// speak of.
    pub blobs: BTreeSet<Digest>,
    /// Tags that a run put on its images and that keep nothing by themselves, because no run of the commit is kept.
    pub spent: BTreeMap<ProjectName, BTreeSet<String>>,
    /// Commits whose checkouts tools may be looking at.
    pub sources: BTreeSet<(ProjectName, CommitId)>,
    /// What the young are younger than.
    pub since: Timestamp,
}

/// Says what is to stay. `running` are images that containers and manifests name; what is younger than `keep` stays.
///
/// Statements stay for ever: they are small, the log names each, and whoever verifies the log verifies them all.
pub fn needed(world: &World, running: &BTreeSet<ImageRef>, now: Timestamp, keep: Duration) -> Needed {
    let millis = i64::try_from(keep.max(MIN_AGE).as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp(now.0.saturating_sub(millis));
    let mut needed = Needed { since, ..Needed::default() };
    needed.releases = releases_of(world, since);
    let made: BTreeSet<&RunId> = needed.releases.iter().filter_map(|id| Some(&world.releases.get(id)?.run)).collect();
    let kept = world.runs.values().filter(|record| is_under_way(record) || is_young(record, since));
    needed.runs = kept.map(|record| &record.id).chain(made).cloned().chain(to_be_released(world, now)).collect();
    // of parents and children all are kept, or none
    let roots: BTreeSet<&RunId> = needed.runs.iter().filter_map(|run| Some(&world.root(world.runs.get(run)?).id)).collect();
    let family = world.runs.values().filter(|record| record.child_of().is_some() || world.starts.contains_key(&record.id));
    let family: Vec<RunId> = family.filter(|record| roots.contains(&world.root(record).id)).map(|record| record.id.clone()).collect();
    needed.runs.extend(family);
    needed.images = images(world, &needed, now);
    needed.images.extend(running.iter().cloned());
    needed.blobs = blobs(world, &needed, now);
    needed.spent = spent(world, &needed);
    let busy = world.runs.values().filter(|record| is_under_way(record));
    needed.sources = busy.map(|record| (record.project.clone(), record.push.commit.clone())).collect();
    needed
}

/// Runs that are over and whose images are about to become a release.
fn to_be_released(world: &World, now: Timestamp) -> BTreeSet<RunId> {
    let effects = wanted(world, now).effects.into_iter();
    effects.filter_map(|effect| if let Effect::Release { run } = effect { Some(run) } else { None }).collect()
}

fn releases_of(world: &World, since: Timestamp) -> BTreeSet<ReleaseId> {
    let young = world.releases.values().filter(|record| record.created >= since);
    let mut releases: BTreeSet<ReleaseId> = young.map(|record| record.id).collect();
    for project in world.projects.keys() {
        releases.extend(world.releases_of(project).next().map(|record| record.id));
        for environment in environments(world, project) {
            releases.extend(in_environment(world, project, &environment).into_iter().map(|(record, _)| record.id));
        }
        let config = world.config(project);
        for environment in config.iter().flat_map(|config| &config.environments) {
            use crate::world::ReleaseStep::{Allowed, AtGate, AwaitingApproval, Checking, GateRefused, RollingOut};
            let on_its_way = |record: &&std::sync::Arc<ReleaseRecord>| {
                matches!(world.step(record, environment), AtGate | GateRefused | AwaitingApproval | Allowed | RollingOut | Checking)
            };
            releases.extend(world.releases_of(project).filter(on_its_way).map(|record| record.id));
        }
    }
    releases
}

/// Environments that the config repository names, and those that a release was ever in.
fn environments(world: &World, project: &ProjectName) -> BTreeSet<EnvironmentName> {
    let configured = world.config(project).map(|config| config.environments.clone()).unwrap_or_default();
    let visited = world.releases_of(project).flat_map(|record| record.environments.keys().cloned());
    configured.into_iter().map(|environment| environment.name).chain(visited).collect()
}

/// Releases in an environment that are needed there, newest first: back to the second that it took in full, without those
/// that were taken back out; and every one that is being taken back out.
fn in_environment<'a>(
    world: &'a World,
    project: &ProjectName,
    environment: &EnvironmentName,
) -> Vec<(&'a ReleaseRecord, &'a crate::world::EnvironmentState)> {
    let mut there: Vec<_> = world
        .releases_of(project)
        .filter_map(|record| Some((&**record, record.environments.get(environment)?)))
        .filter(|(_, state)| state.committed_at.is_some() || state.refused.is_some())
        .filter(|(_, state)| !matches!(state.way_back, Some(WayBack::Reverted { .. })))
        .collect();
    there.sort_by_key(|(_, state)| std::cmp::Reverse(state.committed_at));
    let mut delivered = 0;
    there.retain(|(_, state)| {
        let keeps = delivered < DELIVERED || state.refused.is_some();
        if state.delivered_at.is_some() && state.refused.is_none() {
            delivered += 1;
        }
        keeps
    });
    there
}

/// Commits of the config repository whose manifests an environment runs, or comes back to on its way back.
pub fn commits_in_force(world: &World) -> BTreeSet<(ProjectName, EnvironmentName, CommitId)> {
    let mut commits = BTreeSet::new();
    for project in world.projects.values() {
        let head = project.config.as_ref().map(|seen| seen.commit.clone());
        for environment in environments(world, &project.name) {
            let there = in_environment(world, &project.name, &environment);
            // an environment that has nothing yet asks for nothing
            let head = head.clone().filter(|_| !there.is_empty());
            let written = there.iter().flat_map(|(_, state)| state.commit.iter().chain(&state.previous).cloned());
            commits.extend(written.chain(head).map(|commit| (project.name.clone(), environment.clone(), commit)));
        }
    }
    commits
}

fn is_under_way(record: &RunRecord) -> bool {
    record.rejected.is_none() && record.ended.is_none()
}

fn is_young(record: &RunRecord, since: Timestamp) -> bool {
    record.push.at >= since || record.ended.is_some_and(|ended| ended >= since)
}

fn images(world: &World, needed: &Needed, now: Timestamp) -> BTreeSet<ImageRef> {
    let of_releases = needed.releases.iter().filter_map(|id| world.releases.get(id)).flat_map(|record| record.release.images.iter());
    let of_runs = needed.runs.iter().filter_map(|id| world.runs.get(id)).flat_map(|record| &record.images);
    let of_runs = of_runs.map(|(name, image)| (name, &image.digest));
    let made = of_releases.chain(of_runs).map(|(name, digest)| ImageRef { name: name.clone(), digest: *digest });
    let let_in = world.evidence.values().flat_map(|record| &record.by_subject).filter_map(|(subject, said)| match subject {
        Subject::Image(image) if said.iter().any(|said| lets_in(said, now)) => Some(image.clone()),
        _ => None,
    });
    made.chain(let_in).collect()
}

fn lets_in(said: &Evidence, now: Timestamp) -> bool {
    let import = || serde_json::from_value::<Import>(said.predicate.clone()).ok();
    said.predicate_type == predicate::IMPORT && import().is_some_and(|import| import.expires.is_none_or(|expires| expires > now))
}

fn blobs(world: &World, needed: &Needed, now: Timestamp) -> BTreeSet<Digest> {
    let commits: BTreeSet<&CommitId> = commits(world, needed).map(|(_, commit)| commit).collect();
    let mut blobs = BTreeSet::new();
    for record in world.runs.values() {
        let (kept, busy) = (needed.runs.contains(&record.id), is_under_way(record));
        let stays = |digest: &&Digest| match record.left_until.get(*digest) {
            // a job that is still to come may want them
            Some(until) => busy || *until > now,
            None => kept,
        };
        blobs.extend(record.left.iter().filter(stays).copied());
    }
    for record in world.evidence.values() {
        blobs.extend(record.keys.values());
        for (subject, said) in &record.by_subject {
            let about = match subject {
                Subject::Release(id) => needed.releases.contains(id),
                Subject::Commit(commit) => commits.contains(commit),
                Subject::Image(image) => needed.images.contains(image),
            };
            for said in said {
                blobs.insert(said.envelope);
                // a bill of materials is written once for an image, and counts when the image is built again
                if about
                    || said.predicate_type == predicate::SPDX
                    || record.runs.get(&said.envelope).is_some_and(|run| needed.runs.contains(run))
                {
                    digests_in(&said.predicate, &mut blobs);
                }
            }
        }
    }
    blobs
}

/// Every digest that a statement speaks of: reports, SARIF, large bills of materials. That some name no blob costs nothing.
fn digests_in(value: &Value, found: &mut BTreeSet<Digest>) {
    match value {
        Value::String(text) => found.extend(text.parse::<Digest>().ok()),
        Value::Array(items) => items.iter().for_each(|item| digests_in(item, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    // in-toto's way of writing one
                    Value::String(hex) if name == "sha256" => found.extend(format!("sha256:{hex}").parse::<Digest>().ok()),
                    field => digests_in(field, found),
                }
            }
        }
        _ => {}
    }
}

/// Commits of what is needed, with their projects.
fn commits<'a>(world: &'a World, needed: &'a Needed) -> impl Iterator<Item = (&'a ProjectName, &'a CommitId)> {
    let of_runs = needed.runs.iter().filter_map(|run| world.runs.get(run)).map(|record| (&record.project, &record.push.commit));
    let of_releases = needed.releases.iter().filter_map(|id| world.releases.get(id));
    of_runs.chain(of_releases.map(|record| (&record.release.project, &record.release.commit)))
}

fn spent(world: &World, needed: &Needed) -> BTreeMap<ProjectName, BTreeSet<String>> {
    let kept: BTreeSet<_> = commits(world, needed).collect();
    let mut spent: BTreeMap<ProjectName, BTreeSet<String>> = BTreeMap::new();
    for record in world.runs.values().filter(|record| !kept.contains(&(&record.project, &record.push.commit))) {
        spent.entry(record.project.clone()).or_default().insert(record.push.commit.to_string());
    }
    spent
}
