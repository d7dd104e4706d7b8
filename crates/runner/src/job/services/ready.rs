//! Waiting for a service, as its dialect does.

use std::net::Ipv4Addr;
use std::time::Duration;

use penstock_model::container::{ContainerRuntime, ContainerStatus};
use penstock_model::job::RunnerError;
use penstock_model::service::{HealthCheck, Readiness, ServiceSpec};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::job::Attempt;
use crate::runner::other;

/// Between two tries to reach a port: nobody tells when another's port opens.
const BETWEEN: Duration = Duration::from_millis(50);
/// Between two looks at a service's health, at most.
const MAX_INTERVAL: Duration = Duration::from_secs(1);
/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(2);

/// Waits until a service is ready. What has ended is not waited for.
pub(super) async fn wait(
    attempt: &Attempt<'_>,
    runtime: &dyn ContainerRuntime,
    id: &str,
    spec: &ServiceSpec,
    address: Ipv4Addr,
) -> Result<(), RunnerError> {
    let facts = runtime.describe(&spec.image, spec.user.as_deref()).await;
    let facts = facts.map_err(|error| other(format!("looking at the image of {}", spec.name), error))?;
    match &spec.ready {
        Readiness::Port { port, timeout } => {
            let Some(port) = port.or(facts.ports.first().copied()) else { return Ok(()) };
            if let Err(why) = answers(runtime, id, (address, port), *timeout).await? {
                attempt.log.note(&format!("warning: the service {} probably did not start properly: {why}", spec.name)).await;
                let said = runtime.logs(id, super::SHOWN).await.unwrap_or_default();
                for line in said.lines() {
                    attempt.log.note(&format!("  {line}")).await;
                }
            }
            Ok(())
        }
        Readiness::Health(check) => match check.as_ref().or(facts.health.as_ref()) {
            Some(check) => {
                let healthy = healthy(runtime, id, check).await?;
                healthy.map_err(|why| other(format!("the service {}", spec.name), why))
            }
            None => Ok(()),
        },
    }
}

/// Whether a container runs; how it ended if not.
async fn runs(runtime: &dyn ContainerRuntime, id: &str) -> Result<Result<(), String>, RunnerError> {
    let all = runtime.list().await.map_err(|error| other("looking at the job's services", error))?;
    Ok(match all.into_iter().find(|container| container.spec.id == id).map(|container| container.status) {
        Some(ContainerStatus::Running { .. }) => Ok(()),
        Some(ContainerStatus::Exited { code, .. }) => Err(format!("it ended with exit code {code}")),
        None => Err("it is gone".to_owned()),
    })
}

async fn answers(
    runtime: &dyn ContainerRuntime,
    id: &str,
    to: (Ipv4Addr, u16),
    timeout: Duration,
) -> Result<Result<(), String>, RunnerError> {
    let until = Instant::now() + timeout;
    loop {
        if let Ok(Ok(_)) = tokio::time::timeout(ONE_TRY, TcpStream::connect(to)).await {
            return Ok(Ok(()));
        }
        if let Err(why) = runs(runtime, id).await? {
            return Ok(Err(why));
        }
        if Instant::now() + BETWEEN > until {
            return Ok(Err(format!("port {} does not answer after {} s", to.1, timeout.as_secs())));
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Asks until it is healthy, or until it would count as unhealthy. Docker looks once an interval; looking more often only finds out
/// sooner that it is ready.
async fn healthy(runtime: &dyn ContainerRuntime, id: &str, check: &HealthCheck) -> Result<Result<(), String>, RunnerError> {
    let until = Instant::now() + check.start_period + check.interval * check.retries.max(1);
    loop {
        if let Err(why) = runs(runtime, id).await? {
            return Ok(Err(why));
        }
        let said = match runtime.exec(id, &check.command, check.timeout).await {
            Ok(seen) if seen.code == 0 => return Ok(Ok(())),
            Ok(seen) => seen.output,
            // it may have ended meanwhile, which the next look tells
            Err(error) => error.to_string(),
        };
        if Instant::now() >= until {
            return Ok(Err(format!("it is not healthy: `{}` fails: {}", check.command.join(" "), said.trim())));
        }
        tokio::time::sleep(check.interval.min(MAX_INTERVAL)).await;
    }
}
