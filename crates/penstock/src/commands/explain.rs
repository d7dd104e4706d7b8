//! `penstock explain`: a job of the working tree here, everything else by the server.

use std::process::ExitCode;

use penstock_api::{Explanation, Reason};
use penstock_cli::{CliError, Output, args::ExplainArgs, exit, print_explanation};
use penstock_delivery::library::planned;
use penstock_model::RunId;
use penstock_pipeline::{Explained, NotChosen};
use url::Url;

use super::local::{Place, WorkingTree, event};

/// Explains a job of the working tree's pipeline if it has one of that name; otherwise the server is asked.
pub async fn explain(args: &ExplainArgs, output: Output, server: Option<Url>) -> Result<ExitCode, CliError> {
    let what = args.what.as_str();
    let run = what.split('/').next().is_some_and(|first| first.parse::<RunId>().is_ok());
    if run || what == "latest" {
        return penstock_cli::explain(output, server, what).await;
    }
    let digest = what.len() >= 6 && what.trim_start_matches("sha256:").bytes().all(|b| b.is_ascii_hexdigit());
    let place = Place::of(&args.repository).await?;
    let files = match place.pipelines(args.pipeline.as_deref(), None) {
        Ok(files) => files,
        // there is no pipeline here: it can only be something of a server
        Err(error) if args.pipeline.is_none() && error.code() == exit::ABSENT && digest => {
            return penstock_cli::explain(output, server, what).await;
        }
        Err(error) => return Err(error),
    };
    let event = event(&place, &args.event, None).await?;
    let mut unknown = None;
    for file in files {
        let plan = planned(file.dialect, &file.source(), &event, &WorkingTree::of(&place, None)).await?;
        let refused = |shown| CliError::other(format!("{} cannot be carried out\n\n{shown}", file.path), "", exit::NOT_GOOD);
        let mut plan = plan.map_err(refused)?;
        place.fill_in(&mut plan)?;
        match plan.explain(what) {
            Ok(explained) => {
                explained.into_iter().for_each(|one| show(one, output));
                return Ok(crate::done());
            }
            Err(why) => unknown = Some((file.path, why)),
        }
    }
    match unknown {
        Some((path, why @ NotChosen::Unknown { .. })) if !digest => Err(CliError::other(
            format!("{why} ({path})"),
            "`penstock plan` shows all jobs; a run of a server is `RUN` or `RUN/JOB`",
            exit::ABSENT,
        )),
        _ => penstock_cli::explain(output, server, what).await,
    }
}

fn show(explained: Explained, output: Output) {
    let reasons = explained.reasons.into_iter().map(|(topic, text)| Reason { topic, text, place: String::new(), fix: String::new() });
    let explanation = Explanation { subject: explained.subject, verdict: explained.verdict, reasons: reasons.collect() };
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&explanation).unwrap_or_default()),
        Output::Text => print_explanation(&explanation),
    }
}
