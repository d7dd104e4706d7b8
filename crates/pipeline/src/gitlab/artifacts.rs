//! `artifacts` and its reports.

use std::time::Duration;

use penstock_model::job::{ArtifactAccess, ArtifactSpec, KeepWhen};

use super::{keys, parts};
use crate::duration;
use crate::reader::{Fields, Problems, boolean, choice, shown, text};
use crate::yaml::Node;

/// Who may download them.
const ACCESS: &[(&str, ArtifactAccess)] = &[
    ("all", ArtifactAccess::All),
    ("developer", ArtifactAccess::Developer),
    ("maintainer", ArtifactAccess::Maintainer),
    ("none", ArtifactAccess::None),
];
/// What is kept "never expiring": longer than anybody asks.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 1000);

/// Kinds of reports that are kept as the files they are.
const KEPT: &[&str] = &[
    "accessibility",
    "annotations",
    "api_fuzzing",
    "browser_performance",
    "codequality",
    "container_scanning",
    "coverage_fuzzing",
    "cyclonedx",
    "dast",
    "dependency_scanning",
    "license_management",
    "license_scanning",
    "load_performance",
    "lsif",
    "metrics",
    "performance",
    "repository_xray",
    "requirements",
    "requirements_v2",
    "sarif",
    "sast",
    "secret_detection",
    "terraform",
];

/// `artifacts`.
pub(super) fn artifacts(node: &Node, path: &str, problems: &mut Problems) -> ArtifactSpec {
    let mut spec = ArtifactSpec::default();
    let Some(mut fields) = Fields::of(node, path, problems) else { return spec };
    if let Some(node) = fields.get("paths") {
        spec.paths = parts::inner_globs(node, &fields.path_of("paths"), problems);
    }
    spec.untracked = fields.get("untracked").and_then(|node| boolean(node, &fields.path_of("untracked"), problems)).unwrap_or(false);
    if let Some(node) = fields.get("exclude") {
        spec.exclude = parts::inner_globs(node, &fields.path_of("exclude"), problems);
    }
    spec.name = fields.get("name").and_then(|node| text(node, &fields.path_of("name"), problems));
    spec.exposed_as = fields.get("expose_as").and_then(|node| exposed_as(node, &fields.path_of("expose_as"), problems));
    if let Some(node) = fields.get("when") {
        let choices = [("on_success", KeepWhen::OnSuccess), ("on_failure", KeepWhen::OnFailure), ("always", KeepWhen::Always)];
        spec.when = choice(node, &choices, &fields.path_of("when"), problems).unwrap_or_default();
    }
    spec.expire_in = fields.get("expire_in").and_then(|node| expire_in(node, &fields.path_of("expire_in"), problems));
    spec.access = access(&mut fields, problems);
    if let Some(node) = fields.get("reports") {
        reports(node, &fields.path_of("reports"), &mut spec, problems);
    }
    fields.finish(&[], problems);
    spec
}

/// `access`, or `public`, which is the older way to say it: `false` keeps them from whoever may only look.
fn access(fields: &mut Fields<'_>, problems: &mut Problems) -> ArtifactAccess {
    let access = fields.get("access").map(|node| choice(node, ACCESS, &fields.path_of("access"), problems).unwrap_or_default());
    let public = fields.get("public").and_then(|node| boolean(node, &fields.path_of("public"), problems));
    if access.is_some() && public.is_some() {
        problems.add(fields.key_at("public"), &fields.path_of("public"), "`public` is given beside `access`", "keep `access`");
    }
    access.unwrap_or(if public == Some(false) { ArtifactAccess::Developer } else { ArtifactAccess::All })
}

/// How long the files are kept, whatever else goes.
pub(super) fn expire_in(node: &Node, path: &str, problems: &mut Problems) -> Option<u64> {
    let given = node.text().unwrap_or_default().trim();
    let time = if given.eq_ignore_ascii_case("never") { Some(FOR_EVER) } else { duration::parse(given) };
    // what a variable makes of it is not known here: then it is as long as the run
    if time.is_none() && !given.contains('$') {
        problems.add(node.at, path, format!("`{}` is no duration", shown(given)), "write for example `1 week`, or `never`");
    }
    time.map(|time| time.as_secs())
}

fn exposed_as(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let name = text(node, path, problems)?;
    let fine = !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' '));
    if !fine {
        let help = "use letters, digits, blanks, `_` and `-`, at most 100";
        problems.add(node.at, path, format!("`{}` cannot name artifacts", shown(&name)), help);
    }
    Some(name)
}

fn reports(node: &Node, path: &str, spec: &mut ArtifactSpec, problems: &mut Problems) {
    let Some(mut fields) = Fields::of(node, path, problems) else { return };
    if let Some(node) = fields.get("junit") {
        spec.junit = parts::inner_globs(node, &fields.path_of("junit"), problems);
    }
    if let Some(node) = fields.get("dotenv") {
        spec.dotenv = parts::inner_globs(node, &fields.path_of("dotenv"), problems);
    }
    if let Some(node) = fields.get("coverage_report") {
        let path = fields.path_of("coverage_report");
        if let Some(mut inner) = Fields::of(node, &path, problems) {
            let jacoco = match inner.get("coverage_format") {
                Some(node) => choice(node, &[("cobertura", false), ("jacoco", true)], &inner.path_of("coverage_format"), problems),
                None => {
                    problems.add(node.at, &path, "`coverage_format` is missing", "write `coverage_format: cobertura` or `jacoco`");
                    None
                }
            };
            let file = inner.get("path").and_then(|node| parts::inner_globs(node, &inner.path_of("path"), problems).pop());
            if inner.get("path").is_none() {
                problems.add(node.at, &path, "`path` is missing", "name the coverage report");
            }
            if jacoco == Some(true) {
                spec.jacoco = file;
            } else {
                spec.cobertura = file;
            }
            inner.finish(&[], problems);
        }
    }
    for kind in KEPT {
        if let Some(node) = fields.get(kind) {
            let patterns = parts::inner_globs(node, &fields.path_of(kind), problems);
            spec.reports.insert((*kind).to_owned(), patterns);
        }
    }
    fields.finish(keys::REPORTS, problems);
}
