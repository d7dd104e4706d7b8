//! A project's variables.

use std::io::Read;

use penstock_api::{GitlabVariable, VariableType, VariableValue, VariableView};
use penstock_model::ProjectName;
use serde_json::Value;

use super::access::read_text;
use super::segment;
use crate::args::{Variable, VariableKind};
use crate::context::Context;
use crate::terminal::{plain, table};
use crate::{CliError, exit};

/// The longest list that is taken over.
const MAX_IMPORT: u64 = 16 << 20;

pub(super) async fn variable(context: &Context, args: Variable) -> Result<u8, CliError> {
    match args {
        Variable::Set { project, name, kind, masked, raw, all_branches, environment } => {
            let variable_type = if kind == VariableKind::File { VariableType::File } else { VariableType::EnvVar };
            let text = read_text(&format!("{name}: "))?;
            // a key in a file ends with its line
            let value = if kind == VariableKind::File { text } else { text.strip_suffix('\n').map(str::to_owned).unwrap_or(text) };
            let new = VariableValue { value, variable_type, masked, raw, all_branches, environment };
            let answer: Value = context.client()?.put(&path(&project, &name, None), &new).await?;
            context.show(&answer, |_| println!("set, for jobs of {}", reached(all_branches)));
        }
        Variable::List { project } => {
            let variables: Vec<VariableView> = context.client()?.get(&format!("/projects/{project}/variables")).await?;
            let heads = ["VARIABLE", "TYPE", "MASKED", "RAW", "ENVIRONMENT", "REACHES", "SET", "BY"];
            context.show(&variables, |variables| table(&heads, &variables.iter().map(row).collect::<Vec<_>>()));
        }
        Variable::Get { project, name, environment } => {
            let answer: Value = context.client()?.get(&path(&project, &name, environment)).await?;
            // as it is: whoever reads it is a script, or wants it whole
            context.show(&answer, |answer| println!("{}", answer.get("value").and_then(Value::as_str).unwrap_or_default()));
        }
        Variable::Delete { project, name, environment } => {
            let answer: Value = context.client()?.delete(&path(&project, &name, environment)).await?;
            context.show(&answer, |_| println!("removed"));
        }
        Variable::Import { project } => return import(context, &project).await,
    }
    Ok(exit::OK)
}

fn path(project: &ProjectName, name: &str, environment: Option<String>) -> String {
    let query = environment.map(|scope| format!("?environment={}", encoded(&scope))).unwrap_or_default();
    format!("/projects/{project}/variables/{}{query}", segment(name))
}

/// As a value of a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn reached(all_branches: bool) -> &'static str {
    if all_branches { "every branch" } else { "the delivered branch" }
}

fn row(variable: &VariableView) -> Vec<String> {
    let kind = if variable.variable_type == VariableType::File { "file" } else { "env_var" };
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    vec![
        plain(&variable.name),
        kind.to_owned(),
        yes(variable.masked),
        yes(variable.raw),
        plain(&variable.environment),
        reached(variable.all_branches).to_owned(),
        variable.set.rfc3339(),
        plain(&variable.by),
    ]
}

/// Sets each of a list; what cannot be set is told, and the others are set all the same.
async fn import(context: &Context, project: &ProjectName) -> Result<u8, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().take(MAX_IMPORT).read_to_string(&mut text);
    read.map_err(|source| CliError::Io { what: "standard input".to_owned(), source })?;
    // the parser's own words might show a value
    let variables: Vec<GitlabVariable> = serde_json::from_str(&text).map_err(|error| {
        let what = format!("standard input is not a list of variables: line {}, column {}", error.line(), error.column());
        CliError::other(what, "`glab api projects/:id/variables --paginate` prints one", exit::USAGE)
    })?;
    let client = context.client()?;
    let mut code = exit::OK;
    for GitlabVariable { key, value, variable_type, protected, masked, raw, environment_scope } in variables {
        let Some(value) = value else {
            eprintln!("{}: GitLab hides its value; set it by hand", plain(&key));
            code = exit::NOT_GOOD;
            continue;
        };
        let new = VariableValue { value, variable_type, masked, raw, all_branches: !protected, environment: environment_scope };
        match client.put::<Value>(&path(project, &key, None), &new).await {
            Ok(_) => println!("{}: set, for jobs of {}", plain(&key), reached(!protected)),
            Err(error) => {
                eprintln!("{}: {error}", plain(&key));
                code = exit::NOT_GOOD;
            }
        }
    }
    Ok(code)
}
