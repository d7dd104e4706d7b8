//! `kill -9` of the server at any moment: the delivery goes on and ends as if nothing had happened.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_api::{EventView, Verification};
use rustix::fs::inotify::WatchFlags;

use crate::chance::Chance;
use crate::kernel::{Starts, Watch, left};
use crate::shop::{Shop, approve};
use crate::traffic::{Traffic, get};

/// How often the server is killed.
const KILLS: usize = 20;
/// How often somebody asks, and somebody else. Not in step, since the gateway deals its share out exactly.
const PACE: Duration = Duration::from_millis(20);
/// The other one's.
const OTHER_PACE: Duration = Duration::from_millis(27);
/// About as long as a start takes, in milliseconds.
const STARTING_MS: u64 = 200;

/// A shop whose server is killed.
struct Killed {
    shop: Shop,
    chance: Chance,
    kills: usize,
    early: usize,
    /// The branches of both repositories.
    source: Watch,
    config: Watch,
}

impl Killed {
    async fn open() -> Self {
        let shop = Shop::open("shop", true).await;
        let heads = |name: &str| Watch::on(&shop.house.repository(name).join("refs/heads"), WatchFlags::MOVED_TO);
        let (source, config) = (heads("shop"), heads("shop-config"));
        Self { shop, chance: Chance::seeded(), kills: 0, early: 0, source, config }
    }

    /// Kills the server a random while after the moment that has just come, and starts it again.
    async fn kill(&mut self, moment: &str, within_ms: u64) {
        let late = self.chance.below(within_ms + 1);
        tokio::time::sleep(Duration::from_millis(late)).await;
        self.shop.house.kill().await;
        self.kills += 1;
        println!("{:>2}. killed {late} ms after: {moment}", self.kills);
        self.source.all();
        self.config.all();
        self.start().await;
    }

    /// Starts the server again. One time in three the new one is killed too, while it takes up what the first one left.
    async fn start(&mut self) {
        if self.chance.below(3) == 0 {
            let after = self.chance.below(STARTING_MS);
            self.shop.house.start_and_kill(Duration::from_millis(after)).await;
            self.early += 1;
            println!("    killed again {after} ms after its start");
        }
        let begun = std::time::Instant::now();
        self.shop.house.start().await;
        println!("    back after {} ms", begun.elapsed().as_millis());
    }

    /// Kills at an event.
    async fn kill_at(&mut self, kind: &str, within_ms: u64) {
        self.shop.kind(kind).await;
        self.kill(kind, within_ms).await;
    }

    /// Kills at an event in an environment.
    async fn kill_in(&mut self, kind: &str, environment: &str, within_ms: u64) {
        self.shop.event(kind, environment).await;
        self.kill(&format!("{kind} in {environment}"), within_ms).await;
    }

    /// Kills when the config repository's branch moves, which is before the log says so, or else at the event.
    async fn kill_at_config_commit(&mut self, kind: &str, within_ms: u64) {
        tokio::select! {
            () = self.config.named("main") => {}
            _ = self.shop.kind(kind) => {}
        }
        self.kill(&format!("the config branch moved ({kind})"), within_ms).await;
    }

    /// Kills while a push is under way, when its branch has moved; the pusher tries again until the server is back.
    async fn kill_at_push(&mut self, within_ms: u64) {
        self.source.all();
        let late = self.chance.below(within_ms + 1);
        {
            let push = self.shop.source.push();
            tokio::pin!(push);
            tokio::select! {
                () = self.source.named("main") => {}
                said = &mut push => panic!("the branch did not move: {said:?}"),
            }
            // the pusher's program goes on meanwhile
            let _ = tokio::time::timeout(Duration::from_millis(late), &mut push).await;
            self.shop.house.kill().await;
            // what comes to the pusher is one thing; what is kept is kept
            let _ = push.await;
        }
        self.kills += 1;
        println!("{:>2}. killed {late} ms after: a push moved the branch", self.kills);
        self.start().await;
        let again = self.shop.source.push().await.unwrap();
        assert!(again.contains("Everything up-to-date"), "{again}");
    }

    /// Kills while an approval is under way. It is recorded once or refused, and asked for again if it was refused.
    async fn kill_at_approval(&mut self, release: &str, within_ms: u64) {
        let late = self.chance.below(within_ms + 1);
        let order = approve(self.shop.grace.client.clone(), release);
        tokio::pin!(order);
        let answered = tokio::time::timeout(Duration::from_millis(late), &mut order).await;
        let answered = answered.is_ok_and(|answer| answer.is_ok());
        self.shop.house.kill().await;
        self.kills += 1;
        println!("{:>2}. killed {late} ms after an approval was sent; it was answered: {answered}", self.kills);
        self.start().await;
        let recorded = self.shop.stands(release, "production").await.approvals.len();
        assert!(recorded == 1 || !answered && recorded == 0, "answered: {answered}, recorded: {recorded}");
        if recorded == 0 {
            self.shop.approve(release).await.unwrap();
        }
    }
}

/// The first delivery, with nobody in its way.
async fn first(shop: &mut Shop) -> String {
    shop.version("1", "200 OK").await;
    shop.source.push().await.unwrap();
    let release = shop.release().await;
    shop.awaits_approval().await;
    shop.approve(&release).await.unwrap();
    shop.event("release.delivered", "production").await;
    release
}

/// A good change, killed at fourteen moments from its push to production.
async fn good(killed: &mut Killed) -> String {
    killed.shop.version("2", "200 OK").await;
    killed.kill_at_push(20).await;
    killed.kill_at("project.pushed", 40).await;
    killed.kill_at("run.job_started", 400).await;
    killed.kill_at("run.job_finished", 300).await;
    killed.shop.until("the image's job", |event| event.kind == "run.job_started" && event.data["job"] == "pack").await;
    killed.kill("run.job_started of the image", 1500).await;
    killed.kill_at("work.image_built", 100).await;
    let release = killed.shop.release().await;
    killed.kill("release.created", 100).await;
    killed.kill_at_config_commit("release.committed", 10).await;
    killed.kill_at("app.sync_started", 500).await;
    killed.kill_in("release.delivered", "staging", 400).await;
    killed.shop.awaits_approval().await;
    killed.kill_at_approval(&release, 30).await;
    killed.kill_in("release.committed", "production", 600).await;
    killed.kill_at("rollout.step_began", 2000).await;
    killed.shop.until("the second step", |event| event.kind == "rollout.step_began" && event.data["index"] == 1).await;
    killed.kill("the second rollout.step_began", 2500).await;
    killed.shop.event("release.delivered", "production").await;
    release
}

/// A bad change, killed at six moments of its way back.
async fn bad(killed: &mut Killed) -> String {
    killed.shop.version("3", "500 Broken").await;
    killed.shop.source.push().await.unwrap();
    let release = killed.shop.release().await;
    killed.shop.awaits_approval().await;
    killed.shop.approve(&release).await.unwrap();
    killed.kill_at("rollout.started", 800).await;
    killed.shop.kind("rollout.step_began").await;
    let bad = Traffic::begin(killed.shop.ports["production"], "/cgi-bin/kind", OTHER_PACE);
    killed.kill_at("rollout.aborted", 20).await;
    killed.kill_at("release.refused", 60).await;
    killed.kill_at("release.traffic_taken", 10).await;
    killed.kill_at_config_commit("release.reverted", 10).await;
    killed.kill_at("release.reverted", 300).await;
    let tally = bad.end().await;
    assert!(!tally.failed.is_empty(), "the canary gave errors, or it would not have been taken back");
    release
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_twenty_moments_delivers_as_if_nothing_had_happened() {
    let began = std::time::Instant::now();
    let mut killed = Killed::open().await;
    let mut starts = Starts::of(&killed.shop.house);
    let one = first(&mut killed.shop).await;
    println!("first delivery after {} ms", began.elapsed().as_millis());
    let traffic = Traffic::begin(killed.shop.ports["production"], "/", PACE);
    let two = good(&mut killed).await;
    println!("second delivery after {} ms", began.elapsed().as_millis());
    let three = bad(&mut killed).await;
    println!("third delivery after {} ms", began.elapsed().as_millis());
    assert_eq!(killed.kills, KILLS);
    settled(&killed.shop).await;
    let tally = traffic.end().await;
    assert_eq!(tally.failed, Vec::<String>::new(), "{:?}", tally.answers);
    assert!(["version 1", "version 2"].iter().all(|version| tally.answers[*version] > 0), "{:?}", tally.answers);
    config_commits(&killed.shop, [&one, &two, &three]);
    container_starts(&mut starts);
    log(&killed.shop, [&one, &two, &three]).await;
    let requests: u64 = tally.answers.values().sum();
    println!("{requests} requests, none failed; {} more kills while starting; {} ms in all", killed.early, began.elapsed().as_millis());
    killed.shop.house.stop().await;
    let down = killed.shop.house.penstock(&["down"]).await;
    assert!(down.status.success(), "{down:?}");
    assert_eq!(left(&killed.shop.house), Vec::<String>::new());
}

/// Staging runs what came last, production what was good last.
async fn settled(shop: &Shop) {
    assert_eq!(get(shop.ports["staging"], "/").await.unwrap(), (200, "version 3".to_owned()));
    for _ in 0..20 {
        assert_eq!(get(shop.ports["production"], "/").await.unwrap(), (200, "version 2".to_owned()));
    }
}

/// One commit for each release and environment, one revert, and both repositories whole.
fn config_commits(shop: &Shop, releases: [&str; 3]) {
    let trailers = "%(trailers:key=Penstock-Release,valueonly,separator=%x20)|%(trailers:key=Penstock-Environment,valueonly,separator=%x20)|%(trailers:key=Penstock-Revert,valueonly,separator=%x20)";
    let history = shop.server_git("shop-config", &["log", &format!("--format={trailers}"), "main"]);
    let mut found: BTreeMap<(String, String, bool), usize> = BTreeMap::new();
    for line in history.lines().filter(|line| *line != "||") {
        let [release, environment, revert] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let release = release.trim_start_matches("sha256:").to_owned();
        *found.entry((release, environment.to_owned(), !revert.is_empty())).or_default() += 1;
    }
    let mut wanted: BTreeMap<_, _> = releases
        .iter()
        .flat_map(|release| ["staging", "production"].map(|environment| (((*release).to_owned(), environment.to_owned(), false), 1)))
        .collect();
    wanted.insert((releases[2].to_owned(), "production".to_owned(), true), 1);
    assert_eq!(found, wanted, "{history}");
    let steps: Vec<_> = std::fs::read_dir(shop.house.data().join("containers/runs")).unwrap().collect();
    assert!(steps.is_empty(), "steps of dead builds are cleared away: {steps:?}");
    for repository in ["shop", "shop-config"] {
        shop.server_git(repository, &["fsck", "--strict"]);
    }
}

/// What was wanted: a pod for each version in staging, two for each good one in production, and one canary of the bad one.
fn container_starts(starts: &mut Starts) {
    let mut counts = starts.count();
    // steps of builds are not wanted containers: an interrupted build begins anew
    counts.retain(|name, _| name.starts_with("web-"));
    assert!(counts.values().all(|count| *count == 1), "each is started once: {counts:#?}");
    assert_eq!(counts.len(), 3 + 2 * 2 + 1, "{counts:#?}");
}

async fn log(shop: &Shop, releases: [&str; 3]) {
    let events = shop.events().await;
    let count = |pick: &dyn Fn(&EventView) -> bool| events.iter().filter(|event| pick(event)).count();
    let of = |kind: &'static str| move |event: &EventView| event.kind == kind;
    assert_eq!(count(&of("project.pushed")), 3, "a run for each push");
    let pushers: Vec<_> = events.iter().filter(|event| event.kind == "project.pushed").map(|event| event.data["pusher"].clone()).collect();
    assert_eq!(pushers, ["ada", "ada", "ada"], "who pushed is known after a crash too");
    assert_eq!(count(&of("release.created")), 3);
    assert_eq!(count(&of("run.finished")), 3);
    for release in releases {
        let stream = format!("release/{release}");
        let times = |kind: &str| count(&|event: &EventView| event.stream == stream && event.kind == kind);
        assert_eq!(times("release.committed"), 2);
        let approvals = count(&|event: &EventView| {
            event.kind == "evidence.recorded"
                && event.data["evidence"]["name"] == "approval"
                && event.data["evidence"]["subject"].to_string().contains(release)
        });
        assert_eq!(approvals, 1, "statements of approval for {release}");
    }
    assert!(shop.stands(releases[2], "production").await.reverted.is_some());
    assert_eq!(shop.stands(releases[1], "production").await.step, "delivered");
    let verified: Verification = shop.house.admin().client.get("/verify").await.unwrap();
    assert_eq!(verified.problems, Vec::<String>::new());
}
