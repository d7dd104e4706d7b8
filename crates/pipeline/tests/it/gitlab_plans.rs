//! What GitLab files come to.

use penstock_pipeline::{CacheKey, PlannedStep, Wait};

use crate::support::{GITLAB, WORKFLOW, must_plan, planned, push, summary};

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(summary(&must_plan(GITLAB, text)), expected);
}

#[test]
fn a_job_without_needs_waits_for_earlier_stages_and_an_empty_list_for_nothing() {
    check(
        "stages: [one, two]\na: {stage: one, script: [x]}\nb: {stage: two, script: [x]}\nc: {stage: two, needs: [], script: [x]}\nd: {stage: two, needs: [a, c], script: [x]}\n",
        "a [one] after earlier stages\nb [two] after earlier stages\nc [two] at once\nd [two] after a, c\n",
    );
}

#[test]
fn stages_order_the_plan_and_the_usual_ones_need_no_naming() {
    check(
        "c: {stage: deploy, script: [x]}\nb: {script: [x]}\na: {stage: build, script: [x]}\nz: {stage: .post, script: [x]}\np: {stage: .pre, script: [x]}\n",
        "p [.pre] after earlier stages\na [build] after earlier stages\nb [test] after earlier stages\nc [deploy] after earlier stages\nz [.post] after earlier stages\n",
    );
}

#[test]
fn the_first_rule_that_matches_decides() {
    let text = |rules: &str| format!("keep: {{script: [x]}}\na:\n  script: [x]\n  rules: {rules}\n");
    let check = |rules: &str, expected: &str| {
        let plan = must_plan(GITLAB, &text(rules));
        let lines = summary(&plan);
        let line = lines.lines().find(|line| !line.starts_with("keep")).unwrap_or_default().to_owned();
        assert_eq!(line, expected, "{rules}");
    };
    check("[{if: $CI_COMMIT_BRANCH == 'main'}]", "a [test] after earlier stages");
    check(
        "[{if: $CI_COMMIT_TAG}]",
        "without a: the rule on line 4 does not match: `$CI_COMMIT_TAG` is false (CI_COMMIT_TAG is not set); no rule matches",
    );
    check("[{if: $CI_COMMIT_TAG, when: never}, {when: always}]", "a [test] after earlier stages, always");
    check("[{when: never}, {when: always}]", "without a: the rule on line 4 says never: it has no condition");
    check("[{changes: ['src/**/*'], when: manual}]", "a [test] after earlier stages, manual");
    check(
        "[{changes: ['docs/**/*']}]",
        "without a: the rule on line 4 does not match: nothing changed that `changes` matches; no rule matches",
    );
    check("[{exists: [Cargo.toml], allow_failure: true}]", "a [test] after earlier stages, may fail");
    check("[{exists: [go.mod]}]", "without a: the rule on line 4 does not match: nothing exists that `exists` matches; no rule matches");
    check("[{if: $PROJECT == 'from project', exists: {paths: ['*.md']}}]", "a [test] after earlier stages");
    check("[]", "without a: its list of rules is empty");
    // a name that is not known stays in a pattern
    check(
        "[{exists: ['Cargo$NOPE.toml']}]",
        "without a: the rule on line 4 does not match: nothing exists that `exists` matches; no rule matches",
    );
    check("[{exists: ['{Cargo,go}.{toml,mod}']}]", "a [test] after earlier stages");
}

#[test]
fn each_job_says_why_it_is_there() {
    let plan = must_plan(
        GITLAB,
        "a:\n  script: [x]\n  rules:\n    - if: $CI_COMMIT_TAG\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n      changes: [README.md]\n",
    );
    assert_eq!(
        plan.jobs[0].because,
        [
            "the rule on line 4 does not match: `$CI_COMMIT_TAG` is false (CI_COMMIT_TAG is not set)",
            "the rule on line 5 matches: `$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH` is true (CI_COMMIT_BRANCH is \"main\", CI_DEFAULT_BRANCH is \"main\"), and `README.md` changed, which `README.md` matches",
        ]
    );
}

#[test]
fn changes_hold_for_a_new_branch_and_for_a_tag() {
    let text = "a: {script: [x], rules: [{changes: [nothing]}]}\n";
    for (changed, reference, expected) in
        [(None, "refs/heads/new", 1), (Some(vec!["x".to_owned()]), "refs/tags/v1", 1), (Some(vec!["x".to_owned()]), "refs/heads/main", 0)]
    {
        let mut event = push();
        (event.changed, event.reference) = (changed, reference.to_owned());
        assert_eq!(planned(GITLAB, text, &event).unwrap().jobs.len(), expected, "{reference}");
    }
}

#[test]
fn a_manual_job_blocks_by_a_rule_and_not_by_itself() {
    check("a: {script: [x], when: manual}\n", "a [test] after earlier stages, manual, may fail\n");
    check("a: {script: [x], when: manual, allow_failure: false}\n", "a [test] after earlier stages, manual\n");
    check("a: {script: [x], rules: [{when: manual}]}\n", "a [test] after earlier stages, manual\n");
    check("a: {script: [x], rules: [{when: manual, allow_failure: true}]}\n", "a [test] after earlier stages, manual, may fail\n");
    check("a: {script: [x], allow_failure: true, rules: [{when: manual}]}\n", "a [test] after earlier stages, manual, may fail\n");
    check("a: {script: [x], allow_failure: {exit_codes: [3, 4]}}\n", "a [test] after earlier stages, may fail with [3, 4]\n");
}

#[test]
fn parallel_makes_numbered_jobs_that_are_needed_together() {
    check(
        "a: {script: [x], parallel: 2}\nb: {script: [x], needs: [a]}\n",
        "a 1/2 [test] after earlier stages\na 2/2 [test] after earlier stages\nb [test] after a 1/2, a 2/2\n",
    );
}

#[test]
fn reports_that_nobody_reads_are_kept_beside_the_artifacts() {
    let plan = must_plan(
        GITLAB,
        "a:\n  script: [x]\n  artifacts: {name: n, expose_as: o, expire_in: 2 weeks, paths: [dist], reports: {sast: s.json, codequality: [c.json, d.json]}}\n",
    );
    let kept = &plan.jobs[0].artifacts;
    assert_eq!((&kept.paths[..], kept.reports.len()), (&["dist".to_owned()][..], 2));
}

#[test]
fn a_job_whose_tags_name_another_system_is_planned_and_fails_in_its_turn() {
    for (keys, why) in [
        ("tags: [docker, linux]", None),
        ("tags: ['$WHERE', armoury]", None),
        ("tags: [shared-windows]", Some("no runner here has the tag `shared-windows`")),
        ("tags: [saas-macos-medium-m1]", Some("no runner here has the tag `saas-macos-medium-m1`")),
        ("tags: [linux, s390x]", Some("no runner here has the tag `s390x`")),
        ("inherit: {default: false}", None),
        ("when: always", Some("no runner here has the tag `freebsd`")),
        ("tags: []", None),
    ] {
        let plan = must_plan(GITLAB, &format!("default: {{tags: [freebsd]}}\na: {{script: [x], {keys}}}\n"));
        assert_eq!(penstock_pipeline::unserved(plan.dialect, &plan.jobs[0], None).as_deref(), why, "{keys}");
    }
}

#[test]
fn a_machine_that_says_which_tags_it_has_takes_no_job_that_asks_for_another() {
    let tags = ["docker".to_owned(), "freebsd".to_owned()];
    for (keys, why) in [
        ("tags: [docker]", None),
        ("tags: [freebsd, docker]", None),
        ("tags: ['$WHERE']", None),
        ("tags: ['$NONE']", None),
        ("when: always", None),
        ("tags: [docker, linux]", Some("no runner here has the tag `linux`")),
        ("tags: [Docker]", Some("no runner here has the tag `Docker`")),
    ] {
        let plan = must_plan(GITLAB, &format!("variables: {{WHERE: docker}}\na: {{script: [x], {keys}}}\n"));
        assert_eq!(penstock_pipeline::unserved(plan.dialect, &plan.jobs[0], Some(&tags)).as_deref(), why, "{keys}");
    }
}

#[test]
fn an_optional_need_may_be_left_out() {
    check(
        "a: {script: [x], rules: [{when: never}]}\nb: {script: [x], needs: [{job: a, optional: true}]}\n",
        "b [test] at once\nwithout a: the rule on line 1 says never: it has no condition\n",
    );
}

#[test]
fn extends_anchors_merge_keys_and_references_come_together() {
    let text = "
.base: &base
  before_script: [prepare]
  variables: {A: base, B: base}
  rules: [{when: on_success}]
.other:
  variables: {B: other}
  script: &commands
    - one
    - two
merged:
  <<: *base
  script: [*commands, three]
child:
  extends: [.base, .other]
  variables: {C: child}
referring:
  script:
    - !reference [.other, script]
    - [!reference [.base, before_script], four]
  rules: !reference [.base, rules]
";
    let plan = must_plan(GITLAB, text);
    let commands = |name: &str| match &plan.jobs.iter().find(|job| job.name.as_str() == name).unwrap().steps[0] {
        PlannedStep::Script { commands } => commands.join(" "),
        _ => String::new(),
    };
    assert_eq!(commands("merged"), "prepare one two three");
    assert_eq!(commands("child"), "prepare one two");
    assert_eq!(commands("referring"), "one two prepare four");
    let child = plan.jobs.iter().find(|job| job.name.as_str() == "child").unwrap();
    let variables: Vec<String> = child.variables.iter().map(|(name, variable)| format!("{name}={}", variable.value)).collect();
    assert_eq!(variables, ["A=base", "B=other", "C=child"]);
}

#[test]
fn defaults_fill_in_what_a_job_does_not_say() {
    let text = "
default:
  image: base
  before_script: [prepare]
  after_script: [tidy]
  timeout: 10m
  retry: 1
  cache: {key: all, paths: [target]}
a: {script: [x]}
b: {script: [x], image: {name: other}, before_script: [], timeout: 1h 30m, retry: {max: 2, when: [runner_system_failure], exit_codes: 137}, cache: []}
";
    let plan = must_plan(GITLAB, text);
    let (a, b) = (&plan.jobs[0], &plan.jobs[1]);
    assert_eq!((a.image.as_ref().map(|image| &*image.image), a.timeout.as_secs(), a.retry.max, a.steps.len()), (Some("base"), 600, 1, 2));
    assert_eq!(a.caches[0].key, CacheKey::Text("all".into()));
    assert_eq!(
        (b.image.as_ref().map(|image| &*image.image), b.timeout.as_secs(), b.retry.max, &b.retry.exit_codes[..], b.caches.len()),
        (Some("other"), 5400, 2, &[137][..], 0)
    );
    assert_eq!(b.steps[0], PlannedStep::Script { commands: vec!["x".into()] });
}

#[test]
fn artifacts_and_reports_are_read_and_handed_on() {
    let text = "
stages: [one, two, three]
a:
  stage: one
  script: [x]
  artifacts:
    paths: [dist]
    exclude: ['dist/*.tmp']
    when: always
    expire_in: never
    reports:
      junit: [a.xml, 'b/*.xml']
      dotenv: build.env
      coverage_report: {coverage_format: cobertura, path: c.xml}
b: {stage: two, script: [x], artifacts: {paths: [x]}}
c: {stage: three, script: [x]}
d: {stage: three, script: [x], needs: [{job: a, artifacts: false}, b]}
e: {stage: three, script: [x], dependencies: [a]}
";
    let plan = must_plan(GITLAB, text);
    let artifacts = &plan.jobs[0].artifacts;
    assert_eq!(
        (artifacts.junit.len(), artifacts.cobertura.as_deref(), &artifacts.dotenv[..]),
        (2, Some("c.xml"), &["build.env".to_owned()][..])
    );
    let from = |index: usize| plan.jobs[index].artifacts_from.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!([from(2), from(3), from(4)], ["a b", "b", "a"]);
    assert_eq!(plan.upstream(&plan.jobs[2]).len(), 2);
    assert_eq!(plan.jobs[2].waits_for, [Wait::EarlierStages]);
}

#[test]
fn the_sample_products_own_file_is_carried_out() {
    let plan = must_plan(GITLAB, include_str!("../../../../examples/oran/.gitlab-ci.yml"));
    assert!(plan.jobs.len() > 15, "{}", summary(&plan));
    let image = plan.jobs.iter().find(|job| job.name.as_str() == "image-api-gateway").unwrap();
    assert_eq!(image.artifacts_from.iter().map(ToString::to_string).collect::<Vec<_>>(), ["compile"]);
    // it changes with its folder only
    assert!(plan.left_out.iter().any(|left| left.name == "train-policy"));
}

#[test]
fn a_plan_survives_being_stored() {
    let plan = must_plan(GITLAB, include_str!("../../../../examples/oran/.gitlab-ci.yml"));
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<penstock_pipeline::Plan>(&stored).unwrap(), plan);
}

#[test]
fn a_reference_sees_what_a_job_extends() {
    let plan = must_plan(
        GITLAB,
        ".base: {script: [one], variables: {A: a}}\n.more: {extends: .base, variables: {B: b}}\n.last: {extends: .more, script: [!reference [.base, script], two]}\na: {script: [!reference [.last, script], three], variables: !reference [.last, variables]}\nb: {extends: .last, variables: {A: !reference [.base, variables, A]}}\n",
    );
    let commands: Vec<_> = plan.jobs.iter().map(|job| job.steps.clone()).collect();
    let script = |list: &[&str]| vec![PlannedStep::Script { commands: list.iter().map(|text| (*text).to_owned()).collect() }];
    assert_eq!(commands, [script(&["one", "two", "three"]), script(&["one", "two"])]);
    for job in &plan.jobs {
        let values: Vec<_> = job.variables.iter().map(|(name, variable)| format!("{name}={}", variable.value)).collect();
        assert_eq!(values, ["A=a", "B=b"], "{}", job.name);
    }
}

#[test]
fn the_needs_of_a_rule_that_matches_replace_the_jobs() {
    let text = |job: &str| {
        format!(
            "stages: [one, two, three]\na: {{stage: one, script: [x], artifacts: {{paths: [a]}}}}\nb: {{stage: two, script: [x], artifacts: {{paths: [b]}}}}\nc: {{stage: three, script: [x], {job}}}\n"
        )
    };
    for (job, expected, from) in [
        ("needs: [a], rules: [{if: $CI, needs: [b]}]", "c [three] after b", "b"),
        ("needs: [a], rules: [{if: $NOPE, needs: [b]}, {when: always}]", "c [three] after a, always", "a"),
        ("needs: [a], rules: [{if: $NOPE, needs: [b]}, {if: $CI, needs: [a, b]}]", "c [three] after a, b", "a b"),
        ("rules: [{if: $CI, needs: [a]}]", "c [three] after a", "a"),
        ("rules: [{if: $NOPE, needs: [a]}, {if: $CI}]", "c [three] after earlier stages", "a b"),
        ("rules: [{if: $CI, needs: [{job: a, artifacts: false}, b]}]", "c [three] after a, b", "b"),
        ("rules: [{if: $CI, needs: [{job: none, optional: true}, b]}]", "c [three] after b", "b"),
        ("needs: [a, b], dependencies: [b], rules: [{if: $CI, needs: [b], when: manual}]", "c [three] after b, manual", "b"),
        ("parallel: 2, rules: [{if: $CI, needs: [a]}]", "c 1/2 [three] after a", "a"),
    ] {
        let plan = must_plan(GITLAB, &text(job));
        assert_eq!(summary(&plan).lines().nth(2).unwrap(), expected, "{job}");
        let names = plan.jobs[2].artifacts_from.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(names, from, "{job}");
    }
    let plan = must_plan(GITLAB, &text("rules: [{if: $CI, needs: [b]}]"));
    assert_eq!(plan.jobs[2].because, ["the rule on line 4 matches: `$CI` is true (CI is \"true\"); its `needs` are the job's"]);
}

#[test]
fn brackets_may_close_where_their_key_stands() {
    // libyaml and GitHub's parser let it be, though YAML forbids it
    let plan = must_plan(GITLAB, "a:\n  script: [\n    x,\n  ]\n  parallel:\n    matrix:\n      - V: [\n'1', '2',\n]\n");
    assert_eq!(plan.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["a: [1]", "a: [2]"]);
    let plan = must_plan(WORKFLOW, "on: push\njobs:\n  a:\n    runs-on: [\n      linux\n    ]\n    steps: [{run: x}]\n");
    assert_eq!(plan.jobs.len(), 1);
    // places stay those of the file
    let told = planned(GITLAB, "a:\n  script: [\n  x, {y: z}\n  ]\n", &push()).unwrap_err();
    assert!(told.contains(":3:6"), "{told}");
}
