//! Test results and coverage that other actions take in, kept as reports.

use penstock_model::job::{Chore, Work};

use super::act::{Act, Doing, Done, Inputs, Once};
use super::reports::CODECOV_BOTH;
use super::table::{BuiltIn, Known, Refusal, anything};
use crate::reader::shown;

pub(super) const MIKEPENZ: Known = Known {
    name: "mikepenz/action-junit-report",
    built_in: BuiltIn::JunitReport,
    majors: &[1, 2, 3, 4, 5, 6],
    branches: &["main"],
    inputs: &[
        "token",
        "github_token",
        "github_base_url",
        "report_paths",
        "test_files_prefix",
        "exclude_sources",
        "suite_regex",
        "annotate_only",
        "update_check",
        "check_name",
        "commit",
        "fail_on_failure",
        "fail_on_parse_error",
        "require_tests",
        "require_passed_tests",
        "include_passed",
        "include_skipped",
        "check_title_template",
        "bread_crumb_delimiter",
        "summary",
        "check_retries",
        "transformers",
        "job_summary",
        "job_summary_text",
        "detailed_summary",
        "flaky_summary",
        "verbose_summary",
        "skip_success_summary",
        "include_empty_in_summary",
        "include_time_in_summary",
        "simplified_summary",
        "group_reports",
        "group_suite",
        "comment",
        "updateComment",
        "annotate_notice",
        "follow_symlink",
        "job_name",
        "annotations_limit",
        "skip_annotations",
        "truncate_stack_traces",
        "resolve_ignore_classname",
        "skip_comment_without_tests",
        "pr_id",
    ],
    check: |inputs| unread(inputs, &["fail_on_failure", "require_passed_tests"]),
    begin: |inputs, _, _| {
        let missing = inputs.flag("require_tests", false)?;
        Ok(kept("junit", paths(&inputs, &["report_paths"], "**/junit-reports/TEST-*.xml"), missing))
    },
};

pub(super) const ENRICOMI: Known = Known {
    name: "enricomi/publish-unit-test-result-action",
    built_in: BuiltIn::PublishTests,
    majors: &[1, 2],
    branches: &["master"],
    inputs: &[
        "github_token",
        "github_token_actor",
        "github_retries",
        "ssl_verify",
        "commit",
        "check_name",
        "comment_title",
        "comment_mode",
        "fail_on",
        "action_fail",
        "action_fail_on_inconclusive",
        "files",
        "junit_files",
        "nunit_files",
        "xunit_files",
        "trx_files",
        "test_file_prefix",
        "time_unit",
        "test_file_prefix",
        "report_individual_runs",
        "report_suite_logs",
        "deduplicate_classes_by_file_name",
        "large_files",
        "ignore_runs",
        "check_run",
        "job_summary",
        "compare_to_earlier_commit",
        "pull_request_build",
        "event_file",
        "event_name",
        "test_changes_limit",
        "check_run_annotations",
        "check_run_annotations_branch",
        "seconds_between_github_reads",
        "seconds_between_github_writes",
        "secondary_rate_limit_wait_seconds",
        "json_file",
        "json_thousands_separator",
        "json_suite_details",
        "json_test_case_results",
        "search_pull_requests",
        "commit_sha",
    ],
    check: |inputs| {
        let other = ["nunit_files", "xunit_files", "trx_files", "json_file"].iter().find(|name| inputs.get(name).is_some());
        match other {
            Some(name) => Err(Refusal::input(name, format!("`{name}` is not carried out"), "have the tests written as JUnit's XML")),
            None => unread(inputs, &["action_fail", "action_fail_on_inconclusive"]),
        }
    },
    begin: |inputs, _, _| Ok(kept("junit", paths(&inputs, &["junit_files", "files"], "*.xml"), false)),
};

pub(super) const CODECOV_TESTS: Known = Known {
    name: "codecov/test-results-action",
    built_in: BuiltIn::CodecovTests,
    majors: &[1],
    branches: &["main"],
    inputs: CODECOV_BOTH,
    check: anything,
    begin: |inputs, _, _| codecov(&inputs),
};

pub(super) const COVERALLS: Known = Known {
    name: "coverallsapp/github-action",
    built_in: BuiltIn::Coveralls,
    majors: &[1, 2],
    branches: &["main", "master"],
    inputs: &[
        "github-token",
        "path-to-lcov",
        "file",
        "files",
        "format",
        "flag-name",
        "parallel",
        "parallel-finished",
        "carryforward",
        "coveralls-endpoint",
        "allow-empty",
        "base-path",
        "git-branch",
        "git-commit",
        "compare-ref",
        "compare-sha",
        "debug",
        "measure",
        "fail-on-error",
        "build-number",
        "coverage-reporter-version",
        "coverage-reporter-platform",
    ],
    check: anything,
    begin: |inputs, _, _| {
        if inputs.flag("parallel-finished", false)? {
            return Ok(super::act::Already::boxed(Done::default().note("the run's coverage is that of its jobs")));
        }
        let named = paths(&inputs, &["files", "file", "path-to-lcov"], "**/coverage.xml\n**/cobertura.xml\n**/*cobertura*.xml");
        let (read, others): (Vec<String>, Vec<String>) = named.into_iter().partition(|path| path.ends_with(".xml"));
        if read.is_empty() {
            let note = format!("##[warning]not read, since it is not Cobertura's XML: {}", others.join(", "));
            return Ok(super::act::Already::boxed(Done::default().note(note)));
        }
        Ok(kept("cobertura", read, false))
    },
};

/// Where test results lie if nobody says.
const TESTS: &str = "**/*junit*.xml\n**/TEST-*.xml\n**/*test*.xml";

/// Test results for Codecov.
pub(super) fn codecov(inputs: &Inputs) -> Result<Box<dyn Act>, String> {
    let strict = inputs.flag("fail_ci_if_error", false)?;
    let searched = match inputs.get("directory") {
        None => TESTS.to_owned(),
        Some(folder) => {
            let folder = folder.trim_start_matches("./").trim_end_matches('/');
            TESTS.lines().map(|path| format!("{folder}/{path}")).collect::<Vec<_>>().join("\n")
        }
    };
    Ok(kept("junit", paths(inputs, &["files", "file"], &searched), strict))
}

/// Whether the tests passed is read by the gate, not by the step.
fn unread(inputs: &Inputs, flags: &[&str]) -> Result<(), Refusal> {
    match flags.iter().find(|name| inputs.flag(name, false) != Ok(false)) {
        Some(name) => {
            let help = "remove it: tests that fail fail the step that runs them, and gates see the results";
            Err(Refusal::input(name, format!("`{name}` is not carried out"), help))
        }
        None => Ok(()),
    }
}

/// What the first of these inputs lists, or where it lies if none does.
fn paths(inputs: &Inputs, names: &[&str], otherwise: &str) -> Vec<String> {
    let list = names.iter().find_map(|name| inputs.get(name)).unwrap_or(otherwise);
    let trimmed = list.split([',', '\n']).map(|path| path.trim().trim_start_matches("./"));
    trimmed.filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

fn kept(kind: &'static str, paths: Vec<String>, needed: bool) -> Box<dyn Act> {
    let said = shown(&paths.join(", ")).clone();
    let doing = Doing::new(Work::Chore(Chore::Report { kind: kind.to_owned(), paths }));
    Once::boxed(doing, move |last| match last.outputs.get("count").map(String::as_str) {
        None | Some("0") if needed => Done::failed(format!("there is no report at {said}")),
        None | Some("0") => Done::default().note(format!("##[warning]there is no report at {said}")),
        Some(_) => Done::default(),
    })
}
