//! A runner whose steps are a function.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use penstock_model::blob::{Channel, LogLine, LogSink};
use penstock_model::job::{
    AttemptId, EnvValue, JobEnd, JobReport, JobRunner, JobSpec, NextStep, RunnerError, StepOutcome, StepSource, StepSpec,
};
use penstock_model::release::ImageRef;
use penstock_model::{JobName, ProjectName, Secret, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::held;

/// A step that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The step.
    pub step: StepSpec,
}

type Step = dyn Fn(&AttemptId, &StepSpec) -> StepOutcome + Send + Sync;
type Finish = dyn Fn(&AttemptId, &mut JobReport) + Send + Sync;

/// A runner that carries steps out by calling a function.
pub struct FakeRunner {
    step: Box<Step>,
    finish: Box<Finish>,
    ran: Mutex<Vec<Ran>>,
    attempts: Mutex<Vec<AttemptId>>,
    broken: Mutex<BTreeMap<String, String>>,
    envs: Mutex<BTreeMap<AttemptId, BTreeMap<String, EnvValue>>>,
    files: Mutex<BTreeMap<AttemptId, BTreeMap<String, Secret>>>,
}

impl Default for FakeRunner {
    /// Every step succeeds.
    fn default() -> Self {
        Self::new(|_, _| StepOutcome::exited(0))
    }
}

impl FakeRunner {
    /// Steps end as the function says.
    pub fn new(step: impl Fn(&AttemptId, &StepSpec) -> StepOutcome + Send + Sync + 'static) -> Self {
        Self {
            step: Box::new(step),
            finish: Box::new(|_, _| {}),
            ran: Mutex::default(),
            attempts: Mutex::default(),
            broken: Mutex::default(),
            envs: Mutex::default(),
            files: Mutex::default(),
        }
    }

    /// Lets a function add reports and artifacts to what an attempt leaves.
    #[must_use]
    pub fn leaving(mut self, finish: impl Fn(&AttemptId, &mut JobReport) + Send + Sync + 'static) -> Self {
        self.finish = Box::new(finish);
        self
    }

    /// Fails attempts of a job as the system does, from now on.
    pub fn break_job(&self, job: &str, why: &str) {
        held(&self.broken).insert(job.to_owned(), why.to_owned());
    }

    /// No longer.
    pub fn mend_job(&self, job: &str) {
        held(&self.broken).remove(job);
    }

    /// Steps that were carried out, in order.
    pub fn ran(&self) -> Vec<Ran> {
        held(&self.ran).clone()
    }

    /// The variables that an attempt was given, if it was begun.
    pub fn env(&self, attempt: &AttemptId) -> Option<BTreeMap<String, EnvValue>> {
        held(&self.envs).get(attempt).cloned()
    }

    /// The files of variables that an attempt was given, if it was begun.
    pub fn files(&self, attempt: &AttemptId) -> Option<BTreeMap<String, Secret>> {
        held(&self.files).get(attempt).cloned()
    }

    /// Attempts that were begun, in order.
    pub fn attempts(&self) -> Vec<AttemptId> {
        held(&self.attempts).clone()
    }
}

#[async_trait]
impl JobRunner for FakeRunner {
    async fn end_orphans(&self) -> Result<u32, RunnerError> {
        Ok(0)
    }

    fn workspace(&self, project: &ProjectName, job: &JobName, _image: Option<&ImageRef>) -> String {
        format!("/builds/{project}/{job}")
    }

    async fn run(
        &self,
        spec: JobSpec,
        mut steps: Box<dyn StepSource>,
        log: Arc<dyn LogSink>,
        cancel: CancellationToken,
    ) -> Result<JobReport, RunnerError> {
        held(&self.attempts).push(spec.id.clone());
        held(&self.envs).insert(spec.id.clone(), spec.env.clone());
        held(&self.files).insert(spec.id.clone(), spec.files.clone());
        let broken = held(&self.broken).get(spec.id.job.as_str()).cloned();
        let mut last: Option<StepOutcome> = None;
        let end = if let Some(why) = broken {
            JobEnd::SystemFailure { why }
        } else {
            loop {
                match steps.next(last.as_ref(), cancel.is_cancelled()) {
                    NextStep::Run(step) => {
                        let line = LogLine { at: Timestamp(0), channel: Channel::Out, text: format!("$ {}", step.text()), ends: true };
                        let _ = log.write(vec![line]).await;
                        last = Some((self.step)(&spec.id, &step));
                        held(&self.ran).push(Ran { attempt: spec.id.clone(), step });
                    }
                    NextStep::Done { exit_code, outputs } => {
                        let cancelled = cancel.is_cancelled();
                        let end = if cancelled { JobEnd::Cancelled } else { JobEnd::Exited { code: exit_code } };
                        let mut report = report(end, outputs);
                        (self.finish)(&spec.id, &mut report);
                        return Ok(report);
                    }
                }
            }
        };
        Ok(report(end, BTreeMap::new()))
    }
}

fn report(end: JobEnd, outputs: BTreeMap<String, String>) -> JobReport {
    JobReport { outputs, ..JobReport::bare(end) }
}
