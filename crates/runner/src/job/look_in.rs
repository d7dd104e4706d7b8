//! A shell where a step failed, before everything of the job goes: for whoever asked for it at a terminal.

use std::os::fd::OwnedFd;
use std::time::Duration;

use penstock_model::container::{ContainerRuntime, ContainerSpec};
use penstock_model::job::{EnvValue, RunnerError, Work};
use tokio::time::Instant;

use super::Attempt;
use super::own_container::OwnContainer;
use super::steps::{Body, Call};
use crate::runner::{other, whole};

/// What a shell may still do when the job is cancelled meanwhile.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Opens a shell as the step had it: the same files, user, environment and directory. Gives how long that took.
pub(super) async fn look_in(attempt: &Attempt<'_>, body: &mut dyn Body, mut call: Call) -> Duration {
    let Some(terminal) = &attempt.runner.terminal else { return Duration::ZERO };
    let began = Instant::now();
    let lent = tokio::select! {
        lent = terminal.lend(&attempt.spec.id, &call.step.name) => lent,
        () = attempt.cancel.cancelled() => None,
    };
    let Some(loan) = lent else { return began.elapsed() };
    call.env.insert("TERM".to_owned(), EnvValue::Plain(loan.kind));
    let opened = match &call.step.work {
        Work::Container(container) => match OwnContainer::find(attempt, container).await {
            Ok(own) => own.shell(&call, loan.tty).await,
            Err(error) => Err(error),
        },
        _ => body.shell(&call, loan.tty).await,
    };
    drop(loan.open);
    match opened {
        Ok(()) => attempt.log.note("a shell was open here; what it did to the job's files stays").await,
        Err(error) => attempt.log.note(&whole(&error)).await,
    }
    began.elapsed()
}

/// Has a container run at a terminal until it ends or the job is cancelled.
pub(super) async fn in_container(
    attempt: &Attempt<'_>,
    runtime: &dyn ContainerRuntime,
    spec: &ContainerSpec,
    tty: OwnedFd,
) -> Result<(), RunnerError> {
    let failed = |error| other("the shell could not be opened", error);
    let running = runtime.run_at(spec, tty);
    tokio::pin!(running);
    tokio::select! {
        code = &mut running => return code.map(drop).map_err(failed),
        () = attempt.cancel.cancelled() => {}
    }
    runtime.stop(&spec.id, GRACE).await.map_err(failed)?;
    running.await.map(drop).map_err(failed)
}
