//! What stays when somebody collects, in tables.

use std::collections::BTreeSet;
use std::time::Duration;

use penstock_delivery::collect::{Needed, commits_in_force, needed};
use penstock_model::Digest;
use penstock_model::evidence::{Subject, predicate};
use serde_json::json;

use crate::story::{Story, artifacts, commit, image, release, report, run, written};

type Tell = fn(&mut Story);

/// Everything in these tables happens before day 100 and is looked at on that day; what is younger than ten days stays.
fn look(story: &mut Story) -> Needed {
    let now = story.on(100).now();
    needed(&story.world, &BTreeSet::new(), now, Duration::from_secs(10 * 24 * 60 * 60))
}

/// What happened, and the releases that stay.
const RELEASES: &[(&str, Tell, &[u32])] = &[
    (
        "the current one and the one before",
        |s| {
            s.made(1).passed(1).made(2).passed(2).made(3).on(2).passed(3);
        },
        &[2, 3],
    ),
    (
        "of each environment its own",
        |s| {
            for number in 1..=5 {
                s.on(i64::from(number)).made(number).passed(number);
            }
            s.on(6).delivered(1, "production").on(7).delivered(2, "production");
        },
        &[1, 2, 4, 5],
    ),
    (
        "what is rolled out now does not count as taken in full",
        |s| {
            s.on(1).made(1).passed(1).on(2).made(2).passed(2);
            s.on(3).made(3).committed(3, "staging", None);
        },
        &[1, 2, 3],
    ),
    (
        "what was taken back out makes no room of its own",
        |s| {
            s.on(1).made(1).passed(1).on(2).made(2).passed(2);
            s.on(3).made(3).passed(3).on(4).refused(3, "staging").reverted(3, "staging");
            s.made(4).superseded(4, "staging");
        },
        &[1, 2, 4],
    ),
    (
        "what is being taken back out is needed until Git says so",
        |s| {
            s.on(1).made(1).passed(1).refused(1, "staging");
            s.on(2).made(2).passed(2).on(3).made(3).passed(3).on(4).made(4).passed(4);
        },
        &[1, 3, 4],
    ),
    (
        "what goes back before it was ever committed",
        |s| {
            s.on(1).made(1).passed(1).on(2).made(2).refused(2, "staging").on(3).made(3).superseded(3, "staging");
        },
        &[1, 2, 3],
    ),
    (
        "a gate that refuses has not said the last word",
        |s| {
            s.made(1).refused_at_gate(1, "staging");
        },
        &[1],
    ),
    (
        "what waits at the gate of production",
        |s| {
            s.on(1).made(1).delivered(1, "staging").refused_at_gate(1, "production");
            s.on(2).made(2).passed(2).on(3).made(3).passed(3);
        },
        &[1, 2, 3],
    ),
    (
        "superseded and old goes, but for the newest of all",
        |s| {
            for number in 1..=3 {
                s.on(i64::from(number)).made(number).superseded(number, "staging");
            }
        },
        &[3],
    ),
    (
        "an environment that the config repository no longer names",
        |s| {
            for number in 1..=4 {
                s.on(i64::from(number)).made(number).superseded(number, "staging").delivered(number, "gone");
            }
        },
        &[3, 4],
    ),
    (
        "the young, whatever came of them",
        |s| {
            s.on(89).made(1).superseded(1, "staging").on(91).made(2).superseded(2, "staging").on(92).made(3).superseded(3, "staging");
        },
        &[2, 3],
    ),
    ("nothing", |_| {}, &[]),
];

#[test]
fn releases_that_an_environment_runs_or_can_go_back_to_stay_and_what_is_under_way() {
    for (case, tell, expected) in RELEASES {
        let mut story = Story::new();
        tell(&mut story);
        let expected: BTreeSet<_> = expected.iter().map(|number| release(*number)).collect();
        assert_eq!(look(&mut story).releases, expected, "{case}");
    }
}

#[test]
fn runs_stay_while_they_are_under_way_or_young_or_made_a_release_that_is_needed() {
    let cases: [(&str, Tell, &[u32]); 7] = [
        (
            "old and over",
            |s| {
                s.ran(1);
            },
            &[],
        ),
        (
            "not planned yet",
            |s| {
                s.begin(1);
            },
            &[1],
        ),
        (
            "begun long ago and not over",
            |s| {
                s.begin(1).build(1);
            },
            &[1],
        ),
        (
            "begun long ago and over a moment ago",
            |s| {
                s.begin(1).build(1).on(95).end(1);
            },
            &[1],
        ),
        (
            "young",
            |s| {
                s.ran(1).on(95).ran(2);
            },
            &[2],
        ),
        (
            "made the release that staging runs",
            |s| {
                s.made(1).delivered(1, "staging").ran(2);
            },
            &[1],
        ),
        (
            "made a release that nobody needs",
            |s| {
                s.made(1).superseded(1, "staging").on(1).made(2).delivered(2, "staging");
            },
            &[2],
        ),
    ];
    for (case, tell, expected) in cases {
        let mut story = Story::new();
        tell(&mut story);
        let needed = look(&mut story);
        assert_eq!(needed.runs, expected.iter().map(|number| run(*number)).collect(), "{case}");
        for number in 1..=2 {
            let kept = expected.contains(&number) && story.world.runs.get(&run(number)).is_some_and(|run| !run.images.is_empty());
            assert_eq!(needed.images.contains(&image(number)), kept, "{case}: the image of run {number}");
            assert_eq!(needed.blobs.contains(&artifacts(number)), kept, "{case}: the artifacts of run {number}");
            assert_eq!(needed.blobs.contains(&report(number)), kept, "{case}: the report of run {number}");
        }
    }
}

#[test]
fn a_run_that_is_taken_up_again_is_under_way() {
    let mut story = Story::new();
    story.ran(1);
    assert!(look(&mut story).runs.is_empty());
    let retried = penstock_pipeline::RunEvent::JobRetried { job: "build".parse().unwrap(), by: penstock_model::ids::Actor::Penstock };
    story.say(&format!("run/{}", run(1)), &retried);
    let needed = look(&mut story);
    assert_eq!(needed.runs, [run(1)].into());
    assert_eq!(needed.sources, [("oran".parse().unwrap(), commit(1))].into());
    assert!(needed.spent.is_empty(), "its tag keeps its image");
}

#[test]
fn a_run_that_is_over_and_whose_images_are_about_to_become_a_release_is_under_way() {
    let mut story = Story::new();
    story.begin(1).plan(1).build(1).end(1);
    assert_eq!(look(&mut story).runs, [run(1)].into());
    story.say(&format!("run/{}", run(1)), &penstock_delivery::events::WorkEvent::Released { release: release(1) });
    assert!(look(&mut story).runs.is_empty(), "it is one now, and nothing else is to be done for the run");
}

#[test]
fn the_artifacts_of_every_attempt_stay_with_their_run() {
    let mut story = Story::new();
    story.begin(1).build(1);
    // the second attempt runs: the first one's report is no longer the last
    story.say(&format!("run/{}", run(1)), &penstock_pipeline::RunEvent::JobStarted { job: "build".parse().unwrap(), attempt: 2 });
    assert!(look(&mut story).blobs.is_superset(&[artifacts(1), report(1)].into()));
}

#[test]
fn a_commits_tag_is_spent_when_no_run_and_no_release_of_the_commit_is_needed() {
    let mut story = Story::new();
    story.ran(1).made(2).delivered(2, "staging").on(95).ran(3);
    let needed = look(&mut story);
    assert_eq!(needed.spent, [("oran".parse().unwrap(), [commit(1).to_string()].into())].into());
    assert!(needed.sources.is_empty(), "no tool looks at a commit whose runs are over");
}

#[test]
fn every_statement_stays_and_what_it_speaks_of_while_its_subject_or_run_is_needed() {
    let digest = |name: &str| Digest::of(name);
    let mut story = Story::new();
    story.ran(1).made(2).delivered(2, "staging");
    let sarif = |name: &str| json!({ "sarif": digest(name), "findings": [] });
    story.said("old commit", Subject::Commit(commit(1)), predicate::FINDINGS, sarif("old sarif"), Some(1));
    story.said("old image", Subject::Image(image(1)), predicate::FINDINGS, sarif("old image's sarif"), Some(1));
    story.said("commit", Subject::Commit(commit(2)), predicate::FINDINGS, sarif("sarif"), Some(1));
    story.said("image", Subject::Image(image(2)), predicate::TEST_RESULT, json!({ "figures": { "report": digest("junit") } }), None);
    story.said("release", Subject::Release(release(2)), predicate::ENVIRONMENT_CHECK, json!([[digest("k6")]]), None);
    story.said("old image in a kept run", Subject::Image(image(1)), predicate::FINDINGS, sarif("kept by its run"), Some(2));
    let document = |name: &str| json!({ "penstock_document": { "name": "document", "digest": { "sha256": digest(name).hex() } } });
    story.said("bill", Subject::Image(image(2)), predicate::SPDX, document("bill of materials"), Some(2));
    story.said("old bill", Subject::Image(image(1)), predicate::SPDX, document("old bill of materials"), Some(1));
    let blobs = look(&mut story).blobs;
    for envelope in ["old commit", "old image", "commit", "image", "release", "old image in a kept run", "bill", "old bill"] {
        assert!(blobs.contains(&digest(envelope)), "the statement `{envelope}`");
    }
    for (named, stays) in [
        ("old sarif", false),
        ("old image's sarif", false),
        ("sarif", true),
        ("junit", true),
        ("k6", true),
        ("kept by its run", true),
        ("bill of materials", true),
        ("old bill of materials", true),
    ] {
        assert_eq!(blobs.contains(&digest(named)), stays, "{named}");
    }
}

#[test]
fn images_that_run_or_were_let_in_stay_whatever_the_log_says_of_their_runs() {
    let mut story = Story::new();
    story.ran(1).ran(2).ran(3).ran(4);
    let import = |expires: Option<i64>| json!({ "source": "elsewhere", "reason": "looked at", "by": "grace", "expires": expires });
    let day = crate::story::DAY;
    for (number, expires) in [(2, None), (3, Some(101 * day)), (4, Some(99 * day))] {
        story.said(&number.to_string(), Subject::Image(image(number)), predicate::IMPORT, import(expires), None);
    }
    let now = story.on(100).now();
    let needed = needed(&story.world, &[image(1)].into(), now, Duration::ZERO);
    assert_eq!(needed.images, [1, 2, 3].map(image).into());
}

#[test]
fn nothing_of_the_last_hour_is_old_however_few_days_are_asked_for() {
    let mut story = Story::new();
    story.on(10).ran(1);
    let at = |minutes: i64| penstock_model::Timestamp(story.now().0 + minutes * 60_000);
    for (minutes, stays) in [(0, true), (60, true), (61, false)] {
        let needed = needed(&story.world, &BTreeSet::new(), at(minutes), Duration::ZERO);
        assert_eq!(!needed.runs.is_empty(), stays, "after {minutes} minutes");
    }
}

#[test]
fn manifests_are_read_at_the_head_and_wherever_a_way_back_leads() {
    let mut story = Story::new();
    assert!(commits_in_force(&story.world).is_empty(), "an environment that runs nothing names no image");
    let (one, two, three) = (written(1, "staging"), written(2, "staging"), written(3, "staging"));
    story.on(1).made(1).delivered(1, "staging");
    story.on(2).made(2).committed(2, "staging", Some(one.clone()));
    story.on(3).made(3).committed(3, "staging", Some(two.clone()));
    let place = |commit| ("oran".parse().unwrap(), "staging".parse().unwrap(), commit);
    assert_eq!(commits_in_force(&story.world), [commit(0), one, two, three].map(place).into());
}

#[test]
fn artifacts_with_a_time_of_their_own_are_kept_until_then_whatever_becomes_of_their_run() {
    use penstock_model::job::{JobEnd, JobReport};
    use penstock_pipeline::RunEvent;
    let mut story = Story::new();
    let look = |story: &Story| needed(&story.world, &BTreeSet::new(), story.now(), Duration::from_secs(10 * 24 * 60 * 60));
    for (number, days) in [(1, 200), (2, 3)] {
        let expire_in = Some(days * 86_400);
        let report = JobReport { artifacts: Some(artifacts(number)), expire_in, ..JobReport::bare(JobEnd::Exited { code: 0 }) };
        let (stream, job) = (format!("run/{}", run(number)), "build".parse().unwrap());
        story.begin(number).say(&stream, &RunEvent::JobFinished { job, attempt: 1, report });
        if number == 2 {
            assert!(look(&story).blobs.contains(&artifacts(2)), "the run is under way");
        }
        story.end(number);
    }
    story.on(2);
    assert!(look(&story).blobs.is_superset(&[artifacts(1), artifacts(2)].into()));
    story.on(4);
    let needed = look(&story);
    assert!(needed.runs.contains(&run(2)) && !needed.blobs.contains(&artifacts(2)), "their time is over before the run's");
    story.on(199);
    let needed = look(&story);
    assert!(!needed.runs.contains(&run(1)) && needed.blobs.contains(&artifacts(1)), "their run is forgotten before their time is over");
    story.on(201);
    assert!(!look(&story).blobs.contains(&artifacts(1)));
}
