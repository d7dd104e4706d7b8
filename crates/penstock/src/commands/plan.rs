//! `penstock plan`: what a pipeline file means.

use std::collections::BTreeMap;
use std::process::ExitCode;

use penstock_cli::graph::Graph;
use penstock_cli::terminal::{bold, dim, plain, table};
use penstock_cli::{
    CliError, Output,
    args::{GraphForm, PlanArgs},
    exit,
};
use penstock_delivery::library::carried_out;
use penstock_pipeline::{AllowFailure, Dialect, Plan, PlannedJob};

use super::children::Tree;
use super::local::{Place, WorkingTree, event};

/// Names of jobs in a cell of the table; the others are counted.
const NAMED: usize = 6;

/// Plans and shows.
pub async fn plan(args: &PlanArgs, output: Output) -> Result<ExitCode, CliError> {
    let place = Place::of(&args.file).await?;
    let files = place.pipelines(args.pipeline.as_deref(), args.dialect)?;
    let event = event(&place, &args.event, None).await?;
    for file in files {
        let plan = carried_out(file.dialect, &file.source(), &event, &WorkingTree::of(&place, None), &place.allowed())
            .await?
            .map_err(|shown| CliError::other(format!("{} cannot be carried out\n\n{shown}", file.path), "", exit::NOT_GOOD))?;
        match (output, args.graph) {
            (Output::Json, _) => {
                let tree = Tree::of(plan, &place, &event.files, 0).await?;
                println!("{}", serde_json::to_string_pretty(&tree.view()).unwrap_or_default());
            }
            (Output::Text, None) => show_tree(&Tree::of(plan, &place, &event.files, 0).await?),
            (Output::Text, Some(form)) => {
                let graph = graph(&plan);
                let drawn = match form {
                    GraphForm::Text => graph.text(),
                    GraphForm::Mermaid => graph.mermaid(),
                    GraphForm::Dot => graph.dot(),
                };
                print!("{drawn}");
            }
        }
    }
    Ok(crate::done())
}

fn show_tree(tree: &Tree) {
    show(&tree.plan);
    for (job, child) in &tree.children {
        println!("\n{} {}", dim("child pipeline of"), bold(&plain(job.as_str())));
        match child {
            Ok(child) => show_tree(child),
            Err(why) => why.lines().for_each(|line| println!("{}", plain(line))),
        }
    }
}

fn show(plan: &Plan) {
    for warning in &plan.warnings {
        eprintln!("{} {}", dim("warning:"), plain(&warning.to_string()));
    }
    println!("{} ({}), {}", bold(&plain(&plan.name)), plain(&plan.path), plan.event.trigger.words());
    for reason in &plan.because {
        println!("{} {}", dim("workflow:"), plain(reason));
    }
    if plan.is_empty() {
        println!("{} of this commit starts no job", plan.event.trigger.words());
    } else {
        let rows: Vec<_> = plan.jobs.iter().map(|job| row(plan, job)).collect();
        match plan.dialect {
            Dialect::GitlabCi => table(&["JOB", "STAGE", "WHEN", "WAITS FOR", "WHY"], &rows),
            Dialect::GithubWorkflow => table(&["JOB", "NAME", "IF", "WAITS FOR", "WHY"], &rows),
        }
    }
    for job in &plan.left_out {
        println!("{} {}: {}", dim("left out:"), plain(&job.name), plain(&job.because.join("; ")));
    }
}

fn row(plan: &Plan, job: &PlannedJob) -> Vec<String> {
    let (second, third) = match plan.dialect {
        Dialect::GitlabCi => (job.stage.clone(), mark(job)),
        Dialect::GithubWorkflow => {
            let asked = job.condition.as_ref().map_or_else(|| "success()".to_owned(), |condition| condition.expression.clone());
            (job.title.clone(), asked)
        }
    };
    vec![bold(&plain(job.name.as_str())), plain(&second), plain(&third), waits(plan, job), plain(&job.because.join("; "))]
}

/// When it runs, and whether the pipeline may succeed without it.
fn mark(job: &PlannedJob) -> String {
    let when = serde_json::to_value(job.when).ok();
    let word = when.as_ref().and_then(|when| when.as_str().map(str::to_owned)).unwrap_or_else(|| "delayed".to_owned());
    let may_fail = match &job.allow_failure {
        AllowFailure::No => "",
        AllowFailure::Yes => ", may fail",
        AllowFailure::ExitCodes(_) => ", may fail with some exit codes",
    };
    format!("{word}{may_fail}")
}

fn waits(plan: &Plan, job: &PlannedJob) -> String {
    let needs = plan.upstream(job);
    let named: Vec<_> = needs.iter().take(NAMED).map(|name| plain(name.as_str())).collect();
    match needs.len().saturating_sub(NAMED) {
        _ if needs.is_empty() => dim("nothing"),
        0 => named.join(", "),
        rest => format!("{} and {rest} more", named.join(", ")),
    }
}

/// A box for each key of the file: jobs that it became stand in one.
fn graph(plan: &Plan) -> Graph {
    let mut graph = Graph::default();
    let mut boxes: BTreeMap<&str, usize> = BTreeMap::new();
    for job in &plan.jobs {
        if boxes.contains_key(job.group.as_str()) {
            continue;
        }
        let count = plan.jobs.iter().filter(|other| other.group == job.group).count();
        let many = if count > 1 { format!(" ×{count}") } else { String::new() };
        let when = mark(job);
        let when = when.strip_prefix("on_success").map_or_else(|| format!(" ({when})"), |rest| rest.replace(", ", " — "));
        boxes.insert(&job.group, graph.labels.len());
        graph.labels.push(format!("{}{many}{when}", job.group));
    }
    let place = |job: &PlannedJob| boxes.get(job.group.as_str()).copied();
    for job in &plan.jobs {
        for other in plan.upstream(job).into_iter().filter_map(|name| plan.job(name)) {
            if let (Some(from), Some(to)) = (place(other), place(job))
                && from != to
            {
                graph.arrows.insert((from, to));
            }
        }
    }
    graph
}
