//! Many jobs of one group as one box, so that a large matrix is a picture and what failed of it stands out.

use std::collections::{BTreeMap, BTreeSet};

use penstock_api::JobView;
use penstock_model::JobName;

/// With so many jobs every one has a box of its own.
const FEW: usize = 40;
/// So many of one group, or more, become one box.
const ALIKE: usize = 4;

/// The jobs as boxes. Those of a group that stand alike become one; what failed keeps its own.
pub(super) fn fold(jobs: &[JobView]) -> Vec<JobView> {
    if jobs.len() <= FEW {
        return jobs.to_vec();
    }
    let mut alike: BTreeMap<(&str, &str, &str), Vec<&JobView>> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.status != "failed" && !job.group.is_empty()) {
        alike.entry((&job.stage, &job.group, &job.status)).or_default().push(job);
    }
    let mut taken: BTreeMap<&JobName, JobName> = BTreeMap::new();
    for ((_, group, status), members) in alike.iter().filter(|(_, members)| members.len() >= ALIKE) {
        // two boxes of one group differ by how they stand
        let mut names = [format!("{} × {group}", members.len()), format!("{} × {group}: {status}", members.len())].into_iter();
        let free = |name: &JobName| jobs.iter().all(|job| job.name != *name) && taken.values().all(|other| other != name);
        let name = names.find_map(|name| name.parse::<JobName>().ok().filter(free));
        if let Some(name) = name {
            taken.extend(members.iter().map(|job| (&job.name, name.clone())));
        }
    }
    let mut boxes: Vec<JobView> = Vec::new();
    let mut made: BTreeMap<&JobName, usize> = BTreeMap::new();
    for job in jobs {
        let needs = job.needs.iter().map(|need| taken.get(need).unwrap_or(need).clone()).collect::<BTreeSet<_>>();
        let name = taken.get(&job.name);
        if let Some(at) = name.and_then(|name| made.get(name)) {
            let needs: BTreeSet<_> = boxes[*at].needs.drain(..).chain(needs).collect();
            boxes[*at].needs = needs.into_iter().collect();
            continue;
        }
        made.extend(name.map(|name| (name, boxes.len())));
        boxes.push(JobView { name: name.unwrap_or(&job.name).clone(), needs: needs.into_iter().collect(), ..job.clone() });
    }
    // members that need each other must not make a box that needs itself
    for one in &mut boxes {
        one.needs.retain(|need| *need != one.name);
    }
    if has_end(&boxes) { boxes } else { jobs.to_vec() }
}

/// Whether no box waits for itself by way of others.
fn has_end(boxes: &[JobView]) -> bool {
    let mut left: BTreeMap<&JobName, &JobView> = boxes.iter().map(|one| (&one.name, one)).collect();
    loop {
        let free: Vec<&JobName> =
            left.values().filter(|one| one.needs.iter().all(|need| !left.contains_key(need))).map(|one| &one.name).collect();
        if free.is_empty() {
            return left.is_empty();
        }
        left.retain(|name, _| !free.contains(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, group: &str, status: &str, needs: &[&str]) -> JobView {
        let name = serde_json::json!({
            "name": name, "group": group, "stage": "test", "status": status, "needs": needs, "attempt": 1, "started": null, "ended": null,
            "message": "", "allow_failure": false, "because": [], "artifacts": null,
        });
        serde_json::from_value(name).unwrap()
    }

    #[test]
    fn a_large_matrix_is_one_box_and_what_failed_of_it_another() {
        let mut jobs: Vec<_> = (1..=100).map(|n| job(&format!("test {n}/100"), "test", "success", &["build"])).collect();
        "failed".clone_into(&mut jobs[41].status);
        jobs.insert(0, job("build", "build", "success", &[]));
        let all: Vec<_> = jobs.iter().skip(1).map(|job| job.name.as_str().to_owned()).collect();
        jobs.push(job("report", "report", "skipped", &all.iter().map(String::as_str).collect::<Vec<_>>()));
        let boxes = fold(&jobs);
        let seen: Vec<_> = boxes.iter().map(|one| (one.name.as_str(), one.needs.iter().map(JobName::as_str).collect::<Vec<_>>())).collect();
        let expected =
            [("build", vec![]), ("99 × test", vec!["build"]), ("test 42/100", vec!["build"]), ("report", vec!["99 × test", "test 42/100"])];
        assert_eq!(seen, expected);
    }

    #[test]
    fn groups_that_wait_for_each_other_are_left_as_they_are() {
        let mut jobs: Vec<_> = (0..50).map(|n| job(&format!("a {n}"), "a", "success", &[])).collect();
        jobs.extend((0..50).map(|n| job(&format!("b {n}"), "b", "success", &["a 0"])));
        jobs[1].needs = vec!["b 0".parse().unwrap()];
        assert_eq!(fold(&jobs).len(), jobs.len());
    }

    #[test]
    fn few_jobs_have_a_box_each() {
        let jobs: Vec<_> = (0..FEW).map(|n| job(&format!("t {n}"), "t", "success", &[])).collect();
        assert_eq!(fold(&jobs).len(), FEW);
    }
}
