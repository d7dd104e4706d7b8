//! Where a chart is: a folder, an archive, a registry, a repository.

use std::path::Path;

use penstock_chart::{chart::Chart, load};
use penstock_cli::{CliError, args::chart::ChartSource, exit, terminal};

use super::folder;

/// Finds a chart and reads it.
pub async fn find(reference: &str, source: &ChartSource) -> Result<Chart, CliError> {
    let path = Path::new(reference);
    let loaded = if path.is_dir() {
        load::files(folder::read(path)?)
    } else if path.is_file() {
        load::archive(&archive(path)?)
    } else {
        load::archive(&super::fetch::archive(reference, source).await?.archive)
    };
    let loaded = loaded.map_err(|error| CliError::other(format!("{reference}: {error}"), "", exit::USAGE))?;
    for warning in &loaded.warnings {
        eprintln!("{} {warning}", terminal::yellow("warning:"));
    }
    Ok(loaded.chart)
}

/// The bytes of an archive, no more than a chart may have.
pub fn archive(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::Io { what: format!("reading {}", path.display()), source };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > load::MAX_CHART {
        return Err(CliError::other(format!("{} is larger than any chart may be", path.display()), "", exit::USAGE));
    }
    std::fs::read(path).map_err(failed)
}

/// Refuses a chart whose declared dependencies are not all there, as Helm does.
pub fn check_dependencies(chart: &Chart) -> Result<(), CliError> {
    let there = |name: &str| chart.dependencies.iter().any(|one| one.name() == name);
    let missing: Vec<&str> = chart.metadata.dependencies.iter().map(|wanted| wanted.name.as_str()).filter(|name| !there(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", "));
    Err(CliError::other(
        format!(
            "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: {message}"
        ),
        "`penstock chart dependency build` fetches them; so does --dependency-update",
        exit::USAGE,
    ))
}

/// Refuses what cannot be installed: a library.
pub fn check_installable(chart: &Chart) -> Result<(), CliError> {
    match chart.metadata.kind.as_str() {
        "" | "application" => Ok(()),
        kind => Err(CliError::other(format!("{kind} charts are not installable"), "a library is used by other charts", exit::USAGE)),
    }
}
