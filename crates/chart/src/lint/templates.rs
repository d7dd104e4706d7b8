//! What templates render to.

use std::cell::LazyCell;

use bstr::ByteSlice as _;

use super::{
    Directory, Linter, Options,
    Severity::{Error, Warning},
    deprecations, names,
};
use crate::{
    budget::Budget,
    chart::{Chart, File},
    documents::Documents,
    format::quoted,
    load::{self, Object},
    render::{Capabilities, Files, KubeVersion, Mode, Release, Surroundings, render},
    schema,
    value::{Map, Str},
    values::{Nulls, coalesce, settle, table_of},
    yaml,
};

const DIRECTORY: &str = "templates/";
/// What Go's scanner takes of a line.
const LONGEST_LINE: usize = 64 << 10;

pub(super) fn check(linter: &mut Linter, directory: &Directory, options: &Options, around: &mut Surroundings<'_>) {
    let is_directory = if directory.templates_is_file { Err("not a directory") } else { Ok(()) };
    if linter.rule(Warning, DIRECTORY, is_directory).is_none() {
        return;
    }
    let Some(loaded) = linter.rule(Error, DIRECTORY, load::files(directory.files.clone())) else { return };
    let mut capabilities = Capabilities::default();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    let budget = &mut around.budget();
    let Ok((chart, values)) = prepared(&loaded.chart, options, budget) else { return };
    let outcome = values.and_then(|values| {
        let release = Release { name: "test-release".to_owned(), namespace: options.namespace.clone(), ..Release::default() };
        let mode = Mode { lint: true, strict: false };
        render(&chart, values, &release, &capabilities, mode, around, budget).map_err(|why| why.to_string())
    });
    let Some(files) = linter.rule(Error, DIRECTORY, outcome) else { return };
    for template in &chart.templates {
        if !template_rules(linter, template, &chart, &files, &capabilities.kube_version, budget) {
            return;
        }
    }
}

/// The chart and its values; an error inside is Helm's to tell, one outside ends the rules without a word.
fn prepared(chart: &Chart, options: &Options, budget: &mut Budget) -> Result<(Chart, Result<Map, String>), ()> {
    let chart = settle(chart, &options.values, Nulls::Keep, budget).map_err(|_| ())?.chart;
    let (values, _) = coalesce(&chart, &options.values, budget).map_err(|_| ())?;
    let given = table_of(&values, budget).map_err(|_| ())?;
    // once more, as Helm does: what a null took away the first time is back
    let values = match coalesce(&chart, &given, budget) {
        Ok((values, _)) => values,
        Err(fault) => return Ok((chart, Err(fault.to_string()))),
    };
    if !options.skip_schema {
        let outcome = table_of(&values, budget)
            .map_err(|fault| fault.to_string())
            .and_then(|values| schema::check(&chart, &values, budget).map_err(|why| why.to_string()));
        if let Err(why) = outcome {
            return Ok((chart, Err(why)));
        }
    }
    Ok((chart, Ok(values)))
}

/// The rules for one template. False where nothing more is looked at.
fn template_rules(linter: &mut Linter, template: &File, chart: &Chart, files: &Files, version: &KubeVersion, budget: &mut Budget) -> bool {
    let path = template.name.to_string();
    linter.rule(Error, &path, extension(template));
    linter.rule(Warning, &path, no_crd_hook(&template.data));
    linter.rule(Error, &path, no_release_time(&template.data));
    if template.extension() != b".yaml" {
        return true;
    }
    let name = load::clean(&[chart.name().as_bytes(), b"/", &template.name].concat());
    let Some(text) = files.get(&Str::from(name)).filter(|text| !text.lossy().trim().is_empty()) else { return true };
    linter.rule(Warning, &path, top_indent(text));
    // the rules look at the whole file for each of its objects, as Helm's do: once is enough
    let (has_selector, annotated) = (LazyCell::new(|| has_selector(text)), LazyCell::new(|| list_annotations(text)));
    let mut documents = Documents::new(text);
    loop {
        let read = documents.next(budget, load::object).map_err(|why| format!("unable to parse YAML: {why}"));
        let Some(read) = linter.rule(Error, &path, read) else { return false };
        let Some(object) = read else { return true };
        if let Some(object) = object {
            linter.rule(Warning, &path, names::check(&object.kind, &object.name));
            linter.rule(Warning, &path, deprecations::warning(&object.api_version, &object.kind, version));
            if needs_selector(&object) && !*has_selector {
                linter.rule(Error, &path, Err::<(), _>(no_selector(&object)));
            }
            if object.kind == "List" {
                linter.rule(Error, &path, (*annotated).clone());
            }
        }
    }
}

fn extension(template: &File) -> Result<(), String> {
    let extension = String::from_utf8_lossy(template.extension());
    if matches!(extension.as_ref(), ".yaml" | ".yml" | ".tpl" | ".txt") {
        return Ok(());
    }
    Err(format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"))
}

fn no_crd_hook(text: &Str) -> Result<(), &'static str> {
    let text = text.lossy();
    let is_hook = |behind: &str| {
        let behind = behind.strip_prefix('"').unwrap_or(behind);
        let value = behind.strip_prefix(':').map(|value| (value, value.trim_start_matches([' ', '\t', '\n', '\x0c', '\r'])));
        value.is_some_and(|(value, trimmed)| value.len() > trimmed.len() && trimmed.starts_with("crd-install"))
    };
    if text.split("helm.sh/hook").skip(1).any(is_hook) {
        return Err(
            "manifest is a crd-install hook. This hook is no longer supported in v3 and all CRDs should also exist the crds/ directory at the top level of the chart",
        );
    }
    Ok(())
}

fn no_release_time(text: &Str) -> Result<(), &'static str> {
    if text.lossy().contains(".Release.Time") {
        return Err(".Release.Time has been removed in v3, please replace with the `now` function in your templates");
    }
    Ok(())
}

fn top_indent(text: &Str) -> Result<(), String> {
    for line in text.split(|byte| *byte == b'\n') {
        if line.len() >= LONGEST_LINE {
            return Err("bufio.Scanner: token too long".to_owned());
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if String::from_utf8_lossy(line).trim().is_empty() {
            continue;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err(format!("document starts with an illegal indent: {}, which may cause parsing problems", quoted(line)));
        }
        return Ok(());
    }
    Ok(())
}

fn needs_selector(object: &Object) -> bool {
    matches!(object.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
}

fn has_selector(text: &Str) -> bool {
    text.contains_str("matchLabels") || text.contains_str("matchExpressions")
}

fn no_selector(object: &Object) -> String {
    let (kind, name) = (&object.kind, quoted(object.name.as_bytes()));
    format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not")
}

fn list_annotations(text: &Str) -> Result<(), String> {
    let document = yaml::read(text).map_err(|why| format!("unable to parse YAML: {why}"))?;
    let items = load::annotations_of_items(&document)
        .map_err(|why| format!("unable to parse YAML: error unmarshaling JSON: while decoding JSON: {why}"))?;
    if items.iter().any(|annotations| annotations.contains_key("helm.sh/resource-policy")) {
        return Err("Annotation 'helm.sh/resource-policy' within List objects are ignored".to_owned());
    }
    Ok(())
}
