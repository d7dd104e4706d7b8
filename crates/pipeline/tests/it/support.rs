//! What the tests share. Only this file calls the room's functions, so that a change of them changes one file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use penstock_model::git::Signature;
use penstock_model::ids::Actor;
use penstock_model::job::{JobEnd, JobReport};
use penstock_model::{JobName, LocalTime, RunId, Timestamp};
use penstock_pipeline::{
    CommitFacts, Dialect, EventFacts, FileRef, Found, JobState, Library, Plan, PlannedJob, Planning, PushEvent, PushFacts, PushedCommit,
    Run, RunCommand, RunEffect, RunEvent, RunStatus, Source, Unplanned, Wait, When, plan,
};

/// As many cases as usual, or as `PROPTEST_CASES` says.
pub fn cases(usual: u32) -> proptest::test_runner::Config {
    let config = proptest::test_runner::Config::default();
    let unset = config.cases == 256;
    proptest::test_runner::Config { cases: if unset { usual } else { config.cases }, failure_persistence: None, ..config }
}

pub fn push() -> PushEvent {
    PushEvent {
        trigger: penstock_pipeline::Trigger::Push,
        project: "oran".parse().unwrap(),
        repository: "oran".parse().unwrap(),
        reference: "refs/heads/main".into(),
        commit: "a".repeat(40).parse().unwrap(),
        before: Some("b".repeat(40).parse().unwrap()),
        default_branch: "main".into(),
        message: "Add a thing\n\nBecause.\n".into(),
        facts: Box::new(commit_facts()),
        pusher: "ada".parse().unwrap(),
        changed: Some(vec!["src/main.rs".into(), "README.md".into()]),
        files: vec!["Cargo.toml".into(), "README.md".into(), "src/main.rs".into()],
        variables: BTreeMap::from([("PROJECT".to_owned(), "from project".to_owned())]),
        given: BTreeMap::new(),
        open_merge_requests: Vec::new(),
        server_url: "http://127.0.0.1:7070".into(),
        registry: "127.0.0.1:7070".into(),
    }
}

/// Written by one person and committed by another.
pub fn commit_facts() -> EventFacts {
    let person = |name: &str, email: &str| Signature { name: name.to_owned(), email: email.to_owned() };
    let when = |seconds: i64| LocalTime { at: Timestamp(seconds * 1000), east: 60 };
    let commit = CommitFacts {
        tree: "4".repeat(40),
        parents: vec!["b".repeat(40).parse().unwrap()],
        author: person("Ada", "ada@example.org"),
        authored: when(1_763_000_000),
        committer: person("Bob", "bob@example.org"),
        committed: when(1_764_000_000),
    };
    let brought =
        |id: &str, message: &str| PushedCommit { id: id.repeat(40).parse().unwrap(), message: message.to_owned(), facts: commit.clone() };
    let commits = vec![brought("e", "Prepare"), brought("a", "Add a thing\n\nBecause.\n")];
    EventFacts {
        push: Some(Box::new(PushFacts { forced: false, commits })),
        commit: Some(Box::new(commit)),
        description: "A shop".to_owned(),
        email: "ada@example.org".to_owned(),
        ..EventFacts::default()
    }
}

pub const GITLAB: &str = ".gitlab-ci.yml";
pub const WORKFLOW: &str = ".github/workflows/ci.yml";

/// What is asked of the planner, with the files that it wants from `files`; the rest is absent.
pub fn plan_with(
    path: &str,
    text: &str,
    files: &[(FileRef, &str)],
    event: &PushEvent,
) -> Result<Plan, (Vec<penstock_pipeline::Diagnostic>, Library)> {
    plan_finding(path, text, |file| files.iter().find(|(known, _)| known == file).map(|(_, text)| (*text).to_owned()), event)
}

/// As [`plan_with`], with whatever `find` has.
pub fn plan_finding(
    path: &str,
    text: &str,
    find: impl Fn(&FileRef) -> Option<String>,
    event: &PushEvent,
) -> Result<Plan, (Vec<penstock_pipeline::Diagnostic>, Library)> {
    let (dialect, source) = (Dialect::of_path(path), Source { path, text });
    let (mut library, mut planning) = (Library::new(), Planning::new(dialect, &source, event));
    loop {
        let planned = planning.plan(&library);
        assert_eq!(planned, plan(dialect, &source, event, &library), "what was read before changes nothing");
        let wants = match planned {
            Ok(plan) => return Ok(plan),
            Err(Unplanned::Refused(problems)) => return Err((problems, library)),
            Err(Unplanned::Wants(wants)) => wants,
        };
        assert!(wants.iter().all(|file| library.get(file).is_none()), "it asks again for what it has: {wants:?}");
        for file in wants {
            let found =
                find(&file).map(|text| Found { version: released(&file), ..Found::new(text) }).ok_or_else(|| "nobody has it".to_owned());
            library.put(file, found);
        }
    }
}

/// A component's version, where it is one.
fn released(file: &FileRef) -> Option<String> {
    match file {
        FileRef::Component { version, .. } if version.matches('.').count() == 2 => Some(version.clone()),
        _ => None,
    }
}

/// A file's plan, or everything that is wrong with it, as people see it.
pub fn planned(path: &str, text: &str, event: &PushEvent) -> Result<Plan, String> {
    plan_with(path, text, &[], event).map_err(|(problems, library)| library.render(&Source { path, text }, &problems))
}

#[track_caller]
pub fn must_plan(path: &str, text: &str) -> Plan {
    planned(path, text, &push()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Problems without their source lines: `line:column key: message`.
pub fn problems(path: &str, text: &str) -> String {
    match plan_with(path, text, &[], &push()) {
        Ok(plan) => format!("a plan of {} jobs", plan.jobs.len()),
        Err((problems, _)) => problems
            .iter()
            .map(|problem| format!("{}:{} {}: {}", problem.line, problem.column, problem.key, problem.message))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

/// Checks what is wrong with a GitLab file.
#[track_caller]
pub fn refused(text: &str, expected: &str) {
    assert_eq!(problems(GITLAB, text), expected);
}

/// As [`refused`], the one problem being where the text has a `^`, which is no part of it.
#[track_caller]
pub fn refused_at(text: &str, expected: &str) {
    let (before, after) = text.split_once('^').unwrap();
    let (line, column) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap().chars().count() + 1);
    refused(&format!("{before}{after}"), &format!("{line}:{column} {expected}"));
}

/// A plan in few words: a line for each job.
pub fn summary(plan: &Plan) -> String {
    let mut out = String::new();
    for job in &plan.jobs {
        writeln!(out, "{}", job_summary(job)).unwrap();
    }
    for left in &plan.left_out {
        writeln!(out, "without {}: {}", left.name, left.because.join("; ")).unwrap();
    }
    out
}

fn job_summary(job: &PlannedJob) -> String {
    let waits: Vec<String> = job
        .waits_for
        .iter()
        .map(|wait| match wait {
            Wait::Job { job } => job.to_string(),
            Wait::EarlierStages => "earlier stages".into(),
        })
        .collect();
    let waits = if waits.is_empty() { "at once".into() } else { format!("after {}", waits.join(", ")) };
    let when = match job.when {
        When::OnSuccess => "",
        When::OnFailure => ", on failure",
        When::Always => ", always",
        When::Manual => ", manual",
        When::Delayed => ", delayed",
    };
    let allowed = match &job.allow_failure {
        penstock_pipeline::AllowFailure::No => String::new(),
        penstock_pipeline::AllowFailure::Yes => ", may fail".into(),
        penstock_pipeline::AllowFailure::ExitCodes(codes) => format!(", may fail with {codes:?}"),
    };
    format!("{} [{}] {waits}{when}{allowed}", job.name, job.stage)
}

pub fn name(text: &str) -> JobName {
    text.parse().unwrap()
}

pub fn run_id() -> RunId {
    RunId::from_parts(1_764_000_000_000, 7)
}

pub fn ada() -> Actor {
    Actor::User("ada".parse().unwrap())
}

pub fn report(end: JobEnd) -> JobReport {
    JobReport::bare(end)
}

pub fn exited(code: i32) -> JobReport {
    report(JobEnd::Exited { code })
}

/// A run with its events, driven by hand.
pub struct Driven {
    pub run: Run,
    pub events: Vec<RunEvent>,
}

impl Driven {
    pub fn new(plan: Plan) -> Self {
        let mut driven = Self { run: Run::new(), events: Vec::new() };
        driven.tell(RunCommand::Plan { run: run_id(), plan: Box::new(plan) });
        driven
    }

    #[track_caller]
    pub fn tell(&mut self, command: RunCommand) {
        let events = self.run.decide(command.clone()).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        for event in events {
            self.run.evolve(&event);
            self.events.push(event);
        }
    }

    /// Names of the jobs that should start now.
    pub fn startable(&self) -> Vec<String> {
        self.run
            .wanted()
            .iter()
            .filter_map(|effect| match effect {
                RunEffect::StartJob { job, .. } => Some(job.to_string()),
                _ => None,
            })
            .collect()
    }

    /// Lets every instant come that the run waits for. Tells whether there was one.
    #[track_caller]
    pub fn keep_time(&mut self) -> bool {
        let commands: Vec<RunCommand> = self.run.wanted().into_iter().filter_map(timed).collect();
        let any = !commands.is_empty();
        for command in commands {
            self.tell(command);
        }
        any
    }

    #[track_caller]
    pub fn start(&mut self, job: &str) -> u32 {
        let attempt = self.run.attempts(&name(job)) + 1;
        self.tell(RunCommand::StartJob { job: name(job), attempt });
        attempt
    }

    #[track_caller]
    pub fn finish(&mut self, job: &str, report: JobReport) {
        let attempt = self.run.attempts(&name(job));
        self.tell(RunCommand::FinishJob { job: name(job), attempt, report });
    }

    /// Starts and ends whatever should start until nothing does. Jobs in `fails` fail with exit code 1. Tells the order.
    #[track_caller]
    pub fn drive(&mut self, fails: &[&str]) -> String {
        let mut order = Vec::new();
        while let Some(job) = self.startable().first().cloned() {
            self.start(&job);
            self.finish(&job, exited(i32::from(fails.contains(&job.as_str()))));
            order.push(job);
            assert!(order.len() < 10_000, "the run does not end");
        }
        if self.run.wanted().iter().any(|effect| matches!(effect, RunEffect::Finish { .. })) {
            self.tell(RunCommand::Finish);
        }
        order.join(" ")
    }

    /// The run and its jobs in few words.
    pub fn state(&self) -> String {
        let jobs: Vec<String> = self.run.jobs().map(|(job, state)| format!("{} {}", job.name, word(state))).collect();
        format!("{}: {}", status(self.run.status()), jobs.join(", "))
    }
}

/// What is told of an effect that is about time, at its time.
fn timed(effect: RunEffect) -> Option<RunCommand> {
    match effect {
        RunEffect::ScheduleJob { job, delay } => Some(RunCommand::ScheduleJob { job, until: Some(Timestamp(0).after(delay)) }),
        RunEffect::EnqueueJob { job, .. } => Some(RunCommand::EnqueueJob { job }),
        _ => None,
    }
}

pub fn word(state: &JobState) -> &'static str {
    match state {
        JobState::Waiting => "waits",
        JobState::Ready => "ready",
        JobState::Manual => "manual",
        JobState::WaitingForResource => "waits for its turn",
        JobState::Scheduled { .. } => "scheduled",
        JobState::Running { .. } => "runs",
        JobState::Succeeded => "ok",
        JobState::Failed { allowed: true, .. } => "warned",
        JobState::Failed { .. } => "failed",
        JobState::Cancelled { .. } => "cancelled",
        JobState::Skipped { .. } => "skipped",
    }
}

fn status(status: RunStatus) -> String {
    format!("{status:?}").to_lowercase()
}

/// What is doubtful in a file: `line:column key: message` each.
pub fn warned_of(path: &str, text: &str) -> Vec<String> {
    let warnings = penstock_pipeline::warnings(Dialect::of_path(path), &Source { path, text });
    warnings.iter().map(|one| format!("{}:{} {}: {}", one.line, one.column, one.key, one.message)).collect()
}

/// What a file's jobs call that is beyond them: `line:column job: message` each.
#[track_caller]
pub fn beyond_of(path: &str, text: &str, allowed: &[(String, std::collections::BTreeSet<penstock_pipeline::Beyond>)]) -> Vec<String> {
    let (source, allowed) = (Source { path, text }, allowed.iter().cloned().collect());
    let found = penstock_pipeline::beyond(&must_plan(path, text), &source, &Library::new(), &allowed);
    found.iter().map(|one| format!("{}:{} {}: {}", one.line, one.column, one.key, one.message)).collect()
}
