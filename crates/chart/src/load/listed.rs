//! The index of a repository as Go reads it into its structs.

use std::collections::BTreeMap;

use super::{
    assemble::taken,
    draft::{At, Decoded, Draft, METADATA, NEVER, field, object, timestamp},
    validate::validate,
};
use crate::{
    chart::Metadata,
    format::quoted,
    value::{Data, Table},
};

/// What an index says.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) api_version: String,
    pub(crate) generated: String,
    pub(crate) entries: BTreeMap<String, Vec<ListedChart>>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A chart of an index.
#[derive(Debug, Default)]
pub(crate) struct ListedChart {
    pub(crate) metadata: Metadata,
    pub(crate) urls: Vec<String>,
    pub(crate) created: String,
    pub(crate) removed: bool,
    pub(crate) digest: String,
    /// Why it is not to be listed; empty where there is nothing.
    pub(crate) objection: Option<String>,
}

const INDEX: &[&str] = &["serverInfo", "apiVersion", "generated", "entries", "publicKeys", "annotations"];
const CHART: &[&str] = &["urls", "created", "removed", "digest", "checksum", "engine", "tillerVersion", "url"];

/// Reads an index. In one of YAML no field may stand that Helm does not know.
pub(crate) fn read_index(document: &Data, is_lenient: bool) -> Decoded<Listed> {
    let mut listed = Listed { generated: NEVER.to_owned(), ..Listed::default() };
    let Some(table) = object(document, "repo.IndexFile", At::TOP)? else { return Ok(listed) };
    let at = At::of("IndexFile");
    for (key, value) in table {
        match field(key, INDEX) {
            "apiVersion" => at.field("apiVersion").text(value, &mut listed.api_version)?,
            "generated" if *value != Data::Null => listed.generated = timestamp(value)?,
            "entries" => {
                let Some(entries) = at.field("entries").table(value, "map[string]repo.ChartVersions")? else { continue };
                for (name, charts) in entries {
                    listed.entries.insert(name.to_string(), read_charts(charts, is_lenient)?);
                }
            }
            "annotations" => at.field("annotations").pairs(value, &mut listed.annotations)?,
            "" if !is_lenient => return unknown(key),
            _ => {}
        }
    }
    Ok(listed)
}

fn unknown<T>(key: &[u8]) -> Decoded<T> {
    Err(format!("json: unknown field {}", quoted(key)))
}

fn read_charts(charts: &Data, is_lenient: bool) -> Decoded<Vec<ListedChart>> {
    let at = At::of("IndexFile").field("entries");
    let charts = match charts {
        Data::Null => return Ok(Vec::new()),
        Data::List(charts) => charts,
        other => return at.refuse(other, "repo.ChartVersions"),
    };
    let mut read = Vec::new();
    for chart in charts {
        read.push(match object(chart, "repo.ChartVersion", at)? {
            Some(table) => read_chart(table, is_lenient)?,
            None => ListedChart { objection: Some(String::new()), ..ListedChart::default() },
        });
    }
    Ok(read)
}

fn read_chart(table: &Table, is_lenient: bool) -> Decoded<ListedChart> {
    let at = At::of("ChartVersion").below("entries.");
    let mut chart = ListedChart { created: NEVER.to_owned(), ..ListedChart::default() };
    let mut draft = Draft::default();
    for (key, value) in table {
        match field(key, CHART) {
            "urls" => at.field("urls").texts(value, &mut chart.urls)?,
            "created" if *value != Data::Null => chart.created = timestamp(value)?,
            "removed" => at.field("removed").truth(value, &mut chart.removed)?,
            "digest" => at.field("digest").text(value, &mut chart.digest)?,
            "" => match field(key, METADATA) {
                "" if !is_lenient => return unknown(key),
                known => draft.take(at, known, value)?,
            },
            old => at.field(old).text(value, &mut String::new())?,
        }
    }
    if draft.metadata.api_version.is_empty() {
        "v1".clone_into(&mut draft.metadata.api_version);
    }
    let needed = draft.dependencies.as_deref_mut().unwrap_or_default();
    chart.objection = validate(&mut draft.metadata, &mut draft.maintainers, needed)
        .err()
        // there are repositories that leave the aliases of dependencies out
        .filter(|why| !why.starts_with("validation: more than one dependency with name or alias"));
    chart.metadata = taken(draft);
    Ok(chart)
}
