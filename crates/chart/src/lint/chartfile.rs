//! `Chart.yaml`.

use super::{
    Linter,
    Severity::{Error, Info},
    addresses::{is_address, is_email, is_url},
};
use crate::{
    chart::Metadata,
    format::quoted,
    functions::semver::Version,
    load,
    value::{Data, Str, Table},
    yaml,
};

const FILE: &str = "Chart.yaml";

pub(super) fn check(linter: &mut Linter, text: &[u8]) {
    let read = load::metadata(text).map_err(|why| format!("unable to parse YAML\n\t{why}"));
    let Some(metadata) = linter.rule(Error, FILE, read) else { return };
    let written = yaml::read_table(text).unwrap_or_default();
    linter.rule(Error, FILE, name(&metadata));
    linter.rule(Error, FILE, api_version(&metadata));
    linter.rule(Error, FILE, is_text(&written, "version"));
    linter.rule(Error, FILE, version(&metadata));
    linter.rule(Error, FILE, is_text(&written, "appVersion"));
    linter.rule(Error, FILE, maintainers(&metadata));
    linter.rule(Error, FILE, sources(&metadata));
    linter.rule(Info, FILE, if metadata.icon.is_empty() { Err("icon is recommended") } else { Ok(()) });
    linter.rule(Error, FILE, icon(&metadata));
    linter.rule(Error, FILE, only_in_v2(&metadata));
    linter.rule(Error, FILE, dependencies(&metadata, &written));
}

type Outcome = Result<(), String>;

fn name(metadata: &Metadata) -> Outcome {
    if metadata.name.is_empty() {
        return Err("name is required".to_owned());
    }
    if !load::is_one_name(&metadata.name) {
        return Err(format!("chart name {} is invalid", quoted(metadata.name.as_bytes())));
    }
    Ok(())
}

fn api_version(metadata: &Metadata) -> Outcome {
    match metadata.api_version.as_str() {
        "v1" | "v2" => Ok(()),
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        other => Err(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

/// Whether what was written is a text, and not only read as one.
fn is_text(written: &Table, key: &str) -> Outcome {
    let ty = match written.get(key.as_bytes()) {
        None | Some(Data::Text(_)) => return Ok(()),
        Some(Data::Null) => "<nil>",
        Some(Data::Bool(_)) => "bool",
        Some(Data::Int(_)) => "int64",
        Some(Data::Float(_)) => "float64",
        Some(Data::List(_)) => "[]interface {}",
        Some(Data::Map(_)) => "map[string]interface {}",
    };
    Err(format!("{key} should be of type string but it's of type {ty}"))
}

fn version(metadata: &Metadata) -> Outcome {
    if metadata.version.is_empty() {
        return Err("version is required".to_owned());
    }
    let least = Version::parse("0.0.0-0");
    match Version::parse(&metadata.version) {
        Err(_) => Err(format!("version '{}' is not a valid SemVer", metadata.version)),
        Ok(version) if least.is_ok_and(|least| version.compare(&least).is_le()) => {
            Err(format!("version {version} is less than or equal to 0.0.0-0"))
        }
        Ok(_) => Ok(()),
    }
}

fn maintainers(metadata: &Metadata) -> Outcome {
    for it in &metadata.maintainers {
        if it.name.is_empty() {
            return Err("each maintainer requires a name".to_owned());
        }
        if !it.email.is_empty() && !is_email(&it.email) {
            return Err(format!("invalid email '{}' for maintainer '{}'", it.email, it.name));
        }
        if !it.url.is_empty() && !is_url(&it.url) {
            return Err(format!("invalid url '{}' for maintainer '{}'", it.url, it.name));
        }
    }
    Ok(())
}

fn sources(metadata: &Metadata) -> Outcome {
    match metadata.sources.iter().find(|source| !is_address(source)) {
        Some(source) => Err(format!("invalid source URL '{source}'")),
        None => Ok(()),
    }
}

fn icon(metadata: &Metadata) -> Outcome {
    let icon = &metadata.icon;
    if icon.is_empty() || is_address(icon) { Ok(()) } else { Err(format!("invalid icon URL '{icon}'")) }
}

fn only_in_v2(metadata: &Metadata) -> Outcome {
    if metadata.kind.is_empty() || metadata.api_version == "v2" {
        return Ok(());
    }
    Err(format!("chart type is not valid in apiVersion '{}'. It is valid in apiVersion 'v2'", metadata.api_version))
}

fn dependencies(metadata: &Metadata, written: &Table) -> Outcome {
    // an item that is null counts, though nothing is asked for by it
    let has_items =
        |(key, value): (&Str, &Data)| key.eq_ignore_ascii_case(b"dependencies") && matches!(value, Data::List(items) if !items.is_empty());
    if metadata.api_version == "v2" || !written.iter().any(has_items) {
        return Ok(());
    }
    Err(format!(
        "dependencies are not valid in the Chart file with apiVersion '{}'. They are valid in apiVersion 'v2'",
        metadata.api_version
    ))
}
