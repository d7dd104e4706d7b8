//! A project as its people see it: pushes, jobs that end as the test says, releases that get as far as it says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use penstock_delivery::effects::carry_out;
use penstock_delivery::events::{CheckResult, ReleaseEvent, WorkEvent};
use penstock_delivery::evidence::{Saying, say};
use penstock_delivery::wanted::{Effect, wanted};
use penstock_delivery::{Parts, ReleaseRecord, World, config_repository, log_id, orders, streams};
use penstock_model::blob::{Channel, LogLine};
use penstock_model::evidence::{Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::image::media;
use penstock_model::job::{Annotation, AnnotationLevel, AttemptId, Deployment, DeploymentAction, JobEnd, JobReport, ReportFile};
use penstock_model::release::{ImageName, ReleaseId};
use penstock_model::{Digest, EnvironmentName, JobName, ProjectName, RunId, UserName};
use penstock_pipeline::{RunCommand, RunEffect};
use penstock_scan::{CoverageReport, SlowTest, TestTotals};
use penstock_testkit::{FakeClock, FakeTarget, MemoryGit};
use penstock_trust::Predicate;
use penstock_trust::predicate::{EnvironmentCheck, Findings, FindingsSummary, Outcome, Scanner};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How a job ends; `None` leaves it running.
pub type Ending<'a> = &'a dyn Fn(&str) -> Option<i32>;

/// Everything that a story is told with.
#[derive(Clone)]
pub struct House {
    pub parts: Arc<Parts>,
    pub clock: Arc<FakeClock>,
    pub git: Arc<MemoryGit>,
    pub target: Arc<FakeTarget>,
}

/// One project of it.
pub struct Project {
    pub house: House,
    pub name: ProjectName,
}

pub fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

pub fn place(name: &str) -> EnvironmentName {
    name.parse().unwrap()
}

/// A file of the sample product or of its configuration.
fn sample(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(path)).unwrap()
}

const CHART: [&str; 11] = [
    "Chart.yaml",
    "values.yaml",
    "values-staging.yaml",
    "values-production.yaml",
    "values.schema.json",
    "templates/_helpers.tpl",
    "templates/analysis.yaml",
    "templates/namespace.yaml",
    "templates/services.yaml",
    "templates/settings.yaml",
    "templates/workloads.yaml",
];
const POLICY: &str = r#"package penstock.gate
import rego.v1
default allow := false
allow if count(deny) == 0
deny contains {"rule": "secrets", "subject": "source", "where": "deploy/key.pem:1", "message": "gitleaks found a private key in `deploy/key.pem`",
  "fix": "take the key out of the history, make a new one, and keep it with `penstock secret set`"} if {
	some said in input.evidence
	said.name == "gitleaks"
	said.predicate.summary.error > 0
}
warn contains {"rule": "coverage", "subject": "source", "message": "coverage is 78.3 %, over 80 % is good", "fix": "test what is not yet tested"}
"#;

impl Project {
    /// Creates it with the sample's environments under its own name.
    pub async fn create(house: &House, name: &str) -> Self {
        let project = Self { house: house.clone(), name: name.parse().unwrap() };
        let config = format!("{name}-config").parse().unwrap();
        orders::create_project(&house.parts, &user("root"), &project.name, &config, "main").await.unwrap();
        let file = "version: 1
environments:
  - {name: staging, application: applications/staging.yaml, gate: [policies/gate.rego], checks: [{name: integration, run: [pytest]}, {name: load, k6: load.js}]}
  - {name: production, after: staging, application: applications/production.yaml, gate: [policies/gate.rego], approvals: {required: 1, expires: 24h}}
approvers: [grace, linus]
";
        let mut files = vec![("penstock.yaml".to_owned(), file.to_owned()), ("policies/gate.rego".to_owned(), POLICY.to_owned())];
        let chart = CHART.iter().map(|file| format!("chart/{file}"));
        for path in chart.chain(["applications/staging.yaml".to_owned(), "applications/production.yaml".to_owned()]) {
            let text = sample(&format!("oran-config/{path}")).replace("oran", name).replace("sdr", name);
            files.push((path, text));
        }
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
        house.git.push(&config, "main", &files, "grace", "Describe the environments");
        config_repository::read(&house.parts, &project.name).await.unwrap();
        let seen = project.world().projects[&project.name].config.clone().unwrap();
        assert_eq!(seen.error, None);
        project
    }

    pub fn world(&self) -> Arc<World> {
        self.house.parts.journal.world()
    }

    /// A push whose pipeline is planned; no job has begun.
    pub async fn push(&self, who: &str, branch: &str, title: &str, pipeline: &str) -> RunId {
        self.push_file(who, branch, title, ".gitlab-ci.yml", pipeline).await
    }

    /// As [`Self::push`], with the pipeline file somewhere else.
    pub async fn push_file(&self, who: &str, branch: &str, title: &str, path: &str, pipeline: &str) -> RunId {
        let parts = &self.house.parts;
        let files = [(path, Some(pipeline)), ("CHANGES", Some(title))];
        let commit = self.house.git.push(&self.name.clone().into(), branch, &files, who, title);
        let run = orders::pushed(parts, &self.name, &user(who), &format!("refs/heads/{branch}"), &commit).await.unwrap().unwrap();
        carry_out(parts, &Effect::Plan { run: run.clone() }, CancellationToken::new()).await.unwrap();
        run
    }

    /// The sample's own pipeline.
    pub fn pipeline() -> String {
        sample("oran/.gitlab-ci.yml")
    }

    /// Jobs start as the run wants them and end as told, until nothing is left to do but what is left running.
    pub async fn work(&self, run: &RunId, ending: Ending<'_>) {
        let mut pace = 0;
        loop {
            let world = self.world();
            let effects = world.runs[run].run.as_ref().unwrap().wanted();
            drop(world);
            let jobs: Vec<(JobName, u32)> = effects
                .iter()
                .filter_map(|effect| match effect {
                    RunEffect::StartJob { job, attempt, .. } => Some((job.clone(), *attempt)),
                    _ => None,
                })
                .filter(|(job, attempt)| !self.has_begun(run, job, *attempt))
                .collect();
            if jobs.is_empty() {
                break;
            }
            for (job, attempt) in &jobs {
                self.tell(run, RunCommand::StartJob { job: job.clone(), attempt: *attempt }).await;
            }
            for (job, attempt) in jobs {
                let Some(code) = ending(job.as_str()) else { continue };
                pace = (pace * 7 + 3) % 11;
                self.house.clock.advance(Duration::from_millis(400 + 900 * pace));
                let report = JobReport { deployment: self.deployment(run, &job, code), ..self.report(&job, code).await };
                self.tell(run, RunCommand::FinishJob { job, attempt, report }).await;
            }
        }
        if self.world().runs[run].run.as_ref().unwrap().wanted().iter().any(|effect| matches!(effect, RunEffect::Finish { .. })) {
            self.tell(run, RunCommand::Finish).await;
        }
    }

    /// What a job's reports say of its tests: the number grows, one fails now and then, and one of these is flaky.
    pub async fn tested(&self, run: &RunId, job: &str, number: u64) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let fails = number % 9 == 4;
        let slow = |millis: u64, name: &str| SlowTest { millis, name: name.to_owned() };
        let totals = TestTotals {
            passed: 120 + number,
            failed: u64::from(fails),
            skipped: 3,
            millis: 8_000 + number * 61 % 1_900,
            failing: names(if fails { &["tests.unit.test_policy::test_policies_differ_by_content"] } else { &[] }),
            slowest: [
                slow(1_900 + number, "tests.unit.test_subscription::test_period_is_read_from_its_own_field"),
                slow(700, "tests.unit.test_queue::test_bound"),
            ]
            .into(),
        };
        let flaky = names(if number % 18 == 4 { &["tests.unit.test_queue::test_order_under_load"] } else { &[] });
        let coverage = Some(CoverageReport { lines_covered: 7_600 + number, lines_valid: 9_700 });
        let tested = WorkEvent::Tested { job: job.parse().unwrap(), attempt: 1, totals, reports: Vec::new(), coverage, flaky };
        self.house.parts.journal.record(&streams::run(run), Actor::Penstock, tested).await.unwrap();
    }

    /// What a job that succeeded did to the environment that its file names without variables.
    fn deployment(&self, run: &RunId, job: &JobName, code: i32) -> Option<Deployment> {
        let world = self.world();
        let environment = world.runs[run].run.as_ref()?.plan()?.job(job)?.environment.clone().filter(|_| code == 0)?;
        let action = if environment.action.as_deref() == Some("stop") { DeploymentAction::Stop } else { DeploymentAction::Start };
        let (tier, stops_in) = ("development".to_owned(), None);
        Some(Deployment { environment: environment.name, action, tier, url: environment.url, on_stop: environment.on_stop, stops_in })
    }

    /// What a job leaves: tests that fail say where, and write a summary.
    async fn report(&self, job: &JobName, code: i32) -> JobReport {
        let mut report = JobReport::bare(JobEnd::Exited { code });
        if job.as_str() == "pytest" && code != 0 {
            let digest = self.house.parts.blobs.put_bytes(Bytes::from_static(SUMMARY.as_bytes())).await.unwrap();
            report.reports.push(ReportFile { kind: "summary".to_owned(), path: "summary.md".to_owned(), digest });
            let said = |level: AnnotationLevel, message: &str, line: u32| Annotation {
                level,
                message: message.to_owned(),
                title: Some("test_policies_differ_by_content".to_owned()),
                file: Some("tests/unit/test_policy.py".to_owned()),
                line: Some(line),
                end_line: None,
                column: None,
                end_column: None,
                step: "script".to_owned(),
            };
            report.annotations.push(said(AnnotationLevel::Warning, "the fixture is not used", 12));
            report.annotations.push(said(AnnotationLevel::Error, "assert 'sha256:9f86d081884c' != 'sha256:9f86d081884c'", 41));
        }
        report
    }

    fn has_begun(&self, run: &RunId, job: &JobName, attempt: u32) -> bool {
        self.world().runs[run].times.get(job).is_some_and(|times| times.attempt >= attempt)
    }

    async fn tell(&self, run: &RunId, command: RunCommand) {
        let decide = |world: &World, _| world.runs[run].run.as_ref().unwrap().decide(command).unwrap();
        self.house.parts.journal.change(&streams::run(run), Actor::Penstock, decide).await.unwrap();
    }

    /// What a job prints.
    pub async fn print(&self, run: &RunId, job: &str, lines: &[(Channel, &str)]) {
        let attempt = AttemptId { run: run.clone(), job: job.parse().unwrap(), attempt: 1 };
        let log = self.house.parts.logs.open(&log_id(&attempt)).await.unwrap();
        let line = |(channel, text): &(Channel, &str)| LogLine {
            at: self.house.parts.journal.now(),
            channel: *channel,
            text: (*text).to_owned(),
            ends: true,
        };
        log.write(lines.iter().map(line).collect()).await.unwrap();
    }

    /// A statement that a scanner ran on the run's commit.
    pub async fn scanned(&self, run: &RunId, tool: &str, error: usize, warning: usize) {
        let commit = self.world().runs[run].push.commit.clone();
        let scanner = Scanner { name: tool.to_owned(), version: "1.0.0".to_owned(), digest: None };
        let summary = FindingsSummary { error, warning, ..FindingsSummary::default() };
        let said = Findings { scanner, witness: Witness::Observed, findings: Vec::new(), summary, sarif: None };
        self.say(run, Subject::Commit(commit), tool, &said).await;
    }

    async fn say<P: Predicate + Sync>(&self, run: &RunId, subject: Subject, name: &str, predicate: &P) -> Digest {
        let key = format!("{run}/{subject:?}/{name}");
        let saying = Saying { project: &self.name, run: Some(run), subject, name, witness: Witness::Observed, key, predicate };
        say(&self.house.parts, saying).await.unwrap()
    }

    /// The run's images, and the release that they make.
    pub async fn release(&self, run: &RunId, images: &[&str]) -> ReleaseId {
        for image in images {
            let (name, digest) = self.image(image, run).await;
            let built =
                WorkEvent::ImageBuilt { job: format!("image-{image}").parse().unwrap(), image: name, digest, took_ms: 1_730, own_ms: 210 };
            self.house.parts.journal.record(&streams::run(run), Actor::Penstock, built).await.unwrap();
        }
        carry_out(&self.house.parts, &Effect::Release { run: run.clone() }, CancellationToken::new()).await.unwrap();
        self.world().runs[run].release.unwrap()
    }

    async fn image(&self, image: &str, content: &RunId) -> (ImageName, Digest) {
        let parts = &self.house.parts;
        let name: ImageName = format!("{}/{image}", self.name).parse().unwrap();
        let layer = format!("{image} of {content}");
        let config = parts.blobs.put_bytes(Bytes::from_static(b"{}")).await.unwrap();
        let digest = parts.blobs.put_bytes(Bytes::from(layer.clone())).await.unwrap();
        let manifest = Bytes::from(
            json!({
                "schemaVersion": 2,
                "mediaType": media::MANIFEST,
                "config": { "mediaType": media::CONFIG, "digest": config, "size": 2 },
                "layers": [{ "mediaType": media::LAYER_TAR, "digest": digest, "size": layer.len() }],
            })
            .to_string(),
        );
        parts.blobs.put_bytes(manifest.clone()).await.unwrap();
        let digest = parts.registry.put_image(&name, manifest, &["latest".to_owned()]).await.unwrap();
        (name, digest)
    }

    /// Asks the gates that want to be asked about a release, and commits where they let it in.
    pub async fn gates(&self, release: ReleaseId) {
        loop {
            let effects = wanted(&self.world(), self.house.parts.journal.now()).effects;
            let mine = effects.into_iter().filter(|effect| match effect {
                Effect::Gate { release: id, .. } | Effect::Commit { release: id, .. } => *id == release,
                _ => false,
            });
            let mine: Vec<_> = mine.collect();
            if mine.is_empty() {
                return;
            }
            for effect in mine {
                self.house.clock.advance(Duration::from_millis(350));
                carry_out(&self.house.parts, &effect, CancellationToken::new()).await.unwrap();
            }
            config_repository::read(&self.house.parts, &self.name).await.unwrap();
        }
    }

    /// It runs there, and its checks have passed.
    pub async fn delivered(&self, release: ReleaseId, environment: &str) {
        let world = self.world();
        let record: &ReleaseRecord = &world.releases[&release];
        let state = &record.environments[&place(environment)];
        let run = record.run.clone();
        let environment = world.environment(&self.name, &place(environment)).unwrap();
        let revision = state.revision.unwrap_or_else(|| panic!("{:?}: {:?}", world.step(record, &environment), state.gate));
        drop(world);
        self.house.clock.advance(Duration::from_secs(4));
        self.record(release, ReleaseEvent::Delivered { environment: environment.name.clone(), revision }).await;
        for (check, summary) in
            environment.checks.iter().zip(["11 passed, 0 failed, 0 skipped", "9168 requests, 0.00 % failed, p95 8.7 ms"])
        {
            self.house.clock.advance(Duration::from_secs(6));
            let (name, place) = (check.name.clone(), environment.name.clone());
            let said = EnvironmentCheck {
                environment: place,
                revision,
                check: name.clone(),
                result: Outcome::Passed,
                figures: BTreeMap::new(),
                failures: Vec::new(),
            };
            let envelope = self.say(&run, Subject::Release(release), &name, &said).await;
            let result = CheckResult { name, passed: true, summary: summary.to_owned(), envelope, took_ms: 5_870 };
            self.record(release, ReleaseEvent::Checked { environment: environment.name.clone(), result }).await;
        }
    }

    pub async fn approve(&self, release: ReleaseId, who: &str) {
        self.house.clock.advance(Duration::from_secs(42));
        orders::approve(&self.house.parts, &user(who), release, &place("production")).await.unwrap();
    }

    async fn record(&self, release: ReleaseId, event: ReleaseEvent) {
        self.house.parts.journal.record(&streams::release(release), Actor::Penstock, event).await.unwrap();
    }
}

const SUMMARY: &str = "# Tests\n\n| | count |\n| --- | --- |\n| passed | 20 |\n| **failed** | 1 |\n\n<img src=\"https://example.org/x.png\" onerror=\"document.title = 'taken'\">\n\n![a badge](https://example.org/badge.svg) [report](https://example.org/report)\n\n- [x] `unit`\n- [ ] <b>integration</b>\n";
