//! What other tools found, taken into Penstock's own findings and coverage.

use penstock_model::job::{Chore, Work};

use super::act::{Act, Doing, Done, Inputs, Once};
use super::table::{BuiltIn, Known, Refusal, anything, joined};
use crate::reader::shown;

pub(super) const SARIF: Known = Known {
    name: "github/codeql-action/upload-sarif",
    built_in: BuiltIn::UploadSarif,
    majors: &[1, 2, 3, 4],
    branches: &["main"],
    inputs: &["sarif_file", "checkout_path", "ref", "sha", "token", "matrix", "category", "wait-for-processing"],
    check: anything,
    begin: |inputs, _, _| {
        let given = inputs.or("sarif_file", "../results").to_owned();
        let path = if given.ends_with(".sarif") || given.contains('*') { given.clone() } else { format!("{given}/**/*.sarif") };
        let doing = Doing::new(Work::Chore(Chore::Report { kind: "sarif".to_owned(), paths: vec![path] }));
        Ok(Once::boxed(doing, move |last| match last.outputs.get("count").map(String::as_str) {
            None | Some("0") => Done::failed(format!("there is no SARIF file at {}", shown(&given))),
            Some(_) => Done::well([("sarif-id", last.outputs.get("digest").cloned().unwrap_or_default())]),
        }))
    },
};

/// Inputs that both actions of Codecov have.
pub(super) const CODECOV_BOTH: &[&str] = &[
    "binary",
    "codecov_yml_path",
    "commit_parent",
    "directory",
    "disable_search",
    "dry_run",
    "env_vars",
    "exclude",
    "fail_ci_if_error",
    "file",
    "files",
    "flags",
    "git_service",
    "handle_no_reports_found",
    "job_code",
    "name",
    "network_filter",
    "network_prefix",
    "os",
    "override_branch",
    "override_build",
    "override_build_url",
    "override_commit",
    "override_pr",
    "report_code",
    "root_dir",
    "slug",
    "token",
    "url",
    "verbose",
    "version",
    "working-directory",
];

/// Inputs that the one about coverage has besides.
const CODECOV_ALONE: &[&str] = &[
    "base_sha",
    "disable_file_fixes",
    "disable_safe_directory",
    "disable_telem",
    "force",
    "functionalities",
    "gcov_args",
    "gcov_executable",
    "gcov_ignore",
    "gcov_include",
    "move_coverage_to_trash",
    "plugin",
    "plugins",
    "recurse_submodules",
    "report_type",
    "run_command",
    "skip_validation",
    "swift_project",
    "upstream_proxy",
    "use_legacy_upload_endpoint",
    "use_oidc",
    "use_pypi",
];

pub(super) const CODECOV: Known = Known {
    name: "codecov/codecov-action",
    built_in: BuiltIn::Codecov,
    majors: &[1, 2, 3, 4, 5, 6, 7],
    branches: &["main", "master"],
    inputs: &joined::<{ CODECOV_BOTH.len() + CODECOV_ALONE.len() }>(CODECOV_BOTH, CODECOV_ALONE),
    check: codecov_check,
    begin: |inputs, _, _| codecov(&inputs),
};

/// Where coverage lies if nobody says.
const SEARCHED: &[&str] = &["**/coverage.xml", "**/cobertura.xml", "**/cobertura-coverage.xml", "**/*cobertura*.xml"];

fn codecov_check(inputs: &Inputs) -> Result<(), Refusal> {
    match inputs.get("report_type") {
        None | Some("coverage" | "test_results") => Ok(()),
        Some(other) => {
            let help = "write `coverage` or `test_results`";
            Err(Refusal::input("report_type", format!("`report_type: {}` is not carried out", shown(other)), help))
        }
    }
}

fn codecov(inputs: &Inputs) -> Result<Box<dyn Act>, String> {
    if inputs.get("report_type") == Some("test_results") {
        return super::results::codecov(inputs);
    }
    let strict = inputs.flag("fail_ci_if_error", false)?;
    let named: Vec<String> = ["files", "file"]
        .iter()
        .filter_map(|name| inputs.get(name))
        .flat_map(|list| list.split([',', '\n']))
        .map(|path| path.trim().trim_start_matches("./").to_owned())
        .filter(|path| !path.is_empty())
        .collect();
    // what is read is Cobertura's XML; other formats are named in the log
    let (paths, others): (Vec<String>, Vec<String>) = named.iter().cloned().partition(|path| path.ends_with(".xml"));
    let folder = inputs.get("directory").map(|folder| folder.trim_start_matches("./").trim_end_matches('/').to_owned());
    let searched = || SEARCHED.iter().map(|path| folder.as_ref().map_or((*path).to_owned(), |folder| format!("{folder}/{path}")));
    let paths = if named.is_empty() { searched().collect() } else { paths };
    let missing = move |what: String| if strict { Done::failed(what) } else { Done::default().note(format!("##[warning]{what}")) };
    if paths.is_empty() {
        let what = format!("{} is not Cobertura's XML, which is what is read here: write coverage as XML", others.join(", "));
        return Ok(super::act::Already::boxed(missing(what)));
    }
    let mut doing = Doing::new(Work::Chore(Chore::Report { kind: "cobertura".to_owned(), paths }));
    if !others.is_empty() {
        doing.notes.push(format!("##[warning]not read, since it is not Cobertura's XML: {}", others.join(", ")));
    }
    Ok(Once::boxed(doing, move |last| match last.outputs.get("count").map(String::as_str) {
        None | Some("0") => missing("there is no coverage in Cobertura's XML".to_owned()),
        Some(_) => Done::default(),
    }))
}
