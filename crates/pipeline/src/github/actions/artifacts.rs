//! `actions/upload-artifact` and `actions/download-artifact`: files for people and for other jobs of the run.

use std::collections::BTreeMap;

use penstock_model::job::{Chore, Fetch, Work};

use super::act::{Act, Doing, Done, Inputs, Once};
use super::facts::Facts;
use super::table::{BuiltIn, Known, Refusal, anything};
use crate::reader::shown;

pub(super) const UPLOAD: Known = Known {
    name: "actions/upload-artifact",
    built_in: BuiltIn::UploadArtifact,
    majors: &[3, 4, 5, 6, 7],
    branches: &["main", "master"],
    inputs: &["name", "path", "if-no-files-found", "retention-days", "compression-level", "overwrite", "include-hidden-files", "archive"],
    check,
    begin: upload,
};

pub(super) const DOWNLOAD: Known = Known {
    name: "actions/download-artifact",
    built_in: BuiltIn::DownloadArtifact,
    majors: &[3, 4, 5, 6, 7, 8],
    branches: &["main", "master"],
    inputs: &[
        "name",
        "artifact-ids",
        "path",
        "pattern",
        "merge-multiple",
        "github-token",
        "repository",
        "run-id",
        "skip-decompress",
        "digest-mismatch",
    ],
    check: download_check,
    begin: download,
};

/// What an artifact's name cannot have, so that it can be a folder anywhere (GitHub's own list).
const FORBIDDEN: &[char] = &['"', ':', '<', '>', '|', '*', '?', '\r', '\n', '\\', '/'];

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    if let Some(name) = inputs.get("name").filter(|name| name.contains(FORBIDDEN)) {
        let help = "leave out \" : < > | * ? \\ / and line breaks";
        return Err(Refusal::input("name", format!("`{}` cannot be an artifact's name", shown(name)), help));
    }
    let several =
        inputs.lines("path").len() > 1 || inputs.get("path").is_some_and(|path| path.ends_with('/') || path.contains(['*', '?', '[']));
    if inputs.get("archive").is_some_and(|archive| archive.eq_ignore_ascii_case("false")) && several {
        return Err(Refusal::input("archive", "without an archive there is one file, named whole", "name the file, or remove `archive`"));
    }
    if let Some(other) = inputs.get("if-no-files-found").filter(|given| !["warn", "error", "ignore"].contains(given)) {
        return Err(Refusal::input("if-no-files-found", format!("`{}` is not known", shown(other)), "write warn, error or ignore"));
    }
    Ok(())
}

fn download_check(inputs: &Inputs) -> Result<(), Refusal> {
    if inputs.get("skip-decompress").is_some_and(|skip| skip.eq_ignore_ascii_case("true")) {
        let help = "remove it: an artifact has no other form than its files";
        return Err(Refusal::input("skip-decompress", "`skip-decompress` is not carried out", help));
    }
    anything(inputs)
}

fn upload(inputs: Inputs, _: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    let path = inputs.needed("path")?;
    // a single file as it is has its own name, whatever `name` says
    let name = if inputs.flag("archive", true)? { inputs.or("name", "artifact") } else { path.rsplit('/').next().unwrap_or(path) };
    let chore = Chore::KeepArtifact {
        name: name.to_owned(),
        paths: inputs.lines("path"),
        hidden: inputs.flag("include-hidden-files", false)?,
        overwrite: inputs.flag("overwrite", false)?,
    };
    let missing = inputs.or("if-no-files-found", "warn").to_owned();
    let paths = inputs.lines("path").join(", ");
    Ok(Once::boxed(Doing::new(Work::Chore(chore)), move |last| {
        if last.outputs.contains_key("artifact-id") {
            return Done::default();
        }
        let why = format!("no files were found at {paths}: no artifact is kept");
        match &*missing {
            "error" => Done::failed(why),
            "ignore" => Done::default().note(why),
            _ => Done::default().note(format!("##[warning]{why}")),
        }
    }))
}

fn download(inputs: Inputs, facts: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    if inputs.get("run-id").is_some() || inputs.get("repository").is_some_and(|given| !given.eq_ignore_ascii_case(&facts.repository)) {
        return Err("artifacts of other runs and repositories are not fetched\nhelp: make them in a job of this run".to_owned());
    }
    let ids: Vec<String> =
        inputs.get("artifact-ids").unwrap_or_default().split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
    let which = match (inputs.get("name"), inputs.get("pattern"), ids.is_empty()) {
        (Some(_), _, false) => return Err("`name` and `artifact-ids` cannot stand together".to_owned()),
        (_, _, false) => Fetch::Ids(ids),
        (Some(name), ..) => Fetch::Name(name.to_owned()),
        (None, Some(pattern), true) => Fetch::Pattern(pattern.to_owned()),
        (None, None, true) => Fetch::All,
    };
    let into = inputs.or("path", &facts.workspace).to_owned();
    let merge = inputs.flag("merge-multiple", false)?;
    let chore = Chore::FetchArtifacts { which, into, merge };
    Ok(Once::boxed(Doing::new(Work::Chore(chore)), |_| Done::default()))
}
