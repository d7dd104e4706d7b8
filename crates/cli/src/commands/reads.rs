//! Looking.

use penstock_api::{AnnotationView, Explanation, RunSummary, RunView, Status, Trace, Verification};
use penstock_model::blob::{Channel, LogPart};
use penstock_model::counted;
use penstock_model::job::AnnotationLevel;

use super::segment;
use crate::args::{Logs, Output, Runs};
use crate::context::Context;
use crate::terminal::{between, bold, dim, green, indented, plain, red, status as word, table, yellow};
use crate::{CliError, exit};

pub(super) async fn status(context: &Context) -> Result<u8, CliError> {
    let status: Status = context.client()?.get("/status").await?;
    let bad = !status.troubles.is_empty();
    context.show(&status, print_status);
    Ok(if bad { exit::NOT_GOOD } else { exit::OK })
}

fn print_status(status: &Status) {
    let mut rows = Vec::new();
    for project in &status.projects {
        let run = project.last_run.as_ref();
        rows.push(vec![
            bold(project.name.as_str()),
            run.map_or_else(|| dim("no run yet"), |run| format!("{} {}", word(&run.status), run.commit.short())),
            String::new(),
            project.clone_url.clone(),
        ]);
        for environment in &project.environments {
            let commit = environment.commit.as_ref().map_or("nothing yet", |commit| commit.short());
            let url = environment.url.clone().unwrap_or_default();
            rows.push(vec![
                format!("  {}", environment.name),
                commit.to_owned(),
                format!("{}, {}", word(&environment.health), word(&environment.sync)),
                url,
            ]);
        }
    }
    table(&["PROJECT", "LAST", "STATE", "ADDRESS"], &rows);
    for project in &status.projects {
        if let Some(error) = &project.config_error {
            println!("{} the configuration of {}:\n{}", red("refused:"), project.name, indented(error, 2));
        }
    }
    for (project, run) in status.projects.iter().filter_map(|project| Some((project, project.last_run.as_ref()?))) {
        if run.errors + run.warnings > 0 {
            let said = format!("{} and {}", counted(run.errors, "error"), counted(run.warnings, "warning"));
            println!("{} jobs of {} say {said} of the source: `penstock explain {}`", yellow("said:"), project.name, run.id);
        }
    }
    for trouble in &status.troubles {
        println!("{} {} (tried {})\n{}", red("failing:"), trouble.effect, counted(trouble.tries, "time"), indented(&trouble.error, 2));
    }
}

pub(super) async fn runs(context: &Context, args: &Runs) -> Result<u8, CliError> {
    let project = args.project.as_ref().map(|name| format!("&project={name}")).unwrap_or_default();
    let runs: Vec<RunSummary> = context.client()?.get(&format!("/runs?limit={}{project}", args.limit)).await?;
    context.show(&runs, |runs| {
        let rows: Vec<_> = runs.iter().map(run_row).collect();
        table(&["RUN", "PROJECT", "STATUS", "REF", "COMMIT", "BEGUN", "TIME", "WHAT"], &rows);
    });
    Ok(exit::OK)
}

fn run_row(run: &RunSummary) -> Vec<String> {
    let time = run.ended.map_or_else(|| "…".to_owned(), |ended| between(run.started, ended));
    vec![
        run.id.to_string(),
        run.project.to_string(),
        word(&run.status),
        plain(&run.reference),
        run.commit.short().to_owned(),
        plain(&run.begun()),
        time,
        plain(&run.title),
    ]
}

pub(super) async fn logs(context: &Context, args: &Logs) -> Result<u8, CliError> {
    let attempt = args.attempt.map(|attempt| format!("&attempt={attempt}")).unwrap_or_default();
    let path = format!("/runs/{}/jobs/{}/log?follow={}{attempt}", args.run, segment(args.job.as_str()), args.follow);
    let mut parts = context.client()?.stream::<LogPart>(&path).await?;
    while let Some(part) = parts.next().await? {
        for line in &part.lines {
            context.show(line, |line| {
                let text = plain(&line.text);
                let text = if line.channel == Channel::Note { dim(&text) } else { text };
                if line.ends { println!("{text}") } else { print!("{text}") }
            });
        }
    }
    if context.output == Output::Text {
        let run: RunView = context.client()?.get(&format!("/runs/{}", args.run)).await?;
        let last = run.jobs.iter().any(|job| job.name == args.job && args.attempt.is_none_or(|attempt| attempt == job.attempt));
        run.annotations.iter().filter(|said| last && said.job == args.job.as_str()).for_each(print_annotation);
    }
    Ok(exit::OK)
}

/// One line for what a job says of the source, as compilers have it.
fn print_annotation(said: &AnnotationView) {
    let word = match said.level {
        AnnotationLevel::Error => red(said.word()),
        AnnotationLevel::Warning => yellow(said.word()),
        AnnotationLevel::Notice => said.word().to_owned(),
    };
    let place = said.place().map(|place| format!("{}: ", plain(&place))).unwrap_or_default();
    let title = said.title.as_ref().map(|title| format!("{}: ", plain(title))).unwrap_or_default();
    println!("{place}{word}: {title}{}", plain(&said.message));
}

pub(super) async fn explain(context: &Context, what: &str) -> Result<u8, CliError> {
    let explanation: Explanation = context.client()?.get(&format!("/explain/{}", segment(what))).await?;
    context.show(&explanation, print_explanation);
    Ok(exit::OK)
}

/// Shows why something is as it is.
pub fn print_explanation(explanation: &Explanation) {
    println!("{}\n{}\n", bold(&plain(&explanation.subject)), plain(&explanation.verdict));
    for reason in &explanation.reasons {
        let place = if reason.place.is_empty() { String::new() } else { format!(" {}", dim(&plain(&reason.place))) };
        println!("  {}{place}", bold(&plain(&reason.topic)));
        println!("{}", indented(&reason.text, 4));
        if !reason.fix.is_empty() {
            println!("    {} {}", green("to do:"), plain(&reason.fix));
        }
    }
}

pub(super) async fn trace(context: &Context, what: &str) -> Result<u8, CliError> {
    let trace: Trace = context.client()?.get(&format!("/trace/{}", segment(what))).await?;
    context.show(&trace, |trace| {
        println!("{}", bold(&plain(&trace.subject)));
        let rows: Vec<_> = trace.links.iter().map(|link| vec![link.kind.clone(), plain(&link.id), plain(&link.text)]).collect();
        table(&["", "", ""], &rows);
    });
    Ok(exit::OK)
}

pub(super) async fn verify(context: &Context) -> Result<u8, CliError> {
    let verification: Verification = context.client()?.get("/verify").await?;
    let good = verification.problems.is_empty();
    context.show(&verification, |verification| {
        for problem in &verification.problems {
            println!("{} {}", red("does not fit:"), plain(problem));
        }
        let word = if good { green("verified:") } else { red("not verified:") };
        let (events, statements) = (counted(verification.position, "event"), counted(verification.statements, "statement"));
        println!("{word} {events} and {statements}, root {}", verification.root);
    });
    Ok(if good { exit::OK } else { exit::NOT_GOOD })
}
