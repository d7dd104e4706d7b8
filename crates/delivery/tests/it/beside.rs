//! A push with several pipeline files: a run for each, and one release of all.

use penstock_delivery::events::{ProjectEvent, WorkEvent};
use penstock_delivery::wanted::{Effect, wanted};
use penstock_model::RunId;
use penstock_pipeline::{RunEvent, RunStatus};

use crate::story::{Story, commit, run};

/// The push of the commit of this number has another pipeline file, whose run is that of this other number.
fn begin_beside(story: &mut Story, number: u32, other: u32) {
    let event = ProjectEvent::Started {
        reference: "refs/heads/main".to_owned(),
        before: None,
        commit: commit(number),
        pusher: "ada".parse().unwrap(),
        run: run(other),
        beside: Some(run(number)),
    };
    story.say("project/oran", &event);
}

/// The runs that a release is wanted of.
fn releases(story: &Story) -> Vec<RunId> {
    let effects = wanted(&story.world, story.now()).effects;
    effects.into_iter().filter_map(|effect| if let Effect::Release { run } = effect { Some(run) } else { None }).collect()
}

fn ends(story: &mut Story, number: u32, status: RunStatus) {
    story.say(&format!("run/{}", run(number)), &RunEvent::Finished { status });
}

#[test]
fn a_release_waits_for_the_runs_of_all_pipeline_files() {
    let mut story = Story::new();
    story.begin(1);
    begin_beside(&mut story, 1, 2);
    story.plan(1).build(1).end(1);
    assert_eq!(releases(&story), [], "the other file's run has not even a plan");
    story.plan(2).build(2);
    assert_eq!(releases(&story), [], "it goes on");
    story.end(2);
    assert_eq!(releases(&story), [run(1)], "one release, of the push's own run");
}

#[test]
fn a_run_that_failed_or_was_refused_keeps_the_runs_beside_it_from_a_release() {
    let mut story = Story::new();
    story.begin(1);
    begin_beside(&mut story, 1, 2);
    story.say(&format!("run/{}", run(2)), &WorkEvent::Rejected { diagnostics: "no such key".to_owned() });
    story.plan(1).build(1).end(1);
    assert_eq!(releases(&story), []);
}

#[test]
fn a_file_without_a_job_for_the_push_stands_in_nobodys_way() {
    let mut story = Story::new();
    story.begin(1);
    begin_beside(&mut story, 1, 2);
    story.plan(1).build(1).end(1);
    story.plan_of(2, "workflow: {rules: [{when: never}]}\nbuild: {script: make}\n");
    ends(&mut story, 2, RunStatus::Success);
    assert_eq!(releases(&story), [run(1)]);
}

#[test]
fn runs_of_one_push_do_not_cancel_each_other() {
    let mut story = Story::new();
    story.begin(1);
    begin_beside(&mut story, 1, 2);
    story.plan(1).plan(2);
    let redundant = |story: &Story| -> Vec<RunId> {
        let effects = wanted(&story.world, story.now()).effects;
        effects.into_iter().filter_map(|effect| if let Effect::Redundant { run } = effect { Some(run) } else { None }).collect()
    };
    assert_eq!(redundant(&story), []);
    // a newer push does: both runs of the older one
    story.begin(3);
    begin_beside(&mut story, 3, 4);
    story.plan(3).plan(4);
    assert_eq!(redundant(&story), [run(1), run(2)]);
}
