//! One call of `penstock run`: what a server is made of, for as long as it takes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use penstock_cli::terminal::{dim, plain};
use penstock_cli::{CliError, Output, args::Run, exit};
use penstock_delivery::collect::collect_own;
use penstock_delivery::library::carried_out;
use penstock_delivery::{World, orders};
use penstock_git::{LocalClone, Snapshot};
use penstock_model::terminal::Terminal;
use penstock_model::{RepositoryName, RunId, UserName};
use penstock_pipeline::{Plan, Selection};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::shell::{Desk, Request};
use super::{bounds, not_chosen, refused};
use crate::commands::local::{Place, WorkingTree, event, git_failed};
use crate::config::ServerSection;
use crate::parts::{Built, broken, build, find_program};
use crate::serve::{Running, start_local};

/// Where a repository keeps what runs need.
const DATA: &str = ".penstock/run";
/// How many submodules are named; the others are counted.
const NAMED: usize = 5;

/// What serves the runs of this call.
pub struct Session {
    /// The parts.
    pub built: Built,
    /// Where the pipeline is.
    pub place: Place,
    /// Who runs it.
    pub who: UserName,
    /// Where jobs ask for the terminal, if they may.
    pub desk: Option<Arc<Desk>>,
    /// How many runs there were before.
    runs_before: usize,
    settings: ServerSection,
    stop: CancellationToken,
    running: Running,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Session {
    /// Builds what is needed and starts it.
    pub async fn open(place: Place, args: &Run) -> Result<Self, CliError> {
        let data = place.root.join(DATA);
        refuse_brought(&place).await?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(io("a port on loopback"))?;
        let address = listener.local_addr().map_err(io("a port on loopback"))?;
        let mut settings = ServerSection::load(args.config.as_deref(), Some(data.clone()), Some(address))?;
        settings.url = None;
        settings.mirror = Some(WorkingTree::mirror_of(&place));
        let desk = args.shell_on_failure.then(|| Arc::new(Desk::default()));
        let terminal = desk.clone().map(|desk| desk as Arc<dyn Terminal>);
        if args.from.is_none() {
            bounds::begin_anew(&data)?;
        }
        let built = build(&settings, penstock_store::Durability::ProcessEnd, terminal).await?;
        // Git looks past it, whatever the repository ignores
        keep_out(&data).map_err(io("the data directory"))?;
        let who: UserName = "local".parse().map_err(|error| broken("a user", &error))?;
        let config = format!("{}-config", place.name).parse().map_err(|error| broken("a repository", &error))?;
        if let Some(clone) = &place.clone {
            let repository: RepositoryName = place.name.clone().into();
            built.git.shadow(&repository, clone).await.map_err(|error| git_failed(&error))?;
        }
        orders::create_project(&built.parts, &who, &place.name, &config, "main").await.map_err(|error| refused(&error))?;
        let stop = CancellationToken::new();
        let world = built.parts.journal.world();
        let resumed = last_of(&world, &place).filter(|_| args.from.is_some());
        let runs_before = world.projects.get(&place.name).map_or(0, |project| project.runs.len());
        let running = start_local(&settings, &built, resumed, &stop).await?;
        let (router, drain) = (running.router.clone(), stop.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(drain.cancelled_owned()).await });
        Ok(Self { built, place, who, desk, runs_before, settings, stop, running, serving })
    }

    /// Ends everything that was started.
    pub async fn close(self) -> Result<(), CliError> {
        self.stop.cancel();
        self.running.tasks.close();
        self.running.tasks.wait().await;
        // the answer that counts is the run's
        let _ = self.serving.await;
        if let Some(keep) = bounds::due(&self.built.parts, &self.place.name, self.runs_before)
            && let Err(error) = collect_own(&self.built.parts, &self.built.calls, keep).await
        {
            eprintln!("{}", dim(&format!("note: what earlier runs left could not be removed: {error}")));
        }
        crate::commands::down::end(&self.built).await
    }

    /// The last run of an earlier call, or of this one.
    pub fn last<'w>(&self, world: &'w World) -> Option<&'w RunId> {
        last_of(world, &self.place)
    }

    /// The next job that asks for the terminal; none without `--shell-on-failure`.
    pub async fn asked(&self) -> Option<Request> {
        match &self.desk {
            Some(desk) => desk.asked().await,
            None => std::future::pending().await,
        }
    }

    /// The working tree as it is now.
    pub async fn snapshot(&self, output: Output) -> Result<Snapshot, CliError> {
        let repository = self.place.name.clone().into();
        let snapshot = self.built.git.snapshot(&repository, self.clone_of()?).await.map_err(|error| git_failed(&error))?;
        if output == Output::Text {
            self.tell_missing(&repository, &snapshot).await?;
        }
        Ok(snapshot)
    }

    /// What the jobs will not find, though it is in the working tree.
    async fn tell_missing(&self, repository: &RepositoryName, snapshot: &Snapshot) -> Result<(), CliError> {
        let missing = self.built.git.not_inside(repository, &snapshot.commit).await.map_err(|error| git_failed(&error))?;
        if !missing.submodules.is_empty() {
            let named: Vec<_> = missing.submodules.iter().take(NAMED).map(|path| plain(path)).collect();
            let rest = missing.submodules.len().saturating_sub(NAMED);
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            eprintln!("{}", dim(&format!("note: submodules are not in the run: {}{rest}", named.join(", "))));
        }
        if missing.lfs {
            eprintln!("{}", dim("note: files that Git LFS keeps are in the run as their pointers"));
        }
        Ok(())
    }

    /// The clone; a run has one.
    pub fn clone_of(&self) -> Result<&LocalClone, CliError> {
        self.place.clone.as_ref().ok_or_else(|| CliError::other("this is no Git repository", "`git init` makes one", exit::USAGE))
    }

    /// Plans each pipeline file that counts, for the working tree or for what changed in it since, and starts a run of each.
    pub async fn start(&self, args: &Run, snapshot: &Snapshot, changed: Option<Vec<String>>) -> Result<Vec<RunId>, CliError> {
        let selection = Selection { jobs: args.jobs.clone(), alone: args.no_needs, manual: args.manual.clone() };
        let mut plans = Vec::new();
        for plan in self.plans(args, snapshot, changed).await? {
            plans.push(chosen(plan, &selection)?);
        }
        let mut runs = Vec::new();
        for plan in plans {
            runs.push(orders::start(&self.built.parts, &self.place.name, &self.who, plan).await.map_err(|error| refused(&error))?);
        }
        Ok(runs)
    }

    /// The plans of the pipeline files that count.
    pub async fn plans(&self, args: &Run, snapshot: &Snapshot, changed: Option<Vec<String>>) -> Result<Vec<Plan>, CliError> {
        let mut asked = args.event.clone();
        asked.changed = changed.or(asked.changed);
        let mut event = event(&self.place, &asked, Some(&snapshot.commit)).await?;
        event.server_url = self.settings.url();
        event.registry.clone_from(&self.built.parts.settings.registry);
        let mut plans = Vec::new();
        for file in self.place.pipelines(args.pipeline.as_deref(), None)? {
            let (allowed, tree) = (self.place.allowed(), WorkingTree::of(&self.place, Some(&event.server_url)));
            let plan = carried_out(file.dialect, &file.source(), &event, &tree, &allowed).await?;
            let refused = |shown| CliError::other(format!("{} cannot be carried out\n\n{shown}", file.path), "", exit::NOT_GOOD);
            let mut plan = plan.map_err(refused)?;
            self.place.fill_in(&mut plan)?;
            plans.push(plan);
        }
        Ok(plans)
    }
}

/// The last run that somebody started, and no job of another one.
fn last_of<'w>(world: &'w World, place: &Place) -> Option<&'w RunId> {
    let runs = &world.projects.get(&place.name)?.runs;
    runs.iter().rev().find(|id| world.runs.get(*id).is_some_and(|record| record.upstream.is_none()))
}

fn chosen(mut plan: Plan, selection: &Selection) -> Result<Plan, CliError> {
    plan.select(selection).map_err(not_chosen)?;
    Ok(plan)
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> CliError {
    let what = what.to_owned();
    move |source| CliError::Io { what, source }
}

/// Has Git ignore the data, so that it is in no snapshot and in no `git status`.
fn keep_out(data: &Path) -> std::io::Result<()> {
    let file = data.join(".gitignore");
    if file.exists() { Ok(()) } else { std::fs::write(file, "*\n") }
}

/// A repository that brought the data would say what Git and the server do with it, outside every sandbox.
async fn refuse_brought(place: &Place) -> Result<(), CliError> {
    let git = find_program("git").ok_or_else(|| CliError::other("git is missing", "apt-get install git", exit::FAILED))?;
    let listed = tokio::process::Command::new(git).arg("-C").arg(&place.root).args(["ls-files", "-z", "--", ".penstock"]).output().await;
    let listed = listed.map_err(io("starting git"))?;
    let tracked = String::from_utf8_lossy(&listed.stdout);
    match tracked.split('\0').find(|path| brings_data(path)) {
        Some(path) => Err(CliError::other(
            format!("the repository holds `{path}`, where `penstock run` keeps its own data"),
            "take it out: `git rm -r --cached .penstock`; if it is not your repository, ask yourself why it is there",
            exit::USAGE,
        )),
        None => Ok(()),
    }
}

fn brings_data(tracked: &str) -> bool {
    matches!(tracked.strip_prefix(".penstock"), Some("" | "/run")) || tracked.starts_with(".penstock/run/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_does_not_bring_the_data_of_its_own_run() {
        for bad in [".penstock", ".penstock/run", ".penstock/run/git/shop.git/config"] {
            assert!(brings_data(bad), "{bad}");
        }
        for good in [".penstock/tools.txt", ".penstockrc", ".penstock/runs"] {
            assert!(!brings_data(good), "{good}");
        }
    }
}
