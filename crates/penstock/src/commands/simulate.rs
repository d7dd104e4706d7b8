//! `penstock simulate`: how a pipeline goes on when a script says how its jobs end. Nothing is run.

use std::io::{BufRead, BufReader, Write};
use std::process::ExitCode;

use penstock_cli::{CliError, args::SimulateArgs, exit};
use penstock_delivery::library::planned;
use penstock_pipeline::{Plan, Simulation};

use super::local::{Place, WorkingTree, event};

/// The longest line of a script, with its end.
const MAX_LINE: u64 = (1 << 20) + 1;

/// Plans the file, then tells how everything stands: once before the script, and after each of its lines.
pub async fn simulate(args: &SimulateArgs) -> Result<ExitCode, CliError> {
    let plan = read(args).await?;
    if plan.is_empty() {
        return Err(CliError::other("no job is for this event", plan.why_empty().join("\n"), exit::NOT_GOOD));
    }
    let mut simulation = Simulation::new(plan);
    tell(&simulation)?;
    let Some(script) = &args.events else { return Ok(crate::done()) };
    let (name, lines): (String, Box<dyn BufRead>) = if script.as_os_str() == "-" {
        ("standard input".to_owned(), Box::new(std::io::stdin().lock()))
    } else {
        let name = script.display().to_string();
        let file = std::fs::File::open(script).map_err(|source| CliError::Io { what: name.clone(), source })?;
        (name, Box::new(BufReader::new(file)))
    };
    follow(&mut simulation, &name, lines)?;
    Ok(crate::done())
}

/// Carries out a script line by line. Lines without anything are passed over.
fn follow(simulation: &mut Simulation, name: &str, mut lines: Box<dyn BufRead>) -> Result<(), CliError> {
    let mut number = 0_u64;
    loop {
        number += 1;
        let mut line = Vec::new();
        let part = std::io::Read::take(&mut lines, MAX_LINE).read_until(b'\n', &mut line);
        if part.map_err(|source| CliError::Io { what: name.to_owned(), source })? == 0 {
            return Ok(());
        }
        let wrong = |why: String| {
            let help = "a line is `{\"event\": \"success\", \"jobs\": [\"build\"]}`; events: success, drop, play, cancel, retry, enqueue, schedule, run";
            CliError::other(format!("{name}, line {number}: {why}"), help, exit::USAGE)
        };
        let line = String::from_utf8(line).map_err(|_| wrong("this is not UTF-8".to_owned()))?;
        if !line.trim().is_empty() {
            simulation.event(line.trim()).map_err(wrong)?;
            tell(simulation)?;
        }
    }
}

fn tell(simulation: &Simulation) -> Result<(), CliError> {
    let io = |source| CliError::Io { what: "standard output".to_owned(), source };
    let line = serde_json::to_string(&simulation.standing()).map_err(|error| io(error.into()))?;
    println!("{line}");
    // whoever writes the script line by line reads the answers line by line
    std::io::stdout().flush().map_err(io)
}

/// The plan of the file for the event.
async fn read(args: &SimulateArgs) -> Result<Plan, CliError> {
    let place = Place::of(&args.file).await?;
    let files = place.pipelines(None, args.dialect)?;
    let [file] = files.as_slice() else {
        return Err(CliError::other("there are several pipeline files", "name the one that is meant", exit::USAGE));
    };
    let event = event(&place, &args.event, None).await?;
    planned(file.dialect, &file.source(), &event, &WorkingTree::of(&place, None))
        .await?
        .map_err(|shown| CliError::other(format!("{} cannot be carried out\n\n{shown}", file.path), "", exit::NOT_GOOD))
}
