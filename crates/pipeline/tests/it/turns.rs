//! Whose turn it is among runs and jobs that may not be at work at the same time.

use penstock_model::RunId;
use penstock_pipeline::{ProcessMode, Run, RunCommand, RunEvent, TurnStep, next_turns};

use crate::support::{GITLAB, WORKFLOW, ada, exited, must_plan, name};

/// Some runs of one project, oldest first.
struct Project(Vec<Run>);

impl Project {
    /// A run of each file.
    fn of(path: &str, files: &[&str]) -> Self {
        Self::with(path, files, ProcessMode::Unordered)
    }

    fn with(path: &str, files: &[&str], mode: ProcessMode) -> Self {
        let run = |(number, text): (usize, &&str)| {
            let mut plan = must_plan(path, text);
            for job in &mut plan.jobs {
                job.turns.process_mode = mode;
            }
            let mut run = Run::new();
            run.evolve(&RunEvent::Planned { run: RunId::from_parts(u64::try_from(number).unwrap(), 0), plan: Box::new(plan) });
            run
        };
        Self(files.iter().enumerate().map(run).collect())
    }

    fn tell(&mut self, run: usize, command: RunCommand) {
        let events = self.0[run].decide(command.clone()).unwrap_or_else(|why| panic!("{command:?}: {why}"));
        for event in events {
            self.0[run].evolve(&event);
        }
    }

    /// What should be done about turns, in few words: `+0 a` gives, `-1` cancels.
    fn steps(&self) -> String {
        let runs: Vec<&Run> = self.0.iter().collect();
        let words = next_turns(&runs).into_iter().map(|step| {
            let (sign, run, job) = match &step {
                TurnStep::Give { run, job } => ("+", run, job),
                TurnStep::Cancel { run, job } => ("-", run, job),
            };
            let number = self.0.iter().position(|other| other.id() == Some(run)).unwrap();
            format!("{sign}{number}{}", job.as_ref().map(|job| format!(" {job}")).unwrap_or_default())
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// Does it, once.
    fn settle(&mut self) {
        let runs: Vec<&Run> = self.0.iter().collect();
        for step in next_turns(&runs) {
            let run = self.0.iter().position(|other| other.id() == Some(step.run())).unwrap();
            self.tell(run, step.command());
        }
    }

    fn start(&mut self, run: usize, job: &str) {
        let attempt = self.0[run].attempts(&name(job)) + 1;
        self.tell(run, RunCommand::StartJob { job: name(job), attempt });
    }

    fn finish(&mut self, run: usize, job: &str) {
        let attempt = self.0[run].attempts(&name(job));
        self.tell(run, RunCommand::FinishJob { job: name(job), attempt, report: exited(0) });
    }

    fn word(&self, run: usize, job: &str) -> &'static str {
        self.0[run].standing().jobs.into_iter().find(|(name, _)| name == job).unwrap().1
    }
}

const GROUP: &str = "a: {script: [x], resource_group: prod}\n";

#[test]
fn one_job_of_a_resource_group_is_at_work_at_a_time_in_the_whole_project() {
    let mut project = Project::of(GITLAB, &[GROUP, GROUP]);
    assert_eq!((project.word(0, "a"), project.word(1, "a")), ("waiting_for_resource", "waiting_for_resource"));
    assert_eq!(project.steps(), "+0 a");
    assert!(project.0[0].decide(RunCommand::StartJob { job: name("a"), attempt: 1 }).is_err());
    project.settle();
    assert_eq!((project.word(0, "a"), project.steps()), ("pending", String::new()));
    project.start(0, "a");
    assert_eq!(project.steps(), "");
    project.finish(0, "a");
    assert_eq!(project.steps(), "+1 a");
    // and whoever is tried again waits for its turn again
    project.settle();
    project.tell(0, RunCommand::RetryJob { job: name("a"), by: ada() });
    assert_eq!((project.word(0, "a"), project.steps()), ("waiting_for_resource", String::new()));
}

#[test]
fn the_name_of_a_resource_group_is_expanded_and_other_names_have_nothing_to_do_with_it() {
    let file = "variables: {WHERE: prod}\na: {script: [x], resource_group: $WHERE}\nb: {script: [x], resource_group: test, rules: [{variables: {WHERE: test}}]}\nc: {script: [x], resource_group: $WHERE, rules: [{variables: {WHERE: test}}]}\n";
    assert_eq!(Project::of(GITLAB, &[file]).steps(), "+0 a, +0 b");
}

#[test]
fn whose_turn_it_is_follows_the_process_mode_of_the_project() {
    let later = "stages: [one, two]\nfirst: {stage: one, script: [x]}\na: {stage: two, script: [x], resource_group: prod}\n";
    for (mode, expected) in [
        (ProcessMode::Unordered, "+1 a"),
        (ProcessMode::OldestFirst, ""),
        (ProcessMode::NewestFirst, ""),
        (ProcessMode::NewestReadyFirst, "+2 a"),
    ] {
        let mut project = Project::with(GITLAB, &[later, GROUP, GROUP, later], mode);
        assert_eq!(project.steps(), expected, "{mode:?}");
        project.start(0, "first");
        project.finish(0, "first");
        project.start(3, "first");
        project.finish(3, "first");
        let expected = match mode {
            ProcessMode::NewestFirst | ProcessMode::NewestReadyFirst => "+3 a",
            ProcessMode::Unordered | ProcessMode::OldestFirst => "+0 a",
        };
        assert_eq!(project.steps(), expected, "{mode:?}, all ready");
    }
}

const WAITS: &str = "concurrency: ci\non: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n";

#[test]
fn of_runs_with_the_same_concurrency_one_is_at_work_and_the_newest_waits() {
    let mut project = Project::of(WORKFLOW, &[WAITS]);
    assert_eq!((project.steps(), project.0[0].standing().pipeline), ("+0".to_owned(), "waiting"));
    assert!(project.0[0].wanted().is_empty());
    project.settle();
    project.start(0, "a");
    let mut newer = Project::of(WORKFLOW, &[WAITS, WAITS, WAITS]);
    newer.0[0] = project.0[0].clone();
    assert_eq!(newer.steps(), "-1");
    newer.settle();
    assert_eq!(newer.0[1].standing().pipeline, "cancelled");
    assert_eq!(newer.steps(), "");
    newer.finish(0, "a");
    newer.tell(0, RunCommand::Finish);
    assert_eq!(newer.steps(), "+2");
}

#[test]
fn cancel_in_progress_ends_the_run_at_work_and_lets_the_next_one_in_when_it_has_ended() {
    let text = WAITS.replace("concurrency: ci", "concurrency: {group: \"${{ github.ref }}\", cancel-in-progress: true}");
    let mut project = Project::of(WORKFLOW, &[&text, &text]);
    project.tell(0, RunCommand::GiveTurn { job: None });
    project.start(0, "a");
    assert_eq!(project.steps(), "-0");
    project.settle();
    assert_eq!(project.steps(), "", "it was told already");
    project.finish(0, "a");
    assert_eq!(project.steps(), "+1");
}

#[test]
fn all_wait_for_their_turn_if_the_workflow_says_so() {
    let text = WAITS.replace("concurrency: ci", "concurrency: {group: ci, queue: max}");
    let mut project = Project::of(WORKFLOW, &[&text, &text, &text]);
    assert_eq!(project.steps(), "+0");
    project.settle();
    assert_eq!(project.steps(), "");
}

#[test]
fn jobs_of_a_workflow_wait_for_each_other_too() {
    let text = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, concurrency: one, steps: [{run: x}]}\n  b: {runs-on: ubuntu-latest, concurrency: ONE, needs: c, steps: [{run: x}]}\n  c: {runs-on: ubuntu-latest, outputs: {g: x}, steps: [{run: x}]}\n";
    let mut project = Project::of(WORKFLOW, &[text]);
    assert_eq!((project.word(0, "a"), project.steps()), ("waiting", "+0 a".to_owned()));
    project.settle();
    project.start(0, "a");
    project.start(0, "c");
    project.finish(0, "c");
    assert_eq!((project.word(0, "b"), project.steps()), ("waiting", String::new()));
    project.finish(0, "a");
    assert_eq!(project.steps(), "+0 b");
}

#[test]
fn a_run_that_was_never_let_in_has_nothing_to_clean_up() {
    let text = "concurrency: ci\non: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: x}]}\n  b: {runs-on: ubuntu-latest, if: always(), steps: [{run: x}]}\n";
    let mut project = Project::of(WORKFLOW, &[text]);
    project.tell(0, RunCommand::Cancel { by: ada() });
    assert_eq!(project.0[0].standing().pipeline, "cancelled");
    assert_eq!(project.steps(), "");
}

/// What a newer push does to a run of this file in which these jobs have begun.
fn newer(file: &str, begun: &[&str]) -> String {
    let mut project = Project::of(GITLAB, &[file]);
    for job in begun {
        project.start(0, job);
    }
    let words = project.0[0].cancelled_by_newer().into_iter().map(|command| match command {
        RunCommand::Cancel { .. } => "all".to_owned(),
        RunCommand::CancelJob { job, .. } => job.to_string(),
        other => format!("{other:?}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_newer_push_cancels_a_run_in_which_nothing_has_begun_that_may_not_be_interrupted() {
    let jobs = "a: {script: [x], interruptible: true}\nb: {script: [x]}\n";
    assert_eq!(newer(jobs, &[]), "all");
    assert_eq!(newer(jobs, &["a"]), "all");
    assert_eq!(newer(jobs, &["b"]), "");
    assert_eq!(newer(&format!("default: {{interruptible: true}}\n{jobs}"), &["b"]), "all");
    assert_eq!(newer("a: {script: [x], rules: [{interruptible: true}]}\n", &["a"]), "all");
    let says = |what: &str| format!("workflow: {{auto_cancel: {{on_new_commit: {what}}}}}\n{jobs}");
    assert_eq!(newer(&says("conservative"), &["b"]), "");
    assert_eq!(newer(&says("interruptible"), &["b"]), "a");
    assert_eq!(newer(&says("interruptible"), &["a", "b"]), "a");
    assert_eq!(newer(&says("none"), &[]), "");
    // what waits for a person alone is left to them
    assert_eq!(newer("a: {script: [x], when: manual, allow_failure: false}\n", &[]), "");
}
