//! A plan as a graph of indices, made once.

use std::collections::{BTreeMap, HashMap};

use penstock_model::JobName;

use super::calls::CallNode;
use crate::github::Expression;
use crate::plan::{Plan, PlannedJob, Wait};

/// A plan as a graph of indices.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// A job's index by name.
    pub(super) index: HashMap<JobName, usize>,
    /// Jobs in an order in which each comes after what it waits for, cut into stages.
    pub(super) stages: Vec<Vec<usize>>,
    /// What each job names in `needs`.
    pub(super) needs: Vec<Vec<usize>>,
    /// Whether a job waits for all earlier stages.
    pub(super) by_stage: Vec<bool>,
    /// All that a workflow's job comes after, near and far.
    pub(super) ancestors: Vec<Vec<usize>>,
    /// Whether one of these is not in the plan.
    pub(super) misses_ancestor: Vec<bool>,
    /// Jobs by what `needs` calls them: their key in the file, or that of a call that they stand in.
    pub(super) groups: BTreeMap<String, Vec<usize>>,
    /// The groups that each job comes after within the workflow that it stands in, if the plan has calls.
    pub(super) behind: Vec<Vec<String>>,
    /// Calls of other workflows by name.
    pub(super) calls: HashMap<String, CallNode>,
    /// A workflow job's condition, read.
    pub(super) conditions: Vec<Option<Result<Expression, String>>>,
}

impl Graph {
    pub(super) fn of(plan: &Plan) -> Self {
        let jobs = &plan.jobs;
        let index: HashMap<JobName, usize> = jobs.iter().enumerate().map(|(at, job)| (job.name.clone(), at)).collect();
        let needs: Vec<Vec<usize>> = jobs.iter().map(|job| needs_of(job, &index)).collect();
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, job) in jobs.iter().enumerate() {
            groups.entry(job.group.clone()).or_default().push(at);
            for call in plan.chain(job.call.as_deref()) {
                groups.entry(call.group.clone()).or_default().push(at);
            }
        }
        let mut stages = Vec::new();
        for stage in 0..=plan.stages.len() {
            let members: Vec<usize> = (0..jobs.len()).filter(|at| plan.stage_index(&jobs[*at].stage) == stage).collect();
            if !members.is_empty() {
                stages.push(ordered(&members, &needs));
            }
        }
        let mut graph = Self {
            by_stage: jobs.iter().map(|job| job.waits_for.contains(&Wait::EarlierStages)).collect(),
            conditions: jobs
                .iter()
                .map(|job| {
                    job.condition.as_ref().map(|condition| Expression::read(&condition.expression).map_err(|invalid| invalid.message))
                })
                .collect(),
            ancestors: vec![Vec::new(); jobs.len()],
            misses_ancestor: jobs.iter().map(|job| job.needs.iter().any(|key| !groups.contains_key(key))).collect(),
            index,
            stages,
            needs,
            groups,
            behind: Vec::new(),
            calls: HashMap::new(),
        };
        graph.close();
        graph.add_calls(plan);
        graph
    }

    /// Follows `needs` to the end.
    fn close(&mut self) {
        let order: Vec<usize> = self.stages.iter().flatten().copied().collect();
        for at in order {
            let mut reached: Vec<usize> = self.needs[at].clone();
            for need in &self.needs[at] {
                reached.extend_from_slice(&self.ancestors[*need]);
                self.misses_ancestor[at] |= self.misses_ancestor[*need];
            }
            reached.sort_unstable();
            reached.dedup();
            self.ancestors[at] = reached;
        }
    }
}

fn needs_of(job: &PlannedJob, index: &HashMap<JobName, usize>) -> Vec<usize> {
    let named = job.waits_for.iter().filter_map(|wait| match wait {
        Wait::Job { job } => index.get(job).copied(),
        Wait::EarlierStages => None,
    });
    named.collect()
}

/// Members in an order in which each comes after those that it needs. A circle, which no plan has, comes last.
fn ordered(members: &[usize], needs: &[Vec<usize>]) -> Vec<usize> {
    let mut open: HashMap<usize, usize> = HashMap::new();
    let mut needed_by: HashMap<usize, Vec<usize>> = HashMap::new();
    for &at in members {
        let inner: Vec<usize> = needs[at].iter().copied().filter(|need| members.binary_search(need).is_ok()).collect();
        open.insert(at, inner.len());
        for need in inner {
            needed_by.entry(need).or_default().push(at);
        }
    }
    let mut order: Vec<usize> = members.iter().copied().filter(|at| open[at] == 0).collect();
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        next += 1;
        for later in needed_by.remove(&at).unwrap_or_default() {
            if let Some(count) = open.get_mut(&later) {
                *count -= 1;
                if *count == 0 {
                    order.push(later);
                }
            }
        }
    }
    if order.len() < members.len() {
        order.extend(members.iter().copied().filter(|at| open[at] > 0));
    }
    order
}
