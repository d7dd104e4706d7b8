//! Some jobs of a plan instead of all of them, as a person asks for them on the command line.

use std::collections::BTreeSet;

use penstock_model::JobName;
use serde::{Deserialize, Serialize};

use crate::plan::{LeftOut, Plan, PlannedJob, Wait, When};
use crate::reader::distance;

/// The most names that differ a little and are still suggested.
const MAX_DIFFERENCE: usize = 3;

/// What is to run of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Jobs by name, or all jobs of a key of the file; empty is all of them.
    pub jobs: Vec<String>,
    /// Whether the named jobs run alone, without those that they need.
    pub alone: bool,
    /// Manual jobs that are started as soon as they can.
    pub manual: Vec<String>,
}

/// Why nothing was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChosen {
    /// The file has no such job.
    #[error("there is no job `{name}`{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// As it was asked for.
        name: String,
        /// One that is named much like it.
        near: Option<String>,
    },
    /// The plan has it not, and says why.
    #[error("job `{name}` is not in the plan: {}", because.join("; "))]
    LeftOut {
        /// As it was asked for.
        name: String,
        /// Why, each reason with its line.
        because: Vec<String>,
    },
    /// It starts by itself.
    #[error("job `{name}` is not a manual job: it starts by itself")]
    NotManual {
        /// As it was asked for.
        name: String,
    },
}

impl Plan {
    /// The jobs that a name stands for: the one of that name, or all that a key of the file became.
    ///
    /// # Errors
    /// When there are none.
    pub fn named(&self, name: &str) -> Result<Vec<&PlannedJob>, NotChosen> {
        let one = self.jobs.iter().find(|job| job.name.as_str() == name);
        let found: Vec<&PlannedJob> = one.map_or_else(|| self.jobs.iter().filter(|job| job.group == name).collect(), |job| vec![job]);
        if !found.is_empty() {
            return Ok(found);
        }
        match self.without(name) {
            Some(left) => Err(NotChosen::LeftOut { name: name.to_owned(), because: left.because.clone() }),
            None => Err(NotChosen::Unknown { name: name.to_owned(), near: self.near(name) }),
        }
    }

    /// Why a job of the file is not in the plan. A key that was left out whole stands for each job that it would have become.
    pub fn without(&self, name: &str) -> Option<&LeftOut> {
        let of_key = |left: &&LeftOut| {
            let rest = name.strip_prefix(left.name.as_str());
            // `a 1/3`, `a: [x, y]`, `a (x, y)`
            rest.is_some_and(|rest| [" ", ": ["].iter().any(|begin| rest.starts_with(begin)))
        };
        self.left_out.iter().find(|left| left.name == name).or_else(|| self.left_out.iter().find(of_key))
    }

    /// The name that differs least from one that there is not.
    fn near(&self, name: &str) -> Option<String> {
        let jobs = self.jobs.iter().flat_map(|job| [job.name.as_str(), job.group.as_str()]);
        let all = jobs.chain(self.left_out.iter().map(|left| left.name.as_str()));
        let close = all.map(|known| (distance(&known.to_lowercase(), &name.to_lowercase()), known)).min()?;
        (close.0 <= MAX_DIFFERENCE.min(name.chars().count() / 2)).then(|| close.1.to_owned())
    }

    /// Leaves what was chosen in the plan, with what it needs unless it is to run alone, and has the manual jobs that were named
    /// start by themselves.
    ///
    /// # Errors
    /// A name that stands for no job of the plan, or for one that needs no starting; nothing is changed then.
    pub fn select(&mut self, selection: &Selection) -> Result<(), NotChosen> {
        let mut chosen: BTreeSet<JobName> = BTreeSet::new();
        for name in selection.jobs.iter().chain(&selection.manual) {
            chosen.extend(self.named(name)?.into_iter().map(|job| job.name.clone()));
        }
        for name in &selection.manual {
            if self.named(name)?.iter().any(|job| job.when != When::Manual) {
                return Err(NotChosen::NotManual { name: name.clone() });
            }
        }
        for job in self.jobs.iter_mut().filter(|job| chosen.contains(&job.name) && matches!(job.when, When::Manual | When::Delayed)) {
            let when = if job.when == When::Manual { "manual" } else { "delayed" };
            job.because.push(format!("it is {when}, and was asked for by name"));
            job.when = When::OnSuccess;
        }
        if selection.jobs.is_empty() {
            return Ok(());
        }
        let kept = if selection.alone { chosen } else { self.with_needs(chosen) };
        let (jobs, without): (Vec<_>, Vec<_>) = std::mem::take(&mut self.jobs).into_iter().partition(|job| kept.contains(&job.name));
        self.jobs = jobs;
        let because = vec!["it was not asked for".to_owned()];
        self.left_out.extend(without.into_iter().map(|job| LeftOut {
            name: job.name.to_string(),
            line: job.line,
            file: job.file,
            because: because.clone(),
        }));
        for job in &mut self.jobs {
            job.waits_for.retain(|wait| !matches!(wait, Wait::Job { job } if !kept.contains(job)));
            job.artifacts_from.retain(|other| kept.contains(other));
        }
        Ok(())
    }

    /// These jobs and everything that they wait for or get something from.
    fn with_needs(&self, mut chosen: BTreeSet<JobName>) -> BTreeSet<JobName> {
        let mut open: Vec<JobName> = chosen.iter().cloned().collect();
        while let Some(name) = open.pop() {
            let Some(job) = self.job(&name) else { continue };
            for needed in self.upstream(job).into_iter().chain(&job.artifacts_from) {
                if chosen.insert(needed.clone()) {
                    open.push(needed.clone());
                }
            }
        }
        chosen
    }
}
