//! `penstock gc`: asked of the server, which knows what is needed.

use std::process::ExitCode;

use penstock_api::{Client, Collected};
use penstock_cli::{CliError, Login, Output, args::Gc};
use serde_json::json;

/// Has the server remove what nothing needs.
pub async fn gc(args: &Gc, output: Output) -> Result<ExitCode, CliError> {
    let login = Login::load()?;
    let client = Client::new(login.url, Some(login.token))?;
    let collected: Collected = client.post("/gc", &json!({ "dry_run": args.dry_run })).await?;
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&collected).unwrap_or_default()),
        Output::Text => {
            let verb = if args.dry_run { "would go" } else { "gone" };
            println!("{verb}: {} blobs, {} MiB; kept: {} blobs", collected.removed, collected.bytes / (1024 * 1024), collected.kept);
        }
    }
    Ok(crate::done())
}
