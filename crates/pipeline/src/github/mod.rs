//! Workflow files.
use std::collections::BTreeMap;
use penstock_model::job::{EnvValue, NextStep, StepOutcome, StepSource};
use crate::{diagnostic::Diagnostic, env::JobContext, input::{PushEvent, Source}, plan::{Plan, PlannedJob}};
pub(crate) fn plan(_: &Source<'_>, _: &PushEvent) -> Result<Plan, Vec<Diagnostic>> { Err(vec![]) }
pub(crate) fn job_env(_: &Plan, _: &PlannedJob, _: &JobContext) -> BTreeMap<String, EnvValue> { BTreeMap::new() }
pub(crate) struct WorkflowSteps;
impl WorkflowSteps { pub(crate) fn new(_: &Plan, _: &PlannedJob, _: &JobContext) -> Self { Self } }
impl StepSource for WorkflowSteps { fn next(&mut self, _: Option<&StepOutcome>, _: bool) -> NextStep { NextStep::Done { exit_code: 1, outputs: BTreeMap::new() } } }
