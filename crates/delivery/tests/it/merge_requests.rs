//! Merge requests: what pushes do to them, who may do what, and what is believed of those from outside.

use penstock_delivery::effects::carry_out;
use penstock_delivery::events::{Handling, ProjectEvent, Role, SettingEvent};
use penstock_delivery::merge_requests::event::{Ask, MergeRequestChange};
use penstock_delivery::merge_requests::options::Offer;
use penstock_delivery::merge_requests::{self, HeadPipeline, Making, MergeRequestRecord, MergeRequestState};
use penstock_delivery::orders::{self, OrderError};
use penstock_delivery::wanted::Effect;
use penstock_delivery::{RunRecord, compare_refs, streams};
use penstock_model::git::GitHost;
use penstock_model::ids::Actor;
use penstock_model::job::{JobEnd, JobReport};
use penstock_model::{CommitId, RunId};
use penstock_pipeline::{MergeRequest, RunCommand};
use tokio_util::sync::CancellationToken;

use crate::house::{House, oran, user};

const ALWAYS: &str = "a: {script: [x], rules: [{when: always}]}\n";
const CHANGES: &str = "a: {script: [x], rules: [{when: always}]}
b: {script: [x], rules: [{changes: [CHANGES]}]}
c: {script: [x], rules: [{changes: [other]}]}
";
/// As GitLab's documentation has it, so that no commit has two pipelines.
const ONE: &str = "workflow:
  rules:
    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'
    - if: $CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS
      when: never
    - if: $CI_COMMIT_BRANCH
a: {script: [x]}
";
const CLOSED: &str = "on: {push: , pull_request: {types: [opened, closed]}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n";

/// Pushed by ada, with a reader called eve.
async fn house(file: &str) -> House {
    let house = House::new().await;
    orders::add_user(&house.parts, Actor::Penstock, &user("eve"), Role::Reader, Vec::new()).await.unwrap();
    push(&house, "main", "begin", file).await;
    house
}

fn commit(house: &House, branch: &str, title: &str, file: &str) -> CommitId {
    let path = if file.starts_with("on:") { ".github/workflows/a.yml" } else { ".gitlab-ci.yml" };
    house.git.push(&oran().into(), branch, &[(path, Some(file)), ("CHANGES", Some(title))], "ada", title)
}

/// The push of a commit, its pipelines planned; in few words what came of it.
async fn push(house: &House, branch: &str, title: &str, file: &str) -> (CommitId, Vec<String>) {
    if branch != "main" && house.git.resolve(&oran().into(), &format!("refs/heads/{branch}")).await.unwrap().is_none() {
        let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
        house.git.keep(&oran().into(), &format!("refs/heads/{branch}"), &main).await.unwrap();
    }
    let commit = commit(house, branch, title, file);
    let events = orders::answered(&house.parts, &oran(), &user("ada"), &format!("refs/heads/{branch}"), &commit).await.unwrap();
    plan(house).await;
    (commit, events.iter().map(words).collect())
}

fn words(event: &ProjectEvent) -> String {
    match event {
        ProjectEvent::Pushed { .. } => "pushed".to_owned(),
        ProjectEvent::MergeRequest { number, change } => {
            let what = serde_json::to_value(change).unwrap()["what"].as_str().unwrap().to_owned();
            format!("{what} {number}")
        }
        other => format!("{other:?}"),
    }
}

async fn plan(house: &House) {
    for effect in house.wanted(|effect| matches!(effect, Effect::Plan { .. })) {
        carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
    }
}

fn ask(create: bool) -> Ask {
    Ask { create, ..Ask::default() }
}

/// What the push of the next commit of a branch asks for.
async fn wish(house: &House, branch: &str, commit: &CommitId, ask: &Ask) -> Result<(), OrderError> {
    merge_requests::wish(&house.parts, &user("ada"), &oran(), &[(branch.to_owned(), commit.clone())], ask).await
}

fn request(house: &House, number: u64) -> MergeRequestRecord {
    (*house.world().projects[&oran()].merge_requests[&number]).clone()
}

/// The last run of a merge request, and what its plan was made for.
fn last(house: &House, number: u64) -> (RunRecord, Option<MergeRequest>) {
    let world = house.world();
    let record = (*world.runs[request(house, number).runs.last().unwrap()]).clone();
    assert_eq!(record.rejected, None);
    let event = record.run.as_ref().and_then(|run| run.plan()).map(|plan| plan.event.clone());
    (record, event.and_then(|event| event.trigger.merge_request().cloned()))
}

fn jobs(record: &RunRecord) -> Vec<String> {
    record.run.as_ref().unwrap().jobs().map(|(job, _)| job.name.to_string()).collect()
}

/// Opens one of `topic` for its branch as it is.
async fn open(house: &House) -> CommitId {
    let (head, _) = push(house, "topic", "Fix it", ALWAYS).await;
    let making = Making { source: "topic".to_owned(), ..Making::default() };
    assert_eq!(merge_requests::create(&house.parts, &user("ada"), &oran(), making).await.unwrap(), 1);
    plan(house).await;
    head
}

async fn offer(house: &House, who: &str, commit: &CommitId, force: bool) -> Result<(u64, Option<RunId>), OrderError> {
    let offer = Offer { topic: Some("fix".to_owned()), force, ..Offer::default() };
    let came = merge_requests::offer(&house.parts, &user(who), &oran(), "main", commit, offer).await;
    plan(house).await;
    came.map(|came| (came.number, came.run))
}

/// A commit on top of `main` that is on no branch of the project's.
async fn foreign(house: &House, title: &str, onto: Option<&CommitId>) -> CommitId {
    let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
    house.git.keep(&oran().into(), "refs/heads/away", onto.unwrap_or(&main)).await.unwrap();
    commit(house, "away", title, ALWAYS)
}

fn why<T>(result: Result<T, OrderError>) -> String {
    result.err().map_or_else(|| "nothing".to_owned(), |error| error.to_string())
}

/// Every job of a run ends well.
async fn succeed(house: &House, run: &RunId) {
    let tell = async |command: RunCommand| {
        let world = house.world();
        let events = world.runs[run].run.as_ref().unwrap().decide(command).unwrap();
        for event in events {
            house.parts.journal.record(&streams::run(run), Actor::Penstock, event).await.unwrap();
        }
    };
    let names: Vec<_> = house.world().runs[run].run.as_ref().unwrap().jobs().map(|(job, _)| job.name.clone()).collect();
    for job in names {
        tell(RunCommand::StartJob { job: job.clone(), attempt: 1 }).await;
        tell(RunCommand::FinishJob { job, attempt: 1, report: JobReport::bare(JobEnd::Exited { code: 0 }) }).await;
    }
    tell(RunCommand::Finish).await;
}

#[tokio::test]
async fn a_push_that_asks_opens_one_and_each_newer_commit_has_a_pipeline_with_its_base_and_changes() {
    let house = house(CHANGES).await;
    let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
    house.git.keep(&oran().into(), "refs/heads/topic", &main).await.unwrap();
    let head = commit(&house, "topic", "Fix it\n\nat last", CHANGES);
    assert!(why(wish(&house, "topic", &head, &ask(false)).await).contains("has no open merge request"));
    let absent = Ask { create: true, target: Some("none".to_owned()), ..Ask::default() };
    assert!(why(wish(&house, "topic", &head, &absent).await).contains("no branch `none`"));
    wish(&house, "topic", &head, &ask(true)).await.unwrap();
    let events = orders::answered(&house.parts, &oran(), &user("ada"), "refs/heads/topic", &head).await.unwrap();
    assert_eq!(events.iter().map(words).collect::<Vec<_>>(), ["pushed", "opened 1"]);
    plan(&house).await;
    let (record, told) = last(&house, 1);
    let told = told.unwrap();
    assert_eq!((told.action.as_str(), told.number, told.title.as_str(), told.base), ("opened", 1, "Fix it", main.clone()));
    assert_eq!((told.source_branch.as_str(), told.target_branch.as_str(), told.fork), ("topic", "main", None));
    assert_eq!((jobs(&record), record.push.commit.clone()), (vec!["a".to_owned(), "b".to_owned()], head.clone()));
    assert!(!house.world().is_outside(&record));
    assert_eq!(house.git.resolve(&oran().into(), "refs/merge-requests/1/head").await.unwrap(), Some(head));
    let (newer, events) = push(&house, "topic", "More", CHANGES).await;
    assert_eq!(events, ["pushed", "updated 1"]);
    let (record, told) = last(&house, 1);
    assert_eq!((told.unwrap().action.as_str(), &record.push.commit), ("synchronize", &newer));
    assert_eq!(house.git.resolve(&oran().into(), "refs/merge-requests/1/head").await.unwrap(), Some(newer.clone()));
    // asking again is no second one
    let next = commit(&house, "topic", "Again", CHANGES);
    wish(&house, "topic", &next, &Ask { title: Some("Fix all".to_owned()), ..ask(true) }).await.unwrap();
    let events = orders::answered(&house.parts, &oran(), &user("ada"), "refs/heads/topic", &next).await.unwrap();
    assert_eq!(events.iter().map(words).collect::<Vec<_>>(), ["pushed", "updated 1", "edited 1"]);
    assert_eq!(request(&house, 1).title, "Fix all");
}

#[tokio::test]
async fn a_file_that_keeps_from_two_pipelines_has_one_from_the_first_push_on() {
    let house = house(ONE).await;
    let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
    house.git.keep(&oran().into(), "refs/heads/topic", &main).await.unwrap();
    let head = commit(&house, "topic", "Fix it", ONE);
    wish(&house, "topic", &head, &ask(true)).await.unwrap();
    orders::answered(&house.parts, &oran(), &user("ada"), "refs/heads/topic", &head).await.unwrap();
    plan(&house).await;
    for round in 0..2 {
        let world = house.world();
        let of_branch: Vec<_> = world.runs.values().filter(|run| run.push.reference == "refs/heads/topic").collect();
        assert!(of_branch.iter().all(|run| run.run.as_ref().unwrap().plan().unwrap().is_empty()), "round {round}");
        assert_eq!((of_branch.len(), jobs(&last(&house, 1).0)), (round + 1, vec!["a".to_owned()]));
        assert_eq!(of_branch[0].run.as_ref().unwrap().plan().unwrap().event.open_merge_requests, [1]);
        push(&house, "topic", "More", ONE).await;
    }
    // and without one the branch has its own
    merge_requests::close(&house.parts, &user("ada"), &oran(), 1).await.unwrap();
    let (commit, _) = push(&house, "topic", "Last", ONE).await;
    let world = house.world();
    let run = world.runs.values().find(|run| run.push.commit == commit).unwrap();
    assert_eq!((run.push.reference.as_str(), jobs(run)), ("refs/heads/topic", vec!["a".to_owned()]));
}

#[tokio::test]
async fn what_a_push_asked_for_is_known_to_the_next_server_and_done_once() {
    let house = house(ALWAYS).await;
    let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
    house.git.keep(&oran().into(), "refs/heads/topic", &main).await.unwrap();
    let head = commit(&house, "topic", "Fix it", ALWAYS);
    wish(&house, "topic", &head, &ask(true)).await.unwrap();
    // the refs moved, and the server was killed before it heard of it
    for _ in 0..2 {
        compare_refs(&house.parts).await.unwrap();
        assert_eq!(house.world().projects[&oran()].merge_requests.len(), 1);
    }
    assert_eq!(request(&house, 1).head, head);
    // the ref of a merge request follows from the log
    house.git.keep(&oran().into(), "refs/merge-requests/1/head", &main).await.unwrap();
    compare_refs(&house.parts).await.unwrap();
    assert_eq!(house.git.resolve(&oran().into(), "refs/merge-requests/1/head").await.unwrap(), Some(head.clone()));
    assert_eq!(request(&house, 1).runs.len(), 1);
    // a push that never came opens nothing later
    wish(&house, "topic", &"f".repeat(40).parse().unwrap(), &Ask { target: Some("main".to_owned()), ..ask(true) }).await.unwrap();
    push(&house, "topic", "Other", ALWAYS).await;
    assert!(house.world().projects[&oran()].asked.is_empty() && house.world().projects[&oran()].merge_requests.len() == 1);
}

#[tokio::test]
async fn what_a_reader_offers_is_from_outside_until_a_developer_allows_that_commit() {
    let house = house(ALWAYS).await;
    let one = foreign(&house, "One", None).await;
    let (number, run) = offer(&house, "eve", &one, false).await.unwrap();
    let (record, told) = last(&house, number);
    let told = told.unwrap();
    assert!(house.world().is_outside(&record) && run.is_some());
    assert_eq!((told.source_branch.as_str(), told.fork.as_deref()), ("eve/fix", Some("eve/oran")));
    assert_eq!(offer(&house, "eve", &one, false).await.unwrap(), (number, None), "the same again is nothing new");
    let two = foreign(&house, "Two", Some(&one)).await;
    let other = foreign(&house, "Rewritten", None).await;
    assert!(offer(&house, "eve", &two, false).await.unwrap().1.is_some());
    assert!(why(offer(&house, "eve", &other, false).await).contains("does not have what merge request 1 has"));
    assert!(why(merge_requests::allow(&house.parts, &user("grace"), &oran(), number, &one).await).contains("another commit meanwhile"));
    let allowed = merge_requests::allow(&house.parts, &user("grace"), &oran(), number, &two).await.unwrap();
    plan(&house).await;
    let (record, told) = last(&house, number);
    assert_eq!((record.id.clone(), record.push.pusher.clone(), record.push.commit.clone()), (allowed, user("grace"), two.clone()));
    assert!(!house.world().is_outside(&record) && told.unwrap().fork.is_none());
    assert!(why(merge_requests::allow(&house.parts, &user("ada"), &oran(), number, &two).await).contains("grace has allowed"));
    // another commit needs another word, also one that takes the place of what was allowed
    offer(&house, "eve", &other, true).await.unwrap();
    assert!(house.world().is_outside(&last(&house, number).0) && request(&house, number).is_outside());
    // what the first run was stays what it was
    let first = house.world().runs[&request(&house, number).runs[0]].clone();
    assert!(house.world().is_outside(&first));
}

#[tokio::test]
async fn what_a_developer_offers_is_not_from_outside_and_nobody_goes_on_with_anothers() {
    let house = house(ALWAYS).await;
    let one = foreign(&house, "One", None).await;
    let (first, _) = offer(&house, "eve", &one, false).await.unwrap();
    let (second, _) = offer(&house, "grace", &one, false).await.unwrap();
    assert_ne!(first, second, "topics are everybody's own");
    assert!(!house.world().is_outside(&last(&house, second).0));
    assert!(why(merge_requests::allow(&house.parts, &user("ada"), &oran(), second, &one).await).contains("nothing is withheld"));
    let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
    assert!(why(offer(&house, "eve", &main, true).await).contains("main has all of it already"));
}

#[tokio::test]
async fn only_what_logs_may_show_reaches_a_run_from_outside_and_nothing_that_it_leaves_is_believed() {
    let house = house(ALWAYS).await;
    for (name, all_branches, plain) in [("KEY", false, false), ("WIDE", true, false), ("SHOWN", true, true), ("MAIN", false, true)] {
        let how = Handling { all_branches, plain, ..Handling::default() };
        let event = SettingEvent::SecretSet { name: name.to_owned(), how };
        house.parts.journal.record(&streams::settings(&oran()), Actor::Penstock, event).await.unwrap();
    }
    let one = foreign(&house, "One", None).await;
    let (number, _) = offer(&house, "eve", &one, false).await.unwrap();
    let world = house.world();
    let outside = last(&house, number).0;
    assert_eq!(world.withheld(&outside).into_iter().collect::<Vec<_>>(), ["KEY", "MAIN", "WIDE"]);
    merge_requests::allow(&house.parts, &user("grace"), &oran(), number, &one).await.unwrap();
    plan(&house).await;
    let world = house.world();
    assert_eq!(world.withheld(&last(&house, number).0).into_iter().collect::<Vec<_>>(), ["KEY", "MAIN"], "as of a developer's branch");
}

#[tokio::test]
async fn a_run_from_outside_takes_nobodys_turn() {
    let file = "a: {script: [x], resource_group: one, rules: [{when: always}]}\n";
    let house = house(file).await;
    let main = house.git.resolve(&oran().into(), "refs/heads/main").await.unwrap().unwrap();
    house.git.keep(&oran().into(), "refs/heads/away", &main).await.unwrap();
    let one = commit(&house, "away", "One", file);
    offer(&house, "eve", &one, false).await.unwrap();
    let turns = house.wanted(|effect| matches!(effect, Effect::Turn { .. }));
    assert_eq!(turns.len(), 2, "each has a turn of its own: {turns:?}");
}

#[tokio::test]
async fn merging_waits_for_the_pipeline_and_is_a_push_of_the_target() {
    let house = house(ALWAYS).await;
    let head = open(&house).await;
    let merge = async |force| merge_requests::merge(&house.parts, &user("grace"), &oran(), 1, force).await;
    assert!(why(merge(false).await).contains("is not over"));
    let run = last(&house, 1).0.id;
    orders::order_run(&house.parts, &user("ada"), &run, orders::RunOrder::Cancel).await.unwrap();
    for effect in house.wanted(|effect| matches!(effect, Effect::FinishRun { .. })) {
        carry_out(&house.parts, &effect, CancellationToken::new()).await.unwrap();
    }
    assert!(why(merge(false).await).contains("has not succeeded"));
    orders::order_run(&house.parts, &user("ada"), &run, orders::RunOrder::RetryFailed).await.unwrap();
    let again = house.world().runs[&run].run.as_ref().unwrap().attempts(&"a".parse().unwrap());
    assert_eq!(again, 0);
    succeed(&house, &run).await;
    assert_eq!(house.world().head_pipeline(&oran(), &request(&house, 1)), HeadPipeline::Succeeded(run));
    assert_eq!(merge(false).await.unwrap(), head);
    assert_eq!(request(&house, 1).state, MergeRequestState::Merged { commit: head.clone(), by: user("grace") });
    let project = house.world().projects[&oran()].clone();
    let pushed = house.world().runs[project.runs.last().unwrap()].clone();
    assert_eq!((&*pushed.push.reference, &pushed.push.commit, &pushed.push.pusher), ("refs/heads/main", &head, &user("grace")));
    assert!(why(merge(true).await).contains("was merged by grace"));
}

#[tokio::test]
async fn a_push_of_the_target_that_has_it_merges_it_and_a_draft_waits() {
    let house = house(ALWAYS).await;
    let head = open(&house).await;
    let draft =
        ProjectEvent::MergeRequest { number: 1, change: MergeRequestChange::Edited { title: None, description: None, draft: Some(true) } };
    house.parts.journal.record(&streams::project(&oran()), Actor::Penstock, draft).await.unwrap();
    assert!(why(merge_requests::merge(&house.parts, &user("ada"), &oran(), 1, true).await).contains("is a draft"));
    merge_requests::ready(&house.parts, &user("ada"), &oran(), 1).await.unwrap();
    // merged elsewhere, and pushed
    house.git.keep(&oran().into(), "refs/heads/main", &head).await.unwrap();
    let merged = commit(&house, "main", "On top of it", ALWAYS);
    let events = orders::answered(&house.parts, &oran(), &user("ada"), "refs/heads/main", &merged).await.unwrap();
    assert_eq!(events.iter().map(words).collect::<Vec<_>>(), ["pushed", "merged 1"]);
    assert_eq!(request(&house, 1).state, MergeRequestState::Merged { commit: merged, by: user("ada") });
}

#[tokio::test]
async fn whoever_opened_one_closes_and_reopens_it_and_others_need_the_right() {
    let house = house(ALWAYS).await;
    let one = foreign(&house, "One", None).await;
    let (number, _) = offer(&house, "eve", &one, false).await.unwrap();
    assert!(why(merge_requests::close(&house.parts, &user("nobody"), &oran(), number).await).contains("it is eve's"));
    merge_requests::close(&house.parts, &user("eve"), &oran(), number).await.unwrap();
    assert!(why(merge_requests::close(&house.parts, &user("ada"), &oran(), number).await).contains("closed by eve"));
    assert!(why(merge_requests::allow(&house.parts, &user("ada"), &oran(), number, &one).await).contains("closed by eve"));
    assert!(why(merge_requests::reopen(&house.parts, &user("nobody"), &oran(), number).await).contains("it is eve's"));
    merge_requests::reopen(&house.parts, &user("eve"), &oran(), number).await.unwrap();
    plan(&house).await;
    let (record, told) = last(&house, number);
    assert_eq!(told.unwrap().action, "reopened");
    assert!(house.world().is_outside(&record));
}

#[tokio::test]
async fn closing_starts_what_a_workflow_names_for_it_and_nothing_else() {
    let house = house(CLOSED).await;
    push(&house, "topic", "Fix it", CLOSED).await;
    let making = Making { source: "topic".to_owned(), ..Making::default() };
    merge_requests::create(&house.parts, &user("ada"), &oran(), making).await.unwrap();
    merge_requests::close(&house.parts, &user("ada"), &oran(), 1).await.unwrap();
    plan(&house).await;
    assert_eq!((last(&house, 1).1.unwrap().action.as_str(), request(&house, 1).runs.len()), ("closed", 2));
    let gitlab = self::house(ALWAYS).await;
    open(&gitlab).await;
    merge_requests::close(&gitlab.parts, &user("ada"), &oran(), 1).await.unwrap();
    assert_eq!(request(&gitlab, 1).runs.len(), 1);
}
