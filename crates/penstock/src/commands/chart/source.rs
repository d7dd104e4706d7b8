//! Where a chart is: a folder, an archive, a registry, a repository.

use std::path::Path;

use penstock_chart::{chart::Chart, load};
use penstock_cli::{CliError, args::chart::ChartSource, exit, terminal};

use super::{dependency, folder};

/// How every gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

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
    let bytes = std::fs::read(path).map_err(failed)?;
    if !bytes.starts_with(&GZIP) {
        let of = if path.extension().is_some_and(|of| of == "yaml" || of == "yml") {
            "seems to be a YAML file, but expected a gzipped archive"
        } else {
            "does not appear to be a gzipped archive"
        };
        return Err(CliError::other(
            format!("{} {of}", path.display()),
            "a chart is the folder that holds Chart.yaml, or its archive",
            exit::USAGE,
        ));
    }
    Ok(bytes)
}

/// Finds a chart with all that it depends on inside it; with `update`, what its folder lacks is fetched first.
pub async fn whole(reference: &str, source: &ChartSource, update: bool) -> Result<Chart, CliError> {
    let chart = updated(reference, source, update).await?;
    check_dependencies(&chart)?;
    Ok(chart)
}

/// As [`whole`], of a chart that can be installed: no library.
pub async fn installable(reference: &str, source: &ChartSource, update: bool) -> Result<Chart, CliError> {
    let chart = updated(reference, source, update).await?;
    chart.check_installable().map_err(|why| CliError::other(why, "a library is used by other charts", exit::USAGE))?;
    check_dependencies(&chart)?;
    Ok(chart)
}

async fn updated(reference: &str, source: &ChartSource, update: bool) -> Result<Chart, CliError> {
    if update {
        dependency::update_if_missing(reference, source).await?;
    }
    find(reference, source).await
}

/// Refuses a chart whose declared dependencies are not all there, as Helm does.
pub fn check_dependencies(chart: &Chart) -> Result<(), CliError> {
    chart.check_dependencies().map_err(|missing| {
        CliError::other(
            format!("An error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: {missing}"),
            "`penstock chart dependency build` fetches them; so does --dependency-update",
            exit::USAGE,
        )
    })
}
