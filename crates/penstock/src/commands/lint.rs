//! `penstock lint`: what is wrong with pipeline files, and where.

use std::process::ExitCode;

use penstock_cli::terminal::{dim, green};
use penstock_cli::{CliError, Output, args::EventArgs, args::LintArgs, exit};
use penstock_delivery::library::looked_at;
use penstock_model::counted;
use penstock_pipeline::{Diagnostic, Severity, beyond, warnings};
use serde_json::{Value, json};

use super::local::{PipelineFile, Place, WorkingTree, event};

/// Looks at the files that are named, or at every pipeline file of the repositories that are.
pub async fn lint(args: &LintArgs, output: Output) -> Result<ExitCode, CliError> {
    let mut told = Vec::new();
    let (mut errors, mut odd) = (0, 0);
    for given in &args.files {
        let place = Place::of(given).await?;
        for path in place.to_lint()? {
            let file = place.read(path, args.dialect)?;
            let (wrong, doubtful) = look(&place, &file, output).await?;
            errors += wrong.len();
            odd += doubtful.len();
            told.push(json!({ "path": file.path, "dialect": file.dialect, "errors": wrong, "warnings": doubtful }));
        }
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&told).unwrap_or_default()),
        Output::Text if errors + odd == 0 => println!("{} {}", green("fine:"), counted(told.len(), "file")),
        Output::Text => {
            eprintln!("{}", dim(&format!("{}, {} in {}", counted(errors, "error"), counted(odd, "warning"), counted(told.len(), "file"))));
        }
    }
    let bad = errors > 0 || (args.strict && odd > 0);
    Ok(ExitCode::from(if bad { exit::NOT_GOOD } else { exit::OK }))
}

/// What is wrong with one file and what is doubtful, shown as it is found.
async fn look(place: &Place, file: &PipelineFile, output: Output) -> Result<(Vec<Value>, Vec<Value>), CliError> {
    let event = event(place, &EventArgs { event: "push".to_owned(), ..EventArgs::default() }, None).await?;
    let (source, tree) = (file.source(), WorkingTree::of(place, None));
    let (mut all, library) = match looked_at(file.dialect, &source, &event, &tree).await? {
        Ok((plan, library)) => {
            let mut all = beyond(&plan, &source, &library, &place.allowed());
            all.extend(plan.warnings);
            (all, library)
        }
        Err(problems) => problems,
    };
    all.extend(warnings(file.dialect, &source));
    if output == Output::Text && !all.is_empty() {
        println!("{}", library.render(&source, &all));
    }
    let (wrong, doubtful) = all.into_iter().partition(|one| one.severity == Severity::Error);
    let values = |list: Vec<Diagnostic>| list.iter().filter_map(|one| serde_json::to_value(one).ok()).collect();
    Ok((values(wrong), values(doubtful)))
}
