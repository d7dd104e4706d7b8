//! A job whose inputs did not change is not run.

use penstock_delivery::events::{EvidenceEvent, WorkEvent};
use penstock_delivery::reuse::{Verdict, decide};
use penstock_model::Digest;
use penstock_model::evidence::{Evidence, Subject, Witness};
use penstock_model::job::{AttemptId, Fingerprint, JobEnd, JobReport, Reuse};
use penstock_pipeline::RunEvent;

use crate::story::{Story, app, commit, image, run};

fn depends(on: &str) -> Fingerprint {
    [("definition".to_owned(), Digest::of("same")), ("files src".to_owned(), Digest::of(on))].into()
}

fn attempt(number: u32) -> AttemptId {
    AttemptId { run: run(number), job: "build".parse().unwrap(), attempt: 1 }
}

trait Tells {
    /// A run of a branch, whose job ended so and depends on this.
    fn attempted(&mut self, number: u32, branch: &str, on: &str, code: i32, from: Option<u32>) -> &mut Self;
    /// Where the job of the newest run, of this branch, has its result from.
    fn verdict(&mut self, branch: &str, on: &str) -> String;
}

impl Tells for Story {
    fn attempted(&mut self, number: u32, branch: &str, on: &str, code: i32, from: Option<u32>) -> &mut Self {
        self.push_to(number, branch);
        let reuse = Reuse { fingerprint: depends(on), taken_from: from.map(attempt), because: String::new() };
        let report = JobReport { reuse: Some(Box::new(reuse)), ..JobReport::bare(JobEnd::Exited { code }) };
        let stream = format!("run/{}", run(number));
        self.say(&stream, &RunEvent::JobStarted { job: "build".parse().unwrap(), attempt: 1 });
        self.say(&stream, &RunEvent::JobFinished { job: "build".parse().unwrap(), attempt: 1, report })
    }

    fn verdict(&mut self, branch: &str, on: &str) -> String {
        self.push_to(9, branch);
        match decide(&self.world, &self.world.runs[&run(9)], &"build".parse().unwrap(), &depends(on)) {
            Verdict::Take { from, .. } => format!("take {}", from.run),
            Verdict::Differs { from, what, .. } => format!("{} differs from {}", what.join(", "), from.run),
            Verdict::Run(why) => why,
        }
    }
}

#[test]
fn the_result_of_the_newest_equal_success_is_taken_and_what_differs_is_named() {
    let take = |number| format!("take {}", run(number));
    assert_eq!(Story::new().attempted(1, "main", "a", 0, None).attempted(2, "main", "b", 0, None).verdict("main", "a"), take(1));
    let verdict = Story::new().attempted(1, "main", "a", 0, None).attempted(2, "main", "b", 0, None).verdict("main", "c");
    assert_eq!(verdict, format!("files src differs from {}", run(2)));
    assert!(Story::new().attempted(1, "main", "a", 3, None).verdict("main", "a").starts_with("no attempt"), "a failure is no result");
    // whoever took it took it from somebody
    assert_eq!(Story::new().attempted(1, "main", "a", 0, None).attempted(2, "main", "a", 0, Some(1)).verdict("main", "a"), take(1));
}

#[test]
fn the_delivered_branch_takes_nothing_from_branches_that_anybody_may_push() {
    let take = format!("take {}", run(1));
    assert!(Story::new().attempted(1, "topic", "a", 0, None).verdict("main", "a").starts_with("no attempt"));
    assert!(Story::new().attempted(1, "topic", "a", 0, None).verdict("other", "a").starts_with("no attempt"));
    assert_eq!(Story::new().attempted(1, "topic", "a", 0, None).verdict("topic", "a"), take);
    assert_eq!(Story::new().attempted(1, "main", "a", 0, None).verdict("topic", "a"), take);
}

#[test]
fn what_was_said_of_another_commit_and_images_are_not_taken() {
    let mut built = Story::new();
    built.attempted(1, "main", "a", 0, None);
    let image = image(1);
    let event = WorkEvent::ImageBuilt { job: "build".parse().unwrap(), image: app(), digest: image.digest, took_ms: 1, own_ms: 1 };
    built.say(&format!("run/{}", run(1)), &event);
    assert!(built.verdict("topic", "a").contains("it built the image oran/app"));
    let mut said = Story::new();
    said.attempted(1, "main", "a", 0, None);
    let evidence = Evidence {
        subject: Subject::Commit(commit(1)),
        predicate_type: "https://in-toto.io/attestation/test-result/v0.1".to_owned(),
        name: "build".to_owned(),
        witness: Witness::Reported,
        key_id: "k".to_owned(),
        at: penstock_model::Timestamp(1),
        envelope: Digest::of("e"),
        predicate: serde_json::json!({}),
    };
    let key = format!("report/{}/build/junit/{}", run(1), Digest::of("r"));
    said.say("evidence/oran", &EvidenceEvent::Recorded { evidence, run: Some(run(1)), key });
    assert_eq!(said.verdict("topic", "a"), format!("take {}", run(1)), "no gate asks there");
    assert!(said.verdict("main", "a").contains("a gate may ask for it about this one"));
}
