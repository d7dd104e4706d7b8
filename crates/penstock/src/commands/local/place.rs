//! Where a pipeline file lies.

use std::path::{Path, PathBuf};

use penstock_cli::args::DialectArg;
use penstock_cli::{CliError, exit};
use penstock_delivery::project::{self, ProjectFile};
use penstock_git::LocalClone;
use penstock_model::ProjectName;
use penstock_pipeline::{Allowed, Dialect, Plan, Source};

use super::git_failed;
use crate::parts::find_program;

/// Where workflows lie.
const WORKFLOWS: &str = ".github/workflows/";

/// A repository, or a folder that is none.
pub struct Place {
    /// Paths begin here.
    pub root: PathBuf,
    /// What Git knows of it.
    pub clone: Option<LocalClone>,
    /// Its `penstock.yaml`.
    pub file: Option<ProjectFile>,
    /// The project's name: what `penstock.yaml` says, or the folder's as far as it can be one.
    pub name: ProjectName,
    /// The pipeline file that was named instead of a repository.
    named: Option<String>,
}

/// A pipeline file as it is now.
pub struct PipelineFile {
    /// Its path below the place's root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whose language it speaks.
    pub dialect: Dialect,
}

impl PipelineFile {
    /// As the pipeline room takes it.
    pub fn source(&self) -> Source<'_> {
        Source { path: &self.path, text: &self.text }
    }
}

impl Place {
    /// A repository, by any folder of it, or a pipeline file, wherever it lies.
    ///
    /// # Errors
    /// When it is not there, or its `penstock.yaml` cannot be read.
    pub async fn of(given: &Path) -> Result<Self, CliError> {
        let whole = std::fs::canonicalize(given).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => {
                CliError::other(format!("{} is not there", given.display()), "name a pipeline file, or a repository", exit::ABSENT)
            }
            _ => CliError::Io { what: given.display().to_string(), source },
        })?;
        let is_file = !whole.is_dir();
        let folder = if is_file { whole.parent().unwrap_or(Path::new("/")) } else { &whole };
        let clone = match find_program("git") {
            Some(git) => LocalClone::open(&git, folder).await.map_err(|error| git_failed(&error))?,
            None => None,
        };
        let shown = whole.to_string_lossy();
        let root = match &clone {
            Some(clone) => std::fs::canonicalize(&clone.root).unwrap_or_else(|_| clone.root.clone()),
            // a workflow's root is above its folder, wherever that is
            None => match shown.rfind(WORKFLOWS) {
                Some(at) if is_file && at > 0 => PathBuf::from(&shown[..at]),
                _ => folder.to_owned(),
            },
        };
        let named = is_file.then(|| whole.strip_prefix(&root).unwrap_or(&whole).to_string_lossy().into_owned());
        let file = match std::fs::read_to_string(root.join(project::FILE)) {
            // a server's file and a config repository's have the same name
            Ok(text) if text.lines().any(|line| line.starts_with("project:")) => {
                Some(project::parse(&text).map_err(|error| CliError::other(error, "", exit::NOT_GOOD))?)
            }
            _ => None,
        };
        let name = file.as_ref().map_or_else(|| folder_name(&root), |file| file.project.name.clone());
        Ok(Self { root, clone, file, name, named })
    }

    /// The pipeline files that count: the one that is named here, on the command line or in `penstock.yaml`, or the only one.
    ///
    /// # Errors
    /// When there is none, or a choice that nobody made.
    pub fn pipelines(&self, named: Option<&str>, dialect: Option<DialectArg>) -> Result<Vec<PipelineFile>, CliError> {
        let paths = match named.or(self.named.as_deref()) {
            Some(path) => vec![path.to_owned()],
            None => self.chosen()?,
        };
        paths.into_iter().map(|path| self.read(path, dialect)).collect()
    }

    fn chosen(&self) -> Result<Vec<String>, CliError> {
        if let Some(file) = &self.file {
            return Ok(file.project.pipeline.paths().to_vec());
        }
        let all = self.all();
        let (gitlab, workflows): (Vec<_>, Vec<_>) = all.into_iter().partition(|path| path == ".gitlab-ci.yml");
        project::choose(!gitlab.is_empty(), &workflows).map(|path| vec![path]).map_err(|why| {
            let (what, help) = why.split_once("\nhelp: ").unwrap_or((&why, ""));
            CliError::other(what, format!("{help}; or name the file: `penstock plan FILE`, `penstock run --pipeline FILE`"), exit::ABSENT)
        })
    }

    /// What `penstock.yaml` lets jobs call.
    pub fn allowed(&self) -> Allowed {
        self.file.as_ref().map(ProjectFile::allowed).unwrap_or_default()
    }

    /// Fills in what `penstock.yaml` says of a plan's jobs.
    ///
    /// # Errors
    /// A job that the pipeline file does not have.
    pub fn fill_in(&self, plan: &mut Plan) -> Result<(), CliError> {
        let said = self.file.as_ref().map_or(Ok(()), |file| file.fill_in(plan));
        said.map_err(|why| {
            let (what, help) = why.split_once("\nhelp: ").unwrap_or((&why, ""));
            CliError::other(what, help, exit::USAGE)
        })
    }

    /// The files that are to be looked at: the one that is named, or all.
    ///
    /// # Errors
    /// When there is none.
    pub fn to_lint(&self) -> Result<Vec<String>, CliError> {
        let paths = self.named.clone().map_or_else(|| self.all(), |path| vec![path]);
        if paths.is_empty() {
            let what = format!("{} has no pipeline file", self.root.display());
            return Err(CliError::other(what, "name one: `penstock lint FILE`", exit::ABSENT));
        }
        Ok(paths)
    }

    /// Every pipeline file that there is: GitLab's, and the workflows in the order of their names.
    pub fn all(&self) -> Vec<String> {
        let gitlab = Some(".gitlab-ci.yml").filter(|path| self.root.join(path).is_file()).map(str::to_owned);
        let entries = std::fs::read_dir(self.root.join(WORKFLOWS)).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut workflows: Vec<_> = names.filter(|name| name.ends_with(".yml") || name.ends_with(".yaml")).collect();
        workflows.sort();
        gitlab.into_iter().chain(workflows.into_iter().map(|name| format!("{WORKFLOWS}{name}"))).collect()
    }

    /// One file of it.
    ///
    /// # Errors
    /// When it is not there, is too long, or is no text.
    pub fn read(&self, path: String, dialect: Option<DialectArg>) -> Result<PipelineFile, CliError> {
        let file = self.root.join(&path);
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => CliError::other(format!("{} is not there", file.display()), "", exit::ABSENT),
            _ => CliError::Io { what: file.display().to_string(), source },
        };
        let size = std::fs::metadata(&file).map_err(io)?.len();
        if size > Source::MAX_BYTES as u64 {
            let what = format!("{path}:1:1: the file has {size} bytes, and {} are read at most", Source::MAX_BYTES);
            return Err(CliError::other(what, "split it, by `include` or into several workflows", exit::NOT_GOOD));
        }
        let text = Source::decode(&path, std::fs::read(&file).map_err(io)?)
            .map_err(|problem| CliError::other(problem.to_string(), "", exit::NOT_GOOD))?;
        let dialect = match dialect {
            Some(DialectArg::Gitlab) => Dialect::GitlabCi,
            Some(DialectArg::Github) => Dialect::GithubWorkflow,
            None => dialect_of(&path, &text),
        };
        Ok(PipelineFile { path, text, dialect })
    }
}

/// The dialect that a file's place promises; elsewhere than where GitLab and GitHub look, what its first keys say.
fn dialect_of(path: &str, text: &str) -> Dialect {
    let name = path.rsplit('/').next().unwrap_or(path);
    if Dialect::of_path(path) == Dialect::GithubWorkflow || path.contains(&format!("/{WORKFLOWS}")) {
        return Dialect::GithubWorkflow;
    }
    if name.ends_with(".gitlab-ci.yml") {
        return Dialect::GitlabCi;
    }
    let has = |keys: &[&str]| {
        text.lines().any(|line| keys.iter().any(|key| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))))
    };
    if has(&["on", "\"on\"", "'on'"]) && has(&["jobs"]) { Dialect::GithubWorkflow } else { Dialect::GitlabCi }
}

/// The folder's name as far as it can be a project's.
fn folder_name(root: &Path) -> ProjectName {
    let folder = root.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let kept: String = folder
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .take(penstock_model::ids::MAX_NAME)
        .collect();
    let project: ProjectName = "project".parse().expect("a valid name");
    kept.trim_matches('-').parse().unwrap_or(project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_elsewhere_is_known_by_its_first_keys() {
        let workflow = "name: x\non: push\njobs:\n  a:\n";
        for (path, text, github) in [
            ("ci.yml", workflow, true),
            ("ci.yml", "\"on\" : [push]\njobs: {}\n", true),
            ("ci.yml", "jobs:\n  script: make\n", false),
            ("ci.yml", "on:\n  script: make\n", false),
            ("a/.gitlab-ci.yml", workflow, false),
            (".github/workflows/ci.yml", "a: 1\n", true),
            ("sub/.github/workflows/ci.yml", "a: 1\n", true),
        ] {
            assert_eq!(dialect_of(path, text) == Dialect::GithubWorkflow, github, "{path}: {text}");
        }
    }

    #[test]
    fn a_folder_names_the_project_as_far_as_it_can() {
        for (folder, name) in [("/a/My_Shop", "my-shop"), ("/a/.dots.", "dots"), ("/", "project"), ("/x/__", "project")] {
            assert_eq!(folder_name(Path::new(folder)).as_str(), name);
        }
    }
}
