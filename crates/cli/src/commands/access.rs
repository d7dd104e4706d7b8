//! Logging in, projects, users, secrets.

use std::io::{IsTerminal, Read};

use penstock_api::{Client, NewProject, NewUser, NewUserToken, ProjectSummary, SecretValue, SecretView, Status, UserView};
use penstock_model::{ProjectName, Secret as SecretText};
use serde_json::{Value, json};

use crate::args::{LoginArgs, Project, Secret, User};
use crate::context::Context;
use crate::terminal::{dim, plain, status, table};
use crate::{CliError, Login, exit};

/// The longest secret that is read.
const MAX_SECRET: u64 = 64 * 1024;

fn io(what: &str) -> impl Fn(std::io::Error) -> CliError {
    let what = what.to_owned();
    move |source| CliError::Io { what: what.clone(), source }
}

pub(super) async fn login(context: &Context, args: &LoginArgs) -> Result<u8, CliError> {
    let token = match &args.token_file {
        Some(path) => std::fs::read_to_string(path).map_err(io(&path.display().to_string()))?,
        None => read_secret("token: ")?,
    };
    let token = SecretText::new(token.trim());
    let status: Status = Client::new(args.url.clone(), Some(token.clone()))?.get("/status").await?;
    let path = Login { url: args.url.clone(), token }.save()?;
    context.show(&status, |status| {
        let user = status.user.as_ref().map_or("nobody", |user| user.as_str());
        println!("logged in to {} as {user}; the token is in {}", args.url, path.display());
    });
    Ok(exit::OK)
}

/// Reads a secret from standard input; asks for it, unseen, if that is a terminal.
pub(super) fn read_text(prompt: &str) -> Result<String, CliError> {
    if std::io::stdin().is_terminal() {
        return ask_unseen(prompt).map_err(io("the terminal"));
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_SECRET).read_to_string(&mut text).map_err(io("standard input"))?;
    Ok(text)
}

/// As [`read_text`], without the end of the last line.
fn read_secret(prompt: &str) -> Result<String, CliError> {
    read_text(prompt).map(|text| text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}

fn ask_unseen(prompt: &str) -> std::io::Result<String> {
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut unseen = before.clone();
    unseen.local_flags.remove(LocalFlags::ECHO);
    eprint!("{prompt}");
    tcsetattr(&stdin, SetArg::TCSANOW, &unseen)?;
    let mut line = String::new();
    let read = stdin.read_line(&mut line);
    tcsetattr(&stdin, SetArg::TCSANOW, &before)?;
    eprintln!();
    read.map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) async fn project(context: &Context, args: Project) -> Result<u8, CliError> {
    let client = context.client()?;
    match args {
        Project::Create { name, config, branch } => {
            let new = NewProject { name: name.clone(), config, branch: Some(branch) };
            let answer: Value = client.post("/projects", &new).await?;
            context.show(&answer, |_| println!("created; push to {}git/{name}.git", client.url()));
        }
        Project::List => {
            let projects: Vec<ProjectSummary> = client.get("/projects").await?;
            context.show(&projects, |projects| {
                let rows: Vec<_> = projects.iter().map(project_row).collect();
                table(&["PROJECT", "BRANCH", "CONFIG", "LAST RUN", "ADDRESS"], &rows);
            });
        }
    }
    Ok(exit::OK)
}

fn project_row(project: &ProjectSummary) -> Vec<String> {
    let run = project.last_run.as_ref();
    let last = run.map_or_else(|| dim("no run yet"), |run| format!("{} {}", status(&run.status), run.commit.short()));
    vec![project.name.to_string(), plain(&project.branch), plain(&project.config), last, plain(&project.clone_url)]
}

pub(super) async fn user(context: &Context, args: User) -> Result<u8, CliError> {
    let client = context.client()?;
    match args {
        User::Add { name, role, email } => {
            let answer: NewUserToken = client.post("/users", &NewUser { name, role, emails: email }).await?;
            context.show(&answer, |answer| println!("{}", answer.token));
        }
        User::List => {
            let users: Vec<UserView> = client.get("/users").await?;
            context.show(&users, |users| {
                let row =
                    |user: &UserView| vec![user.name.to_string(), plain(&user.role), user.since.rfc3339(), user.token_since.rfc3339()];
                table(&["USER", "ROLE", "SINCE", "TOKEN SINCE"], &users.iter().map(row).collect::<Vec<_>>());
            });
        }
        User::Token { name } => {
            let answer: NewUserToken = client.post(&format!("/users/{name}/token"), &json!({})).await?;
            context.show(&answer, |answer| println!("{}", answer.token));
            eprintln!("{}", dim(&format!("the old token has ended; `penstock login {}` stores the new one", client.url())));
        }
        User::Remove { name } => {
            let answer: Value = client.delete(&format!("/users/{name}")).await?;
            context.show(&answer, |_| println!("removed; the token and the sessions of {name} have ended"));
        }
    }
    Ok(exit::OK)
}

pub(super) async fn secret(context: &Context, args: Secret) -> Result<u8, CliError> {
    let path = |project: &ProjectName, name: &str| format!("/projects/{project}/secrets/{}", super::segment(name));
    match args {
        Secret::Set { project, name, all_branches } => {
            let value = read_secret(&format!("{name}: "))?;
            let answer: Value = context.client()?.put(&path(&project, &name), &SecretValue { value, all_branches }).await?;
            let words = if all_branches { "set, for jobs of every branch" } else { "set, for jobs of the delivered branch" };
            context.show(&answer, |_| println!("{words}"));
        }
        Secret::List { project } => {
            let secrets: Vec<SecretView> = context.client()?.get(&format!("/projects/{project}/secrets")).await?;
            context.show(&secrets, |secrets| {
                let row = |secret: &SecretView| {
                    let reaches = if secret.all_branches { "every branch" } else { "the delivered branch" };
                    vec![plain(&secret.name), reaches.to_owned(), secret.set.rfc3339(), plain(&secret.by)]
                };
                table(&["SECRET", "REACHES", "SET", "BY"], &secrets.iter().map(row).collect::<Vec<_>>());
            });
        }
        Secret::Remove { project, name } => {
            let answer: Value = context.client()?.delete(&path(&project, &name)).await?;
            context.show(&answer, |_| println!("removed"));
        }
    }
    Ok(exit::OK)
}
