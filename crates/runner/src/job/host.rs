//! A job's steps as processes of this machine, in a sandbox that lasts for the whole job.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use async_trait::async_trait;
use penstock_model::blob::Channel;
use penstock_model::job::{RunnerError, StepSource};

use super::shell::argv;
use super::steps::{Body, Call, Driven, Ended, GRACE, Limit, Why, drive, text};
use super::{Attempt, look_in};
use crate::joblog::Tap;
use crate::runner::{io, other};
use crate::sandbox::{Bind, HANDED, Overlay, Sandbox, SandboxError, SandboxPlan, StepExit};

/// Where programs are looked for if the job does not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The exit code of what could not be started, as shells have it.
const NOT_STARTED: i32 = 127;
/// How long a stopped step may take to be gone after SIGKILL.
const GONE: std::time::Duration = std::time::Duration::from_secs(30);

struct Host<'a> {
    attempt: &'a Attempt<'a>,
    sandbox: Sandbox,
    out: Tap,
    err: Tap,
}

/// Carries the job out and waits until nothing of it is alive.
pub(super) async fn carry_out(attempt: &Attempt<'_>, steps: Box<dyn StepSource>) -> Result<Driven, RunnerError> {
    let plan = plan(attempt).map_err(io("making the job's directories"))?;
    let (sandbox, out, err) = attempt.runner.sandboxes.start(&plan).await.map_err(|error| other("making the job's sandbox", error))?;
    let mut host = Host { attempt, sandbox, out: attempt.log.tap(Channel::Out, out), err: attempt.log.tap(Channel::Err, err) };
    let driven = drive(attempt, steps, &mut host).await;
    attempt.scratch.shown_by(host.sandbox.end().await.map_err(|error| other("ending the job's sandbox", error))?);
    host.out.finish().await;
    host.err.finish().await;
    Ok(driven)
}

fn plan(attempt: &Attempt<'_>) -> std::io::Result<SandboxPlan> {
    let (workspace, checkout) = (&attempt.workspace, attempt.checkout());
    let mut plan = attempt.scratch.plan(&attempt.runner.settings, true);
    plan.binds.push(Bind::writable(&workspace.tree, &checkout));
    if !attempt.hosts.is_empty() {
        plan.binds.push(Bind::shown(attempt.scratch.hosts(&attempt.hosts)?, "/etc/hosts"));
    }
    plan.binds.extend(attempt.origin().map(|(from, to)| Bind::shown(from, to)));
    plan.binds.extend(attempt.actions().map(|(from, to)| Bind::shown(from, to)));
    for (index, path) in workspace.read_only.iter().enumerate() {
        let upper = attempt.scratch.folder(&format!("upper-{index}"), 0o755)?;
        let work = attempt.scratch.folder(&format!("work-{index}"), 0o755)?;
        plan.overlays.push(Overlay {
            lower: vec![workspace.tree.join(path)],
            upper: Some((upper, work)),
            to: std::path::Path::new(&checkout).join(path),
        });
    }
    Ok(plan)
}

#[async_trait]
impl Body for Host<'_> {
    async fn run(&mut self, call: Call, limit: &Limit) -> Result<Ended, RunnerError> {
        let failed = |error| other("the step could not be carried out", error);
        let Some(argv) = argv(self.attempt, &call)? else { return Ok(Ended::Exited(StepExit { code: Some(0), signal: None })) };
        let env = self.environment(&call);
        self.sandbox.run(argv, env, call.directory).await.map_err(failed)?;
        let why = tokio::select! {
            exit = self.sandbox.exited() => {
                let exit = match exit {
                    // a directory that is not there is the job's own failure, as at GitHub
                    Err(SandboxError::Start(why)) => {
                        self.attempt.log.note(&why).await;
                        StepExit { code: Some(NOT_STARTED), signal: None }
                    }
                    exit => exit.map_err(failed)?,
                };
                self.drain().await;
                return Ok(Ended::Exited(exit));
            }
            () = tokio::time::sleep_until(limit.at) => limit.why,
            () = limit.cancel.cancelled() => Why::Cancelled,
        };
        self.sandbox.stop(GRACE).await.map_err(failed)?;
        match tokio::time::timeout(GRACE + GONE, self.sandbox.exited()).await {
            Ok(exit) => drop(exit.map_err(failed)?),
            Err(_) => return Err(other("stopping the step", "it is still there after SIGKILL: a disk or network file system may hang")),
        }
        self.drain().await;
        Ok(Ended::Stopped(why))
    }

    fn is_alone(&self) -> bool {
        self.sandbox.is_alone()
    }

    async fn shell(&mut self, call: &Call, tty: OwnedFd) -> Result<(), RunnerError> {
        let failed = |error| other("the shell could not be opened", error);
        let shell = if std::path::Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" };
        // a step may fail for want of its directory
        for directory in [call.directory.clone(), self.attempt.checkout().into()] {
            self.sandbox.run_at(&tty, vec![shell.to_owned(), "-i".to_owned()], self.environment(call), directory).await.map_err(failed)?;
            let exit = tokio::select! {
                exit = self.sandbox.exited() => exit,
                () = self.attempt.cancel.cancelled() => {
                    self.sandbox.stop(look_in::GRACE).await.map_err(failed)?;
                    self.sandbox.exited().await
                }
            };
            match exit {
                Err(SandboxError::Start(_)) => {}
                exit => return exit.map(drop).map_err(failed),
            }
        }
        Err(other("the shell could not be opened", "neither the step's directory nor the checkout is there"))
    }
}

impl Host<'_> {
    fn environment(&self, call: &Call) -> BTreeMap<String, String> {
        let mut env: BTreeMap<String, String> = call.env.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect();
        env.insert("PATH".to_owned(), self.path(&call.path, env.get("PATH").map_or(PATH, String::as_str)));
        env
    }

    async fn drain(&self) {
        tokio::join!(self.out.drain(), self.err.drain());
    }

    /// What steps put before it, the program itself, the runner's own directories, then the job's.
    fn path(&self, first: &[String], last: &str) -> String {
        let mut parts = first.to_vec();
        parts.push(format!("{HANDED}/bin"));
        parts.extend(self.attempt.runner.settings.path.iter().map(|path| path.display().to_string()));
        parts.push(last.to_owned());
        parts.join(":")
    }
}
