//! Logging in, projects, users, secrets.

use std::io::{IsTerminal, Read};

use penstock_api::{Client, NewProject, NewUser, NewUserToken, SecretValue, Status};
use penstock_model::Secret as SecretText;
use serde_json::Value;

use crate::args::{LoginArgs, Project, Secret, User};
use crate::context::Context;
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
fn read_secret(prompt: &str) -> Result<String, CliError> {
    if std::io::stdin().is_terminal() {
        return ask_unseen(prompt).map_err(io("the terminal"));
    }
    let mut text = String::new();
    std::io::stdin().take(MAX_SECRET).read_to_string(&mut text).map_err(io("standard input"))?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
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
    let Project::Create { name, config, branch } = args;
    let client = context.client()?;
    let new = NewProject { name: name.clone(), config, branch: Some(branch) };
    let answer: Value = client.post("/projects", &new).await?;
    context.show(&answer, |_| println!("created; push to {}git/{name}.git", client.url()));
    Ok(exit::OK)
}

pub(super) async fn user(context: &Context, args: User) -> Result<u8, CliError> {
    let User::Add { name, role, email } = args;
    let answer: NewUserToken = context.client()?.post("/users", &NewUser { name, role, emails: email }).await?;
    context.show(&answer, |answer| println!("{}", answer.token));
    Ok(exit::OK)
}

pub(super) async fn secret(context: &Context, args: Secret) -> Result<u8, CliError> {
    let Secret::Set { project, name } = args;
    let value = read_secret(&format!("{name}: "))?;
    let path = format!("/projects/{project}/secrets/{}", super::segment(&name));
    let answer: Value = context.client()?.put(&path, &SecretValue { value }).await?;
    context.show(&answer, |_| println!("set"));
    Ok(exit::OK)
}
