//! What the jobs of a workflow wait for.

use std::collections::{HashMap, HashSet};

use penstock_model::JobName;

use super::job::Draft;
use crate::plan::{Plan, Wait};
use crate::reader::{Problems, shown};

/// Checks that every job that is needed is there, and that none needs itself in the end.
pub(super) fn check(drafts: &[Draft<'_>], problems: &mut Problems) {
    let known: HashMap<&str, &Draft<'_>> = drafts.iter().map(|draft| (draft.key.as_str(), draft)).collect();
    for draft in drafts {
        for (need, at) in draft.needs.iter().filter(|(need, _)| !known.contains_key(need.as_str())) {
            problems.add(*at, &format!("jobs.{}.needs", draft.key), format!("there is no job `{}`", shown(need)), "look at its spelling");
        }
    }
    // take away, again and again, the jobs that need nothing that is left; what stays needs itself in the end
    let mut left: HashSet<&str> = known.keys().copied().collect();
    loop {
        let open: HashSet<&str> =
            left.iter().copied().filter(|key| known[key].needs.iter().any(|(need, _)| left.contains(need.as_str()))).collect();
        if open.len() == left.len() {
            break;
        }
        left = open;
    }
    let Some(first) = drafts.iter().find(|draft| left.contains(draft.key.as_str())) else { return };
    let mut chain = vec![first.key.as_str()];
    while let Some(draft) = chain.last().and_then(|key| known.get(key)) {
        let Some((need, _)) = draft.needs.iter().find(|(need, _)| left.contains(need.as_str())) else { break };
        let closed = chain.iter().position(|key| key == need);
        chain.push(need);
        if let Some(start) = closed {
            chain.drain(..start);
            break;
        }
    }
    let message = format!("jobs need each other in a circle: {}", chain.join(" -> "));
    problems.add(first.at, &format!("jobs.{}.needs", first.key), message, "take one of these out");
}

/// Settles what each job waits for: what it needs, and what the calls need by which it is called.
pub(super) fn settle(plan: &mut Plan) {
    let mut groups: HashMap<&str, Vec<&JobName>> = HashMap::new();
    for job in &plan.jobs {
        groups.entry(&job.group).or_default().push(&job.name);
        for call in plan.chain(job.call.as_deref()) {
            groups.entry(&call.group).or_default().push(&job.name);
        }
    }
    let waits: Vec<Vec<Wait>> = plan
        .jobs
        .iter()
        .map(|job| {
            let mut seen = HashSet::new();
            let own = job.needs.iter();
            let outer = plan.chain(job.call.as_deref()).flat_map(|call| &call.needs);
            let names = own.chain(outer).filter_map(|group| groups.get(group.as_str())).flatten();
            names.filter(|name| seen.insert(**name)).map(|name| Wait::Job { job: (*name).clone() }).collect()
        })
        .collect();
    for (job, waits) in plan.jobs.iter_mut().zip(waits) {
        job.waits_for = waits;
    }
}
