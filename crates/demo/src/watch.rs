//! Waiting: the server says when something changed, and the demo looks again.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_api::{Client, EnvironmentView, ReleaseInEnvironment, ReleaseView, RunView};
use penstock_model::{ProjectName, RunId};
use serde_json::Value;

use crate::table::span;

/// The longest that anything of the demo may take.
const LIMIT: Duration = Duration::from_secs(12 * 60);

/// Looks each time that something changed, until `look` has what it waits for.
pub async fn until<T, F>(client: &Client, what: &str, mut look: impl FnMut() -> F) -> Result<T, String>
where
    F: Future<Output = Result<Option<T>, String>>,
{
    let waiting = async {
        let mut changes = client.stream::<Value>("/live?form=lines").await.map_err(|error| error.to_string())?;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if changes.next().await.map_err(|error| error.to_string())?.is_none() {
                return Err("the server ended".to_owned());
            }
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.map_err(|_| format!("{what}: it took longer than {} min", LIMIT.as_secs() / 60))?
}

/// Follows a run to its end, a line for each job that ends.
pub async fn run(client: &Client, id: &RunId) -> Result<RunView, String> {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    let path = format!("/runs/{id}");
    let (seen, path) = (std::cell::RefCell::new(&mut shown), &path);
    until(client, "the run", || {
        let seen = &seen;
        async move {
            let run: RunView = client.get(path).await.map_err(|error| error.to_string())?;
            for job in &run.jobs {
                let mut seen = seen.borrow_mut();
                let before = seen.insert(job.name.to_string(), job.status.clone());
                let ended = matches!(job.status.as_str(), "success" | "failed" | "failed, allowed" | "canceled");
                if ended && before.as_deref() != Some(&job.status) {
                    let took = job.started.zip(job.ended).map(|(from, to)| u64::try_from(to.since(from).as_millis()).unwrap_or(0));
                    println!("    {:<24} {:<10} {}", job.name.as_str(), job.status, took.map(span).unwrap_or_default());
                    if job.status.starts_with("failed") && !job.message.is_empty() {
                        println!("      {}", job.message);
                    }
                }
            }
            Ok(run.summary.ended.is_some().then_some(run))
        }
    })
    .await
}

/// Waits until a release is at one of some steps in an environment.
pub async fn step(
    client: &Client,
    release: &str,
    environment: &str,
    steps: &[&str],
) -> Result<(ReleaseView, ReleaseInEnvironment), String> {
    let last = std::cell::RefCell::new(String::new());
    let last = &last;
    until(client, environment, || async move {
        let view: ReleaseView = client.get(&format!("/releases/{release}")).await.map_err(|error| error.to_string())?;
        let place = view.environments.iter().find(|place| place.environment.as_str() == environment).cloned();
        let Some(place) = place else { return Err(format!("there is no environment {environment}")) };
        if *last.borrow() != place.step {
            println!("    {environment}: {}", place.step.replace('_', " "));
            last.replace(place.step.clone());
        }
        let ended = matches!(place.step.as_str(), "gate_refused" | "refused" | "check_failed" | "superseded");
        if steps.contains(&place.step.as_str()) {
            return Ok(Some((view, place)));
        }
        if ended {
            let why = place.gate.as_ref().map(|gate| {
                gate.denials
                    .iter()
                    .map(|denial| format!("{}: {}: {}", denial.rule, denial.subject, denial.message))
                    .collect::<Vec<_>>()
                    .join("; ")
            });
            let checks: Vec<_> =
                place.checks.iter().filter(|check| !check.passed).map(|check| format!("{}: {}", check.name, check.summary)).collect();
            return Err(format!(
                "{environment} ended as `{}`: {} {} {}",
                place.step,
                place.refused.clone().unwrap_or_default(),
                why.unwrap_or_default(),
                checks.join("; ")
            ));
        }
        Ok(None)
    })
    .await
}

/// Shows the canary of an environment as it goes, until the release is at one of some steps. Gives the weights that were seen.
pub async fn canary(
    client: &Client,
    project: &ProjectName,
    release: &str,
    steps: &[&str],
) -> Result<(ReleaseInEnvironment, Vec<u32>), String> {
    let weights = std::cell::RefCell::new(Vec::<u32>::new());
    let seen = &weights;
    let place = until(client, "the canary", || async move {
        let view: EnvironmentView =
            client.get(&format!("/projects/{project}/environments/production")).await.map_err(|error| error.to_string())?;
        for rollout in view
            .rollouts
            .iter()
            .filter(|rollout| matches!(rollout.phase.as_str(), "progressing" | "paused" | "aborted" | "promoted"))
            .take(1)
        {
            let mut seen = seen.borrow_mut();
            if seen.last() != Some(&rollout.weight) {
                seen.push(rollout.weight);
                let figure = rollout.figures.last().copied().unwrap_or_default();
                println!(
                    "    {} {:>3} %  {} requests, {:.2} % errors, p95 {:.0} ms  {}",
                    rollout.name,
                    rollout.weight,
                    figure.requests,
                    figure.error_rate * 100.0,
                    figure.p95_ms,
                    rollout.message
                );
            }
        }
        let release: ReleaseView = client.get(&format!("/releases/{release}")).await.map_err(|error| error.to_string())?;
        let place = release.environments.into_iter().find(|place| place.environment.as_str() == "production");
        Ok(place.filter(|place| steps.contains(&place.step.as_str())))
    })
    .await?;
    Ok((place, weights.into_inner()))
}
