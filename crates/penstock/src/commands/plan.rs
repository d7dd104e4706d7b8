//! `penstock plan`: what a pipeline file means.

use std::process::ExitCode;

use penstock_cli::terminal::{bold, dim, plain, table};
use penstock_cli::{CliError, Output, args::PlanArgs, exit};
use penstock_delivery::library::planned;
use penstock_pipeline::Plan;

use super::local::{Place, WorkingTree, event};

/// Plans and shows.
pub async fn plan(args: &PlanArgs, output: Output) -> Result<ExitCode, CliError> {
    let place = Place::of(&args.file).await?;
    let files = place.pipelines(args.pipeline.as_deref(), args.dialect)?;
    let event = event(&place, &args.event, None).await?;
    for file in files {
        let plan = planned(file.dialect, &file.source(), &event, &WorkingTree(&place.root))
            .await?
            .map_err(|shown| CliError::other(format!("{} cannot be carried out\n\n{shown}", file.path), "", exit::NOT_GOOD))?;
        match output {
            Output::Json => println!("{}", serde_json::to_string_pretty(&plan).unwrap_or_default()),
            Output::Text => show(&plan),
        }
    }
    Ok(crate::done())
}

fn show(plan: &Plan) {
    println!("{} ({})", bold(&plan.name), plan.path);
    let rows: Vec<_> = plan
        .jobs
        .iter()
        .map(|job| {
            let needs: Vec<_> = plan.upstream(job).iter().map(ToString::to_string).collect();
            let needs = if needs.is_empty() { dim("nothing") } else { needs.join(", ") };
            vec![bold(&plain(job.name.as_str())), plain(&job.stage), needs, plain(&job.because.join("; "))]
        })
        .collect();
    for warning in &plan.warnings {
        eprintln!("{} {}", dim("warning:"), plain(&warning.to_string()));
    }
    for reason in &plan.because {
        println!("{} {}", dim("workflow:"), plain(reason));
    }
    if plan.is_empty() {
        println!("a push of this commit starts no job");
    } else {
        table(&["JOB", "STAGE", "WAITS FOR", "WHY"], &rows);
    }
    for job in &plan.left_out {
        println!("{} {}: {}", dim("left out:"), plain(&job.name), plain(&job.because.join("; ")));
    }
}
