//! GitLab's `workflow` and `inherit`: whether there is a pipeline, and what its jobs take over.

use penstock_model::job::EnvValue;
use penstock_pipeline::{Plan, PlannedStep, PushEvent, job_env, mentions};

use crate::job_environment::context;
use crate::support::{GITLAB, must_plan, name, planned, problems, push, summary};

/// A file with a `workflow` and one job.
fn file(workflow: &str) -> String {
    format!("a:\n  script: [x]\nworkflow:\n  {workflow}\n")
}

fn value(plan: &Plan, job: &str, variable: &str) -> String {
    match job_env(plan, &name(job), &context()).get(variable) {
        Some(EnvValue::Plain(text)) => text.clone(),
        Some(EnvValue::Secret(_)) => "secret".into(),
        None => "-".into(),
    }
}

#[test]
fn a_push_that_no_workflow_rule_matches_starts_nothing_and_the_rule_is_named() {
    let here = "a [test] after earlier stages\n";
    let without = |why: &str| format!("without a: `workflow` (line 3) starts no pipeline: {why}\n");
    for (rules, expected) in [
        ("[{if: $CI_COMMIT_BRANCH == 'main'}]", here.to_owned()),
        ("[{if: $CI_COMMIT_TAG, when: never}, {when: always}]", here.to_owned()),
        ("[{if: $CI_COMMIT_TAG}]", without("no rule matches")),
        (
            "[{if: $CI_COMMIT_BRANCH, when: never}, {when: always}]",
            without("the rule on line 4 says never: `$CI_COMMIT_BRANCH` is true (CI_COMMIT_BRANCH is \"main\")"),
        ),
        ("[{changes: ['src/**/*']}]", here.to_owned()),
        ("[{changes: ['docs/**/*']}]", without("no rule matches")),
        ("[{exists: [Cargo.toml]}]", here.to_owned()),
        ("[{exists: [go.mod]}]", without("no rule matches")),
        ("[{if: $PROJECT == 'from project'}]", here.to_owned()),
        // nothing of a job is known yet
        ("[{if: $CI_JOB_NAME}]", without("no rule matches")),
    ] {
        assert_eq!(summary(&must_plan(GITLAB, &file(&format!("rules: {rules}")))), expected, "{rules}");
    }
    let plan = must_plan(GITLAB, &file("rules:\n    - if: $CI_COMMIT_TAG\n    - changes: [docs]"));
    assert!(plan.is_empty());
    assert_eq!(
        plan.because,
        [
            "the rule on line 5 does not match: `$CI_COMMIT_TAG` is false (CI_COMMIT_TAG is not set)",
            "the rule on line 6 does not match: nothing changed that `changes` matches",
            "no rule matches",
        ]
    );
    let plan = must_plan(GITLAB, &file("rules: [{when: always}]"));
    assert_eq!(plan.because, ["the rule on line 4 matches: it has no condition"]);
    assert_eq!(must_plan(GITLAB, &file("name: x")).because, [""; 0]);
}

#[test]
fn a_pipeline_that_is_not_started_needs_no_sound_choice_of_jobs_and_a_sound_file() {
    let never = "workflow: {rules: [{when: never}]}\na: {script: [x], needs: [b]}\nb: {script: [x], rules: [{when: never}]}\n";
    assert_eq!(problems(GITLAB, never), "a plan of 0 jobs");
    assert_eq!(
        problems(GITLAB, "workflow: {rules: [{when: never}]}\na: {scripts: [x], script: [x]}\n"),
        "2:5 a.scripts: `scripts` is not a key of this place"
    );
}

#[test]
fn a_workflow_rules_variables_go_over_the_files_and_under_the_jobs() {
    let text = "
variables: {A: file, B: file, C: file, PROJECT: file}
workflow:
  rules:
    - if: $A == 'other'
      variables: {A: never}
    - if: $A == 'file'
      variables: {A: 'rule of $CI_COMMIT_BRANCH', C: {value: $B, expand: false}, D: $B, PROJECT: rule}
a: {script: [x], variables: {B: job}}
b: {script: [x], rules: [{if: '$A == \"rule of main\" && $D == \"file\"', variables: {A: job rule}}]}
c: {script: [x], rules: [{if: $A == 'file'}]}
";
    let plan = must_plan(GITLAB, text);
    assert_eq!(plan.jobs.len(), 2, "{}", summary(&plan));
    for (job, variable, expected) in [
        ("a", "A", "rule of main"),
        ("a", "B", "job"),
        ("a", "C", "$B"),
        ("a", "D", "job"),
        ("a", "PROJECT", "from project"),
        ("b", "A", "job rule"),
        ("b", "D", "file"),
    ] {
        assert_eq!(value(&plan, job, variable), expected, "{job} {variable}");
    }
}

#[test]
fn a_pipelines_name_sees_the_variables_that_its_rules_see_and_those_they_set() {
    for (workflow, expected) in [
        ("name: ' Build of $CI_COMMIT_BRANCH '", "Build of main"),
        ("name: ${PROJECT} $NOT_SET!", "from project !"),
        ("name: $KIND of $WHO\n  rules: [{variables: {KIND: Release}}]\nvariables: {WHO: all}", "Release of all"),
        // nothing is left of it
        ("name: $CI_COMMIT_TAG", GITLAB),
        ("name: '$CI_JOB_NAME'", GITLAB),
    ] {
        let plan = must_plan(GITLAB, &file(workflow));
        assert_eq!(plan.name, expected, "{workflow}");
        let seen = if expected == GITLAB { "-" } else { expected };
        assert_eq!(value(&plan, "a", "CI_PIPELINE_NAME"), seen, "{workflow}");
    }
}

#[test]
fn what_of_workflow_is_not_carried_out_is_refused_where_it_stands() {
    for (workflow, expected) in [
        ("rules: [{when: manual}]", "4:18 workflow.rules[0].when: `manual` is not carried out here"),
        ("rules: [{when: on_success}]", "4:18 workflow.rules[0].when: `on_success` is not carried out here"),
        ("rules: [{when: always, needs: [a]}]", "4:26 workflow.rules[0].needs: `needs` is not carried out"),
        ("rules: [{allow_failure: true}]", "4:12 workflow.rules[0].allow_failure: `allow_failure` is not carried out"),
        ("rules: [{interruptible: true}]", "4:12 workflow.rules[0].interruptible: `interruptible` is not a key of this place"),
        (
            "rules: [{if: $A = 1}]",
            "4:19 workflow.rules[0].if: the condition cannot be read: `=` is not an operator; known: == != =~ !~ && || ( )",
        ),
        ("rules: [{if: $CI_API_V4_URL}]", "4:16 workflow.rules[0].if: GitLab's variable `CI_API_V4_URL` is not known here"),
        ("rules: {if: $A}", "4:10 workflow.rules: rules are a list, not a mapping"),
        ("auto_cancel: {on_new_commit: always}", "4:32 workflow.auto_cancel.on_new_commit: `always` is not carried out here"),
        ("auto_cancel: {on_new_commit: none, on_job_failure: none}", "a plan of 1 jobs"),
        (
            "rules: [{auto_cancel: {on_job_failure: some}}]",
            "4:42 workflow.rules[0].auto_cancel.on_job_failure: `some` is not carried out here",
        ),
        ("rules: [{auto_cancel: {on_new_commit: none}}]", "a plan of 1 jobs"),
        ("nam: x", "4:3 workflow.nam: `nam` is not a key of this place"),
        ("name: [x]", "4:9 workflow.name: text is expected here, not a list"),
        (
            "rules: [{variables: {PATH: '/opt:$PATH'}}]",
            "4:11 workflow.rules[0].variables.PATH: `PATH` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `PATH`",
        ),
        ("rules: [{variables: {A: $B}}]\nvariables: {B: $A}", "4:11 a.variables.A: variables refer to each other in a circle: A -> B -> A"),
        (
            "rules: [{variables: {GIT_STRATEGY: other}}]",
            "4:38 workflow.rules[0].variables.GIT_STRATEGY: `GIT_STRATEGY: other` is not carried out",
        ),
    ] {
        assert_eq!(problems(GITLAB, &file(workflow)), expected, "{workflow}");
    }
    assert_eq!(problems(GITLAB, "a: {script: [x]}\nworkflow: always\n"), "2:11 workflow: a mapping is expected here, not text");
    let long = file(&format!("name: {}", "n".repeat(256)));
    assert_eq!(problems(GITLAB, &long), "4:9 workflow.name: the pipeline's name has more than 255 characters");
    let long = file("name: $CI_COMMIT_MESSAGE");
    let event = PushEvent { message: "m".repeat(300), ..push() };
    assert!(planned(GITLAB, &long, &event).unwrap_err().contains("more than 255 characters"));
}

#[test]
fn a_job_inherits_of_the_defaults_what_it_says() {
    let text = |inherit: &str| {
        format!(
            "default: {{before_script: [prepare], timeout: 10m, retry: 2, artifacts: {{paths: [dist]}}}}\n\
             image: base\nafter_script: [tidy]\ncache: {{paths: [target]}}\n\
             a:\n  script: [x]\n  timeout: 20m\n{inherit}"
        )
    };
    let all = "prepare+x+tidy image 2 dist target 1200";
    let none = "x - 0 - - 1200";
    for (inherit, expected) in [
        ("", all),
        ("  inherit: {default: true}\n", all),
        ("  inherit: {variables: false}\n", all),
        ("  inherit: {}\n", all),
        ("  inherit: {default: false}\n", none),
        ("  inherit: {default: []}\n", none),
        ("  inherit: {default: [tags, services, interruptible]}\n", none),
        ("  inherit: {default: [image, retry, timeout]}\n", "x image 2 - - 1200"),
        ("  inherit:\n    default:\n      - before_script\n      - artifacts\n", "prepare+x - 0 dist - 1200"),
        ("  inherit: {default: [after_script, cache]}\n", "x+tidy - 0 - target 1200"),
        ("  extends: .t\n.t: {inherit: {default: [image]}}\n", "x image 0 - - 1200"),
        ("  extends: .t\n  inherit: {variables: false}\n.t: {inherit: {default: [image]}}\n", "x image 0 - - 1200"),
    ] {
        let plan = must_plan(GITLAB, &text(inherit));
        let job = &plan.jobs[0];
        let commands = job.steps.iter().flat_map(|step| match step {
            PlannedStep::Script { commands } | PlannedStep::AfterScript { commands } => commands.clone(),
            _ => Vec::new(),
        });
        let first = |list: Option<&String>| list.cloned().unwrap_or_else(|| "-".into());
        let seen = format!(
            "{} {} {} {} {} {}",
            commands.collect::<Vec<_>>().join("+"),
            job.image.as_ref().map_or("-", |_| "image"),
            job.retry.max,
            first(job.artifacts.paths.first()),
            first(job.caches.first().and_then(|cache| cache.paths.first())),
            job.timeout.as_secs()
        );
        assert_eq!(seen, expected, "{inherit}");
    }
}

#[test]
fn a_job_inherits_of_the_variables_what_it_says_in_rules_and_while_it_runs() {
    let plan = |inherit: &str| {
        let rule = "rules: [{if: $A == 'file', variables: {SEEN: 'yes'}}, {variables: {SEEN: 'no'}}]";
        let workflow = "workflow: {rules: [{variables: {W: workflow}}]}";
        must_plan(
            GITLAB,
            &format!(
                "variables: {{A: file, B: 'b $A'}}\n{workflow}\na:\n  script: [x]\n  variables: {{C: 'c $B', PROJECT: job}}\n  {rule}\n{inherit}"
            ),
        )
    };
    for (inherit, expected) in [
        ("", "file, b file, c b file, workflow, yes"),
        ("  inherit: {variables: true}\n", "file, b file, c b file, workflow, yes"),
        ("  inherit: {default: false}\n", "file, b file, c b file, workflow, yes"),
        ("  inherit: {variables: false}\n", "-, -, c , -, no"),
        ("  inherit: {variables: []}\n", "-, -, c , -, no"),
        ("  inherit: {variables: [A, NOT_THERE]}\n", "file, -, c , -, yes"),
        ("  inherit: {variables: [B]}\n", "-, b , c b , -, no"),
        ("  inherit: {variables: [W]}\n", "-, -, c , workflow, no"),
    ] {
        let plan = plan(inherit);
        let seen = ["A", "B", "C", "W", "SEEN"].map(|variable| value(&plan, "a", variable)).join(", ");
        assert_eq!(seen, expected, "{inherit}");
        // what is no variable of the file is not inherited by this
        assert_eq!(value(&plan, "a", "PROJECT"), "from project");
        assert_eq!(value(&plan, "a", "CI_COMMIT_BRANCH"), "main");
        let stored = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
    }
}

#[test]
fn a_secret_that_only_a_variable_names_that_is_not_inherited_is_not_mentioned() {
    let plan = must_plan(
        GITLAB,
        "variables: {A: x $TOKEN}\na: {script: [x]}\nb: {script: [x], inherit: {variables: false}}\nc: {script: [x], inherit: {variables: [A]}}\n",
    );
    assert_eq!(plan.jobs.iter().map(|job| mentions(&plan, job, "TOKEN")).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn a_plan_of_before_there_was_a_workflow_is_read_and_stays_as_it_is() {
    let plan = must_plan(GITLAB, "variables: {A: x}\na: {script: [x]}\n");
    let stored = serde_json::to_value(&plan).unwrap();
    assert!(stored.get("because").is_none() && stored["jobs"][0].get("inherited").is_none());
    assert_eq!(serde_json::from_value::<Plan>(stored).unwrap(), plan);
}

#[test]
fn what_inherit_cannot_mean_is_refused_where_it_stands() {
    for (inherit, expected) in [
        ("false", "3:12 a.inherit: a mapping is expected here, not true or false"),
        ("{default: image}", "3:22 a.inherit.default: `true`, `false` or a list is expected here, not text"),
        ("{default: [imag]}", "3:23 a.inherit.default: `imag` is not carried out here"),
        ("{default: [variables]}", "3:23 a.inherit.default: `variables` is not carried out here"),
        ("{variables: A}", "3:24 a.inherit.variables: `true`, `false` or a list is expected here, not text"),
        ("{variables: {A: true}}", "3:24 a.inherit.variables: `true`, `false` or a list is expected here, not a mapping"),
        ("{variables: [{A: x}]}", "3:25 a.inherit.variables: text is expected here, not a mapping"),
        ("{image: true}", "3:13 a.inherit.image: `image` is not a key of this place"),
    ] {
        assert_eq!(problems(GITLAB, &format!("a:\n  script: [x]\n  inherit: {inherit}\n")), expected, "{inherit}");
    }
    assert_eq!(
        problems(GITLAB, "default: {inherit: {default: false}}\na: {script: [x]}\n"),
        "1:11 default.inherit: `inherit` is not a key of this place"
    );
    // it covers only what it inherits
    assert_eq!(
        problems(GITLAB, "variables: {A: x}\na:\n  script: [x]\n  inherit: {variables: false}\n  variables: {A: 'y $A'}\n"),
        "5:15 a.variables.A: `A` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `A`"
    );
}

#[test]
fn a_push_that_starts_nothing_hears_every_rule_and_one_reason_once() {
    let whys = |text: &str| must_plan(GITLAB, text).why_empty().join("\n");
    assert_eq!(whys("a: {script: [x]}\n"), "");
    assert_eq!(
        whys("workflow:\n  rules:\n    - if: $CI_COMMIT_TAG\n      when: always\na: {script: [x]}\nb: {script: [x]}\n"),
        "`workflow` (line 1) starts no pipeline: no rule matches\n\
         the rule on line 3 does not match: `$CI_COMMIT_TAG` is false (CI_COMMIT_TAG is not set)\nno rule matches"
    );
    let never = "the rule on line 1 says never: it has no condition";
    assert_eq!(whys("a: {script: [x], rules: [{when: never}]}\n"), never);
    let many: String = (0..30).map(|n| format!("j{n}: {{script: [x], rules: [{{when: never}}]}}\n")).collect();
    assert_eq!(whys(&many).lines().count(), 10);
}
