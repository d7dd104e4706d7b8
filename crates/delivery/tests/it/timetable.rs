//! Pipelines that start by themselves.

use std::collections::BTreeMap;

use penstock_delivery::events::{PipelineOrder, ProjectEvent, ScheduledTime};
use penstock_delivery::wanted::{Effect, wanted};
use penstock_model::Timestamp;
use penstock_pipeline::Trigger;

use crate::story::{DAY, Story, commit, run};

fn time(cron: &str) -> ScheduledTime {
    ScheduledTime { cron: cron.to_owned(), reference: "refs/heads/main".to_owned(), variables: BTreeMap::new() }
}

fn read(cron: &str) -> ProjectEvent {
    ProjectEvent::TimetableRead { commit: commit(1), times: [("nightly".to_owned(), time(cron))].into() }
}

/// Whether it fires at this moment, and when it is to be looked at again.
fn fires(story: &Story, at: i64) -> (bool, Option<i64>) {
    let wants = wanted(&story.world, Timestamp(at));
    let fire = Effect::Fire { project: "oran".parse().unwrap(), time: "nightly".to_owned() };
    (wants.effects.contains(&fire), wants.again.map(|again| again.0))
}

fn fired(story: &mut Story, number: u32) {
    let order = PipelineOrder {
        trigger: Trigger::Schedule { cron: "0 3 * * *".to_owned(), description: "nightly".to_owned() },
        variables: BTreeMap::new(),
        time: Some("nightly".to_owned()),
    };
    let reference = "refs/heads/main".to_owned();
    story.say(
        "project/oran",
        &ProjectEvent::Ordered { reference, commit: commit(1), pusher: "penstock".parse().unwrap(), run: run(number), order },
    );
    story.plan(number);
}

const HOUR: i64 = 60 * 60 * 1000;

#[test]
fn a_time_fires_once_when_it_has_come_and_times_that_went_by_meanwhile_are_one() {
    let mut story = Story::new();
    story.say("project/oran", &read("0 3 * * *"));
    assert_eq!(fires(&story, 3 * HOUR - 1), (false, Some(3 * HOUR)));
    assert!(fires(&story, 3 * HOUR).0);
    // three nights without a server
    story.on(3);
    assert!(fires(&story, 3 * DAY).0);
    fired(&mut story, 7);
    assert_eq!(fires(&story, 3 * DAY + 1), (false, Some(3 * DAY + 3 * HOUR)));
}

#[test]
fn what_is_read_again_goes_on_and_what_changed_begins_anew() {
    let mut story = Story::new();
    story.say("project/oran", &read("0 3 * * *")).on(2).say("project/oran", &read("0 3 * * *"));
    assert!(fires(&story, 2 * DAY).0, "it is due since the first day");
    story.say("project/oran", &read("0 4 * * *"));
    assert_eq!(fires(&story, 2 * DAY), (false, Some(2 * DAY + 4 * HOUR)));
    story.say("project/oran", &ProjectEvent::TimetableRead { commit: commit(2), times: BTreeMap::new() });
    assert_eq!(fires(&story, 9 * DAY), (false, None));
}
