//! The tools: which call, and how their output is read.

use std::path::Path;
use std::time::Duration;

use penstock_model::tool::{ToolCall, ToolOutput, ToolResult};

use crate::finding::{Draft, Level, Location, Report};
use crate::judged::Judged;

mod bandit;
mod black;
mod gitleaks;
mod hadolint;
mod isort;
mod pylint;
mod syft;
mod trivy;
mod yamllint;

pub use syft::{SyftInput, syft_call};

/// The longest that a tool may take.
const TIMEOUT: Duration = Duration::from_secs(300);
/// The most paths of one call.
const MAX_PATHS: usize = 1_000;
/// The most lines of a tool's text that are read.
const MAX_LINES: usize = 500_000;

/// A tool that judges a commit's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tool {
    /// Python's formatter.
    Black,
    /// The order of Python's imports.
    Isort,
    /// Python's linter.
    Pylint,
    /// YAML's linter.
    Yamllint,
    /// Dockerfiles' linter.
    Hadolint,
    /// Secrets.
    Gitleaks,
    /// Security of Python.
    Bandit,
    /// Security of Dockerfiles, manifests and other configuration.
    TrivyConfig,
    /// Secrets again, by other rules.
    TrivySecret,
}

/// All tools, as `penstock check TOOL` names them. `advisories` is not among them: nobody's program runs for it.
pub fn tools() -> &'static [Tool] {
    use Tool::{Bandit, Black, Gitleaks, Hadolint, Isort, Pylint, TrivyConfig, TrivySecret, Yamllint};
    &[Black, Isort, Pylint, Yamllint, Hadolint, Gitleaks, Bandit, TrivyConfig, TrivySecret]
}

/// Why a call cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such tool.
    #[error(
        "there is no tool `{0}`; there are black, isort, pylint, yamllint, hadolint, gitleaks, bandit, trivy-config, trivy-secret and advisories"
    )]
    Unknown(String),
    /// A path leaves the tree, or could be taken for an option.
    #[error("`{0}` is not a path within the commit")]
    Path(String),
    /// A path is not there.
    #[error("the commit has no `{0}`")]
    Missing(String),
    /// Too many.
    #[error("{0} paths are too many for one call: at most {MAX_PATHS}; name directories")]
    TooMany(usize),
}

/// Why an output cannot be read. The job that asked for it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The tool did not run to its end.
    #[error("{tool} ended with code {code} and no result: {stderr}")]
    Crashed {
        /// The tool.
        tool: &'static str,
        /// Its exit code.
        code: i32,
        /// The end of what it said.
        stderr: String,
    },
    /// Its output has another form than this version reads.
    #[error("the output of {tool} cannot be read: {what}")]
    Form {
        /// The tool.
        tool: &'static str,
        /// What does not fit.
        what: String,
    },
}

impl std::str::FromStr for Tool {
    type Err = CallError;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || CallError::Unknown(name.chars().take(40).collect());
        tools().iter().copied().find(|tool| tool.name() == name).ok_or_else(unknown)
    }
}

impl std::fmt::Display for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Tool {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Isort => "isort",
            Self::Pylint => "pylint",
            Self::Yamllint => "yamllint",
            Self::Hadolint => "hadolint",
            Self::Gitleaks => "gitleaks",
            Self::Bandit => "bandit",
            Self::TrivyConfig => "trivy-config",
            Self::TrivySecret => "trivy-secret",
        }
    }

    /// The call; `None` when the tree has nothing for this tool to judge: [`Tool::nothing`] is its report then.
    pub fn call(self, judged: &Judged<'_>) -> Result<Option<ToolCall>, CallError> {
        check_paths(judged)?;
        Ok(match self {
            Self::Black => black::call(judged),
            Self::Isort => isort::call(judged),
            Self::Pylint => pylint::call(judged),
            Self::Yamllint => yamllint::call(judged),
            Self::Hadolint => hadolint::call(judged),
            Self::Gitleaks => Some(gitleaks::call(judged)),
            Self::Bandit => bandit::call(judged),
            Self::TrivyConfig => Some(trivy::config_call(judged)),
            Self::TrivySecret => Some(trivy::secret_call(judged)),
        })
    }

    /// Reads what the tool left.
    pub fn read(self, output: &ToolOutput, judged: &Judged<'_>) -> Result<Report, ReadError> {
        if !output.ran {
            return Err(crashed(self.name(), output));
        }
        let mut drafts = match self {
            Self::Black => black::read(output, judged),
            Self::Isort => isort::read(output, judged),
            Self::Pylint => pylint::read(output, judged),
            Self::Yamllint => yamllint::read(output, judged),
            Self::Hadolint => hadolint::read(output, judged),
            Self::Gitleaks => gitleaks::read(output, judged),
            Self::Bandit => bandit::read(output, judged),
            Self::TrivyConfig => trivy::read_config(output, judged),
            Self::TrivySecret => trivy::read_secret(output, judged),
        }?;
        drafts.extend(self.own_configuration(judged));
        Ok(Report::new(self.name(), drafts, judged.sources))
    }

    /// The report when there is nothing to judge.
    pub fn nothing(self, judged: &Judged<'_>) -> Report {
        Report::new(self.name(), self.own_configuration(judged), judged.sources)
    }

    /// Files by which the judged commit would tell a security tool what to overlook. The calls switch off what they can;
    /// what cannot be switched off is a finding, since a commit does not judge itself.
    fn own_configuration(self, judged: &Judged<'_>) -> Vec<Draft> {
        let names: &[&str] = match self {
            Self::Gitleaks => &[".gitleaks.toml", ".gitleaksignore"],
            Self::TrivyConfig => &["trivy.yaml", ".trivyignore", ".trivyignore.yaml"],
            Self::TrivySecret => &["trivy.yaml", ".trivyignore", ".trivyignore.yaml", "trivy-secret.yaml"],
            Self::Bandit => &[".bandit"],
            _ => &[],
        };
        // bandit looks for its file in every directory that it judges, the others at the root
        let deep = self == Self::Bandit;
        let is = |file: &str| names.iter().any(|name| file == *name || (deep && file.ends_with(&format!("/{name}"))));
        let draft = |file: &str| {
            let message = format!("{file} would tell {self} what to overlook, and a commit does not judge itself");
            let location = Location { path: file.to_owned(), line: None, column: None };
            let mut draft = Draft::new("own-configuration", Level::Error, &message, Some(location));
            draft.fix = Some("remove it; exceptions belong to the policies of the config repository".to_owned());
            draft
        };
        judged.tree.iter().filter(|file| is(file)).map(draft).collect()
    }
}

fn check_paths(judged: &Judged<'_>) -> Result<(), CallError> {
    if judged.paths.len() > MAX_PATHS {
        return Err(CallError::TooMany(judged.paths.len()));
    }
    for path in judged.paths {
        let parts = path.trim_end_matches('/').split('/');
        let inside = !path.is_empty() && !path.starts_with(['/', '-', '{']) && !path.contains(['\0', '\n', '{', '}', '\\']);
        if !inside || parts.clone().any(|part| part == "..") {
            return Err(CallError::Path(path.chars().take(200).collect()));
        }
        let alone = Judged { paths: std::slice::from_ref(path), ..*judged };
        if alone.files().next().is_none() {
            return Err(CallError::Missing(path.chars().take(200).collect()));
        }
    }
    Ok(())
}

fn crashed(tool: &'static str, output: &ToolOutput) -> ReadError {
    let said = output.stderr.trim();
    let from = said.char_indices().rev().nth(999).map_or(0, |(at, _)| at);
    ReadError::Crashed {
        tool,
        code: output.exit_code,
        stderr: if said.is_empty() { "it said nothing".to_owned() } else { said[from..].to_owned() },
    }
}

fn form(tool: &'static str) -> impl Fn(&dyn std::fmt::Display) -> ReadError {
    move |what| ReadError::Form { tool, what: what.to_string().chars().take(300).collect() }
}

fn read_json<T: serde::de::DeserializeOwned>(tool: &'static str, bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| form(tool)(&error))
}

/// The arguments for what is judged: the paths that were asked for, or all.
fn targets(judged: &Judged<'_>) -> Vec<String> {
    if judged.paths.is_empty() {
        return vec!["{input}".to_owned()];
    }
    let path = |path: &String| match path.trim_start_matches("./").trim_end_matches('/') {
        "" | "." => "{input}".to_owned(),
        path => format!("{{input}}/{path}"),
    };
    judged.paths.iter().map(path).collect()
}

fn any_python(judged: &Judged<'_>) -> bool {
    judged.files().any(|file| Path::new(file).extension().is_some_and(|e| e == "py" || e == "pyi"))
}

fn call(program: &str, args: &[&str], targets: Vec<String>, judged: &Judged<'_>, result: ToolResult, ran: &[i32]) -> ToolCall {
    let args = args.iter().map(|arg| (*arg).to_owned()).chain(targets).collect();
    ToolCall { program: program.to_owned(), args, input: judged.input.to_owned(), result, ran: ran.to_vec(), timeout: TIMEOUT }
}

#[allow(clippy::unnecessary_wraps, reason = "a finding's place is optional")]
fn place(judged: &Judged<'_>, path: &str, line: u64, column: u64) -> Option<Location> {
    let number = |n: u64| u32::try_from(n).ok().filter(|n| *n > 0);
    Some(Location { path: judged.relative(path), line: number(line), column: number(column) })
}
