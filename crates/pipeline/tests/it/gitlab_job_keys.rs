//! Keys of GitLab jobs that were refused once: coverage, every report, expiry, tiers.

use penstock_model::job::EnvValue;
use penstock_pipeline::{AllowFailure, artifact_spec, coverage, deployment, job_env};

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
    assert!(problems(GITLAB, "a:\n  script: [x]\n  environment: {name: e, on_stop: b}\n").contains("there is no job `b`"));
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

#[test]
fn an_environment_is_stopped_by_a_job_that_does() {
    let file = |stop: &str| {
        format!(
            "a:\n  script: [x]\n  environment: {{name: e, on_stop: stop, auto_stop_in: 1 week}}\nstop: {{script: [x], when: manual{stop}}}\n"
        )
    };
    let plan = must_plan(GITLAB, &file(", environment: {name: e, action: stop}"));
    let environment = plan.jobs[0].environment.clone().unwrap();
    assert_eq!((environment.on_stop.as_deref(), environment.auto_stop_in.as_deref()), (Some("stop"), Some("1 week")));
    for (stop, why) in [
        ("", "the job `stop` names no environment"),
        (", environment: {name: f, action: stop}", "the job `stop` is of another environment"),
        (", environment: {name: e}", "the job `stop` stops nothing"),
    ] {
        assert_eq!(problems(GITLAB, &file(stop)), format!("1:1 a.environment.on_stop: {why}"));
    }
    let alone = "a: {script: [x], environment: {name: e, on_stop: stop}}\n";
    assert_eq!(problems(GITLAB, alone), "1:1 a.environment.on_stop: there is no job `stop`");
    for (time, fine) in [("$WEEKS weeks", true), ("never", true), ("one week", true), ("soon", false), ("0 seconds", false)] {
        let file = format!("a: {{script: [x], environment: {{name: e, auto_stop_in: '{time}'}}}}\n");
        assert_eq!(!problems(GITLAB, &file).contains("is no duration"), fine, "{time}");
    }
}

/// What a job does to its environment, as `NAME ACTION TIER URL SECONDS`.
fn deployed(environment: &str) -> String {
    let plan = must_plan(GITLAB, &format!("a: {{script: [x], variables: {{V: v, WEEK: 1 week}}, environment: {environment}}}\n"));
    let env = job_env(&plan, &name("a"), &context());
    let done = deployment(&plan, &plan.jobs[0], &env, &[("ADDRESS".to_owned(), "h.example".to_owned())].into());
    done.map_or_else(String::new, |of| {
        format!("{} {:?} {} {} {}", of.environment, of.action, of.tier, of.url.unwrap_or_default(), of.stops_in.unwrap_or(0))
    })
}

#[test]
fn what_a_job_does_to_its_environment_follows_its_variables_and_reports() {
    for (environment, expected) in [
        ("e", "e Start other  0"),
        ("'review/$V'", "review/v Start development  0"),
        ("{name: 'production/$CI_COMMIT_REF_SLUG', url: 'https://$ADDRESS/$V'}", "production/main Start production https://h.example/v 0"),
        ("{name: e, deployment_tier: testing, action: prepare, auto_stop_in: $WEEK}", "e Prepare testing  604800"),
        ("{name: e, action: stop, auto_stop_in: never}", "e Stop other  0"),
        ("{name: '$NONE'}", ""),
    ] {
        assert_eq!(deployed(environment), expected, "{environment}");
    }
}

#[test]
fn a_job_asks_what_its_file_says_before_a_person_starts_it() {
    let asked = |job: &str| must_plan(GITLAB, &format!("a: {{script: [x], {job}}}\n")).jobs[0].confirmation.clone();
    assert_eq!(asked("when: manual, manual_confirmation: Is it late?").as_deref(), Some("Is it late?"));
    assert_eq!(asked("manual_confirmation: Is it late?"), None, "nobody starts it");
}

#[test]
fn a_file_says_who_may_download_artifacts_in_one_way() {
    use penstock_model::job::ArtifactAccess;
    let access = |keys: &str| must_plan(GITLAB, &format!("a: {{script: [x], artifacts: {{paths: [d]{keys}}}}}\n")).jobs[0].artifacts.access;
    for (keys, who) in [
        ("", ArtifactAccess::All),
        (", public: true", ArtifactAccess::All),
        (", public: false", ArtifactAccess::Developer),
        (", access: all", ArtifactAccess::All),
        (", access: developer", ArtifactAccess::Developer),
        (", access: maintainer", ArtifactAccess::Maintainer),
        (", access: none", ArtifactAccess::None),
    ] {
        assert_eq!(access(keys), who, "{keys}");
    }
}
