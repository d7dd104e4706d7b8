//! Commands that need hands.

mod actions;
mod chart;
mod children;
mod doctor;
mod down;
mod eval;
mod explain;
mod lint;
mod local;
mod mirror;
mod plan;
mod run;
mod schema;
mod simulate;

use std::process::ExitCode;

use penstock_cli::{CliError, Command, Form, exit};

use crate::config::ServerSection;

/// Carries one out.
pub async fn carry_out(command: Command, form: Form, server: Option<url::Url>) -> Result<ExitCode, CliError> {
    let command = match command {
        Command::Chart(command) => return chart::chart(&command, form).await,
        other => other,
    };
    let output = form.plain()?;
    match command {
        Command::Server(args) => crate::serve::serve(ServerSection::load(args.config.as_deref(), args.data, args.listen)?).await,
        Command::Doctor(args) => doctor::doctor(&ServerSection::load(args.config.as_deref(), None, None)?, output).await,
        Command::Down(args) => down::down(&ServerSection::load(args.config.as_deref(), args.data, None)?, output).await,
        Command::Plan(args) => plan::plan(&args, output).await,
        Command::Eval(args) => eval::eval(&args),
        Command::Explain(args) => explain::explain(&args, output, server).await,
        Command::Actions(args) => actions::actions(&args, output).await,
        Command::Lint(args) => lint::lint(&args, output).await,
        Command::Run(args) => run::run(&args, output).await,
        Command::Mirror(args) => mirror::mirror(&args, output).await,
        Command::Simulate(args) => simulate::simulate(&args).await,
        Command::Schema { file } => schema::schema(file),
        _ => Err(CliError::other("this command is not carried out here", "this is a fault of Penstock", exit::FAILED)),
    }
}
