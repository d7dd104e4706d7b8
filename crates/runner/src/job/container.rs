//! A job's steps in the image that it names: each step a container of its own over the same checkout.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use penstock_model::container::{ContainerRuntime, ContainerSpec, FileMount, Network};
use penstock_model::job::{AttemptId, EnvValue, RunnerError, Shell, StepSource, Work};
use penstock_model::release::ImageRef;
use penstock_model::service::JobImage;
use tokio::time::Instant;

use super::services::short;
use super::shell::{self, put};
use super::steps::{Body, Call, Driven, Ended, GRACE, Limit, Why, drive, text};
use super::{Attempt, look_in};
use crate::files::is_variable;
use crate::runner::{io, other};
use crate::sandbox::{HANDED, StepExit};

/// The label by which a dead server's containers are found.
pub(crate) const LABEL: &str = "penstock.job";
/// Variables that the runner gives to jobs on the host, and an image has its own of.
pub(super) const OF_THE_HOST: &[&str] = &["HOME", "LANG", "LOGNAME", "TMPDIR", "USER"];
/// How much longer than the step's limit the runtime may run a container, before it ends it by itself.
const SLACK: Duration = Duration::from_mins(1);

struct Container<'a> {
    attempt: &'a Attempt<'a>,
    runtime: Arc<dyn ContainerRuntime>,
    image: &'a JobImage,
    /// Its user's home, if the image knows it.
    home: Option<String>,
    /// What steps write into the image's file system, for the steps after them.
    written: PathBuf,
}

/// Nothing runs images here.
pub(super) fn no_runtime(image: &ImageRef) -> RunnerError {
    RunnerError::Missing {
        what: format!("a container runtime for the image {image}"),
        hint: "a job with an image runs in it or not at all; remove `image` to run on the host".to_owned(),
    }
}

/// By which attempt a container was started.
pub(super) fn label(id: &AttemptId) -> String {
    format!("{}/{}/{}", id.run, id.job, id.attempt)
}

/// Carries the job out in its image.
pub(super) async fn carry_out(attempt: &Attempt<'_>, image: &JobImage, steps: Box<dyn StepSource>) -> Result<Driven, RunnerError> {
    let Some(runtime) = attempt.runner.hands.containers.clone() else { return Err(no_runtime(&image.image)) };
    let home = attempt.facts.as_ref().and_then(|facts| facts.home.clone());
    let written = attempt.scratch.path("root");
    std::fs::create_dir_all(&written).map_err(io("making the job's directories"))?;
    let mut container = Container { attempt, runtime, image, home, written };
    Ok(drive(attempt, steps, &mut container).await)
}

#[async_trait]
impl Body for Container<'_> {
    async fn run(&mut self, call: Call, limit: &Limit) -> Result<Ended, RunnerError> {
        let command = match &call.step.work {
            Work::Script { text, shell } => reading(shell, &put(self.attempt, call.index, text, shell)?),
            Work::Program(argv) => format!("exec {}", argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")),
            Work::Container(_) | Work::Chore(_) => return Ok(Ended::Exited(StepExit { code: Some(0), signal: None })),
        };
        let spec = self.spec(&call, &start_script(&call, &command)?)?;
        attend(self.attempt, &*self.runtime, &spec, limit).await
    }

    async fn shell(&mut self, call: &Call, tty: OwnedFd) -> Result<(), RunnerError> {
        let bash = "if command -v bash >/dev/null 2>&1; then exec bash -i; fi\nexec /bin/sh -i";
        let mut spec = self.spec(call, &start_script(call, bash)?)?;
        spec.id.push_str("-shell");
        look_in::in_container(self.attempt, &*self.runtime, &spec, tty).await
    }
}

impl Container<'_> {
    fn spec(&self, call: &Call, start: &str) -> Result<ContainerSpec, RunnerError> {
        let (attempt, scratch) = (self.attempt, &self.attempt.scratch);
        let start = scratch.script(&format!("start-{}", call.index), start).map_err(io("writing the step's script"))?;
        let own = |name: &str| OF_THE_HOST.contains(&name) && !attempt.spec.env.contains_key(name);
        let plain = call.env.iter().filter_map(|(name, value)| match value {
            EnvValue::Plain(text) if name != "PATH" && !own(name) => Some((name.clone(), text.clone())),
            _ => None,
        });
        let (mut env, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in &self.image.env {
            match value {
                EnvValue::Plain(text) => drop(env.insert(name.clone(), text.clone())),
                EnvValue::Secret(secret) => drop(secrets.insert(name.clone(), secret.clone())),
            }
        }
        for (name, value) in plain {
            secrets.remove(&name);
            env.insert(name, value);
        }
        if !env.contains_key("HOME")
            && let Some(home) = &self.home
        {
            env.insert("HOME".to_owned(), home.clone());
        }
        let shell = vec!["/bin/sh".to_owned(), start];
        let (command, args) = match &self.image.entrypoint {
            // the image's own is handed the shell, as its arguments
            None => (None, shell),
            Some(entrypoint) if entrypoint.is_empty() => (Some(shell), Vec::new()),
            Some(entrypoint) => (Some(entrypoint.clone()), shell),
        };
        Ok(ContainerSpec {
            id: format!("job-{}-{}", short(&attempt.spec.id), call.index),
            image: self.image.image.clone(),
            command,
            args: Some(args),
            env,
            secrets,
            user: self.image.user.clone(),
            working_dir: Some(attempt.checkout()),
            network: Network::Host,
            mounts: self.mounts()?,
            tmpfs: BTreeMap::new(),
            hosts: attempt.hosts.clone(),
            read_only_root: false,
            written: Some(self.written.clone()),
            building: true,
            memory: self.image.memory,
            cpu_millis: self.image.cpu_millis,
            labels: BTreeMap::from([(LABEL.to_owned(), label(&attempt.spec.id))]),
        })
    }

    fn mounts(&self) -> Result<Vec<FileMount>, RunnerError> {
        let (attempt, scratch) = (self.attempt, &self.attempt.scratch);
        let mount = |from: PathBuf, to: String, writable| FileMount { path: to, source: from, writable, changes: None };
        let mut mounts = vec![
            mount(attempt.workspace.tree.clone(), attempt.checkout(), true),
            mount(scratch.path("scripts"), format!("{HANDED}/scripts"), false),
            mount(scratch.path("files"), format!("{HANDED}/files"), true),
        ];
        mounts.extend(attempt.origin().chain(attempt.actions()).map(|(from, to)| mount(from, to, false)));
        for (index, path) in attempt.workspace.read_only.iter().enumerate() {
            let folder = |name: &str| scratch.folder(name, 0o755).map_err(io("making the job's directories"));
            let changes = Some(folder(&format!("pulled-{index}"))?);
            folder(&format!("pulled-{index}.work"))?;
            let to = format!("{}/{}", attempt.checkout(), path.display());
            mounts.push(FileMount { path: to, source: attempt.workspace.tree.join(path), writable: true, changes });
        }
        mounts.extend(files_of_the_machine(attempt));
        Ok(mounts)
    }
}

/// How programs reach the world from this machine may be written in files of the machine.
pub(super) fn files_of_the_machine(attempt: &Attempt<'_>) -> impl Iterator<Item = FileMount> {
    let files = attempt.runner.environment.values().map(PathBuf::from).filter(|path| path.is_absolute() && path.is_file());
    files.map(|file| FileMount { path: file.display().to_string(), source: file, writable: false, changes: None })
}

/// Runs a step's container to its end, or stops it. Everything that it wrote is in the log when this returns.
pub(super) async fn attend(
    attempt: &Attempt<'_>,
    runtime: &dyn ContainerRuntime,
    spec: &ContainerSpec,
    limit: &Limit,
) -> Result<Ended, RunnerError> {
    let sink = Arc::new(attempt.log.masking());
    let timeout = limit.at.saturating_duration_since(Instant::now()) + SLACK;
    let log: Arc<dyn penstock_model::blob::LogSink> = sink.clone();
    let failed = |error| other("the step could not be carried out", error);
    let running = runtime.run(spec, timeout, log);
    tokio::pin!(running);
    let why = tokio::select! {
        code = &mut running => {
            sink.finish().await;
            return Ok(Ended::Exited(StepExit { code: Some(code.map_err(failed)?), signal: None }));
        }
        () = tokio::time::sleep_until(limit.at) => limit.why,
        () = limit.cancel.cancelled() => Why::Cancelled,
    };
    runtime.stop(&spec.id, GRACE).await.map_err(failed)?;
    match tokio::time::timeout(GRACE + SLACK, running).await {
        Ok(code) => drop(code.map_err(failed)?),
        Err(_) => return Err(other("stopping the step", "its container is still there after SIGKILL")),
    }
    sink.finish().await;
    Ok(Ended::Stopped(why))
}

/// A script that sets the secrets (which must not lie in the container's own description), then becomes the step.
fn start_script(call: &Call, command: &str) -> Result<String, RunnerError> {
    let mut start = Vec::new();
    for (name, value) in &call.env {
        let secret = matches!(value, EnvValue::Secret(_));
        if secret || name == "PATH" {
            if !is_variable(name) {
                return Err(other(format!("step `{}`", call.step.name), format!("a shell cannot have the secret `{name}` as a variable")));
            }
            start.push(format!("export {name}={}", quoted(text(value))));
        }
    }
    for directory in call.path.iter().rev() {
        start.push(format!("export PATH={}:\"$PATH\"", quoted(directory)));
    }
    start.push(format!("cd {}", quoted(&call.directory.display().to_string())));
    start.push(command.to_owned());
    Ok(start.join("\n") + "\n")
}

/// The command of the shell that reads a script: bash where the image has it.
fn reading(shell: &Shell, script: &str) -> String {
    let exec = |bash| format!("exec {}", shell::reading(shell, script, bash).iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
    match shell {
        Shell::Bash | Shell::BashOrSh => {
            let found = exec(true).replacen("'/bin/bash'", "bash", 1);
            format!("if command -v bash >/dev/null 2>&1; then {found}; fi\nexec /bin/sh -e {}", quoted(script))
        }
        _ => exec(false),
    }
}

/// A text as one word of the shell, whatever it holds.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_comes_out_of_the_shell_as_it_went_in() {
        for text in ["", "a b", "it's", "$(id) `id` \\ \" \n*", "''"] {
            let said = std::process::Command::new("/bin/sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), text);
        }
    }
}
