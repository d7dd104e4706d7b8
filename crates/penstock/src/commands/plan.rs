//! `penstock plan`: what the pipeline file means for the current commit.

use std::path::{Component, Path};
use std::process::ExitCode;

use async_trait::async_trait;
use penstock_cli::terminal::{bold, dim, plain, table};
use penstock_cli::{CliError, Output, args::PlanArgs, exit};
use penstock_delivery::library::{self, Shelf, planned};
use penstock_model::ProjectName;
use penstock_pipeline::{Dialect, FileRef, Found, Plan, PushEvent, Source};

/// Where a plan's addresses point when there is no server.
const NOWHERE: &str = "http://127.0.0.1:7420";

/// Plans and shows.
pub async fn plan(args: &PlanArgs, output: Output) -> Result<ExitCode, CliError> {
    let repository = &args.repository;
    let path = match &args.pipeline {
        Some(path) => path.clone(),
        None => pipeline_path(repository)?,
    };
    let file = repository.join(&path);
    let text = std::fs::read_to_string(&file).map_err(|source| CliError::Io { what: file.display().to_string(), source })?;
    let event = event(repository, &args.branch).await?;
    let source = Source { path: &path, text: &text };
    let plan = planned(Dialect::of_path(&path), &source, &event, &WorkingTree(repository))
        .await?
        .map_err(|shown| CliError::other(format!("{path} cannot be carried out\n\n{shown}"), "", exit::NOT_GOOD))?;
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&plan).unwrap_or_default()),
        Output::Text => show(&plan),
    }
    Ok(crate::done())
}

/// The files of a repository on the disk, as they are now.
struct WorkingTree<'r>(&'r Path);

#[async_trait]
impl Shelf for WorkingTree<'_> {
    type Fault = CliError;

    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, CliError> {
        let FileRef::Local { path } = file else {
            return Ok(Err("only files of the project itself are read\nhelp: copy it into the repository".to_owned()));
        };
        let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let whole = std::fs::canonicalize(self.0.join(path))
            .ok()
            .filter(|whole| inside && whole.is_file() && std::fs::canonicalize(self.0).is_ok_and(|root| whole.starts_with(root)));
        let Some(whole) = whole else {
            return Ok(Err(format!("the repository has no such file\nhelp: add {path}, or look at its spelling")));
        };
        let size = std::fs::metadata(&whole).map_or(0, |data| data.len());
        if size > u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX) {
            return Ok(Err(format!("it has {size} bytes; at most {} are read\nhelp: split it", Source::MAX_BYTES)));
        }
        let bytes = std::fs::read(&whole).map_err(|source| CliError::Io { what: whole.display().to_string(), source })?;
        Ok(library::text(bytes))
    }
}

fn show(plan: &Plan) {
    println!("{} ({})", bold(&plan.name), plan.path);
    let rows: Vec<_> = plan
        .jobs
        .iter()
        .map(|job| {
            let needs: Vec<_> = plan.upstream(job).iter().map(ToString::to_string).collect();
            let needs = if needs.is_empty() { dim("nothing") } else { needs.join(", ") };
            vec![bold(&plain(job.name.as_str())), plain(&job.stage), needs, plain(&job.because.join("; "))]
        })
        .collect();
    for reason in &plan.because {
        println!("{} {}", dim("workflow:"), plain(reason));
    }
    if plan.is_empty() {
        println!("a push of this commit starts no job");
    } else {
        table(&["JOB", "STAGE", "WAITS FOR", "WHY"], &rows);
    }
    for job in &plan.left_out {
        println!("{} {}: {}", dim("left out:"), plain(&job.name), plain(&job.because.join("; ")));
    }
}

/// The file that `penstock.yaml` names, or the only one that there is.
fn pipeline_path(repository: &Path) -> Result<String, CliError> {
    let file = repository.join(penstock_delivery::project::FILE);
    match std::fs::read_to_string(&file) {
        Ok(text) => penstock_delivery::project::parse(&text)
            .map(|file| file.project.pipeline)
            .map_err(|error| CliError::other(error, "", exit::NOT_GOOD)),
        Err(_) => penstock_delivery::project::choose(repository.join(".gitlab-ci.yml").is_file(), &workflows(repository)).map_err(|why| {
            let (what, help) = why.split_once("\nhelp: ").unwrap_or((&why, ""));
            CliError::other(what, format!("{help}; or name the file with --pipeline"), exit::ABSENT)
        }),
    }
}

/// The files of `.github/workflows`; none where there is no such directory.
fn workflows(repository: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(repository.join(".github/workflows")).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| format!(".github/workflows/{}", entry.file_name().to_string_lossy())).collect();
    paths.sort();
    paths
}

/// What git says about a repository on the disk.
pub async fn git(repository: &Path, args: &[&str]) -> Result<String, CliError> {
    let output = tokio::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(args)
        .output()
        .await
        .map_err(|source| CliError::Io { what: "starting git".to_owned(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CliError::other(
            format!("git {}: {}", args.join(" "), said.trim()),
            "this needs a Git repository with a commit",
            exit::FAILED,
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// The project's name: what `penstock.yaml` says, or the folder's.
pub fn project_name(repository: &Path) -> Result<ProjectName, CliError> {
    let file = repository.join(penstock_delivery::project::FILE);
    if let Ok(text) = std::fs::read_to_string(&file) {
        return penstock_delivery::project::parse(&text)
            .map(|file| file.project.name)
            .map_err(|error| CliError::other(error, "", exit::NOT_GOOD));
    }
    let folder = std::fs::canonicalize(repository).map_err(|source| CliError::Io { what: repository.display().to_string(), source })?;
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.parse().map_err(|error| CliError::other(format!("{error}"), "name the project in penstock.yaml", exit::USAGE))
}

async fn event(repository: &Path, branch: &str) -> Result<PushEvent, CliError> {
    let project = project_name(repository)?;
    let wrong = |error: &dyn std::fmt::Display| CliError::other(error.to_string(), "", exit::FAILED);
    let (commit, message, files) = tokio::try_join!(
        git(repository, &["rev-parse", "HEAD"]),
        git(repository, &["log", "-1", "--format=%B"]),
        git(repository, &["ls-tree", "-r", "-z", "--name-only", "--full-tree", "HEAD"]),
    )?;
    let before = git(repository, &["rev-parse", "--verify", "--quiet", "HEAD^"]).await.ok().and_then(|text| text.parse().ok());
    let changed = match &before {
        Some(_) => Some(paths(&git(repository, &["diff", "-z", "--name-only", "--no-renames", "HEAD^", "HEAD"]).await?)),
        None => None,
    };
    Ok(PushEvent {
        trigger: penstock_pipeline::Trigger::Push,
        repository: project.clone().into(),
        project,
        reference: format!("refs/heads/{branch}"),
        commit: commit.parse().map_err(|error| wrong(&error))?,
        before,
        default_branch: branch.to_owned(),
        message,
        pusher: "local".parse().map_err(|error| wrong(&error))?,
        changed,
        files: paths(&files),
        variables: std::collections::BTreeMap::new(),
        server_url: NOWHERE.to_owned(),
        registry: NOWHERE.trim_start_matches("http://").to_owned(),
    })
}

/// Paths as `-z` gives them, which is as they are.
fn paths(output: &str) -> Vec<String> {
    output.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}
