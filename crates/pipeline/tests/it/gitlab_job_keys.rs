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
