//! A check against an environment: the release's own tests or its load script, run by Penstock, against what runs there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use penstock_gate::{Check, CheckKind};
use penstock_model::blob::LogId;
use penstock_model::evidence::{Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::job::{
    ArtifactSpec, AttemptId, Checkout, EnvValue, JobEnd, JobReport, JobSpec, KeepWhen, NextStep, Shell, StepOutcome, StepSource, StepSpec,
};
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, JobName};
use penstock_trust::predicate::{EnvironmentCheck, Outcome};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::EffectError;
use crate::config_repository::application;
use crate::events::{CheckResult, ReleaseEvent};
use crate::evidence::{Saying, say};
use crate::parts::Parts;
use crate::results;
use crate::streams;
use crate::world::ReleaseRecord;

/// The longest that a check may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The largest result file.
const MAX_RESULT: u64 = 64 * 1024 * 1024;
/// Where k6 leaves its summary.
const SUMMARY: &str = ".penstock-k6.json";

/// What a check came to.
struct Came {
    passed: bool,
    summary: String,
    figures: BTreeMap<String, Value>,
    failures: Vec<String>,
}

/// The job's name of a check in an environment: for its log and its checkout.
pub fn check_job(environment: &EnvironmentName, check: &str) -> Option<JobName> {
    format!("{environment}: {check}").parse().ok()
}

/// Runs one check and records what it came to. A check that could not run is no result: the effect is tried again.
pub(super) async fn check(
    parts: &Parts,
    id: ReleaseId,
    name: &EnvironmentName,
    check: &str,
    cancel: CancellationToken,
) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.releases.get(&id) else { return Ok(()) };
    let project = &record.release.project;
    let Some(environment) = world.environment(project, name) else { return Ok(()) };
    let Some(check) = environment.checks.iter().find(|known| known.name == check) else { return Ok(()) };
    let Some(seen) = world.projects.get(project).and_then(|project| project.config.clone()) else { return Ok(()) };
    let Some(repository) = world.projects.get(project).map(|project| project.config_repository.clone()) else { return Ok(()) };
    let application = application(parts, &repository, &seen.commit, &environment).await?;
    let url = parts.target.url(&application.name).await?;
    let url = url.ok_or_else(|| EffectError::Other(format!("{name} has no address: give one of its Services `type: NodePort`")))?;
    let started = parts.journal.now();
    let report = run(parts, record, name, check, &url, cancel).await?;
    let JobEnd::Exited { code } = report.end else {
        if matches!(report.end, JobEnd::Cancelled) {
            return Ok(());
        }
        return Err(EffectError::Other(format!("check `{}` in {name} did not run to its end: {:?}", check.name, report.end)));
    };
    let came = read(parts, check, code, &report).await?;
    let revision = record.environments.get(name).and_then(|state| state.revision);
    let Some(revision) = revision else { return Ok(()) };
    let predicate = EnvironmentCheck {
        environment: name.clone(),
        revision,
        check: check.name.clone(),
        result: if came.passed { Outcome::Passed } else { Outcome::Failed },
        figures: came.figures,
        failures: came.failures,
    };
    let saying = Saying {
        project,
        run: Some(&record.run),
        subject: Subject::Release(id),
        name: &check.name,
        witness: Witness::Observed,
        key: format!("environment-check/{id}/{name}/{}/{revision}", check.name),
        predicate: &predicate,
    };
    let envelope = say(parts, saying).await?;
    let took_ms = u64::try_from(parts.journal.now().since(started).as_millis()).unwrap_or(u64::MAX);
    let result = CheckResult { name: check.name.clone(), passed: came.passed, summary: came.summary, envelope, took_ms };
    let event = ReleaseEvent::Checked { environment: name.clone(), result };
    parts.journal.record(&streams::release(id), Actor::Penstock, event).await?;
    Ok(())
}

/// The check as one step of a job of its own.
struct OneStep {
    step: Option<StepSpec>,
    code: i32,
}

impl StepSource for OneStep {
    fn next(&mut self, last: Option<&StepOutcome>, _: bool) -> NextStep {
        if let Some(last) = last {
            self.code = last.exit_code.unwrap_or(1);
        }
        match self.step.take() {
            Some(step) => NextStep::Run(step),
            None => NextStep::Done { exit_code: self.code, outputs: BTreeMap::new() },
        }
    }
}

async fn run(
    parts: &Parts,
    record: &ReleaseRecord,
    environment: &EnvironmentName,
    check: &Check,
    url: &str,
    cancel: CancellationToken,
) -> Result<JobReport, EffectError> {
    let job = check_job(environment, &check.name).ok_or_else(|| EffectError::Other(format!("`{}` cannot name a check", check.name)))?;
    let id = AttemptId { run: record.run.clone(), job, attempt: 1 };
    let (script, artifacts) = match check.kind() {
        CheckKind::Command { run, junit } => {
            let junit = junit.iter().map(|path| (*path).to_owned()).collect();
            (quoted(run), ArtifactSpec { junit, when: KeepWhen::Always, ..ArtifactSpec::default() })
        }
        CheckKind::K6 { script } => {
            let mut command = vec!["k6".to_owned()];
            command.extend(penstock_scan::k6_args(script, SUMMARY));
            (quoted(&command), ArtifactSpec { paths: vec![SUMMARY.to_owned()], when: KeepWhen::Always, ..ArtifactSpec::default() })
        }
    };
    let variables = [("PENSTOCK_ENVIRONMENT", environment.as_str()), ("PENSTOCK_ENVIRONMENT_URL", url)];
    let spec = JobSpec {
        id: id.clone(),
        project: record.release.project.clone(),
        repository: record.release.project.clone().into(),
        commit: record.release.commit.clone(),
        checkout: Checkout::Commit,
        branch: None,
        place: None,
        env: variables.into_iter().map(|(name, value)| (name.to_owned(), EnvValue::Plain(value.to_owned()))).collect(),
        files: BTreeMap::new(),
        masks: Vec::new(),
        image: None,
        services: Vec::new(),
        step_images: BTreeMap::new(),
        actions: Vec::new(),
        inputs: Vec::new(),
        kept: Vec::new(),
        cache_scopes: Vec::new(),
        artifacts,
        caches: Vec::new(),
        timeout: LIMIT,
    };
    let step = StepSpec::script(check.name.clone(), script, Shell::Sh);
    let log_id: LogId = super::log_id(&id);
    let log = parts.logs.open(&log_id).await?;
    let report = parts.runner.run(spec, Box::new(OneStep { step: Some(step), code: 1 }), Arc::clone(&log), cancel).await;
    parts.logs.close(&log_id).await?;
    Ok(report?)
}

/// A command as one line of shell: each word in single quotes, so that nothing in it means anything.
fn quoted(command: &[String]) -> String {
    command.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect::<Vec<_>>().join(" ")
}

async fn read(parts: &Parts, check: &Check, code: i32, report: &JobReport) -> Result<Came, EffectError> {
    match check.kind() {
        CheckKind::Command { junit: None, .. } => Ok(Came {
            passed: code == 0,
            summary: format!("exit code {code}"),
            figures: BTreeMap::from([("exitCode".to_owned(), code.into())]),
            failures: Vec::new(),
        }),
        CheckKind::Command { junit: Some(path), .. } => {
            let file = report
                .reports
                .first()
                .ok_or_else(|| EffectError::Other(format!("check `{}` left no {path} (exit code {code})", check.name)))?;
            let bytes = parts.blobs.get_bytes(file.digest, MAX_RESULT).await?;
            let (tests, _) = results::junit(&bytes[..], file.digest, BTreeSet::new()).map_err(EffectError::Other)?;
            let passed = code == 0 && tests.result != Outcome::Failed;
            Ok(Came { passed, summary: results::tests_in_words(&tests), figures: tests.figures, failures: tests.failed_tests })
        }
        CheckKind::K6 { .. } => {
            let digest = report
                .artifacts
                .ok_or_else(|| EffectError::Other(format!("k6 left no summary (exit code {code}); the check's log says why")))?;
            let archive = parts.blobs.get_bytes(digest, MAX_RESULT).await?;
            let summary = results::file_of(&archive, SUMMARY).ok_or_else(|| EffectError::Other("k6 left no summary".to_owned()))?;
            let load = results::k6(&summary).map_err(EffectError::Other)?;
            Ok(Came { passed: code == 0 && load.passed, summary: load.words, figures: load.figures, failures: load.failures })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_command_cannot_become_another_command() {
        let words = ["echo", "it's; rm -rf /", "$HOME"].map(str::to_owned);
        assert_eq!(quoted(&words), r"'echo' 'it'\''s; rm -rf /' '$HOME'");
    }
}
