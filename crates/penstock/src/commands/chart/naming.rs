//! What a release is called, where its name is given and where it is made up.

use penstock_chart::{
    random::Seeded,
    render::{Surroundings, render_alone},
};
use penstock_cli::{CliError, args::chart::Naming, exit};

/// The name and the chart of a command's arguments. `unnamed` is what a release is called that nobody named; Helm lets it win over
/// a name that would be made up of the chart's.
pub fn name_and_chart<'a>(given: &'a [String], naming: &Naming, unnamed: Option<&str>) -> Result<(String, &'a str), CliError> {
    let usage = |message: &str, hint: &str| Err(CliError::other(message, hint, exit::USAGE));
    let (name, chart) = match given {
        [_, _] if naming.generate_name => return usage("cannot set --generate-name and also specify a name", "leave one of them out"),
        [_, _] if naming.name_template.is_some() => {
            return usage("cannot set --name-template and also specify a name", "leave one of them out");
        }
        [name, chart] => (name.clone(), chart),
        [chart] => match (&naming.name_template, unnamed) {
            (Some(template), _) if !template.is_empty() => (by_template(template)?, chart),
            (_, Some(name)) => (name.to_owned(), chart),
            _ if naming.generate_name => (generated(chart), chart),
            _ => return usage("must either provide a name or specify --generate-name", "the name comes first: NAME CHART"),
        },
        _ => return usage("a chart is wanted", "[NAME] CHART"),
    };
    penstock_chart::release::check_name(&name).map_err(|why| {
        CliError::other(format!("release name {name:?}: {why}"), "lower-case letters, digits, dashes and dots", exit::USAGE)
    })?;
    Ok((name, chart))
}

/// A name from the chart's and the time.
fn generated(chart: &str) -> String {
    let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let base = if base.is_empty() || base == "." { "chart" } else { base };
    let stem = base.split_once('.').map_or(base, |(stem, _)| stem);
    format!("{stem}-{}", super::now().timestamp().as_second())
}

fn by_template(template: &str) -> Result<String, CliError> {
    let (now, mut random) = (super::now(), Seeded::new(super::seed()));
    render_alone("name-template", template, &mut Surroundings::new(&now, &mut random))
        .map_err(|error| CliError::other(error.to_string(), "it sees no values: `web-{{ lower (randAlphaNum 5) }}`", exit::USAGE))
}
