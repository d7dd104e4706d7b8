//! Which runs and jobs are at work beside each other, and when delayed ones start.

use std::time::Duration;

use penstock_delivery::wanted::{Effect, wanted};
use penstock_model::Timestamp;
use penstock_model::ids::Actor;
use penstock_pipeline::{RunCommand, RunEvent};

use crate::story::{Story, run};

/// What is wanted of runs at a moment, in few words; and when to look again.
fn wants(story: &Story, now: Timestamp) -> (Vec<String>, Option<Timestamp>) {
    let number = |of: &penstock_model::RunId| (1..9).find(|number| run(*number) == *of).unwrap();
    let wanted = wanted(&story.world, now);
    let words = wanted.effects.iter().filter_map(|effect| match effect {
        Effect::Job { run, job, .. } => Some(format!("start {} {job}", number(run))),
        Effect::Schedule { run, job } => Some(format!("schedule {} {job}", number(run))),
        Effect::Enqueue { run, job } => Some(format!("enqueue {} {job}", number(run))),
        Effect::Redundant { run } => Some(format!("redundant {}", number(run))),
        Effect::Turn { step } => Some(format!("turn {}", number(step.run()))),
        _ => None,
    });
    (words.collect(), wanted.again)
}

/// Tells a run a command.
fn tell(story: &mut Story, number: u32, command: RunCommand) {
    let events = story.world.runs[&run(number)].run.as_ref().unwrap().decide(command).unwrap();
    for event in events {
        story.say(&format!("run/{}", run(number)), &event);
    }
}

#[test]
fn a_delayed_job_starts_at_its_instant_whichever_server_lives_then() {
    let mut story = Story::new();
    story.begin(1).plan_of(1, "late: {script: [x], when: delayed, start_in: 1 hour}\n");
    let now = story.now();
    assert_eq!(wants(&story, now), (vec!["schedule 1 late".to_owned()], None));
    let until = now.after(Duration::from_hours(1));
    story.say(&format!("run/{}", run(1)), &RunEvent::JobScheduled { job: "late".parse().unwrap(), until: Some(until) });
    // all that is known of it is in the log
    assert_eq!(wants(&story, now), (vec![], Some(until)));
    assert_eq!(wants(&story, until), (vec!["enqueue 1 late".to_owned()], None));
    tell(&mut story, 1, RunCommand::EnqueueJob { job: "late".parse().unwrap() });
    assert_eq!(wants(&story, until), (vec!["start 1 late".to_owned()], None));
}

#[test]
fn a_newer_push_cancels_the_run_before_it_once() {
    let mut story = Story::new();
    story.begin(1).plan(1);
    assert_eq!(wants(&story, story.now()).0, ["start 1 build"]);
    story.begin(2).plan(2);
    assert_eq!(wants(&story, story.now()).0, ["start 1 build", "start 2 build", "redundant 1"]);
    tell(&mut story, 1, RunCommand::Cancel { by: Actor::Penstock });
    assert_eq!(wants(&story, story.now()).0, ["start 2 build"]);
    // somebody wants it all the same
    story.on(1);
    tell(&mut story, 1, RunCommand::RetryJob { job: "build".parse().unwrap(), by: Actor::Penstock });
    assert_eq!(wants(&story, story.now()).0, ["start 1 build", "start 2 build"]);
}

#[test]
fn a_run_that_asks_for_it_goes_on_beside_a_newer_one() {
    let mut story = Story::new();
    story.begin(1).plan_of(1, "workflow: {auto_cancel: {on_new_commit: none}}\na: {script: [x]}\n").begin(2).plan(2);
    assert_eq!(wants(&story, story.now()).0, ["start 1 a", "start 2 build"]);
}

#[test]
fn jobs_of_two_runs_with_one_resource_group_have_their_turn_one_after_the_other() {
    let text = "workflow: {auto_cancel: {on_new_commit: none}}\na: {script: [x], resource_group: prod}\n";
    let mut story = Story::new();
    story.begin(1).plan_of(1, text).begin(2).plan_of(2, text);
    assert_eq!(wants(&story, story.now()).0, ["turn 1"]);
    tell(&mut story, 1, RunCommand::GiveTurn { job: Some("a".parse().unwrap()) });
    assert_eq!(wants(&story, story.now()).0, ["start 1 a"]);
    tell(&mut story, 1, RunCommand::Cancel { by: Actor::Penstock });
    assert_eq!(wants(&story, story.now()).0, ["turn 2"]);
}
