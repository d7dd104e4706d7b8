//! Keys of GitLab jobs that were refused once: coverage, every report, expiry, tiers.

use penstock_model::job::EnvValue;
use penstock_pipeline::{AllowFailure, artifact_spec, coverage, job_env};

use crate::job_environment::context;
use crate::support::{GITLAB, must_plan, name, problems};

#[test]
fn coverage_is_found_in_the_output_by_the_jobs_regex() {
    let plan = must_plan(GITLAB, "a:\n  script: [x]\n  coverage: '/TOTAL.*? (\\d+(?:\\.\\d+)?)%/'\n");
    assert_eq!(coverage(&plan.jobs[0], ["TOTAL 1 10%", "TOTAL 2 87.5%", "done 3%"]), Some(8750));
    for (regex, why) in [("50%", "a regex between slashes is expected"), ("/(/", "the regex cannot be read")] {
        let seen = problems(GITLAB, &format!("a:\n  script: [x]\n  coverage: '{regex}'\n"));
        assert!(seen.starts_with(&format!("3:13 a.coverage: {why}")), "{seen}");
    }
}

#[test]
fn every_report_is_kept_and_artifacts_have_a_name_and_a_time() {
    let text = "
a:
  script: [x]
  artifacts:
    name: '$CI_JOB_NAME-out'
    expose_as: the pages
    expire_in: 1 week
    paths: [out]
    reports: {sast: gl-sast.json, codequality: [a.json, '$CI_JOB_NAME.json'], terraform: t.json}
b: {script: [x], artifacts: {paths: [o], expire_in: never}}
";
    let plan = must_plan(GITLAB, text);
    let env = job_env(&plan, &name("a"), &context());
    let spec = artifact_spec(&plan.jobs[0], &env);
    assert_eq!((spec.name.as_deref(), spec.exposed_as.as_deref(), spec.expire_in), (Some("a-out"), Some("the pages"), Some(7 * 86_400)));
    assert_eq!(spec.reports["codequality"], ["a.json", "a.json"]);
    assert_eq!(spec.reports.keys().map(String::as_str).collect::<Vec<_>>(), ["codequality", "sast", "terraform"]);
    assert!(plan.jobs[1].artifacts.expire_in > Some(100 * 365 * 86_400));
    let seen = problems(GITLAB, "a:\n  script: [x]\n  artifacts: {paths: [o], expire_in: soon}\n");
    assert_eq!(seen, "3:38 a.artifacts.expire_in: `soon` is no duration");
}

#[test]
fn an_environment_says_what_it_is_for_or_its_name_does() {
    let text = "
a: {script: [x], environment: {name: review/app, deployment_tier: production, action: stop}}
b: {script: [x], environment: review/app}
c: {script: [x], environment: live}
d: {script: [x], environment: mars}
";
    let plan = must_plan(GITLAB, text);
    let tier = |job: &str| match (
        &job_env(&plan, &name(job), &context())["CI_ENVIRONMENT_TIER"],
        &job_env(&plan, &name(job), &context())["CI_ENVIRONMENT_ACTION"],
    ) {
        (EnvValue::Plain(tier), EnvValue::Plain(action)) => format!("{tier} {action}"),
        _ => String::new(),
    };
    assert_eq!(["a", "b", "c", "d"].map(tier), ["production stop", "development start", "production start", "other start"]);
    assert!(problems(GITLAB, "a:\n  script: [x]\n  environment: {name: e, on_stop: b}\n").contains("`on_stop` is not carried out"));
}

#[test]
fn what_the_commit_does_not_have_reaches_later_jobs_if_it_is_kept() {
    let plan = must_plan(
        GITLAB,
        "a: {stage: build, script: [x], artifacts: {untracked: yes}}\nb: {stage: build, script: [x], artifacts: {untracked: off}}\nc: {stage: test, script: [x], allow_failure: On}\n",
    );
    let job = |wanted: &str| plan.job(&name(wanted)).unwrap();
    let kept = |wanted: &str| artifact_spec(job(wanted), &job_env(&plan, &name(wanted), &context())).untracked;
    assert_eq!((kept("a"), kept("b"), kept("c")), (true, false, false));
    assert_eq!((&job("c").artifacts_from, &job("c").allow_failure), (&vec![name("a")], &AllowFailure::Yes));
}

#[test]
fn the_options_of_a_variable_hold_for_its_value() {
    let file = |options: &str| format!("variables: {{A: {{value: x, options: {options}}}}}\na: {{script: [x]}}\n");
    assert_eq!(must_plan(GITLAB, &file("[y, x]")).variables["A"].value, "x");
    assert!(must_plan(GITLAB, &file("[]")).warnings.is_empty());
    let seen = problems(GITLAB, &file("[y, z]"));
    assert!(seen.starts_with("1:36 variables.A.options: the variable's `value` is none of its `options`"), "{seen}");
}

#[test]
fn a_job_for_pages_keeps_its_folder() {
    for (job, folders) in [
        ("pages: {script: [x], artifacts: {paths: [public]}}", &["public"][..]),
        ("pages: {script: [x]}", &["public"]),
        ("pages: {script: [x], publish: dist, artifacts: {paths: [a]}}", &["a", "dist"]),
        ("a: {script: [x], pages: true, artifacts: {paths: [public/]}}", &["public/"]),
        ("a: {script: [x], pages: {publish: out, path_prefix: $CI_COMMIT_REF_SLUG, expire_in: 1 week}}", &["out"]),
        ("a: {script: [x], pages: false}", &[]),
        ("a: {script: [x], publish: dist}", &[]),
        ("pages: {script: [x], pages: false}", &[]),
    ] {
        assert_eq!(must_plan(GITLAB, job).jobs[0].artifacts.paths, folders, "{job}");
    }
    let seen = problems(GITLAB, "a: {script: [x], publish: a, pages: {publish: b}}\n");
    assert!(seen.contains("`publish` is given here and in `pages`"), "{seen}");
}

#[test]
fn a_project_has_a_number_that_conditions_see() {
    let plan = must_plan(GITLAB, "a: {script: [x], rules: [{if: '$CI_PROJECT_ID =~ /^\\d+$/ && $CI_PROJECT_ID != \"7107382\"'}]}\n");
    let env = job_env(&plan, &name("a"), &context());
    assert!(matches!(&env["CI_PROJECT_ID"], EnvValue::Plain(id) if id.parse::<u64>().is_ok_and(|id| id > 0)), "{env:?}");
}

#[test]
fn an_empty_place_in_a_list_of_needs_is_passed_over() {
    let plan = must_plan(GITLAB, ".e: &e\n  -\na: {script: [x]}\nb: {stage: test, script: [x], needs: [*e, a]}\n");
    assert_eq!(plan.jobs[1].artifacts_from.len(), 1);
}

#[test]
fn what_lies_outside_of_the_checkout_is_told_and_nothing_of_it_kept() {
    let file = "a:\n  script: [x]\n  artifacts: {paths: [/builds/x/a, ../b, c]}\n  cache:\n    paths: [/var/lib/docker]\n";
    let told: Vec<_> = must_plan(GITLAB, file).warnings.iter().map(|warning| format!("{}:{}", warning.line, warning.message)).collect();
    let outer = |path: &str| format!("3:`{path}` is not below the checkout, and nothing of it is kept");
    assert_eq!(told, [outer("/builds/x/a"), outer("../b"), "5:`/var/lib/docker` leaves the checkout, and nothing of it is kept".into()]);
}
