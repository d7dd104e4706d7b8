//! `penstock schema`: what the files that are called `penstock.yaml` may say, for editors.

use std::process::ExitCode;

use penstock_cli::args::SchemaOf;
use penstock_cli::{CliError, exit};
use penstock_delivery::project::ProjectFile;
use penstock_gate::DeliveryConfig;
use serde_json::Value;

use crate::config::ServerFile;

/// Prints a schema.
pub fn schema(of: SchemaOf) -> Result<ExitCode, CliError> {
    print!("{}", text(of).map_err(|error| CliError::other(error.to_string(), "this is a fault of Penstock", exit::FAILED))?);
    Ok(crate::done())
}

fn value(of: SchemaOf) -> Value {
    match of {
        SchemaOf::Server => schemars::schema_for!(ServerFile).to_value(),
        SchemaOf::Project => ProjectFile::schema(),
        SchemaOf::Delivery => DeliveryConfig::schema(),
    }
}

/// As it is printed, and as it lies in `docs/schema/`.
fn text(of: SchemaOf) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(&value(of))? + "\n")
}

#[cfg(test)]
mod tests;
