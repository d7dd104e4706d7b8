//! The acts: a first delivery, a good change by canary, a bad one that rolls back by itself, and a key that is refused.

use std::time::Instant;

use penstock_api::{EnvironmentOrder, EnvironmentView, ReleaseView, RunView};
use penstock_model::RunId;
use serde_json::Value;

use crate::shell::{Repository, run as program};
use crate::stage::{Stage, say};
use crate::table::Row;
use crate::traffic::Traffic;
use crate::watch::{canary, run, step, until};

/// The author of the demo's commits.
const ADA: (&str, &str) = ("Ada", "ada@example.org");

type Act = Result<(), String>;

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn expect(holds: bool, what: &str) -> Act {
    if holds {
        println!("    \u{2713} {what}");
        Ok(())
    } else {
        Err(format!("expected, and not so: {what}"))
    }
}

/// All of it.
pub async fn play(stage: &mut Stage) -> Act {
    say("git push: the config repository, then the product");
    push_config(stage).await?;
    first(stage).await?;
    good(stage).await?;
    bad(stage).await?;
    key(stage).await?;
    say("the evidence, verified again from its bytes");
    let verified: penstock_api::Verification = stage.admin.get("/verify").await.map_err(|error| error.to_string())?;
    expect(verified.problems.is_empty(), &format!("{} events and {} statements verify", verified.position, verified.statements))?;
    say("what the team heard");
    for line in stage.heard.all() {
        println!("    {line}");
    }
    for channel in ["slack", "email"] {
        expect(stage.heard.has(channel, &["runs in production"]), &format!("{channel}: the success"))?;
        expect(stage.heard.has(channel, &["rolled back in production"]), &format!("{channel}: the rollback"))?;
    }
    Ok(())
}

async fn push_config(stage: &Stage) -> Act {
    let admin = std::fs::read_to_string(stage.token_file()).map_err(|error| error.to_string())?;
    let folder = stage.dir.join("oran-config");
    let config = Repository { folder: &folder, token: &admin, author: ("Platform team", "platform@example.org") };
    config.git(&["init", "--quiet", "--initial-branch", "main"]).await?;
    config.git(&["remote", "add", "origin", &format!("{}/git/oran-config.git", stage.url())]).await?;
    config.commit("Describe staging and production").await?;
    for line in config.push().await? {
        println!("    {line}");
    }
    Ok(())
}

/// Pushes what is committed and follows the run. Gives its view.
async fn push(stage: &Stage) -> Result<RunView, String> {
    let folder = stage.dir.join("oran");
    let source = Repository { folder: &folder, token: &stage.ada.1, author: ADA };
    let said = source.push().await?;
    for line in &said {
        println!("    {line}");
    }
    let id = said.iter().find_map(|line| line.rsplit_once("/runs/").map(|(_, id)| id.trim().to_owned()));
    let id: RunId = id.ok_or("the push answered with no run")?.parse().map_err(|error| format!("{error}"))?;
    run(&stage.ada.0, &id).await
}

async fn commit(stage: &Stage, message: &str) -> Act {
    let folder = stage.dir.join("oran");
    Repository { folder: &folder, token: &stage.ada.1, author: ADA }.commit(message).await
}

async fn patch(stage: &Stage, name: &str) -> Act {
    let file = stage.args.examples.join("changes").join(name);
    let folder = stage.dir.join("oran");
    let source = Repository { folder: &folder, token: &stage.ada.1, author: ADA };
    source.git(&["apply", "--index", &file.to_string_lossy()]).await.map(drop)
}

fn release_of(run: &RunView) -> Result<String, String> {
    if run.summary.status != "success" && run.summary.status != "success with warnings" {
        let failed: Vec<_> =
            run.jobs.iter().filter(|job| job.status == "failed").map(|job| format!("{}: {}", job.name, job.message)).collect();
        return Err(format!("the run ended as {}: {} {}", run.summary.status, failed.join("; "), run.rejected.clone().unwrap_or_default()));
    }
    Ok(run.summary.id.to_string())
}

/// The release that a run makes; it comes right after the run's end.
async fn release(stage: &Stage, run: &RunView) -> Result<String, String> {
    let id = release_of(run)?;
    let (client, path) = (&stage.admin, format!("/runs/{id}"));
    let path = &path;
    until(client, "the release", || async move {
        let run: RunView = client.get(path).await.map_err(|error| error.to_string())?;
        Ok(run.summary.release.map(|release| release.0.hex()))
    })
    .await
}

async fn approve(stage: &Stage, release: &str) -> Act {
    let order = EnvironmentOrder { environment: "production".parse().map_err(|error| format!("{error}"))? };
    let path = format!("/releases/{release}/approve");
    let own: Result<Value, _> = stage.ada.0.post(&path, &order).await;
    expect(own.is_err(), &format!("who pushed may not approve ({})", own.err().map(|error| error.to_string()).unwrap_or_default()))?;
    let _: Value = stage.grace.post(&path, &order).await.map_err(|error| error.to_string())?;
    println!("    grace approves");
    Ok(())
}

fn row(stage: &mut Stage, name: &str, verdict: &str, took_ms: Option<u64>, own_ms: Option<u64>) {
    stage.rows.push(Row { stage: name.to_owned(), verdict: verdict.to_owned(), took_ms, own_ms });
}

fn run_rows(stage: &mut Stage, act: &str, run: &RunView) {
    for name in &run.stages {
        let jobs = || run.jobs.iter().filter(|job| job.stage == *name);
        let (Some(from), Some(to)) = (jobs().filter_map(|job| job.started).min(), jobs().filter_map(|job| job.ended).max()) else {
            continue;
        };
        let good = jobs().all(|job| matches!(job.status.as_str(), "success" | "manual" | "skipped"));
        let took = u64::try_from(to.since(from).as_millis()).unwrap_or(0);
        row(stage, &format!("{act}: {name}"), if good { "success" } else { "failed" }, Some(took), None);
    }
}

/// From push to production, for the first time: there is nothing to compare with, so production takes it at once.
async fn first(stage: &mut Stage) -> Act {
    let folder = stage.dir.join("oran");
    let source = Repository { folder: &folder, token: &stage.ada.1, author: ADA };
    source.git(&["init", "--quiet", "--initial-branch", "main"]).await?;
    source.git(&["remote", "add", "origin", &format!("{}/git/oran.git", stage.url())]).await?;
    source.commit("Begin the product").await?;
    let began = Instant::now();
    let run = push(stage).await?;
    run_rows(stage, "first push", &run);
    let id = release(stage, &run).await?;
    say("staging, by itself");
    step(&stage.admin, &id, "staging", &["delivered"]).await?;
    say("production, by approval");
    step(&stage.admin, &id, "production", &["awaiting_approval"]).await?;
    approve(stage, &id).await?;
    step(&stage.admin, &id, "production", &["delivered"]).await?;
    let view: ReleaseView = stage.admin.get(&format!("/releases/{id}")).await.map_err(|error| error.to_string())?;
    row(stage, "first push: push to staging", "delivered", view.clocks.push_to_first_ms, None);
    row(stage, "first push: approval to production", "delivered", view.clocks.approval_to_last_ms, None);
    row(stage, "first push: whole", "delivered", Some(millis(began)), view.clocks.own_ms);
    Ok(())
}

async fn production_url(stage: &Stage) -> Result<String, String> {
    let view: EnvironmentView = stage.admin.get("/projects/oran/environments/production").await.map_err(|error| error.to_string())?;
    view.summary.url.ok_or_else(|| "production has no address".to_owned())
}

async fn traffic(stage: &Stage) -> Result<Traffic, String> {
    let url = production_url(stage).await?;
    Traffic::start(&stage.args.tools, &stage.dir.join("oran"), &stage.dir, &url, stage.args.rate)
}

/// A good change goes by canary, under traffic, and no request fails.
async fn good(stage: &mut Stage) -> Act {
    say("a good change: by canary, under traffic");
    patch(stage, "good.patch").await?;
    commit(stage, "Tell each cell's load in its figures").await?;
    let began = Instant::now();
    let run = push(stage).await?;
    run_rows(stage, "good push", &run);
    let id = release(stage, &run).await?;
    step(&stage.admin, &id, "staging", &["delivered"]).await?;
    step(&stage.admin, &id, "production", &["awaiting_approval"]).await?;
    let traffic = traffic(stage).await?;
    approve(stage, &id).await?;
    let (_, weights) = canary(&stage.admin, &stage.project, &id, &["delivered", "refused"]).await?;
    let sent = traffic.stop().await?;
    let view: ReleaseView = stage.admin.get(&format!("/releases/{id}")).await.map_err(|error| error.to_string())?;
    for weight in [5, 25, 50] {
        expect(weights.contains(&weight), &format!("the canary had {weight} % of the traffic"))?;
    }
    expect(
        view.environments.iter().any(|place| place.environment.as_str() == "production" && place.step == "delivered"),
        "it took all of it",
    )?;
    expect(
        sent.requests > 0 && sent.failed == 0 && sent.dropped == 0,
        &format!("{} requests, {} failed, {} left out", sent.requests, sent.failed, sent.dropped),
    )?;
    row(stage, "good push: push to staging", "delivered", view.clocks.push_to_first_ms, None);
    row(stage, "good push: canary 5/25/50/100 %", "promoted", view.clocks.bakes_ms, None);
    row(stage, "good push: whole", "delivered", Some(millis(began)), view.clocks.own_ms);
    Ok(())
}

/// A bad change passes staging, fails under real traffic, and goes back by itself.
async fn bad(stage: &mut Stage) -> Act {
    say("a bad change: every 20th request of a kind that staging does not send fails");
    patch(stage, "bad.patch").await?;
    commit(stage, "Answer cell figures from a cache").await?;
    let began = Instant::now();
    let run = push(stage).await?;
    let id = release(stage, &run).await?;
    step(&stage.admin, &id, "staging", &["delivered"]).await?;
    step(&stage.admin, &id, "production", &["awaiting_approval"]).await?;
    let traffic = traffic(stage).await?;
    approve(stage, &id).await?;
    canary(&stage.admin, &stage.project, &id, &["refused"]).await?;
    let (client, path) = (&stage.admin, format!("/releases/{id}"));
    let path = &path;
    let (place, view) = until(client, "the revert", || async move {
        let view: ReleaseView = client.get(path).await.map_err(|error| error.to_string())?;
        let place = view.environments.iter().find(|place| place.environment.as_str() == "production").cloned();
        Ok(place.filter(|place| place.reverted.is_some()).map(|place| (place, view)))
    })
    .await?;
    let sent = traffic.stop().await?;
    println!("    rolled back: {}", place.refused.clone().unwrap_or_default());
    println!("    {} requests, {} failed in the canary, {} left out", sent.requests, sent.failed, sent.dropped);
    let revert = place.reverted.clone().ok_or("there is no revert")?;
    let folder = stage.dir.join("oran-config");
    let admin = std::fs::read_to_string(stage.token_file()).map_err(|error| error.to_string())?;
    let config = Repository { folder: &folder, token: &admin, author: ADA };
    config.git(&["fetch", "--quiet", "origin"]).await?;
    let (log, _) = config.git(&["log", "-1", "--format=%H %s", revert.as_str()]).await?;
    expect(log.contains("Revert production"), &format!("Git remembers: {}", log.trim()))?;
    row(stage, "bad push: canary", "rolled back", Some(millis(began)), view.clocks.own_ms);
    again(stage).await
}

/// The bad revision is refused when it is tried again: an empty commit does not make it new.
async fn again(stage: &mut Stage) -> Act {
    say("the same again, by an empty commit");
    commit(stage, "Try once more").await?;
    let began = Instant::now();
    let run = push(stage).await?;
    let id = release(stage, &run).await?;
    step(&stage.admin, &id, "production", &["awaiting_approval", "refused"]).await?;
    let view: ReleaseView = stage.admin.get(&format!("/releases/{id}")).await.map_err(|error| error.to_string())?;
    let waits = view.environments.iter().any(|place| place.environment.as_str() == "production" && place.step == "awaiting_approval");
    if waits {
        approve(stage, &id).await?;
    }
    let (_, place) = step(&stage.admin, &id, "production", &["refused"]).await?;
    expect(place.commit.is_none(), "no config commit was made for it")?;
    row(stage, "bad push, once more", "refused", Some(millis(began)), None);
    Ok(())
}

/// A private key: the scanner's job succeeds, since the tool ran; the gate refuses by a named rule.
async fn key(stage: &mut Stage) -> Act {
    say("a private key, made just now");
    let folder = stage.dir.join("oran");
    let path = folder.join("deploy.pem");
    program(
        "openssl",
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &path.to_string_lossy()],
        &folder,
        &[],
    )
    .await?;
    commit(stage, "Add what the deployment needs").await?;
    let began = Instant::now();
    let run = push(stage).await?;
    let gitleaks = run.jobs.iter().find(|job| job.name.as_str() == "gitleaks");
    expect(gitleaks.is_some_and(|job| job.status == "success"), "the scanner's job succeeded: the tool ran")?;
    let id = release(stage, &run).await?;
    let (_, place) = step(&stage.admin, &id, "staging", &["gate_refused"]).await?;
    let denials = place.gate.map(|gate| gate.denials).unwrap_or_default();
    let named = denials.iter().find(|denial| denial.place.contains("deploy.pem"));
    expect(named.is_some(), &format!("the gate refuses by rule `{}`", named.map(|denial| denial.rule.clone()).unwrap_or_default()))?;
    say("penstock explain");
    let token = std::fs::read_to_string(stage.token_file()).map_err(|error| error.to_string())?;
    let (text, _) =
        program(&stage.args.penstock, &["explain", &id], &folder, &[("PENSTOCK_URL", &stage.url()), ("PENSTOCK_TOKEN", token.trim())])
            .await?;
    for line in text.lines() {
        println!("    {line}");
    }
    expect(text.contains("deploy.pem"), "it says which, where and what to do")?;
    row(stage, "push with a key", "refused at the gate", Some(millis(began)), None);
    Ok(())
}
