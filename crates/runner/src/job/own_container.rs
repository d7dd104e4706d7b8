//! A step in a container of its own, whatever the job runs in: a workflow's container action.
//!
//! It sees what GitHub's runner shows it, below `/github`. Who it is says its image, and mostly that is root. So what it wrote is
//! handed back to the job's user before anything else happens, who may then read, change and remove it.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use penstock_model::Secret;
use penstock_model::container::{ContainerRuntime, ContainerSpec, FileMount, Network};
use penstock_model::job::{EnvValue, RunnerError, StepContainer};
use penstock_model::release::ImageRef;

use super::container::{self, LABEL, OF_THE_HOST, attend, label, no_runtime};
use super::services::short;
use super::step_files::NAMES;
use super::steps::{Call, Ended, Limit, text};
use super::{Attempt, look_in};
use crate::owner;
use crate::runner::{blocking, io, other};
use crate::sandbox::HANDED;
use crate::scratch::Scratch;

/// The checkout, and where it starts.
pub(super) const WORKSPACE: &str = "/github/workspace";
/// The home of all container actions of the job.
const HOME: &str = "/github/home";
/// The files by which a step speaks.
const FILES: &str = "/github/file_commands";
/// `RUNNER_TEMP`.
const TEMP: &str = "/github/runner_temp";
/// What `GITHUB_EVENT_PATH` names.
const EVENT: &str = "/github/workflow/event.json";
/// The job's own folder for what is temporary.
const TMP: &str = "/tmp";
/// Whoever runs in the container may work on a checkout that is another user's.
const GIT_CONFIG: &str = "[safe]\n\tdirectory = /github/workspace\n\tdirectory = /penstock/origin\n";

/// A step's own container, about to be run.
pub(super) struct OwnContainer<'a> {
    attempt: &'a Attempt<'a>,
    container: &'a StepContainer,
    runtime: Arc<dyn ContainerRuntime>,
    image: ImageRef,
    /// Who its processes are.
    uid: u32,
}

impl<'a> OwnContainer<'a> {
    /// The image of a step, unpacked.
    pub(super) async fn find(attempt: &'a Attempt<'a>, container: &'a StepContainer) -> Result<Self, RunnerError> {
        let unknown = || other(format!("the image {}", container.image), "it was not found before the job began");
        let image = attempt.spec.step_images.get(&container.image).ok_or_else(unknown)?.clone();
        let Some(runtime) = attempt.runner.hands.containers.clone() else { return Err(no_runtime(&image)) };
        let facts = runtime.describe(&image, None).await.map_err(|error| other("looking at the step's image", error))?;
        Ok(Self { attempt, container, runtime, image, uid: facts.uid })
    }

    /// Runs it to its end.
    pub(super) async fn run(&self, call: &Call, limit: &Limit) -> Result<Ended, RunnerError> {
        let spec = self.spec(call)?;
        self.lend(call).await?;
        let ended = attend(self.attempt, &*self.runtime, &spec, limit).await;
        self.take_back().await?;
        ended
    }

    /// A shell in its image, where and as the step ran.
    pub(super) async fn shell(&self, call: &Call, tty: OwnedFd) -> Result<(), RunnerError> {
        let mut spec = self.spec(call)?;
        spec.id.push_str("-shell");
        spec.command = Some(vec!["/bin/sh".to_owned()]);
        spec.args = Some(vec!["-i".to_owned()]);
        self.lend(call).await?;
        let ended = look_in::in_container(self.attempt, &*self.runtime, &spec, tty).await;
        self.take_back().await?;
        ended
    }

    fn spec(&self, call: &Call) -> Result<ContainerSpec, RunnerError> {
        let attempt = self.attempt;
        let (mut env, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in &call.env {
            let of_the_host = OF_THE_HOST.contains(&name.as_str()) || name == "PATH";
            if of_the_host && !attempt.spec.env.contains_key(name) && !call.step.env.contains_key(name) {
                continue;
            }
            match value {
                EnvValue::Plain(text) => drop(env.insert(name.clone(), self.seen(text))),
                EnvValue::Secret(secret) => drop(secrets.insert(name.clone(), Secret::new(self.seen(secret.expose())))),
            }
        }
        secrets.remove("HOME");
        env.insert("HOME".to_owned(), HOME.to_owned());
        Ok(ContainerSpec {
            id: format!("job-{}-{}", short(&attempt.spec.id), call.index),
            image: self.image.clone(),
            command: self.container.entrypoint.as_ref().map(|program| vec![program.clone()]),
            args: self.container.args.clone(),
            env,
            secrets,
            user: None,
            working_dir: Some(WORKSPACE.to_owned()),
            network: Network::Host,
            mounts: self.mounts()?,
            tmpfs: BTreeMap::new(),
            hosts: attempt.hosts.clone(),
            read_only_root: false,
            written: None,
            building: true,
            memory: None,
            cpu_millis: None,
            labels: BTreeMap::from([(LABEL.to_owned(), label(&attempt.spec.id))]),
        })
    }

    fn mounts(&self) -> Result<Vec<FileMount>, RunnerError> {
        let (attempt, scratch) = (self.attempt, &self.attempt.scratch);
        let home = scratch.github_home(GIT_CONFIG).map_err(io("making the home of container actions"))?;
        let mount = |from: PathBuf, to: &str, writable| FileMount { path: to.to_owned(), source: from, writable, changes: None };
        let mut mounts = vec![
            mount(attempt.workspace.tree.clone(), WORKSPACE, true),
            mount(home, HOME, true),
            mount(scratch.path("files"), FILES, true),
            mount(self.temp()?, TEMP, true),
        ];
        if attempt.log.heard().is_some() {
            mounts.push(mount(scratch.event_file(), EVENT, false));
        }
        mounts.extend(attempt.origin().map(|(from, to)| mount(from, &to, false)));
        mounts.extend(container::files_of_the_machine(attempt));
        Ok(mounts)
    }

    /// The job's `/tmp` on this machine. Of a job in an image it is what steps wrote there, and nothing of the job is alive now.
    fn temp(&self) -> Result<PathBuf, RunnerError> {
        let scratch = &self.attempt.scratch;
        if self.attempt.spec.image.is_none() {
            return Ok(scratch.path("tmp"));
        }
        scratch.written_in_root("tmp").map_err(io("finding the job's temporary files"))
    }

    /// A text that may be the path of something that is elsewhere in the container.
    fn seen(&self, text: &str) -> String {
        let places = [
            (self.attempt.checkout(), WORKSPACE),
            (format!("{HANDED}/files"), FILES),
            (Scratch::event_path(), EVENT),
            (TMP.to_owned(), TEMP),
        ];
        let seen = places.iter().find_map(|(from, to)| {
            let rest = text.strip_prefix(from.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        });
        seen.unwrap_or_else(|| text.to_owned())
    }

    /// Lets the container's user write what the step may write. Root needs no leave for what others have.
    async fn lend(&self, call: &Call) -> Result<(), RunnerError> {
        let (scratch, uid) = (Arc::clone(&self.attempt.scratch), self.uid);
        let named = NAMES.iter().filter_map(|name| text(call.env.get(*name)?).strip_prefix(&Scratch::seen("")));
        let names: Vec<String> = named.filter(|name| !name.contains('/')).map(str::to_owned).collect();
        let files = move || scratch.hand_over(&names, uid).map_err(io("handing the step's files over"));
        blocking("handing the step's files over", files).await?;
        if uid == 0 { Ok(()) } else { self.give(uid).await }
    }

    /// Gives everything that it wrote to the job's user.
    async fn take_back(&self) -> Result<(), RunnerError> {
        // whoever is root may have given files to others; nothing stands in root's own way
        if self.attempt.workspace.uid == 0 { Ok(()) } else { self.give(self.attempt.workspace.uid).await }
    }

    async fn give(&self, uid: u32) -> Result<(), RunnerError> {
        let folders = [self.attempt.workspace.tree.clone(), self.temp()?];
        let what = "handing the step's files to the job's user";
        blocking(what, move || folders.iter().try_for_each(|folder| owner::give(folder, uid)).map_err(io(what))).await
    }
}
