//! Which runs of a project, and which of their jobs, may be at work beside each other.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::{RunId, Timestamp};
use penstock_pipeline::{Dialect, Run, TurnStep, next_turns};

use crate::world::{ProjectRecord, RunRecord, World};

/// A run that is older than this is left alone by newer pushes, as in GitLab.
const TOO_OLD: Duration = Duration::from_hours(7 * 24);

fn runs<'w>(world: &'w World, project: &'w ProjectRecord) -> impl DoubleEndedIterator<Item = &'w RunRecord> {
    project.runs.iter().filter_map(|id| world.runs.get(id)).map(|record| &**record)
}

/// Turns that should be given or taken now.
pub fn due(world: &World, project: &ProjectRecord) -> Vec<TurnStep> {
    let mut open: BTreeMap<Option<&str>, Vec<&Run>> = BTreeMap::new();
    for record in runs(world, project).filter(|record| record.ended.is_none()) {
        // whoever comes from outside neither waits for others nor has others wait, whatever the groups are called
        let apart = world.is_outside(record).then_some(record.push.reference.as_str());
        open.entry(apart).or_default().extend(record.run.as_ref());
    }
    open.values().flat_map(|open| next_turns(open)).collect()
}

/// Runs that a newer push to their ref makes needless, as far as their files say so.
pub fn redundant(world: &World, project: &ProjectRecord, now: Timestamp) -> Vec<RunId> {
    let is_redundant = |old: &&RunRecord| {
        let pipeline = old.run.as_ref().filter(|run| !run.cancelled_by_newer().is_empty());
        let head = project.refs.get(&old.push.reference) == Some(&old.push.commit);
        let fresh = now.since(old.push.at) < TOO_OLD;
        // a child is as old as the first of its parents
        let root = world.root(old);
        let of_a_push = !root.brings_plan || root.beside.is_some();
        pipeline.is_some() && !head && fresh && of_a_push && runs(world, project).rev().any(|newer| replaces(newer, old, root))
    };
    runs(world, project).filter(|record| record.ended.is_none()).filter(is_redundant).map(|record| record.id.clone()).collect()
}

/// Whether a run is of a newer push to the same ref, and there was one when somebody last took the older one up.
fn replaces(newer: &RunRecord, old: &RunRecord, root: &RunRecord) -> bool {
    let plan = newer.run.as_ref().and_then(Run::plan);
    newer.child_of().is_none()
        && newer.id > root.id
        && newer.push.reference == old.push.reference
        && newer.push.commit != old.push.commit
        && old.taken_up.is_none_or(|at| at < newer.push.at)
        && plan.is_some_and(|plan| plan.dialect == Dialect::GitlabCi && !plan.is_empty())
}
