//! Starting programs as a user does.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// Runs a program to its end and gives what it printed; its standard error on failure.
pub async fn run<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: &[S],
    folder: &Path,
    env: &[(&str, &str)],
) -> Result<(String, String), String> {
    let name = program.as_ref().to_string_lossy().into_owned();
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null()).envs(env.iter().copied()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok((text(&output.stdout), text(&output.stderr)));
    }
    let words: Vec<_> = args.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    Err(format!("{name} {}: {}{}", words.join(" "), text(&output.stderr), text(&output.stdout)))
}

/// A Git repository with its author.
pub struct Repository<'a> {
    /// Where it is.
    pub folder: &'a Path,
    /// Who pushes, and with which token.
    pub token: &'a str,
    /// Who writes commits: name and address.
    pub author: (&'a str, &'a str),
}

impl Repository<'_> {
    /// Runs git there. The token is in the environment, not on the command line.
    pub async fn git(&self, args: &[&str]) -> Result<(String, String), String> {
        let header = format!("Authorization: Bearer {}", self.token);
        let env = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "http.extraHeader"),
            ("GIT_CONFIG_VALUE_0", &header),
            ("GIT_AUTHOR_NAME", self.author.0),
            ("GIT_AUTHOR_EMAIL", self.author.1),
            ("GIT_COMMITTER_NAME", self.author.0),
            ("GIT_COMMITTER_EMAIL", self.author.1),
            ("GIT_TERMINAL_PROMPT", "0"),
        ];
        run("git", args, self.folder, &env).await
    }

    /// Commits everything.
    pub async fn commit(&self, message: &str) -> Result<(), String> {
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]).await.map(drop)
    }

    /// Pushes `main` and gives the lines that the server said.
    pub async fn push(&self) -> Result<Vec<String>, String> {
        let (_, said) = self.git(&["push", "origin", "HEAD:refs/heads/main"]).await?;
        Ok(said.lines().filter_map(|line| line.strip_prefix("remote: ")).map(|line| line.trim().to_owned()).collect())
    }
}

/// Copies a directory.
pub fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let wrong = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(to).map_err(|error| wrong(to, error))?;
    for entry in std::fs::read_dir(from).map_err(|error| wrong(from, error))? {
        let entry = entry.map_err(|error| wrong(from, error))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        // what a build or a test run left beside the sources is not the product
        let left = ["target", ".git", "__pycache__", ".pytest_cache", "dist", ".cargo-home", "reports"]
            .iter()
            .any(|name| entry.file_name() == *name);
        if left {
            continue;
        }
        if entry.file_type().map_err(|error| wrong(&source, error))?.is_dir() {
            copy(&source, &target)?;
        } else {
            std::fs::copy(&source, &target).map_err(|error| wrong(&source, error))?;
        }
    }
    Ok(())
}
