//! `penstock init`: the first files, for a team that has a repository with a pipeline.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use penstock_model::ProjectName;
use serde_json::json;

use crate::args::Init;
use crate::context::Context;
use crate::terminal::green;
use crate::{CliError, exit};

/// What the config repository begins with.
const TEMPLATES: [(&str, &str); 7] = [
    ("penstock.yaml", include_str!("../../templates/penstock.yaml")),
    ("applications/staging.yaml", include_str!("../../templates/applications/staging.yaml")),
    ("applications/production.yaml", include_str!("../../templates/applications/production.yaml")),
    ("policies/gate.rego", include_str!("../../templates/policies/gate.rego")),
    ("staging/app.yaml", include_str!("../../templates/staging/app.yaml")),
    ("production/app.yaml", include_str!("../../templates/production/app.yaml")),
    ("README.md", include_str!("../../templates/README.md")),
];

pub(super) fn init(context: &Context, args: &Init) -> Result<u8, CliError> {
    let here = std::env::current_dir().map_err(|source| CliError::Io { what: "the current folder".to_owned(), source })?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => folder_name(&here)?,
    };
    let pipelines = if args.pipeline.is_empty() { choose_pipelines(&here)? } else { args.pipeline.clone() };
    let pipeline = match pipelines.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let config = args.config_dir.clone().unwrap_or_else(|| here.with_file_name(format!("{name}-config")));
    let project = format!(
        "# How Penstock delivers this repository. Environments, gates and approvers are in the config repository.\nversion: 1\nproject:\n  name: {name}\n  pipeline: {pipeline}\n  config: {name}-config\n  branch: main\n"
    );
    let mut written = vec![write(&here.join("penstock.yaml"), &project, args.force)?];
    for (path, template) in TEMPLATES {
        let text = template.replace("{{project}}", name.as_str());
        written.push(write(&config.join(path), &text, args.force)?);
    }
    let paths: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
    context.show(&json!({ "written": paths }), |_| {
        for path in &paths {
            println!("{} {path}", green("wrote"));
        }
        println!("\nnext: name who may approve in {}", config.join("penstock.yaml").display());
        println!("      penstock project create {name}, then push this repository and {}", config.display());
    });
    Ok(exit::OK)
}

fn folder_name(here: &Path) -> Result<ProjectName, CliError> {
    let folder = here.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    folder.parse().map_err(|error| CliError::other(format!("{error}"), "name the project with --name", exit::USAGE))
}

/// Two pipelines for one commit are a decision: a person is asked for it.
fn choose_pipelines(here: &Path) -> Result<Vec<String>, CliError> {
    let mut found: Vec<String> = Vec::new();
    if here.join(".gitlab-ci.yml").is_file() {
        found.push(".gitlab-ci.yml".to_owned());
    }
    let workflows = std::fs::read_dir(here.join(".github/workflows")).into_iter().flatten().flatten();
    let names = workflows.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| [".yml", ".yaml"].iter().any(|end| name.to_lowercase().ends_with(end))).collect();
    names.sort();
    found.extend(names.into_iter().map(|name| format!(".github/workflows/{name}")));
    match found.as_slice() {
        [one] => Ok(vec![one.clone()]),
        [] => {
            Err(CliError::other("there is no pipeline file here", "add .gitlab-ci.yml or a workflow, then call this again", exit::ABSENT))
        }
        several if std::io::stdin().is_terminal() => ask(several),
        several => Err(CliError::other(
            format!("there are several pipeline files: {}", several.join(", ")),
            "choose with --pipeline, given again if several count",
            exit::USAGE,
        )),
    }
}

fn ask(choices: &[String]) -> Result<Vec<String>, CliError> {
    let io = |source| CliError::Io { what: "the terminal".to_owned(), source };
    println!("Which pipeline counts? Several do if you give several numbers: each then starts a run for a commit.");
    for (number, choice) in choices.iter().enumerate() {
        println!("  {} {choice}", number + 1);
    }
    print!("number: ");
    std::io::stdout().flush().map_err(io)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(io)?;
    chosen(&line, choices).ok_or_else(|| CliError::other("that is none of them", "choose with --pipeline", exit::USAGE))
}

/// The choices whose numbers a line has, from 1.
fn chosen(line: &str, choices: &[String]) -> Option<Vec<String>> {
    let mut chosen: Vec<String> = Vec::new();
    for word in line.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()) {
        let choice = choices.get(word.parse::<usize>().ok()?.checked_sub(1)?)?;
        if !chosen.contains(choice) {
            chosen.push(choice.clone());
        }
    }
    Some(chosen).filter(|chosen| !chosen.is_empty())
}

fn write(path: &Path, text: &str, force: bool) -> Result<PathBuf, CliError> {
    let io = |source| CliError::Io { what: path.display().to_string(), source };
    if path.exists() && !force {
        return Err(CliError::other(
            format!("{} is there already", path.display()),
            "nothing of it was changed; --force overwrites it",
            exit::REFUSED,
        ));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io)?;
    }
    std::fs::write(path, text).map_err(io)?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_chooses_one_pipeline_and_several_choose_several() {
        let choices = ["a", "b", "c"].map(str::to_owned);
        let of = |line: &str| chosen(line, &choices).map(|chosen| chosen.join(" "));
        assert_eq!((of("2\n").as_deref(), of("1, 3\n").as_deref(), of("3 3 1").as_deref()), (Some("b"), Some("a c"), Some("c a")));
        for bad in ["", "\n", "0", "4", "1 x", "-1"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
