//! What the pages are looked at with: a year of runs, a canary under way, one that went back, a gate that refuses, one
//! that waits for a person.

mod canary;

use std::sync::Arc;
use std::time::Duration;

use penstock_delivery::effects::carry_out;
use penstock_delivery::events::Role;
use penstock_delivery::glass::{GlassOrder, break_glass};
use penstock_delivery::keeper::{Keeper, keep};
use penstock_delivery::merge_requests::options::Offer;
use penstock_delivery::merge_requests::{self, Making};
use penstock_delivery::wanted::{Effect, wanted};
use penstock_delivery::{environments, orders};
use penstock_model::RunId;
use penstock_model::blob::Channel::{Err, Note, Out};
use penstock_model::git::GitHost;
use penstock_model::ids::Actor;
use penstock_model::release::ReleaseId;
use penstock_model::target::ObjectKey;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::canary::{Counted, canary};
use super::project::{House, Project, place, user};

/// As many runs there were before.
pub const RUNS: u64 = 1_000;
/// Every so many of them made a release.
const RELEASED: u64 = 4;
const SERVICES: [&str; 4] = ["api-gateway", "drl-trainer", "e2-server", "pqc-service"];
/// The hash of the pod template that serves.
const STABLE: &str = "697eb0f541";
const SMALL: &str = "build: {script: [make]}
unit: {stage: test, script: [make test]}
lint: {stage: test, script: [make lint]}
";
/// Three hundred jobs, most of them of two matrices; one key is there twice.
const LARGE: &str = "stages: [build, test, report]
variables: {LEVEL: '1', LEVEL: '2'}
build: {stage: build, script: [make]}
unit: {stage: test, script: [make unit], parallel: 200}
platform:
  stage: test
  needs: [build]
  script: [make platform]
  parallel: {matrix: [{SYSTEM: [debian, fedora, alpine, arch, suse, ubuntu, void, gentoo], PYTHON: ['3.9', '3.10', '3.11', '3.12', '3.13', '3.14'], DATABASE: [none, sqlite]}]}
lint: {stage: test, needs: [], script: [make lint]}
docs: {stage: report, script: [make docs]}
report: {stage: report, script: [make report]}
";
/// Lines that one of its jobs prints.
pub const LINES: u32 = 3_000;
/// The jobs of it that fail.
pub const LARGE_FAILS: [&str; 2] = ["unit 117/200", "platform: [alpine, 3.12, sqlite]"];
/// Deploys to an environment that a job stops, and to one that nobody stops.
const DEPLOYS: &str = "stages: [deploy]
review: {stage: deploy, script: [make], environment: {name: review/day, url: 'https://day.tariff.example.org/', on_stop: take down}}
take down: {stage: deploy, script: [make], when: manual, environment: {name: review/day, action: stop}}
old: {stage: deploy, script: [make], environment: review/old}
";
const TITLES: [&str; 6] = [
    "Read the subscription's period from its own field",
    "Keep the policy's input in one place",
    "Say which cell a figure belongs to",
    "Bound the queue of indications",
    "Name the key in the error",
    "Try the handshake again once, then give up and say why, so that a restart of the peer is not a failure",
];

/// What the tests ask for.
pub struct Story {
    /// The administrator's token.
    pub admin: String,
    /// The token of somebody who may only look.
    pub reader: String,
    /// The token of an approver.
    pub approver: String,
    /// Every page that there is: a name, and its address.
    pub pages: Vec<(&'static str, String)>,
}

/// Tells it.
pub async fn tell(house: &House, keeper: Arc<Keeper>) -> Story {
    let tokens = people(house).await;
    let oran = Project::create(house, "oran").await;
    history(&oran).await;
    // what was long ago needs no keeping
    let told = CancellationToken::new();
    tokio::spawn(keep(house.parts.clone(), keeper.clone(), told.clone()));
    let billing = Project::create(house, "billing").await;
    let tariff = Project::create(house, "tariff").await;
    let pressed = waits(&tariff, "Take the night tariff from the contract").await;
    let edge = Project::create(house, "edge").await;
    let back = went_back(&edge, &keeper).await;
    let (waiting, refused) = gates(&billing).await;
    let (rolling, failed, going) = today(&oran, &keeper).await;
    ask(&billing, refused).await;
    let cancelled = tariff.push("ada", "topic", "Take the day tariff too", SMALL).await;
    proposed(&tariff).await;
    let rejected = oran.push("ada", "try", "Try a matrix", "build:\n  script: make\n  paralel: 3\n").await;
    let large = everywhere(&tariff).await;
    deployed(&tariff).await;
    orders::create_project(&house.parts, &user("root"), &"firmware".parse().unwrap(), &"firmware-config".parse().unwrap(), "main")
        .await
        .unwrap();
    // from here on nothing moves but what a test moves
    told.cancel();
    let release = |id: ReleaseId| format!("/releases/{}", id.0.hex());
    let pages = [
        ("overview", "/".to_owned()),
        ("project", "/projects/oran".to_owned()),
        ("project-empty", "/projects/firmware".to_owned()),
        ("tests", "/projects/oran/tests".to_owned()),
        ("tests-failing", "/projects/oran/tests?branch=topic".to_owned()),
        ("tests-empty", "/projects/firmware/tests".to_owned()),
        ("merge-requests", "/projects/tariff/merge-requests".to_owned()),
        ("merge-requests-empty", "/projects/firmware/merge-requests".to_owned()),
        ("merge-request", "/projects/tariff/merge-requests/1".to_owned()),
        ("merge-request-outside", "/projects/tariff/merge-requests/2".to_owned()),
        ("runs", "/runs".to_owned()),
        ("run", format!("/runs/{going}")),
        ("run-failed", format!("/runs/{failed}")),
        ("run-pressed", format!("/runs/{cancelled}")),
        ("run-rejected", format!("/runs/{rejected}")),
        ("run-large", format!("/runs/{large}")),
        ("job-long", format!("/runs/{large}/jobs/unit%20117%2F200")),
        ("job", format!("/runs/{failed}/jobs/pytest")),
        ("job-waiting", format!("/runs/{going}/jobs/advisories-e2-server")),
        ("release", release(rolling)),
        ("release-waiting", release(waiting)),
        ("release-refused", release(refused)),
        ("release-pressed", release(pressed)),
        ("release-back", release(back)),
        ("rollout", "/projects/oran/environments/production".to_owned()),
        ("rollout-back", "/projects/edge/environments/production".to_owned()),
        ("environment", "/projects/billing/environments/staging".to_owned()),
        ("environment-empty", "/projects/billing/environments/production".to_owned()),
        ("named-environments", "/projects/tariff/named-environments".to_owned()),
        ("named-environment", "/projects/tariff/named-environments/review%2Fday".to_owned()),
        ("named-environments-empty", "/projects/firmware/named-environments".to_owned()),
        ("audit", "/audit".to_owned()),
        ("audit-older", "/audit?before=400".to_owned()),
        ("absent", "/runs/01M8AHPMQW97YW08M8WAXE0Y1X".to_owned()),
        ("lost", "/nowhere".to_owned()),
    ];
    Story { admin: tokens[0].clone(), reader: tokens[1].clone(), approver: tokens[4].clone(), pages: pages.into() }
}

/// Whoever there is, by their tokens.
async fn people(house: &House) -> Vec<String> {
    let mut tokens = Vec::new();
    for (name, role) in
        [("root", Role::Admin), ("rita", Role::Reader), ("ada", Role::Developer), ("grace", Role::Developer), ("linus", Role::Developer)]
    {
        let token = orders::add_user(&house.parts, Actor::Penstock, &user(name), role, Vec::new()).await.unwrap();
        tokens.push(token.expose().to_owned());
    }
    tokens
}

/// A run of very many jobs, of which some fail, one after very many lines.
async fn everywhere(tariff: &Project) -> RunId {
    let large = tariff.push("ada", "try", "Try everything everywhere", LARGE).await;
    let lines: Vec<String> =
        (1..=LINES).map(|number| format!("case {number} of {LINES} has passed: {}", "as it should ".repeat(40))).collect();
    let lines: Vec<_> = lines.iter().map(|line| (Out, line.as_str())).collect();
    tariff.print(&large, LARGE_FAILS[0], &lines).await;
    tariff.work(&large, &|job| Some(i32::from(LARGE_FAILS.contains(&job)))).await;
    large
}

/// What jobs deployed, and what was stopped.
async fn deployed(tariff: &Project) {
    let deploys = tariff.push("ada", "day", "Look at the day tariff", DEPLOYS).await;
    tariff.work(&deploys, &|_| Some(0)).await;
    environments::stop(&tariff.house.parts, Actor::User(user("ada")), &"tariff".parse().unwrap(), "review/old").await.unwrap();
}

/// A merge request of a branch, and one from outside that waits for a word.
async fn proposed(tariff: &Project) {
    const PIPELINE: &str = "unit: {script: [make test], rules: [{when: always}]}\n";
    let (parts, git, repository) = (&tariff.house.parts, &tariff.house.git, tariff.name.clone().into());
    let main = git.resolve(&repository, "refs/heads/main").await.unwrap().unwrap();
    let commit = async |branch: &str, who: &str, title: &str| {
        git.keep(&repository, &format!("refs/heads/{branch}"), &main).await.unwrap();
        git.push(&repository, branch, &[(".gitlab-ci.yml", Some(PIPELINE)), ("CHANGES", Some(title))], who, title)
    };
    commit("night", "ada", "Read the night tariff once").await;
    let description = "It was read for each meter.\n\nMeasured with 40,000 meters: 3 s instead of 70 s.".to_owned();
    let making = Making { source: "night".to_owned(), description, ..Making::default() };
    merge_requests::create(parts, &user("ada"), &tariff.name, making).await.unwrap();
    let offered = commit("away", "rita", "Round half to even").await;
    let offer = Offer { topic: Some("rounding".to_owned()), ..Offer::default() };
    merge_requests::offer(parts, &user("rita"), &tariff.name, "main", &offered, offer).await.unwrap();
    for effect in wanted(&tariff.world(), parts.journal.now()).effects {
        if matches!(effect, Effect::Plan { .. }) {
            carry_out(parts, &effect, CancellationToken::new()).await.unwrap();
        }
    }
}

/// What was before: a thousand runs with their statements, some of which made releases.
async fn history(oran: &Project) {
    for number in 0..RUNS {
        oran.house.clock.advance(Duration::from_secs(2_400));
        let title = TITLES[usize::try_from(number).unwrap() % TITLES.len()];
        let branch = if number % RELEASED == 0 { "main" } else { "topic" };
        let run = oran.push("ada", branch, title, SMALL).await;
        oran.work(&run, &|job| Some(i32::from(job == "unit" && number % 17 == 0))).await;
        if number > RUNS / 2 {
            oran.tested(&run, "unit", number / RELEASED).await;
        }
        if number % RELEASED == 0 && number % 17 != 0 {
            oran.release(&run, &["api-gateway"]).await;
        }
    }
}

const TOOLS: [&str; 9] = ["black", "isort", "pylint", "yamllint", "hadolint", "gitleaks", "bandit", "trivy-config", "trivy-secret"];

/// A push of the sample product that makes a release.
async fn pushed(project: &Project, who: &str, title: &str) -> ReleaseId {
    project.house.clock.advance(Duration::from_secs(1_500));
    let run = project.push(who, "main", title, &Project::pipeline()).await;
    project.work(&run, &|_| Some(0)).await;
    for (index, tool) in TOOLS.iter().enumerate() {
        project.scanned(&run, tool, usize::from(title.contains("key") && *tool == "gitleaks"), index % 3).await;
    }
    project.release(&run, &SERVICES).await
}

/// A release that waits for an approval, and one that its gate refuses.
async fn gates(billing: &Project) -> (ReleaseId, ReleaseId) {
    let waiting = waits(billing, "Round each line, not the sum").await;
    let refused = pushed(billing, "ada", "Deploy with a key of its own").await;
    billing.gates(refused).await;
    (waiting, refused)
}

/// Somebody wants the glass broken.
async fn ask(billing: &Project, refused: ReleaseId) {
    let order = GlassOrder {
        by: user("grace"),
        release: refused,
        environment: place("staging"),
        reason: "invoices stand still since 07:40 and the key was revoked already (INC-2207)".to_owned(),
        lasts: None,
        confirm: false,
    };
    break_glass(&billing.house.parts, &order).await.unwrap();
}

/// A release that waits for an approval.
async fn waits(project: &Project, title: &str) -> ReleaseId {
    let release = pushed(project, "ada", title).await;
    project.gates(release).await;
    project.delivered(release, "staging").await;
    project.gates(release).await;
    release
}

/// A release whose canary failed.
async fn went_back(edge: &Project, keeper: &Keeper) -> ReleaseId {
    let first = pushed(edge, "ada", "Begin the product").await;
    to_production(edge, first, true).await;
    let bad = pushed(edge, "ada", "Answer from the cache").await;
    to_production(edge, bad, false).await;
    let api = key(edge, "api-gateway");
    canary(edge, keeper, &api, 34, &|look| Counted { requests: 23, errors: u64::from(look > 24) * 2, millis: 9 }).await;
    edge.house.target.set_status(&api, json!({"phase": "Degraded", "message": "RolloutAborted"}));
    // the target follows the revert
    edge.house.target.change_rollout(&api, |seen| STABLE.clone_into(&mut seen.wanted));
    loop {
        let effects = wanted(&edge.world(), edge.house.parts.journal.now()).effects;
        let Some(effect) = effects.into_iter().find(|effect| matches!(effect, Effect::WayBack { .. })) else { break };
        carry_out(&edge.house.parts, &effect, CancellationToken::new()).await.unwrap();
    }
    bad
}

/// A release with its canary under way, a run that failed, and one that goes on.
async fn today(oran: &Project, keeper: &Keeper) -> (ReleaseId, RunId, RunId) {
    let first = pushed(oran, "ada", "Begin the second release line").await;
    to_production(oran, first, true).await;
    let rolling = pushed(oran, "ada", "Tell each cell's load in its figures").await;
    to_production(oran, rolling, false).await;
    let older = wanted(&oran.world(), oran.house.parts.journal.now()).effects;
    for effect in older.iter().filter(|effect| matches!(effect, Effect::Supersede { .. })) {
        carry_out(&oran.house.parts, effect, CancellationToken::new()).await.unwrap();
    }
    let api = key(oran, "api-gateway");
    let even = |look: u64| Counted {
        requests: 21 + look * 7 % 9,
        errors: u64::from(look % 31 == 30),
        millis: [6, 7, 9, 9, 12][usize::try_from(look).unwrap() % 5],
    };
    canary(oran, keeper, &api, 80, &even).await;
    oran.house.target.set_status(&api, json!({"phase": "Progressing", "message": "weight 25 %"}));
    let failed = oran.push("ada", "topic", "Compare policies by their digest", &Project::pipeline()).await;
    oran.print(&failed, "pytest", &LOG).await;
    oran.work(&failed, &|job| Some(i32::from(job == "pytest"))).await;
    oran.tested(&failed, "pytest", 4).await;
    let going = oran.push("grace", "main", "Bound the wait for a peer that does not answer", &Project::pipeline()).await;
    oran.work(&going, &|job| if job.starts_with("image-e2") || job == "pylint" { None } else { Some(0) }).await;
    for tool in TOOLS.iter().filter(|tool| **tool != "pylint") {
        oran.scanned(&going, tool, 0, 0).await;
    }
    oran.house.clock.advance(Duration::from_secs(19));
    (rolling, failed, going)
}

const LOG: [(penstock_model::blob::Channel, &str); 9] = [
    (Note, "step: script"),
    (Out, "$ mkdir -p reports"),
    (Out, "$ pytest -q tests/unit --cov=sdr_client --cov-report=term --cov-report=xml:reports/coverage.xml --junitxml=reports/junit.xml"),
    (Out, "..............F.....                                                     [100%]"),
    (Out, "    def test_policies_differ_by_content():"),
    (Out, ">       assert digest(one) != digest(other)"),
    (Err, "E       AssertionError: assert 'sha256:9f86d081884c' != 'sha256:9f86d081884c'"),
    (Out, "1 failed, 20 passed in 0.81s"),
    (Note, "exit code 1 after 2.70 s"),
];

/// Through both gates; `done` says whether it has arrived or is on its way.
async fn to_production(project: &Project, release: ReleaseId, done: bool) {
    project.gates(release).await;
    project.delivered(release, "staging").await;
    project.gates(release).await;
    project.approve(release, "grace").await;
    project.gates(release).await;
    if done {
        project.delivered(release, "production").await;
    }
}

fn key(project: &Project, name: &str) -> ObjectKey {
    ObjectKey {
        group: "argoproj.io".to_owned(),
        kind: "Rollout".to_owned(),
        namespace: format!("{}-production", project.name),
        name: name.to_owned(),
    }
}

/// Something happens while somebody looks.
pub async fn another_push(house: &House) -> String {
    let title = "Said while you looked";
    let project = Project { house: house.clone(), name: "oran".parse().unwrap() };
    project.push("ada", "topic", title, SMALL).await;
    title.to_owned()
}
