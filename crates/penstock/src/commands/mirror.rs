//! `penstock mirror`: an existing repository is fetched and pushed to the server, so that it is delivered as it is.

use std::process::ExitCode;
use std::time::Duration;

use penstock_cli::terminal::dim;
use penstock_cli::{CliError, Login, Output, args::Mirror, exit};

/// Refs that are carried over.
const REFS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Fetches from one side and pushes to the other, once or again and again.
pub async fn mirror(args: &Mirror, output: Output) -> Result<ExitCode, CliError> {
    let login = Login::load()?;
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| CliError::Io { what, source }
    };
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let cache = cache.ok_or_else(|| CliError::other("neither XDG_CACHE_HOME nor HOME is set", "set one", exit::USAGE))?;
    let folder = cache.join("penstock/mirror").join(args.project.as_str());
    std::fs::create_dir_all(&folder).map_err(io("the mirror's folder"))?;
    git(&folder, &["init", "--bare", "--quiet"]).await?;
    let target =
        login.url.join(&format!("git/{}.git", args.project)).map_err(|error| CliError::other(error.to_string(), "", exit::USAGE))?;
    loop {
        git(&folder, &["fetch", "--prune", "--quiet", args.url.as_str(), REFS[0], REFS[1]]).await?;
        let pushed = push(&folder, target.as_str(), login.token.expose()).await?;
        match output {
            Output::Json => println!("{}", serde_json::json!({ "project": args.project, "said": pushed })),
            Output::Text => println!("{}", if pushed.is_empty() { dim("nothing new") } else { pushed }),
        }
        let Some(seconds) = args.every else { return Ok(crate::done()) };
        tokio::time::sleep(Duration::from_secs(seconds.max(10))).await;
    }
}

/// Pushes with the token in the environment, where no other user can read it, not on the command line.
async fn push(folder: &std::path::Path, target: &str, token: &str) -> Result<String, CliError> {
    let refs = git(folder, &["for-each-ref", "--format=%(refname)"]).await?;
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["push", "--quiet", target])
        .args(refs.lines())
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "http.extraHeader")
        .env("GIT_CONFIG_VALUE_0", format!("Authorization: Bearer {token}"))
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .map_err(|source| CliError::Io { what: "starting git".to_owned(), source })?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(said) } else { Err(CliError::other(format!("the push to {target} failed: {said}"), "", exit::FAILED)) }
}

/// What git says of a repository on the disk.
async fn git(repository: &std::path::Path, args: &[&str]) -> Result<String, CliError> {
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
