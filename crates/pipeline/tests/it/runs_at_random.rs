//! What holds for every run, tried on random plans, orders and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use penstock_model::JobName;
use penstock_model::job::JobEnd;
use penstock_pipeline::{JobState, Plan, Run, RunCommand, RunEffect, RunStatus, When};
use proptest::prelude::*;

use crate::support::{Driven, GITLAB, WORKFLOW, ada, cases, name, planned, push, report};

/// A job in a random GitLab file.
#[derive(Clone, Debug)]
struct Random {
    stage: usize,
    needs: Option<BTreeSet<usize>>,
    when: &'static str,
    allow_failure: Option<bool>,
    retry: u8,
    parallel: Option<u8>,
}

fn random_job(index: usize) -> impl Strategy<Value = Random> {
    let needs = prop::option::of(prop::collection::btree_set(0..index.max(1), 0..4));
    let when = prop::sample::select(vec!["on_success", "on_success", "on_success", "on_failure", "always", "manual", "delayed"]);
    (0..4_usize, needs, when, prop::option::of(any::<bool>()), 0..=2_u8, prop::option::weighted(0.1, 1..4_u8))
        .prop_map(|(stage, needs, when, allow_failure, retry, parallel)| Random { stage, needs, when, allow_failure, retry, parallel })
}

/// A GitLab file without fault: what a job needs is before it and in no later stage.
fn gitlab_file() -> impl Strategy<Value = String> {
    (1..14_usize).prop_flat_map(|count| (0..count).map(random_job).collect::<Vec<_>>()).prop_map(|jobs| {
        let mut text = "stages: [s0, s1, s2, s3]\n".to_owned();
        for (index, job) in jobs.iter().enumerate() {
            write!(text, "j{index}:\n  stage: s{}\n  script: [x]\n  when: {}\n  retry: {}\n", job.stage, job.when, job.retry).unwrap();
            if job.when == "delayed" {
                writeln!(text, "  start_in: 1 minute").unwrap();
            }
            if let Some(allow) = job.allow_failure {
                writeln!(text, "  allow_failure: {allow}").unwrap();
            }
            if let Some(count) = job.parallel {
                writeln!(text, "  parallel: {count}").unwrap();
            }
            if let Some(needs) = &job.needs {
                let needs: Vec<String> =
                    needs.iter().filter(|need| **need < index && jobs[**need].stage <= job.stage).map(|need| format!("j{need}")).collect();
                writeln!(text, "  needs: [{}]", needs.join(", ")).unwrap();
            }
        }
        text
    })
}

/// A workflow without fault.
fn workflow_file() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(vec![
        "",
        "",
        "if: always()",
        "if: failure()",
        "if: cancelled()",
        "if: success() || failure()",
        "if: github.ref == 'refs/heads/main'",
    ]);
    let job = move |index: usize| {
        (prop::collection::vec(0..index.max(1), 0..3), condition.clone(), prop::option::weighted(0.2, 1..4_usize), any::<bool>())
    };
    (1..10_usize).prop_flat_map(move |count| (0..count).map(&job).collect::<Vec<_>>()).prop_map(|jobs| {
        let mut text = "on: push\njobs:\n".to_owned();
        for (index, (needs, condition, matrix, fail_fast)) in jobs.iter().enumerate() {
            let needs: Vec<String> = needs.iter().filter(|need| **need < index).map(|need| format!("j{need}")).collect();
            write!(text, "  j{index}:\n    runs-on: ubuntu-latest\n    needs: [{}]\n    steps: [{{run: x}}]\n", needs.join(", ")).unwrap();
            if !condition.is_empty() {
                writeln!(text, "    {condition}").unwrap();
            }
            if let Some(count) = matrix {
                let values: Vec<String> = (0..*count).map(|n| n.to_string()).collect();
                writeln!(text, "    strategy: {{fail-fast: {fail_fast}, max-parallel: 2, matrix: {{n: [{}]}}}}", values.join(", "))
                    .unwrap();
            }
        }
        text
    })
}

fn file() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![gitlab_file().prop_map(|text| (GITLAB, text)), workflow_file().prop_map(|text| (WORKFLOW, text))]
}

/// Plays a whole run by a list of numbers, each of which chooses what happens next; checks what must hold after each event.
fn play(plan: &Plan, choices: &[u16]) -> Driven {
    let mut driven = Driven::new(plan.clone());
    let mut choices = choices.iter().copied().chain(std::iter::repeat(0));
    for step in 0..20_000 {
        let choice = choices.next().unwrap_or(0);
        let running = driven.run.running();
        let startable = driven.startable();
        if choice % 61 == 60 {
            let _ = driven.run.decide(RunCommand::Cancel { by: ada() }).map(|events| apply(&mut driven, events));
        } else if choice % 7 == 6 && driven.run.status() == RunStatus::Blocked {
            play_one(&mut driven);
        } else if let Some(job) = startable.get(usize::from(choice) % (startable.len() + running.len()).max(1)) {
            check_start(&driven.run, job);
            driven.start(job);
        } else if let Some((job, attempt)) = running.get(usize::from(choice / 7) % running.len().max(1)) {
            let end = match choice % 11 {
                0..=6 => JobEnd::Exited { code: 0 },
                7 | 8 => JobEnd::Exited { code: 3 },
                9 => JobEnd::TimedOut,
                _ => JobEnd::SystemFailure { why: "x".into() },
            };
            let command = if choice % 13 == 12 {
                RunCommand::JobInterrupted { job: job.clone(), attempt: *attempt }
            } else {
                RunCommand::FinishJob { job: job.clone(), attempt: *attempt, report: report(end) }
            };
            driven.tell(command);
        } else if let Some(job) = startable.first() {
            check_start(&driven.run, job);
            driven.start(job);
        } else if driven.keep_time() {
        } else if driven.run.status() == RunStatus::Blocked {
            play_one(&mut driven);
        } else {
            assert!(driven.run.status().is_finished(), "stuck: {}", driven.state());
            driven.tell(RunCommand::Finish);
            return driven;
        }
        assert!(step < 19_999, "the run does not end: {}", driven.state());
    }
    driven
}

fn apply(driven: &mut Driven, events: Vec<penstock_pipeline::RunEvent>) {
    for event in events {
        driven.run.evolve(&event);
        driven.events.push(event);
    }
}

fn play_one(driven: &mut Driven) {
    let manual: Vec<String> = driven
        .run
        .jobs()
        .filter(|(job, state)| **state == JobState::Manual && !driven.run.is_optional(&job.name))
        .map(|(job, _)| job.name.to_string())
        .collect();
    driven.tell(RunCommand::PlayJob { job: name(&manual[0]), by: ada() });
}

fn is_lost(run: &Run, job: &JobName) -> bool {
    match run.job(job).unwrap() {
        JobState::Skipped { .. } => true,
        JobState::Manual => run.is_optional(job),
        _ => false,
    }
}

/// No job starts before what it waits for is over, unless an attempt was made before or a person asked for it.
fn check_start(run: &Run, job: &str) {
    let plan = run.plan().unwrap();
    let planned = plan.job(&name(job)).unwrap();
    if run.attempts(&planned.name) > 0 {
        return;
    }
    for upstream in plan.upstream(planned) {
        let state = run.job(upstream).unwrap();
        let idle = *state == JobState::Manual && run.is_optional(upstream);
        // as in GitLab, what always runs does not wait for the rest once one of its needs does not run
        let lost = planned.when == When::Always && plan.upstream(planned).iter().any(|other| is_lost(run, other));
        let over = matches!(state, JobState::Succeeded | JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::Skipped { .. });
        assert!(over || idle || lost, "{job} starts while {upstream} is {state:?}");
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn every_run_ends_in_order_and_is_its_events((path, text) in file(), choices in prop::collection::vec(any::<u16>(), 0..120)) {
        let plan = planned(path, &text, &push()).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        if plan.is_empty() {
            return Ok(());
        }
        let driven = play(&plan, &choices);
        // a crash at any point: the same state from the events, through their stored form
        let stored: Vec<String> = driven.events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        let mut run = Run::new();
        for (index, event) in stored.iter().enumerate() {
            run.evolve(&serde_json::from_str(event).unwrap());
            if index % 5 == 0 || index + 1 == stored.len() {
                let again = Run::replay(&driven.events[..=index]);
                prop_assert_eq!(run.wanted(), again.wanted());
                prop_assert_eq!(run.status(), again.status());
            }
        }
        prop_assert_eq!(run.status(), driven.run.status());
        prop_assert!(run.wanted().is_empty(), "{:?}", run.wanted());
    }

    #[test]
    fn the_order_in_which_jobs_end_does_not_matter((path, text) in file(), fails in any::<u64>(), order in any::<u64>()) {
        let plan = planned(path, &text, &push()).unwrap();
        // fail-fast and max-parallel are about order by their nature
        prop_assume!(!text.contains("fail-fast: true"));
        let mut seen: Vec<BTreeMap<String, JobState>> = Vec::new();
        for order in [0, order] {
            let mut driven = Driven::new(plan.clone());
            let mut mixed = order;
            loop {
                let jobs = driven.startable();
                if jobs.is_empty() && driven.keep_time() {
                    continue;
                }
                if jobs.is_empty() {
                    break;
                }
                mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(order);
                let job = &jobs[usize::try_from(mixed >> 33).unwrap() % jobs.len()];
                driven.start(job);
                let index = plan.jobs.iter().position(|planned| planned.name.as_str() == job).unwrap();
                driven.finish(job, report(JobEnd::Exited { code: i32::from(fails >> (index % 64) & 1 == 1) }));
            }
            seen.push(driven.run.jobs().map(|(job, state)| (job.name.to_string(), state.clone())).collect());
        }
        prop_assert_eq!(&seen[0], &seen[1]);
    }

    #[test]
    fn asking_changes_nothing((path, text) in file()) {
        let driven = Driven::new(planned(path, &text, &push()).unwrap());
        prop_assert_eq!(driven.run.wanted(), driven.run.wanted());
        let finishes = driven.run.wanted().iter().filter(|effect| matches!(effect, RunEffect::Finish { .. })).count();
        prop_assert!(finishes <= 1);
    }
}
